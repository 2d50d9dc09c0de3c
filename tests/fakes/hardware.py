"""A camera's hardware in a test's hands, as the factories that the product is given."""

import math
import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPWMPin  # type: ignore[import-untyped]

from bodycam.errors import DeviceError
from bodycam.pi.camera import CameraSettings, Deliver, Luma, Patience
from bodycam.pi.hardware import Hardware
from bodycam.pi.sound import Block, SoundSettings, Source
from pi.chips import At24c32, MadeUpBus, Max17048
from pi.sinks import MadeUpSink


class SilentSession:
    """A camera that runs and delivers nothing."""

    def __init__(
        self, settings: CameraSettings, deliver: Deliver, tell: Callable[[str], None]
    ) -> None:
        pass

    def force_keyframe(self) -> None:
        pass

    def luma(self, wait_s: float) -> Luma | None:
        return None

    def close(self) -> None:
        pass


def no_microphone(device: str, settings: SoundSettings) -> Source:
    raise DeviceError("There is no microphone.")


def silent() -> Hardware:
    """Pins to which nothing is connected, an empty bus, a camera without pictures."""
    pins = MockFactory(pin_class=MockPWMPin)
    return Hardware(
        pins=lambda: pins,
        bus=MadeUpBus({}).open,
        sink=lambda device: MadeUpSink(),
        microphone=no_microphone,
        load_camera=lambda: None,
        camera=SilentSession,
        model=lambda: "Raspberry Pi 4 Model B",
    )


def missing(
    settings: CameraSettings, deliver: Deliver, tell: Callable[[str], None]
) -> SilentSession:
    raise DeviceError("No camera is connected.")


def bare() -> Hardware:
    """The same without a camera."""
    return replace(silent(), camera=missing)


class Memory(At24c32):
    """The chip, with what it holds in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        if path.exists():
            self.data = bytearray(path.read_bytes())

    def write(self, data: bytes) -> None:
        super().write(data)
        self._path.write_bytes(self.data)


class Tone:
    """A microphone that hears 440 Hz, block after block in real time."""

    gone = threading.Event()

    def __init__(self, device: str, settings: SoundSettings) -> None:
        if self.gone.is_set():
            raise DeviceError("The microphone is gone.")
        self._settings = settings
        self._count, self._begun_ns = 0, time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def read(self) -> Block:
        if self.gone.is_set():
            raise DeviceError("The microphone is gone.")
        rate_hz = self._settings.rate_hz
        self._count += 1024
        end_ns = self._begun_ns + self._count * 10**9 // rate_hz
        time.sleep(max(0.0, (end_ns - time.clock_gettime_ns(time.CLOCK_BOOTTIME)) / 1e9))
        waves = (math.sin(n * 440 * math.tau / rate_hz) for n in range(1024))
        return Block(array("h", (round(8000 * wave) for wave in waves)).tobytes(), end_ns)

    def close(self) -> None:
        pass


def whole(eeprom: Path) -> tuple[Hardware, Any, Max17048]:
    """All that can be fitted, over fakes.libcamera's sensor and picamera2; the pins; the gauge."""
    pins = MockFactory(pin_class=MockPWMPin)
    gauge = Max17048(66)
    bus = MadeUpBus({0x36: gauge, 0x57: Memory(eeprom)})
    made = Hardware(
        pins=lambda: pins,
        bus=bus.open,
        sink=lambda device: MadeUpSink(),
        microphone=Tone,
        model=lambda: "Raspberry Pi 5 Model B Rev 1.0",
        patience=Patience(settle_ns=500_000_000, stuck_ns=1_000_000_000, tries=2),
    )
    return made, pins, gauge
