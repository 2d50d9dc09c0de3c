"""Scripted shifts, each played once for all tests that look at it, whatever process they run in.

They are played with the smallest picture, which changes nothing in their transcripts.
"""

import fcntl
import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from bodycam_sim.overlay import read_counter, read_flash
from bodycam_sim.run import as_json, run

HOUSE = Path(__file__).parents[1]
SCENARIOS = HOUSE / "sim" / "scenarios"
POLICIES = HOUSE / "config" / "policies"
TRANSCRIPTS = Path(__file__).parent / "sim" / "transcripts"
NAMES = sorted(path.stem for path in SCENARIOS.glob("*.toml"))
SMALL = "\n[picture]\nwidth = 160\nheight = 90\n"

FPS = 30
"""Of every policy that the scenarios name."""


@dataclass(frozen=True)
class Recorded:
    """A recording as `--json` tells of it: exactly these keys."""

    id: str
    path: str
    mp4: str | None
    segments: int
    frames: int
    first_frame: int | None
    last_frame: int | None
    seconds: float
    pre_record_s: float
    warning: dict[str, object] | None
    integrity: str
    provenance: str
    anchoring: str

    @property
    def film(self) -> "Film":
        """Decoded once for all tests."""
        assert self.mp4 is not None
        decoded = Path(self.mp4).with_suffix(".decoded")
        if not decoded.exists():
            new = decoded.with_suffix(f".{os.getpid()}")
            new.write_text(json.dumps(asdict(_decoded(Path(self.mp4)))))
            new.replace(decoded)
        return Film(**json.loads(decoded.read_text()))


@dataclass(frozen=True)
class Shift:
    """What playing a scenario left."""

    out: Path
    text: str
    fields: dict[str, object]

    @property
    def recordings(self) -> list[Recorded]:
        recordings = self.fields["recordings"]
        assert isinstance(recordings, list)
        return [Recorded(**one) for one in recordings]

    def told(self, pattern: str) -> list[tuple[float, str]]:
        """The moments of the transcript that hold a pattern: when, and the whole line."""
        lines = [line for line in self.text.splitlines() if re.search(pattern, line)]
        return [(float(line[:9]), line) for line in lines]

    def moment(self, pattern: str) -> float:
        """When the one moment was that holds a pattern."""
        ((at_s, _),) = self.told(pattern)
        return at_s

    def last_pictures(self, *stops_s: float) -> list[int]:
        """The last picture that belongs to each stop, when the contact was let go at these times.

        A release counts after 0.2 s without bouncing.
        """
        found = re.findall(r"kept until ([\d.]+), picture", self.text)
        untils_s = [float(until) for until in found]
        assert len(untils_s) == len(stops_s)
        for until_s, stop_s in zip(untils_s, stops_s, strict=True):
            assert 0.2 < until_s - stop_s < 0.24
        return [int(until_s * FPS) for until_s in untils_s]


@dataclass(frozen=True)
class Film:
    """What FFmpeg makes of an exported MP4; all times are world times by the film's own clock."""

    counters: list[int]
    """Of every picture, read from the picture."""
    times_s: list[float]
    flashes_s: list[float]
    """When the patch becomes lit."""
    beeps_s: list[float]
    """When a beep begins after at least 0.3 s without one."""
    sound_s: list[tuple[float, float]]
    """Begin and end of each stretch of sound."""

    @property
    def missing(self) -> list[tuple[int, int]]:
        """First and last of each stretch of pictures that is not there."""
        return [(a + 1, b - 1) for a, b in pairwise(self.counters) if b != a + 1]


def _decoded(mp4: Path) -> Film:
    counters, times_s, flashes_s = [], [], []
    lit = True
    with av.open(str(mp4)) as container:
        for picture in container.decode(video=0):
            gray = picture.to_ndarray()[: picture.height, : picture.width].astype(np.uint8)
            counter = read_counter(gray)
            assert counter is not None
            assert picture.time is not None
            counters.append(counter)
            times_s.append(picture.time)
            if lit < (lit := read_flash(gray)):
                flashes_s.append(picture.time)
        sound = bool(container.streams.audio)
    beeps_s, sound_s = _heard(mp4) if sound else ([], [])
    began_s = counters[0] / FPS - times_s[0]
    return Film(
        counters,
        [began_s + t for t in times_s],
        [began_s + t for t in flashes_s],
        [began_s + t for t in beeps_s],
        [(began_s + begin_s, began_s + end_s) for begin_s, end_s in sound_s],
    )


def _heard(mp4: Path) -> tuple[list[float], list[tuple[float, float]]]:
    """When beeps begin, and the stretches of sound, both by the film's clock."""
    beeps_s: list[float] = []
    sound_s: list[tuple[float, float]] = []
    quiet_since_s = 0.0
    with av.open(str(mp4)) as container:
        for frame in container.decode(audio=0):
            samples, at_s = frame.to_ndarray()[0], frame.time
            assert at_s is not None
            end_s = at_s + frame.samples / frame.sample_rate
            if sound_s and at_s - sound_s[-1][1] < 0.03:
                sound_s[-1] = (sound_s[-1][0], end_s)
            else:
                sound_s.append((at_s, end_s))
                quiet_since_s = at_s
            loud = np.flatnonzero(np.abs(samples) > 0.2)
            if len(loud):
                loud_s = at_s + int(loud[0]) / frame.sample_rate
                if loud_s - quiet_since_s > 0.3:
                    beeps_s.append(loud_s)
                quiet_since_s = end_s
    return beeps_s, sound_s


def play(name: str, shared: Path) -> Shift:
    """A scenario of the house: played, unless another test has done it already."""
    out, script = shared / name, shared / f"{name}-script" / f"{name}.toml"
    script.parent.mkdir(parents=True, exist_ok=True)
    with (script.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = script.parent / "done.json"
        if not done.exists():
            script.write_text((SCENARIOS / script.name).read_text() + SMALL)
            shutil.copytree(SCENARIOS / "policies", script.parent / "policies", dirs_exist_ok=True)
            done.write_text(as_json(run(script, out, policies=POLICIES, workers=0)))
    return Shift(out, (out / "transcript.txt").read_text(), json.loads(done.read_text()))


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes of a test run."""
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shifts"


def keyframe_at_or_before(at_s: float, first: int, gop: int = FPS) -> int:
    """The picture from which a ring that began with `first` is kept, with regular keyframes."""
    wanted = int(Fraction(at_s) * FPS)
    return first + max(0, wanted - first) // gop * gop
