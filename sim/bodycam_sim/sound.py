"""What the simulated microphone hears: a quiet street, and a beep at each whole second, as AAC-LC.

Time is cut into frames of 1024 samples, counted from the beginning of the world whatever is asked
for, so that frames always join. A frame's time is that of the first sample that a decoder gives for
it; the encoder's own delay (its first packet only fades in) is already taken off.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from math import gcd

import av
import numpy as np
import numpy.typing as npt

from bodycam.errors import DeviceError, UsageError

SAMPLES = 1024
"""Samples in a frame."""
BEEP_NS, BEEP_HZ = 66_000_000, 1000
"""Length and pitch of the beep that begins with each whole second."""

_SECOND_NS = 1_000_000_000
_RATES_HZ = {16_000: 8, 24_000: 6, 32_000: 5, 44_100: 4, 48_000: 3}
"""With the number that AAC has for each."""
_BITRATE_BPS = 64_000
_LOOP_S = 8
"""The street's noise repeats after so many seconds: at most rates a whole number of frames."""
_NOISE, _HUM, _HUM_HZ, _BEEP = 0.01, 0.003, 50, 0.5
_RAMP_S = 0.001
"""The beep swells and fades within this time, so that it does not click."""

_Samples = npt.NDArray[np.float32]


class SoundTrack:
    """Encodes the soundscape, as far as it is asked for; the same times give the same bytes."""

    def __init__(self, rate_hz: int = 48_000, channels: int = 1, seed: int = 0) -> None:
        """Raises UsageError for a rate or number of channels that is not made here."""
        if rate_hz not in _RATES_HZ or channels not in (1, 2):
            raise UsageError(f"Sound of {channels} channels at {rate_hz} Hz cannot be made.")
        self._rate_hz, self._channels = rate_hz, channels
        self._street = _street(rate_hz, seed)
        self._beep = _beep(rate_hz)
        self._turn = rate_hz * _LOOP_S // gcd(rate_hz * _LOOP_S, SAMPLES)
        """What is heard repeats after so many frames."""
        self._coded = self._encoded()
        self._made: list[bytes] = []
        """The frames that `_coded` has given; at most two turns."""

    @property
    def config(self) -> bytes:
        """The AudioSpecificConfig that a decoder needs: AAC-LC, rate and channels."""
        return (2 << 11 | _RATES_HZ[self._rate_hz] << 7 | self._channels << 3).to_bytes(2, "big")

    def frames(self, from_ns: int, to_ns: int) -> list[tuple[int, bytes]]:
        """Raw AAC frames whose time lies in [from_ns, to_ns), each with its time.

        Times are nanoseconds from the beginning of the world, not negative.
        Raises DeviceError where the encoder fails.
        """
        numbers = range(self._number(from_ns), self._number(to_ns))
        return [(self._time_ns(number), self._frame(number)) for number in numbers]

    def _frame(self, number: int) -> bytes:
        """The second turn is given again and again: to encode is what takes time here."""
        place = number if number < self._turn else self._turn + number % self._turn
        while len(self._made) <= place:
            self._made.append(next(self._coded))
        return self._made[place]

    def _number(self, t_ns: int) -> int:
        """The first frame at or after a time."""
        return -(-t_ns * self._rate_hz // (SAMPLES * _SECOND_NS))

    def _time_ns(self, number: int) -> int:
        return number * SAMPLES * _SECOND_NS // self._rate_hz

    def _encoded(self) -> Iterator[bytes]:
        """All frames from the first on, in one stream."""
        layout = "mono" if self._channels == 1 else "stereo"
        codec = av.AudioCodecContext.create("aac", "w")
        codec.sample_rate, codec.layout, codec.format = self._rate_hz, layout, "fltp"
        codec.time_base = Fraction(1, self._rate_hz)
        codec.bit_rate = _BITRATE_BPS
        codec.options = {"aac_coder": "fast"}
        for block in count():
            heard = np.broadcast_to(self._heard(block), (self._channels, SAMPLES))
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(heard), "fltp", layout)
            frame.sample_rate, frame.time_base = codec.sample_rate, codec.time_base
            frame.pts = block * SAMPLES
            try:
                packets = codec.encode(frame)
            except av.FFmpegError as error:
                raise DeviceError(f"The AAC encoder failed ({error}).") from error
            for packet in packets:
                if packet.pts is not None and packet.pts >= 0:
                    yield bytes(packet)

    def _heard(self, block: int) -> _Samples:
        """The samples of one frame, as the microphone takes them."""
        start = block * SAMPLES
        turn = start % (_LOOP_S * self._rate_hz)
        samples = self._street[turn : turn + SAMPLES].copy()
        since_second = start % self._rate_hz
        for begun in (since_second, since_second - self._rate_hz):
            beep = self._beep[max(begun, 0) : max(begun + SAMPLES, 0)]
            at = max(-begun, 0)
            samples[at : at + len(beep)] += beep
        return samples


def _beep(rate_hz: int) -> _Samples:
    length, ramp = rate_hz * BEEP_NS // _SECOND_NS, max(1, round(rate_hz * _RAMP_S))
    at = np.arange(length)
    swell = np.minimum(1, np.minimum(at, length - at) / ramp)
    return (_BEEP * swell * np.sin(2 * np.pi * BEEP_HZ * at / rate_hz)).astype(np.float32)


def _street(rate_hz: int, seed: int) -> _Samples:
    """Noise that is low in pitch as far traffic is, and a hum; a loop, and a frame of it again."""
    length = _LOOP_S * rate_hz
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    pitch_hz = np.fft.rfftfreq(length, 1 / rate_hz)
    noise = np.fft.irfft(spectrum / (1 + (pitch_hz / 300) ** 1.5), length)
    hum = np.sin(2 * np.pi * _HUM_HZ * np.arange(length) / rate_hz)
    loop = _NOISE * noise / noise.std() + _HUM * hum
    return np.concatenate([loop, loop[:SAMPLES]]).astype(np.float32)
