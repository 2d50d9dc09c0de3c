"""The way to the Pi's pins, and one plain error for whatever keeps us from them.

gpiozero by itself tries one backend after another and ends with one that only pretends; here the
kernel's GPIO devices (lgpio) are the only way, and their absence is an error.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bodycam.errors import DeviceError

if TYPE_CHECKING:
    from gpiozero import Factory  # type: ignore[import-untyped]


def boottime_ns() -> int:
    """CLOCK_BOOTTIME: the base of every time that leaves an adapter."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def open_pins() -> "Factory":
    """The pins, by gpiozero on lgpio. Raises DeviceError."""
    try:
        from gpiozero.pins.lgpio import LGPIOFactory  # type: ignore[import-untyped]
    except ImportError as error:
        raise DeviceError(
            f"The pins cannot be reached: {error}.",
            do="Install python3-gpiozero and python3-lgpio.",
        ) from error
    with named("The pins"):
        return LGPIOFactory()


@contextmanager
def named(part: str) -> Iterator[None]:
    """Only our error leaves, and it names the part."""
    try:
        yield
    except DeviceError:
        raise
    except Exception as error:  # gpiozero, lgpio and the kernel each have errors of their own
        raise DeviceError(
            f"{part}: {error}.", do="Check the wiring, and the pins in the configuration."
        ) from error
