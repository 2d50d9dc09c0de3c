"""The camera's journal on its card: continued at start from its last line, appended to ever after.

Only the end of the file is read at start, so that a long journal does not hold up the camera.
"""

import json
from collections.abc import Iterator, Mapping

from bodycam.errors import EvidenceError, LineError
from bodycam.evidence.age import Sealer
from bodycam.evidence.journal import Journal, JournalReader
from bodycam.evidence.keys import SigningKey
from bodycam.evidence.ledger import parse_rec
from bodycam.evidence.lines import MAX_LINE_BYTES, ZERO, Line
from bodycam.ports import Card, Clock

PATH = "journal.jsonl"
ASIDE = "unsigned"
"""The folder for what is not, or no longer, part of a chain."""
_BLOCK_BYTES = 64 * 1024


class CardJournal:
    """Appends durable lines; `counter` is the number of the newest recording that it knows."""

    def __init__(
        self, card: Card, *, device: str, key: SigningKey, sealer: Sealer, clock: Clock, boot: str
    ) -> None:
        self._card = card
        self._sealer = sealer
        self._clock = clock
        self.counter = 0
        self.last_opened = ""
        """The recording of the newest opening line; empty where there is none."""
        self.set_aside = ""
        """What was found at start and could not be continued, in one sentence; else empty."""
        seq, head = self._find_end(device, key, boot)
        self._journal = Journal(device, key, boot, seq=seq, prev=head)

    @property
    def head(self) -> str:
        """The digest of the newest line, in hexadecimal."""
        return self._journal.head

    @property
    def seq(self) -> int:
        """The number of the next line."""
        return self._journal.seq

    def write(
        self,
        kind: str,
        details: Mapping[str, object],
        *,
        at_ns: int | None = None,
        rec: str | None = None,
        head: str | None = None,
    ) -> None:
        """Append a line with its details sealed; durable at return. Raises CardError."""
        wall = self._clock.wall()
        at_us = (self._clock.now_ns() if at_ns is None else at_ns) // 1000
        body = {"v": 1, **details, "utc_ms": wall.utc_ns // 1_000_000, "clock": wall.source}
        sealed = self._sealer.seal([json.dumps(body).encode()])
        line = self._journal.line(kind, at_us, sealed, rec=rec, head=head)
        self._card.append(PATH, line)
        if rec is not None and kind == "open":
            self.last_opened, self.counter = rec, parse_rec(rec).counter

    # ---- at start --------------------------------------------------------------------------------

    def _find_end(self, device: str, key: SigningKey, boot: str) -> tuple[int, str]:
        """Where to go on: the next line's number and the last one's digest."""
        lines = self._backwards()
        try:
            last = next(lines, b"")
            if last and not last.endswith(b"\n"):
                self._keep_tail(last, boot)
                last = next(lines, b"")
            if not last:
                self._card.append(PATH, b"")
                self._card.sync_folder(".")
                return 0, ZERO
            fields = Line.parse(last).fields
            reader = JournalReader(
                device, key.public, seq=int(fields.get("seq", 0)), prev=str(fields.get("prev"))
            )
            entry = reader.take(last)
        except EvidenceError as error:
            self.set_aside = f"The journal could not be continued: {error.what}"
            self._card.make_folder(ASIDE)
            self._card.move(PATH, f"{ASIDE}/journal.{boot}.jsonl")
            return 0, ZERO
        self._find_opening(entry.kind, entry.rec, lines)
        return reader.seq, reader.head

    def _find_opening(self, kind: str, rec: str | None, lines: Iterator[bytes]) -> None:
        """The newest opening: the counter goes on from there. Its signature is not looked at."""
        try:
            while not (kind == "open" and rec):
                fields = Line.parse(next(lines)).fields
                kind, rec = str(fields.get("kind")), str(fields.get("rec", ""))
            self.last_opened, self.counter = rec, parse_rec(rec).counter
        except (StopIteration, EvidenceError):
            return

    def _keep_tail(self, tail: bytes, boot: str) -> None:
        """A torn last line is kept apart, and the journal goes on before it."""
        self._card.make_folder(ASIDE)
        path = f"{ASIDE}/journal.{boot}.tail"
        if not self._card.exists(path):
            self._card.create(path, tail)
            self._card.sync_folder(ASIDE)
        self._card.truncate(PATH, self._card.size(PATH) - len(tail))

    def _backwards(self) -> Iterator[bytes]:
        """The journal's lines from its end, each with its newline; a torn last one has none."""
        end = self._card.size(PATH)
        carry = b""
        while end:
            start = max(0, end - _BLOCK_BYTES)
            *whole, torn = (self._card.read(PATH, end - start, start) + carry).split(b"\n")
            lines = [line + b"\n" for line in whole] + ([torn] if torn else [])
            carry = lines.pop(0) if start else b""
            if len(carry) > MAX_LINE_BYTES:
                raise LineError(f"A line is longer than {MAX_LINE_BYTES} bytes.")
            yield from reversed(lines)
            end = start
