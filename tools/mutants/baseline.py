"""Which tests run which lines, and how long each takes: measured once, on the code as it is."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coverage import CoverageData


@dataclass(frozen=True, slots=True)
class Baseline:
    """The tests of the code as it is."""

    seconds: Mapping[str, float]
    """Of each test, by its pytest name."""
    lines: Mapping[str, Mapping[int, frozenset[str]]]
    """By module and line: the tests that run it."""
    at_import: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """By module: the lines that ran before any test."""

    def tests(self, path: str, first: int, last: int) -> list[str]:
        """The tests that run one of the lines, the quickest first.

        A line that runs only while its module is imported concerns the tests that run anything of
        that module, and after them all others: a table is used elsewhere.
        """
        module = self.lines.get(path, {})
        found = {name for line in range(first, last + 1) for name in module.get(line, ())}
        if found or not self._at_import(path, first, last):
            return self._quickest_first(found)
        near = {name for names in module.values() for name in names}
        return self._quickest_first(near) + self._quickest_first(self.seconds.keys() - near)

    def _quickest_first(self, names: Iterable[str]) -> list[str]:
        return sorted(names, key=lambda name: (self.seconds.get(name, 0.0), name))

    def _at_import(self, path: str, first: int, last: int) -> bool:
        return not self.at_import.get(path, frozenset()).isdisjoint(range(first, last + 1))


def measure(house: Path, folder: Path, tests: Iterable[str]) -> Baseline:
    """Run the tests once with coverage by test; RuntimeError where one fails."""
    data_file, times_file = folder / "coverage", folder / "seconds.json"
    env = {**os.environ, "COVERAGE_FILE": str(data_file), "MUTANTS_SECONDS": str(times_file)}
    env["PYTHONPATH"] = str(house)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.mutants.timing", *tests]
    command += ["--cov", "--cov-context=test", "--cov-report=", "--hypothesis-seed=0"]
    command += ["-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(command, check=False, cwd=house, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"The tests fail without any fault put in:\n{done.stdout[-3000:]}")
    data = CoverageData(str(data_file))
    data.read()
    lines: dict[str, Mapping[int, frozenset[str]]] = {}
    at_import: dict[str, frozenset[int]] = {}
    for file in data.measured_files():
        path = str(Path(file).relative_to(house))
        by_line: dict[int, frozenset[str]] = defaultdict(frozenset)
        contexts_by_line = data.contexts_by_lineno(file)
        at_import[path] = frozenset(line for line, names in contexts_by_line.items() if "" in names)
        for line, contexts in contexts_by_line.items():
            names = frozenset(name.rpartition("|")[0] for name in contexts if name)
            if names:
                by_line[line] = names
        lines[path] = by_line
    return Baseline(json.loads(times_file.read_text()), lines, at_import)
