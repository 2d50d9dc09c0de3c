"""A day of shifts: twenty-four hours of the real recorder, in the simulator's time.

The encoder gives one small GOP of real H.264 again and again; all else is what runs on the camera.
"""

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import cast

import pytest

from bodycam.evidence.enrolment import make_request, read_bundle
from bodycam.media.packets import SECOND
from bodycam.recorder.assembly import Owner
from bodycam.recorder.writer import Writer
from bodycam.rules.policy import read_policy
from bodycam_sim.boot import BEGAN_UTC_S
from bodycam_sim.encoder import GopWorkers
from bodycam_sim.scenario import Picture, Scenario, Step
from bodycam_sim.world import World
from bodycam_station.card import examine_card
from bodycam_station.files import Folder
from bodycam_station.intake import Report
from bodycam_station.registry import Registry
from bodycam_station.station import Station
from bodycam_station.verify import Verdict
from recordings import device_key
from streams import film

POLICY = read_policy(
    b"""name = "a-day"
[warning]
[keep]
pre_record_s = 10
acknowledged_for_h = 2
[wearer]
[video]
fps = 5
bitrate_kbps = 1000
[sound]
recorded = false
""",
    "a-day.toml",
)
SHIFT_S = 8 * 3600
ROOM_MINUTES = 160
"""Less than the day's footage: without making room the card would be full."""


class OneGop:
    """Stands in the encoder's place: every GOP is the same."""

    def __init__(self) -> None:
        self._units = tuple(picture.data for picture in film("IPPPP", width=64, height=36))

    def get(self, first: int, count: int) -> tuple[bytes, ...]:
        return self._units[:count]


def shift(begins_s: int, seed: int) -> list[Step]:
    """Out of the dock, a recording every twenty minutes, one power cut, back, and handed over."""
    dice = random.Random(seed)
    steps = [Step(begins_s + 60, "undock")]
    for n in range(20):
        at_s = begins_s + 600 + n * 1200 + dice.random() * 300
        length_s = 120 + dice.random() * 360
        steps.append(Step(at_s, "record", 0.3))
        if n == 7:
            steps += [Step(at_s + 60, "power-cut"), Step(at_s + 65, "power-on")]
            continue
        if n % 5 == 2:
            steps.append(Step(at_s + 60, "card-stalls", 8))
        if n == 12:
            steps.append(Step(at_s + 70, "camera-stalls", 10))
        steps += [Step(at_s + length_s / 2, "record", 0.4), Step(at_s + length_s, "record", 4)]
    steps += [Step(begins_s + 26400, "dock"), Step(begins_s + 27000, "hand-over")]
    return steps


@dataclass
class Hour:
    """What one simulated hour took."""

    real_s: float
    resident_mib: float
    steps_ms: list[float] = field(repr=False)
    recordings: int
    journal_kb: int


@dataclass
class Day:
    """The day, and what was seen of it every hour."""

    root: Path
    hours: list[Hour] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    text: str = ""

    def run(self, hours: int, timed: Callable[[], list[float]]) -> None:
        began = datetime.fromtimestamp(BEGAN_UTC_S, UTC)
        key = device_key("cam07")
        card = self.root / "card"
        card.mkdir()
        with Station.init(
            self.root / "station", "utrecht", person="A. de Vries", now=lambda: began
        ) as station:
            request = make_request("cam07", key, "software")
            bundle = read_bundle(station.enroll(request, person="A. de Vries"))
        owner = Owner("cam07", key, bundle.recipients, station_key=bundle.station_key)

        def hand_over(at_ns: int) -> None:
            now = began + timedelta(seconds=at_ns / SECOND)
            with Station.open(self.root / "station", now=lambda: now) as station:
                self.reports.append(station.import_card(card, person="A. de Vries"))

        last_s = time.perf_counter()

        def watch(second: float) -> None:
            nonlocal last_s
            if second % 3600 == 0:
                now_s = time.perf_counter()
                journal = (card / "journal.jsonl").stat().st_size
                here = len(list((card / "recordings").iterdir()))
                self.hours.append(
                    Hour(now_s - last_s, resident_mib(), timed(), here, journal // 1000)
                )
                last_s = now_s

        steps = [step for n in range(3) for step in shift(n * SHIFT_S, n)]
        scenario = Scenario(
            "a-day",
            "A day of shifts.",
            "a-day",
            1,
            hours * 3600,
            True,
            ROOM_MINUTES,
            tuple(step for step in steps if step.at_s <= hours * 3600),
            Picture(),
        )
        world = World(scenario, POLICY, owner, card, cast("GopWorkers", OneGop()), watch, hand_over)
        world.run()
        hand_over(hours * 3600 * SECOND)
        self.text = world.transcript.text()

    def verdicts(self) -> list[Verdict]:
        """Of all recordings in the store."""
        with Station.open(self.root / "station") as station:
            return [station.verify(rec) for rec in station.recordings()]


def resident_mib() -> float:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


def table(hours: Sequence[Hour]) -> str:
    lines = ["hour  real s  MiB    step p50 ms  p99 ms  recordings  journal kB"]
    for number, hour in enumerate(hours, 1):
        steps = sorted(hour.steps_ms) or [0.0]
        p50, p99 = (steps[int(len(steps) * part)] for part in (0.5, 0.99))
        lines.append(
            f"{number:4}  {hour.real_s:6.2f}  {hour.resident_mib:5.1f}  {p50:11.2f}  {p99:6.2f}"
            f"  {hour.recordings:10}  {hour.journal_kb:10}"
        )
    return "\n".join(lines)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[float]]:
    """How long each step of the writer took that had something to do, in ms, since last asked."""
    took: list[float] = []
    step = Writer.step

    def measured(self: Writer, wait_s: float = 0) -> bool:
        begin_s = time.perf_counter()
        worked = step(self, wait_s)
        if worked:
            took.append((time.perf_counter() - begin_s) * 1000)
        return worked

    monkeypatch.setattr(Writer, "step", measured)

    def given() -> list[float]:
        found = took[:]
        took.clear()
        return found

    return given


@pytest.fixture(autouse=True)
def no_flushes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated card has the time that flushes take; a day of real ones says nothing more."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    monkeypatch.setattr(os, "fdatasync", lambda fd: None)


@pytest.mark.proof
def test_a_day_of_shifts_leaves_memory_and_latency_as_they_were_and_a_card_that_verifies(
    tmp_path: Path, timed: Callable[[], list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    day = Day(tmp_path)
    day.run(24, timed)
    with capsys.disabled():
        print(f"\n{table(day.hours)}")

    # Memory and latency: the last shift against the first.
    first, last = day.hours[1:7], day.hours[17:23]
    assert median(h.resident_mib for h in last) < median(h.resident_mib for h in first) + 8
    assert median(map(_p50, last)) < 1.5 * median(map(_p50, first))

    # The day's footage is more than the card holds, and yet it was never full.
    assert [report.device for report in day.reports] == ["cam07"] * 4
    assert "no room" not in day.text.lower()
    minutes = sum(map(_minutes, day.verdicts()))
    assert minutes > ROOM_MINUTES
    assert len(day.verdicts()) >= 60

    # Nothing is missing, and every recording is whole as far as the power was on.
    assert {verdict.integrity for verdict in day.verdicts()} == {"ok", "incomplete"}
    assert sum(verdict.integrity == "incomplete" for verdict in day.verdicts()) == 3
    for report in day.reports:
        assert report.exit_code in (0, 3), report
    with Folder(tmp_path / "station") as station, Folder(tmp_path / "card") as card:
        verified = examine_card(card, Registry.load(station), station)
    assert verified.exit_code in (0, 3), verified
    assert {one.weight for one in verified.findings} <= {0}
    assert len(verified.recordings) < len(day.verdicts()) / 2


def _p50(hour: Hour) -> float:
    return median(hour.steps_ms)


def _minutes(verdict: Verdict) -> float:
    return sum(item.kind == "segment" for item in verdict.objects) / 60
