"""How well the radio hears its access point. Only a process with a network can see it."""

from pathlib import Path

from bodycam.pi.health import Finding
from bodycam.pi.vitals import read_text

WIRELESS = Path("/proc/net/wireless")


class Radio:
    """A reader of Health: `radio_dbm`; nothing where the radio is off or not connected."""

    part = "The radio"
    every_s = 10.0
    dead = ""

    def __init__(self, interface: str = "wlan0", wireless: Path = WIRELESS) -> None:
        self._interface = interface
        self._wireless = wireless

    def read(self) -> Finding:
        """See health.Reader."""
        for line in read_text(self._wireless).splitlines():
            name, colon, rest = line.partition(":")
            words = rest.split()
            if colon and name.strip() == self._interface and len(words) > 2:
                level = words[2].rstrip(".")
                if level.removeprefix("-").isdigit() and -120 <= int(level) < 0:
                    return Finding({"radio_dbm": int(level)})
        return Finding()
