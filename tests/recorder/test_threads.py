"""The product's two threads at a desk: real waiting, a clock moved by hand, a card that can stall.

The film is one real GOP, stamped anew for every second.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import pytest

from bodycam.errors import CardFailed
from bodycam.media.packets import SECOND, Packet, Track
from bodycam.posix.card import PosixCard
from bodycam.recorder.agent import Agent, Ports
from bodycam.recorder.assembly import media_format, nominal_bytes
from bodycam.recorder.footage import Footage, ring_policy
from bodycam.recorder.intake import Intake
from bodycam.recorder.process import Recorder, Surroundings
from bodycam.recorder.threads import Events, ThreadHost
from bodycam.recorder.writer import Writer
from bodycam.rules.events import (
    Button,
    Edge,
    Event,
    Fault,
    FaultRaised,
    FootageDropped,
    Output,
    RecordingSaved,
    ShutDown,
    WarningStarted,
)
from bodycam.rules.model import State
from bodycam.rules.policy import read_policy
from recorder.desk import OWNER, Desk, DeskCard, assert_sound, opened, reading
from recorder.test_agent import FakeCamera, FakeHost, FakeOutputs, FakeStatus
from streams import START_NS, film, played

DEFAULT = Path("config/policies/default.toml")
FPS = 30
PATIENCE_S = 30
"""A condition that does not come true within this is not met."""


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition."""
    patience = threading.Event()
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"not within {PATIENCE_S} s: {what}"
        patience.wait(0.002)


class Gate:
    """A card behind it answers nothing while it is shut."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self.held_up = threading.Event()

    def shut(self) -> None:
        self.held_up.clear()
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def __call__(self, call: str, path: str) -> None:
        if call != "read" and not self._open.is_set():
            self.held_up.set()
            assert self._open.wait(PATIENCE_S)


class TimedOutputs(FakeOutputs):
    def __init__(self) -> None:
        super().__init__()
        self.cue = threading.Event()

    def warn(self, output: str, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        super().warn(output, token, texts, volume_percent)
        self.cue.set()


class Shift:
    """A camera with the default policy, its threads running; `see` lets its time pass."""

    def __init__(self, root: Path) -> None:
        self.desk = Desk(root)
        self.card: DeskCard = self.desk.card()
        self.gate = Gate()
        self.card.refuse = self.gate
        self.policy = read_policy(DEFAULT.read_bytes(), str(DEFAULT))
        self.clock = self.desk.clock
        self.events = Events(self.clock)
        self.footage = Footage(
            ring_policy(self.policy),
            self._dropped,
            lambda gop: nominal_bytes(self.policy, gop.end_ns - gop.start_ns),
        )
        vault, _ = self.desk.boot(self.card)
        self.told: list[Event] = []
        self.writer = Writer(
            vault, self.footage, media_format(self.policy), self._written, self.clock
        )
        self.outputs, self.host, self.status = TimedOutputs(), FakeHost(), FakeStatus()
        ports = Ports(FakeCamera(), self.outputs, self.status, self.host, self.clock)
        self.agent = Agent(self.policy, self.footage, ports, self.writer.watch)
        self.failed: list[BaseException] = []
        self.threads = ThreadHost(
            self.agent,
            self.writer,
            self.events,
            clock=self.clock,
            host=self.host,
            failed=self.failed.append,
        )
        self.seen = 0
        self.dropped: list[FootageDropped] = []

    def __enter__(self) -> "Shift":
        self.threads.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.gate.open()
        assert self.threads.stop(PATIENCE_S)

    def _dropped(self, event: FootageDropped) -> None:
        self.dropped.append(event)
        self.events.post(event)

    def _written(self, event: Event) -> None:
        self.told.append(event)
        self.events.post(event)

    # ---- what happens ----------------------------------------------------------------------------

    def see(self, seconds: int) -> None:
        """Pictures and sound of so many seconds; the control road takes a turn in each."""
        gop = film("I" + "P" * (FPS - 1), width=64, height=36)
        for _ in range(seconds):
            for picture in gop:
                t_ns = START_NS + self.seen * SECOND // FPS
                self.clock.now = t_ns
                self.footage.append(replace(picture, t_ns=t_ns))
                if self.seen % 3 == 0:
                    self.footage.append(Packet(Track.SOUND, t_ns, b"sound"))
                self.seen += 1
            self.nudge()

    def nudge(self) -> None:
        """Let the control road look at the clock: an edge that means nothing."""
        self.post(Edge(Button.FUNCTION, closed=False))

    def post(self, event: Event) -> None:
        """An event now; wait until the control road has taken it."""
        turns = self.turns
        self.events.post(event)
        until(lambda: self.turns > turns, "a turn")

    @property
    def turns(self) -> int:
        return self.host.asked.count("alive")

    def state(self) -> State:
        assert self.agent.model is not None
        return self.agent.model.state

    def faults(self) -> frozenset[Fault]:
        assert self.agent.model is not None
        return self.agent.model.faults

    def press(self) -> float:
        """Press briefly; how many seconds of real time passed between contact and cue."""
        self.outputs.cue.clear()
        began = time.perf_counter()
        self.events.post(Edge(Button.RECORD, closed=True))
        assert self.outputs.cue.wait(PATIENCE_S)
        took = time.perf_counter() - began
        self.post(Edge(Button.RECORD, closed=False))
        return took

    def record(self) -> None:
        """Press, and let the warning be given."""
        self.press()
        self.warned()

    def warned(self) -> None:
        assert self.agent.model is not None
        self.post(WarningStarted(Output.SPEAKER, self.agent.model.tokens))
        self.see(3)
        assert self.state() is State.RECORDING

    def stop(self) -> None:
        """Hold the button for 4 s, and see on until the end is cut."""
        self.post(Edge(Button.RECORD, closed=True))
        self.see(4)
        self.post(Edge(Button.RECORD, closed=False))
        self.see(1)
        assert self.state() is State.AFTER

    def saved(self) -> None:
        until(lambda: any(isinstance(e, RecordingSaved) for e in self.told), "saved")
        until(lambda: self.footage.idle, "idle")

    # ---- what is on the card ---------------------------------------------------------------------

    def films(self) -> list[list[int]]:
        """The times of the pictures of every recording, in ns from its first."""
        found = []
        for folder in self.desk.folders:
            assert_sound(folder)
            names = [one.name for one in reading(folder).objects]
            parts = [opened(folder / n) for n in names if "init" in n or "segment" in n]
            found.append([us * 1000 for us, _ in played(b"".join(parts))] if parts else [])
        return found

    def notes(self, folder: Path) -> list[dict[str, object]]:
        names = [one.name for one in reading(folder).objects if "note" in one.name]
        return [json.loads(opened(folder / name)) for name in names]


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Shift]:
    with Shift(tmp_path / "card") as shift:
        yield shift


def gaps(times: list[int]) -> list[float]:
    """Seconds between pictures, where it is more than one picture's length."""
    steps = [(b - a) / SECOND for a, b in pairwise(times)]
    return [step for step in steps if step > 1.5 / FPS]


# ---- a card that does not answer -----------------------------------------------------------------


def test_a_stalled_card_holds_up_neither_the_cue_nor_a_picture(shift: Shift) -> None:
    shift.see(35)
    shift.gate.shut()
    shift.post(FaultRaised(Fault.BATTERY_LOW))  # the journal is to be written
    assert shift.gate.held_up.wait(PATIENCE_S)
    assert shift.press() < 0.5
    pressed = shift.seen
    shift.warned()
    shift.see(7)
    assert Fault.CARD_STUCK in shift.faults()
    assert shift.desk.folders == []
    shift.gate.open()
    shift.stop()
    shift.saved()
    assert Fault.CARD_STUCK not in shift.faults()
    assert shift.dropped == []
    (times,) = shift.films()
    assert gaps(times) == []
    assert len(times) >= 30 * FPS + (shift.seen - pressed) - FPS
    assert reading(shift.desk.folders[0]).end == "close"


def test_every_contact_is_answered_while_the_card_hangs_in_a_recording(shift: Shift) -> None:
    shift.see(5)
    shift.record()
    until(lambda: shift.writer.watch.progress, "something durable")
    shift.gate.shut()
    shift.see(2)
    assert shift.gate.held_up.wait(PATIENCE_S)
    shift.stop()
    for _ in range(20):
        shift.post(Edge(Button.FUNCTION, closed=False))
    assert shift.press() < 0.5  # shortly after a stop: linked, at once
    assert shift.state() is State.RECORDING
    shift.see(2)
    shift.gate.open()
    shift.stop()
    until(lambda: sum(isinstance(e, RecordingSaved) for e in shift.told) == 2, "both saved")
    first, second = shift.films()
    assert gaps(first) == gaps(second) == []


def test_past_the_budget_whole_gops_are_dropped_noted_and_felt(shift: Shift) -> None:
    shift.see(5)
    shift.record()
    until(lambda: shift.writer.watch.progress, "something durable")
    shift.gate.shut()
    shift.see(70)
    budget_s = shift.policy.budget_bytes / nominal_bytes(shift.policy, SECOND)
    assert 0 < shift.footage.held_bytes <= shift.policy.budget_bytes
    assert len(shift.dropped) == pytest.approx(70 - budget_s, abs=3)
    assert all(drop.pictures == FPS for drop in shift.dropped)
    assert "vibrate not-recording" in shift.outputs.asked
    assert Fault.FOOTAGE_DROPPED in shift.faults()
    shift.gate.open()
    until(lambda: shift.footage.held_bytes == 0, "all that was held is durable")
    shift.see(3)
    shift.stop()
    shift.saved()
    (times,) = shift.films()
    (gap,) = gaps(times)
    assert gap == pytest.approx(len(shift.dropped) + 1 / FPS, abs=0.01)
    gap_notes = [n for n in shift.notes(shift.desk.folders[0]) if n["kind"] == "gap"]
    pictures = [int(str(n["pictures"])) for n in gap_notes]
    assert sum(pictures) == len(shift.dropped) * FPS


# ---- threads that end ----------------------------------------------------------------------------


def test_a_writer_that_dies_goes_on_in_a_linked_recording(shift: Shift) -> None:
    broken = [RuntimeError("nobody foresaw this")]

    def die(call: str, path: str) -> Exception | None:
        return broken.pop() if broken and call == "create" and "segment" in path else None

    shift.see(5)
    shift.card.refuse = die
    shift.record()
    shift.see(3)
    until(lambda: shift.failed, "the error is told")
    shift.stop()
    shift.saved()
    assert [str(error) for error in shift.failed] == ["nobody foresaw this"]
    first, second = shift.desk.folders
    assert reading(first).end is None
    assert reading(second).end == "close"
    warning = json.loads(opened(second / "00000001.warning.age"))
    assert (warning["how"], warning["linked_to"]) == ("continued", first.name)
    assert shift.threads.stop(PATIENCE_S)
    _, found = shift.desk.boot()
    assert [(one.rec, one.outcome) for one in found] == [(first.name, "recovered")]
    (times,) = (times for times in shift.films() if times)
    assert gaps(times) == []
    assert len(times) >= 10 * FPS


def test_a_control_road_that_dies_is_told_and_waited_for_in_vain_no_longer(shift: Shift) -> None:
    error = RuntimeError("nobody foresaw this")

    def die(fields: object) -> None:
        raise error

    shift.see(1)
    assert shift.threads.wait(0.01) is None
    shift.status.publish = die  # type: ignore[method-assign]
    shift.events.post(FaultRaised(Fault.BATTERY_LOW))
    assert shift.threads.wait(PATIENCE_S) is error
    assert shift.failed == [error]
    turns = shift.turns
    shift.events.post(FaultRaised(Fault.ROOM_LOW))
    assert shift.threads.stop(PATIENCE_S)
    assert shift.turns == turns


def test_stopping_writes_what_waits(shift: Shift) -> None:
    shift.see(35)
    shift.gate.shut()
    shift.press()
    shift.warned()
    shift.gate.open()
    shift.threads.stop(PATIENCE_S)
    held = sum(len(times) for times in shift.films())
    assert held >= 32 * FPS
    assert not shift.footage.waiting


def test_stopping_does_not_wait_for_a_card_for_ever(shift: Shift) -> None:
    shift.gate.shut()
    shift.post(FaultRaised(Fault.BATTERY_LOW))
    assert shift.gate.held_up.wait(PATIENCE_S)
    assert not shift.threads.stop(0.05)
    shift.gate.open()
    assert shift.threads.stop(PATIENCE_S)


def test_deadlines_are_stepped_when_nothing_happens(shift: Shift) -> None:
    shift.see(1)
    shift.press()
    assert shift.state() is State.WARNING
    shift.clock.now += 10 * SECOND
    # No output has acknowledged the warning, and no event comes any more.
    until(lambda: shift.state() is State.RECORDING, "recording by itself")


def test_a_card_that_fails_for_good_is_felt_and_ends_nothing_else(shift: Shift) -> None:
    shift.card.refuse = lambda call, path: CardFailed("An I/O error.") if call != "read" else None
    shift.post(FaultRaised(Fault.BATTERY_LOW))  # the journal is to be written
    until(lambda: Fault.CARD_FAILED in shift.faults(), "the fault")
    shift.press()
    until(lambda: "vibrate not-recording" in shift.outputs.asked, "felt")
    assert shift.failed == []
    shift.see(2)


# ---- the recorder as one thing -------------------------------------------------------------------


def test_the_recorder_from_start_to_power_off(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "card")
    desk.root.mkdir()
    outputs, host, failed = TimedOutputs(), FakeHost(), list[BaseException]()
    said: list[str] = []
    around = Surroundings(
        lambda: PosixCard(desk.root),
        partial(bytes.__mul__, b"\7"),
        "boot-1",
        FakeStatus(),
        host,
        failed.append,
        said.append,
    )
    intake = Intake(read_policy(DEFAULT.read_bytes(), "default.toml"), desk.clock)
    recorder = Recorder(intake, OWNER, around)
    assert recorder.wait() is None
    assert recorder.stop()
    recorder.start(FakeCamera(), outputs, fitted=("speaker",))
    tell = intake.reports
    gop = film("IPPPP" * 2, width=64, height=36)
    for picture in gop:
        desk.clock.now = picture.t_ns
        tell.picture(picture.t_ns, picture.data, picture.key)
        tell.sound(picture.t_ns, b"sound")
    tell.edge("record", True, desk.clock.now)
    assert outputs.cue.wait(PATIENCE_S)
    tell.warning_started("speaker", 1, desk.clock.now)
    desk.clock.now += 2 * SECOND
    tell.picture(desk.clock.now, gop[0].data, True)
    tell.edge("record", False, desk.clock.now)
    until(lambda: "vibrate started" in outputs.asked, "recording")
    tell.shut_down("power button", desk.clock.now)
    desk.clock.now += SECOND
    until(lambda: "power_off power button" in host.asked, "going off")
    assert recorder.stop()
    assert failed == []
    assert said == []
    (folder,) = desk.folders
    assert_sound(folder)
    assert reading(folder).end == "close"
    assert (folder / "ledger.jsonl.sig").exists()


def test_a_card_that_failed_at_the_start_is_opened_anew_and_its_journal_written_anew(
    tmp_path: Path,
) -> None:
    """What a failed flush has dropped may be read, and reported as written the second time."""
    desk = Desk(tmp_path / "card")
    _, _ = desk.boot()
    opened: list[DeskCard] = []

    def open_card() -> DeskCard:
        card = desk.card()
        if not opened:
            card.refuse = lambda call, path: (
                CardFailed("Lost.") if path == "journal.jsonl" else None
            )
        opened.append(card)
        return card

    host, failed, said = FakeHost(), list[BaseException](), list[str]()
    around = Surroundings(
        open_card, os.urandom, "boot-2", FakeStatus(), host, failed.append, said.append
    )
    intake = Intake(read_policy(DEFAULT.read_bytes(), "default.toml"), desk.clock)
    (desk.root / "journal.jsonl").write_bytes(b"torn")  # there is something to be told at once
    recorder = Recorder(intake, OWNER, around)
    recorder.start(FakeCamera(), TimedOutputs())
    until(lambda: said, "the first try failed")
    desk.clock.now += 3 * SECOND
    until(lambda: recorder.opened, "the second try")
    until(lambda: intake.footage.idle, "what waited is written")
    assert recorder.stop()
    assert failed == []
    assert len(opened) == 2
    assert ("move", "journal.jsonl.new1") in opened[1].calls
    assert desk.kinds()[:1] == ["journal-cut"]
    assert "boot" in desk.kinds()


def test_an_event_without_a_time_is_of_now(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    events = Events(desk.clock)
    events.post(ShutDown("test"))
    events.post(ShutDown("test"), 5)
    assert events.next(1) == (ShutDown("test"), desk.clock.now)
    assert events.next(0) == (ShutDown("test"), 5)
