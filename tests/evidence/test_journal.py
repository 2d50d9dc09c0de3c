import base64
import json

import pytest

from bodycam.errors import LineError
from bodycam.evidence.journal import Journal, JournalReader, JournalReading, read_journal
from bodycam.evidence.keys import PublicKey
from bodycam.evidence.lines import ZERO, digest, sign_line
from evidence.made import CHIP, DEVICE, OTHER, REC

HEAD = "ab" * 32
BOOT = "0b7c8a52-7f2c-4e63-9a90-6bb1b5b9a9a1"


def journal(**start: object) -> Journal:
    return Journal("cam07", DEVICE, BOOT, **start)  # type: ignore[arg-type]


def made() -> list[bytes]:
    one = journal()
    return [
        one.line("boot", 1_000, b"sealed 0"),
        one.line("open", 2_000, bytearray(b"sealed 1"), rec=REC),
        one.line("close", 3_000, memoryview(b"sealed 2"), rec=REC, head=HEAD),
        one.line("act", 4_000, b"sealed 3"),
    ]


WHOLE = made()


def read(data: list[bytes], key: PublicKey | None = DEVICE.public) -> JournalReading:
    return read_journal(b"".join(data), dev="cam07", key=key)


def test_a_whole_journal() -> None:
    reading = read(WHOLE)
    assert (reading.problem, reading.torn, reading.at_end) == (None, False, False)
    assert (reading.seq, reading.head) == (4, digest(WHOLE[-1]))
    assert reading.valid_bytes == len(b"".join(WHOLE))
    assert [
        (entry.seq, entry.kind, entry.t_us, entry.rec, entry.head, entry.body)
        for entry in reading.entries
    ] == [
        (0, "boot", 1_000, None, None, b"sealed 0"),
        (1, "open", 2_000, REC, ZERO, b"sealed 1"),
        (2, "close", 3_000, REC, HEAD, b"sealed 2"),
        (3, "act", 4_000, None, None, b"sealed 3"),
    ]
    assert {entry.boot for entry in reading.entries} == {BOOT}
    assert [entry.digest for entry in reading.entries] == [digest(line) for line in WHOLE]


def test_the_lines_are_those_of_the_format() -> None:
    fields = [json.loads(line) for line in WHOLE]
    assert [*fields[0]] == ["dom", "dev", "seq", "kind", "boot", "t_us", "body", "prev", "sig"]
    assert [*fields[1]] == [
        *("dom", "dev", "seq", "kind", "boot", "t_us"),
        *("rec", "head"),
        *("body", "prev", "sig"),
    ]
    assert {line["dom"] for line in fields} == {"bodycam-journal-1"}
    assert [line["prev"] for line in fields] == [ZERO, *(digest(line) for line in WHOLE[:-1])]
    assert base64.b64decode(fields[0]["body"]) == b"sealed 0"


def test_a_journal_goes_on_after_a_boot() -> None:
    reading = read(WHOLE)
    one = journal(seq=reading.seq, prev=reading.head)
    line = one.line("boot", 5, b"x")
    assert (one.seq, one.head) == (5, digest(line))
    assert read([*WHOLE, line]).problem is None


def test_a_journal_of_a_chip() -> None:
    line = Journal("cam07", CHIP, BOOT).line("boot", 1, b"x")
    assert read([line], CHIP.public).problem is None
    assert read([line]).problem is not None


def test_a_reader_with_a_cursor() -> None:
    reader = JournalReader("cam07", DEVICE.public, seq=2, prev=digest(WHOLE[1]))
    assert reader.take(WHOLE[2]).kind == "close"
    with pytest.raises(LineError):
        reader.take(WHOLE[2])
    assert (reader.seq, reader.head) == (3, digest(WHOLE[2]))
    assert reader.take(WHOLE[3]).seq == 3


def test_a_long_journal_takes_little_memory() -> None:
    one = journal()
    blocks = (one.line("act", number, b"x" * 100) for number in range(300))
    reading = read_journal(blocks, dev="cam07", key=DEVICE.public, keep=2)
    assert (reading.seq, reading.problem) == (300, None)
    assert [entry.t_us for entry in reading.entries] == [298, 299]


def test_every_changed_byte_is_noticed() -> None:
    whole = b"".join(WHOLE[:3])
    for at in range(len(whole)):
        for change in (0x01, 0x20):
            changed = bytearray(whole)
            changed[at] ^= change
            assert read([bytes(changed)]).problem is not None, (at, change)


def forged(own: dict[str, str | int], kind: str = "boot", dev: str = "cam07") -> bytes:
    start: dict[str, str | int] = {"dom": "bodycam-journal-1", "dev": dev, "seq": 0, "kind": kind}
    return sign_line({**start, **own, "prev": ZERO}, DEVICE.sign)


GOOD: dict[str, str | int] = {"boot": "b", "t_us": 1, "body": "AAAA"}
ABOUT: dict[str, str | int] = {"boot": "b", "t_us": 1, "rec": REC, "head": HEAD, "body": "AAAA"}

HANDS = {
    "another camera": (forged(GOOD, dev="cam08"), 0),
    "another camera's recording": (forged({**ABOUT, "rec": "cam08-000001-00000000"}), 0),
    "no such recording": (forged({**ABOUT, "rec": ".."}), 0),
    "rec without head": (forged({k: v for k, v in ABOUT.items() if k != "head"}), 0),
    "head without rec": (forged({k: v for k, v in ABOUT.items() if k != "rec"}), 0),
    "time in words": (forged({**GOOD, "t_us": "1"}), 0),
    "lenient base64": (forged({**GOOD, "body": "AAB="}), 0),
    "no base64": (forged({**GOOD, "body": "A"}), 0),
    "empty body": (forged({**GOOD, "body": ""}), 0),
    "a boot with a space": (forged({**GOOD, "boot": "a b"}), 0),
    "a kind in capitals": (forged(GOOD, kind="BOOT"), 0),
    "an empty kind": (forged(GOOD, kind=""), 0),
    "dropped": (WHOLE[0] + WHOLE[2], 1),
    "repeated": (WHOLE[0] + WHOLE[0], 1),
    "ledger": (sign_line({"dom": "bodycam-ledger-1"}, DEVICE.sign), 0),
    "garbage": (b"[" * 100_000, 0),
}


@pytest.mark.parametrize(("data", "good"), HANDS.values(), ids=HANDS)
def test_the_first_wrong_line_is_named(data: bytes, good: int) -> None:
    reading = read([data])
    assert str(reading.problem).startswith(f"Line {good}: ")
    assert (reading.seq, len(reading.entries)) == (good, good)


def test_the_forger_of_these_tests_can_write_good_lines() -> None:
    assert read([forged(GOOD)]).problem is None
    assert read([forged(ABOUT)]).problem is None


def test_signatures_are_checked_if_the_key_is_known() -> None:
    assert str(read(WHOLE, OTHER.public).problem).startswith("Line 0: ")
    assert read(WHOLE, None).problem is None


def test_a_torn_last_line() -> None:
    reading = read([*WHOLE, b'{"dom":'])
    assert (reading.seq, reading.torn, reading.at_end) == (4, True, True)
    assert reading.valid_bytes == len(b"".join(WHOLE))


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "Boot"},
        {"t_us": -1},
        {"body": b""},
        {"body": bytes(8000)},
        {"rec": "cam08-000001-00000000"},
        {"rec": "x"},
        {"rec": REC, "head": "x"},
        {"head": HEAD},
    ],
    ids=repr,
)
def test_a_refused_line_changes_nothing(line: dict[str, object]) -> None:
    one = journal()
    with pytest.raises(LineError):
        one.line(**{"kind": "boot", "t_us": 1, "body": b"x"} | line)  # type: ignore[arg-type]
    assert (one.seq, one.head) == (0, ZERO)


def test_a_body_of_five_kib_fits() -> None:
    one = journal()
    line = one.line("config", 2**52, bytes(5 * 1024), rec=REC, head=HEAD)
    assert read([line]).problem is None


@pytest.mark.parametrize(
    ("dev", "boot"), [("Cam", "b"), ("", "b"), ("cam07", ""), ("cam07", "B\n")]
)
def test_what_a_journal_cannot_be_opened_with(dev: str, boot: str) -> None:
    with pytest.raises(LineError):
        Journal(dev, DEVICE, boot)
