"""A line means that its object is durable: the order of writes, and what is written."""

import json
from pathlib import Path

import pytest

from bodycam.errors import CardError, CardFailed, CardFull
from bodycam.evidence import sshsig
from bodycam.media.fmp4 import Fmp4Muxer
from bodycam.media.packets import SECOND
from bodycam.recorder.vault import RESERVE_BYTES, note_body
from bodycam.rules.events import How, Note, Output, Stamp, Warned
from recorder.desk import KEY, POLICY, Desk, assert_sound, opened, reading, real_gops, warned
from streams import FRAME_NS, START_NS

MEGABYTE = 1 << 20


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "card")


def test_a_recording_is_written_in_the_order_that_makes_a_line_mean_something(desk: Desk) -> None:
    card = desk.card()
    vault, _ = desk.boot(card)
    card.calls.clear()
    recording = vault.open(warned(), START_NS)
    at = recording.folder
    assert card.calls == [
        ("append", "journal.jsonl"),
        ("make_folder", at),
        ("append", f"{at}/ledger.jsonl"),
        ("sync_folder", at),
        ("create", f"{at}/00000001.warning.age"),
        ("sync_folder", at),
        ("append", f"{at}/ledger.jsonl"),
    ]
    card.calls.clear()
    recording.commit([("init", [b"init"]), ("segment", [b"one", b"gop"]), ("note", [b"{}"])])
    assert card.calls == [
        ("create", f"{at}/00000002.init.age"),
        ("create", f"{at}/00000003.segment.age"),
        ("create", f"{at}/00000004.note.age"),
        ("sync_folder", at),
        ("append", f"{at}/ledger.jsonl"),
    ]
    card.calls.clear()
    recording.close()
    assert card.calls == [
        ("append", f"{at}/ledger.jsonl"),
        ("append", "journal.jsonl"),
        ("create", f"{at}/ledger.jsonl.sig.new"),
        ("move", f"{at}/ledger.jsonl.sig.new"),
    ]


def test_a_closed_recording_holds(desk: Desk) -> None:
    vault, found = desk.boot()
    recording = vault.open(warned(), START_NS - 2_000_000_000)
    muxer, (gop,) = Fmp4Muxer(frame_ns=FRAME_NS, sound=None), real_gops(1)
    init, segment = muxer.init(gop), b"".join(muxer.segment(gop))
    recording.commit([("init", [init]), ("segment", [segment])])
    recording.close()
    (folder,) = desk.folders
    assert found == []
    assert reading(folder).end == "close"
    assert_sound(folder)
    message = (folder / "ledger.jsonl").read_bytes()
    armor = (folder / "ledger.jsonl.sig").read_text()
    sshsig.verify(armor, KEY.public, "bodycam-recording", message)
    assert opened(folder / "00000002.init.age") + opened(folder / "00000003.segment.age") == (
        init + segment
    )
    opening, closing = desk.journal()
    assert (opening.kind, opening.rec) == ("open", folder.name)
    assert (closing.kind, closing.rec, closing.head) == ("close", folder.name, reading(folder).head)
    assert desk.boot()[1] == []


@pytest.mark.parametrize(
    ("how", "first_ns", "asked_ms", "got_ms"),
    [
        (How.WARNED, START_NS - 2_500_000_000, 30_000, 2500),
        (How.WARNED, None, 30_000, 0),
        (How.WARNED, START_NS + 5, 30_000, 0),
        (How.CONTINUED, START_NS + 5, 0, 0),
    ],
)
def test_the_warning_says_what_was_asked_and_what_there_was(
    desk: Desk, how: How, first_ns: int | None, asked_ms: int, got_ms: int
) -> None:
    vault, _ = desk.boot()
    vault.open(warned(), None).close()
    vault.open(warned(how), first_ns)
    first, second = desk.folders
    body = json.loads(opened(second / "00000001.warning.age"))
    assert body["how"] == how.value
    assert body["pre_record_ms"] == asked_ms
    assert body["pre_record_got_ms"] == got_ms
    assert body["linked_to"] == (first.name if how is How.CONTINUED else "")
    assert body["wearer"] == "w-7f31"
    assert body["started"] == [{"output": "speaker", "at_us": START_NS // 1000}]


def test_the_warning_is_the_whole_object_of_the_format(desk: Desk) -> None:
    vault, _ = desk.boot()
    began = Stamp(Output.SPEAKER, START_NS + 40_000_999)
    failed = Stamp(Output.BUZZER, START_NS + 50_000_999)
    asked = Stamp(Output.SPEAKER, START_NS + 999)
    pressed_ns, recording_ns = START_NS + 1_999, START_NS + 2_040_000_999
    given = Warned(
        How.WARNED, pressed_ns, recording_ns, recording_ns, (asked,), (began,), (failed,), SECOND
    )
    vault.open(given, START_NS - 500_000_000)
    (folder,) = desk.folders
    assert json.loads(opened(folder / "00000001.warning.age")) == {
        "v": 1,
        "how": "warned",
        "pressed_us": pressed_ns // 1000,
        "recording_us": recording_ns // 1000,
        "given_us": recording_ns // 1000,
        "asked": [{"output": "speaker", "at_us": asked.at_ns // 1000}],
        "started": [{"output": "speaker", "at_us": began.at_ns // 1000}],
        "failed": [{"output": "buzzer", "at_us": failed.at_ns // 1000}],
        "lead_ms": POLICY.lead_ns // 1_000_000,
        "pre_record_ms": 1000,
        "pre_record_got_ms": 500,
        "wall": {
            "boot_us": START_NS // 1000,
            "utc": "2026-09-21T15:36:40.123Z",
            "source": "ntp",
            "error_ms": 40,
        },
        "policy": {"name": POLICY.name, "sha256": POLICY.sha256},
        "wearer": "w-7f31",
        "linked_to": "",
    }
    assert desk.said(0) == {"v": 1, "how": "warned"}


def test_a_warning_that_was_not_given_says_so(desk: Desk) -> None:
    vault, _ = desk.boot()
    vault.open(Warned(How.HELD, START_NS, START_NS, None, (), (), (), 0), None)
    (folder,) = desk.folders
    body = json.loads(opened(folder / "00000001.warning.age"))
    assert (body["how"], body["given_us"], body["asked"]) == ("held", None, [])


def test_a_signature_that_was_being_written_is_written_anew(desk: Desk) -> None:
    vault, _ = desk.boot()
    recording = vault.open(warned(), None)
    (folder,) = desk.folders
    (folder / "ledger.jsonl.sig.new").write_bytes(b"half of a sig")
    recording.close()
    armor = (folder / "ledger.jsonl.sig").read_text()
    message = (folder / "ledger.jsonl").read_bytes()
    sshsig.verify(armor, KEY.public, "bodycam-recording", message)
    assert not (folder / "ledger.jsonl.sig.new").exists()


def test_a_recording_is_whole_until_a_write_of_it_fails(desk: Desk) -> None:
    card = desk.card()
    vault, _ = desk.boot(card)
    recording = vault.open(warned(), None)
    assert recording.whole
    card.refuse = lambda call, path: (
        CardFailed("It fails.") if path.endswith("journal.jsonl") else None
    )
    with pytest.raises(CardFailed):
        recording.close()
    assert not recording.whole


def test_the_newest_durable_lines_are_known_for_the_network(desk: Desk) -> None:
    card = desk.card()
    vault, _ = desk.boot(card)
    assert vault.journal_line == ""

    def newest(path: Path) -> str:
        return path.read_text().split("\n")[-2]

    recording = vault.open(warned(), START_NS)
    ledger = desk.folders[0] / "ledger.jsonl"
    assert recording.line == newest(ledger)
    recording.commit([("init", [b"init"]), ("segment", [b"gop"])])
    assert recording.line == newest(ledger)
    recording.commit([])
    durable = newest(ledger)
    assert recording.line == durable
    card.refuse = lambda call, path: CardFailed("broken") if call == "append" else None
    with pytest.raises(CardFailed):
        recording.commit([("segment", [b"gop"])])
    assert recording.line == durable
    assert vault.journal_line == newest(card.root / "journal.jsonl")


def test_a_probe_writes_what_a_card_must_really_take_and_leaves_nothing(desk: Desk) -> None:
    card = desk.card()
    vault, _ = desk.boot(card)
    card.calls.clear()
    vault.probe()
    assert card.calls == [("create", "probe"), ("sync_folder", "."), ("remove", "probe")]
    # One that could not be taken away is in the way of none that comes.
    card.refuse = lambda call, path: CardFailed("broken") if call == "remove" else None
    with pytest.raises(CardFailed):
        vault.probe()
    assert desk.files()["probe"] == bytes(65_536)
    card.refuse = lambda call, path: None
    vault.probe()
    assert "probe" not in desk.files()


def test_the_card_reveals_neither_name_nor_sound_nor_time(desk: Desk) -> None:
    vault, _ = desk.boot()
    recording = vault.open(warned(), START_NS)
    vault.log("act", {"what": "cancelled-by-hand"}, START_NS)
    recording.commit([("init", [b"plain init"]), ("segment", [b"plain segment"])])
    recording.close()
    everything = b"".join(desk.files().values())
    for plain in (b"plain", b"w-7f31", b"warned", b"cancelled-by-hand", b"utc"):
        assert plain not in everything


def test_numbers_go_up_and_never_repeat(desk: Desk) -> None:
    numbers = []
    for _ in range(3):
        vault, _ = desk.boot()
        for _ in range(2):
            vault.open(warned(), None).close()
            numbers.append(desk.journal()[-1].rec)
    assert [str(rec)[6:12] for rec in numbers] == [f"{n:06d}" for n in range(1, 7)]
    assert vault.last_opened == numbers[-1]


def test_only_the_reserve_is_left_for_closing(desk: Desk) -> None:
    card = desk.card()
    vault, _ = desk.boot(card)
    recording = vault.open(warned(), START_NS)
    card.free = RESERVE_BYTES + MEGABYTE
    assert vault.room_bytes() == MEGABYTE
    card.free = RESERVE_BYTES
    with pytest.raises(CardFull):
        recording.commit([("note", [b"{}"])])
    assert recording.whole
    with pytest.raises(CardFull):
        vault.open(warned(), START_NS)
    assert len(desk.folders) == 1
    assert desk.kinds() == ["open"]
    recording.close()
    assert_sound(desk.folders[0])
    assert reading(desk.folders[0]).end == "close"


def test_objects_of_a_batch_that_does_not_fit_are_taken_away(desk: Desk) -> None:
    card = desk.card()
    vault, _ = desk.boot(card)
    recording = vault.open(warned(), START_NS)
    card.refuse = lambda call, path: CardFull("full") if "3.segment" in path else None
    with pytest.raises(CardFull):
        recording.commit([("init", [b"init"]), ("segment", [b"gop"])])
    assert recording.whole
    recording.close()
    (folder,) = desk.folders
    assert_sound(folder)
    assert (reading(folder).end, len(reading(folder).objects)) == ("close", 1)


def test_objects_that_are_there_when_the_folder_does_not_fit_are_taken_away(desk: Desk) -> None:
    card = desk.card()
    vault, _ = desk.boot(card)
    recording = vault.open(warned(), START_NS)
    full = [CardFull("full")]
    card.refuse = lambda call, path: full.pop() if call == "sync_folder" and full else None
    with pytest.raises(CardFull):
        recording.commit([("init", [b"init"]), ("segment", [b"gop"])])
    recording.close()
    (folder,) = desk.folders
    assert_sound(folder)
    assert (reading(folder).end, len(reading(folder).objects)) == ("close", 1)


def test_what_did_not_fit_stays_away_before_anything_is_signed(desk: Desk) -> None:
    """The card takes a half-written object away itself; no power cut may bring its name back."""
    card = desk.card()
    vault, _ = desk.boot(card)
    recording = vault.open(warned(), START_NS)
    card.refuse = lambda call, path: CardFull("full") if call == "create" else None
    card.calls.clear()
    with pytest.raises(CardFull):
        recording.commit([("note", [b"{}"])])
    assert card.calls == [("sync_folder", recording.folder)]
    assert recording.whole


@pytest.mark.parametrize(
    ("call", "error"),
    [("create", CardFailed), ("sync_folder", CardFailed), ("append", CardFailed)],
)
def test_what_failed_is_not_whole_and_is_recovered_at_the_next_boot(
    desk: Desk, call: str, error: type[CardError]
) -> None:
    card = desk.card()
    vault, _ = desk.boot(card)
    recording = vault.open(warned(), START_NS)
    card.refuse = lambda done, path: error("broken") if done == call else None
    with pytest.raises(error):
        recording.commit([("note", [b"{}"])])
    assert not recording.whole
    _, found = desk.boot()
    assert [one.outcome for one in found] == ["recovered"]
    assert_sound(desk.folders[0])


def test_a_journal_line_that_does_not_fit_is_not_there_and_the_chain_goes_on(desk: Desk) -> None:
    card = desk.card()
    vault, _ = desk.boot(card)
    vault.log("boot", {}, START_NS)
    card.refuse = lambda call, path: CardFull("full") if path == "journal.jsonl" else None
    with pytest.raises(CardFull):
        vault.log("fault", {}, START_NS)
    with pytest.raises(CardFull):
        vault.open(warned(), START_NS)
    card.refuse = lambda call, path: None
    recording = vault.open(warned(), START_NS)
    assert desk.kinds() == ["boot", "open"]
    assert recording.id.startswith("cam07-000001-")


def test_a_note_is_the_note_that_was_asked_for(desk: Desk) -> None:
    body = json.loads(note_body(Note("gap", START_NS, (("pictures", 5), ("why", "budget")))))
    assert body == {
        "v": 1, "kind": "gap", "at_us": START_NS // 1000, "pictures": 5, "why": "budget",
    }  # fmt: skip
