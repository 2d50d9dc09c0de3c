"""Holds the card's journal against what the memory inside the body remembers of it."""

import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

from bodycam.errors import DeviceError
from bodycam.ports import BodyMemory, Mark
from bodycam.recorder.card_journal import CardJournal
from bodycam.rules.events import Event, Fault, FaultCleared, FaultRaised

EVERY_S = 10.0
"""A write wears the memory out (a million of them) and takes 20 ms: one in so long is enough."""
TRIES = 3
"""A bus loses a transfer now and then; a memory that refuses so often is dead."""


class Remembered(Enum):
    """What the memory says of the card that is in the camera."""

    NOTHING = "nothing"
    """The memory is new: there is nothing to hold the card against."""
    SAME = "same"
    """The journal contains the line that is remembered; it may have grown since."""
    OLDER = "older"
    """The journal ends before that line: the card was put back to an earlier state."""
    OTHER = "other"
    """The journal has another line in that place: another card, or another journal."""


def compare(mark: Mark | None, seq: int, head_at: Callable[[int], str | None]) -> Remembered:
    """Compare at boot, before anything is written to the journal.

    `seq` is the number of the journal's next line; `head_at(n)` the digest of its last line when
    its next line was n (n from 1), or None where that cannot be told. The card is written before
    the memory, so a journal that is ahead of it is as it should be.
    """
    if mark is None:
        return Remembered.NOTHING
    if seq < mark.seq:
        return Remembered.OLDER
    return Remembered.SAME if mark.seq == 0 or head_at(mark.seq) == mark.head else Remembered.OTHER


class MemoryKeeper:
    """Writes the journal's newest mark into the body's memory, on a thread of its own.

    The memory is slow and wears out: of the lines that come together only the last is remembered.
    """

    def __init__(
        self,
        memory: BodyMemory,
        post: Callable[[Event], None],
        tell: Callable[[str], None],
        every_s: float = EVERY_S,
    ) -> None:
        """`post` takes faults for the rules, `tell` a sentence for the system's log."""
        self._memory = memory
        self._post = post
        self._tell = tell
        self._every_s = every_s
        self._changed = threading.Condition()
        self._found: Remembered | None = None
        self._newest: Mark | None = None
        self._written: Mark | None = None
        self._ending = False
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def hold_against(self, journal: CardJournal) -> Remembered | None:
        """Compare at start, on the writer's thread; what is written from then on is remembered.

        A journal that is not the remembered one is told in its own next line, and is a fault until
        the camera is switched off. None where the memory does not answer: then it is not written
        before the next start either, so that what it knows is not lost. Raises CardError.
        """
        if self._found is None:
            try:
                mark = self._read()
            except DeviceError as error:
                self._tell(f"The journal is held against nothing: {error}")
                self._post(FaultRaised(Fault.MEMORY_DEAD))
                return None
            found = compare(mark, journal.seq, journal.head_at)
            journal.told = self._remember
            if mark is not None and found in (Remembered.OLDER, Remembered.OTHER):
                self._post(FaultRaised(Fault.CARD_RESTORED))
                said = {"found": found.value, "remembered": mark.seq, "head": mark.head}
                journal.write("card-restored", {**said, "here": journal.seq})
            self._found = found
            self._thread.start()
        journal.told = self._remember
        return self._found

    def close(self, within_s: float = 1) -> bool:
        """Write what is newest and end; False where the memory kept it."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(within_s)
        return not self._thread.is_alive()

    def _read(self) -> Mark | None:
        for _ in range(TRIES - 1):
            with suppress(DeviceError):
                return self._memory.read()
        return self._memory.read()

    def _remember(self, mark: Mark) -> None:
        """Returns at once."""
        with self._changed:
            self._newest = mark
            self._changed.notify_all()

    # ---- its thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ending or self._newest != self._written)
                mark, ending = self._newest, self._ending
            if mark is not None and mark != self._written:
                self._write(mark)
            if ending:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._ending, self._every_s)

    def _write(self, mark: Mark) -> None:
        try:
            self._memory.write(mark)
        except DeviceError as error:
            self._failures += 1
            if self._failures == TRIES:
                self._tell(f"The journal's head is not remembered: {error}")
                self._post(FaultRaised(Fault.MEMORY_DEAD))
            return
        self._written = mark
        if self._failures >= TRIES:
            self._post(FaultCleared(Fault.MEMORY_DEAD))
        self._failures = 0
