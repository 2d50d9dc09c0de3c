"""The battery's fuel gauge: a MAX17048 or its brothers (MAX17049; MAX17043 counts in other units).

An empty battery closes the camera down, so one wrong byte must not look like one: what cannot be
is an error, and what is far from the reading before must be read twice.
"""

from bodycam.errors import DeviceError
from bodycam.pi.health import Finding
from bodycam.pi.i2c import I2c

ADDRESS = 0x36
_VCELL, _SOC, _VERSION = 0x02, 0x04, 0x08
_LEAST_MV, _MOST_MV = 2500, 4500
"""Outside of these no lithium cell is alive."""
_MOST_PERCENT = 115
"""The gauge counts a little over 100; that is full."""
_EMPTY_PERCENT, _NOT_EMPTY_MV = 5, 3800
"""A cell with so much voltage is not empty, whatever the gauge says."""
_STEP_PERCENT = 10


class Gauge:
    """A reader of Health: `battery_percent` and `battery_mv`."""

    part = "The battery gauge"
    every_s = 5.0
    dead = "gauge-dead"

    def __init__(self, bus: I2c) -> None:
        self._bus = bus
        self._before: int | None = None

    def read(self) -> Finding:
        """See health.Reader. Raises DeviceError, also for nonsense."""
        millivolts = round(self._word(_VCELL) * 0.078125)
        percent = self._word(_SOC) / 256
        version = self._word(_VERSION)
        possible = (
            version not in (0x0000, 0xFFFF)
            and _LEAST_MV <= millivolts <= _MOST_MV
            and percent <= _MOST_PERCENT
            and not (percent < _EMPTY_PERCENT and millivolts > _NOT_EMPTY_MV)
        )
        if not possible:
            self._before = None
            raise DeviceError(
                f"The battery gauge answers nonsense: {percent:.0f} % at {millivolts} mV.",
                do="Check its wiring, and that the battery is connected.",
            )
        now = min(100, round(percent))
        before, self._before = self._before, now
        if before is None or abs(now - before) > _STEP_PERCENT:
            return Finding()  # the next reading tells whether it is so
        return Finding({"battery_percent": now, "battery_mv": millivolts})

    def _word(self, register: int) -> int:
        return int.from_bytes(self._bus.transfer(ADDRESS, bytes([register]), 2), "big")
