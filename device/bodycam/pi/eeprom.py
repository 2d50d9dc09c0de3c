"""The memory inside the body: where the card's journal was when it was last written.

An AT24C32 sits on the usual DS3231 module. Two slots are written in turn, each with a checksum, so
that a power cut in the middle of one leaves the other. It is no secret and not signed: it is held
against the journal, which is.

A slot, 64 bytes (two pages), big-endian: magic "BCM1" (4), how many times written (4), number of
the journal's next line (8), digest of its last line (32), zeros (12), CRC-32 of all before (4).
"""

import struct
import time
import zlib
from collections.abc import Callable

from bodycam.errors import DeviceError
from bodycam.pi.i2c import I2c
from bodycam.ports import Mark

ADDRESS = 0x57
PAGE_BYTES = 32
SLOT_BYTES = 64
SLOTS = (0, SLOT_BYTES)
WRITE_S = 0.02
"""A page is written within 10 ms; the chip does not answer meanwhile."""

_MAGIC = b"BCM1"
_SLOT = struct.Struct(">4sIQ32s12x")
_CRC = struct.Struct(">I")


class Eeprom:
    """Implements ports.BodyMemory. One thread uses it; a write takes about 20 ms."""

    def __init__(self, bus: I2c, pause: Callable[[float], None] = time.sleep) -> None:
        """`pause` waits for so many seconds."""
        self._bus = bus
        self._pause = pause
        self._newest: int | None = None
        self._writes = 0

    def read(self) -> Mark | None:
        """The newest mark; None where there is none, as in a new chip. Raises DeviceError."""
        newest: tuple[int, int, Mark] | None = None
        for slot, at in enumerate(SLOTS):
            found = _decode(self._bus.transfer(ADDRESS, at.to_bytes(2, "big"), SLOT_BYTES))
            if found is not None and (newest is None or found[0] > newest[0]):
                newest = found[0], slot, found[1]
        if newest is None:
            self._newest, self._writes = None, 0
            return None
        self._writes, self._newest = newest[0], newest[1]
        return newest[2]

    def write(self, mark: Mark) -> None:
        """Replace the older mark; the newer stays until this one is whole. Raises DeviceError."""
        if self._newest is None and not self._writes:
            self.read()
        slot = 0 if self._newest is None else 1 - self._newest
        data = _encode(self._writes + 1, mark)
        for start in range(0, SLOT_BYTES, PAGE_BYTES):
            at = (SLOTS[slot] + start).to_bytes(2, "big")
            self._bus.transfer(ADDRESS, at + data[start : start + PAGE_BYTES])
            self._pause(WRITE_S)
        back = self._bus.transfer(ADDRESS, SLOTS[slot].to_bytes(2, "big"), SLOT_BYTES)
        if back != data:
            raise DeviceError(
                "The memory in the camera does not keep what is written.",
                do="Replace the clock module.",
            )
        self._newest, self._writes = slot, self._writes + 1


def _encode(writes: int, mark: Mark) -> bytes:
    data = _SLOT.pack(_MAGIC, writes, mark.seq, bytes.fromhex(mark.head))
    return data + _CRC.pack(zlib.crc32(data))


def _decode(data: bytes) -> tuple[int, Mark] | None:
    if _CRC.unpack(data[_SLOT.size :])[0] != zlib.crc32(data[: _SLOT.size]):
        return None
    magic, writes, seq, head = _SLOT.unpack(data[: _SLOT.size])
    return (writes, Mark(seq, head.hex())) if magic == _MAGIC else None
