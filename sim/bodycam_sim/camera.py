"""The simulated camera and microphone: real H.264 and AAC, delivered in world time."""

from functools import partial

from bodycam.media.packets import SECOND
from bodycam.ports import Reports
from bodycam_sim.encoder import GopWorkers
from bodycam_sim.host import Heap
from bodycam_sim.sound import SoundTrack

PICTURE_DELAY_NS = SECOND * 40 // 1000
"""From a picture's capture to its packet."""
SOUND_EVERY_NS = SECOND // 10
WAKE_NS = SECOND * 300 // 1000
"""From `wake` to the first picture."""


class SimCamera:
    """Implements ports.Camera. Picture n of the world is taken at n / fps seconds."""

    def __init__(
        self,
        heap: Heap,
        workers: GopWorkers,
        sound: SoundTrack | None,
        reports: Reports,
        *,
        fps: int,
        gop_frames: int,
        boot_ns: int,
    ) -> None:
        """What it reports carries boottime: world time less `boot_ns`."""
        self._heap = heap
        self._workers = workers
        self._sound = sound
        self._fps = fps
        self._gop_frames = gop_frames
        self._reports = reports
        self._boot_ns = boot_ns
        self._awake = False
        self._wakes = 0
        self._units: tuple[bytes, ...] = ()
        self._first = 0
        self._key_from_ns: int | None = 0
        """The first picture taken then or later is a keyframe."""
        self._stalled_until_ns = 0
        self._mute_until_ns = 0
        self._heard_ns = 0

    def wake(self) -> None:
        """See ports.Camera."""
        self._awake, self._key_from_ns = True, 0
        self._wakes += 1
        ready_ns = self._heap.now_ns + WAKE_NS
        frame = -(-ready_ns * self._fps // SECOND)
        self._heard_ns = ready_ns
        wakes = self._wakes
        self._heap.at(
            self._taken_ns(frame) + PICTURE_DELAY_NS, partial(self._picture, frame, wakes)
        )
        if self._sound is not None:
            self._heap.at(ready_ns + SOUND_EVERY_NS, partial(self._listen, wakes))

    def sleep(self) -> None:
        """See ports.Camera."""
        self._awake = False

    def force_keyframe(self) -> None:
        """See ports.Camera."""
        self._key_from_ns = self._heap.now_ns

    def restart(self) -> None:
        """See ports.Camera."""
        self._key_from_ns = 0

    # ---- what a scenario does --------------------------------------------------------------------

    def stall(self, until_ns: int) -> None:
        """Deliver no picture until then."""
        self._stalled_until_ns = until_ns

    def mute(self, until_ns: int) -> None:
        """Deliver no sound until then."""
        self._mute_until_ns = until_ns

    # ---- inside ----------------------------------------------------------------------------------

    def _taken_ns(self, frame: int) -> int:
        return frame * SECOND // self._fps

    def _picture(self, frame: int, wakes: int) -> None:
        if not self._awake or wakes != self._wakes:
            return
        self._heap.at(
            self._taken_ns(frame + 1) + PICTURE_DELAY_NS, partial(self._picture, frame + 1, wakes)
        )
        if self._heap.now_ns < self._stalled_until_ns:
            self._key_from_ns = 0
            return
        taken_ns = self._taken_ns(frame)
        forced = self._key_from_ns is not None and self._key_from_ns <= taken_ns
        if forced or frame - self._first >= len(self._units):
            self._units = self._workers.get(frame, self._gop_frames)
            self._first = frame
            self._key_from_ns = None if forced else self._key_from_ns
        index = frame - self._first
        self._reports.picture(taken_ns - self._boot_ns, self._units[index], index == 0)

    def _listen(self, wakes: int) -> None:
        if not self._awake or wakes != self._wakes or self._sound is None:
            return
        now_ns = self._heap.now_ns
        if now_ns >= self._mute_until_ns:
            for t_ns, data in self._sound.frames(self._heard_ns, now_ns):
                self._reports.sound(t_ns - self._boot_ns, data)
        self._heard_ns = now_ns
        self._heap.at(now_ns + SOUND_EVERY_NS, partial(self._listen, wakes))
