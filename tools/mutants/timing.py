"""A pytest plugin: writes how long each test took to the file that MUTANTS_SECONDS names."""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

_seconds: dict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Setup, call and teardown together."""
    _seconds[report.nodeid] += report.duration


def pytest_sessionfinish() -> None:
    """At the end."""
    Path(os.environ["MUTANTS_SECONDS"]).write_text(json.dumps(_seconds))
