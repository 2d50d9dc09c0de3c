"""`bodycam run` as systemd starts it: the product's own assembly on hardware that a test holds.

usage: python run_process.py CONFIG EEPROM

gpiozero's mocked pins, the real picamera2 with its real encoder over a stand-in for libcamera, a
tone for a microphone, chips on a made-up bus; the memory in the body lies in the file EEPROM. What
happens to them is said on its input, a line each: see `Hands`.
"""

import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from bodycam.cli import main
from bodycam.pi.gauge import Gauge
from fakes import libcamera
from fakes.hardware import Tone, whole
from pi.chips import Max17048


class Hands:
    """What the test does to the hardware."""

    def __init__(self, pins: Any, gauge: Max17048) -> None:
        self._pins = pins
        self._gauge = gauge
        self._sensor = libcamera.SENSOR

    def obey(self, line: str) -> None:
        """`down PIN` and `up PIN` move a pin; the rest is said below."""
        word, *rest = line.split()
        match word:
            case "down":
                self._pins.pin(int(rest[0])).drive_low()
            case "up":
                self._pins.pin(int(rest[0])).drive_high()
            case "empty":  # the battery
                self._gauge.set(3, 3300)
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


def write_down_pictures(path: Path) -> None:
    """The time of each picture that is delivered, a line each."""
    from bodycam.recorder.reports import Reporter

    before, file = Reporter.picture, path.open("w", buffering=1)

    def picture(self: Reporter, t_ns: int, data: bytes, key: bool) -> None:
        file.write(f"{t_ns}\n")
        before(self, t_ns, data, key)

    Reporter.picture = picture  # type: ignore[method-assign]


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)  # picamera2 says so of its own threads
    libcamera.plug_in()
    libcamera.SENSOR.connected = "UNPLUGGED" not in os.environ
    if "PICTURES" in os.environ:
        write_down_pictures(Path(os.environ["PICTURES"]))
    Gauge.every_s = 0.2
    made, *rest = whole(Path(sys.argv[2]))
    threading.Thread(target=Hands(*rest).listen, daemon=True).start()
    sys.exit(main(["run", "--config", sys.argv[1]], made))
