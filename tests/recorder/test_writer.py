"""The writer loses nothing in silence: durable, back in the lane, or said to be lost."""

import json
import math
import shutil
from collections.abc import Callable, Sequence
from itertools import chain, product
from pathlib import Path

import pytest

from bodycam.errors import CardFailed, CardFull, LineError
from bodycam.media.fmp4 import Fmp4Muxer
from bodycam.media.packets import SECOND, Gop, Packet, Track
from bodycam.recorder.footage import LOGS_AT_ONCE, Footage
from bodycam.recorder.vault import RESERVE_BYTES
from bodycam.recorder.writer import AGAIN_AT_MOST_NS, AGAIN_NS, Progress, Rate, Writer
from bodycam.rules.events import (
    Event,
    Fault,
    FaultCleared,
    FaultRaised,
    FootageDropped,
    How,
    Log,
    Note,
    RecordingBroke,
    RecordingSaved,
    Room,
    Why,
)
from recorder.desk import (
    FORM,
    RING,
    Desk,
    DeskCard,
    PowerCut,
    assert_sound,
    opened,
    reading,
    warned,
)
from streams import FRAME_NS, START_NS, film

GOP = 5 * FRAME_NS
LATER_NS = START_NS + 10**10


class Road:
    """Footage and writer, stepped by hand; a recording that broke goes on, as the rules say."""

    def __init__(self, root: Path) -> None:
        self.desk = Desk(root)
        self.card: DeskCard = self.desk.card()
        self.vault, _ = self.desk.boot(self.card)
        self.told: list[Event] = []
        self.saved: list[Progress] = []
        self.footage = Footage(RING, self.told.append)
        self.writer = Writer(
            self.vault, self.footage, FORM, self.told.append, self.desk.clock, self.saved.append
        )

    def begin(self, packets: Sequence[Packet], *, stop: bool = True) -> None:
        """All of it is to be kept, and then it is stopped."""
        self.footage.pin(START_NS, START_NS + 1)
        self.footage.begin(warned())
        self.feed(packets)
        if stop:
            self.footage.finish()

    def feed(self, packets: Sequence[Packet]) -> None:
        for packet in packets:
            self.footage.append(packet)

    def later(self, ns: int) -> None:
        self.desk.clock.now += ns

    def run(self) -> None:
        """Until nothing is left to do."""
        for _ in range(50):
            if not self.writer.step():
                return
        raise AssertionError("The writer does not come to an end.")

    def go_on(self, event: RecordingBroke) -> None:
        self.footage.go_on(warned(How.CONTINUED, event.warned.pressed_ns))

    def events(self, kind: type) -> list[Event]:
        return [event for event in self.told if isinstance(event, kind)]

    def broke(self) -> RecordingBroke:
        """The last time that a recording broke."""
        return next(event for event in reversed(self.told) if isinstance(event, RecordingBroke))

    def assert_kept(self, packets: Sequence[Packet], *, ends: Sequence[str]) -> None:
        """Every picture, in order, in recordings that end so."""
        segments = self.desk.segments()
        slices = [packet.data.rpartition(b"\0\0\1")[2] for packet in packets]
        at = 0
        everything = b"".join(segments)
        for piece in slices:
            at = everything.index(piece, at) + 1
        assert sum(segment.count(b"moof") for segment in segments) == len(segments)
        assert [reading(folder).end for folder in self.desk.folders] == list(ends)
        for folder in self.desk.folders:
            assert_sound(folder)
        assert self.footage.held_bytes == 0
        assert self.footage.idle

    def links(self) -> list[str]:
        return [
            json.loads(opened(folder / "00000001.warning.age"))["linked_to"]
            for folder in self.desk.folders
            if (folder / "00000001.warning.age").exists()
        ]


@pytest.fixture
def road(tmp_path: Path) -> Road:
    return Road(tmp_path / "card")


def _film(gops: int, *, start_ns: int = START_NS, width: int = 64) -> tuple[Packet, ...]:
    return film("IPPPP" * gops, width=width, height=36, start_ns=start_ns)


def test_a_recording_is_kept_and_closed(road: Road) -> None:
    pictures = _film(12)
    road.begin(pictures)
    road.footage.note(Note("mark", START_NS))
    assert road.writer.step()
    assert not road.footage.idle
    assert not road.events(RecordingSaved)
    road.run()
    (folder,) = road.desk.folders
    assert road.events(RecordingSaved) == [RecordingSaved(folder.name)]
    road.assert_kept(pictures, ends=["close"])
    assert [one.durable_ns for one in road.saved] == [START_NS + 8 * GOP, START_NS + 12 * GOP]
    assert road.writer.watch.progress == road.saved[-1]
    assert road.writer.watch.busy_since_ns is None
    # The note came after the end: there is no recording for it any more.
    assert road.desk.kinds() == ["open", "close", "mark"]


@pytest.mark.parametrize("years", [10, -56])
def test_a_clock_that_jumps_in_a_recording_moves_nothing_in_it(road: Road, years: int) -> None:
    """Times are those of the boot clock; the time of day is only stated."""
    pictures = _film(6)
    road.begin(pictures[:15], stop=False)
    road.run()
    road.desk.clock.jumped_ns = years * 365 * 86_400 * SECOND
    road.feed(pictures[15:])
    road.footage.finish()
    road.run()
    road.assert_kept(pictures, ends=["close"])
    times = [entry.t_us for entry in road.desk.journal()]
    assert times == sorted(times)


def test_one_recording_after_another(road: Road) -> None:
    first, second = _film(2), _film(2, start_ns=LATER_NS)
    road.begin(first)
    road.begin(second)
    road.run()
    assert not road.events(RecordingBroke)
    assert len(road.events(RecordingSaved)) == 2
    road.assert_kept([*first, *second], ends=["close", "close"])


def test_notes_lie_between_the_gops_that_they_came_between(road: Road) -> None:
    pictures = _film(2)
    road.begin(pictures[:6], stop=False)
    road.footage.note(Note("mark", START_NS))
    road.feed(pictures[6:])
    road.footage.finish()
    road.run()
    kinds = [one.name.split(".")[1] for one in reading(road.desk.folders[0]).objects]
    assert kinds == ["warning", "init", "segment", "note", "segment"]
    assert road.saved[0].seq == 5
    road.assert_kept(pictures, ends=["close"])


def test_the_journal_is_written_first_and_told_room_once(road: Road) -> None:
    road.card.free = RESERVE_BYTES + 2 * FORM.bytes_per_minute - 1
    road.footage.log(Log("boot", START_NS))
    road.run()
    road.run()
    assert road.desk.kinds() == ["boot"]
    assert road.events(Room) == [Room(2)]
    road.card.free = RESERVE_BYTES
    road.writer.step()
    assert road.events(Room) == [Room(2), Room(0)]


def test_entries_that_were_too_many_are_counted(road: Road) -> None:
    for number in range(1027):
        road.footage.log(Log("fault", START_NS + number))
    logs, _ = road.footage.take(8)
    assert logs[0] == Log("entries-lost", START_NS + 3, (("entries", 3),))
    assert len(logs) == LOGS_AT_ONCE + 1
    while more := road.footage.take(8)[0]:
        logs += more
    assert len(logs) == 1025


def test_footage_is_never_behind_a_flood_of_entries(road: Road) -> None:
    pictures = _film(2)
    for number in range(200):
        road.footage.log(Log("fault", START_NS + number))
    road.begin(pictures)
    before = len(road.card.calls)
    road.writer.step()
    assert len(road.desk.segments()) == 2
    lines = [path for call, path in road.card.calls[before:] if path == "journal.jsonl"]
    assert len(lines) == 3  # sixteen entries with one flush, the opening, the closing
    road.run()
    assert road.desk.kinds().count("fault") == 200


# ---- a card that refuses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "error"),
    [(0, CardFull), *product(range(1, 9), (CardFull, CardFailed))],
)
def test_wherever_the_card_refuses_all_pictures_are_kept(
    road: Road, at: int, error: type[CardFull] | type[CardFailed]
) -> None:
    pictures = _film(3)
    road.begin(pictures[:11], stop=False)
    count = 0

    def refuse(call: str, path: str) -> Exception | None:
        nonlocal count
        if call == "read":
            return None
        count += 1
        return error("refused") if count == at + 1 else None

    road.card.refuse = refuse
    road.run()
    event = road.broke()
    assert event.why is (Why.FULL if error is CardFull else Why.ERROR)
    assert event.warned == warned()
    road.card.refuse = lambda call, path: None
    road.feed(pictures[11:])
    road.go_on(event)
    road.footage.finish()
    road.run()
    assert road.footage.held_bytes == 0
    assert isinstance(road.events(RecordingSaved)[-1], RecordingSaved)
    _boot_again(road)
    road.assert_kept(pictures, ends=[*([] if at < 3 else [_end(road)]), "close"])
    assert road.desk.kinds().count("writer") == 1


def _boot_again(road: Road) -> None:
    """What could not be closed is recovered; the void go away from what is compared."""
    road.desk.boot()
    for folder in road.desk.folders:
        if reading(folder).opening is None:
            for path in folder.rglob("*"):
                assert path.is_dir() or path.parent.name == "unsigned"
            shutil.rmtree(folder)


def _end(road: Road) -> str:
    return str(reading(road.desk.folders[0]).end)


def test_a_full_card_ends_the_recording_properly(road: Road) -> None:
    pictures = _film(4)
    road.begin(pictures[:11], stop=False)
    road.run()
    road.card.free = RESERVE_BYTES
    road.feed(pictures[11:])
    road.run()
    event = road.broke()
    assert event.why is Why.FULL
    assert reading(road.desk.folders[0]).end == "close"
    road.card.free = None
    road.go_on(event)
    road.footage.finish()
    road.run()
    road.assert_kept(pictures, ends=["close", "close"])
    assert road.links() == ["", road.desk.folders[0].name]


def test_a_recording_that_was_never_opened_is_opened_as_what_it_is(road: Road) -> None:
    pictures = _film(2)
    road.card.free = RESERVE_BYTES
    road.begin(pictures)
    road.run()
    event = road.broke()
    assert road.desk.kinds() == ["writer"]
    road.card.free = None
    road.go_on(event)
    road.run()
    road.assert_kept(pictures, ends=["close"])
    assert json.loads(opened(road.desk.folders[0] / "00000001.warning.age"))["how"] == "warned"


def test_an_end_that_fails_leaves_what_follows_to_its_own_recording(road: Road) -> None:
    first, second = _film(2), _film(2, start_ns=LATER_NS)
    road.begin(first)
    road.begin(second)

    def refuse(call: str, path: str) -> Exception | None:
        return CardFailed("broken") if call == "create" and path.endswith(".sig.new") else None

    road.card.refuse = refuse
    road.run()
    event = road.broke()
    assert event.why is Why.ERROR
    road.card.refuse = lambda call, path: None
    road.go_on(event)
    road.run()
    assert [one for one in road.desk.boot()[1] if one.outcome == "signed"]
    road.assert_kept([*first, *second], ends=["close", "close"])
    assert road.links() == ["", ""]


@pytest.mark.parametrize(
    ("error", "fault"), [(CardFull, Fault.NO_ROOM), (CardFailed, Fault.CARD_FAILED)]
)
def test_a_journal_that_refuses_is_a_fault_until_it_takes_what_waited(
    road: Road, error: type[CardFull] | type[CardFailed], fault: Fault
) -> None:
    road.card.free = RESERVE_BYTES + FORM.bytes_per_minute
    road.card.refuse = lambda call, path: error("no") if "journal" in path else None
    road.footage.log(Log("boot", START_NS))
    road.footage.note(Note("mark", START_NS))
    road.run()
    assert road.events(FaultRaised) == [FaultRaised(fault), FaultRaised(fault)]
    assert not road.events(RecordingBroke)
    for _ in range(5):
        road.later(AGAIN_AT_MOST_NS)
        road.run()
    assert FaultCleared(fault) not in road.told
    assert road.events(Room)[-1] == Room(0 if fault is Fault.NO_ROOM else 1)
    assert not road.footage.waiting
    road.card.refuse = lambda call, path: None
    road.later(AGAIN_AT_MOST_NS)
    road.run()
    assert road.told.count(FaultCleared(fault)) == 1
    assert road.events(Room)[-1] == Room(1)
    assert sorted(road.desk.kinds()) == ["boot", "mark"]


def test_an_entry_that_is_too_long_stands_in_no_other_ones_way(road: Road) -> None:
    road.footage.log(Log("boot", START_NS))
    road.footage.log(Log("fault", START_NS, (("what", "x" * 9000),)))
    road.footage.log(Log("act", START_NS))
    with pytest.raises(LineError):
        road.writer.step()
    assert road.desk.kinds() == ["boot", "act"]
    road.footage.log(Log("shutdown", START_NS))
    road.run()
    assert road.desk.kinds() == ["boot", "act", "shutdown"]


def test_a_card_that_works_again_is_found_out_without_a_restart(road: Road) -> None:
    refused = []

    def refuse(call: str, path: str) -> Exception | None:
        refused.append(call)
        return CardFailed("no") if call != "read" else None

    road.card.refuse = refuse
    pictures = _film(2)
    road.begin(pictures)
    road.run()
    for _ in range(2):
        road.go_on(road.broke())
        road.run()
    assert len(road.events(RecordingBroke)) == 3  # which the rules take for a card that failed
    asked = 0
    for _ in range(100):
        before = len(refused)
        road.later(SECOND)
        road.run()
        asked += len(refused) > before
    assert 3 < asked < 9  # after 2, 4, 8, 16, 30, 30 … s
    road.card.refuse = lambda call, path: None
    road.later(AGAIN_AT_MOST_NS)
    road.run()
    assert road.told[-1] == FaultCleared(Fault.CARD_FAILED)
    assert "probe" not in road.desk.files()
    road.go_on(road.broke())
    road.run()
    road.desk.boot()
    road.assert_kept(pictures, ends=["close"])


def test_a_recording_that_goes_on_clears_what_broke_it_and_does_not_ask_in_vain(
    road: Road,
) -> None:
    failing = [CardFailed("once")]

    def once(call: str, path: str) -> Exception | None:
        return failing.pop() if failing and "3.segment" in path else None

    road.card.refuse = once
    pictures = _film(4)
    road.begin(pictures[:11], stop=False)
    road.run()
    road.go_on(road.broke())
    road.run()
    road.later(3 * SECOND)
    road.feed(pictures[11:])
    road.footage.finish()
    road.run()
    assert FaultCleared(Fault.CARD_FAILED) in road.told
    road.desk.boot()
    road.assert_kept(pictures, ends=["recovered", "close"])


def test_a_card_that_has_taken_footage_is_asked_soon_again(road: Road) -> None:
    road.card.refuse = lambda call, path: CardFailed("no") if "journal" in path else None
    road.footage.log(Log("boot", START_NS))
    road.run()
    for _ in range(9):
        road.later(AGAIN_AT_MOST_NS)
        road.run()
    road.card.refuse = lambda call, path: None
    road.later(AGAIN_AT_MOST_NS)
    road.begin(_film(2))
    road.run()
    road.card.refuse = lambda call, path: CardFailed("no") if "journal" in path else None
    road.footage.log(Log("act", START_NS))
    road.run()
    road.card.refuse = lambda call, path: None
    cleared = road.told.count(FaultCleared(Fault.CARD_FAILED))
    road.later(AGAIN_NS)
    road.run()
    assert road.told.count(FaultCleared(Fault.CARD_FAILED)) == cleared + 1


def test_minutes_left_are_told_by_what_footage_takes(road: Road) -> None:
    """The policy's bitrate is a guess, which counts for a minute of footage."""
    road.card.free = RESERVE_BYTES + 10 * FORM.bytes_per_minute
    road.writer.step()
    assert road.events(Room) == [Room(10)]
    pictures = _film(6 * 60)
    road.begin(pictures)
    while road.writer.step():
        pass
    mean = (sum(len(p.data) for p in pictures) + FORM.bytes_per_minute) / 2
    (left,) = [one.minutes for one in road.events(Room)[-1:] if isinstance(one, Room)]
    assert left == pytest.approx(10 * FORM.bytes_per_minute / mean, rel=0.06)
    assert left > 15


def test_a_rate_forgets_what_was_long_ago() -> None:
    rate = Rate(30_000_000)
    assert rate.bytes_per_minute == 30_000_000
    for _ in range(3600):
        rate.add(1_000_000, SECOND)
    assert rate.bytes_per_minute == pytest.approx(60_000_000, rel=0.01)
    for _ in range(600):
        rate.add(500_000, SECOND)
    assert rate.bytes_per_minute == pytest.approx(30_000_000 * (1 + 1 / math.e), rel=0.02)
    rate.add(0, -5)
    assert Rate(0).bytes_per_minute == 1


# ---- a journal whose file failed -----------------------------------------------------------------


def test_a_journal_that_failed_goes_on_in_a_new_file_with_the_line_that_failed(road: Road) -> None:
    vault, card = road.vault, road.card
    vault.log("boot", {}, START_NS)
    torn = (road.desk.root / "journal.jsonl").read_bytes()
    card.refuse = lambda call, path: CardFailed("no") if call == "append" else None
    with pytest.raises(CardFailed):
        vault.log("fault", {}, START_NS)
    with (road.desk.root / "journal.jsonl").open("ab") as file:
        file.write(b'{"dom":"bodycam-journal-1","half')  # nobody knows what is there
    for _ in range(3):
        with pytest.raises(CardFailed):
            vault.log("act", {}, START_NS)  # nor does the new file take anything yet
    card.refuse = lambda call, path: None
    vault.log("act", {}, START_NS)
    assert road.desk.kinds() == ["boot", "fault", "act"]
    assert (road.desk.root / "journal.jsonl").read_bytes().startswith(torn)
    assert [path for path in road.desk.files() if "journal" in path] == ["journal.jsonl"]
    road.desk.boot()[0].log("boot", {}, START_NS)
    assert road.desk.kinds() == ["boot", "fault", "act", "boot"]


def test_a_number_whose_opening_failed_is_not_given_again_and_accounted_for(road: Road) -> None:
    road.card.refuse = lambda call, path: CardFailed("no") if path == "journal.jsonl" else None
    with pytest.raises(CardFailed):
        road.vault.open(warned(), START_NS)
    road.card.refuse = lambda call, path: None
    recording = road.vault.open(warned(), START_NS)
    recording.close()
    recs = [(entry.kind, str(entry.rec)[6:12]) for entry in road.desk.journal()]
    assert recs == [
        ("open", "000001"),
        ("void", "000001"),
        ("open", "000002"),
        ("close", "000002"),
    ]
    assert road.desk.boot()[1] == []


def test_a_card_that_gives_another_journal_than_was_written_is_not_continued(road: Road) -> None:
    road.vault.log("boot", {}, START_NS)
    road.card.refuse = lambda call, path: CardFailed("no") if call == "append" else None
    with pytest.raises(CardFailed):
        road.vault.log("fault", {}, START_NS)
    road.card.refuse = lambda call, path: None
    path = road.desk.root / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"kind":"boot"', b'"kind":"bxxt"'))
    with pytest.raises(CardFailed, match="another journal"):
        road.vault.log("act", {}, START_NS)


@pytest.mark.parametrize("torn", [False, True])
def test_a_power_cut_while_a_journal_is_written_anew_leaves_one_that_goes_on(
    tmp_path: Path, torn: bool
) -> None:
    for cut in range(4):
        road = Road(tmp_path / str(cut))
        road.vault.log("boot", {}, START_NS)
        road.card.refuse = lambda call, path: CardFailed("no") if call == "append" else None
        with pytest.raises(CardFailed):
            road.vault.log("fault", {}, START_NS)
        road.card.refuse = lambda call, path: None
        road.card.cut_after, road.card.torn = len(road.card.calls) + cut, torn
        with pytest.raises(PowerCut):
            road.vault.log("act", {}, START_NS)
        road.desk.boot()[0].log("shutdown", {}, START_NS)
        kinds = [kind for kind in road.desk.kinds() if kind != "journal-cut"]
        assert kinds[0] == "boot"
        assert kinds[-1] == "shutdown"
        assert [path for path in road.desk.files() if "jsonl.new" in path] == []


# ---- a stream that does not fit ------------------------------------------------------------------


def test_another_size_of_picture_goes_on_in_a_linked_recording(road: Road) -> None:
    pictures = [*_film(2), *_film(2, start_ns=START_NS + 2 * GOP, width=128)]
    road.begin(pictures)
    road.run()
    event = road.broke()
    assert event.why is Why.STREAM
    road.go_on(event)
    road.run()
    road.assert_kept(pictures, ends=["close", "close"])
    assert road.links() == ["", road.desk.folders[0].name]


def test_a_first_gop_that_cannot_be_used_is_lost_and_said_to_be(road: Road) -> None:
    junk = [
        Packet(Track.VIDEO, START_NS + n * FRAME_NS, b"\0\0\0\1\x41junk", n == 0) for n in range(5)
    ]
    good = _film(2, start_ns=START_NS + GOP)
    road.begin([*junk, *good])
    road.run()
    assert road.events(FootageDropped) == [FootageDropped(START_NS, START_NS + GOP, 5)]
    assert not road.events(RecordingBroke)
    road.assert_kept(good, ends=["close"])


def test_a_muxer_that_breaks_at_the_first_gop_does_not_stand_in_the_way(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    init, calls = Fmp4Muxer.init, chain([True], [False] * 9)

    def breaks_once(self: Fmp4Muxer, first: Gop) -> bytes:
        if next(calls):
            raise IndexError("nobody foresaw this")
        return init(self, first)

    monkeypatch.setattr(Fmp4Muxer, "init", breaks_once)
    pictures = _film(3)
    road.begin(pictures)
    road.run()
    assert road.events(FootageDropped) == [FootageDropped(START_NS, START_NS + GOP, 5)]
    road.assert_kept(pictures[5:], ends=["close"])


def _on_create(road: Road) -> None:
    def refuse(call: str, path: str) -> Exception | None:
        return ZeroDivisionError("nobody foresaw this") if ".segment." in path else None

    road.card.refuse = refuse


def _in_the_middle(road: Road) -> None:
    def refuse(call: str, path: str) -> Exception | None:
        return ZeroDivisionError("nobody foresaw this") if "4.segment" in path else None

    road.card.refuse = refuse


def _without_memory(road: Road) -> None:
    def refuse(call: str, path: str) -> Exception | None:
        return MemoryError("no memory") if ".segment." in path else None

    road.card.refuse = refuse


@pytest.mark.parametrize("breaks", [_on_create, _in_the_middle, _without_memory])
def test_what_nobody_foresaw_costs_nothing(road: Road, breaks: Callable[[Road], None]) -> None:
    pictures = _film(3)
    road.begin(pictures)
    breaks(road)
    with pytest.raises((ZeroDivisionError, MemoryError)):
        road.run()
    event = road.broke()
    assert event.why is Why.ERROR
    assert road.writer.watch.busy_since_ns is None
    road.card.refuse = lambda call, path: None
    road.go_on(event)
    road.run()
    road.desk.boot()
    road.assert_kept(pictures, ends=["recovered", "close"])


def test_an_entry_that_nobody_foresaw_stands_in_no_ones_way(road: Road) -> None:
    pictures = _film(2)
    road.begin(pictures)
    road.run()
    road.footage.log(Log("boot", START_NS))
    road.footage.note(Note("mark", START_NS))
    road.card.refuse = lambda call, path: ZeroDivisionError("nobody foresaw this")
    with pytest.raises(ZeroDivisionError):
        road.writer.step()
    assert not road.events(RecordingBroke)
    assert road.footage.idle
    road.assert_kept(pictures, ends=["close"])


def test_with_a_journal_that_failed_footage_is_held_for_a_card_that_works(road: Road) -> None:
    pictures = _film(2)
    road.card.refuse = lambda call, path: CardFailed("broken") if path == "journal.jsonl" else None
    road.begin(pictures)
    road.run()
    held = road.footage.held_bytes
    assert held == sum(len(packet.data) for packet in pictures)
    road.go_on(road.broke())
    road.run()
    assert len(road.events(RecordingBroke)) == 2
    assert road.footage.held_bytes == held
    assert not list((road.desk.root / "recordings").iterdir())


def test_a_card_that_does_not_say_its_room_is_a_fault(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> int:
        raise CardFailed("broken")

    monkeypatch.setattr(road.card, "free_bytes", fails)
    road.writer.step()
    assert road.told == [FaultRaised(Fault.CARD_FAILED)]
