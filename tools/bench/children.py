"""Runs a part of the bench in a fresh process, so that no other part is measured with it."""

import json
import subprocess
import sys
from pathlib import Path

from tools.bench.serving import Told

HOUSE = Path(__file__).parents[2]
_TIMEOUT_S = 600
_CODE = "import sys; from tools.bench.serving import serve; serve(sys.argv[1:])"


_BARE = """\
import os, time
pages = int(open("/proc/self/statm").read().split()[1])
print(time.process_time() * 1000, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
"""


def bare() -> tuple[float, float]:
    """CPU ms and MiB of a process that does nothing but start."""
    done = subprocess.run([sys.executable, "-c", _BARE], capture_output=True, check=True)
    ms, mib = map(float, done.stdout.split())
    return ms, mib


def child(part: str, *words: object) -> Told:
    """Run a function of this package (`module.function`) on these words; returns what it tells."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE, part, *map(str, words)],
        cwd=HOUSE,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    if done.returncode:
        raise RuntimeError(f"{part} ended with {done.returncode}; its last words are above")
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told
