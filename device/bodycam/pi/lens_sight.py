"""The lens watch's own process: says of one small picture after the other what is wrong with it.

It reads pictures from its input and writes a line for each (`lens.py` has the other end). It makes
itself the least important process of the camera, and may be killed at any time.
"""

import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import numpy.typing as npt

HEADER = struct.Struct("<HH")
"""Width and height; rows of luma follow."""
COVERED, DARK, UPSIDE_DOWN = "covered", "dark", "upside-down"

Rows = npt.NDArray[np.uint8]

_BLACK = 16
_DARK_BELOW = 32
"""Luma of the brightest twentieth of a picture in which nothing can be seen."""
_CELLS = 4
"""A picture is looked at in so many times so many cells."""
_DETAIL = 0.02
"""A cell in which fewer pixels lie on an edge shows nothing."""
_EMPTY_CELLS = 12
"""Of 16: so many show nothing where a hand, a jacket or a strap lies on the lens."""
_TURNED = 0.05
"""How much busier the lower third must be than the upper: the ground at our feet is calm."""
_SKY = 1.25
"""An upper third that is so much brighter is sky, which is calm too: nothing can be said."""


def wrong(rows: Rows) -> frozenset[str]:
    """What is wrong with one picture; rows of luma, 16 black to 235 white, at least 16 x 16.

    Covered and dark are told apart only by light: a hand in daylight is not black.
    """
    calm = cv2.GaussianBlur(rows, (5, 5), 0)
    bright = float(np.percentile(calm, 95))
    if bright < _DARK_BELOW:
        return frozenset({DARK})
    # An edge is what stands out in this light; the sensor's noise must not.
    steps = cv2.morphologyEx(calm, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    edges = (steps > max(6.0, 0.08 * (bright - _BLACK))).astype(np.float32)
    cells = cv2.resize(edges, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    if int((cells < _DETAIL).sum()) >= _EMPTY_CELLS:
        return frozenset({COVERED})
    third = len(rows) // 3
    upper, lower = float(edges[:third].mean()), float(edges[-third:].mean())
    sky = float(np.median(calm[:third])) > _SKY * float(np.median(calm[-third:]))
    turned = (lower - upper) / (lower + upper + 0.02) > _TURNED
    return frozenset({UPSIDE_DOWN}) if turned and not sky else frozenset()


def serve(
    pictures: BinaryIO, answers: BinaryIO, look: Callable[[Rows], frozenset[str]] = wrong
) -> None:
    """Answer picture after picture until there are no more."""
    while len(header := pictures.read(HEADER.size)) == HEADER.size:
        width, height = HEADER.unpack(header)
        data = pictures.read(width * height)
        if len(data) < width * height:
            return
        found = look(np.frombuffer(data, np.uint8).reshape(height, width))
        answers.write(" ".join(sorted(found)).encode() + b"\n")
        answers.flush()


def least_important() -> None:
    """The last to get the processor, the first to go when memory is short."""
    os.nice(19)
    Path("/proc/self/oom_score_adj").write_text("1000")
    cv2.setNumThreads(1)


if __name__ == "__main__":
    least_important()
    serve(sys.stdin.buffer, sys.stdout.buffer)
