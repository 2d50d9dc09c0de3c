"""The painted street: what can be read from it, and that it depends on spec and frame alone."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from bodycam.errors import UsageError
from bodycam_sim.scene import PictureSpec, Scene, read_counter, read_flash

SMALL = PictureSpec(width=640, height=360, fps=30, bitrate_bps=1_000_000, seed=7)
SIZES = [(640, 360), (1920, 1080), (1280, 720), (640, 480), (480, 854), (322, 182), (160, 90)]


def luma(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return picture[: picture.shape[0] * 2 // 3]


@pytest.mark.parametrize("size", SIZES)
def test_the_counter_is_read_back_at_every_size(size: tuple[int, int]) -> None:
    scene = Scene(replace(SMALL, width=size[0], height=size[1]))
    for frame in (0, 1, 29, 30, 255, 256, 0xAAAAAAAA, 0x55555555, (1 << 32) - 1):
        picture = scene.draw(frame)
        assert picture.shape == (size[1] * 3 // 2, size[0])
        assert picture.dtype == np.uint8
        assert read_counter(luma(picture)) == frame


@pytest.mark.parametrize("scale", [0.4, 0.5, 0.77, 1.5, 2.0])
def test_the_counter_survives_scaling(scale: float) -> None:
    scene = Scene(SMALL)
    for frame in (0, 123_456, 0xDEADBEEF):
        scaled = cv2.resize(luma(scene.draw(frame)), None, fx=scale, fy=scale)
        assert read_counter(scaled.astype(np.uint8)) == frame


def test_every_single_wrong_cell_is_noticed() -> None:
    gray = luma(Scene(SMALL).draw(0x1234ABCD))
    for cell in range(40):
        wrong = gray.copy()
        area = wrong[:16, cell * 16 : cell * 16 + 16]
        area[:] = 16 + 235 - area
        assert read_counter(wrong) is None


def test_a_cell_between_black_and_white_is_not_guessed() -> None:
    gray = luma(Scene(SMALL).draw(0x1234ABCD))
    for cell in range(40):
        unclear = gray.copy()
        area = unclear[:16, cell * 16 : cell * 16 + 16]
        area[:] = 130 if area[0, 0] > 125 else 120
        assert read_counter(unclear) is None


def test_no_counter_is_read_where_there_is_none() -> None:
    chance = np.random.default_rng(1)
    noise = chance.integers(0, 256, (360, 640)).astype(np.uint8)
    flat = [np.full((360, 640), level, np.uint8) for level in (0, 16, 125, 235, 255)]
    below_the_strip = luma(Scene(SMALL).draw(5))[40:]
    for gray in (noise, *flat, below_the_strip):
        assert read_counter(gray) is None


def test_the_patch_is_lit_in_the_first_two_pictures_of_each_second() -> None:
    for fps in (15, 30):
        scene = Scene(replace(SMALL, fps=fps, night=True))
        lit = [frame for frame in range(3 * fps) if read_flash(luma(scene.draw(frame)))]
        assert lit == [0, 1, fps, fps + 1, 2 * fps, 2 * fps + 1]


def test_a_picture_depends_on_spec_and_frame_alone() -> None:
    frames = [*range(0, 90, 7), 100_000, 3]
    forth, back = Scene(SMALL), Scene(SMALL)
    seen = {frame: forth.draw(frame) for frame in frames}
    for frame in reversed(frames):
        assert np.array_equal(back.draw(frame), seen[frame])


def test_another_process_draws_the_same() -> None:
    program = (
        "import hashlib; from bodycam_sim.scene import *;"
        f"scene = Scene({SMALL!r});"
        "print(hashlib.sha256(b''.join(scene.draw(f).tobytes() for f in (5, 64))).hexdigest())"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    scene = Scene(SMALL)
    drawn = b"".join(scene.draw(frame).tobytes() for frame in (5, 64))
    assert told.stdout.strip() == hashlib.sha256(drawn).hexdigest()


def test_people_move_and_seed_and_night_make_other_streets() -> None:
    first, later = (luma(Scene(SMALL).draw(frame)).astype(int) for frame in (10, 20))
    moved = np.abs(first - later)[40:, :] > 40
    assert 0.005 < moved.mean() < 0.5
    assert not np.array_equal(first, luma(Scene(replace(SMALL, seed=8)).draw(10)))
    night = luma(Scene(replace(SMALL, night=True)).draw(10))
    assert night[40:].mean() < 0.6 * first[40:].mean()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 158),
        ("width", 641),
        ("height", 2162),
        ("fps", 4),
        ("fps", 121),
        ("bitrate_bps", 1),
    ],
)
def test_a_spec_that_cannot_be_drawn_is_refused(field: str, value: int) -> None:
    change: Any = {field: value}
    with pytest.raises(UsageError, match=str(value)):
        replace(SMALL, **change)
