"""GOPs as real H.264: independent, cut without harm, the same from every process."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from bodycam.errors import DeviceError, UsageError
from bodycam_sim.encoder import GopEncoder, GopWorkers
from bodycam_sim.scene import PictureSpec, Scene, read_counter

SMALL = PictureSpec(width=640, height=360, fps=30, bitrate_bps=1_000_000, seed=7)
TINY = PictureSpec(width=320, height=180, fps=15, bitrate_bps=300_000, seed=7)
PARAMETERS, IDR, SLICE, SEI = (7, 8), 5, 1, 6


def nal_units(unit: bytes) -> list[bytes]:
    """The NAL units of an Annex-B access unit."""
    return [part.rstrip(b"\0") for part in unit.split(b"\0\0\1")[1:]]


def kinds(unit: bytes) -> list[int]:
    """Types of NAL units, without SEI."""
    return [nal[0] & 31 for nal in nal_units(unit) if nal[0] & 31 != SEI]


def counters(units: tuple[bytes, ...]) -> list[int | None]:
    """The frame counters that a decoder sees, in its order of output."""
    codec = av.VideoCodecContext.create("h264", "r")
    pictures = [p for unit in units for p in codec.decode(av.Packet(unit))] + codec.decode(None)
    grays = [picture.to_ndarray(format="gray") for picture in pictures]
    return [read_counter(gray.astype(np.uint8)) for gray in grays]


def test_a_gop_is_a_keyframe_with_its_parameter_sets_and_single_slices() -> None:
    encoder = GopEncoder(SMALL)
    for first in (0, 30, 1_000_000):
        gop = encoder.encode(first, 30)
        assert [kinds(unit) for unit in gop] == [[*PARAMETERS, IDR]] + 29 * [[SLICE]]
        assert all(unit.startswith((b"\0\0\0\1", b"\0\0\1")) for unit in gop)
    sets = {
        tuple(nal for nal in nal_units(encoder.encode(first, 1)[0]) if nal[0] & 31 in PARAMETERS)
        for first in (0, 17, 4711)
    }
    assert len(sets) == 1


@pytest.mark.parametrize("spec", [SMALL, TINY, replace(SMALL, bitrate_bps=200_000, night=True)])
def test_a_shorter_gop_is_the_beginning_of_a_longer_one(spec: PictureSpec) -> None:
    encoder = GopEncoder(spec)
    long = encoder.encode(45, 45)
    for count in (1, 2, 12, 30):
        assert encoder.encode(45, count) == long[:count]


def test_a_gop_does_not_depend_on_those_before() -> None:
    encoder = GopEncoder(SMALL)
    encoder.encode(0, 30)
    assert encoder.encode(30, 10) == GopEncoder(SMALL).encode(30, 10)


@pytest.mark.parametrize(
    "spec",
    [SMALL, TINY, replace(SMALL, bitrate_bps=150_000), replace(SMALL, night=True)],
    ids=["usual", "tiny", "starved", "night"],
)
def test_the_counter_survives_encoding_and_no_picture_is_delayed(spec: PictureSpec) -> None:
    encoder = GopEncoder(spec)
    for first in (0, 30):
        assert counters(encoder.encode(first, 30)) == list(range(first, first + 30))


def test_joined_gops_decode_as_one_stream_even_after_a_cut() -> None:
    encoder = GopEncoder(TINY)
    joined = encoder.encode(0, 15)[:1] + encoder.encode(1, 15)[:4] + encoder.encode(5, 5)
    assert counters(joined) == list(range(10))


def test_pictures_are_what_was_drawn() -> None:
    scene, codec = Scene(SMALL), av.VideoCodecContext.create("h264", "r")
    for frame, unit in enumerate(GopEncoder(SMALL).encode(0, 10)):
        for picture in codec.decode(av.Packet(unit)):
            error = picture.to_ndarray(format="yuv420p").astype(float) - scene.draw(frame)
            assert np.sqrt((error**2).mean()) < 6


def test_the_bitrate_is_a_cap() -> None:
    for bitrate_bps in (150_000, 500_000):
        gop = GopEncoder(replace(SMALL, bitrate_bps=bitrate_bps)).encode(60, 60)
        assert 8 * sum(map(len, gop)) < 1.3 * 2 * bitrate_bps


def test_gops_that_cannot_be_are_refused() -> None:
    encoder = GopEncoder(TINY)
    with GopWorkers(TINY, workers=0) as here:
        for first, count in ((0, 0), (-1, 5), (0, 5000), ((1 << 32) - 4, 5)):
            for refusing in (encoder.encode, here.get):
                with pytest.raises(UsageError, match=str(first)):
                    refusing(first, count)
    assert counters(encoder.encode((1 << 32) - 2, 2)) == [(1 << 32) - 2, (1 << 32) - 1]


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_give_the_same_bytes_whatever_is_asked_for(workers: int) -> None:
    encoder = GopEncoder(TINY)
    asked = [(0, 15), (15, 15), (30, 15), (34, 15), (49, 2), (51, 15), (66, 20), (900, 15), (0, 15)]
    with GopWorkers(TINY, workers=workers, ahead=3) as gops:
        for first, count in asked:
            assert gops.get(first, count) == encoder.encode(first, count)
            assert len(gops._guesses) <= 3


def test_the_last_frames_are_asked_for_without_guesses_beyond() -> None:
    first = (1 << 32) - 20
    with GopWorkers(TINY, workers=1) as gops:
        assert counters(gops.get(first, 10)) == list(range(first, first + 10))
        assert len(gops.get(first + 10, 10)) == 10
        assert len(gops.get(0, 10)) == 10


PROGRAM = """
import os, sys, threading
from bodycam_sim.encoder import GopWorkers
from bodycam_sim.scene import PictureSpec

with GopWorkers({spec!r}) as gops:
    gops.get(0, 5)
    print("ready", flush=True)
    sys.stdin.read()
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("alone with", threading.active_count(), "thread")
"""


def test_nothing_is_left_behind() -> None:
    program = PROGRAM.format(spec=TINY)
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    told = subprocess.run(command, input="", capture_output=True, text=True, timeout=30)
    assert (told.stdout, told.stderr) == ("ready\nalone with 1 thread\n", "")


def test_workers_end_when_their_parent_is_killed() -> None:
    command = [sys.executable, "-c", PROGRAM.format(spec=TINY)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.kill()
        # The workers hold its standard error, which ends when the last of them has.
        assert parent.communicate(timeout=20) == (b"", b"")


def test_a_worker_that_has_ended_is_an_error() -> None:
    with GopWorkers(TINY, workers=1, ahead=1) as gops:
        gops.get(0, 5)
        gops._children[0]._process.kill()
        gops._children[0]._process.wait()
        with pytest.raises(DeviceError, match="has ended"):
            gops.get(500, 5)


def test_a_film_takes_the_place_of_the_street(film: Path) -> None:
    encoder = GopEncoder(TINY, film)
    gop = encoder.encode(20, 15)
    assert counters(gop) == list(range(20, 35))
    assert gop != GopEncoder(TINY).encode(20, 15)
    with GopWorkers(TINY, film) as gops:
        assert [gops.get(first, 15) for first in (5, 20, 25)] == [
            encoder.encode(first, 15) for first in (5, 20, 25)
        ]


def test_a_film_that_ends_under_way_is_the_camera_that_fails(film: Path) -> None:
    with GopWorkers(TINY, film, workers=1, ahead=1) as gops:
        gops.get(0, 5)
        film.write_bytes(film.read_bytes()[:100])
        with pytest.raises(DeviceError, match="film"):
            gops.get(500, 5)


def test_a_film_that_cannot_be_read_is_refused_before_a_worker_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no video file"):
        GopWorkers(TINY, tmp_path / "nothing.mp4")
