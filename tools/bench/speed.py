"""How fast the simulator runs a scenario: from the command to films and verdicts."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools.bench.children import HOUSE

_SCENARIO = """\
about = "Made by the bench: half of it standby, then a warning and a recording."
seconds = {seconds}
steps = [
  "{press} record 0.2",
  "{stop} record 4.0",
]
[picture]
width = {width}
height = {height}
kbps = {kbps}
"""


@dataclass(frozen=True, slots=True)
class World:
    """A scenario of this length and with this picture."""

    seconds: int
    width: int
    height: int
    kbps: int


def times_real(world: World, folder: Path) -> float:
    """Seconds of the world per second of the command, its start and the hand-over included."""
    path, out = folder / "bench.toml", folder / "world"
    values = {"seconds": world.seconds, "press": world.seconds // 2, "stop": world.seconds - 5}
    picture = {"width": world.width, "height": world.height, "kbps": world.kbps}
    path.write_text(_SCENARIO.format(**values, **picture))
    words = [sys.executable, "-m", "bodycam_sim.cli", "scenario", str(path), "--out", str(out)]
    began_s = time.monotonic()
    done = subprocess.run(words, cwd=HOUSE, capture_output=True, text=True, check=False)
    spent_s = time.monotonic() - began_s
    if done.returncode:
        raise RuntimeError(f"bodycam-sim ended with {done.returncode}: {done.stderr.strip()}")
    shutil.rmtree(out)
    return world.seconds / spent_s
