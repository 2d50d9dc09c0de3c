"""`bodycam check` as a process, on the hardware of run_process.py; who is told to press, presses.

usage: python check_process.py CONFIG EEPROM [MORE …]
"""

import sys
import threading
import warnings
from pathlib import Path

from bodycam.check import wearer
from bodycam.cli import main
from fakes import libcamera
from fakes.hardware import whole

if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)  # picamera2 says so of its own threads
    libcamera.plug_in()
    made, pins, _ = whole(Path(sys.argv[2]))
    tell = wearer.Terminal.tell

    def press(self: wearer.Terminal, what: str) -> None:
        tell(self, what)
        pin = pins.pin(17 if "RECORD" in what else 27)
        threading.Timer(0.2, pin.drive_low).start()
        threading.Timer(0.4, pin.drive_high).start()

    wearer.Terminal.tell = press  # type: ignore[method-assign]
    sys.exit(main(["check", "--config", sys.argv[1], *sys.argv[3:]], made))
