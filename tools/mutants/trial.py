"""One mutant, one process, which runs the tests that concern it. No file is changed.

`cold` is the way of a mutant that matters while modules are imported: forked with nothing but the
libraries loaded, it gives the fault to Python's import as the module's source.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from tools.mutants.mutations import Mutant

MEMORY_BYTES = 3 << 30
"""A fault that makes a loop endless must not take the machine's memory."""

TEMPORARY = f"build/mutants/tmp/{os.getpid()}"
"""One of these for each run of the tool: when a run ends, another may go on."""
OPTIONS = (
    *("-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-cov"),
    *("--hypothesis-seed=0", "-o", "faulthandler_timeout=0"),
    # Libraries that were loaded before the fork cannot be rewritten, and need not be.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


class Fate(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    UNREACHED = "unreached"
    """No test runs its line."""
    TOO_SLOW = "too slow"
    """Its tests did not end in time: killed, too."""


class Trial:
    """A mutant that is being tried."""

    def __init__(self, mutant: Mutant, run: Callable[[], int], limit_s: float) -> None:
        """`run` returns 0 in the fork where its tests notice nothing."""
        self.mutant = mutant
        self._until_s = time.monotonic() + limit_s
        self._pid = os.fork()
        if not self._pid:
            code = 99
            try:
                code = run()
            finally:
                os._exit(code)

    def fate(self) -> Fate | None:
        """None while its tests run."""
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            return Fate.SURVIVED if code == 0 else Fate.KILLED
        if time.monotonic() < self._until_s:
            return None
        self.end()
        return Fate.TOO_SLOW

    def end(self) -> None:
        """Kill it, and all that it started."""
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def alone(house: Path) -> None:
    """Take this fork away from what started it: terminal, process group, temporary files."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.chdir(house)
    place = house / TEMPORARY / str(os.getpid())
    place.mkdir(parents=True, exist_ok=True)
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(place)
    # What hypothesis found for one mutant must not help with another.
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(place / "hypothesis")


def cold(house: Path, mutant: Mutant, tests: Sequence[str]) -> int:
    """Import, collect and run, all with the fault, file by file; pytest's exit code."""
    alone(house)
    sys.meta_path.insert(0, _Finder(house / mutant.path, mutant.source))
    code = 0
    for file in dict.fromkeys(name.partition("::")[0] for name in tests):
        code = code or int(pytest.main([*OPTIONS, "-x", file], plugins=[_Only(tests)]))
    return code


class _Only:
    """Runs the chosen tests only, in their order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._rank = {name: number for number, name in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._rank]
        items[:] = sorted(chosen, key=lambda item: self._rank[item.nodeid])


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, path: Path, source: str) -> None:
        parts = path.with_suffix("").parts
        self._name = ".".join(parts[max(parts.index(r) for r in _ROOTS if r in parts) :])
        self._path, self._source = path, source

    def find_spec(
        self, fullname: str, path: object, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        loader = _Loader(fullname, str(self._path))
        loader.source = self._source
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    source = ""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec", dont_inherit=True)


_ROOTS = ("bodycam",)
