"""What recovery makes of a card on which something is open, torn, damaged, or not ours.

tests/crash pulls the battery out at every step, and again at every step of recovering.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bodycam.errors import CardFailed
from bodycam.evidence.journal import Journal, read_journal
from bodycam.evidence.ledger import recovered_line
from bodycam.evidence.lines import MAX_LINE_BYTES, ZERO, sign_line
from bodycam.media.fmp4 import Fmp4Muxer
from bodycam.recorder.card_journal import AT_ONCE, free_name
from bodycam.rules.events import Log
from recorder.desk import (
    KEY,
    Desk,
    opened,
    reading,
    real_gops,
    warned,
)
from recordings import device_key
from streams import FRAME_NS, START_NS


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "card")


# ---- what a power cut leaves ---------------------------------------------------------------------


def _left_open(desk: Desk) -> Path:
    """A recording of one GOP that was never closed."""
    vault, _ = desk.boot()
    recording = vault.open(warned(), START_NS)
    (gop,) = real_gops(1)
    muxer = Fmp4Muxer(frame_ns=FRAME_NS, sound=None)
    recording.commit([("init", [muxer.init(gop)]), ("segment", muxer.segment(gop))])
    return desk.folders[0]


def _closed(desk: Desk) -> Path:
    vault, _ = desk.boot()
    recording = vault.open(warned(), START_NS)
    recording.commit([("init", [b"init"]), ("segment", [b"segment"])])
    recording.close()
    return desk.folders[0]


@pytest.mark.parametrize("tail", [b'{"dom":"bodycam-led', b"\0\0\0\0", b"nonsense\n", b""])
def test_a_last_line_that_is_not_whole_goes_aside(desk: Desk, tail: bytes) -> None:
    folder = _left_open(desk)
    whole = (folder / "ledger.jsonl").read_bytes()
    (folder / "ledger.jsonl").write_bytes(whole + tail)
    (folder / "00000004.segment.age").write_bytes(b"no line yet")
    _, (found,) = desk.boot()
    assert (found.rec, found.outcome) == (folder.name, "recovered")
    assert (folder / "ledger.jsonl").read_bytes().startswith(whole)
    assert reading(folder).end == "recovered"
    assert len(reading(folder).objects) == 3
    assert (folder / "unsigned/00000004.segment.age").read_bytes() == b"no line yet"
    kept = folder / "unsigned/ledger.tail"
    assert (kept.read_bytes() if tail else b"") == tail
    assert kept.exists() == bool(tail)
    entry = desk.journal()[-1]
    assert (entry.kind, entry.rec) == ("recovered", folder.name)


def test_lines_behind_a_sector_that_was_never_written_go_aside(desk: Desk) -> None:
    """The lines of a batch are written at once: a later sector may be there, an earlier not."""
    folder = _left_open(desk)
    ledger = folder / "ledger.jsonl"
    data = ledger.read_bytes()
    first, second, third, last = data.splitlines(keepends=True)
    hole = first + second + bytes(len(third) - 1) + b"\n" + last
    ledger.write_bytes(hole)
    _, (found,) = desk.boot()
    assert found.outcome == "recovered"
    assert ledger.read_bytes().startswith(first + second)
    assert (reading(folder).problem, reading(folder).end) == (None, "recovered")
    assert (folder / "unsigned/ledger.tail").read_bytes() == hole[len(first + second) :]
    assert (folder / "unsigned/00000003.segment.age").exists()


def test_what_is_only_in_memory_is_made_durable_before_the_journal_tells_of_it(desk: Desk) -> None:
    """The program alone was killed: what it wrote last can be read, and is not on the card."""
    folder = f"recordings/{_left_open(desk).name}"
    card = desk.card()
    desk.boot(card)
    told = card.calls.index(("append", "journal.jsonl"))
    assert card.calls[1:told] == [
        ("settle", "journal.jsonl"),
        ("sync_folder", "."),
        ("settle", f"{folder}/ledger.jsonl"),
        ("sync_folder", folder),
    ]


def test_another_keys_end_is_no_end(desk: Desk) -> None:
    folder = _left_open(desk)
    with (folder / "ledger.jsonl").open("ab") as file:
        file.write(recovered_line(reading(folder), device_key("cam08")))
    _, (found,) = desk.boot()
    assert found.outcome == "recovered"
    assert (reading(folder).problem, reading(folder).end) == (None, "recovered")
    assert (folder / "unsigned/ledger.tail").exists()


def test_what_goes_aside_takes_nothing_elses_place(desk: Desk) -> None:
    folder = _left_open(desk)
    (folder / "unsigned").mkdir()
    (folder / "unsigned/00000004.note.age").write_bytes(b"earlier")
    (folder / "unsigned/ledger.tail").write_bytes(b"earlier")
    (folder / "00000004.note.age").write_bytes(b"later")
    with (folder / "ledger.jsonl").open("ab") as file:
        file.write(b"torn")
    desk.boot()
    assert {path.name: path.read_bytes() for path in (folder / "unsigned").iterdir()} == {
        "00000004.note.age": b"earlier",
        "00000004.note.age.1": b"later",
        "ledger.tail": b"earlier",
        "ledger.tail.1": b"torn",
    }


def test_a_free_name_is_free(desk: Desk) -> None:
    card = desk.card()
    card.create("a", b"")
    card.create("a.1", b"")
    assert free_name(card, "a") == "a.2"
    assert free_name(card, "b") == "b"


@pytest.mark.parametrize("rest", [b"", b"-----BEGIN SSH SIGNATURE-----\ntorn"])
def test_a_closing_signature_that_is_missing_or_torn_is_made(desk: Desk, rest: bytes) -> None:
    folder = _closed(desk)
    signature = folder / "ledger.jsonl.sig"
    wanted = signature.read_bytes()
    signature.unlink()
    if rest:
        signature.write_bytes(rest)
        (folder / "ledger.jsonl.sig.new").write_bytes(rest)
    _, (found,) = desk.boot()
    assert found.outcome == "signed"
    assert signature.read_bytes() == wanted
    assert not (folder / "ledger.jsonl.sig.new").exists()
    assert desk.kinds() == ["open", "close", "close"]
    assert desk.boot()[1] == []


def _shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_shortened, _changed, Path.unlink])
def test_nothing_is_signed_over_an_object_that_is_not_whole(
    desk: Desk, damage: Callable[[Path], None]
) -> None:
    folder = _closed(desk)
    (folder / "ledger.jsonl.sig").unlink()
    damage(folder / "00000003.segment.age")
    _, (found,) = desk.boot()
    assert (found.outcome, "00000003.segment.age" in found.why) == ("damaged", True)
    assert not (folder / "ledger.jsonl.sig").exists()
    assert desk.kinds() == ["open", "close", "damaged"]
    assert desk.boot()[1] == []
    assert desk.kinds() == ["open", "close", "damaged"]


def _middle_changed(folder: Path) -> None:
    ledger = folder / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"seq":2', b'"seq":9'))


def _line_after_the_end(folder: Path) -> None:
    ledger = folder / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes() + ledger.read_bytes().splitlines(keepends=True)[1])


def _too_long(folder: Path) -> None:
    with (folder / "ledger.jsonl").open("r+b") as file:
        file.truncate(64 * 1024 * 1024 + 1)


@pytest.mark.parametrize("damage", [_middle_changed, _line_after_the_end, _too_long])
def test_other_damage_stays_untouched_and_is_told_once(
    desk: Desk, damage: Callable[[Path], None]
) -> None:
    folder = _closed(desk)
    (folder / "ledger.jsonl.sig").unlink()
    damage(folder)
    before = (folder / "ledger.jsonl").read_bytes()
    _, (found,) = desk.boot()
    assert found.outcome == "damaged"
    assert (folder / "ledger.jsonl").read_bytes() == before
    assert not (folder / "ledger.jsonl.sig").exists()
    assert desk.boot()[1] == []
    assert desk.kinds() == ["open", "close", "damaged"]


@pytest.mark.parametrize("first", [None, b"", b'{"dom":'])
def test_without_a_first_line_nothing_is_signed(desk: Desk, first: bytes | None) -> None:
    folder = _left_open(desk)
    (folder / "ledger.jsonl").unlink()
    if first is not None:
        (folder / "ledger.jsonl").write_bytes(first)
    _, (found,) = desk.boot()
    assert found.outcome == "void"
    assert [path.name for path in folder.iterdir()] == ["unsigned"]
    assert desk.kinds() == ["open", "void"]
    assert desk.boot()[1] == []


def test_an_opening_in_the_journal_without_a_folder_is_void(desk: Desk) -> None:
    folder = _left_open(desk)
    shutil.rmtree(folder)
    _, (found,) = desk.boot()
    assert (found.rec, found.outcome) == (folder.name, "void")
    assert (desk.kinds(), desk.journal()[-1].rec) == (["open", "void"], folder.name)
    assert desk.boot()[1] == []


def test_every_opening_without_a_folder_since_the_last_start_is_void(desk: Desk) -> None:
    """A card that failed at one recording and took the next: neither may seem to be missing."""
    vault, _ = desk.boot(card := desk.card())
    vault.log("boot", {}, START_NS)
    card.refuse = lambda call, path: CardFailed("broken") if call == "make_folder" else None
    for _ in range(2):
        with pytest.raises(CardFailed):
            vault.open(warned(), None)
    card.refuse = lambda call, path: None
    vault.open(warned(), None).close()
    _, found = desk.boot()
    assert [(one.rec[:12], one.outcome) for one in found] == [
        ("cam07-000001", "void"),
        ("cam07-000002", "void"),
    ]
    vault, again = desk.boot()
    assert again == []
    vault.log("boot", {}, START_NS)
    assert desk.boot()[1] == []


def test_what_is_not_ours_is_left_as_it_is(desk: Desk) -> None:
    desk.boot()
    recordings = desk.root / "recordings"
    for name in ("cam08-000001-00000000", "holiday", "cam07-1-2"):
        (recordings / name).mkdir()
        (recordings / name / "file").write_bytes(b"theirs")
    (recordings / "cam07-000009-00000000").write_bytes(b"a file")
    before = desk.files()
    assert desk.boot()[1] == []
    assert desk.files() == before


def test_a_recording_that_cannot_be_read_does_not_keep_the_camera_from_recording(
    desk: Desk,
) -> None:
    folder = _left_open(desk)
    card = desk.card()
    card.refuse = lambda call, path: (
        CardFailed("broken") if call == "read" and folder.name in path else None
    )
    vault, (found,) = desk.boot(card)
    assert (found.rec, found.outcome, found.why) == (folder.name, "failed", "broken")
    vault.open(warned(), None).close()
    _, (again,) = desk.boot()
    assert (again.rec, again.outcome) == (folder.name, "recovered")


def test_a_long_recording_that_was_closed_is_known_by_its_end(desk: Desk) -> None:
    vault, _ = desk.boot()
    recording = vault.open(warned(), START_NS)
    recording.commit([("note", [b"{}"])] * 40)
    recording.close()
    (folder,) = desk.folders
    assert (folder / "ledger.jsonl").stat().st_size > MAX_LINE_BYTES
    assert desk.boot()[1] == []


# ---- the journal ---------------------------------------------------------------------------------


def test_a_torn_last_line_of_the_journal_is_kept_apart(desk: Desk) -> None:
    folder = _closed(desk)
    path = desk.root / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"dom":"bodycam-jour')
    vault, _ = desk.boot()
    (kept,) = (desk.root / "unsigned").iterdir()
    assert kept.read_bytes() == b'{"dom":"bodycam-jour'
    assert path.read_bytes().startswith(whole)
    assert desk.kinds() == ["open", "close", "journal-cut"]
    assert vault.last_opened == folder.name


@pytest.mark.parametrize("before", [0, 40])
@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_lines_of_the_journal_behind_a_sector_that_was_never_written_go_aside(
    desk: Desk, before: int, lost: int
) -> None:
    """Lines that wait are written at once: a later sector may be there, an earlier not."""
    vault, _ = desk.boot()
    for _ in range(before):
        vault.log("boot", {}, START_NS)
    vault.log_all([Log("act", START_NS) for _ in range(AT_ONCE)])
    path = desk.root / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    hole = bytes(len(lines[before + lost]) - 1) + b"\n"
    path.write_bytes(b"".join([*lines[: before + lost], hole, *lines[before + lost + 1 :]]))
    desk.boot()
    assert desk.kinds() == ["boot"] * before + ["act"] * lost + ["journal-cut"]
    (kept,) = (desk.root / "unsigned").iterdir()
    assert kept.read_bytes() == b"".join([hole, *lines[before + lost + 1 :]])


@pytest.mark.parametrize("older", [False, True])
def test_a_journal_that_was_changed_is_no_power_cut(desk: Desk, older: bool) -> None:
    vault, _ = desk.boot()
    for _ in range(3 * AT_ONCE if older else 3):
        vault.log("act", {}, START_NS)
    path = desk.root / "journal.jsonl"
    *lines, before, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, before.replace(b"act", b"fun"), last]))
    desk.boot()
    assert desk.kinds() == ["journal-cut"]
    assert [kept.name for kept in (desk.root / "unsigned").iterdir()] == ["journal.boot-2.jsonl"]


def test_a_journal_whose_only_line_is_torn_begins_anew(desk: Desk) -> None:
    desk.root.mkdir()
    (desk.root / "journal.jsonl").write_bytes(b'{"dom":')
    desk.boot()
    assert desk.kinds() == ["journal-cut"]
    assert desk.journal()[0].seq == 0


@pytest.mark.parametrize("long", [False, True])
def test_a_foreign_journal_is_set_aside_and_numbers_go_on(desk: Desk, long: bool) -> None:
    folder = _closed(desk)
    path = desk.root / "journal.jsonl"
    foreign = b"x" * 200_000 if long else b"one\ntwo\n"
    path.write_bytes(foreign)
    vault, _ = desk.boot()
    (kept,) = (desk.root / "unsigned").iterdir()
    assert kept.read_bytes() == foreign
    assert desk.kinds() == ["journal-cut"]
    vault.open(warned(), None)
    assert str(desk.journal()[-1].rec).startswith("cam07-000002-")
    assert folder in desk.folders


def test_another_cameras_journal_is_not_continued(desk: Desk) -> None:
    desk.root.mkdir()
    theirs = Journal("cam08", device_key("cam08"), "boot-0")
    lines = b"".join(theirs.line("boot", n, b"sealed") for n in range(3))
    (desk.root / "journal.jsonl").write_bytes(lines)
    desk.boot()
    (kept,) = (desk.root / "unsigned").iterdir()
    assert kept.read_bytes() == lines
    assert desk.kinds() == ["journal-cut"]


def test_a_journal_whose_lines_have_no_number_is_not_continued(desk: Desk) -> None:
    desk.root.mkdir()
    fields = {"dom": "bodycam-journal-1", "dev": "cam07", "seq": "one", "kind": "boot"}
    line = sign_line({**fields, "prev": ZERO}, KEY.sign)
    (desk.root / "journal.jsonl").write_bytes(line * 2)
    desk.boot()
    (kept,) = (desk.root / "unsigned").iterdir()
    assert kept.read_bytes() == line * 2
    assert desk.kinds() == ["journal-cut"]


def test_numbers_go_on_after_recordings_that_were_handed_over(desk: Desk) -> None:
    folder = _closed(desk)
    shutil.rmtree(folder)
    vault, found = desk.boot()
    assert found == []
    vault.open(warned(), None)
    assert str(desk.journal()[-1].rec).startswith("cam07-000002-")


def test_numbers_go_on_where_the_opening_is_far_back_in_the_journal(desk: Desk) -> None:
    folder = _closed(desk)
    vault, _ = desk.boot()
    for number in range(220):
        vault.log("act", {"number": number}, START_NS)
    shutil.rmtree(folder)
    assert (desk.root / "journal.jsonl").stat().st_size > 2 * 64 * 1024
    vault, _ = desk.boot()
    assert vault.last_opened == folder.name
    vault.open(warned(), None)
    assert str(desk.journal()[-1].rec).startswith("cam07-000002-")


def test_the_journal_says_what_was_done_and_why(desk: Desk) -> None:
    _left_open(desk)
    desk.boot()
    data = (desk.root / "journal.jsonl").read_bytes()
    last = read_journal(data, dev="cam07", key=KEY.public).entries[-1]
    sealed = desk.root / "body"
    sealed.write_bytes(last.body)
    assert b"The ledger was not closed." in opened(sealed)
