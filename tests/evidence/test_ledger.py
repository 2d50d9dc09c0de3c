import base64
import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bodycam.errors import EvidenceError, LineError
from bodycam.evidence import ledger as ledger_module
from bodycam.evidence.keys import PublicKey, SoftwareKey
from bodycam.evidence.ledger import (
    MAX_LEDGER_BYTES,
    LedgerReading,
    Object,
    object_name,
    parse_rec,
    read_ledger,
    rec_id,
    recovered_line,
)
from bodycam.evidence.lines import MAX_LINE_BYTES, ZERO, Line, digest, sign_line
from evidence.made import (
    CHIP,
    DEVICE,
    JOURNAL,
    KIND_OF,
    OTHER,
    POLICY,
    REC,
    RECIPIENTS,
    SEED,
    lines,
    opened,
)

RECORDING = SoftwareKey.from_seed(SEED)


def read(
    data: bytes | list[bytes], *, rec: str = REC, device_key: PublicKey | None = DEVICE.public
) -> LedgerReading:
    return read_ledger(
        data if isinstance(data, bytes) else b"".join(data), rec=rec, device_key=device_key
    )


WHOLE = lines("wissn", close=True)


@pytest.mark.parametrize("device_key", [DEVICE.public, None], ids=["known", "unknown"])
def test_a_whole_ledger(device_key: PublicKey | None) -> None:
    reading = read(WHOLE, device_key=device_key)
    assert (reading.rec, reading.end, reading.problem) == (REC, "close", None)
    assert (reading.torn, reading.at_end) == (False, False)
    assert reading.opening is not None
    assert reading.opening.device == "cam07"
    assert reading.opening.alg == "ed25519"
    assert reading.opening.key == RECORDING.public
    assert reading.opening.recipients == RECIPIENTS
    assert (reading.opening.policy, reading.opening.journal) == (POLICY, JOURNAL)
    assert [item.name for item in reading.objects] == [
        "00000001.warning.age",
        "00000002.init.age",
        "00000003.segment.age",
        "00000004.segment.age",
        "00000005.note.age",
    ]
    sha256 = hashlib.sha256(SEED + b"\2").hexdigest()
    assert reading.objects[2] == Object(3, "segment", 1002, sha256, "00000003.segment.age")
    assert reading.seq == len(WHOLE) == 7
    assert reading.head == digest(WHOLE[-1])
    assert reading.valid_bytes == len(b"".join(WHOLE))


def test_the_lines_are_those_of_the_format() -> None:
    fields = [json.loads(line) for line in WHOLE]
    assert [*fields[0]] == [
        *("dom", "rec", "seq", "kind"),
        *("device", "alg", "key", "recipients", "policy", "journal"),
        *("prev", "sig"),
    ]
    for line in fields[1:-1]:
        assert [*line] == ["dom", "rec", "seq", "kind", "len", "sha256", "prev", "sig"]
    assert [*fields[-1]] == ["dom", "rec", "seq", "kind", "objects", "prev", "sig"]
    assert {line["dom"] for line in fields} == {"bodycam-ledger-1"}
    assert {line["rec"] for line in fields} == {REC}
    assert [line["seq"] for line in fields] == [*range(7)]
    assert [line["prev"] for line in fields] == [
        "0" * 64,
        *(hashlib.sha256(line[:-1]).hexdigest() for line in WHOLE[:-1]),
    ]
    assert fields[-1]["objects"] == 5
    assert base64.b64decode(fields[0]["key"]) == RECORDING.public.data


def test_a_plain_shell_checks_a_line(tmp_path: Path) -> None:
    (tmp_path / "device.pem").write_text(DEVICE.public.pem())
    (tmp_path / "recording.pem").write_text(RECORDING.public.pem())
    script = """
        head -c -99 line > signed && tail -c 91 line | head -c 88 | base64 -d > sig &&
        openssl pkeyutl -verify -rawin -pubin -inkey KEY.pem -sigfile sig -in signed
    """
    for line, key, code in [
        (WHOLE[0], "device", 0),
        (WHOLE[1], "recording", 0),
        (WHOLE[1], "device", 1),
        (WHOLE[1].replace(b'"len":1000', b'"len":1001'), "recording", 1),
    ]:
        (tmp_path / "line").write_bytes(line)
        command = ["sh", "-c", script.replace("KEY", key)]
        result = subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
        assert result.returncode == code


def test_the_writer_says_where_it_stands() -> None:
    ledger, line = opened()
    assert (ledger.rec, ledger.seq, ledger.head) == (REC, 1, digest(line))
    line = ledger.object("warning", 1, "a" * 64)
    assert (ledger.seq, ledger.head) == (2, digest(line))
    assert object_name(ledger.seq, "init") == "00000002.init.age"


def test_a_closed_ledger_signs_nothing_more() -> None:
    ledger, _ = opened()
    ledger.close()
    seq, head = ledger.seq, ledger.head
    with pytest.raises(EvidenceError, match="closed"):
        ledger.object("note", 1, "a" * 64)
    with pytest.raises(EvidenceError, match="closed"):
        ledger.close()
    assert (ledger.seq, ledger.head) == (seq, head)
    assert RECORDING.public.data.hex() not in str(vars(ledger))


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        ("", "init"),
        ("", "segment"),
        ("n", "segment"),
        ("n", "init"),
        ("w", "segment"),
        ("w", "warning"),
        ("wi", "init"),
        ("wi", "warning"),
        ("wis", "init"),
        ("", "open"),
        ("", "recovered"),
        ("", "close"),
        ("", "video"),
        ("", ""),
    ],
)
def test_the_writer_keeps_the_order(before: str, kind: str) -> None:
    ledger, _ = opened()
    for letter in before:
        ledger.object(KIND_OF[letter], 1, "a" * 64)
    seq, head = ledger.seq, ledger.head
    with pytest.raises(EvidenceError):
        ledger.object(kind, 1, "a" * 64)
    assert (ledger.seq, ledger.head) == (seq, head)


@pytest.mark.parametrize(
    ("length", "sha256"),
    [(-1, "a" * 64), (2**53, "a" * 64), (1, "A" * 64), (1, "a" * 63), (1, "a" * 64 + "\n")],
)
def test_a_refused_object_changes_nothing(length: int, sha256: str) -> None:
    ledger, _ = opened()
    seq, head = ledger.seq, ledger.head
    with pytest.raises(LineError):
        ledger.object("warning", length, sha256)
    assert (ledger.seq, ledger.head) == (seq, head)
    ledger.object("warning", 1, "a" * 64)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rec": "cam08-000042-9f3c21d8"},
        {"rec": "cam07"},
        {"device_id": "cam"},
        {"recipients": ""},
        {"recipients": "age1 "},
        {"recipients": "a" * 9000},
        {"policy_sha256": "x"},
        {"seed": b"short"},
    ],
    ids=repr,
)
def test_what_a_ledger_cannot_be_opened_with(wrong: dict[str, str]) -> None:
    with pytest.raises(EvidenceError):
        opened(**wrong)  # type: ignore[arg-type]


def test_a_full_ledger_can_still_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_OBJECTS", 2)
    ledger, line = opened()
    data = line + ledger.object("warning", 1, "a" * 64) + ledger.object("init", 1, "a" * 64)
    with pytest.raises(LineError, match="full"):
        ledger.object("segment", 1, "a" * 64)
    assert read(data + ledger.close()).end == "close"


def test_a_full_ledger_is_short_enough_to_be_read() -> None:
    rec = "x" * 64 + "-" + "9" * 9 + "-" + "f" * 8
    ledger, _ = opened(rec=rec, device_id="x" * 64)
    line = ledger.object("warning", 2**32, "a" * 64)
    longest = len(line) + len("150000") - len("1")
    assert ledger_module.MAX_OBJECTS * longest + 2 * MAX_LINE_BYTES < MAX_LEDGER_BYTES


# Reading what somebody has had their hands on.


def test_every_changed_byte_is_noticed() -> None:
    whole = b"".join(lines("wi", close=True))
    good = read(whole)
    starts = [0, *(at + 1 for at, byte in enumerate(whole) if byte == 10)]
    for at in range(len(whole)):
        line = sum(start <= at for start in starts) - 1
        for change in (0x01, 0x20, 0x80):
            changed = bytearray(whole)
            changed[at] ^= change
            reading = read(bytes(changed))
            assert reading.problem is not None, (at, change)
            assert reading.problem.startswith(f"Line {line}: "), (at, change)
            assert reading.valid_bytes == starts[line]
            assert reading.objects == good.objects[: max(0, line - 1)]


def test_every_cut_is_noticed() -> None:
    whole = b"".join(lines("wi", close=True))
    ends = [at + 1 for at, byte in enumerate(whole) if byte == 10]
    for size in range(len(whole)):
        reading = read(whole[:size])
        assert reading.end is None
        assert reading.torn == reading.at_end == (size not in [0, *ends])
        assert reading.valid_bytes == max([0, *(end for end in ends if end <= size)])


FOREIGN = lines("wissn", seed=b"another" + bytes(25), close=True)


def forged(kind: str, at: int, own: dict[str, str | int], key: SoftwareKey = RECORDING) -> bytes:
    """A line signed with a recording's key itself, to follow the first `at` lines."""
    head = digest(WHOLE[at - 1]) if at else ZERO
    start: dict[str, str | int] = {"dom": "bodycam-ledger-1", "rec": REC, "seq": at, "kind": kind}
    return sign_line({**start, **own, "prev": head}, key.sign)


OBJECT: dict[str, str | int] = {"len": 1, "sha256": "a" * 64}


def signed(names: str = "dom rec seq kind len sha256 prev", **other: str | int) -> bytes:
    """What should be line 1, with keys in another order or with another value."""
    fields: dict[str, str | int] = {
        **{"dom": "bodycam-ledger-1", "rec": REC, "seq": 1, "kind": "warning"},
        **OBJECT,
        "prev": digest(WHOLE[0]),
        **other,
    }
    return sign_line({name: fields[name] for name in names.split()}, RECORDING.sign)


OPEN: dict[str, str | int] = {
    name: value
    for name, value in json.loads(WHOLE[0]).items()
    if name in ("device", "alg", "key", "recipients", "policy", "journal")
}

HANDS = {
    "empty line": ([b"\n"], 0),
    "garbage": ([b"\0\xff\n"], 0),
    "no open": (WHOLE[1:], 0),
    "a line dropped": (WHOLE[:2] + WHOLE[3:], 2),
    "a line repeated": (WHOLE[:3] + WHOLE[2:], 3),
    "lines swapped": ([*WHOLE[:3], WHOLE[4], WHOLE[3], *WHOLE[5:]], 3),
    "a line of another recording": ([*WHOLE[:3], FOREIGN[3], *WHOLE[4:]], 3),
    "the end of another recording": (WHOLE[:3] + FOREIGN[3:], 3),
    "another opening": (FOREIGN[:1] + WHOLE[1:], 1),
    "a line after close": ([*WHOLE, forged("note", 7, OBJECT)], 7),
    "a second close": ([*WHOLE, WHOLE[-1]], 7),
    "an end of lines": ([line.replace(b"\n", b"\r\n") for line in WHOLE], 0),
    "a blank line at the end": ([*WHOLE, b"\n"], 7),
    "a device's signature on an object": ([*WHOLE[:1], forged("warning", 1, OBJECT, DEVICE)], 1),
    "another key's signature": ([*WHOLE[:1], forged("warning", 1, OBJECT, OTHER)], 1),
    "recovered by the recording's key": ([*WHOLE[:2], forged("recovered", 2, {"objects": 1})], 2),
    "picture before the warning": ([*WHOLE[:1], forged("init", 1, OBJECT)], 1),
    "segment before init": ([*WHOLE[:2], forged("segment", 2, OBJECT)], 2),
    "a second init": ([*WHOLE[:3], forged("init", 3, OBJECT)], 3),
    "another number": ([*WHOLE[:1], signed(seq=2)], 1),
    "a number in words": ([*WHOLE[:1], signed(seq="1")], 1),
    "another line before": ([*WHOLE[:1], signed(prev=digest(WHOLE[1]))], 1),
    "another chain": ([*WHOLE[:1], signed(dom="bodycam-journal-1")], 1),
    "prev too early": ([*WHOLE[:1], signed("dom rec seq kind prev len sha256")], 1),
    "rec before dom": ([*WHOLE[:1], signed("rec dom seq kind len sha256 prev")], 1),
    "dev for rec": ([*WHOLE[:1], signed("dom dev seq kind len sha256 prev", dev=REC)], 1),
    "unknown kind": ([*WHOLE[:1], forged("film", 1, OBJECT)], 1),
    "a kind that is a number": (
        [
            *WHOLE[:1],
            sign_line(
                {"dom": "bodycam-ledger-1", "rec": REC, "seq": 1, "kind": 1, **OBJECT}
                | {"prev": digest(WHOLE[0])},
                RECORDING.sign,
            ),
        ],
        1,
    ),
    "too few counted": ([*WHOLE[:6], forged("close", 6, {"objects": 4})], 6),
    "too many counted": ([*WHOLE[:6], forged("close", 6, {"objects": 6})], 6),
    "counted in words": ([*WHOLE[:6], forged("close", 6, {"objects": "5"})], 6),
    "not counted": ([*WHOLE[:6], forged("close", 6, {})], 6),
    "len in words": ([*WHOLE[:1], forged("warning", 1, {**OBJECT, "len": "1"})], 1),
    "sha256 as a number": ([*WHOLE[:1], forged("warning", 1, {**OBJECT, "sha256": 1})], 1),
    "sha256 in capitals": ([*WHOLE[:1], forged("warning", 1, {**OBJECT, "sha256": "A" * 64})], 1),
    "a key too many": ([*WHOLE[:1], forged("warning", 1, {**OBJECT, "x": 1})], 1),
    "a key missing": ([*WHOLE[:1], forged("warning", 1, {"len": 1})], 1),
    "keys in another order": (
        [*WHOLE[:1], forged("warning", 1, {"sha256": "a" * 64, "len": 1})],
        1,
    ),
    "no prev": ([*WHOLE[:1], sign_line({"dom": "bodycam-ledger-1"}, RECORDING.sign)], 1),
    "another version": (
        [sign_line({**Line.parse(WHOLE[0]).fields, "dom": "bodycam-ledger-2"}, DEVICE.sign)],
        0,
    ),
    "opened by another device's key": ([forged("open", 0, OPEN, OTHER)], 0),
    "opened by the recording's key": ([forged("open", 0, OPEN)], 0),
    "another device named": ([forged("open", 0, {**OPEN, "device": "cam08"}, DEVICE)], 0),
    "another algorithm": ([forged("open", 0, {**OPEN, "alg": "es256"}, DEVICE)], 0),
    "an unknown algorithm": ([forged("open", 0, {**OPEN, "alg": "none"}, DEVICE)], 0),
    "a key in lenient base64": (
        [forged("open", 0, {**OPEN, "key": str(OPEN["key"])[:-2] + "9="}, DEVICE)],
        0,
    ),
    "a short key": ([forged("open", 0, {**OPEN, "key": "AAAA"}, DEVICE)], 0),
    "endless": ([*WHOLE[:2], b"x" * 20_000], 2),
}


@pytest.mark.parametrize(("data", "good"), HANDS.values(), ids=HANDS)
def test_the_first_wrong_line_is_named(data: list[bytes], good: int) -> None:
    reading = read(data)
    assert reading.problem is not None
    assert reading.problem.startswith(f"Line {good}: ")
    assert (reading.seq, reading.torn) == (good, False)
    assert reading.valid_bytes == len(b"".join(data[:good]))
    assert reading.head == (digest(data[good - 1]) if good else ZERO)
    assert reading.at_end == (len(data) == good + 1 and data[-1].endswith(b"\n"))


def test_the_forger_of_these_tests_can_write_good_lines() -> None:
    assert forged("open", 0, OPEN, DEVICE) == WHOLE[0]
    assert signed() == forged("warning", 1, OBJECT)
    reading = read([*WHOLE[:1], signed()])
    assert (reading.problem, reading.seq) == (None, 2)


def test_without_the_devices_key_only_its_signatures_go_unchecked() -> None:
    assert read([forged("open", 0, OPEN, OTHER)], device_key=None).problem is None
    assert read(WHOLE, device_key=OTHER.public).problem is not None
    wrong = [*WHOLE[:1], forged("warning", 1, OBJECT, OTHER)]
    assert str(read(wrong, device_key=None).problem).startswith("Line 1: ")


@pytest.mark.parametrize("rec", ["", "..", "cam07", "cam08-000042-9f3c21d8", REC + "\n"])
def test_a_folder_of_another_name(rec: str) -> None:
    assert str(read(WHOLE, rec=rec).problem).startswith("Line 0: ")


def test_a_rec_that_is_no_name_at_all() -> None:
    start: dict[str, str | int] = {"dom": "bodycam-ledger-1", "rec": "..", "seq": 0, "kind": "open"}
    line = sign_line({**start, **OPEN, "prev": ZERO}, DEVICE.sign)
    assert "name" in str(read(line, rec="..").problem)


def test_a_ledger_that_is_too_long_is_not_read() -> None:
    reading = read(bytes(MAX_LEDGER_BYTES + 1))
    assert reading.problem == f"The ledger is longer than {MAX_LEDGER_BYTES} bytes."
    assert (reading.opening, reading.valid_bytes, reading.at_end) == (None, 0, False)


def test_a_camera_with_a_chip() -> None:
    data = lines("wi", device_key=CHIP)
    reading = read(data, device_key=CHIP.public)
    assert reading.problem is None
    assert reading.opening is not None
    assert (reading.opening.alg, reading.opening.key) == ("es256", RECORDING.public)
    data.append(recovered_line(reading, CHIP))
    assert read(data, device_key=CHIP.public).end == "recovered"
    assert "algorithm" in str(read(data, device_key=DEVICE.public).problem)


# After a power cut.


@pytest.mark.parametrize("tail", [b"", b'{"dom":"bodycam-le', b"\0" * 300, b"\0\n"])
def test_recovery(tail: bytes) -> None:
    data = b"".join(lines("wiss"))
    reading = read(data + tail)
    assert reading.valid_bytes == len(data)
    line = recovered_line(reading, DEVICE)
    assert [*json.loads(line)] == ["dom", "rec", "seq", "kind", "objects", "prev", "sig"]
    recovered = read(data + line)
    assert (recovered.problem, recovered.end) == (None, "recovered")
    assert recovered.objects == reading.objects
    assert read(data + line, device_key=OTHER.public).problem is not None
    with pytest.raises(EvidenceError, match="has ended"):
        recovered_line(recovered, DEVICE)


def test_what_cannot_be_recovered() -> None:
    whole = b"".join(WHOLE)
    for data in (b"", whole[:100], whole, whole + b"{"):
        with pytest.raises(EvidenceError, match="no beginning, or has ended"):
            recovered_line(read(data), DEVICE)
    with pytest.raises(EvidenceError, match="damaged"):
        recovered_line(read([*WHOLE[:2], b"bad\n", WHOLE[2]]), DEVICE)
    with pytest.raises(EvidenceError, match="damaged"):
        recovered_line(read([*WHOLE[:2], b"x" * 9000]), DEVICE)


def test_a_recovered_line_must_fit_in_its_place() -> None:
    reading = read(lines("wi"))
    wrong = recovered_line(replace(reading, objects=()), DEVICE)
    assert "count" in str(read([*lines("wi"), wrong]).problem)


# Names.


def test_names_of_recordings() -> None:
    assert REC == "cam07-000042-9f3c21d8"
    taken = parse_rec("north-7-1234567-00000000")
    assert (taken.device, taken.counter, taken.random) == ("north-7", 1234567, "00000000")
    assert rec_id("north-7", 1234567, bytes(4)) == "north-7-1234567-00000000"


@pytest.mark.parametrize(
    "rec",
    [
        "",
        "cam07",
        "cam07-42-9f3c21d8",
        "cam07-0000042-9f3c21d8",
        "cam07-000042-9F3C21D8",
        "cam07-000042-9f3c21d",
        "CAM07-000042-9f3c21d8",
        "../cam07-000042-9f3c21d8",
        "a/b-000042-9f3c21d8",
        "-000042-9f3c21d8",
        "cam07-٠٠٠٠٤٢-9f3c21d8",
        "c" * 65 + "-000042-9f3c21d8",
        "cam07-000042-9f3c21d8\n",
    ],
)
def test_what_is_not_a_name(rec: str) -> None:
    with pytest.raises(LineError):
        parse_rec(rec)


@pytest.mark.parametrize(
    ("device", "counter", "random4"),
    [
        ("", 1, bytes(4)),
        ("a/b", 1, bytes(4)),
        ("a", -1, bytes(4)),
        ("a", 10**9, bytes(4)),
        ("a", 1, bytes(3)),
    ],
)
def test_names_that_cannot_be_made(device: str, counter: int, random4: bytes) -> None:
    with pytest.raises(LineError):
        rec_id(device, counter, random4)
