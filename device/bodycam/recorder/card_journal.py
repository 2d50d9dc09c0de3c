"""The camera's journal on its card: continued at start from its last line, appended to ever after.

Only the end of the file is read at start, so that a long journal does not hold up the camera.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from bodycam.errors import CardFull, EvidenceError, LineError
from bodycam.evidence.age import Sealer
from bodycam.evidence.journal import Entry, Journal, JournalReader
from bodycam.evidence.keys import SigningKey
from bodycam.evidence.ledger import parse_rec
from bodycam.evidence.lines import MAX_LINE_BYTES, Line
from bodycam.ports import Card, Clock, Mark

PATH = "journal.jsonl"
FOLDER = "recordings"
ASIDE = "unsigned"
"""The folder for what is not, or no longer, part of a chain."""
_BLOCK_BYTES = 64 * 1024


class CardJournal:
    """Appends durable lines; continues the chain that is on the card."""

    def __init__(
        self, card: Card, *, device: str, key: SigningKey, sealer: Sealer, clock: Clock, boot: str
    ) -> None:
        """Raises CardError."""
        self._card = card
        self.device = device
        self._key, self._boot = key, boot
        self._sealer = sealer
        self._clock = clock
        self.last_opened = ""
        """The recording of the newest opening line; empty where there is none."""
        self.unended = ""
        """The same, where no later line is about it."""
        self.counter = self._newest_folder()
        """The number of the newest recording: the next one has a greater."""
        self.set_aside = ""
        """What was found at start and could not be continued, in one sentence; else empty."""
        self.told: Callable[[Mark], None] = lambda _: None
        """Told where the journal is after each line; must return at once."""
        self._journal = Journal(device, key, boot)
        last = self._find_end()
        if last is not None:
            self._journal = Journal(device, key, boot, seq=last.seq + 1, prev=last.digest)

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
        """Append a line with its details sealed; durable at return.

        Raises CardFull, and then the line is not there, or CardFailed.
        """
        wall = self._clock.wall()
        at_us = (self._clock.now_ns() if at_ns is None else at_ns) // 1000
        body = {"v": 1, **details, "utc_ms": wall.utc_ns // 1_000_000, "clock": wall.source}
        sealed = self._sealer.seal([json.dumps(body).encode()])
        seq, prev = self._journal.seq, self._journal.head
        line = self._journal.line(kind, at_us, sealed, rec=rec, head=head)
        try:
            self._card.append(PATH, line)
        except CardFull:
            self._journal = Journal(self.device, self._key, self._boot, seq=seq, prev=prev)
            raise
        self.told(Mark(self._journal.seq, self._journal.head))
        if rec is not None and kind == "open":
            self.last_opened, self.counter = rec, parse_rec(rec).counter

    def head_at(self, seq: int) -> str | None:
        """The digest of the last line when the next one was number `seq`; None if there is none.

        The file is halved again and again, so that a journal of years costs some thirty reads of
        two lines each. Raises CardError.
        """
        low, high = 0, self._card.size(PATH)
        while low < high:
            middle = (low + high) // 2
            found = self._line_from(middle)
            if found is None:
                high = middle
                continue
            start, line = found
            number = line.fields.get("seq")
            if number == seq - 1:
                return line.digest
            if isinstance(number, int) and number < seq - 1:
                low = start + 1
            else:
                high = middle
        return None

    # ---- at start --------------------------------------------------------------------------------

    def _newest_folder(self) -> int:
        """The greatest number of a recording that lies here: a lost journal does not repeat it."""
        counters = [0]
        for entry in self._card.list(FOLDER):
            try:
                rec = parse_rec(entry.name)
            except EvidenceError:
                continue
            if rec.device == self.device:
                counters.append(rec.counter)
        return max(counters)

    def _find_end(self) -> Entry | None:
        """The last good line, from which to go on; None: this is a new journal.

        A power cut spoils the last line at most: that one is kept apart, and the journal goes on
        before it. Where the one before is bad, too, the journal is not ours to continue.
        """
        try:
            entry = self._last()
        except EvidenceError as error:
            self._find_opening()
            self._card.make_folder(ASIDE)
            self._card.move(PATH, free_name(self._card, f"{ASIDE}/journal.{self._boot}.jsonl"))
            self.set_aside = f"The journal could not be continued: {error.what}"
            entry = None
        else:
            self._find_opening()
        if entry is None:
            self._card.append(PATH, b"")
            self._card.sync_folder(".")
        return entry

    def _last(self) -> Entry | None:
        lines = self._backwards()
        last = next(lines, None)
        if last is None:
            return None
        try:
            return self._read(last)
        except EvidenceError as error:
            before = next(lines, None)
            entry = None if before is None else self._read(before)
            self._keep_tail(last)
            self.set_aside = f"The journal's last line was not whole: {error.what}"
            return entry

    def _read(self, raw: bytes) -> Entry:
        """A line that stands for itself: whole, ours, signed. Raises EvidenceError."""
        if not raw.endswith(b"\n"):
            raise LineError("It is torn off.")
        fields = Line.parse(raw).fields
        seq, prev = fields.get("seq"), fields.get("prev")
        if not isinstance(seq, int):
            raise LineError("It has no number.")
        return JournalReader(self.device, self._key.public, seq=seq, prev=str(prev)).take(raw)

    def _find_opening(self) -> None:
        """Look back for the newest opening, and whether a later line is about it."""
        told: set[object] = set()
        with suppress(EvidenceError):
            for raw in self._backwards():
                with suppress(EvidenceError):
                    fields = Line.parse(raw).fields
                    if fields.get("kind") != "open":
                        told.add(fields.get("rec"))
                    elif rec := self._read(raw).rec:
                        self.last_opened = rec
                        self.unended = "" if rec in told else rec
                        self.counter = max(self.counter, parse_rec(rec).counter)
                        return

    def _line_from(self, offset: int) -> tuple[int, Line] | None:
        """The first line that begins at `offset` or after it, and where; None: there is none."""
        before = min(offset, 1)  # a line begins here if the byte before is the end of another
        data = self._card.read(PATH, 2 * MAX_LINE_BYTES + before, offset - before)
        start = 0 if not before else data.find(b"\n") + 1
        end = data.find(b"\n", start) + 1
        if (before and not start) or not end:
            return None
        try:
            return offset - before + start, Line.parse(data[start:end])
        except EvidenceError:
            return None

    def _keep_tail(self, tail: bytes) -> None:
        self._card.make_folder(ASIDE)
        self._card.create(free_name(self._card, f"{ASIDE}/journal.{self._boot}.tail"), tail)
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


def free_name(card: Card, path: str) -> str:
    """A path that is not taken: what is set aside never takes the place of anything."""
    name, number = path, 1
    while card.exists(name):
        name = f"{path}.{number}"
        number += 1
    return name
