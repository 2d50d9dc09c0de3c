"""H.264 as an encoder delivers it: start codes, NAL units, parameter sets (ITU-T H.264, Annex B).

Only what an MP4 needs is read: where the slices lie, whether decoding can start there, and the size
in the SPS. Nothing is decoded. Every search and loop is bounded, and whatever an encoder may send,
the only error is StreamError.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bodycam.errors import StreamError

IDR, SPS, PPS = 5, 7, 8
"""NAL unit types (table 7-1); 1 to 5 are slices."""

MAX_LEAD_BYTES = 64
"""Zero bytes allowed before the first start code."""
MAX_NALS = 1024
"""NAL units in one picture; encoders make 1 to 200."""
MAX_SET_BYTES = 1024
"""A parameter set; encoders make 10 to 60 bytes."""
MAX_SIDE = 16384
"""Width or height in pixels."""

_START = re.compile(rb"\x00\x00\x01")  # twice as fast as bytes.find on coded pictures
_TAIL_BYTES = 32
_FILLER_END = b"\xff\x80"
_ASK = "Set the encoder to Annex-B with SPS and PPS repeated before every keyframe."


class Picture(NamedTuple):
    """Where the parts of one access unit lie."""

    slices: list[tuple[int, int]]
    """First byte and end of each slice's NAL unit, without start codes; none in a mere header."""
    sets: list[bytes]
    """The SPS and PPS that came with it."""
    idr: bool
    """Decoding can start here."""
    plain: bool
    """One slice, and nothing behind it."""


def split(data: bytes, *, whole: bool) -> Picture:
    """Find the NAL units of one access unit; AUD, SEI and filler are passed over.

    With `whole` false the search ends at the first slice, which is taken to reach to the end unless
    the last bytes show otherwise: right for encoders that make one slice of a picture, and several
    times faster. Raises StreamError where there is no start code, or too many.
    """
    found = _START.search(data, 0, MAX_LEAD_BYTES + 3)
    if found is None or data[: found.start()].strip(b"\0"):
        raise StreamError("A packet of the encoder does not begin with a start code.", do=_ASK)
    slices: list[tuple[int, int]] = []
    sets: list[bytes] = []
    idr, plain = False, True
    for _ in range(MAX_NALS):
        begin = found.end()
        kind = data[begin] & 31 if begin < len(data) else 0
        is_slice = 1 <= kind <= IDR
        if is_slice and not (whole or slices) and _ends_here(data, begin):
            return Picture([(begin, len(data))], sets, kind == IDR, True)
        found = _START.search(data, begin)
        end = found.start() if found else len(data)
        if end > begin and data[end - 1] == 0:  # padding, or a start code of four bytes
            end = begin + len(data[begin:end].rstrip(b"\0"))
        plain = plain and not slices
        if is_slice:
            slices.append((begin, end))
            idr = idr or kind == IDR
        elif kind in (SPS, PPS):
            sets.append(data[begin:end])
        if found is None:
            return Picture(slices, sets, idr, plain)
    raise StreamError(f"A picture has more than {MAX_NALS} NAL units.", do=_ASK)


def _ends_here(data: bytes, begin: int) -> bool:
    """Whether the end of the packet looks like the end of the slice that begins at `begin`.

    Seen are padding, filler (its last bytes are always the same) and any short NAL unit.
    """
    if data.endswith((b"\0", _FILLER_END)):
        return False
    return _START.search(data, max(begin, len(data) - _TAIL_BYTES)) is None


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """What a decoder must know before the first slice."""

    sps: bytes
    pps: tuple[bytes, ...]
    width: int
    height: int
    """Pixels, after cropping."""
    high: bytes
    """Chroma format and bit depths as the decoder configuration has them, for the high profiles."""

    def __contains__(self, unit: bytes) -> bool:
        return unit == self.sps or unit in self.pps

    def configuration(self) -> bytes:
        """The AVCDecoderConfigurationRecord (ISO/IEC 14496-15), with NAL lengths of four bytes."""
        parts = [b"\1", self.sps[1:4], b"\xff\xe1", len(self.sps).to_bytes(2), self.sps]
        parts.append(bytes([len(self.pps)]))
        for pps in self.pps:
            parts += [len(pps).to_bytes(2), pps]
        return b"".join([*parts, self.high])


def parameter_sets(pictures: Iterable[bytes]) -> ParameterSets:
    """Collect the sets from the access units of the first GOP.

    Raises StreamError where SPS or PPS is missing, unreadable, or replaced on the way, and where
    there are B pictures: their order is not that of time.
    """
    sps: dict[int, bytes] = {}
    pps: dict[int, bytes] = {}
    for data in pictures:
        picture = split(data, whole=True)
        for begin, _ in picture.slices:
            _refuse_b_slice(data[begin + 1 : begin + 17])
        for unit in picture.sets:
            if len(unit) > MAX_SET_BYTES:
                raise StreamError(
                    f"A parameter set has {len(unit)} bytes; at most {MAX_SET_BYTES} make sense.",
                    do=_ASK,
                )
            if unit[0] & 31 == SPS:
                if sps.setdefault(0, unit) != unit:
                    raise StreamError("The first GOP has more than one SPS.", do=_ASK)
            elif pps.setdefault(_Bits(unit[1:]).golomb(), unit) != unit:
                raise StreamError("A PPS changes within the first GOP.", do=_ASK)
    if not sps or not pps:
        missing = " and ".join(n for n, had in (("SPS", sps), ("PPS", pps)) if not had)
        raise StreamError(f"The first GOP comes without {missing}.", do=_ASK)
    if max(pps) > 255:
        raise StreamError(f"A PPS has the number {max(pps)}; at most 255 is allowed.", do=_ASK)
    width, height, high = _read_sps(sps[0])
    return ParameterSets(sps[0], tuple(pps[n] for n in sorted(pps)), width, height, high)


def _refuse_b_slice(header: bytes) -> None:
    bits = _Bits(header)
    bits.golomb()  # first macroblock
    if bits.golomb() % 5 == 1:  # table 7-6
        raise StreamError(
            "The encoder makes B pictures, which do not come in order of time.",
            do="Set the encoder to no B pictures.",
        )


class _Bits:
    """Reads the bits of a NAL unit's payload (7.2, 9.1)."""

    def __init__(self, payload: bytes) -> None:
        plain = payload.replace(b"\0\0\3", b"\0\0")  # emulation prevention
        self._value = int.from_bytes(plain)
        self._left = len(plain) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise StreamError("A NAL unit of the encoder ends too early.", do=_ASK)
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise StreamError(
                    "A NAL unit of the encoder holds a number beyond 32 bits.", do=_ASK
                )
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        coded = self.golomb()
        return (coded + 1) // 2 if coded & 1 else -(coded // 2)


_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles whose SPS names chroma format, bit depths and scaling matrices (7.3.2.1.1)."""
_CROP_UNITS = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}
"""Pixels a step of cropping across and down, by chroma format (table 6-1)."""


def _read_sps(sps: bytes) -> tuple[int, int, bytes]:
    """Width, height, and the tail of the decoder configuration (7.3.2.1.1)."""
    bits = _Bits(sps[1:])
    profile = bits.take(24) >> 16
    bits.golomb()  # number of this SPS
    chroma, high = 1, b""
    if profile in _WITH_CHROMA:
        chroma = bits.golomb()
        if chroma > 3:
            raise StreamError(f"The SPS has chroma format {chroma}; 0 to 3 are known.", do=_ASK)
        separate = chroma == 3 and bits.take(1)
        depths = bits.golomb(), bits.golomb()
        if max(depths) > 6:
            raise StreamError(f"The SPS has {max(depths) + 8} bits a sample; at most 14.", do=_ASK)
        high = bytes([0xFC | chroma, 0xF8 | depths[0], 0xF8 | depths[1], 0])
        bits.take(1)  # lossless bypass
        if bits.take(1):
            for index in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
        if separate:
            chroma = 0
    bits.golomb()  # bits of the frame number
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.signed(), bits.signed()
        cycle = bits.golomb()
        if cycle > 255:
            raise StreamError(f"The SPS has a cycle of {cycle} pictures; at most 255.", do=_ASK)
        for _ in range(cycle):
            bits.signed()
    bits.golomb()  # reference frames
    bits.take(1)
    columns, rows = bits.golomb() + 1, bits.golomb() + 1
    fields = 1 if bits.take(1) else 2  # frame_mbs_only: else rows count fields
    if fields == 2:
        bits.take(1)
    bits.take(1)
    left, right, top, bottom = (bits.golomb() for _ in range(4)) if bits.take(1) else (0, 0, 0, 0)
    across, down = _CROP_UNITS[chroma]
    width = columns * 16 - (left + right) * across
    height = (rows * 16 - (top + bottom) * down) * fields
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise StreamError(f"The SPS has a picture of {width} x {height} pixels.", do=_ASK)
    return width, height, high


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last
