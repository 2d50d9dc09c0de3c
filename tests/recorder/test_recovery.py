"""The battery may be pulled out at any moment: what was reported durable is there, and holds."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bodycam.errors import CardFailed
from bodycam.evidence import sshsig
from bodycam.evidence.journal import Journal, read_journal
from bodycam.evidence.ledger import recovered_line
from bodycam.evidence.lines import MAX_LINE_BYTES, ZERO, sign_line
from bodycam.media.fmp4 import Fmp4Muxer
from bodycam.recorder.card_journal import free_name
from recorder.desk import (
    KEY,
    Desk,
    DeskCard,
    PowerCut,
    assert_sound,
    opened,
    reading,
    real_gops,
    warned,
)
from recordings import device_key
from streams import FRAME_NS, START_NS

CHANGES = 27
"""What `_record` changes on the card, one by one."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "card")


def _record(desk: Desk, card: DeskCard, told: list[bytes]) -> None:
    """Two batches of real GOPs, a note, an end; `told` is what was reported durable."""
    vault, _ = desk.boot(card)
    vault.log("boot", {}, START_NS)
    gops = real_gops(4)
    muxer = Fmp4Muxer(frame_ns=FRAME_NS, sound=None)
    recording = vault.open(warned(), START_NS)
    batch = [("init", muxer.init(gops[0]))]
    for pair in (gops[:2], gops[2:]):
        batch += [("segment", b"".join(muxer.segment(gop))) for gop in pair]
        recording.commit([(kind, [data]) for kind, data in batch])
        told += [data for kind, data in batch if kind == "segment"]
        batch = []
    recording.commit([("note", [b"{}"])])
    recording.close()


def _assert_recovered(desk: Desk, told: list[bytes]) -> None:
    """What was told durable has a line that holds; booting again changes nothing."""
    for folder in desk.folders:
        found = reading(folder)
        if found.opening is None:
            assert {path.name for path in folder.iterdir()} == {"unsigned"}
            continue
        assert_sound(folder)
        if found.end == "close":
            message = (folder / "ledger.jsonl").read_bytes()
            armor = (folder / "ledger.jsonl.sig").read_bytes()
            sshsig.verify(armor, KEY.public, "bodycam-recording", message)
        else:
            assert found.end == "recovered"
            assert not (folder / "ledger.jsonl.sig").exists()
    assert desk.segments()[: len(told)] == told
    for entry in desk.journal():
        if entry.kind in ("close", "recovered"):
            (folder,) = (folder for folder in desk.folders if folder.name == entry.rec)
            assert entry.head is not None
            assert entry.head in _heads(folder)
    before = desk.files()
    _, found_again = desk.boot()
    assert found_again == []
    assert desk.files() == before


def _heads(folder: Path) -> set[str]:
    """The digests of all lines of a ledger."""
    lines = (folder / "ledger.jsonl").read_bytes().splitlines()
    return {hashlib.sha256(line).hexdigest() for line in lines}


def test_without_a_power_cut_all_is_told_and_closed(desk: Desk) -> None:
    card, told = desk.card(), list[bytes]()
    _record(desk, card, told)
    assert len(card.calls) == CHANGES
    assert len(told) == 4
    assert reading(desk.folders[0]).end == "close"
    _assert_recovered(desk, told)


@pytest.mark.parametrize(("torn", "forgets"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("cut", range(CHANGES))
def test_the_power_goes_at_any_moment_and_again_while_recovering(
    desk: Desk, cut: int, torn: bool, forgets: bool
) -> None:
    told: list[bytes] = []
    with pytest.raises(PowerCut):
        _record(desk, desk.card(cut, torn=torn, forgets=forgets), told)
    shutil.copytree(desk.root, desk.root.with_name("as-it-was"))
    steps = (cut + torn + forgets) % 2  # every other one here, the others at the next cut
    while True:
        shutil.rmtree(desk.root)
        shutil.copytree(desk.root.with_name("as-it-was"), desk.root)
        try:
            desk.boot(desk.card(steps, torn=torn, forgets=forgets))
        except PowerCut:
            steps += 2
            assert steps < 30
            desk.boot()
            _assert_recovered(desk, told)
        else:
            break
    _assert_recovered(desk, told)
    vault, _ = desk.boot()
    numbers = [entry.rec for entry in desk.journal() if entry.kind == "open"]
    vault.open(warned(), None)
    assert str(desk.journal()[-1].rec)[6:12] == f"{len(numbers) + 1:06d}"


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
