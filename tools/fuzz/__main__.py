"""`make fuzz SECONDS=60`: search for bytes that a reader does not stand; `TARGET=line` for one.

Atheris searches with coverage where there is a wheel of it; elsewhere seeds are spoilt at random.
What is found is written to build/fuzz/<target>/ and belongs into tests/fuzz/corpus/<target>/ when
the reader has been mended.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

HOUSE = Path(__file__).parents[2]
sys.path.insert(0, str(HOUSE / "tests"))
FOLDER = HOUSE / "build/fuzz"
SITE = FOLDER / "site"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
MAX_LEN = 16 * 1024
"""Bytes of an input; libFuzzer grows them slowly."""


def main() -> int:
    """Every target for its part of the time; 1 where something was found."""
    from tools.fuzz.keeping import keep

    from fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="tools.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--target", default="", choices=["", *TARGETS], metavar="NAME")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--keep", action="store_true", help="put what reached further into tests/fuzz/corpus"
    )
    args = parser.parse_args()
    names = [args.target] if args.target else list(TARGETS)
    searching = installed()
    if not searching:
        print("fuzz: there is no wheel of atheris for this machine; seeds are spoilt at random.")
    seconds = max(1, args.seconds // len(names))
    found = []
    for name in names:
        folder = FOLDER / name
        (folder / "corpus").mkdir(parents=True, exist_ok=True)
        (folder / "seeds").mkdir(exist_ok=True)
        for number, seed in enumerate(TARGETS[name].seeds()):
            (folder / "seeds" / str(number)).write_bytes(seed[:MAX_LEN])
        runs, crash = (search if searching else spoil)(name, seconds, args.seed)
        print(f"{name:<12} {runs:>9} runs in {seconds} s: {crash or 'nothing'}", flush=True)
        found += [name] if crash else []
        if args.keep:
            inputs = (path.read_bytes() for path in (folder / "corpus").iterdir())
            print(f"{'':<12} {keep(name, inputs):>9} kept")
    if found:
        print(f"Found something in: {', '.join(found)}. See {FOLDER.relative_to(HOUSE)}.")
    return 1 if found else 0


def installed() -> bool:
    """Whether atheris is there, or could be put into build/fuzz/site."""
    wanted = REQUIREMENTS.read_text()
    mark = SITE / "made-from"
    if mark.exists() and mark.read_text() == wanted:
        return True
    SITE.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--upgrade"]
    command += ["--target", str(SITE), "-r", str(REQUIREMENTS)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        return False
    mark.write_text(wanted)
    return True


def search(name: str, seconds: int, seed: int) -> tuple[int, str]:
    """With coverage, in a process of its own, for libFuzzer ends the one that it is in."""
    folder = FOLDER / name
    command = [sys.executable, "-m", "tools.fuzz.searching", name, f"-max_total_time={seconds}"]
    command += [f"-seed={seed}", f"-max_len={MAX_LEN}", "-timeout=10", "-rss_limit_mb=2048"]
    command += [f"-artifact_prefix={folder}/", "-print_final_stats=1"]
    command += [str(folder / "corpus"), str(folder / "seeds")]
    path = f"{SITE}{os.pathsep}{HOUSE / 'tests'}"
    done = subprocess.run(
        command,
        check=False,
        cwd=HOUSE,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    (folder / "log").write_text(done.stdout)
    runs = 0
    for line in done.stdout.splitlines():
        if line.startswith("stat::number_of_executed_units:"):
            runs = int(line.split()[-1])
    return runs, f"see {(folder / 'log').relative_to(HOUSE)}" if done.returncode else ""


def spoil(name: str, seconds: int, seed: int) -> tuple[int, str]:
    """Without coverage: seeds with a few bytes changed."""
    from fuzz.targets import TARGETS, spoilt

    target, chance = TARGETS[name], random.Random(seed)
    seeds = list(target.seeds())
    until, runs = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        data = spoilt(chance.choice(seeds), chance, 8)
        runs += 1
        try:
            target.run(data)
        except Exception as error:  # noqa: BLE001  whatever it is, it is what is looked for
            (FOLDER / name / "crash").write_bytes(data)
            return runs, f"{type(error).__name__}: {error}"
    return runs, ""


if __name__ == "__main__":
    sys.exit(main())
