"""A sound device by libasound itself: the one interface that says what has really been played.

The library is there on every Raspberry Pi OS; eleven of its functions are all that is needed, so
no further package comes between. Nothing here waits: the device is opened without blocking.
"""

import ctypes
import errno
from typing import Any

from bodycam.errors import DeviceError

LATENCY_US = 150_000
"""How much the device holds: what a busy processor may be late by without a gap in the sound."""

_PLAYBACK, _NONBLOCK, _MU_LAW, _INTERLEAVED = 0, 1, 20, 3
_RUNNING = 3


class AlsaSink:
    """Implements speaker.Sink."""

    def __init__(self, device: str) -> None:
        """The name that ALSA knows, such as `plughw:CARD=MAX98357A`."""
        self._device = device
        self._pcm = ctypes.c_void_p()
        self._rate_hz = 0
        self._written = 0
        self._library: Any = None

    def begin(self, rate_hz: int) -> None:
        """See speaker.Sink."""
        if not self._pcm:
            opened = self._alsa.snd_pcm_open(
                ctypes.byref(self._pcm), self._device.encode(), _PLAYBACK, _NONBLOCK
            )
            if opened < 0:
                self._pcm, self._rate_hz = ctypes.c_void_p(), 0
            self._check(opened)
        if rate_hz != self._rate_hz:
            self._check(
                self._alsa.snd_pcm_set_params(
                    self._pcm, _MU_LAW, _INTERLEAVED, 1, rate_hz, 1, LATENCY_US
                )
            )
            self._rate_hz = rate_hz
        self._check(self._alsa.snd_pcm_prepare(self._pcm))
        self._written = 0

    def write(self, data: memoryview) -> int:
        """See speaker.Sink."""
        if not data:
            return 0
        chunk = bytes(data[: self._rate_hz])
        took = self._alsa.snd_pcm_writei(self._pcm, chunk, ctypes.c_ulong(len(chunk)))
        if took == -errno.EAGAIN:
            return 0
        if took == -errno.EPIPE:  # it ran dry: we were late
            self._check(self._alsa.snd_pcm_prepare(self._pcm))
            return 0
        self._check(took)
        self._written += took
        # ALSA would wait until its buffer is full.
        if self._alsa.snd_pcm_state(self._pcm) != _RUNNING:
            self._check(self._alsa.snd_pcm_start(self._pcm))
        return int(took)

    def heard(self) -> int:
        """See speaker.Sink."""
        if not self._written:
            return 0
        delay = ctypes.c_long()
        answer = self._alsa.snd_pcm_delay(self._pcm, ctypes.byref(delay))
        if answer == -errno.EPIPE:  # it has played all it had
            return self._written
        self._check(answer)
        return max(0, self._written - max(0, delay.value))

    def end(self) -> None:
        """See speaker.Sink."""
        if self._pcm:
            self._check(self._alsa.snd_pcm_drop(self._pcm))

    def close(self) -> None:
        """See speaker.Sink."""
        if self._pcm:
            self._alsa.snd_pcm_close(self._pcm)
            self._pcm, self._rate_hz = ctypes.c_void_p(), 0

    @property
    def _alsa(self) -> Any:
        if self._library is None:
            try:
                library = ctypes.CDLL("libasound.so.2")
            except OSError as error:
                raise DeviceError(
                    f"The sound library cannot be loaded: {error}.", do="Install libasound2."
                ) from error
            library.snd_pcm_writei.restype = ctypes.c_long
            library.snd_strerror.restype = ctypes.c_char_p
            self._library = library
        return self._library

    def _check(self, answer: int) -> None:
        if answer < 0:
            why = self._alsa.snd_strerror(answer).decode(errors="replace")
            raise DeviceError(
                f"The sound device {self._device}: {why}.",
                do="Look for it with aplay -L, and set speaker.device.",
            )
