"""A film in the place of the street: which of its pictures is shown, and what is refused."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bodycam.errors import DeviceError, UsageError
from bodycam_sim.film import Film
from bodycam_sim.scene import PictureSpec, read_counter, read_flash
from films import FILM_FPS, FILM_PICTURES, film_luma

SPEC = PictureSpec(width=640, height=360, fps=30, bitrate_bps=1_000_000, seed=0)


def source(frame: int) -> int:
    """The picture of the film that belongs to a frame."""
    return frame * FILM_FPS // SPEC.fps % FILM_PICTURES


def shown(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> int:
    """The picture of the film that was drawn, by its grey in the middle."""
    level = float(picture[150:210, 300:340].mean())
    return round((level - film_luma(0)) / (film_luma(1) - film_luma(0)))


def test_the_film_is_shown_at_its_own_speed_and_repeated(film: Path) -> None:
    drawn = Film(SPEC, film)
    frames = range(250)
    assert [shown(drawn.draw(frame)) for frame in frames] == [source(frame) for frame in frames]


def test_what_is_shown_depends_on_the_frame_number_alone(film: Path) -> None:
    forth, jumping = Film(SPEC, film), Film(SPEC, film)
    frames = [0, 1, 119, 118, 60, 61, 3, 10_000_019, 119, 120, 0]
    in_order = {frame: forth.draw(frame) for frame in sorted(frames)}
    for frame in frames:
        picture = jumping.draw(frame)
        assert np.array_equal(picture, in_order[frame])
        assert shown(picture) == source(frame)


def test_counter_and_flash_are_drawn_over_it(film: Path) -> None:
    drawn = Film(replace(SPEC, width=480, height=640), film)
    for frame, lit in ((0, True), (1, True), (2, False), (29, False), (60, True)):
        gray = drawn.draw(frame)[:640]
        assert read_counter(gray) == frame
        assert read_flash(gray) == lit


def test_the_whole_picture_is_in_the_middle(film: Path) -> None:
    picture = Film(SPEC, film).draw(20)
    middle, left, right = picture[180], picture[180, :79], picture[180, 561:]
    assert (left == 16).all()
    assert (right == 16).all()
    assert (middle[82:558] > 25).all()
    upright = Film(replace(SPEC, width=360, height=640), film).draw(20)
    assert (upright[100:180] == 16).all()
    assert (upright[190:450] > 25).all()
    assert (upright[460:580, :] == 16).all()


def test_a_picture_alone_is_a_film_that_stands_still(tmp_path: Path) -> None:
    still = tmp_path / "still.png"
    with av.open(str(still), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "rgb24"
        frame = av.VideoFrame.from_ndarray(np.full((36, 64, 3), 200, np.uint8), "rgb24")
        frame.time_base = Fraction(1)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    drawn = Film(SPEC, still)
    assert np.array_equal(drawn.draw(5)[100:300], drawn.draw(500)[100:300])
    assert drawn.draw(5)[200, 300] > 150


def test_what_is_not_a_film_is_refused(tmp_path: Path, film: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("no film\n" * 100)
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.read_bytes()[:2000])
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    raw = tmp_path / "raw.h264"
    with av.open(str(film)) as container:
        raw.write_bytes(bytes(next(container.demux(video=0))))
    for path in (text, empty, cut, sound, raw, tmp_path, tmp_path / "nothing.mp4"):
        with pytest.raises(UsageError, match=path.name) as refused:
            Film(SPEC, path)
        assert refused.value.do


def test_a_film_that_breaks_off_under_way_is_an_error(film: Path) -> None:
    drawn = Film(SPEC, film)
    film.write_bytes(film.read_bytes()[:100])

    def play() -> None:
        for frame in range(0, 120, 7):
            drawn.draw(frame)
        drawn.draw(0)

    with pytest.raises(DeviceError, match=r"film\.mp4"):
        play()
