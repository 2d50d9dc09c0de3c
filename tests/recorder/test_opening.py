"""A card that refuses at the start: told, waited for, tried again, and used when it works."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bodycam.errors import CardError, CardFailed, CardFull
from bodycam.media.packets import SECOND
from bodycam.posix.card import PosixCard
from bodycam.recorder.footage import Footage
from bodycam.recorder.opening import AGAIN_AT_MOST_NS, OpeningWriter
from bodycam.recorder.writer import Writer, WriterWatch
from bodycam.rules.events import Event, Fault, FaultCleared, FaultRaised, Log, Room
from recorder.desk import FORM, RING, Desk


class Opening:
    """A camera at its start, its card, and time that passes only while it waits."""

    def __init__(self, root: Path) -> None:
        self.desk = Desk(root)
        self.refuse: Callable[[str, str], Exception | None] = lambda call, path: None
        self.told: list[Event] = []
        self.said: list[str] = []
        self.tried_ns: list[int] = []
        self.footage = Footage(RING, lambda _: None)
        self.free: int | None = None
        self.writer = OpeningWriter(
            self._open,
            self.footage,
            self.told.append,
            self.desk.clock,
            self.said.append,
            self._wait,
        )

    def _open(self, watch: WriterWatch) -> Writer:
        assert watch is self.writer.watch
        assert watch.busy_since_ns == self.desk.clock.now
        self.tried_ns.append(self.desk.clock.now)
        card = self.desk.card()
        card.refuse, card.free = self.refuse, self.free
        vault, _ = self.desk.boot(card)
        return Writer(vault, self.footage, FORM, self.told.append, self.desk.clock, watch=watch)

    def _wait(self, seconds: float) -> None:
        assert 0 <= seconds <= 0.5
        self.desk.clock.now += round(seconds * SECOND)

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.writer.step(0.5)

    def faults(self) -> list[str]:
        return [
            ("+" if isinstance(event, FaultRaised) else "-") + event.fault.value
            for event in self.told
            if isinstance(event, FaultRaised | FaultCleared)
        ]


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return Opening(tmp_path / "card")


def broken(call: str, path: str) -> Exception:
    return CardFailed("The card is dead.", do="Replace the card.")


def test_a_card_that_works_is_opened_at_once(opening: Opening) -> None:
    opening.footage.log(Log("boot", opening.desk.clock.now))
    opening.step(2)
    assert opening.faults() == []
    assert opening.said == []
    assert opening.desk.kinds() == ["boot"]
    assert any(isinstance(event, Room) for event in opening.told)


def test_a_dead_card_is_told_once_and_tried_less_and_less_often(opening: Opening) -> None:
    opening.refuse = broken
    while len(opening.tried_ns) < 8:
        opening.step()
    assert opening.faults() == ["+card-failed"]
    assert opening.said == ["The card cannot be opened: The card is dead. Replace the card."]
    waits_s = [
        (b - a) // SECOND for a, b in zip(opening.tried_ns, opening.tried_ns[1:], strict=False)
    ]
    assert waits_s == [2, 4, 8, 16, 30, 30, 30]
    assert AGAIN_AT_MOST_NS == 30 * SECOND
    assert opening.writer.watch.busy_since_ns is None


def test_it_is_used_when_it_comes_back_and_what_waited_is_written(opening: Opening) -> None:
    opening.refuse = broken
    opening.footage.log(Log("boot", opening.desk.clock.now))
    opening.step()
    opening.refuse = lambda call, path: None
    opening.step(8)
    assert opening.faults() == ["+card-failed", "-card-failed"]
    assert opening.desk.kinds() == ["boot", "card"]
    assert opening.said[-1] == "The card works."


def test_another_reason_is_another_fault(opening: Opening) -> None:
    opening.refuse = broken
    opening.step()
    opening.refuse = lambda call, path: CardFull("No room.")
    opening.step(5)
    assert opening.faults() == ["+card-failed", "-card-failed", "+no-room"]
    assert len(opening.said) == 2


def test_what_nobody_foresaw_is_raised_told_and_does_not_spin(opening: Opening) -> None:
    opening.refuse = lambda call, path: ZeroDivisionError("nobody foresaw this")
    with pytest.raises(ZeroDivisionError):
        opening.step()
    assert opening.faults() == ["+card-failed"]
    opening.step()
    assert len(opening.tried_ns) == 1
    opening.refuse = lambda call, path: None
    opening.step(4)
    assert opening.faults() == ["+card-failed", "-card-failed"]


def test_with_a_dead_card_it_ends_when_it_is_told_to(opening: Opening) -> None:
    """The thread's last steps do not wait: see ThreadHost._run_writer."""
    opening.refuse = broken
    opening.step()
    assert opening.writer.step(0) is False


# ---- what a real file system answers -------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "number", "fault"),
    [
        ("open", errno.EROFS, Fault.CARD_FAILED),
        ("open", errno.EIO, Fault.CARD_FAILED),
        ("write", errno.EIO, Fault.CARD_FAILED),
        ("write", errno.ENOSPC, Fault.NO_ROOM),
    ],
)
def test_a_read_only_a_dead_and_a_full_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, fault: Fault
) -> None:
    """What PosixCard makes of the kernel's refusal is what is told."""
    opening = Opening(tmp_path / "card")
    (tmp_path / "real").mkdir()
    real = PosixCard(tmp_path / "real")

    def refused(*words: object, **more: object) -> int:
        raise OSError(number, os.strerror(number))

    def refuse(_call: str, path: str) -> Exception | None:
        with monkeypatch.context() as kernel:
            kernel.setattr(os, call, refused)
            try:
                real.append("journal.jsonl", b"line")
            except CardError as error:
                return error
        return None

    opening.refuse = refuse
    opening.step()
    assert opening.faults() == [f"+{fault.value}"]
    assert os.strerror(number) in opening.said[0]


def test_a_card_without_room_is_opened_and_says_so(opening: Opening) -> None:
    """To continue the journal needs none: what is missing is room for footage."""
    opening.free = 0
    opening.footage.log(Log("boot", opening.desk.clock.now))
    opening.step()
    assert Room(0) in opening.told
    assert opening.faults() == []
    assert opening.desk.kinds() == ["boot"]
