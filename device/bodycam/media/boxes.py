"""The boxes of a fragmented MP4 (ISO/IEC 14496-12, -14, -15), one function for each half of a file.

Video is track 1, sound track 2; both lie in one file, hence no CMAF brand. No box tells a time of
day: the evidence does that.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

VIDEO_TRACK, SOUND_TRACK = 1, 2
VIDEO_HZ = 1_000_000
"""Video times are in microseconds."""
AAC_FRAME = 1024
"""Samples in a frame of AAC-LC."""

KEY_FLAGS = 0x0200_0000
"""sample_depends_on 2: needs no other sample."""
DELTA_FLAGS = 0x0101_0000
"""sample_depends_on 1 and sample_is_non_sync_sample."""

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)
_UNDETERMINED = 0x55C4  # the language "und"


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box: its size, its type, its content."""
    return b"".join([(8 + sum(map(len, parts))).to_bytes(4), kind, *parts])


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with version and flags."""
    return box(kind, (version << 24 | flags).to_bytes(4), *parts)


@dataclass(frozen=True, slots=True)
class TrackHead:
    """One track as the init segment describes it."""

    number: int
    hz: int
    """Ticks a second."""
    sample: bytes
    """The sample entry: `avc1` or `mp4a`."""
    nominal: int
    """Ticks of a sample where nothing else is said."""
    size: tuple[int, int] = (0, 0)
    """Width and height in pixels; none for sound."""


def avc1(width: int, height: int, configuration: bytes) -> bytes:
    """The sample entry of H.264 with its decoder configuration record."""
    head = struct.pack(">6xH16xHHII4xH32xHh", 1, width, height, 72 << 16, 72 << 16, 1, 24, -1)
    return box(b"avc1", head, box(b"avcC", configuration))


def mp4a(rate_hz: int, channels: int, specific: bytes) -> bytes:
    """The sample entry of AAC with its AudioSpecificConfig."""
    head = struct.pack(">6xH8xHH4xI", 1, channels, 16, rate_hz << 16)
    decoder = _descriptor(4, b"\x40\x15" + bytes(11), _descriptor(5, specific))
    stream = _descriptor(3, SOUND_TRACK.to_bytes(2), b"\0", decoder, _descriptor(6, b"\2"))
    return box(b"mp4a", head, full_box(b"esds", 0, 0, stream))


def _descriptor(tag: int, *parts: bytes) -> bytes:
    return b"".join([bytes([tag, sum(map(len, parts))]), *parts])


def init_segment(tracks: Sequence[TrackHead]) -> bytes:
    """`ftyp` and `moov`: what a player must have before any segment."""
    mvhd = struct.pack(">8xIIIH10x", VIDEO_HZ, 0, 0x10000, 0x100) + _MATRIX + bytes(24)
    defaults = [
        full_box(b"trex", 0, 0, struct.pack(">5I", t.number, 1, t.nominal, 0, KEY_FLAGS))
        for t in tracks
    ]
    moov = box(
        b"moov",
        full_box(b"mvhd", 0, 0, mvhd, (SOUND_TRACK + 1).to_bytes(4)),
        *map(_trak, tracks),
        box(b"mvex", *defaults),
    )
    return box(b"ftyp", b"iso6", (0).to_bytes(4), b"iso6", b"isom", b"mp41") + moov


def _trak(track: TrackHead) -> bytes:
    width, height = track.size
    picture = track.number == VIDEO_TRACK
    volume = 0 if picture else 0x100
    tkhd = struct.pack(">8xI20xH2x", track.number, volume) + _MATRIX
    handler = (b"vide", b"Picture\0") if picture else (b"soun", b"Sound\0")
    media = full_box(b"vmhd", 0, 1, bytes(8)) if picture else full_box(b"smhd", 0, 0, bytes(4))
    url = full_box(b"url ", 0, 1)  # flag 1: the samples are in this file
    table = box(
        b"stbl",
        full_box(b"stsd", 0, 0, (1).to_bytes(4), track.sample),
        *(full_box(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc")),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )
    dinf = box(b"dinf", full_box(b"dref", 0, 0, (1).to_bytes(4), url))
    return box(
        b"trak",
        full_box(b"tkhd", 0, 3, tkhd, struct.pack(">II", width << 16, height << 16)),
        box(
            b"mdia",
            full_box(b"mdhd", 0, 0, struct.pack(">8xIIH2x", track.hz, 0, _UNDETERMINED)),
            full_box(b"hdlr", 0, 0, bytes(4), handler[0], bytes(12), handler[1]),
            box(b"minf", media, dinf, table),
        ),
    )


@dataclass(frozen=True, slots=True)
class Run:
    """The samples of one track in one segment."""

    number: int
    start: int
    """Time of the first sample in ticks since time zero."""
    rows: Sequence[tuple[int, ...]]
    """Of each sample: ticks, bytes, and for video flags."""

    @property
    def payload_bytes(self) -> int:
        """Bytes of all samples."""
        return sum(row[1] for row in self.rows)


def segment_head(sequence: int, runs: Sequence[Run]) -> bytes:
    """`moof` and the head of `mdat`; the samples of the runs follow, run by run."""
    mfhd = full_box(b"mfhd", 0, 0, sequence.to_bytes(4))
    size = 8 + len(mfhd) + sum(_TRAF_BYTES + 4 * len(r.rows) * len(r.rows[0]) for r in runs)
    offset = size + 8
    trafs = []
    for run in runs:
        trafs.append(_traf(run, offset))
        offset += run.payload_bytes
    return box(b"moof", mfhd, *trafs) + (offset - size).to_bytes(4) + b"mdat"


_TRAF_BYTES = 64
"""A `traf` without its rows: the heads of traf, tfhd, tfdt and trun."""


def _traf(run: Run, offset: int) -> bytes:
    width = len(run.rows[0])
    fields = 0x1 | (0x700 if width == 3 else 0x300)  # offset; duration, size and perhaps flags
    flat = [value for row in run.rows for value in row]
    return box(
        b"traf",
        full_box(b"tfhd", 0, 0x02_0000, run.number.to_bytes(4)),  # default-base-is-moof
        full_box(b"tfdt", 1, 0, run.start.to_bytes(8)),
        full_box(b"trun", 0, fields, struct.pack(f">II{len(flat)}I", len(run.rows), offset, *flat)),
    )
