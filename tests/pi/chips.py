"""Chips on a made-up I2C bus, reached by the real smbus2's messages."""

from collections.abc import Callable
from typing import Any, Protocol

from bodycam.pi.i2c import I2c


class Chip(Protocol):
    def write(self, data: bytes) -> None: ...
    def read(self, count: int) -> bytes: ...


class MadeUpBus:
    """Implements i2c.Transfers. No chip answers at an address where there is none."""

    def __init__(self, chips: dict[int, Any]) -> None:
        self.chips = chips
        self.broken: OSError | None = None
        self.opened = 0

    def open(self, number: int) -> "MadeUpBus":
        self.opened += 1
        return self

    def close(self) -> None:
        pass

    def i2c_rdwr(self, *i2c_msgs: Any) -> None:
        for message in i2c_msgs:
            if self.broken is not None:
                raise self.broken
            chip: Chip | None = self.chips.get(message.addr)
            if chip is None:
                raise OSError(121, "Remote I/O error")
            if message.flags & 1:
                for index, byte in enumerate(chip.read(message.len)):
                    message.buf[index] = byte
            else:
                chip.write(bytes(message))


class Max17048:
    """The gauge's registers; a test sets them."""

    def __init__(self, percent: float = 80, millivolts: float = 3950) -> None:
        self.registers: dict[int, int] = {0x08: 0x0012}
        self._at = 0
        self.set(percent, millivolts)

    def set(self, percent: float, millivolts: float) -> None:
        self.registers[0x02] = round(millivolts / 0.078125)
        self.registers[0x04] = round(percent * 256)

    def write(self, data: bytes) -> None:
        (self._at,) = data

    def read(self, count: int) -> bytes:
        return self.registers[self._at].to_bytes(2, "big")[:count]


class At24c32:
    """4 KiB; a write wraps round within its page, as the real one's does."""

    def __init__(self) -> None:
        self.data = bytearray(b"\xff" * 4096)
        self.power: Callable[[], bool] = lambda: True
        """Asked before each byte: False is a power cut."""
        self._at = 0

    def write(self, data: bytes) -> None:
        self._at = int.from_bytes(data[:2], "big")
        for offset, byte in enumerate(data[2:]):
            if not self.power():
                raise OSError(121, "Remote I/O error")
            page = self._at & ~31
            self.data[page | (self._at + offset) & 31] = byte

    def read(self, count: int) -> bytes:
        return bytes(self.data[self._at : self._at + count])


def on_bus(chips: dict[int, Any]) -> tuple[I2c, MadeUpBus]:
    made = MadeUpBus(chips)
    return I2c(1, made.open), made
