"""The journal: the camera's own chain over everything that happens to it, recordings or not.

It shows that a recording existed even where its folder is gone. What a line is about is sealed in
its body; only the kind, the time since boot and, where it is about a recording, that one's name and
head can be read by anybody.
"""

import base64
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from bodycam.errors import LineError
from bodycam.evidence.chain import DEVICE, HEX64, Chain, Forms, check
from bodycam.evidence.keys import PublicKey, SigningKey
from bodycam.evidence.ledger import REC_ID, parse_rec
from bodycam.evidence.lines import ZERO, Fields, Line, unbase64, walk
from bodycam.ports import Buffer

DOM = "bodycam-journal-1"

BOOT_ID = re.compile(r"[0-9a-z-]{1,64}")

_TIME: Forms = {"boot": BOOT_ID, "t_us": None}
_BODY: Forms = {"body": re.compile(r"[A-Za-z0-9+/]+={0,2}")}
_PLAIN: Forms = {**_TIME, **_BODY}
_ABOUT: Forms = {**_TIME, "rec": REC_ID, "head": HEX64, **_BODY}


class Journal:
    """The writing side. It gives lines; the vault puts them on the card."""

    def __init__(
        self, dev: str, key: SigningKey, boot: str, *, seq: int = 0, prev: str = ZERO
    ) -> None:
        """Go on after line `seq - 1`, whose digest is `prev`; `boot` is this boot's id.

        Raises LineError.
        """
        check({"dev": dev, "boot": boot}, {"dev": DEVICE, "boot": BOOT_ID})
        self._dev = dev
        self._boot = boot
        self._sign = key.sign
        self._chain = Chain(DOM, ("dev", dev), seq=seq, head=prev)

    @property
    def seq(self) -> int:
        """The number of the next line."""
        return self._chain.seq

    @property
    def head(self) -> str:
        """The digest of the last line, in hexadecimal."""
        return self._chain.head

    def line(
        self,
        kind: str,
        t_us: int,
        body: Buffer,
        *,
        rec: str | None = None,
        head: str | None = None,
    ) -> bytes:
        """The next line: `t_us` is boottime in µs, `body` a small age file of less than 5 KiB.

        `head` is the head of the recording's ledger; without it, as at an opening, ZERO.
        Raises LineError, and then nothing has changed.
        """
        own: dict[str, str | int] = {"boot": self._boot, "t_us": t_us}
        if rec is not None:
            own |= {"rec": rec, "head": head or ZERO}
        own["body"] = base64.b64encode(body).decode("ascii")
        if head is not None and rec is None:
            raise LineError("A head needs the recording whose head it is.")
        _check(self._dev, own)
        return self._chain.add(kind, own, self._sign)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a line says."""

    seq: int
    kind: str
    boot: str
    t_us: int
    """Boottime in µs."""
    rec: str | None
    head: str | None
    body: bytes
    """A sealed age file."""
    digest: str
    """Of the line, in hexadecimal."""


class JournalReader:
    """Follows a journal line by line, from its beginning or from any line on."""

    def __init__(self, dev: str, key: PublicKey | None, *, seq: int = 0, prev: str = ZERO) -> None:
        """Without `key`, signatures are not checked."""
        self._dev = dev
        self._key = key
        self._chain = Chain(DOM, ("dev", dev), seq=seq, head=prev)

    @property
    def seq(self) -> int:
        """The number of the next line."""
        return self._chain.seq

    @property
    def head(self) -> str:
        """The digest of the last line, in hexadecimal."""
        return self._chain.head

    def take(self, raw: bytes) -> Entry:
        """Check and read the next line; raises EvidenceError, and then nothing has changed."""
        line = Line.parse(raw)
        seq = self._chain.seq
        kind, own = self._chain.read(line)
        _check(self._dev, own)
        body = unbase64(str(own["body"]))
        if self._key is not None:
            line.verify(self._key)
        self._chain.step(line)
        rec, head = (str(own[name]) if name in own else None for name in ("rec", "head"))
        return Entry(seq, kind, str(own["boot"]), int(own["t_us"]), rec, head, body, line.digest)


@dataclass(frozen=True, slots=True)
class JournalReading:
    """What a journal's good lines say, and where they end."""

    entries: tuple[Entry, ...]
    """All of them, or the last `keep`."""
    seq: int
    """The number of the next line."""
    head: str
    """The digest of the last good line."""
    valid_bytes: int
    """Bytes of the good lines."""
    problem: str | None
    """One sentence on the first line that is not good, and why."""
    torn: bool
    """The problem is a last line without a newline."""
    at_end: bool
    """A power cut can explain the problem: see lines.Extent."""


def read_journal(
    blocks: bytes | Iterable[bytes],
    *,
    dev: str,
    key: PublicKey | None,
    keep: int | None = None,
) -> JournalReading:
    """Check a journal, whole or in blocks, line by line until one is wrong; never raises.

    Without `key`, signatures are not checked. With `keep`, only that many of the last entries are
    held, so that a journal of any length takes little memory.
    """
    reader = JournalReader(dev, key)
    entries: deque[Entry] = deque(maxlen=keep)
    extent = walk(
        [blocks] if isinstance(blocks, bytes) else blocks,
        lambda line: entries.append(reader.take(line)),
    )
    return JournalReading(
        entries=tuple(entries),
        seq=reader.seq,
        head=reader.head,
        valid_bytes=extent.valid_bytes,
        problem=extent.problem,
        torn=extent.torn,
        at_end=extent.at_end,
    )


def _check(dev: str, own: Fields) -> None:
    check(own, _ABOUT if "rec" in own else _PLAIN)
    if "rec" in own and parse_rec(str(own["rec"])).device != dev:
        raise LineError("It names a recording of another device.")
