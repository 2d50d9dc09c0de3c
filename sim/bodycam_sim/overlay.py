"""What is written into every simulated picture: the frame counter, the clock, the lip-sync flash.

The counter is a strip along the top edge, 2/45 of the height: 32 bits and their CRC-8 as 40 black
or white cells, most significant first. Such cells survive a low bitrate and scaling.
"""

import cv2
import numpy as np

from .picture import BLACK, NEUTRAL, WHITE, Plane, planes

FLASH_FRAMES = 2
"""The patch is white in so many pictures from the start of each whole second."""

_CELLS = 40
_MARGIN = 40
"""How far from the middle between black and white a cell must be to count as read."""
_TEXT = "0123456789:. #"


def read_counter(gray: Plane) -> int | None:
    """The frame counter of a picture (luma, any size); None where it cannot be read for certain."""
    word = 0
    for left, right in _columns(gray.shape[1]):
        inset = (right - left) // 4
        centre = gray[_strip_rows(gray.shape[0]), left + inset : right - inset]
        level = float(centre.mean()) - (BLACK + WHITE) / 2
        if abs(level) < _MARGIN:
            return None
        word = word << 1 | (level > 0)
    counter, check = divmod(word, 256)
    return counter if check == _crc8(counter) else None


def read_flash(gray: Plane) -> bool:
    """Whether the patch of a picture (luma, any size) is lit."""
    rows, columns = _flash_patch(*gray.shape)
    return bool(gray[rows, columns].mean() > (BLACK + WHITE) / 2)


class Overlay:
    """Draws counter, clock and flash into I420 pictures of one size."""

    def __init__(self, width: int, height: int, fps: int) -> None:
        self._fps = fps
        self._columns = _columns(width)
        self._strip_height = round(height * 2 / 45)
        self._flash = _flash_patch(height, width)
        self._glyphs = _glyphs(max(10, height // 18))

    def draw(self, i420: Plane, frame: int) -> None:
        """Write frame number `frame` (0 … 2³² - 1) and its time, frame / fps, into the picture."""
        y, u, v = planes(i420)
        word = frame << 8 | _crc8(frame)
        for cell, (left, right) in enumerate(self._columns):
            lit = word >> (_CELLS - 1 - cell) & 1
            y[: self._strip_height, left:right] = WHITE if lit else BLACK
        for plane in (u, v):
            plane[: (self._strip_height + 1) // 2] = NEUTRAL

        rows, columns = self._flash
        _grey(i420, rows, columns, WHITE if frame % self._fps < FLASH_FRAMES else BLACK)

        text = _clock(frame, self._fps)
        line = np.concatenate([self._glyphs[letter] for letter in text], axis=1)
        line = line[:, : y.shape[1]]
        top = (y.shape[0] - line.shape[0]) & ~1
        _grey(i420, slice(top, y.shape[0]), slice(0, line.shape[1]), line)


def _clock(frame: int, fps: int) -> str:
    """`hh:mm:ss.cc #frame`, the time being the frame's own."""
    seconds, rest = divmod(frame, fps)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f" {hour:02}:{minute:02}:{second:02}.{rest * 100 // fps:02} #{frame:06} "


def _grey(i420: Plane, rows: slice, columns: slice, luma: int | Plane) -> None:
    """Fill an area that begins on even coordinates with luma and no colour."""
    y, u, v = planes(i420)
    y[rows, columns] = luma
    half = (
        slice(rows.start // 2, (rows.stop + 1) // 2),
        slice(columns.start // 2, (columns.stop + 1) // 2),
    )
    u[half] = NEUTRAL
    v[half] = NEUTRAL


def _columns(width: int) -> list[tuple[int, int]]:
    """First and last-but-one column of each cell of the strip."""
    return [(cell * width // _CELLS, (cell + 1) * width // _CELLS) for cell in range(_CELLS)]


def _strip_rows(height: int) -> slice:
    """The rows in the middle of the strip, which its edges do not reach."""
    return slice(height // 90, max(height // 90 + 1, height // 30))


def _flash_patch(height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of the patch at the top right."""
    top, side = (height // 15) & ~1, (height // 9) & ~1
    left = (width - side - top) & ~1
    return slice(top, top + side), slice(left, left + side)


def _crc8(counter: int) -> int:
    """CRC-8 (polynomial 0x07, starting from 0xFF, so that an all-black strip does not pass)."""
    crc = 0xFF
    for byte in counter.to_bytes(4, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    return crc


def _glyphs(height: int) -> dict[str, Plane]:
    """White letters on black, all of one even size."""
    face, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, height // 14)
    scale = cv2.getFontScaleFromHeight(face, round(height * 0.62), thickness)
    width = max(cv2.getTextSize(letter, face, scale, thickness)[0][0] for letter in _TEXT)
    glyphs = {}
    for letter in _TEXT:
        cell = np.full((height & ~1, (width + 1) & ~1), BLACK, np.uint8)
        at = (0, round(height * 0.8))
        cv2.putText(cell, letter, at, face, scale, (WHITE,), thickness, cv2.LINE_AA)
        glyphs[letter] = cell
    return glyphs
