r"""The strict form of all signed lines, so that the signed bytes are the bytes on disk.

A line is a JSON object: printable ASCII without `"` and `\` inside strings, integers 0…2⁵³−1,
nothing nested, no spaces between, at most 8 KiB with its newline. A reader builds the line again
from what it read and requires identical bytes: what could be written in two ways is refused.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bodycam.errors import EvidenceError, LineError
from bodycam.evidence.keys import PublicKey

ZERO = "0" * 64
"""The digest before the first line of a chain."""
MAX_LINE_BYTES = 8192
"""A line with its newline."""
NEVER_WRITTEN = b"\0"
"""No line holds a zero. A file that grew before all of its new sectors were written has them."""
MAX_INTEGER = 2**53 - 1
TAIL_BYTES = 99
"""From `,"sig":"` to the newline: `head -c -99` of a line are its signed bytes."""

Fields = Mapping[str, str | int]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TEXT = re.compile(r"[ !#-\[\]-~]*")
_PAIR = re.compile(r'"([a-z][a-z0-9_]*)":(?:"([ !#-\[\]-~]*)"|([0-9]{1,16}))')
_SIG_AT = b',"sig":"'


def encode(fields: Fields, most: int = MAX_LINE_BYTES) -> bytes:
    """The one way to write the fields, without a newline; raises LineError.

    With its newline a line has at most `most` bytes; only documents may have more than a chain's.
    """
    pairs = []
    for name, value in fields.items():
        if not _NAME.fullmatch(name):
            raise LineError("A line has a key that is not allowed.")
        if isinstance(value, str):
            if not _TEXT.fullmatch(value):
                raise LineError(f"A line's {name} has a character that is not allowed.")
            pairs.append(f'"{name}":"{value}"')
        else:
            if isinstance(value, bool) or not 0 <= value <= MAX_INTEGER:
                raise LineError(f"A line's {name} is not an integer from 0 to 2^53-1.")
            pairs.append(f'"{name}":{value}')
    line = ("{" + ",".join(pairs) + "}").encode("ascii")
    if len(line) >= most:
        raise LineError(f"A line is longer than {most} bytes.")
    return line


def decode(line: bytes, most: int = MAX_LINE_BYTES) -> dict[str, str | int]:
    """The fields of a line without its newline; raises LineError unless its form is right."""
    if len(line) >= most:
        raise LineError(f"A line is longer than {most} bytes.")
    fields: dict[str, str | int] = {}
    for match in _PAIR.finditer(line.decode("latin-1")):
        name, text, number = match.groups()
        fields[name] = int(number) if text is None else text
    if encode(fields, most) != line:
        raise LineError("A line is not in the strict form.")
    return fields


def digest(line: bytes) -> str:
    """The SHA-256 of a line without its newline, in hexadecimal: the next line's `prev`."""
    return hashlib.sha256(line.removesuffix(b"\n")).hexdigest()


def sign_line(fields: Fields, sign: Callable[[bytes], bytes]) -> bytes:
    """The line with its signature and newline; `sign` gives 64 bytes. Raises LineError."""
    if not fields or "sig" in fields:
        raise LineError("A line to sign is empty or has a signature already.")
    signed = encode(fields)[:-1]
    line = signed + _SIG_AT + base64.b64encode(sign(signed)) + b'"}\n'
    if len(line) - len(signed) != TAIL_BYTES:
        raise LineError("A line's signature is not 64 bytes long.")
    if len(line) > MAX_LINE_BYTES:
        raise LineError(f"A line is longer than {MAX_LINE_BYTES} bytes.")
    return line


@dataclass(frozen=True, slots=True)
class Line:
    """A signed line as it was read; its form is right, its signature is not checked yet."""

    fields: dict[str, str | int]
    """Without `sig`."""
    signed: bytes
    signature: bytes
    digest: str

    @classmethod
    def parse(cls, line: bytes) -> "Line":
        """Read a line, with or without its newline; raises LineError."""
        line = line.removesuffix(b"\n")
        fields = decode(line)
        sig = fields.pop("sig", None)
        signed = line[: 1 - TAIL_BYTES]
        # The last test holds `sig` to the last place, where the signed bytes end.
        if not isinstance(sig, str) or encode(fields) != signed + b"}":
            raise LineError("A line does not end with a signature.")
        signature = unbase64(sig)
        if len(signature) != 64:
            raise LineError("A line's signature is not 64 bytes long.")
        return cls(fields, signed, signature, digest(line))

    def verify(self, key: PublicKey) -> None:
        """Raises SignatureError unless `key` signed the line."""
        key.verify(self.signature, self.signed)


def unbase64(text: str) -> bytes:
    """Standard base64 with padding, in the one way to write it; raises LineError."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        data = b""
    if base64.b64encode(data).decode("ascii") != text:
        raise LineError("A line has base64 that is not in the strict form.")
    return data


def split(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file that is read in blocks, each with its newline; a torn last one has none.

    Holds at most one line and one block. Raises LineError at a line that is too long, unless it
    holds zeros: those were never written, and what a power cut left there is no line either.
    """
    rest = b""
    for block in blocks:
        data = rest + block
        start = 0
        while end := data.find(b"\n", start, start + MAX_LINE_BYTES) + 1:
            yield data[start:end]
            start = end
        rest = data[start:]
        if len(rest) >= MAX_LINE_BYTES:
            if NEVER_WRITTEN in rest:
                break
            raise LineError(f"A line is longer than {MAX_LINE_BYTES} bytes.")
    if rest:
        yield rest[:MAX_LINE_BYTES]


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a file of lines is good."""

    count: int
    """Good lines."""
    valid_bytes: int
    """Bytes of the good lines."""
    problem: str | None = None
    """One sentence on the first line that is not good: its number, from 0, and why."""
    torn: bool = False
    """The problem is a last line without a newline, as a power cut leaves it."""
    at_end: bool = False
    """The problem is where a power cut explains it: in the last line, torn or not, or in one that
    holds zeros. Those were never written; lines of the same writing may lie behind them."""


def walk(blocks: Iterable[bytes], take: Callable[[bytes], None]) -> Extent:
    """Give each line, with its newline, to `take`, until that raises EvidenceError or one is torn.

    Holds at most two lines and one block.
    """
    count = valid_bytes = 0
    found = split(blocks)
    while True:
        try:
            line = next(found, None)
        except LineError as error:
            return Extent(count, valid_bytes, f"Line {count}: {error.what}")
        if line is None:
            return Extent(count, valid_bytes)
        if not line.endswith(b"\n"):
            what = f"Line {count}: The last line is torn off."
            return Extent(count, valid_bytes, what, torn=True, at_end=True)
        try:
            take(line)
        except EvidenceError as error:
            what = f"Line {count}: {error.what}"
            at_end = NEVER_WRITTEN in line or _exhausted(found)
            return Extent(count, valid_bytes, what, at_end=at_end)
        count += 1
        valid_bytes += len(line)


def _exhausted(found: Iterator[bytes]) -> bool:
    try:
        return next(found, None) is None
    except LineError:
        return False
