"""What a simulated picture is: its spec, its planes, its colours."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bodycam.errors import UsageError

Plane = npt.NDArray[np.uint8]
"""Samples of 8 bits, rows first."""
Planes = tuple[Plane, Plane, Plane]
"""Y, U and V; the latter two have half the width and height."""
Colour = tuple[int, int, int]
"""Blue, green, red."""
BLACK, WHITE, NEUTRAL = 16, 235, 128
"""Luma of black and of white in video range, and chroma without colour."""


@dataclass(frozen=True, slots=True)
class PictureSpec:
    """What the simulated camera delivers.

    Raises UsageError for a size, rate or bitrate that it cannot deliver.
    """

    width: int
    height: int
    """Pixels, even; 160 × 90 to 3840 × 2160."""
    fps: int
    """Pictures a second, 5 to 120; frame n is n / fps seconds after the world began."""
    bitrate_bps: int
    """What the stream must not exceed over a second; a quiet picture needs less."""
    seed: int
    """Which street and which people."""
    night: bool = False

    def __post_init__(self) -> None:
        if not (160 <= self.width <= 3840 and 90 <= self.height <= 2160):
            raise UsageError(f"A picture of {self.width} x {self.height} cannot be drawn.")
        if self.width % 2 or self.height % 2:
            raise UsageError(f"A picture of {self.width} x {self.height} has an odd side.")
        if not 5 <= self.fps <= 120:
            raise UsageError(f"{self.fps} pictures a second is not between 5 and 120.")
        if not 50_000 <= self.bitrate_bps <= 100_000_000:
            raise UsageError(f"{self.bitrate_bps} bit/s is not between 50 kbit/s and 100 Mbit/s.")


def planes(i420: Plane) -> Planes:
    """Views of the Y, U and V planes of an I420 picture of shape (height * 3 / 2, width)."""
    rows, width = i420.shape
    height = rows * 2 // 3
    chroma = i420[height:].reshape(2, height // 2, width // 2)
    return i420[:height], chroma[0], chroma[1]


def i420(painted: Plane) -> Plane:
    """A painted picture (blue, green, red) as I420."""
    return cv2.cvtColor(painted, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False)


def dimmed(colour: Colour, light: float) -> Colour:
    """A colour in less light (or more, above 1)."""
    blue, green, red = (min(255, round(part * light)) for part in colour)
    return blue, green, red
