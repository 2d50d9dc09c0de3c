"""The journal as outbox: what has not been acknowledged yet is read from it, in order.

The link judges nothing: it passes every whole line on as it is, and the station checks the chain.
Its place in the file is kept in a notebook of its own, so that nothing is skipped after a restart;
what was sent twice has the same id.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bodycam.errors import DeviceError, LineError
from bodycam.evidence.journal import DOM
from bodycam.evidence.lines import MAX_LINE_BYTES, ZERO, Line, digest
from bodycam.messages.camera import EVENT_KINDS
from bodycam.ports import Followed, Notebook

READ_BYTES = 64 * 1024
SAVE_EVERY_NS = 5_000_000_000
"""Acknowledgements are made durable so often at most: each is a write to the card."""
UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two lines."""

    offset: int = 0
    head: str = ZERO
    """The digest of the line before it; UNKNOWN where that was none."""


@dataclass(slots=True)
class Item:
    """A line on its way."""

    seq: int
    digest: str
    boot: str
    t_us: int
    text: str
    """Without its newline."""
    after: Place
    done: bool = False


class Outbox:
    """Follows the journal. `tell` takes a sentence for the log."""

    def __init__(
        self, journal: Followed, notebook: Notebook, device: str, tell: Callable[[str], None]
    ) -> None:
        self._journal = journal
        self._notebook = notebook
        self._device = device
        self._tell = tell
        self._identity: int | None = None
        self._acknowledged = self._saved = self._load()
        self._read = self._acknowledged
        self._ahead = b""
        """What was read of the file and not yet taken, from `_read` on."""
        self._flying: deque[Item] = deque()
        self._saved_ns = 0

    def rewind(self) -> None:
        """What is not acknowledged is to be sent again: a new connection begins."""
        self._flying.clear()
        self._go_to(self._acknowledged)
        self._identity = None

    def take(self, newest: int) -> Item | None:
        """The next line that is an event; None where there is none yet.

        `newest` is the number of the newest line that the recorder calls durable: what comes after
        it may be gone after a power cut, and would look like a card that was put back.
        """
        look = self._journal.look()
        if look is None:
            return None
        if look.identity != self._identity or look.size < self._read.offset:
            self._identity = look.identity
            self._find_place()
        while (raw := self._next(look.size)) is not None:
            before = self._read
            item = self._item(raw, newest)
            if item is not None:
                self._flying.append(item)
                return item
            if self._read is before:
                return None  # it is not durable yet; or the place was wrong, and is another now
        return None

    def done(self, item: Item) -> None:
        """The broker has it."""
        item.done = True
        while self._flying and self._flying[0].done:
            self._acknowledged = self._flying.popleft().after
        if not self._flying:
            self._acknowledged = self._read  # what is no event needs no acknowledgement

    def save(self, now_ns: int) -> None:
        """Make the place durable, if that is due."""
        if not self._flying and self._acknowledged.offset < self._read.offset:
            self._acknowledged = self._read
        if self._acknowledged == self._saved or now_ns - self._saved_ns < SAVE_EVERY_NS:
            return
        self._saved_ns = now_ns
        self.save_now()

    def save_now(self) -> None:
        """Make the place durable; where that fails, some lines will be sent twice."""
        if self._acknowledged == self._saved:
            return
        place = self._acknowledged
        data = json.dumps({"v": 1, "offset": place.offset, "head": place.head}).encode()
        try:
            self._notebook.save(data)
            self._saved = place
        except DeviceError as error:
            self._tell(f"The place in the journal cannot be kept: {error}")

    # ---- inside ----------------------------------------------------------------------------------

    def _load(self) -> Place:
        try:
            data = self._notebook.load()
            if data is None:
                return Place()
            fields = json.loads(data)
            place = Place(fields["offset"], fields["head"])
            if fields["v"] == 1 and type(place.offset) is int and type(place.head) is str:
                return place
        except (DeviceError, ValueError, KeyError, TypeError):
            pass
        self._tell("The place in the journal was not readable; it is sent from its beginning.")
        return Place()

    def _find_place(self) -> None:
        """Go on where the line before is still ours; else from the beginning of what is there."""
        for place in (self._read, self._acknowledged):
            if place.offset == 0 or self._is_here(place):
                break
        else:
            self._tell("The journal is another one, or was cut: it is sent from its beginning.")
            place = Place()
        if place != self._read:
            self._flying.clear()
            self._acknowledged = place
        self._go_to(place)

    def _is_here(self, place: Place) -> bool:
        if place.head == UNKNOWN:
            return True
        start = max(0, place.offset - MAX_LINE_BYTES)
        before = self._journal.read(start, place.offset - start)
        if len(before) != place.offset - start or not before.endswith(b"\n"):
            return False
        return digest(before[:-1].rpartition(b"\n")[2]) == place.head

    def _go_to(self, place: Place) -> None:
        self._read = place
        self._ahead = b""

    def _next(self, size: int) -> bytes | None:
        """The next whole line; what is too long to be one is given in pieces, for `_item` to skip.

        None where there is none yet.
        """
        if b"\n" not in self._ahead:
            at = self._read.offset + len(self._ahead)
            if at < size:
                self._ahead += self._journal.read(at, READ_BYTES)
        line, newline, rest = self._ahead.partition(b"\n")
        if not newline:
            if len(line) < MAX_LINE_BYTES:
                return None
            rest = b""
        self._ahead = rest
        return line + newline

    def _item(self, raw: bytes, newest: int) -> Item | None:
        """The line as an item; None where it is no event, or no line of this journal at all.

        Where it is too new, it stays what comes next.
        """
        after = Place(self._read.offset + len(raw), digest(raw))
        try:
            if not raw.endswith(b"\n"):
                raise LineError("It is too long.")
            line = Line.parse(raw)
            fields = line.fields
            seq, boot, t_us = (fields.get(name) for name in ("seq", "boot", "t_us"))
            if fields.get("dom") != DOM or fields.get("dev") != self._device:
                raise LineError("It is not of this camera's journal.")
            if not (isinstance(seq, int) and isinstance(boot, str) and isinstance(t_us, int)):
                raise LineError("It lacks its number, boot or time.")
        except LineError as error:
            if self._read.offset and not self._is_here(self._read):
                self._find_place()
                return None
            # Whatever it is, the next lines are not held up by it; the station sees the gap.
            self._tell(f"A line of the journal cannot be passed on: {error.what}")
            self._read = Place(after.offset, UNKNOWN)
            return None
        if seq > newest:
            self._ahead = raw + self._ahead
            return None
        self._read = after
        if fields.get("kind") not in EVENT_KINDS:
            return None
        return Item(seq, line.digest, boot, t_us, raw[:-1].decode("ascii"), after)
