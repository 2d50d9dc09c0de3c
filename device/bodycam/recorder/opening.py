"""The writer, and before it the card: opened on the writer's thread, and tried again if it refuses.

A card that is dead, missing or read-only at start must not end the camera with its light off: the
wearer is told, the ring fills, and what was to be recorded waits in memory for a card that works.
"""

import time
from collections.abc import Callable

from bodycam.errors import CardFull
from bodycam.media.packets import SECOND
from bodycam.ports import Clock
from bodycam.recorder.footage import Footage
from bodycam.recorder.writer import MAX_SAID, Writer, WriterWatch
from bodycam.rules.events import Event, Fault, FaultCleared, FaultRaised, Log

AGAIN_NS = 2 * SECOND
AGAIN_AT_MOST_NS = 30 * SECOND
"""A card that refuses is tried again after 2, 4, 8, … s, and at most so long."""


class OpeningWriter:
    """Steps like a Writer; its first steps open the card."""

    def __init__(
        self,
        open_writer: Callable[[WriterWatch], Writer],
        footage: Footage,
        post: Callable[[Event], None],
        clock: Clock,
        tell: Callable[[str], None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`open_writer` raises CardError; the writer that it makes says in `watch` how it stands.

        `tell` takes a sentence for the system's log, `pause` waits for so many seconds.
        """
        self.watch = WriterWatch()
        self._open_writer = open_writer
        self._footage = footage
        self._post = post
        self._clock = clock
        self._tell = tell
        self._pause = pause
        self._writer: Writer | None = None
        self._again_ns = 0
        self._wait_ns = AGAIN_NS
        self._fault: Fault | None = None
        self._said = ""

    @property
    def opened(self) -> bool:
        """Whether the card has been opened, and what a power cut left has been recovered."""
        return self._writer is not None

    def step(self, wait_s: float = 0) -> bool:
        """See Writer.step. Raises what nobody foresaw in opening, too; steps may go on."""
        if self._writer is None:
            left_s = (self._again_ns - self._clock.now_ns()) / SECOND
            if left_s > 0:
                self._pause(min(wait_s, left_s))
                return False
            if not self._open():
                return False
        assert self._writer is not None  # it has just been opened
        return self._writer.step(wait_s)

    def _open(self) -> bool:
        self.watch.busy_since_ns = self._clock.now_ns()
        try:
            self._writer = self._open_writer(self.watch)
        except Exception as error:
            self._failed(error)
            if not isinstance(error, OSError):  # as every CardError is
                raise
            return False
        finally:
            self.watch.busy_since_ns = None
        if self._fault is not None:
            self._tell("The card works.")
            self._post(FaultCleared(self._fault))
        return True

    def _failed(self, error: Exception) -> None:
        """Tell, each thing once; and wait longer each time."""
        self._again_ns = self._clock.now_ns() + self._wait_ns
        self._wait_ns = min(2 * self._wait_ns, AGAIN_AT_MOST_NS)
        fault = Fault.NO_ROOM if isinstance(error, CardFull) else Fault.CARD_FAILED
        if fault is not self._fault:
            if self._fault is not None:
                self._post(FaultCleared(self._fault))
            self._fault = fault
            self._post(FaultRaised(fault))
        said = f"{type(error).__name__}: {error}"[:MAX_SAID]
        if said != self._said:
            self._said = said
            self._tell(f"The card cannot be opened: {error}")
            self._footage.log(Log("card", self._clock.now_ns(), (("error", said),)))
