"""Ring and queue in one, shared by the camera's thread, the control thread and the writer.

No caller waits for another's work: the lock is held for a few list operations, never for the card.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bodycam.media.packets import Gop, Packet
from bodycam.media.ring import End, Ring, RingPolicy, payload
from bodycam.rules.events import FootageDropped, Log, Note, Warned
from bodycam.rules.policy import Policy

MAX_LOGS = 1024
"""Journal entries that may wait for a stuck card; the oldest go first, and are counted."""
LOGS_AT_ONCE = 16
"""So many are taken before footage: it is never behind a flood of them."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a recording for the footage that follows in the lane."""

    warned: Warned


Item = Gop | End | Begin | Note


def ring_policy(policy: Policy) -> RingPolicy:
    """What the policy says to the ring."""
    return RingPolicy(
        pre_record_ns=policy.pre_record_ns,
        keyframe_interval_ns=policy.keyframe_interval_ns,
        frame_ns=policy.frame_ns,
        budget_bytes=policy.budget_bytes,
        sound_before_press=policy.keep.sound_before_press,
    )


class Footage:
    """What the camera delivers, until it is durable or no longer wanted."""

    def __init__(
        self,
        policy: RingPolicy,
        dropped: Callable[[FootageDropped], None],
        weigh: Callable[[Gop], int] = payload,
    ) -> None:
        """`dropped` is told of footage that was to be kept and is lost; it must not wait."""
        self._changed = threading.Condition()
        self._lost: list[Gop] = []
        self._ring: Ring[Begin | Note] = Ring(policy, self._lost.append, weigh)
        self._dropped = dropped
        self._logs: deque[Log] = deque()
        self._logs_lost = 0
        self._logs_held = False
        self._at_work = False

    # ---- the camera's thread ---------------------------------------------------------------------

    def append(self, packet: Packet) -> None:
        """Take a packet; never waits for the card, never raises."""
        with self._locked() as ring:
            ring.append(packet)

    # ---- the control thread ----------------------------------------------------------------------

    def pin(self, from_ns: int, press_ns: int) -> None:
        """See Ring.pin."""
        with self._locked() as ring:
            ring.pin(from_ns, press_ns)

    def unpin(self) -> None:
        """See Ring.unpin."""
        with self._locked() as ring:
            ring.unpin()

    def begin(self, warned: Warned) -> None:
        """A recording begins."""
        with self._locked() as ring:
            ring.begin(Begin(warned))

    def go_on(self, warned: Warned) -> None:
        """A recording that broke goes on in a linked one."""
        with self._locked() as ring:
            ring.go_on(Begin(warned))

    def until(self, at_ns: int) -> None:
        """See Ring.until."""
        with self._locked() as ring:
            ring.until(at_ns)

    def resume(self) -> bool:
        """See Ring.resume."""
        with self._locked() as ring:
            return ring.resume()

    def note(self, note: Note) -> None:
        """Into the evidence of the recording, after the footage that is complete."""
        with self._locked() as ring:
            ring.note(note)

    def log(self, log: Log) -> None:
        """Into the journal."""
        with self._changed:
            if len(self._logs) >= MAX_LOGS:
                self._logs.popleft()
                self._logs_lost += 1
            self._logs.append(log)
            self._changed.notify_all()

    def sleep(self) -> None:
        """See Ring.sleep."""
        with self._locked() as ring:
            ring.sleep()

    def wake(self) -> None:
        """See Ring.wake."""
        with self._locked() as ring:
            ring.wake()

    def tick(self, now: int) -> None:
        """See Ring.tick."""
        with self._locked() as ring:
            ring.tick(now)

    def cut(self) -> None:
        """See Ring.cut."""
        with self._locked() as ring:
            ring.cut()

    def finish(self) -> None:
        """See Ring.finish."""
        with self._locked() as ring:
            ring.finish()

    @property
    def newest_ns(self) -> int | None:
        """The time of the newest picture; None since the camera was woken."""
        return self._ring.newest_ns

    def take_missed(self) -> tuple[int, int] | None:
        """See Ring.missed; told once."""
        with self._locked() as ring:
            missed, ring.missed = ring.missed, None
            return missed

    @property
    def resumed_ns(self) -> int:
        """See Ring.resumed_ns."""
        return self._ring.resumed_ns

    @property
    def newest_sound_ns(self) -> int | None:
        """The same of sound."""
        return self._ring.newest_sound_ns

    @property
    def wants_keyframe(self) -> bool:
        """See Ring.wants_keyframe."""
        return self._ring.wants_keyframe

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
        """Whether nothing is being kept, and nothing waits for the writer or is in its hands."""
        with self._changed:
            return self._ring.idle and not self._logs and not self._at_work

    # ---- the writer's thread ---------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether `take` would give anything."""
        with self._changed:
            return self._ready

    def take(self, gops: int, wait_s: float = 0) -> tuple[list[Log], list[Item]]:
        """Some journal entries, and the head of the lane with at most so many GOPs.

        They are in the writer's hands until it says `done`.
        """
        with self._changed:
            if wait_s and not self._ready:
                self._changed.wait(wait_s)
            count = 0 if self._logs_held else min(len(self._logs), LOGS_AT_ONCE)
            logs = [self._logs.popleft() for _ in range(count)]
            items = list(self._ring.take(gops))
            if logs and self._logs_lost:
                lost = ("entries", self._logs_lost)
                logs.insert(0, Log("entries-lost", logs[0].at_ns, (lost,)))
                self._logs_lost = 0
            self._at_work = bool(logs or items)
            return logs, items

    def hold_logs(self, logs: Sequence[Log]) -> None:
        """The journal could not take these: they wait, and all others, until `release_logs`."""
        with self._changed:
            self._logs.extendleft(reversed(logs))
            self._logs_held = True
            while len(self._logs) > MAX_LOGS:
                self._logs.popleft()
                self._logs_lost += 1

    def release_logs(self) -> None:
        """They may be tried again."""
        with self._changed:
            self._logs_held = False

    def done(self) -> None:
        """The writer has nothing in its hands."""
        with self._changed:
            self._at_work = False

    def settle(self, gops: Sequence[Gop]) -> None:
        """See Ring.settle."""
        with self._locked() as ring:
            ring.settle(gops)

    def put_back(self, items: Sequence[Item], *, ended: bool = False) -> None:
        """See Ring.put_back."""
        with self._locked() as ring:
            ring.put_back(items, ended=ended)

    # ---- inside ----------------------------------------------------------------------------------

    @property
    def _ready(self) -> bool:
        return self._ring.ready or (bool(self._logs) and not self._logs_held)

    @contextmanager
    def _locked(self) -> Iterator[Ring[Begin | Note]]:
        """The ring, for a moment; then the writer is woken and, outside the lock, losses told."""
        with self._changed:
            yield self._ring
            if self._ring.ready:
                self._changed.notify_all()
            lost = self._lost[:]
            self._lost.clear()
        for gop in lost:
            self._dropped(FootageDropped(gop.start_ns, gop.end_ns, len(gop.video)))
