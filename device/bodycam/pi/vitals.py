"""What the kernel tells of the board in /sys: heat, supply voltage, throttling, the card's wear.

No firmware call is needed. What a kernel or a board does not tell is absent, said once.
"""

from pathlib import Path

from bodycam.errors import DeviceError
from bodycam.pi.health import Finding

SYS = Path("/sys")
_UNDER_VOLTAGE, _CAPPED, _THROTTLED, _SOFT_LIMIT = 1, 2, 4, 8
"""Bits of get_throttled that say what is so now; those 16 higher say what has been."""
_COOLER_C = 5
"""So much below the limit it is no longer too hot."""


def read_text(path: Path) -> str:
    """A small file of /sys or /proc. Raises DeviceError."""
    try:
        with path.open("rb") as file:
            return file.read(4096).decode("ascii", "replace").strip("\0\n ")
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror}.") from error


def read_number(path: Path, base: int = 10) -> int:
    """A number in a small file. Raises DeviceError."""
    text = read_text(path)
    try:
        return int(text, base)
    except ValueError as error:
        raise DeviceError(f"{path} says {text[:40]!r}, which is no number.") from error


class Temperature:
    """A reader of Health: `temperature_c` of the processor."""

    part = "The processor's thermometer"
    every_s = 10.0
    dead = ""

    def __init__(self, hot_c: int, sys: Path = SYS) -> None:
        """Above `hot_c` it is too hot. The firmware slows it down at 80 to 85 °C."""
        self._hot_c = hot_c
        self._sys = sys
        self._hot = False

    def read(self) -> Finding:
        """See health.Reader."""
        for zone in sorted(self._sys.glob("class/thermal/thermal_zone*")):
            if "cpu" in read_text(zone / "type"):
                degrees = round(read_number(zone / "temp") / 1000)
                if not -40 <= degrees <= 130:
                    raise DeviceError(f"{zone} says {degrees} °C, which cannot be.")
                limit = self._hot_c - _COOLER_C if self._hot else self._hot_c
                self._hot = degrees >= limit
                return Finding({"temperature_c": degrees}, {"too-hot": self._hot})
        raise DeviceError("The kernel shows no thermometer of the processor.")


class Supply:
    """A reader of Health: under-voltage and throttling, as the firmware sees them."""

    part = "The supply's watch"
    every_s = 2.0
    dead = ""

    def __init__(self, sys: Path = SYS) -> None:
        self._sys = sys

    def read(self) -> Finding:
        """See health.Reader."""
        weak, slowed = self._alarm(), self._throttled()
        if weak is None and slowed is None:
            raise DeviceError("The kernel tells neither of under-voltage nor of throttling.")
        bits = slowed or 0
        values: dict[str, int | str | bool] = {}
        if slowed is not None:
            values["throttled"] = bool(bits & (_CAPPED | _THROTTLED | _SOFT_LIMIT))
        return Finding(values, {"power-weak": bool(weak) or bool(bits & _UNDER_VOLTAGE)})

    def _alarm(self) -> bool | None:
        for monitor in sorted(self._sys.glob("class/hwmon/hwmon*")):
            if read_text(monitor / "name") == "rpi_volt":
                return read_number(monitor / "in0_lcrit_alarm") != 0
        return None

    def _throttled(self) -> int | None:
        found = sorted(self._sys.glob("devices/platform/soc*/*firmware*/get_throttled"))
        return read_number(found[0], 16) if found else None


class CardWear:
    """A reader of Health: `card_worn_percent`, where the card tells (eMMC does, most SD do not)."""

    part = "The card's account of its wear"
    every_s = 3600.0
    dead = ""

    def __init__(self, device: str = "mmcblk0", sys: Path = SYS) -> None:
        self._folder = sys / "block" / device / "device"

    def read(self) -> Finding:
        """See health.Reader. Wear is told in tenths; over 90 % it is worn out."""
        text = read_text(self._folder / "life_time")
        try:
            tenths = max(int(part, 16) for part in text.split())
        except ValueError as error:
            raise DeviceError(
                f"The card says {text[:40]!r} of its wear, not two numbers."
            ) from error
        reserve = 0
        if (self._folder / "pre_eol_info").exists():
            reserve = read_number(self._folder / "pre_eol_info", 16)
        if tenths == 0 and reserve == 0:
            raise DeviceError("The card does not tell how worn it is.")
        worn = tenths >= 10 or reserve >= 2
        return Finding({"card_worn_percent": min(100, tenths * 10)}, {"card-worn": worn})
