"""The simulated camera and microphone: real H.264 and AAC, delivered in world time."""

from collections.abc import Callable

from bodycam.media.packets import SECOND, Packet, Track
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
        *,
        fps: int,
        gop_frames: int,
        deliver: Callable[[Packet], None],
        boot_ns: int,
    ) -> None:
        """Packets carry boottime: world time less `boot_ns`."""
        self._heap = heap
        self._workers = workers
        self._sound = sound
        self._fps = fps
        self._gop_frames = gop_frames
        self._deliver = deliver
        self._boot_ns = boot_ns
        self._awake = False
        self._wakes = 0
        self._units: tuple[bytes, ...] = ()
        self._first = 0
        self._force = True
        self._stalled_until_ns = 0
        self._mute_until_ns = 0
        self._heard_ns = 0

    def wake(self) -> None:
        """See ports.Camera."""
        self._awake, self._force = True, True
        self._wakes += 1
        ready_ns = self._heap.now_ns + (WAKE_NS if self._heap.now_ns else 0)
        frame = -(-ready_ns * self._fps // SECOND)
        self._heard_ns = ready_ns
        wakes = self._wakes
        self._heap.at(self._taken_ns(frame) + PICTURE_DELAY_NS, lambda: self._picture(frame, wakes))
        if self._sound is not None:
            self._heap.at(ready_ns + SOUND_EVERY_NS, lambda: self._listen(wakes))

    def sleep(self) -> None:
        """See ports.Camera."""
        self._awake = False

    def force_keyframe(self) -> None:
        """See ports.Camera."""
        self._force = True

    def restart(self) -> None:
        """See ports.Camera."""
        self._force = True

    # ---- what a scenario does --------------------------------------------------------------------

    def stall(self, until_ns: int) -> None:
        """Deliver no picture until then."""
        self._stalled_until_ns = until_ns

    def mute(self, until_ns: int) -> None:
        """Deliver no sound until then."""
        self._mute_until_ns = until_ns

    def switch_off(self) -> None:
        """The power is gone."""
        self._awake = False

    # ---- inside ----------------------------------------------------------------------------------

    def _taken_ns(self, frame: int) -> int:
        return frame * SECOND // self._fps

    def _picture(self, frame: int, wakes: int) -> None:
        if not self._awake or wakes != self._wakes:
            return
        self._heap.at(
            self._taken_ns(frame + 1) + PICTURE_DELAY_NS, lambda: self._picture(frame + 1, wakes)
        )
        if self._heap.now_ns < self._stalled_until_ns:
            self._force = True
            return
        if self._force or frame - self._first >= self._gop_frames:
            self._units = self._workers.get(frame, self._gop_frames)
            self._first, self._force = frame, False
        index = frame - self._first
        self._deliver(
            Packet(
                Track.VIDEO,
                self._taken_ns(frame) - self._boot_ns,
                self._units[index],
                key=index == 0,
            )
        )

    def _listen(self, wakes: int) -> None:
        if not self._awake or wakes != self._wakes or self._sound is None:
            return
        now_ns = self._heap.now_ns
        if now_ns >= self._mute_until_ns:
            for t_ns, data in self._sound.frames(self._heard_ns, now_ns):
                self._deliver(Packet(Track.SOUND, t_ns - self._boot_ns, data))
        self._heard_ns = now_ns
        self._heap.at(now_ns + SOUND_EVERY_NS, lambda: self._listen(wakes))
