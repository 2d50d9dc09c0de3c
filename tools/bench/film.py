"""The film that is measured: pictures as an encoder delivers them, kept in one file.

Nothing but Python is needed to read it, so that a process whose memory and imports are measured can
do so. `filming.py` makes it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bodycam.media.packets import SECOND, Packet, Track

FPS = 30
GOP_PICTURES = 30
FRAME_NS = SECOND // FPS
_HEAD = struct.Struct("<?I")


@dataclass(frozen=True, slots=True)
class FilmSpec:
    """A keyframe begins each second; what follows depends on it alone."""

    name: str
    width: int
    height: int
    kbps: int
    seconds: int


FULL = FilmSpec("full", 1920, 1080, 8000, 10)
"""What the marks are about."""
SMALL = FilmSpec("small", 640, 360, 800, 2)
"""To see in a moment whether the bench works."""


SPECS = {spec.name: spec for spec in (FULL, SMALL)}


@dataclass(frozen=True, slots=True)
class Film:
    """A film that has been made."""

    spec: FilmSpec
    path: Path

    def pictures(self) -> Iterator[tuple[bool, bytes]]:
        """Whether it is a keyframe, and its bytes, picture by picture, read anew every time."""
        with self.path.open("rb") as file:
            while head := file.read(_HEAD.size):
                key, size = _HEAD.unpack(head)
                yield key, file.read(size)

    def packets(self, from_ns: int) -> Iterator[Packet]:
        """The film again and again as packets, the first at `from_ns`; no two share their bytes."""
        numbers = count()
        while True:
            for key, data in self.pictures():
                yield Packet(Track.VIDEO, from_ns + next(numbers) * SECOND // FPS, data, key)

    @property
    def words(self) -> tuple[str, str]:
        """How another process is told of it: see `film_at`."""
        return self.spec.name, str(self.path)

    @property
    def mbit_per_s(self) -> float:
        """What it really takes, on average."""
        total = sum(len(data) for _, data in self.pictures())
        return total * 8 / self.spec.seconds / 1e6

    @staticmethod
    def write(path: Path, pictures: list[tuple[bool, bytes]]) -> None:
        """Keep the pictures as `pictures` reads them; the file appears whole or not at all."""
        new = path.with_name(path.name + ".new")
        with new.open("wb") as file:
            for key, data in pictures:
                file.write(_HEAD.pack(key, len(data)) + data)
        new.replace(path)


def film_at(name: str, path: str) -> Film:
    """A film that another process has made."""
    return Film(SPECS[name], Path(path))
