"""Ring and queue in one, shared by the camera's thread, the control thread and the writer.

No caller waits for another's work: the lock is held for a few list operations, never for the card.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bodycam.media.packets import Gop, Packet
from bodycam.media.ring import End, Ring, RingPolicy, payload
from bodycam.rules.events import FootageDropped, Log, Note, Warned

MAX_LOGS = 1024
"""Journal entries that may wait for a stuck card; the oldest go first, and are counted."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a recording for the footage that follows in the lane."""

    warned: Warned


Item = Gop | End | Begin | Note


class Footage:
    """What the camera delivers, until it is durable or no longer wanted."""

    def __init__(
        self,
        policy: RingPolicy,
        dropped: Callable[[FootageDropped], None],
        weigh: Callable[[Gop], int] = payload,
    ) -> None:
        self._changed = threading.Condition()
        self._ring: Ring[Begin | Note] = Ring(policy, self._drop, weigh)
        self._dropped = dropped
        self._logs: deque[Log] = deque()
        self.logs_lost = 0
        """Journal entries that found no place while the card did not answer."""

    # ---- the camera's thread ---------------------------------------------------------------------

    def append(self, packet: Packet) -> None:
        """Take a packet; never waits for the card, never raises."""
        with self._changed:
            self._ring.append(packet)
            self._wake_writer()

    # ---- the control thread ----------------------------------------------------------------------

    def pin(self, from_ns: int, press_ns: int) -> None:
        """See Ring.pin."""
        with self._changed:
            self._ring.pin(from_ns, press_ns)
            self._wake_writer()

    def unpin(self) -> None:
        """See Ring.unpin."""
        with self._changed:
            self._ring.unpin()

    def begin(self, warned: Warned) -> None:
        """A recording begins."""
        with self._changed:
            self._ring.begin(Begin(warned))
            self._wake_writer()

    def go_on(self, warned: Warned) -> None:
        """A recording that broke goes on in a linked one."""
        with self._changed:
            self._ring.go_on(Begin(warned))
            self._wake_writer()

    def until(self, at_ns: int) -> None:
        """See Ring.until."""
        with self._changed:
            self._ring.until(at_ns)

    def resume(self) -> bool:
        """See Ring.resume."""
        with self._changed:
            resumed = self._ring.resume()
            self._wake_writer()
            return resumed

    def note(self, note: Note) -> None:
        """Into the evidence of the recording, after the footage that is complete."""
        with self._changed:
            self._ring.note(note)
            self._wake_writer()

    def log(self, log: Log) -> None:
        """Into the journal."""
        with self._changed:
            if len(self._logs) >= MAX_LOGS:
                self._logs.popleft()
                self.logs_lost += 1
            self._logs.append(log)
            self._changed.notify_all()

    def sleep(self) -> None:
        """See Ring.sleep."""
        with self._changed:
            self._ring.sleep()
            self._wake_writer()

    def wake(self) -> None:
        """See Ring.wake."""
        with self._changed:
            self._ring.wake()

    def tick(self, now: int) -> None:
        """See Ring.tick."""
        with self._changed:
            self._ring.tick(now)
            self._wake_writer()

    def cut(self) -> None:
        """See Ring.cut."""
        with self._changed:
            self._ring.cut()
            self._wake_writer()

    def finish(self) -> None:
        """See Ring.finish."""
        with self._changed:
            self._ring.finish()
            self._wake_writer()

    @property
    def newest_ns(self) -> int | None:
        """The time of the newest picture; None since the camera was woken."""
        return self._ring.newest_ns

    @property
    def newest_sound_ns(self) -> int | None:
        """The same of sound."""
        return self._ring.newest_sound_ns

    @property
    def oldest_ns(self) -> int | None:
        """The time of the oldest picture in the ring."""
        with self._changed:
            return self._ring.oldest_ns

    @property
    def held_bytes(self) -> int:
        """What counts against the budget."""
        return self._ring.held_bytes

    @property
    def idle(self) -> bool:
        """Whether nothing is being kept and nothing waits for the writer."""
        with self._changed:
            return self._ring.idle and not self._logs

    # ---- the writer's thread ---------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether `take` would give anything."""
        with self._changed:
            return bool(self._logs) or self._ring.ready

    def take(self, gops: int, wait_s: float = 0) -> tuple[list[Log], list[Item]]:
        """Journal entries, and the head of the lane with at most so many GOPs."""
        with self._changed:
            if wait_s and not (self._logs or self._ring.ready):
                self._changed.wait(wait_s)
            logs = list(self._logs)
            self._logs.clear()
            return logs, list(self._ring.take(gops))

    def settle(self, gops: Sequence[Gop]) -> None:
        """See Ring.settle."""
        with self._changed:
            self._ring.settle(gops)

    def put_back(self, items: Sequence[Item]) -> None:
        """See Ring.put_back."""
        with self._changed:
            self._ring.put_back(items)

    # ---- inside ----------------------------------------------------------------------------------

    def _wake_writer(self) -> None:
        if self._ring.ready:
            self._changed.notify_all()

    def _drop(self, gop: Gop) -> None:
        self._dropped(FootageDropped(gop.start_ns, gop.end_ns, len(gop.video)))
