"""Pictures to H.264, a GOP at a time, in this process or ahead of time in others.

A GOP depends on the spec, its first frame number and its length only, and a shorter one is the
beginning of a longer one: a keyframe that is forced just cuts the GOP before it. So nothing may
look ahead, be shared among threads, or be kept from one GOP to the next.
"""

import json
import os
import signal
import struct
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Self

import av

from bodycam.errors import DeviceError, UsageError

from .film import Film
from .picture import PictureSpec
from .scene import Scene

_QUALITY = 26
"""x264's constant rate factor; the bitrate of the spec is a cap on it."""
_LONGEST = 1200
"""Pictures in one GOP at most."""
_REQUEST = struct.Struct("<QI")
_NUMBER = struct.Struct("<I")

Units = tuple[bytes, ...]
"""Access units in Annex-B, one a picture; the first is an IDR picture with its parameter sets."""


class GopEncoder:
    """Encodes the street, or a film, with libx264: baseline, one slice a picture."""

    def __init__(self, spec: PictureSpec, film: Path | None = None) -> None:
        """Raises UsageError for a film that cannot be read."""
        self._spec = spec
        self._pictures = Scene(spec) if film is None else Film(spec, film)

    def encode(self, first: int, count: int) -> Units:
        """Frames `first` … `first + count - 1`.

        Raises UsageError for a GOP that is empty, too long or beyond frame 2³² - 1, and DeviceError
        where the encoder or the film fails.
        """
        _check(first, count)
        try:
            codec = self._opened()
            units = []
            for frame in range(first, first + count):
                picture = av.VideoFrame.from_numpy_buffer(self._pictures.draw(frame), "yuv420p")
                picture.pts = frame - first
                units += [bytes(packet) for packet in codec.encode(picture)]
        except av.FFmpegError as error:
            raise DeviceError(f"The H.264 encoder failed ({error}).") from error
        if len(units) != count:
            raise DeviceError(f"The H.264 encoder gave {len(units)} pictures instead of {count}.")
        return tuple(units)

    def _opened(self) -> av.VideoCodecContext:
        """A new encoder for one GOP."""
        spec = self._spec
        codec = av.VideoCodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = spec.width, spec.height, "yuv420p"
        codec.framerate = Fraction(spec.fps)
        codec.time_base = Fraction(1, spec.fps)
        codec.thread_count = 1
        codec.gop_size = _LONGEST
        # Half a second of buffer, half full: a GOP of a second takes at most 1.25 times its share.
        half_kbit = max(1, spec.bitrate_bps // 2000)
        codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "crf": str(_QUALITY),
            "x264-params": f"vbv-maxrate={spec.bitrate_bps // 1000}:vbv-bufsize={half_kbit}"
            ":vbv-init=0.5:sliced-threads=0:slices=1:colormatrix=smpte170m",
        }
        return codec


class GopWorkers:
    """GOPs encoded ahead of time by processes of their own. To be used as a context manager.

    It guesses that each GOP begins where the one before ended; where another one is asked for, the
    guesses are thrown away. One thread at a time may call it. With no workers it encodes here, when
    asked.
    """

    def __init__(
        self, spec: PictureSpec, film: Path | None = None, *, workers: int = 2, ahead: int = 4
    ) -> None:
        """At most `ahead` GOPs wait to be asked for. Raises UsageError as GopEncoder does."""
        self._here = None if workers else GopEncoder(spec, film)
        if workers and film is not None:
            Film(spec, film)
        self._children = [_Child(spec, film) for _ in range(workers)]
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        for child in self._children:
            self._idle.put(child)
        self._threads = ThreadPoolExecutor(max(1, workers), thread_name_prefix="gop")
        self._ahead = ahead
        self._guesses: dict[int, Future[Units]] = {}
        """By first frame; all are `_count` long."""
        self._count = 0

    def get(self, first: int, count: int) -> Units:
        """Frames `first` … `first + count - 1`; waits until they are encoded.

        Raises as GopEncoder does, and DeviceError where a worker has ended.
        """
        _check(first, count)
        if self._here is not None:
            return self._here.encode(first, count)
        if first not in self._guesses or count > self._count:
            self._forget()
            self._count = max(count, self._count)
            self._guesses[first] = self._threads.submit(self._encode, first, count)
        asked = self._guesses.pop(first)
        following = range(first + count, first + count + self._ahead * self._count, self._count)
        if following.start not in self._guesses:
            self._forget()
        for guess in following:
            if guess not in self._guesses and guess + self._count <= 1 << 32:
                self._guesses[guess] = self._threads.submit(self._encode, guess, self._count)
        return asked.result()[:count]

    def close(self) -> None:
        """End the workers; what they are encoding is still finished."""
        self._forget()
        self._threads.shutdown(cancel_futures=True)
        for child in self._children:
            child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        self.close()

    def _encode(self, first: int, count: int) -> Units:
        """In a thread: have it done by an idle worker; there are as many as threads."""
        child = self._idle.get()
        try:
            return child.encode(first, count)
        finally:
            self._idle.put(child)

    def _forget(self) -> None:
        for guess in self._guesses.values():
            guess.cancel()
        self._guesses.clear()


class _Child:
    """A process that encodes what it is told on its standard input, and ends with that."""

    def __init__(self, spec: PictureSpec, film: Path | None) -> None:
        what = json.dumps({"spec": asdict(spec), "film": film and str(film.resolve())})
        self._process = subprocess.Popen(  # noqa: S603 (this very module)
            [sys.executable, "-m", __name__, what], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def encode(self, first: int, count: int) -> Units:
        """Ask for a GOP and wait for it."""
        asked, told = self._process.stdin, self._process.stdout
        assert asked is not None
        assert told is not None
        try:
            asked.write(_REQUEST.pack(first, count))
            asked.flush()
            (units,) = _NUMBER.unpack(told.read(_NUMBER.size))
            blobs = tuple(_received(told) for _ in range(units or 1))
        except (OSError, struct.error) as error:
            raise DeviceError("An encoder process of the simulated camera has ended.") from error
        if not units:
            raise DeviceError(blobs[0].decode())
        return blobs

    def close(self) -> None:
        """Close its input and wait for its end."""
        with suppress(BrokenPipeError), self._process:
            pass


def _received(told: IO[bytes]) -> bytes:
    (size,) = _NUMBER.unpack(told.read(_NUMBER.size))
    blob = told.read(size)
    if len(blob) < size:
        raise BrokenPipeError
    return blob


def _serve(what: str, asked: IO[bytes], told: IO[bytes]) -> None:
    """Answer each request with the number of access units (0: failed, and why) and those."""
    chosen = json.loads(what)
    film = chosen["film"] and Path(chosen["film"])
    encoder = GopEncoder(PictureSpec(**chosen["spec"]), film)
    while request := asked.read(_REQUEST.size):
        try:
            blobs = encoder.encode(*_REQUEST.unpack(request))
            told.write(_NUMBER.pack(len(blobs)))
        except DeviceError as error:
            blobs = (str(error).encode(),)
            told.write(_NUMBER.pack(0))
        for blob in blobs:
            told.write(_NUMBER.pack(len(blob)))
            told.write(blob)
        told.flush()


def _check(first: int, count: int) -> None:
    if not (1 <= count <= _LONGEST and 0 <= first <= (1 << 32) - count):
        raise UsageError(f"There is no GOP of {count} pictures from frame {first} on.")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    try:
        _serve(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:  # the parent ended first: nothing is left to be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
