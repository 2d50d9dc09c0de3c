import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam.errors import LineError, SignatureError
from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.lines import (
    MAX_INTEGER,
    MAX_LINE_BYTES,
    TAIL_BYTES,
    Extent,
    Line,
    decode,
    digest,
    encode,
    sign_line,
    split,
    unbase64,
    walk,
)
from evidence.made import CHIP, DEVICE, OTHER

NAMES = st.text("abz09_", min_size=1, max_size=8).map(lambda text: "k" + text)
TEXTS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'), max_size=50
)
FIELDS = st.dictionaries(NAMES, TEXTS | st.integers(0, MAX_INTEGER), max_size=8)


@given(FIELDS)
def test_round_trip(fields: dict[str, str | int]) -> None:
    line = encode(fields)
    assert decode(line) == fields
    assert [*decode(line)] == [*fields]


@given(FIELDS)
def test_a_line_is_what_json_writes_without_spaces(fields: dict[str, str | int]) -> None:
    assert encode(fields).decode() == json.dumps(fields, separators=(",", ":"))


@given(FIELDS, st.data())
def test_any_other_bytes_that_mean_the_same_are_refused(
    fields: dict[str, str | int], draw: st.DataObject
) -> None:
    line = encode(fields)
    at = draw.draw(st.integers(0, len(line)))
    end = draw.draw(st.integers(at, min(len(line), at + 3)))
    changed = line[:at] + draw.draw(st.binary(max_size=3)) + line[end:]
    try:
        read = decode(changed)
    except LineError:
        return
    assert encode(read) == changed


@given(st.binary(max_size=200) | TEXTS.map(str.encode) | FIELDS.map(encode))
def test_random_bytes_raise_nothing_but_line_errors(data: bytes) -> None:
    with suppress(LineError):
        decode(data)
    with suppress(LineError):
        Line.parse(data)


REFUSED = {
    "nothing": b"",
    "not an object": b"[]",
    "a newline": b'{"a":1}\n',
    "a carriage return": b'{"a":1}\r',
    "a space after the colon": b'{"a": 1}',
    "a space before": b' {"a":1}',
    "a space after the comma": b'{"a":1, "b":2}',
    "a trailing comma": b'{"a":1,}',
    "duplicates": b'{"a":1,"a":1}',
    "duplicates of text": b'{"a":"x","b":1,"a":"x"}',
    "a unicode escape": b'{"a":"\\u0041"}',
    "an escaped quote": b'{"a":"\\""}',
    "a tab": b'{"a":"\t"}',
    "utf-8": '{"a":"é"}'.encode(),
    "latin-1": b'{"a":"\xe9"}',
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "nul": b'{"a":1}\0',
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":Infinity}',
    "a fraction": b'{"a":1.0}',
    "an exponent": b'{"a":1e3}',
    "a negative": b'{"a":-1}',
    "minus zero": b'{"a":-0}',
    "a leading zero": b'{"a":01}',
    "a plus": b'{"a":+1}',
    "2^53": b'{"a":9007199254740992}',
    "a huge integer": b'{"a":' + b"9" * 6000 + b"}",
    "true": b'{"a":true}',
    "null": b'{"a":null}',
    "nested": b'{"a":{"b":1}}',
    "a list": b'{"a":[1]}',
    "deep": b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}",
    "too long": b'{"a":"' + b"x" * MAX_LINE_BYTES + b'"}',
    "endless": b"{" * 10_000_000,
    "a capital in a key": b'{"A":1}',
    "an empty key": b'{"":1}',
    "two objects": b'{"a":1}{"b":2}',
    "unclosed": b'{"a":1',
}


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED)
def test_what_is_not_the_strict_form_is_refused(line: bytes) -> None:
    with pytest.raises(LineError):
        decode(line)


@pytest.mark.parametrize(
    "fields",
    [
        {"A": 1},
        {"": 1},
        {"a": -1},
        {"a": MAX_INTEGER + 1},
        {"a": True},
        {"a": '"'},
        {"a": "é"},
        {"a": "x" * MAX_LINE_BYTES},
    ],
)
def test_what_cannot_be_written_strictly_is_refused(fields: dict[str, str | int]) -> None:
    with pytest.raises(LineError):
        encode(fields)


@pytest.mark.parametrize("line", [REFUSED["endless"], b'{"a":1,' * 1_000_000, b"x" * 8192])
def test_a_line_that_is_too_long_is_not_even_looked_at(line: bytes) -> None:
    with pytest.raises(LineError, match="longer"):
        decode(line)


def test_the_longest_line() -> None:
    longest = {"a": "x" * (MAX_LINE_BYTES - len('{"a":""}') - 1)}
    assert decode(encode(longest)) == longest
    with pytest.raises(LineError):
        encode({"a": longest["a"] + "x"})
    room = MAX_LINE_BYTES - len('{"a":""') - TAIL_BYTES
    assert len(sign_line({"a": "x" * room}, DEVICE.sign)) == MAX_LINE_BYTES
    with pytest.raises(LineError, match="longer"):
        sign_line({"a": "x" * (room + 1)}, DEVICE.sign)


@pytest.mark.parametrize("key", [DEVICE, CHIP], ids=["ed25519", "es256"])
def test_a_signed_line(key: SoftwareKey) -> None:
    line = sign_line({"dom": "x", "seq": 3}, key.sign)
    assert re.fullmatch(rb'\{"dom":"x","seq":3,"sig":"[A-Za-z0-9+/]{86}=="\}\n', line)
    read = Line.parse(line)
    assert read.fields == {"dom": "x", "seq": 3}
    assert read.signed == b'{"dom":"x","seq":3' == line[:-TAIL_BYTES]
    assert read.digest == digest(line) == digest(line[:-1])
    assert read == Line.parse(line[:-1])
    read.verify(key.public)
    with pytest.raises(SignatureError):
        read.verify(OTHER.public)


@pytest.mark.parametrize("fields", [{}, {"sig": "x"}], ids=["empty", "signed"])
def test_what_cannot_be_signed(fields: dict[str, str | int]) -> None:
    with pytest.raises(LineError):
        sign_line(fields, DEVICE.sign)


def test_a_signature_has_64_bytes() -> None:
    with pytest.raises(LineError, match="64"):
        sign_line({"a": 1}, lambda data: bytes(67))


SIG = '"sig":"' + "A" * 86 + '=="'


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":1}',
        f"{{{SIG}}}".encode(),
        b'{"a":1,"sig":1}',
        f'{{{SIG},"a":1}}'.encode(),
        b'{"a":1,"sig":"AAAA"}',
        b'{"a":1,"sig":"' + b"A" * 88 + b'"}',
        b'{"a":1,"sig":"' + b"A" * 87 + b'="}',
        b'{"a":1,"sig":"' + b"A" * 85 + b'B=="}',
        b'{"a":1,"sig":"' + b"A" * 85 + b'!=="}',
        f'{{"a":1,{SIG}}}\n\n'.encode(),
    ],
)
def test_a_line_that_is_not_signed_as_it_must_be(line: bytes) -> None:
    assert Line.parse(f'{{"a":1,{SIG}}}'.encode()).signature == bytes(64)
    with pytest.raises(LineError):
        Line.parse(line)


@given(st.binary(max_size=80))
def test_base64_has_one_form(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    assert unbase64(text) == data


@pytest.mark.parametrize(
    "text", ["A", "AA", "AAA", "AAAA=", "AB==", "A A=", "AA==\n", "éA==", "-_=="]
)
def test_lenient_base64_is_refused(text: str) -> None:
    with pytest.raises(LineError):
        unbase64(text)


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=8), st.data())
def test_lines_do_not_depend_on_how_the_file_is_read(
    pieces: list[bytes], draw: st.DataObject
) -> None:
    data = b"\n".join(pieces)
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    blocks = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    found = [*split(blocks)]
    assert b"".join(found) == data
    assert [line.removesuffix(b"\n") for line in found] == data.split(b"\n")[: len(found)]
    assert len(found) == data.count(b"\n") + (not data.endswith(b"\n") and data != b"")


LONGEST = b"x" * (MAX_LINE_BYTES - 1) + b"\n"


@pytest.mark.parametrize("block_bytes", [1, 100, MAX_LINE_BYTES, 100_000])
def test_a_line_that_is_too_long_ends_the_reading(block_bytes: int) -> None:
    def blocks(data: bytes) -> list[bytes]:
        return [data[i : i + block_bytes] for i in range(0, len(data), block_bytes)]

    assert [*split(blocks(LONGEST * 2))] == [LONGEST] * 2
    found = split(blocks(LONGEST + b"x" + LONGEST))
    assert next(found) == LONGEST
    with pytest.raises(LineError, match="longer"):
        next(found)
    with pytest.raises(LineError, match="longer"):
        next(split(blocks(LONGEST.replace(b"\n", b"x"))))


def test_an_endless_line_is_never_held() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1000

    with pytest.raises(LineError):
        next(split(endless()))
    assert read == MAX_LINE_BYTES // 1000 + 1


def refuse(word: bytes) -> Callable[[bytes], None]:
    def take(line: bytes) -> None:
        if word in line:
            raise LineError("It is bad.")

    return take


def test_how_far_a_file_is_good() -> None:
    take = refuse(b"bad")
    assert walk([], take) == Extent(0, 0)
    assert walk([b"a\nbb\n"], take) == Extent(2, 5)
    torn = "Line 1: The last line is torn off."
    assert walk([b"a\nbb"], take) == Extent(1, 2, torn, torn=True, at_end=True)
    bad = "Line 1: It is bad."
    assert walk([b"a\nbad\n"], take) == Extent(1, 2, bad, at_end=True)
    assert walk([b"a\nbad\nb\n"], take) == Extent(1, 2, bad)
    assert walk([b"a\nbad\nb"], take) == Extent(1, 2, bad)
    assert walk([b"a\nbad\n" + LONGEST[:-1] * 2], take) == Extent(1, 2, bad)
    long = f"Line 1: A line is longer than {MAX_LINE_BYTES} bytes."
    assert walk([b"a\n" + LONGEST[:-1] * 2], take) == Extent(1, 2, long)


@pytest.mark.parametrize("block_bytes", [1, 1000, 10**6])
def test_zeros_are_what_a_power_cut_left_unwritten(block_bytes: int) -> None:
    def walked(data: bytes) -> Extent:
        blocks = [data[i : i + block_bytes] for i in range(0, len(data), block_bytes)]
        return walk(blocks, refuse(b"bad"))

    bad = "Line 1: It is bad."
    torn = "Line 1: The last line is torn off."
    zeros = bytes(512)
    assert walked(b"a\nbad" + zeros + b"\nb\nc\n") == Extent(1, 2, bad, at_end=True)
    assert walked(b"a\nbad" + zeros) == Extent(1, 2, torn, torn=True, at_end=True)
    long = b"a\nbad" + zeros * 40 + b"\nb\n"
    assert walked(long) == Extent(1, 2, torn, torn=True, at_end=True)
    assert walked(b"a\nbad\n" + zeros + b"\n") == Extent(1, 2, bad)
