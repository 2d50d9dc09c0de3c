"""A street in which people walk, as the bodycam of somebody who stands on its pavement sees it.

Everything that does not move is painted once, a little larger than the picture, and each picture is
a window into it that sways. Figures are painted when a pose is first needed and then only copied.
A picture depends on the spec and the frame number alone.
"""

import math
import random

import numpy as np

from .overlay import Overlay, read_counter, read_flash
from .people import Cyclist, Talker, Walker
from .picture import PictureSpec, Plane, i420, planes
from .street import street

__all__ = ["PictureSpec", "Scene", "read_counter", "read_flash"]

_CAST: tuple[tuple[float, type[Walker | Talker]], ...] = (
    (0.55, Walker),
    (0.56, Walker),
    (0.65, Cyclist),
    (0.77, Walker),
    (0.86, Walker),
    (1.04, Talker),
)
"""Where the feet are, in parts of the picture's height, and who; the farthest first."""


class Scene:
    """Draws the street; `draw` takes any frame, in any order."""

    def __init__(self, spec: PictureSpec) -> None:
        self._spec = spec
        chance = random.Random(f"street {spec.seed}")  # noqa: S311 (a picture, not a secret)
        self._sway = 2 * max(1, spec.height // 90)
        self._street = planes(i420(street(spec, 2 * self._sway, chance)))
        self._actors = [kind(spec, feet, chance) for feet, kind in _CAST]
        self._overlay = Overlay(spec.width, spec.height, spec.fps)

    def draw(self, frame: int) -> Plane:
        """Picture number `frame` (0 … 2³² - 1): I420, planes stacked, (height * 3 / 2, width)."""
        spec, sway = self._spec, self._sway
        t_s = frame / spec.fps
        dx = 2 * round(sway / 2 * (1 + 0.7 * math.sin(0.83 * t_s) + 0.3 * math.sin(2.1 * t_s)))
        dy = 2 * round(sway / 2 * (1 + 0.5 * math.sin(1.27 * t_s + 1) + 0.2 * math.sin(3.7 * t_s)))
        picture = np.empty((spec.height * 3 // 2, spec.width), np.uint8)
        target = planes(picture)
        for plane, whole, part in zip(target, self._street, (1, 2, 2), strict=True):
            height, width = plane.shape
            top, left = dy // part, dx // part
            plane[:] = whole[top : top + height, left : left + width]
        for actor in self._actors:
            sprite, x, y = actor.at(t_s)
            sprite.copy_to(target, x + sway - dx, y + sway - dy)
        self._overlay.draw(picture, frame)
        return picture
