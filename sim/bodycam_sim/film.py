"""A video file in the place of the painted street: scaled to fit, repeated for ever."""

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np

from bodycam.errors import DeviceError, UsageError

from .overlay import Overlay
from .picture import BLACK, NEUTRAL, PictureSpec, Plane, planes

_MOST_PICTURES = 20_000
"""Of a longer film only the beginning is shown: the index must stay small."""
_WORTH_SEEKING = 60
"""Pictures that are rather decoded than jumped over."""


class Film:
    """Draws pictures of a film with counter, clock and flash, as `Scene` does of its street.

    Which picture of the film is shown follows from the frame number alone; the file is read again
    from the keyframe before it where that is not the next one, and only one picture is kept.
    Raises UsageError for a file that is not a video that can be read.
    """

    def __init__(self, spec: PictureSpec, path: Path) -> None:
        self._spec, self._path = spec, path
        if not path.is_file():
            raise UsageError(f"There is no video file {path}.", do="Check the path.")
        try:
            self._open()
            self._time_base = self._stream.time_base or Fraction(1, spec.fps)
            self._times, self._seeks = self._index()
            self._keys = sorted(self._seeks)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise UsageError(
                f"The file {path} cannot be read as video ({error}).",
                do="Give a film that ffmpeg can play.",
            ) from error
        if not self._times:
            raise UsageError(
                f"The film {path} has no keyframe with a time.",
                do="Put it into an MP4 file first (ffmpeg -i FILM film.mp4).",
            )
        first, last = self._times[0], self._times[-1]
        usual = Fraction(last - first, max(1, len(self._times) - 1))
        self._length = last - first + max(1, round(usual))
        self._decoded: Iterator[av.VideoFrame] = iter(())
        self._shown = -1
        """Index of the picture in `_picture`; -1 for none."""
        self._picture = np.empty(0, np.uint8)
        self._overlay = Overlay(spec.width, spec.height, spec.fps)
        try:
            self.draw(0)
        except DeviceError as error:
            raise UsageError(error.what, do=error.do) from error

    def draw(self, frame: int) -> Plane:
        """Picture number `frame` (0 … 2³² - 1): I420, planes stacked, (height * 3 / 2, width).

        Raises DeviceError where the file breaks off or can no longer be read.
        """
        ticks = Fraction(frame, self._spec.fps) / self._time_base
        at = self._times[0] + int(ticks) % self._length
        index = bisect_right(self._times, at) - 1
        if index != self._shown:
            try:
                self._picture = self._read(index)
            except (av.FFmpegError, OSError, ValueError) as error:
                raise DeviceError(
                    f"The film {self._path} cannot be read further ({error}).",
                    do="Give another film.",
                ) from error
            self._shown = index
        picture = self._picture.copy()
        self._overlay.draw(picture, frame)
        return picture

    def _open(self) -> None:
        """Read the file from its beginning, to be decoded in this thread."""
        self._container = av.open(str(self._path.resolve()))
        if not self._container.streams.video:
            raise UsageError(f"The file {self._path} has no video in it.", do="Give a film.")
        self._stream = self._container.streams.video[0]
        self._stream.codec_context.thread_count = 1

    def _index(self) -> tuple[list[int], dict[int, int]]:
        """The times of the pictures from the first keyframe on, rising, and of the keyframes.

        A keyframe's time has with it the one by which a file is sought, that of decoding.
        """
        times, keys = [], {}
        for packet in self._container.demux(self._stream):
            if packet.pts is None:
                continue
            times.append(packet.pts)
            if packet.is_keyframe:
                keys[packet.pts] = packet.pts if packet.dts is None else packet.dts
            if len(times) == _MOST_PICTURES:
                break
        return sorted({t for t in times if keys and t >= min(keys)}), keys

    def _read(self, index: int) -> Plane:
        """Decode up to a picture, from the keyframe before it where that is nearer.

        Where the film ends sooner than its index, its last picture stays.
        """
        wanted = self._times[index]
        key = self._keys[bisect_right(self._keys, wanted) - 1]
        skipped = bisect_right(self._times, key) - 1 - self._shown
        if self._shown < 0 or index < self._shown or skipped > _WORTH_SEEKING:
            self._decoded = self._decoded_from(key)
            self._picture = np.empty(0, np.uint8)
        self._shown = -1
        last = None
        for picture in self._decoded:
            last = picture
            if picture.pts is not None and picture.pts >= wanted:
                break
        if last is not None:
            return self._fitted(last)
        if not self._picture.size:
            raise ValueError("it breaks off")
        return self._picture

    def _decoded_from(self, key: int) -> Iterator[av.VideoFrame]:
        """The pictures from a keyframe on; from the first on where the file cannot be sought so."""
        self._container.seek(self._seeks[key], stream=self._stream)
        decoded = self._container.decode(self._stream)
        begin = next(decoded, None)
        if begin is not None and begin.pts is not None and begin.pts <= key:
            return chain((begin,), decoded)
        self._open()
        return self._container.decode(self._stream)

    def _fitted(self, frame: av.VideoFrame) -> Plane:
        """The whole picture in the middle, black around it."""
        width, height = self._spec.width, self._spec.height
        scale = min(width / frame.width, height / frame.height)
        inner_width = max(2, min(width, round(frame.width * scale)) & ~1)
        inner_height = max(2, min(height, round(frame.height * scale)) & ~1)
        scaled = frame.reformat(inner_width, inner_height, "yuv420p")
        inner = scaled.to_ndarray().astype(np.uint8, copy=False)
        if inner.shape == (height * 3 // 2, width):
            return inner
        picture = np.full((height * 3 // 2, width), NEUTRAL, np.uint8)
        picture[:height] = BLACK
        left, top = (width - inner_width) // 4, (height - inner_height) // 4
        for target, source, part in zip(planes(picture), planes(inner), (2, 1, 1), strict=True):
            rows, columns = source.shape
            target[top * part : top * part + rows, left * part : left * part + columns] = source
        return picture
