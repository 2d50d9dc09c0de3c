"""`make mutants`: put one small fault after the other into the code and see which tests notice.

`ROOM=rules` tries one room, `SAMPLE=200` so many of each room, drawn by the seed. Survivors that
change nothing that is promised are listed with their reason in tools/mutants/argued.toml; any other
survivor counts against the score. Exit 1 below 90 %.
"""

import argparse
import ast
import os
import random
import shutil
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path

from tools.mutants import warm
from tools.mutants.baseline import Baseline, measure
from tools.mutants.mutations import Mutant, mutants
from tools.mutants.trial import TEMPORARY, Fate, Trial, cold

HOUSE = Path(__file__).parents[2]
FOLDER = HOUSE / "build/mutants"
ARGUED = Path(__file__).with_name("argued.toml")
LEFT = "left.txt"
MARK_PERCENT = 90
ROOMS = {
    # Not the four laws: the whole of them takes a minute, and each survivor would need it.
    "rules": (
        ["device/bodycam/rules"],
        [
            f"tests/rules/test_{name}.py"
            for name in ("asked", "contacts", "cues", "machine", "policy", "rules_page", "shifts")
        ]
        + ["tests/rules/test_table.py", "tests/test_faults_page.py"],
    ),
    "media": (["device/bodycam/media"], ["tests/media"]),
    "evidence": (["device/bodycam/evidence"], ["tests/evidence", "tests/station/test_vectors.py"]),
    "messages": (["device/bodycam/messages"], ["tests/messages", "tests/link/test_contract.py"]),
    "vault": (
        ["device/bodycam/recorder/vault.py"],
        [f"tests/recorder/test_{name}.py" for name in ("vault", "writer", "clearance", "recovery")],
    ),
}
"""Where faults are put, and the tests that are to notice them."""
LIBRARIES = ("av", "numpy", "cryptography.x509", "hypothesis", "jsonschema", "pyrage")
"""Loaded once, before the forks: all that is not ours and takes time."""


def main() -> int:
    """Try the mutants; 1 where too many survive."""
    parser = argparse.ArgumentParser(prog="tools.mutants", description=__doc__)
    parser.add_argument("--room", choices=["", *ROOMS], default="", metavar="NAME")
    parser.add_argument("--sample", type=int, default=0, help="of each room; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="only those that were left last time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    for library in LIBRARIES:
        import_module(library)
    argued: dict[str, str] = tomllib.loads(ARGUED.read_text())
    good = True
    for room in [args.room] if args.room else ROOMS:
        good = _room(room, args, argued) and good
    return 0 if good else 1


def _room(room: str, args: argparse.Namespace, argued: dict[str, str]) -> bool:
    modules, tests = ROOMS[room]
    folder = FOLDER / room
    folder.mkdir(parents=True, exist_ok=True)
    baseline = measure(HOUSE, folder, tests)
    bench = _Bench(baseline, tests, args.jobs)
    made = [mutant for module in modules for mutant in _mutants(HOUSE / module)]
    chosen = made
    if args.again:
        names = (folder / LEFT).read_text().splitlines()
        chosen = [mutant for mutant in made if mutant.name in names]
    elif args.sample and args.sample < len(made):
        chosen = random.Random(args.seed).sample(made, args.sample)
    bench.control({mutant.path for mutant in chosen})
    fates: Counter[Fate] = Counter()
    left: list[tuple[Mutant, Fate]] = []
    explained = 0
    for mutant, fate in bench.tried(chosen):
        fates[fate] += 1
        if sys.stderr.isatty():
            print(f"\r{fates.total()} of {len(chosen)} ", end="", file=sys.stderr, flush=True)
        if fate not in (Fate.KILLED, Fate.TOO_SLOW):
            if mutant.name in argued:
                explained += 1
            else:
                left.append((mutant, fate))
                print(f"  {fate.value:<9} {mutant.name}  (line {mutant.lines[0]})", flush=True)
    counted = len(chosen) - explained
    score = 100 * (counted - len(left)) / max(1, counted)
    left.sort(key=lambda one: (one[0].path, one[0].lines))
    (folder / LEFT).write_text("".join(f"{mutant.name}\n" for mutant, _ in left))
    print(
        f"{room:<9} {len(chosen)} of {len(made)} mutants: {fates[Fate.KILLED]} killed, "
        f"{fates[Fate.TOO_SLOW]} too slow, {explained} argued, {len(left)} left: "
        f"{score:.1f} % (mark {MARK_PERCENT} %)",
        flush=True,
    )
    return score >= MARK_PERCENT


def _mutants(place: Path) -> Iterator[Mutant]:
    for path in [place] if place.is_file() else sorted(place.glob("*.py")):
        yield from mutants(str(path.relative_to(HOUSE)), path.read_text())


class _Bench:
    """Where mutants of a room are tried, so many at a time."""

    def __init__(self, baseline: Baseline, files: Sequence[str], jobs: int) -> None:
        self._baseline, self._files, self._jobs = baseline, files, jobs

    def control(self, paths: Iterable[str]) -> None:
        """A module without a fault must survive, or a killed mutant says nothing."""
        sound = [Mutant(path, "", (1, 1_000_000), "", "", 0, _sound(path)) for path in paths]
        for ways in ((sound, ()), ((), sound)):
            for mutant, fate in self._both(*ways):
                if fate is Fate.KILLED or fate is Fate.TOO_SLOW:
                    raise RuntimeError(f"{mutant.path} does not survive as it is: {fate.value}.")

    def tried(self, chosen: Sequence[Mutant]) -> Iterator[tuple[Mutant, Fate]]:
        """The fates, in the order in which they come."""
        warmly = [mutant for mutant in chosen if self._warmly(mutant)]
        names = {mutant.name for mutant in warmly}
        yield from self._both(warmly, [mutant for mutant in chosen if mutant.name not in names])

    def _both(
        self, warmly: Sequence[Mutant], coldly: Sequence[Mutant]
    ) -> Iterator[tuple[Mutant, Fate]]:
        if warmly:
            yield from warm.tried(HOUSE, self._files, warmly, lambda run: self._driven(warmly, run))
        yield from self._driven(coldly, lambda mutant, tests: cold(HOUSE, mutant, tests))

    def _warmly(self, mutant: Mutant) -> bool:
        at_import = self._baseline.at_import.get(mutant.path, frozenset())
        first, last = mutant.lines
        return at_import.isdisjoint(range(first, last + 1)) and warm.swaps(
            mutant, _sound(mutant.path)
        )

    def _driven(self, chosen: Sequence[Mutant], run: warm.Run) -> Iterator[tuple[Mutant, Fate]]:
        running: list[Trial] = []
        waiting = list(reversed(chosen))
        try:
            while waiting or running:
                while waiting and len(running) < self._jobs:
                    mutant = waiting.pop()
                    tests = self._baseline.tests(mutant.path, *mutant.lines)
                    if not tests:
                        yield mutant, Fate.UNREACHED
                        continue
                    seconds = sum(self._baseline.seconds.get(name, 0.0) for name in tests)
                    running.append(Trial(mutant, partial(run, mutant, tests), 20 + 5 * seconds))
                for trial in list(running):
                    fate = trial.fate()
                    if fate is not None:
                        running.remove(trial)
                        yield trial.mutant, fate
                time.sleep(0.005)
        finally:
            for trial in running:
                trial.end()
            shutil.rmtree(HOUSE / TEMPORARY, ignore_errors=True)


@cache
def _sound(path: str) -> str:
    """A module's source as a mutant's would be without its fault."""
    return ast.unparse(ast.parse((HOUSE / path).read_text()))


if __name__ == "__main__":
    sys.exit(main())
