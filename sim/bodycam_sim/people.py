"""The people in the simulated street: painted pose by pose, copied into the picture."""

import math
import random
from itertools import pairwise

import cv2
import numpy as np

from .picture import Colour, PictureSpec, Plane, Planes, dimmed, i420, planes

HORIZON, EYE_M = 0.42, 1.4
"""Where the horizon is (parts of the picture's height) and how high the camera hangs (metres)."""

_Point = tuple[float, float]
_POSES = 16
"""Poses of one stride, or of one gesture."""
_SUPERSAMPLING = 2

_COATS: tuple[Colour, ...] = (
    (60, 50, 150),
    (130, 80, 40),
    (50, 90, 60),
    (70, 160, 200),
    (90, 90, 90),
    (120, 60, 110),
    (160, 150, 60),
)
_TROUSERS: tuple[Colour, ...] = ((90, 60, 40), (50, 50, 50), (110, 120, 130), (60, 75, 95))
_SKINS: tuple[Colour, ...] = ((150, 180, 225), (110, 145, 190), (70, 100, 145), (50, 70, 105))
_HAIRS: tuple[Colour, ...] = ((30, 30, 35), (40, 65, 100), (120, 170, 200), (150, 150, 150))


class _Sprite:
    """A painted figure with the mask of what belongs to it, ready to be copied into a picture."""

    def __init__(self, painted: Plane, mask: Plane) -> None:
        self._planes = planes(i420(painted))
        half = cv2.resize(mask, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        self._masks = [np.where(m > 127, 255, 0).astype(np.uint8) for m in (mask, half, half)]

    def copy_to(self, target: Planes, left: int, top: int) -> None:
        """Copy what lies within the picture; `left` and `top` (luma pixels) may be outside."""
        for plane, own, mask, part in zip(
            target, self._planes, self._masks, (1, 2, 2), strict=True
        ):
            x, y = left // part, top // part
            height, width = plane.shape
            x0, x1 = max(x, 0), min(x + own.shape[1], width)
            y0, y1 = max(y, 0), min(y + own.shape[0], height)
            if x0 < x1 and y0 < y1:
                inner = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
                cv2.copyTo(own[inner], mask[inner], plane[y0:y1, x0:x1])


class _Brush:
    """Paints one figure at twice its size, in units of its own height, and its mask with it."""

    def __init__(self, unit: int, light: float) -> None:
        """`unit` is one figure height in pixels of the picture."""
        self._scale = unit * _SUPERSAMPLING
        self._light = light
        self.width, self.height = (unit + 2) & ~1, (round(unit * 1.1) + 2) & ~1
        size = (self.height * _SUPERSAMPLING, self.width * _SUPERSAMPLING)
        self._painted = np.full((*size, 3), 90 * light, np.uint8)
        self._mask = np.zeros(size, np.uint8)

    def limb(self, points: list[_Point], thickness: float, colour: Colour) -> None:
        """A bent line with round ends."""
        width = max(2, round(thickness * self._scale))
        for start, end in pairwise(points):
            a, b = self._pixel(start), self._pixel(end)
            cv2.line(self._painted, a, b, self._lit(colour), width, cv2.LINE_AA)
            cv2.line(self._mask, a, b, (255,), width)

    def blob(self, centre: _Point, axes: _Point, colour: Colour, arc: tuple[int, int]) -> None:
        """An ellipse, or the part of it between two angles in degrees."""
        size = (max(1, round(axes[0] * self._scale)), max(1, round(axes[1] * self._scale)))
        at, lit = self._pixel(centre), self._lit(colour)
        cv2.ellipse(self._painted, at, size, 0, *arc, lit, -1, cv2.LINE_AA)
        cv2.ellipse(self._mask, at, size, 0, *arc, (255,), -1)

    def ring(self, centre: _Point, radius: float, thickness: float, colour: Colour) -> None:
        """A circle."""
        at, size = self._pixel(centre), max(1, round(radius * self._scale))
        width = max(2, round(thickness * self._scale))
        cv2.circle(self._painted, at, size, self._lit(colour), width, cv2.LINE_AA)
        cv2.circle(self._mask, at, size, (255,), width)

    def sprite(self) -> _Sprite:
        """What has been painted, at its real size."""
        size = (self.width, self.height)
        painted = cv2.resize(self._painted, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(self._mask, size, interpolation=cv2.INTER_AREA)
        return _Sprite(painted.astype(np.uint8), mask.astype(np.uint8))

    def _pixel(self, point: _Point) -> tuple[int, int]:
        """Figure coordinates: x from the middle, y upwards from the feet."""
        x = self.width * _SUPERSAMPLING / 2 + point[0] * self._scale
        y = self.height * _SUPERSAMPLING - (point[1] + 0.04) * self._scale
        return round(x), round(y)

    def _lit(self, colour: Colour) -> Colour:
        return dimmed(colour, self._light)


class Actor:
    """Somebody at one distance. Poses are painted when first needed; there are at most _POSES."""

    def __init__(self, spec: PictureSpec, feet: float, chance: random.Random) -> None:
        self._light = 0.34 if spec.night else 1.0
        self._unit = max(8, round((feet - HORIZON) * 1.75 / EYE_M * spec.height))
        self._floor = round(feet * spec.height)
        self._width = spec.width
        self._coat = chance.choice(_COATS)
        self._trousers = chance.choice(_TROUSERS)
        self._skin = chance.choice(_SKINS)
        self._hair = chance.choice(_HAIRS)
        self._offset = chance.random()
        self._sprites: dict[int, _Sprite] = {}

    def _posed(self, phase: float, centre: float) -> tuple[_Sprite, int, int]:
        """The sprite of a phase (in turns) whose middle is at `centre`, with its left and top."""
        pose = math.floor(phase * _POSES) % _POSES
        sprite = self._sprites.get(pose)
        if sprite is None:
            brush = _Brush(self._unit, self._light)
            self._paint(brush, 2 * math.pi * pose / _POSES)
            sprite = self._sprites[pose] = brush.sprite()
        left = round(centre) - self._unit // 2
        return sprite, left, self._floor - round(self._unit * 1.06)

    def _paint(self, brush: _Brush, angle: float) -> None:
        raise NotImplementedError

    def _shadow(self, brush: _Brush) -> None:
        brush.blob((0.02, 0.0), (0.2, 0.025), (60, 60, 60), (0, 360))

    def _head(self, brush: _Brush, x: float, y: float) -> None:
        brush.limb([(x, y - 0.12), (x, y)], 0.06, dimmed(self._skin, 0.85))
        brush.blob((x, y), (0.052, 0.07), self._skin, (0, 360))
        brush.blob((x, y + 0.012), (0.058, 0.068), self._hair, (180, 360))


class Walker(Actor):
    """Somebody who walks by, out of the picture, and some time later comes by again."""

    def __init__(self, spec: PictureSpec, feet: float, chance: random.Random) -> None:
        super().__init__(spec, feet, chance)
        self._heading = chance.choice((-1, 1))
        self._speed = self._unit * chance.uniform(0.6, 0.9)
        self._stride = 0.8

    def at(self, t_s: float) -> tuple[_Sprite, int, int]:
        """Sprite, left and top at a time."""
        way = self._width + 3 * self._unit
        gone = self._speed * t_s + self._offset * way
        centre = gone % way - 1.5 * self._unit
        if self._heading < 0:
            centre = self._width - centre
        return self._posed(gone / (self._unit * self._stride), centre)

    def _paint(self, brush: _Brush, angle: float) -> None:
        heading, bob = self._heading, 0.012 * math.cos(2 * angle)
        hip, shoulder = (0.0, 0.5 + bob), (0.02 * heading, 0.79 + bob)
        self._shadow(brush)
        for side, shade in ((math.pi, 0.7), (0.0, 1.0)):
            swing = 0.5 * math.sin(angle + side)
            bend = 0.65 * max(0.0, math.cos(angle + side))
            leg = _jointed(hip, (0.25, swing), (0.24, swing - bend), heading)
            brush.limb(leg, 0.085, dimmed(self._trousers, shade))
            toe = (leg[-1][0] + 0.06 * heading, leg[-1][1] - 0.005)
            brush.limb([leg[-1], toe], 0.05, (25, 25, 25))
            if not side:
                self._trunk(brush, hip, shoulder)
            arm = _jointed(shoulder, (0.17, -swing), (0.15, 0.35 - swing), heading)
            brush.limb(arm, 0.06, dimmed(self._coat, shade * 0.85))
            brush.blob(arm[-1], (0.027, 0.027), self._skin, (0, 360))
        self._head(brush, 0.03 * heading, 0.93 + bob)

    def _trunk(self, brush: _Brush, hip: _Point, shoulder: _Point) -> None:
        brush.limb([hip, shoulder], 0.19, self._coat)


class Cyclist(Walker):
    """Somebody on a bicycle: three times as fast, and the legs go round."""

    def __init__(self, spec: PictureSpec, feet: float, chance: random.Random) -> None:
        super().__init__(spec, feet, chance)
        self._speed *= 3
        self._stride = 2.5

    def _paint(self, brush: _Brush, angle: float) -> None:
        heading, black = self._heading, (35, 35, 35)
        hip, shoulder, hand = (-0.12 * heading, 0.56), (0.0, 0.82), (0.22 * heading, 0.62)
        self._shadow(brush)
        for x in (-0.3, 0.3):
            brush.ring((x, 0.19), 0.18, 0.02, black)
        crank = (-0.02 * heading, 0.2)
        for bar in ([(-0.3 * heading, 0.19), crank, (0.24 * heading, 0.45)], [crank, hip]):
            brush.limb(bar, 0.025, (60, 60, 130))
        brush.limb([(0.3 * heading, 0.19), (0.22 * heading, 0.6), hand], 0.025, (60, 60, 130))
        for side, shade in ((math.pi, 0.7), (0.0, 1.0)):
            turn = heading * (angle + side)
            pedal = (crank[0] + 0.08 * math.sin(turn), crank[1] + 0.08 * math.cos(turn))
            knee = ((hip[0] + pedal[0]) / 2 + 0.1 * heading, (hip[1] + pedal[1]) / 2 + 0.06)
            brush.limb([hip, knee, pedal], 0.08, dimmed(self._trousers, shade))
        self._trunk(brush, hip, shoulder)
        brush.limb([shoulder, hand], 0.06, dimmed(self._coat, 0.85))
        self._head(brush, 0.05 * heading, 0.97)


class Talker(Actor):
    """Somebody close who stands in front of the camera, speaks and waves."""

    def at(self, t_s: float) -> tuple[_Sprite, int, int]:
        """Sprite, left and top at a time."""
        centre = self._width * (0.62 + 0.02 * math.sin(0.9 * t_s + self._offset))
        return self._posed(t_s / 1.3, centre)

    def _paint(self, brush: _Brush, angle: float) -> None:
        lean = 0.012 * math.sin(angle)
        self._shadow(brush)
        for side in (-1, 1):
            leg = [(0.05 * side, 0.5), (0.07 * side, 0.26), (0.075 * side, 0.02)]
            brush.limb(leg, 0.1, dimmed(self._trousers, 0.9 + 0.1 * side))
        for thickness, colour in ((0.25, self._coat), (0.03, dimmed(self._coat, 0.6))):
            brush.limb([(0.0, 0.5), (lean, 0.76)], thickness, colour)
        for side, lift in ((-1, 0.5 + 0.45 * math.sin(angle)), (1, 0.25 * math.cos(angle))):
            shoulder = (0.13 * side + lean, 0.78)
            arm = _jointed(shoulder, (0.17, 0.3), (0.16, 0.5 + 2.2 * max(0.0, lift)), side)
            brush.limb(arm, 0.07, dimmed(self._coat, 0.85))
            brush.blob(arm[-1], (0.032, 0.032), self._skin, (0, 360))
        head = (1.6 * lean, 0.93)
        self._head(brush, *head)
        for side in (-1, 1):
            brush.blob(
                (head[0] + 0.02 * side, head[1] + 0.005), (0.006, 0.005), (20, 20, 20), (0, 360)
            )
        mouth = 0.004 + 0.008 * abs(math.sin(2 * angle))
        brush.blob((head[0], head[1] - 0.035), (0.016, mouth), (60, 60, 130), (0, 360))


def _jointed(
    start: _Point, upper: tuple[float, float], lower: tuple[float, float], heading: int
) -> list[_Point]:
    """An arm or leg of two bones, each a length and an angle forward from straight down."""
    points = [start]
    for length, angle in (upper, lower):
        x, y = points[-1]
        points.append((x + heading * length * math.sin(angle), y - length * math.cos(angle)))
    return points
