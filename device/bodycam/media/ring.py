"""The GOP ring, and the lane in which what is kept waits for the writer: one byte budget for both.

The law of this file: from a pin until the end of a recording no picture falls out, unless the
budget is spent; then the newest complete GOP is dropped and reported. Everything else turns over.

    camera -> open GOP -> ring  (turns over after pre_record; a pin stops that)
                      \\-> lane  (after begin: Begin, GOPs and notes, End, in this order) -> writer

Neither goes on with a GOP that lacks what it depends on: after a gap comes a keyframe.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bodycam.media.packets import SECOND, Gop, Packet, Track

SETTLE_NS = SECOND // 4
"""So long after `until` pictures from before it may still arrive; then the end is cut."""
LATE_NS = SECOND // 2
"""A press that is reported so late still finds all from pre_record before it."""
SILENT_NS = 2 * SECOND
"""Between two pictures that are so far apart there is a gap."""
SOUND_WAITS_NS = 30 * SECOND
"""Sound that is kept waits so long for a picture to go with."""

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
    that was to be kept and is lost; it must not call back.
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
        self._sound: deque[Packet] = deque()
        self._open_bytes = 0
        self._whole = False  # the newest complete GOP is here: one without a keyframe may follow
        self._pinned = False
        self._keeping = False
        self._until_ns: int | None = None
        self._from_ns = 0  # no picture from before the last press without pre_record is taken
        self._sound_from_ns = 0  # no sound from before the last press is kept
        self._awake = True
        self._suspended = False  # a recording broke: the lane waits for `go_on`
        self._ended = False  # it had only its end before it: `go_on` begins nothing
        self._spent = False  # the budget is: not even a small GOP is kept before some has gone
        self.held_bytes = 0
        """Weight of all complete GOPs: ring, lane, and those taken but not settled."""
        self.newest_ns: int | None = None
        """The time of the newest picture."""
        self.newest_sound_ns: int | None = None
        self.resumed_ns = 0
        """The time of the first picture since pictures were missing last."""
        self.missed: tuple[int, int] | None = None
        """From when to when the last pictures were missing that are found to have been."""
        self.wants_keyframe = False
        """Whether the newest picture depends on a keyframe that is missing or long ago."""

    # ---- the camera's side -----------------------------------------------------------------------

    def append(self, packet: Packet) -> None:
        """Take what the camera or the microphone delivers. Pictures come in order of time."""
        if not self._awake:
            return
        if packet.track is Track.SOUND:
            self._hear(packet)
        else:
            self._see(packet)

    def tick(self, now: int) -> None:
        """Cut the end of a recording that was stopped long enough ago."""
        if self._until_ns is not None and now >= self._until_ns + SETTLE_NS:
            self._finish(self._until_ns)

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
        self._end()
        self._pinned = True
        self._sound_from_ns = press_ns
        if from_ns < press_ns:
            self._evict(from_ns)
        else:
            self._wipe()
            self._from_ns = press_ns

    def unpin(self) -> None:
        """Nothing will be kept; sound that only the press had let in is wiped."""
        self._pinned = False
        self._silence()
        held = [*self._ring]
        self._release(held)
        self._ring.clear()
        for gop in held:
            self._hold(self._ring, self._silent(gop))

    def begin(self, item: B) -> None:
        """A recording begins with what is in the ring, and all that follows is kept."""
        self._end()
        self._pinned, self._keeping, self._spent = False, True, False
        self._lane.append(item)
        self._lane.extend(self._ring)
        self._ring.clear()

    def go_on(self, item: B) -> None:
        """A recording that broke goes on, before anything else in the lane."""
        if not self._suspended:
            self.begin(item)
            return
        if not self._ended:
            self._lane.appendleft(item)
        self._suspended = self._ended = self._spent = False

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
        self._end()
        self._wipe()
        self._pinned, self._awake, self.wants_keyframe = False, False, False
        self.missed = None
        self.newest_ns = self.newest_sound_ns = None

    def wake(self) -> None:
        """Packets are taken again."""
        self._awake = True

    def finish(self) -> None:
        """Close down: what is being kept ends with what has arrived."""
        self._end()

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
        self._release(gops)

    def put_back(self, items: Sequence[Gop | End | B], *, ended: bool = False) -> None:
        """The writer could not go on with these; nothing is given out until `go_on`.

        `ended`: they are not of the recording that broke, which had all of its footage.
        """
        self._lane.extendleft(reversed(items))
        self._suspended, self._ended = True, ended

    # ---- what arrives ----------------------------------------------------------------------------

    def _hear(self, frame: Packet) -> None:
        self.newest_sound_ns = frame.t_ns
        kept = (self._pinned or self._keeping) and frame.t_ns >= self._sound_from_ns
        if not kept and not (self._policy.sound_before_press and self._video):
            return
        self._sound.append(frame)
        self._open_bytes += len(frame.data)
        while not self._video and frame.t_ns - self._sound[0].t_ns > SOUND_WAITS_NS:
            self._open_bytes -= len(self._sound.popleft().data)

    def _see(self, picture: Packet) -> None:
        self.newest_ns = picture.t_ns
        self.tick(picture.t_ns)
        if picture.t_ns < self._from_ns:
            return
        follows = bool(self._video)
        if follows and picture.t_ns - self._video[-1].t_ns > SILENT_NS:  # nobody noticed
            self.missed = self._video[-1].t_ns + self._policy.frame_ns, picture.t_ns
            self.cut()
        elif picture.key or (follows and self._overdue(picture.t_ns)):
            self._complete(picture.t_ns)
        if picture.key and not follows:
            self.resumed_ns = picture.t_ns
        if picture.key or follows:
            self._video.append(picture)
            self._open_bytes += len(picture.data)
        self.wants_keyframe = not (self._video and self._video[0].key)

    def _overdue(self, t_ns: int) -> bool:
        """Whether the open GOP is cut though no keyframe has come."""
        long = t_ns - self._video[0].t_ns >= 2 * self._policy.keyframe_interval_ns
        return long or self._open_bytes > self._policy.budget_bytes // 2

    def _complete(self, end_ns: int) -> None:
        """The open GOP is complete: into ring or lane, as far as the budget goes."""
        gop = self._opened(end_ns)
        if gop is None:
            return
        self._empty()
        wanted = self._pinned or self._keeping
        if not wanted:
            self._turn_over(gop)
        beyond = self._until_ns is not None and end_ns > self._until_ns
        target = self._ring if not self._keeping else self._tail if beyond else self._lane
        follows = gop.key or self._whole
        self._whole = follows and self._hold(target, gop)
        if wanted and not self._whole:
            self._spent |= follows and self.held_bytes > 0
            self._dropped(gop)

    # ---- the end of a recording ------------------------------------------------------------------

    def _end(self) -> None:
        """End the recording that is being kept, if any: at `until`, or now."""
        if self._keeping:
            newest_ns = self.newest_ns or 0
            self._finish(newest_ns if self._until_ns is None else self._until_ns)

    def _finish(self, until_ns: int) -> None:
        """Cut the end of the recording at `until_ns`; what came later begins a new ring.

        Pictures after it need those before them in their GOP: the ring gets such a GOP whole.
        """
        tail, self._tail = self._tail, []
        self._release(tail)
        opened = self._opened()
        for gop in [*tail, opened] if opened else tail:
            if gop.start_ns <= until_ns:
                kept = self._trim(gop, until_ns)
                whole = gop is not opened or gop.key or self._whole
                if not (whole and self._hold(self._lane, kept)):
                    self._dropped(kept)
        self._lane.append(End(until_ns))
        self._keeping, self._until_ns = False, None
        self._silence()
        self._whole = False
        for gop in (gop for gop in tail if gop.video[-1].t_ns > until_ns):
            self._whole = (gop.key or self._whole) and self._hold(self._ring, self._silent(gop))

    def _trim(self, gop: Gop, until_ns: int) -> Gop:
        video = tuple(packet for packet in gop.video if packet.t_ns <= until_ns)
        sound = tuple(packet for packet in gop.sound if packet.t_ns <= until_ns)
        whole = len(video) == len(gop.video)
        return Gop(video, sound, gop.end_ns if whole else video[-1].t_ns + self._policy.frame_ns)

    def _silent(self, gop: Gop) -> Gop:
        """Without its sound, unless the policy has sound from before a press."""
        return gop if self._policy.sound_before_press else Gop(gop.video, (), gop.end_ns)

    def _silence(self) -> None:
        """The same of the open GOP."""
        if not (self._policy.sound_before_press and self._video):
            self._open_bytes -= sum(len(packet.data) for packet in self._sound)
            self._sound.clear()

    # ---- the open GOP, the ring, the budget ------------------------------------------------------

    def _opened(self, end_ns: int | None = None) -> Gop | None:
        """The open GOP as it is; it ends at `end_ns`, or nominally."""
        if not self._video:
            return None
        if end_ns is None:
            end_ns = self._video[-1].t_ns + self._policy.frame_ns
        return Gop(tuple(self._video), tuple(self._sound), end_ns)

    def _empty(self) -> None:
        self._video = []
        self._sound.clear()
        self._open_bytes = 0

    def _hold(self, target: deque[Gop] | deque[Gop | End | B] | list[Gop], gop: Gop) -> bool:
        """Add a GOP if the budget has room for it."""
        weight = self._weigh(gop)
        if self._spent or self.held_bytes + weight > self._policy.budget_bytes:
            return False
        self.held_bytes += weight
        target.append(gop)
        return True

    def _release(self, gops: Iterable[Gop]) -> None:
        weight = sum(map(self._weigh, gops))
        self.held_bytes -= weight
        self._spent = self._spent and not weight

    def _turn_over(self, gop: Gop) -> None:
        """Let go of what a press would no longer keep, then of the oldest until there is room."""
        self._evict(gop.end_ns - self._policy.pre_record_ns - LATE_NS)
        weight = self._weigh(gop)
        while self._ring and self.held_bytes + weight > self._policy.budget_bytes:
            self._pop()
            while self._ring and not self._ring[0].key:
                self._pop()
        self._whole = self._whole and bool(self._ring)

    def _evict(self, from_ns: int) -> None:
        """Let go of all before the keyframe at or before `from_ns`."""
        starts = [gop.start_ns if gop.key else None for gop in self._ring]
        starts.append(self._video[0].t_ns if self._video and self._video[0].key else None)
        older = [n for n, start in enumerate(starts) if start is not None and start <= from_ns]
        for _ in range(older[-1] if older else 0):
            self._pop()

    def _pop(self) -> None:
        self._release([self._ring.popleft()])

    def _wipe(self) -> None:
        """Nothing is left of ring and open GOP."""
        self._release(self._ring)
        self._ring.clear()
        self._empty()
        self._whole = False
