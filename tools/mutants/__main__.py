"""`make mutants`: put one small fault after the other into the code and see which tests notice.

`ROOM=rules` tries one room, `SAMPLE=200` so many of each room, drawn by the seed. Survivors that
change nothing that is promised are listed with their reason in tools/mutants/argued.toml; any other
survivor counts against the score. Exit 1 below 90 %.
"""

import argparse
import os
import random
import shutil
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from tools.mutants.baseline import Baseline, measure
from tools.mutants.mutations import Mutant, mutants
from tools.mutants.trial import Fate, Trial

HOUSE = Path(__file__).parents[2]
FOLDER = HOUSE / "build/mutants"
ARGUED = Path(__file__).with_name("argued.toml")
MARK_PERCENT = 90
ROOMS = {
    "rules": (["device/bodycam/rules"], ["tests/rules"]),
    "media": (["device/bodycam/media"], ["tests/media"]),
    "evidence": (["device/bodycam/evidence"], ["tests/evidence", "tests/station/test_vectors.py"]),
    "messages": (["device/bodycam/messages"], ["tests/messages"]),
    "vault": (
        ["device/bodycam/recorder/vault.py"],
        ["tests/recorder/test_vault.py", "tests/recorder/test_writer.py"],
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
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    baseline = measure(HOUSE, folder, tests)
    _control(modules, baseline)
    made = [mutant for module in modules for mutant in _mutants(HOUSE / module)]
    chosen = made
    if args.sample and args.sample < len(made):
        chosen = random.Random(args.seed).sample(made, args.sample)
    fates: Counter[Fate] = Counter()
    left: list[tuple[Mutant, Fate]] = []
    explained = 0
    for mutant, fate in _tried(chosen, baseline, args.jobs):
        fates[fate] += 1
        if fate not in (Fate.KILLED, Fate.TOO_SLOW):
            if mutant.name in argued:
                explained += 1
            else:
                left.append((mutant, fate))
    counted = len(chosen) - explained
    score = 100 * (counted - len(left)) / counted
    for mutant, fate in sorted(left, key=lambda one: one[0].name):
        print(f"  {fate.value:<9} {mutant.name}  (line {mutant.lines[0]})")
    print(
        f"{room:<9} {len(chosen)} of {len(made)} mutants: {fates[Fate.KILLED]} killed, "
        f"{fates[Fate.TOO_SLOW]} too slow, {explained} argued, {len(left)} left: "
        f"{score:.1f} % (mark {MARK_PERCENT} %)",
        flush=True,
    )
    return score >= MARK_PERCENT


def _control(modules: Sequence[str], baseline: Baseline) -> None:
    """A module without a fault must survive, or a killed mutant says nothing."""
    for module in modules:
        place = HOUSE / module
        path = place if place.is_file() else max(place.glob("*.py"), key=lambda p: p.stat().st_size)
        name = str(path.relative_to(HOUSE))
        sound = Mutant(name, "", (1, 1), "", "", 0, path.read_text())
        tests = baseline.tests(name, 1, 1_000_000)
        ((_, fate),) = _tried([sound], Baseline(baseline.seconds, {name: {1: frozenset(tests)}}), 1)
        if fate is not Fate.SURVIVED:
            raise RuntimeError(f"{name} does not survive without a fault: {fate.value}.")


def _mutants(place: Path) -> Iterator[Mutant]:
    for path in [place] if place.is_file() else sorted(place.glob("*.py")):
        yield from mutants(str(path.relative_to(HOUSE)), path.read_text())


def _tried(
    chosen: Sequence[Mutant], baseline: Baseline, jobs: int
) -> Iterator[tuple[Mutant, Fate]]:
    running: list[Trial] = []
    waiting = list(reversed(chosen))
    done = 0
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                mutant = waiting.pop()
                tests = baseline.tests(mutant.path, *mutant.lines)
                if not tests:
                    yield mutant, Fate.UNREACHED
                    continue
                limit_s = 20 + 5 * sum(baseline.seconds.get(name, 0.0) for name in tests)
                running.append(Trial(HOUSE, mutant, tests, limit_s))
            for trial in list(running):
                fate = trial.fate()
                if fate is not None:
                    running.remove(trial)
                    done += 1
                    if sys.stderr.isatty() and done % 10 == 0:
                        print(f"\r{done} of {len(chosen)}", end="", file=sys.stderr)
                    yield trial.mutant, fate
            time.sleep(0.005)
    finally:
        for trial in running:
            trial.end()
        shutil.rmtree(FOLDER / "tmp", ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
