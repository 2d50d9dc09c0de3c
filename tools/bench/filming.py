"""Makes the film: the simulator's street, a noisy sensor, libx264 at a constant bitrate."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from tools.bench.film import FPS, GOP_PICTURES, Film, FilmSpec

from bodycam_sim.picture import PictureSpec
from bodycam_sim.scene import Scene

_NOISE = 7
"""Levels of luma; without noise the street needs half the bitrate."""


def make(spec: FilmSpec, folder: Path) -> Film:
    """The film of that spec, from an earlier run where there is one."""
    path = folder / f"street-{spec.width}x{spec.height}-{spec.kbps}k-{spec.seconds}s.pictures"
    film = Film(spec, path)
    if not path.exists():
        Film.write(path, _encode(spec))
    return film


def as_file(film: Film, seconds: int, form: str) -> Path:
    """The film, repeated for so long, as ffmpeg reads it.

    `form` is `nut`, which keeps the encoder's packets as they are; `mp4`, in which they are already
    as an MP4 has them; or `h264`, a stream of bytes in which the packets have to be found.
    """
    path = film.path.with_name(f"{film.path.stem}-for-{seconds}s.{form}")
    if not path.exists():
        new = path.with_name(f"new-{path.name}")
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-fflags",
            "+genpts",
            "-r",
            str(FPS),
            "-f",
            "h264",
        ]
        command += ["-f", "h264", "-i", "-", "-c", "copy", str(new)]
        data = b"".join(data for _, data in film.pictures()) * (seconds // film.spec.seconds)
        subprocess.run(command, input=data, check=True)
        new.replace(path)
    return path


def _encode(spec: FilmSpec) -> list[tuple[bool, bytes]]:
    scene = Scene(PictureSpec(spec.width, spec.height, FPS, spec.kbps * 1000, seed=1))
    chance = np.random.default_rng(1)
    shape = spec.height, spec.width
    noise = [chance.integers(0, _NOISE, shape, np.uint8) for _ in range(4)]
    codec = av.VideoCodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = spec.width, spec.height, "yuv420p"
    codec.framerate, codec.time_base = Fraction(FPS), Fraction(1, FPS)
    codec.gop_size = GOP_PICTURES
    codec.bit_rate = spec.kbps * 1000
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "x264-params": f"vbv-maxrate={spec.kbps}:vbv-bufsize={spec.kbps}:scenecut=0"
        ":sliced-threads=0:slices=1",
    }
    packets = []
    for number in range(spec.seconds * FPS):
        drawn = scene.draw(number)
        drawn[: spec.height] += noise[number % len(noise)]
        picture = av.VideoFrame.from_numpy_buffer(drawn, "yuv420p")
        picture.pts = number
        packets += codec.encode(picture)
    packets += codec.encode(None)
    return [(packet.is_keyframe, bytes(packet)) for packet in packets]
