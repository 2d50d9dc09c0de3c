"""The samples in an MP4, through FFmpeg: copied as they are, and hashed track by track."""

import contextlib
import errno
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from bodycam.errors import EvidenceError
from bodycam_station.contents import Film
from bodycam_station.documents import Json
from bodycam_station.files import failed
from bodycam_station.verify import Progress

MAX_TRACKS = 2
_READ = {"ignore_editlist": "1"}
"""Every sample counts, also one that an edit list would hide."""


@dataclass(frozen=True, slots=True)
class Track:
    """One track's samples, in order."""

    type: str
    """`video` or `audio`."""
    codec: str
    samples: int
    bytes: int
    sha256: str
    """Of all samples' bytes, one after the other."""

    def as_json(self) -> Json:
        """As an export's JSON has it."""
        return asdict(self)


def remux(
    film: Film, total: int, out: Path, progress: Progress | None
) -> tuple[list[Track], float]:
    """Write the film as a faststart MP4; its tracks and its length in seconds.

    `total` is about how many bytes it has. Raises EvidenceError where it cannot be read to its end,
    CardFull where the disk is full.
    """
    done = 0
    end = Fraction(0)
    with (
        _decoding(),
        av.open(film, "r", format="mp4", options=_READ) as source,
        av.open(str(out), "w", format="mp4", options={"movflags": "faststart"}) as target,
    ):
        tally = _Tally(tuple(source.streams))
        streams = [target.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if not packet.size:
                continue
            tally.take(packet)
            if packet.stream.type == "video" and packet.pts is not None:
                end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            done += packet.size
            packet.stream = streams[packet.stream.index]
            target.mux(packet)
            if progress:
                progress(done, total)
        tracks = tally.tracks()
    if film.error is not None:
        raise film.error
    return tracks, float(end)


def samples(source: str | Film) -> list[Track]:
    """The tracks of an MP4; raises EvidenceError where it is not one."""
    with _decoding(), av.open(source, "r", format="mp4", options=_READ) as film:
        tally = _Tally(tuple(film.streams))
        for packet in film.demux():
            if packet.size:
                tally.take(packet)
        return tally.tracks()


class _Tally:
    """Hashes a file's samples, track by track, as they go by."""

    def __init__(self, streams: Sequence[Any]) -> None:
        if len(streams) > MAX_TRACKS:
            raise EvidenceError("The film has more tracks than a camera writes.")
        self._streams = list(streams)
        self._hashes = [hashlib.sha256() for _ in self._streams]
        self._counts = [0 for _ in self._streams]
        self._bytes = [0 for _ in self._streams]

    def take(self, packet: Any) -> None:
        self._hashes[packet.stream.index].update(packet)
        self._counts[packet.stream.index] += 1
        self._bytes[packet.stream.index] += packet.size

    def tracks(self) -> list[Track]:
        return [
            Track(s.type, s.codec_context.name, self._counts[n], self._bytes[n], h.hexdigest())
            for n, (s, h) in enumerate(zip(self._streams, self._hashes, strict=True))
        ]


@contextlib.contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except av.error.FFmpegError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise failed("the MP4", error) from None
        raise EvidenceError(f"The film cannot be read: {error.strerror}.") from None
