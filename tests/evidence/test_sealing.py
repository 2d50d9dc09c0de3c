import subprocess
import sys
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hpke
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycam.errors import SealError
from bodycam.evidence import bech32
from bodycam.evidence.age import (
    CHUNK_BYTES,
    MAX_HYBRID_RECIPIENTS,
    MAX_RECIPIENTS,
    POST_QUANTUM,
    X25519,
    Sealer,
)
from bodycam.evidence.journal import Journal
from bodycam.evidence.lines import MAX_LINE_BYTES
from bodycam.ports import Buffer
from evidence.made import DEVICE, identity, opened, stream
from recordings import recipient

STATION, ESCROW = identity("station"), identity("escrow")
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 300_000]


def plain(size: int) -> bytes:
    return stream("plain")(size)


def sealer(*recipients: str) -> Sealer:
    return Sealer(recipients or (STATION[1], ESCROW[1]), stream("sealer"))


def unsealed(sealed: bytearray, secret: str) -> bytes:
    identity = pyrage.x25519.Identity.from_str(secret)
    return bytes(pyrage.decrypt(bytes(sealed), [identity]))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("who", [STATION, ESCROW], ids=["station", "escrow"])
def test_pyrage_opens_it(size: int, who: tuple[str, str]) -> None:
    assert unsealed(sealer().seal([plain(size)]), who[0]) == plain(size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("who", [STATION, ESCROW], ids=["station", "escrow"])
def test_stock_age_opens_it(size: int, who: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "identity.txt").write_text(who[0] + "\n")
    (tmp_path / "sealed.age").write_bytes(sealer().seal([plain(size)]))
    result = subprocess.run(
        ["age", "-d", "-i", tmp_path / "identity.txt", tmp_path / "sealed.age"],
        capture_output=True,
        check=True,
    )
    assert result.stdout == plain(size)


def test_somebody_else_cannot_open_it() -> None:
    with pytest.raises(pyrage.DecryptError):
        unsealed(sealer().seal([b"x"]), identity("finder")[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 70_000), max_size=6))
def test_parts_of_any_lengths_give_the_bytes_of_the_whole(lengths: list[int]) -> None:
    parts = [plain(length) for length in lengths]
    assert sealer().seal(parts) == sealer().seal([b"".join(parts)])


def test_parts_may_be_any_buffers_and_come_from_an_iterator() -> None:
    words = memoryview(b"abcdefgh").cast("I")
    parts: list[Buffer] = [b"1", bytearray(b"2"), memoryview(b"345")[:0], words]
    sealed = sealer().seal(iter(parts))
    assert unsealed(sealed, STATION[0]) == b"12abcdefgh"


def test_every_file_has_its_own_keys() -> None:
    one = sealer()
    first, second = bytes(one.seal([b"same"])), bytes(one.seal([b"same"]))
    shares = [line for line in (first + second).split(b"\n") if line.startswith(b"-> ")]
    assert len(shares) == len(set(shares)) == 4
    assert first[-36:] != second[-36:]


@pytest.mark.parametrize("changed", range(4), ids=["file key", "nonce", "one", "other"])
def test_everything_random_is_used(changed: int) -> None:
    calls: list[int] = []

    def random(count: int) -> bytes:
        calls.append(count)
        return bytes([len(calls) - 1 == changed]) * count

    usual = Sealer([STATION[1], ESCROW[1]], bytes).seal([b"x"])
    assert Sealer([STATION[1], ESCROW[1]], random).seal([b"x"]) != usual
    assert calls == [16, 16, 32, 32]


def test_the_header_is_what_the_age_specification_says() -> None:
    lines = bytes(sealer().seal([b""])).split(b"\n", 6)
    assert lines[0] == b"age-encryption.org/v1"
    for stanza, body in (lines[1:3], lines[3:5]):
        name, share = stanza.removeprefix(b"-> ").split(b" ")
        assert (name, len(share), len(body)) == (b"X25519", 43, 43)
    assert lines[5].startswith(b"--- ")
    assert len(lines[6]) == 16 + 16, "the nonce and the tag of the one empty chunk"


def test_recipients_are_named_sorted_with_spaces() -> None:
    both = sorted([STATION[1], ESCROW[1]])
    assert sealer(*both).recipients == sealer(*reversed(both)).recipients == " ".join(both)
    assert sealer(*both).seal([b"x"]) == sealer(*reversed(both)).seal([b"x"])


LOW_ORDER = [
    bytes(32),
    (1).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    (2**255 - 20).to_bytes(32, "little"),
]


@pytest.mark.parametrize("point", LOW_ORDER, ids=range(len(LOW_ORDER)))
def test_a_point_of_low_order_is_refused(point: bytes) -> None:
    with pytest.raises(SealError, match="weak"):
        sealer(bech32.encode("age", point))


HYBRID = [recipient(name, post_quantum=True) for name in ("station", "escrow", "third")]
TWISTED = bytearray(bech32.decode(STATION[1])[1])
TWISTED[31] |= 0x80

REFUSED = {
    "none": ([], "1 to 16"),
    "too many": ([identity(str(i))[1] for i in range(MAX_RECIPIENTS + 1)], "1 to 16"),
    "duplicate": ([STATION[1], STATION[1]], "twice"),
    "capitals": ([STATION[1].upper()], "type"),
    "a secret key": ([STATION[0]], "type"),
    "unknown": ([bech32.encode("age1tagpq", bytes(1249))], "type"),
    "mixed": ([STATION[1], HYBRID[0]], "mixed"),
    "mixed the other way": ([*HYBRID[:2], ESCROW[1]], "mixed"),
    "more than lines have room for": (HYBRID[:3], "at most 2 post-quantum"),
    "a short hybrid": ([bech32.encode("age1pq", bytes(1215))], "not a post-quantum key"),
    "a hybrid not reduced": ([bech32.encode("age1pq", b"\xff" * 1216)], "not a proper"),
    "a hybrid of low order": (
        [bech32.encode("age1pq", bech32.decode(HYBRID[0])[1][:1184] + bytes(32))],
        "not a proper",
    ),
    "not bech32": (["age1"], "checksum"),
    "mistyped": ([STATION[1][:-1] + "q"], "mistyped"),
    "short": ([bech32.encode("age", bytes(31))], "not an X25519 key"),
    "not reduced": ([bech32.encode("age", (2**255 - 18).to_bytes(32, "little"))], "X25519"),
    "the same point written otherwise": ([bech32.encode("age", bytes(TWISTED))], "X25519"),
}


@pytest.mark.parametrize(("recipients", "why"), REFUSED.values(), ids=REFUSED)
def test_recipients_that_are_refused(recipients: list[str], why: str) -> None:
    with pytest.raises(SealError, match=why):
        Sealer(recipients, stream("sealer"))


# ---- post-quantum; what opens it: tests/station/test_post_quantum.py -----------------------------


def test_the_kind_is_the_one_of_the_recipients() -> None:
    assert sealer().kind == X25519
    assert sealer(*HYBRID[:2]).kind == POST_QUANTUM


def test_a_hybrid_header_is_what_the_age_specification_says() -> None:
    lines = bytes(sealer(*HYBRID[:2]).seal([b""])).split(b"\n", 6)
    for stanza, body in (lines[1:3], lines[3:5]):
        name, share = stanza.removeprefix(b"-> ").split(b" ")
        assert (name, len(share), len(body)) == (b"mlkem768x25519", 1494, 43)
    assert lines[5].startswith(b"--- ")


def test_every_hybrid_file_has_its_own_keys() -> None:
    one = sealer(*HYBRID[:2])
    files = [bytes(one.seal([b"same"])) for _ in range(2)]
    shares = [line for file in files for line in file.split(b"\n") if line.startswith(b"-> ")]
    assert len(set(shares)) == 4


def test_lines_have_room_for_two_hybrid_recipients() -> None:
    """In the longest names that there are: line 0, and what the journal's longest lines say."""
    device, rec = "a" * 64, f"{'a' * 64}-999999999-9f3c21d8"
    both = sealer(*HYBRID[:MAX_HYBRID_RECIPIENTS])
    _, line = opened(device_id=device, rec=rec, recipients=both.recipients)
    assert len(line) < MAX_LINE_BYTES
    journal = Journal(device, DEVICE, "b" * 36, seq=2**31, prev="c" * 64)
    for kind, details, about in (
        ("receipt", 1200, {"rec": rec, "head": "d" * 64}),
        ("receipts-refused", 2580, {}),  # see recorder/clearance.py: eight names of backslashes
    ):
        line = journal.line(kind, 2**52, both.seal([bytes(details)]), **about)
        assert len(line) <= MAX_LINE_BYTES


@pytest.mark.parametrize("lack", ["module", "name", "algorithm"])
def test_a_library_without_post_quantum_keys_is_told_in_a_sentence(
    lack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    match lack:
        case "module":  # cryptography before 47
            monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.hpke", None)
        case "name":
            monkeypatch.setattr(hpke, "KEM", object)
        case "algorithm":  # cryptography 47, or an OpenSSL without it
            monkeypatch.setattr(backend, "mlkem_supported", lambda: False)
    with pytest.raises(SealError, match=r"no post-quantum keys\. Install cryptography 48 or later"):
        sealer(*HYBRID[:2])
    assert unsealed(sealer().seal([b"x"]), STATION[0]) == b"x"
