"""The GOP ring, and the lane in which what is kept waits for the writer: one byte budget for both.

The law of this file: from a pin until the end of a recording no picture falls out, unless the
budget is spent; then the newest complete GOP is dropped and reported. Everything else turns over.

    camera -> open GOP -> ring  (turns over after pre_record; a pin stops that)
                      \\-> lane  (after begin: Begin, GOPs and notes, End, in this order) -> writer
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bodycam.media.packets import SECOND, Gop, Packet, Track

SETTLE_NS = SECOND // 4
"""So long after `until` a recording can still be resumed without loss; then its end is cut."""

B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class End:
    """A recording's footage is complete up to `at_ns`."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class RingPolicy:
    """What the ring is to keep."""

    pre_record_ns: int
    keyframe_interval_ns: int
    frame_ns: int
    """The nominal length of a picture."""
    budget_bytes: int
    sound_before_press: bool = False


def payload(gop: Gop) -> int:
    """What a GOP counts against the budget."""
    return gop.payload_bytes


class Ring(Generic[B]):
    """Not safe for threads; `recorder/footage.py` makes it so.

    `B` is what the caller puts into the lane beside GOPs and End. `dropped` is told of every GOP
    that the budget had no room for.
    """

    def __init__(
        self,
        policy: RingPolicy,
        dropped: Callable[[Gop], None],
        weigh: Callable[[Gop], int] = payload,
    ) -> None:
        self._policy = policy
        self._dropped = dropped
        self._weigh = weigh
        self._ring: deque[Gop] = deque()
        self._lane: deque[Gop | End | B] = deque()
        self._tail: list[Gop] = []  # complete GOPs that reach beyond `until`
        self._video: list[Packet] = []  # the open GOP
        self._sound: list[Packet] = []
        self._open_bytes = 0
        self._continues = False  # the next picture may follow a cut without a keyframe
        self._pinned = False
        self._keeping = False
        self._until_ns: int | None = None
        self._sound_from_ns: int | None = None
        self._awake = True
        self._suspended = False
        self.held_bytes = 0
        """Weight of all complete GOPs: ring, lane, and those taken but not settled."""
        self.newest_ns: int | None = None
        """The time of the newest picture."""
        self.newest_sound_ns: int | None = None

    # ---- the camera's side -----------------------------------------------------------------------

    def append(self, packet: Packet) -> None:
        """Take what the camera or the microphone delivers. Pictures come in order of time."""
        if not self._awake:
            return
        if packet.track is Track.SOUND:
            self.newest_sound_ns = packet.t_ns
            if self._video and self._wants_sound(packet.t_ns):
                self._sound.append(packet)
                self._open_bytes += len(packet.data)
            return
        self.newest_ns = packet.t_ns
        self.tick(packet.t_ns)
        if packet.key:
            self._complete(packet.t_ns)
        elif self._video:
            overdue = packet.t_ns - self._video[0].t_ns >= 2 * self._policy.keyframe_interval_ns
            if overdue or self._open_bytes > self._policy.budget_bytes // 2:
                self._complete(packet.t_ns)
                self._continues = True
        if packet.key or self._video or self._continues:
            self._continues = False
            self._video.append(packet)
            self._open_bytes += len(packet.data)

    def tick(self, now: int) -> None:
        """Cut the end of a recording that was stopped long enough ago."""
        if self._until_ns is not None and now >= self._until_ns + SETTLE_NS:
            self._finish()

    def cut(self) -> None:
        """The camera is silent: complete the open GOP; pictures are taken again from a keyframe."""
        if self._video:
            self._complete(self._video[-1].t_ns + self._policy.frame_ns)

    # ---- the rules' side -------------------------------------------------------------------------

    def pin(self, from_ns: int, press_ns: int) -> None:
        """Keep all from the keyframe at or before `from_ns`.

        Where that is the press itself, from the next keyframe: nothing from before it. Sound is
        kept from the press on, or as long as pictures are where the policy says so.
        """
        if self._until_ns is not None:
            self._finish()
        self._pinned = True
        self._sound_from_ns = press_ns
        if from_ns >= press_ns:
            self._clear()
        else:
            self._evict(from_ns)

    def unpin(self) -> None:
        """Nothing will be kept; sound that only the press had let in is wiped."""
        self._pinned = False
        self._sound_from_ns = None
        if not self._policy.sound_before_press:
            self._sound = []
            self._ring = deque(map(self._silent, self._release(self._ring)))
            self.held_bytes += sum(map(self._weigh, self._ring))

    def begin(self, item: B) -> None:
        """A recording begins with what is pinned, and all that follows is kept."""
        if self._until_ns is not None:
            self._finish()
        self._pinned, self._keeping = False, True
        self._lane.append(item)
        self._lane.extend(self._ring)
        self._ring.clear()

    def go_on(self, item: B) -> None:
        """A recording that broke goes on, before anything else in the lane."""
        if self._suspended:
            self._suspended = False
            self._lane.appendleft(item)
        else:
            self.begin(item)

    def until(self, at_ns: int) -> None:
        """The recording ends with the last picture at or before `at_ns`."""
        if self._keeping:
            self._until_ns = at_ns

    def resume(self) -> bool:
        """The recording goes on after all; False where its end has been cut already."""
        self._lane.extend(self._tail)
        self._tail = []
        self._until_ns = None
        return self._keeping

    def note(self, item: B) -> None:
        """Into the lane, after the footage that is complete."""
        self._lane.append(item)

    def sleep(self) -> None:
        """The camera goes to sleep: what is being kept ends here, the ring is wiped."""
        if self._until_ns is not None:
            self._finish()
        self._clear()
        self._awake = False
        self.newest_ns = self.newest_sound_ns = None

    def wake(self) -> None:
        """Packets are taken again."""
        self._awake = True

    def finish(self) -> None:
        """Close down: end the recording that is being kept now."""
        self.cut()
        if self._keeping:
            if self._until_ns is None:
                self._until_ns = self.newest_ns or 0
            self._finish()

    @property
    def oldest_ns(self) -> int | None:
        """The time of the oldest picture in the ring."""
        if self._ring:
            return self._ring[0].start_ns
        return self._video[0].t_ns if self._video else None

    # ---- the writer's side -----------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether `take` would give anything."""
        return bool(self._lane) and not self._suspended

    @property
    def idle(self) -> bool:
        """Whether nothing is being kept and nothing waits."""
        return not (self._keeping or self._lane)

    def take(self, gops: int) -> list[Gop | End | B]:
        """The head of the lane, with at most so many GOPs. They count until they are settled."""
        items: list[Gop | End | B] = []
        while self.ready and gops:
            item = self._lane.popleft()
            items.append(item)
            gops -= isinstance(item, Gop)
        return items

    def settle(self, gops: Sequence[Gop]) -> None:
        """These GOPs are durable, or lost for good: they no longer count."""
        self.held_bytes -= sum(map(self._weigh, gops))

    def put_back(self, items: Sequence[Gop | End | B]) -> None:
        """The writer could not go on with these; nothing is given out until `go_on`."""
        self._lane.extendleft(reversed(items))
        self._suspended = True

    # ---- inside ----------------------------------------------------------------------------------

    def _wants_sound(self, t_ns: int) -> bool:
        if self._policy.sound_before_press:
            return True
        if self._until_ns is not None and t_ns > self._until_ns:
            return False
        return self._sound_from_ns is not None and t_ns >= self._sound_from_ns

    def _complete(self, end_ns: int) -> None:
        """The open GOP is complete: into the lane or the ring, as far as the budget goes."""
        if not self._video:
            return
        gop = Gop(tuple(self._video), tuple(self._sound), end_ns)
        self._video, self._sound, self._open_bytes = [], [], 0
        weight = self._weigh(gop)
        if not (self._pinned or self._keeping):
            self._evict(end_ns - self._policy.pre_record_ns)
            while self._ring and self.held_bytes + weight > self._policy.budget_bytes:
                self._release([self._ring.popleft()])
        if self.held_bytes + weight > self._policy.budget_bytes:
            self._dropped(gop)
            return
        self.held_bytes += weight
        if not self._keeping:
            self._ring.append(gop)
        elif self._until_ns is not None and end_ns > self._until_ns:
            self._tail.append(gop)
        else:
            self._lane.append(gop)

    def _finish(self) -> None:
        """Cut the end of the recording at `until`; what came later begins a new ring.

        Pictures after `until` need those before them in their GOP: the ring gets such a GOP whole.
        """
        until_ns = self._until_ns
        assert until_ns is not None
        for gop in self._release(self._tail):
            if gop.start_ns <= until_ns:
                self._keep_end(gop, until_ns)
            if gop.key or self._ring:
                silent = self._silent(gop)
                self.held_bytes += self._weigh(silent)
                self._ring.append(silent)
        self._tail = []
        if self._video and self._video[0].t_ns <= until_ns:
            end_ns = self._video[-1].t_ns + self._policy.frame_ns
            self._keep_end(Gop(tuple(self._video), tuple(self._sound), end_ns), until_ns)
            if not self._video[0].key:
                self._video, self._sound, self._open_bytes = [], [], 0
        if not self._policy.sound_before_press:
            self._sound = []
        self._lane.append(End(until_ns))
        self._keeping = False
        self._until_ns = self._sound_from_ns = None

    def _keep_end(self, gop: Gop, until_ns: int) -> None:
        """Into the lane, as far as `until`."""
        kept = self._trim(gop, until_ns)
        self.held_bytes += self._weigh(kept)
        self._lane.append(kept)

    def _silent(self, gop: Gop) -> Gop:
        """Without its sound, unless the policy has sound from before a press."""
        return gop if self._policy.sound_before_press else Gop(gop.video, (), gop.end_ns)

    def _trim(self, gop: Gop, until_ns: int) -> Gop:
        video = tuple(packet for packet in gop.video if packet.t_ns <= until_ns)
        sound = tuple(packet for packet in gop.sound if packet.t_ns <= until_ns)
        whole = len(video) == len(gop.video)
        return Gop(video, sound, gop.end_ns if whole else video[-1].t_ns + self._policy.frame_ns)

    def _evict(self, from_ns: int) -> None:
        """Let go of all before the keyframe at or before `from_ns`."""
        start = 0
        for index, gop in enumerate(self._ring):
            if gop.start_ns > from_ns:
                break
            if gop.key:
                start = index
        self._release([self._ring.popleft() for _ in range(start)])
        opened = self._video[0] if self._video else None
        if opened is not None and opened.key and opened.t_ns <= from_ns:
            self._release(self._ring)
            self._ring.clear()

    def _release(self, gops: Sequence[Gop] | deque[Gop]) -> Sequence[Gop] | deque[Gop]:
        self.held_bytes -= sum(map(self._weigh, gops))
        return gops

    def _clear(self) -> None:
        """Wipe the ring and the open GOP."""
        self._release(self._ring)
        self._ring.clear()
        self._video, self._sound, self._open_bytes = [], [], 0
        self._continues = False
