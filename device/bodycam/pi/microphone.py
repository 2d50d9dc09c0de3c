"""A microphone by libasound itself: the one interface that says when a sample was really taken."""

import ctypes
import errno
import time
from typing import Any

from bodycam.errors import DeviceError
from bodycam.pi.sound import SECOND_NS, Block

LATENCY_US = 400_000
"""How much the device holds: what a busy processor may be late by without a gap in the sound."""
WAIT_MS = 1000
"""A microphone that gives nothing for so long is gone."""
READ_SAMPLES = 1024

_CAPTURE, _NONBLOCK, _S16_LE, _INTERLEAVED = 1, 1, 2, 3


class AlsaMicrophone:
    """Implements sound.Source."""

    def __init__(self, device: str, rate_hz: int, channels: int, *, library: Any = None) -> None:
        """Opens a device by the name that ALSA knows, such as `plughw:CARD=mic`.

        `library` stands in for libasound. Raises DeviceError.
        """
        self._device = device
        self._rate_hz = rate_hz
        self._pcm = ctypes.c_void_p()
        try:
            self._alsa: Any = library or ctypes.CDLL("libasound.so.2")
        except OSError as error:
            raise DeviceError(
                f"The sound library cannot be loaded: {error}.", do="Install libasound2."
            ) from error
        self._alsa.snd_pcm_readi.restype = ctypes.c_long
        self._alsa.snd_strerror.restype = ctypes.c_char_p
        self._samples = ctypes.create_string_buffer(READ_SAMPLES * channels * 2)
        self._frame_bytes = channels * 2
        self._check(
            self._alsa.snd_pcm_open(ctypes.byref(self._pcm), device.encode(), _CAPTURE, _NONBLOCK)
        )
        try:
            self._check(
                self._alsa.snd_pcm_set_params(
                    self._pcm, _S16_LE, _INTERLEAVED, channels, rate_hz, 1, LATENCY_US
                )
            )
            self._check(self._alsa.snd_pcm_start(self._pcm))
        except DeviceError:
            self.close()
            raise

    def read(self) -> Block:
        """See sound.Source. It goes on after an overrun: the next block's time shows the gap."""
        while True:
            ready = self._alsa.snd_pcm_wait(self._pcm, WAIT_MS)
            if ready == 0:
                raise DeviceError(
                    f"The microphone {self._device} is silent.", do="See to its cable."
                )
            count = self._alsa.snd_pcm_readi(self._pcm, self._samples, ctypes.c_ulong(READ_SAMPLES))
            if count > 0:
                return Block(self._samples.raw[: count * self._frame_bytes], self._taken_ns())
            if count == -errno.EPIPE:  # we were late
                self._check(self._alsa.snd_pcm_prepare(self._pcm))
                self._check(self._alsa.snd_pcm_start(self._pcm))
            elif count != -errno.EAGAIN:
                self._check(count)

    def close(self) -> None:
        """See sound.Source."""
        if self._pcm:
            self._alsa.snd_pcm_close(self._pcm)
            self._pcm = ctypes.c_void_p()

    def _taken_ns(self) -> int:
        """When the last sample that was read was taken: now, less what waits unread."""
        delay = ctypes.c_long()
        now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if self._alsa.snd_pcm_delay(self._pcm, ctypes.byref(delay)) < 0:
            return now_ns
        return now_ns - max(0, delay.value) * SECOND_NS // self._rate_hz

    def _check(self, answer: int) -> None:
        if answer < 0:
            why = self._alsa.snd_strerror(answer).decode(errors="replace")
            raise DeviceError(
                f"The microphone {self._device}: {why}.",
                do="See that it is connected, and that its name is one of `arecord -L`.",
            )
