"""The kernel's clocks, and how far the time of day can be trusted."""

import time
from pathlib import Path

from bodycam.ports import WallTime

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes this file when the clock has been set from the network."""


class PosixClock:
    """Implements ports.Clock."""

    def now_ns(self) -> int:
        """CLOCK_BOOTTIME: the same base as the camera's timestamps; runs on in suspend."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def wall(self) -> WallTime:
        """The time of day; `none` until it has been set from the network since boot."""
        source = "ntp" if SYNCHRONISED.exists() else "none"
        return WallTime(time.time_ns(), source, -1, time.localtime().tm_gmtoff)
