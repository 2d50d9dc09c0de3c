"""`bodycam run` as systemd starts it: the product's own assembly on hardware that a test holds.

usage: python run_process.py CONFIG EEPROM

gpiozero's mocked pins, the real picamera2 with its real encoder over a stand-in for libcamera, a
tone for a microphone, chips on a made-up bus; the memory in the body lies in the file EEPROM. What
happens to them is said on its input, a line each: see `Hands`.
"""

import math
import os
import sys
import threading
import time
import warnings
from array import array
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPWMPin  # type: ignore[import-untyped]

from bodycam.cli import main
from bodycam.errors import DeviceError
from bodycam.pi.camera import Patience
from bodycam.pi.hardware import Hardware
from bodycam.pi.sound import Block, SoundSettings
from fakes import libcamera
from pi.chips import At24c32, MadeUpBus, Max17048
from pi.sinks import MadeUpSink


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


class Hands:
    """What the test does to the hardware."""

    def __init__(self, pins: Any) -> None:
        self._pins = pins
        self._sensor = libcamera.SENSOR

    def obey(self, line: str) -> None:
        """`down PIN` and `up PIN` move a pin; the rest is said below."""
        word, *rest = line.split()
        match word:
            case "down":
                self._pins.pin(int(rest[0])).drive_low()
            case "up":
                self._pins.pin(int(rest[0])).drive_high()
            case "hang":
                self._sensor.hung.set()
            case "heal":
                self._sensor.hung.clear()
            case "stick":  # it hangs, and the driver never lets go of it
                self._sensor.hung.set()
                self._sensor.stuck.set()
            case "plug":
                self._sensor.connected = True
            case "mute":
                Tone.gone.set()
            case "break":
                break_the_control_road()
            case _:
                raise ValueError(line)

    def listen(self) -> None:
        for line in sys.stdin:
            self.obey(line)


def break_the_control_road() -> None:
    """What nobody foresaw: the next turn raises."""
    from bodycam.recorder.agent import Agent

    def broken(*words: object) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    Agent._turn = broken  # type: ignore[assignment]


def hardware(eeprom: Path) -> tuple[Hardware, Any]:
    """All of it, and the pins."""
    pins = MockFactory(pin_class=MockPWMPin)
    bus = MadeUpBus({0x36: Max17048(66), 0x57: Memory(eeprom)})
    libcamera.SENSOR.connected = "UNPLUGGED" not in os.environ
    return Hardware(
        pins=lambda: pins,
        bus=bus.open,
        sink=lambda device: MadeUpSink(),
        microphone=Tone,
        model=lambda: "Raspberry Pi 5 Model B Rev 1.0",
        patience=Patience(settle_ns=500_000_000, stuck_ns=1_000_000_000),
    ), pins


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)  # picamera2 says so of its own threads
    libcamera.plug_in()
    made, its_pins = hardware(Path(sys.argv[2]))
    threading.Thread(target=Hands(its_pins).listen, daemon=True).start()
    sys.exit(main(["run", "--config", sys.argv[1]], made))
