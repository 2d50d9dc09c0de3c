"""One mutant, one process: forked with the libraries loaded, it runs the tests that concern it.

The fault is given to Python's import as the module's source; no file is changed.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from tools.mutants.mutations import Mutant

MEMORY_BYTES = 3 << 30
"""A fault that makes a loop endless must not take the machine's memory."""


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

    def __init__(self, house: Path, mutant: Mutant, tests: Sequence[str], limit_s: float) -> None:
        self.mutant = mutant
        self._until_s = time.monotonic() + limit_s
        self._pid = os.fork()
        if not self._pid:
            code = 99
            try:
                code = _run(house, mutant, tests)
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


def _run(house: Path, mutant: Mutant, tests: Sequence[str]) -> int:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.chdir(house)
    sys.meta_path.insert(0, _Finder(house / mutant.path, mutant.source))
    files = sorted({name.partition("::")[0] for name in tests})
    base = house / "build/mutants/tmp" / str(os.getpid())
    base.parent.mkdir(parents=True, exist_ok=True)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-cov"]
    options += ["--hypothesis-seed=0", f"--basetemp={base}", "-o", "faulthandler_timeout=0"]
    # Libraries that were loaded before the fork cannot be rewritten, and need not be.
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *files], plugins=[_Only(tests)]))


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
