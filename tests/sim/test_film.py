"""A film in the place of the street: which of its pictures is shown, and what is refused."""

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bodycam.errors import DeviceError, UsageError
from bodycam_sim.film import Film
from bodycam_sim.scene import PictureSpec, read_counter, read_flash
from films import FILM_FPS, FILM_PICTURES, film_luma, write_film, write_film_with_an_empty_end

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


@pytest.mark.parametrize("name", ["film.mp4", "film.ts", "film.mkv"])
def test_what_is_shown_depends_on_the_frame_number_alone(tmp_path: Path, name: str) -> None:
    write_film(tmp_path / name)
    forth, jumping = Film(SPEC, tmp_path / name), Film(SPEC, tmp_path / name)
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


def test_packets_without_a_picture_show_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    write_film_with_an_empty_end(path)
    drawn, last = Film(SPEC, path), FILM_PICTURES - 1
    assert [shown(drawn.draw(frame)) for frame in (118, 119, 125, 149, 150)] == [94, *[last] * 3, 0]
    assert shown(Film(SPEC, path).draw(140)) == last


def test_a_picture_alone_is_a_film_that_stands_still(tmp_path: Path) -> None:
    still = tmp_path / "still.jpg"
    cv2.imwrite(str(still), np.full((720, 1280, 3), 200, np.uint8))
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
    timeless = tmp_path / "timeless.h264"
    write_film(timeless)
    blank = tmp_path / "blank.mp4"
    data = film.read_bytes()
    begin, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    blank.write_bytes(data[:begin] + bytes(end - begin) + data[end:])
    for path in (text, empty, cut, sound, timeless, blank, tmp_path, tmp_path / "nothing.mp4"):
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
