"""The street itself: sky, terraced houses, a road, trees and lamps, painted once."""

import math
import random

import cv2
import numpy as np
import numpy.typing as npt

from .people import HORIZON
from .picture import Colour, PictureSpec, Plane, dimmed

_FOOT, _KERB_FAR, _KERB_NEAR = 0.53, 0.575, 0.715
"""Foot of the houses and edges of the road, parts of the picture's height."""
_SUPERSAMPLING = 2
_BRICKS: tuple[Colour, ...] = (
    (70, 80, 140),
    (95, 105, 150),
    (80, 90, 110),
    (150, 170, 185),
    (60, 65, 100),
)
_DOORS: tuple[Colour, ...] = ((50, 80, 30), (90, 50, 30), (40, 40, 110), (50, 50, 50))
_DAYLIGHT = (215, 165, 110), (235, 225, 215)
_FRAME, _GLASS, _LAMPLIT = (225, 230, 235), (120, 105, 90), (110, 200, 245)


def street(spec: PictureSpec, margin: int, chance: random.Random) -> Plane:
    """Blue, green, red; `margin` pixels wider and higher than the picture."""
    return _Painting(spec, margin, chance).finished()


class _Painting:
    """Paints in parts of the picture's height, at twice the size."""

    def __init__(self, spec: PictureSpec, margin: int, chance: random.Random) -> None:
        self._spec, self._chance = spec, chance
        self._size = (spec.width + margin, spec.height + margin)
        self._scale = spec.height * _SUPERSAMPLING
        self._right = self._size[0] / spec.height
        self._bottom = self._size[1] / spec.height
        shape = (self._size[1] * _SUPERSAMPLING, self._size[0] * _SUPERSAMPLING, 3)
        self._canvas = np.zeros(shape, np.uint8)
        self._lamps: list[tuple[float, float]] = []

    def finished(self) -> Plane:
        """Everything from the back to the front, then light and a fixed grain."""
        self._sky()
        self._houses()
        self._ground()
        for x in (0.22, 1.38):
            self._tree(x + self._chance.uniform(-0.08, 0.08))
        for x in (0.07, 0.72, 1.62):
            self._lamp(x)
        small = cv2.resize(self._canvas, self._size, interpolation=cv2.INTER_AREA)
        return self._lit(small.astype(np.float32))

    def _sky(self) -> None:
        rows = np.linspace(0, 1, self._canvas.shape[0], dtype=np.float32)[:, None, None]
        above, below = ((60, 40, 30), (80, 60, 55)) if self._spec.night else _DAYLIGHT
        top, bottom = np.array(above, np.float32), np.array(below, np.float32)
        gradient = top + (bottom - top) * np.minimum(1, rows / HORIZON)
        self._canvas[:] = gradient.astype(np.uint8)

    def _houses(self) -> None:
        chance, left = self._chance, -0.05
        while left < self._right:
            width = chance.uniform(0.2, 0.3)
            self._house(left, width, chance.uniform(0.13, 0.2), chance.choice(_BRICKS))
            left += width

    def _house(self, left: float, width: float, eaves: float, brick: Colour) -> None:
        """A front of three storeys under a stepped gable."""
        self._box(left, eaves, width, _FOOT - eaves, brick)
        for step in range(1, 5):
            inset = width * 0.11 * step
            self._box(left + inset, eaves - 0.02 * step, width - 2 * inset, 0.021, brick)
            self._box(left + inset, eaves - 0.02 * step, width - 2 * inset, 0.004, _FRAME)
        self._box(left, eaves, 0.003, _FOOT - eaves, dimmed(brick, 0.7))
        storey, pane = (_FOOT - eaves) / 3, width / 3.6
        for level in range(3):
            top = eaves + storey * (level + 0.2)
            for column in range(3):
                x = left + width * 0.06 + column * width * 0.305
                if level == 2 and column == 0:
                    self._box(x, top, pane, storey * 0.8, self._chance.choice(_DOORS))
                    continue
                night_owl = self._spec.night and self._chance.random() < 0.4
                glass = _LAMPLIT if night_owl else dimmed(_GLASS, self._chance.uniform(0.6, 1.2))
                self._box(x, top, pane, storey * 0.6, _FRAME)
                self._box(x + 0.004, top + 0.004, pane - 0.008, storey * 0.6 - 0.008, glass)
                self._box(x, top + storey * 0.22, pane, 0.004, _FRAME)
        self._box(left, _FOOT - 0.012, width, 0.012, dimmed(brick, 0.55))

    def _ground(self) -> None:
        """Far pavement, road with kerbs, and the pavement on which the camera stands."""
        below = self._bottom - _KERB_NEAR
        self._box(0, _FOOT, self._right, _KERB_FAR - _FOOT, (150, 155, 160))
        self._box(0, _KERB_FAR, self._right, _KERB_NEAR - _KERB_FAR, (92, 90, 90))
        self._box(0, _KERB_NEAR, self._right, below, (138, 144, 150))
        for edge, height in ((_KERB_FAR, 0.006), (_KERB_NEAR, 0.014)):
            self._box(0, edge - height / 2, self._right, height, (190, 192, 195))
        for dash in range(12):
            self._box(0.05 + 0.22 * dash, 0.64, 0.1, 0.006, (205, 205, 205))
        joint = (118, 124, 130)
        vanishing = (self._right / 2, HORIZON)
        for tile in range(-40, 41):
            slope = tile * 0.09
            ends = [
                self._pixel(vanishing[0] + slope * (y - HORIZON) / 0.28, y)
                for y in (_KERB_NEAR + 0.007, self._bottom)
            ]
            cv2.line(self._canvas, ends[0], ends[1], joint, _SUPERSAMPLING)
        for row in range(9):
            y = HORIZON + 0.3 * 1.17**row
            self._box(0, y, self._right, 0.003, joint)

    def _tree(self, x: float) -> None:
        self._box(x - 0.012, 0.3, 0.024, 0.265, (50, 70, 85))
        for _ in range(140):
            angle, far = self._chance.uniform(0, 2 * math.pi), self._chance.random() ** 0.5
            at = self._pixel(x + 0.13 * far * math.cos(angle), 0.2 + 0.13 * far * math.sin(angle))
            leaf = dimmed((45, 110, 75), self._chance.uniform(0.6, 1.3))
            radius = round(self._chance.uniform(0.012, 0.03) * self._scale)
            cv2.circle(self._canvas, at, radius, leaf, -1, cv2.LINE_AA)

    def _lamp(self, x: float) -> None:
        self._box(x - 0.004, 0.2, 0.008, 0.365, (60, 65, 60))
        self._box(x - 0.016, 0.165, 0.032, 0.035, _LAMPLIT if self._spec.night else _FRAME)
        self._lamps.append((x, 0.18))

    def _lit(self, painted: npt.NDArray[np.float32]) -> Plane:
        """By day a little grain; by night dark and bluish but for lamps and lit windows."""
        chance = np.random.default_rng(self._spec.seed)
        grain = chance.standard_normal(painted.shape[:2], dtype=np.float32)
        if self._spec.night:
            rows, columns = np.indices(painted.shape[:2], dtype=np.float32) / self._spec.height
            glow = np.full(painted.shape[:2], 0.2, np.float32)
            for x, y in self._lamps:
                distance = (columns - x) ** 2 + ((rows - y) * 0.7) ** 2
                glow += 0.6 * np.exp(-distance / 0.03) + 0.3 * np.exp(-distance / 0.0012)
            lamplit = np.abs(painted - np.array(_LAMPLIT, np.float32)).max(axis=2) < 12
            glow[lamplit] = np.maximum(glow[lamplit], 0.8)
            painted *= glow[:, :, None] * np.array((1.05, 0.98, 0.95), np.float32)
        painted += 2.5 * grain[:, :, None]
        return painted.clip(0, 255, out=painted).astype(np.uint8)

    def _box(self, left: float, top: float, width: float, height: float, colour: Colour) -> None:
        corner = self._pixel(left + width, top + height)
        x, y = self._pixel(left, top)
        cv2.rectangle(
            self._canvas, (x, y), (max(x, corner[0] - 1), max(y, corner[1] - 1)), colour, -1
        )

    def _pixel(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self._scale), round(y * self._scale)
