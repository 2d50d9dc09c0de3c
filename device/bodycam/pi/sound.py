"""Sound in: samples to AAC, each frame with the time of its first sample on the camera's clock.

A microphone counts samples by a crystal of its own, which is off by up to some 100 parts in a
million: 0.4 s an hour. So the times of the blocks' arrival discipline the times of the samples.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

from bodycam.errors import DeviceError
from bodycam.ports import Reports

SECOND_NS = 1_000_000_000
FRAME = 1024
"""Samples in a frame of AAC."""

FOLLOW_S = 10.0
"""How slowly a sample's time follows the blocks' arrival, which a busy machine delays by chance.

A crystal that is off by 300 parts in a million so stays 3 ms behind, and no more.
"""
GAP_NS = 50_000_000
GAP_BLOCKS = 12
"""Samples are missing if so many blocks in a row arrive later than GAP_NS."""

HEALTHY_NS = 10 * SECOND_NS
LONGEST_WAIT_NS = 30 * SECOND_NS
"""Failures in a row are followed by waits of 0.5, 1, 2, … s, and at most so long."""


@dataclass(frozen=True, slots=True)
class SoundSettings:
    """What is to be delivered: AAC-LC."""

    rate_hz: int = 48_000
    channels: int = 1
    bitrate_bps: int = 64_000


@dataclass(frozen=True, slots=True)
class Block:
    """Samples that arrived."""

    samples: bytes
    """16 bits each, little-endian, channels interleaved."""
    end_ns: int
    """When the last one was taken, about (CLOCK_BOOTTIME)."""


class Source(Protocol):
    """A microphone that is open."""

    def read(self) -> Block:
        """The next samples, any number; within about a second. Raises DeviceError."""

    def close(self) -> None:
        """Let go of it; never raises."""


class SampleClock:
    """When sample n was taken: counted from the last block, and corrected a little by each."""

    def __init__(self, rate_hz: int) -> None:
        self._sample_ns = SECOND_NS / rate_hz
        self._count = 0
        self._at_ns = 0.0
        """When sample `_count` was taken."""
        self._late: list[float] = []

    def observe(self, count: int, end_ns: int) -> None:
        """The last of `count` samples since the beginning was taken at about `end_ns`."""
        if not self._count:
            self._count, self._at_ns = count, float(end_ns)
            return
        predicted_ns = self._time(count)
        passed_s = (predicted_ns - self._at_ns) / SECOND_NS
        error_ns = end_ns - predicted_ns
        self._count, self._at_ns = count, predicted_ns
        if abs(error_ns) > GAP_NS:
            self._late.append(error_ns)
            if len(self._late) >= GAP_BLOCKS:
                self._at_ns += min(self._late, key=abs)
                self._late = []
            return
        self._late = []
        self._at_ns += error_ns * min(1.0, passed_s / FOLLOW_S)

    def time_ns(self, number: int) -> int:
        """When sample `number`, counted from 0, was taken."""
        return round(self._time(number + 1))

    def _time(self, count: int) -> float:
        return self._at_ns + (count - self._count) * self._sample_ns


class AacEncoder:
    """Frames of 1024 samples to raw AAC; loads PyAV."""

    def __init__(self, settings: SoundSettings) -> None:
        """Raises DeviceError."""
        from fractions import Fraction

        import av

        self._av: Any = av
        self._tick = Fraction(1, settings.rate_hz)
        self._layout = "mono" if settings.channels == 1 else "stereo"
        self._rate_hz = settings.rate_hz
        self._count = 0
        codec: Any = av.CodecContext.create("aac", "w")
        codec.sample_rate, codec.layout, codec.format = settings.rate_hz, self._layout, "fltp"
        codec.time_base = self._tick
        codec.bit_rate = settings.bitrate_bps
        self._codec = codec

    def encode(self, samples: bytes) -> Iterator[tuple[int, bytes]]:
        """Frames that are done: the number of the first sample that a decoder gives for it, bytes.

        The encoder's own delay is taken off: what only fades in comes before sample 0 and is left
        out. Raises DeviceError.
        """
        frame = self._av.AudioFrame(format="s16", layout=self._layout, samples=FRAME)
        frame.planes[0].update(samples)
        frame.sample_rate, frame.pts = self._rate_hz, self._count
        frame.time_base = self._tick
        self._count += FRAME
        try:
            packets = self._codec.encode(frame)
        except self._av.error.FFmpegError as error:
            raise DeviceError(f"The AAC encoder failed ({error}).") from error
        for packet in packets:
            if packet.pts is not None and packet.pts >= 0:
                yield packet.pts, bytes(packet)


class PiMicrophone:
    """Sleeps and wakes with the camera; a microphone that fails is tried again.

    That no sound comes is noticed by whoever takes it.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        reports: Reports,
        settings: SoundSettings,
        *,
        now_ns: Callable[[], int],
        tell: Callable[[str], None],
        longest_wait_ns: int = LONGEST_WAIT_NS,
    ) -> None:
        """`open_source` raises DeviceError. `tell` takes a sentence for the system's log."""
        self._open_source = open_source
        self._reports = reports
        self._settings = settings
        self._now_ns = now_ns
        self._tell = tell
        self._longest_wait_ns = longest_wait_ns
        self._changed = threading.Condition()
        self._turn = 0
        self._awake = False
        self._ended = False
        self._said = ""
        self._thread = threading.Thread(target=self._work, name="microphone", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Begin to deliver sound; returns at once."""
        self._begin_turn(awake=True)

    def sleep(self) -> None:
        """Stop delivering sound, at once."""
        self._begin_turn(awake=False)

    def close(self, within_s: float = 5) -> bool:
        """End the thread and let go of the device; False where that keeps it."""
        with self._changed:
            self._ended = True
        self.sleep()
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _begin_turn(self, *, awake: bool) -> None:
        with self._changed:
            self._turn += 1
            self._awake = awake
            self._changed.notify_all()

    # ---- its thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        failures = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._awake or self._ended)
                if self._ended:
                    return
                turn = self._turn
            begun_ns = self._now_ns()
            try:
                self._record(turn)
                failures = 0
            except Exception as error:  # noqa: BLE001  whatever a device may do, this goes on
                self._say(str(error))
                failures = 1 if self._now_ns() - begun_ns > HEALTHY_NS else failures + 1
                wait_ns = min(SECOND_NS << min(failures, 10) >> 2, self._longest_wait_ns)
                with self._changed:
                    self._changed.wait_for(
                        lambda turn=turn: self._turn != turn,  # type: ignore[misc]
                        wait_ns / SECOND_NS,
                    )

    def _record(self, turn: int) -> None:
        """Deliver until the turn ends. Raises DeviceError."""
        encoder = AacEncoder(self._settings)
        clock = SampleClock(self._settings.rate_hz)
        sample_bytes = 2 * self._settings.channels
        count = 0
        waiting = bytearray()
        with closing(self._open_source()) as source:
            while turn == self._turn:
                block = source.read()
                count += len(block.samples) // sample_bytes
                clock.observe(count, block.end_ns)
                waiting += block.samples
                while len(waiting) >= FRAME * sample_bytes:
                    samples = bytes(waiting[: FRAME * sample_bytes])
                    del waiting[: FRAME * sample_bytes]
                    for number, data in encoder.encode(samples):
                        if turn != self._turn:
                            return
                        self._reports.sound(clock.time_ns(number), data)
                        self._said = ""

    def _say(self, what: str) -> None:
        """Each thing once, until it works again."""
        if what != self._said:
            self._said = what
            self._tell(what)
