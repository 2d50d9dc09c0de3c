"""The camera's journal on its card: continued at start from its last line, appended to ever after.

Only the end of the file is read at start, so that a long journal does not hold up the camera.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from bodycam.errors import CardError, CardFailed, CardFull, EvidenceError, LineError
from bodycam.evidence.age import Sealer
from bodycam.evidence.journal import Entry, Journal, JournalReader
from bodycam.evidence.keys import SigningKey
from bodycam.evidence.ledger import parse_rec
from bodycam.evidence.lines import MAX_LINE_BYTES, NEVER_WRITTEN, Line, digest
from bodycam.ports import Card, Clock, Mark
from bodycam.rules.events import Log

PATH = "journal.jsonl"
FOLDER = "recordings"
ASIDE = "unsigned"
"""The folder for what is not, or no longer, part of a chain."""
AT_ONCE = 16
"""So many lines share a flush, at most: so many a power cut may spoil."""
_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Failed:
    """Lines of which nobody knows whether they are on the card."""

    lines: bytes
    prev: str
    """The digest of the line before them."""
    opened: str
    """The recording that they were to open; or empty."""


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
        self.unended: set[str] = set()
        """What was opened since the last start that came to its end, and no later line is about."""
        self.counter = self._newest_folder()
        """The number of the newest recording: the next one has a greater."""
        self.set_aside = ""
        """What was found at start and could not be continued, in one sentence; else empty."""
        self.told: Callable[[Mark], None] = lambda _: None
        """Told where the journal is after each line; must return at once."""
        self._failed: _Failed | None = None
        self._renewals = 0
        self._remove_new()  # a power cut came in the middle of `renew`
        if card.exists(PATH):
            card.settle(PATH)
            card.sync_folder(".")
        self._journal = Journal(device, key, boot)
        last = self._find_end()
        self._size = card.size(PATH)
        self.line = ""
        """The newest durable line, without its newline; empty where there is none."""
        if last is not None:
            self._journal = Journal(device, key, boot, seq=last.seq + 1, prev=last.digest)
            self._tell_line(next(self._backwards(), b""))

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

        Raises CardFull, and then the line is not there, or CardFailed: then it may be there. The
        next line goes on after it, in a file that is written anew.
        """
        self.renew()
        before = self._journal.seq, self._journal.head
        opened = rec if rec is not None and kind == "open" else ""
        self._append([self._line(kind, details, at_ns, rec, head)], before, opened)
        if opened:
            self.last_opened, self.counter = opened, parse_rec(opened).counter

    def write_all(self, logs: Sequence[Log]) -> None:
        """Append at most AT_ONCE lines with one flush; raises as `write` does, of all of them.

        Where the card fails, `seq` says whether they are to be written with the next ones.
        """
        self.renew()
        before = self._journal.seq, self._journal.head
        try:
            lines = [self._line(one.kind, dict(one.details), one.at_ns) for one in logs]
        except EvidenceError:
            self._go_back(before)
            raise
        self._append(lines, before)

    def doubt(self) -> None:
        """What is read here may not be on the card: it is written anew before the next line."""
        self._failed = self._failed or _Failed(b"", self.head, "")

    def renew(self) -> None:
        """After a failure: the same lines in a new file, the one that failed among them.

        The old file is never written again: what a failed flush has dropped might be reported as
        written the second time. The line that failed stays, because somebody may have seen it.
        Raises CardError, and then nothing has changed: also where this is not our card any more.
        """
        failed = self._failed
        if failed is None:
            if self._card.size(PATH) != self._size:
                raise CardFailed("The journal is not the one that was written: another card?")
            return
        self._remove_new()
        self._renewals += 1
        new = f"{PATH}.new{self._renewals}"
        tail = b""
        for offset in range(0, self._size, _BLOCK_BYTES):
            block = self._card.read(PATH, min(_BLOCK_BYTES, self._size - offset), offset)
            tail = (tail + block)[-MAX_LINE_BYTES:]
            self._card.append(new, block)
        if self._size and digest(tail[:-1].rpartition(b"\n")[2] + tail[-1:]) != failed.prev:
            raise CardFailed("The card gives another journal than was written.")
        self._card.append(new, failed.lines)
        self._card.move(new, PATH)
        self._size += len(failed.lines)
        self._tell_line(failed.lines)
        self._failed = None
        if failed.opened:  # the number is taken, and nothing lies under it
            self.write("void", {"why": "The card failed at its opening."}, rec=failed.opened)

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

    def _tell_line(self, lines: bytes) -> None:
        """The last of these is the newest."""
        self.line = lines[:-1].rpartition(b"\n")[2].decode("ascii", "replace")

    def _remove_new(self) -> None:
        for entry in self._card.list("."):
            if entry.name.startswith(f"{PATH}.new"):
                self._card.remove(entry.name)

    def _line(
        self,
        kind: str,
        details: Mapping[str, object],
        at_ns: int | None,
        rec: str | None = None,
        head: str | None = None,
    ) -> bytes:
        wall = self._clock.wall()
        at_us = (self._clock.now_ns() if at_ns is None else at_ns) // 1000
        body = {"v": 1, **details, "utc_ms": wall.utc_ns // 1_000_000, "clock": wall.source}
        sealed = self._sealer.seal([json.dumps(body).encode()])
        return self._journal.line(kind, at_us, sealed, rec=rec, head=head)

    def _append(self, lines: Sequence[bytes], before: tuple[int, str], opened: str = "") -> None:
        data = b"".join(lines)
        try:
            self._card.append(PATH, data)
        except CardFull:
            self._go_back(before)
            raise
        except CardError:
            self._failed = _Failed(data, before[1], opened)
            if opened:
                self.counter = parse_rec(opened).counter
            raise
        self._size += len(data)
        self._tell_line(data)
        self.told(Mark(self._journal.seq, self._journal.head))

    def _go_back(self, before: tuple[int, str]) -> None:
        seq, prev = before
        self._journal = Journal(self.device, self._key, self._boot, seq=seq, prev=prev)

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

        A power cut spoils the last lines at most, those of one writing: they are kept apart, and
        the journal goes on before them. Where anything else is bad it is not ours to continue.
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
        """The same; raises EvidenceError where it is not ours."""
        lines = [*islice(self._backwards(), AT_ONCE + 1)][::-1]
        reader = JournalReader(self.device, self._key.public)
        entry = None
        if len(lines) > AT_ONCE:  # the first of them was durable before the last writing
            entry = self._read(lines.pop(0))
            reader = JournalReader(
                self.device, self._key.public, seq=entry.seq + 1, prev=entry.digest
            )
        for number, line in enumerate(lines, 1):
            try:
                entry = reader.take(_whole(line))
            except EvidenceError as error:
                if number < len(lines) and NEVER_WRITTEN not in line:
                    raise
                self._keep_tail(b"".join(lines[number - 1 :]))
                self.set_aside = f"The journal's last line was not whole: {error.what}"
                break
        return entry

    def _read(self, raw: bytes) -> Entry:
        """A line that stands for itself: whole, ours, signed. Raises EvidenceError."""
        fields = Line.parse(_whole(raw)).fields
        seq, prev = fields.get("seq"), fields.get("prev")
        if not isinstance(seq, int):
            raise LineError("It has no number.")
        return JournalReader(self.device, self._key.public, seq=seq, prev=str(prev)).take(raw)

    def _find_opening(self) -> None:
        """Look back for the newest opening, and for those that no later line is about.

        A `boot` line is written when everything before it has been recovered.
        """
        told: set[object] = set()
        booted = False
        with suppress(EvidenceError):
            for raw in self._backwards():
                if booted and self.last_opened:
                    return
                with suppress(EvidenceError):
                    fields = Line.parse(raw).fields
                    booted |= fields.get("kind") == "boot"
                    if fields.get("kind") != "open":
                        told.add(fields.get("rec"))
                    elif rec := self._read(raw).rec:
                        self.last_opened = self.last_opened or rec
                        self.counter = max(self.counter, parse_rec(rec).counter)
                        if not booted and rec not in told:
                            self.unended.add(rec)

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
            unwritten = NEVER_WRITTEN in carry and len(carry) <= AT_ONCE * MAX_LINE_BYTES
            if len(carry) > MAX_LINE_BYTES and not unwritten:
                raise LineError(f"A line is longer than {MAX_LINE_BYTES} bytes.")
            yield from reversed(lines)
            end = start


def _whole(raw: bytes) -> bytes:
    if not raw.endswith(b"\n"):
        raise LineError("It is torn off.")
    return raw


def free_name(card: Card, path: str) -> str:
    """A path that is not taken: what is set aside never takes the place of anything."""
    name, number = path, 1
    while card.exists(name):
        name = f"{path}.{number}"
        number += 1
    return name
