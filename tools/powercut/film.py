"""What the guest films and hears: encoded beforehand, with its number in every picture."""

import io
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
from tools.bench.film import FPS, GOP_PICTURES, SMALL, Film

from bodycam.media.packets import SECOND
from bodycam_sim.encoder import GopEncoder
from bodycam_sim.overlay import read_counter
from bodycam_sim.picture import PictureSpec
from bodycam_sim.sound import SoundTrack

SECONDS = 60
"""The film's length: no life of the guest is as long, so a number stands for one picture."""
WIDTH, HEIGHT, KBPS = 640, 360, 2000


def made(folder: Path) -> Path:
    """The film, from an earlier run where there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"film-{WIDTH}x{HEIGHT}-{KBPS}k-{SECONDS}s.pictures"
    if not path.exists():
        encoder = GopEncoder(PictureSpec(WIDTH, HEIGHT, FPS, KBPS * 1000, seed=7))
        pictures = []
        for first in range(0, SECONDS * FPS, GOP_PICTURES):
            units = encoder.encode(first, GOP_PICTURES)
            pictures += [(number == 0, unit) for number, unit in enumerate(units)]
        Film.write(path, pictures)
    return path


def sound(folder: Path) -> Path:
    """The sound beside it: one AAC frame after the other, each a `picture` of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"sound-{SECONDS}s.frames"
    if not path.exists():
        frames = SoundTrack(seed=7).frames(0, SECONDS * SECOND)
        Film.write(path, [(False, data) for _, data in frames])
    return path


def read(path: Path) -> list[bytes]:
    """What one of these files holds, piece by piece."""
    return [data for _, data in Film(SMALL, path).pictures()]


def numbers(mp4: Iterable[bytes]) -> list[int | None]:
    """The number in each picture of an MP4, in order; None where it cannot be read."""
    with av.open(io.BytesIO(b"".join(mp4)), "r") as film:
        found = []
        for picture in film.decode(film.streams.video[0]):
            plane = picture.planes[0]
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            found.append(read_counter(rows[:, : plane.width]))
    return found
