"""An I2C bus: whole transfers, shared by the chips on it, with one plain error."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from bodycam.errors import DeviceError

if TYPE_CHECKING:
    from smbus2 import i2c_msg


class Transfers(Protocol):
    """What smbus2's SMBus offers of which we make use."""

    def i2c_rdwr(self, *i2c_msgs: "i2c_msg") -> None:
        """Carry out messages in one go; a read fills its message."""

    def close(self) -> None:
        """Let go of the bus."""


def open_bus(number: int) -> Transfers:
    """/dev/i2c-N by smbus2."""
    from smbus2 import SMBus

    return SMBus(number)


class I2c:
    """A bus that is opened when it is first used, and again after an error."""

    def __init__(self, number: int, opened: Callable[[int], Transfers] = open_bus) -> None:
        self._number = number
        self._open = opened
        self._bus: Transfers | None = None
        self._lock = threading.Lock()

    def transfer(self, address: int, out: bytes, read_bytes: int = 0) -> bytes:
        """Write `out` to a chip, then read. Raises DeviceError."""
        with self._lock:
            try:
                from smbus2 import i2c_msg

                if self._bus is None:
                    self._bus = self._open(self._number)
                written = i2c_msg.write(address, list(out))
                if not read_bytes:
                    self._bus.i2c_rdwr(written)
                    return b""
                answer = i2c_msg.read(address, read_bytes)
                self._bus.i2c_rdwr(written, answer)
                return bytes(answer)
            except (OSError, ImportError) as error:
                self._close()
                raise DeviceError(
                    f"I2C bus {self._number}, address 0x{address:02x}: {error}.",
                    do="Check the wiring, and power.i2c_bus in the configuration.",
                ) from error

    def close(self) -> None:
        """Let go of the bus."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()
