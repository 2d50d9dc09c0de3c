"""The time of day, and how far it can be trusted: network, clock module, or not at all.

Nothing of the recorder runs by the time of day; it is stated in the evidence together with its
source and the greatest error to expect.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bodycam.errors import DeviceError
from bodycam.pi.health import Finding
from bodycam.pi.pins import boottime_ns
from bodycam.pi.vitals import SYS, read_number, read_text
from bodycam.ports import WallTime

TIMESYNC = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd touches this file whenever it has set the clock."""
NOT_BEFORE_S = 1_767_225_600
"""2026: a clock that says less has never been set."""
NOT_AFTER_S = NOT_BEFORE_S + 40 * 365 * 86_400
STEP_MS = 2000
"""The time of day is moved by hand or by the network when it moves so much against boot time."""
SLACK_MS = 500
"""The error right after the clock was set."""
DRIFT_PPM = 50
"""Of a Pi's crystal, at worst."""
ASK_EVERY_NS = 60 * 10**9
"""Another time service than systemd's is asked so often, by way of systemd-timedated."""
MODULE_DIFFERS_S = 60
"""A clock module that is so far from a clock set by the network does not keep time."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How far the time of day can be trusted."""

    source: str = "none"
    """As in ports.WallTime."""
    error_ms: int = -1


def timedated() -> bool:
    """Whether any network time service has set the clock, by systemd's word. Raises DeviceError."""
    import subprocess  # where nobody asks, it is not loaded

    words = ["busctl", "--timeout=3", "get-property", "org.freedesktop.timedate1"]
    words += ["/org/freedesktop/timedate1", "org.freedesktop.timedate1", "NTPSynchronized"]
    try:
        done = subprocess.run(  # noqa: S603  the words are those above
            words, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise DeviceError(f"systemd-timedated does not answer: {error}.") from error
    return done.stdout.strip() == "b true"


class ClockModule:
    """A DS3231 that the kernel knows (`dtoverlay=i2c-rtc,ds3231`)."""

    def __init__(self, sys: Path = SYS) -> None:
        self._sys = sys

    def seconds(self) -> tuple[int, bool]:
        """Its time since 1970, and whether the kernel set its own from it. Raises DeviceError.

        The kernel refuses to read one that has lost its power.
        """
        for folder in sorted(self._sys.glob("class/rtc/rtc*")):
            if "ds1307" in read_text(folder / "name"):  # the driver's name, also of a DS3231
                return read_number(folder / "since_epoch"), read_text(folder / "hctosys") == "1"
        raise DeviceError(
            "The kernel knows no clock module.", do="Add dtoverlay=i2c-rtc,ds3231 to config.txt."
        )


class PiClock:
    """Implements ports.Clock; also a reader of Health, which is how it learns what to trust."""

    part = "The network time service"
    every_s = 10.0
    dead = ""

    def __init__(
        self,
        module: ClockModule | None,
        *,
        timesync: Path = TIMESYNC,
        service: Callable[[], bool] = timedated,
        wall_ns: Callable[[], int] = time.time_ns,
        boot_ns: Callable[[], int] = boottime_ns,
    ) -> None:
        """`module` is None where none is fitted."""
        self._module = module
        self._timesync = timesync
        self._service = service
        self._wall_ns = wall_ns
        self._boot_ns = boot_ns
        self._quality = Quality()
        self._offset_ms: int | None = None
        self._set_ns: int | None = None
        self._doubted_ns: int | None = None
        # At the start nobody is asked who may have to be started himself.
        self._asked_ns = boot_ns()
        self._served = False
        self.read()

    def now_ns(self) -> int:
        """See ports.Clock."""
        return self._boot_ns()

    def wall(self) -> WallTime:
        """See ports.Clock. Costs no more than the kernel's clock."""
        utc_ns, quality = self._wall_ns(), self._quality
        if not _possible(utc_ns):
            quality = Quality()
        offset_s = time.localtime(utc_ns / 1e9 if _possible(utc_ns) else 0).tm_gmtoff
        return WallTime(utc_ns, quality.source, quality.error_ms, offset_s)

    def read(self) -> Finding:
        """See health.Reader."""
        utc_ns, before = self._wall_ns(), self._quality
        offset_ms = (utc_ns - self._boot_ns()) // 1_000_000
        moved_ms = 0 if self._offset_ms is None else offset_ms - self._offset_ms
        self._offset_ms = offset_ms
        stepped = abs(moved_ms) > STEP_MS
        faults = {"clock-stepped": stepped and before.source != "none"}
        module_s, module_set_it = self._read_module(faults)
        synchronised, error_ms = self._synchronised(utc_ns, stepped)
        if not _possible(utc_ns):
            self._quality = Quality()
        elif synchronised:
            self._quality = Quality("ntp", error_ms)
            if module_s is not None and abs(module_s - utc_ns / 1e9) > MODULE_DIFFERS_S:
                faults["clock-dead"] = True
        elif module_s is not None and module_set_it and not stepped:
            near = abs(module_s - utc_ns / 1e9) <= MODULE_DIFFERS_S
            self._quality = Quality("rtc") if near else Quality()
        else:
            self._quality = Quality()
        values: dict[str, int | str | bool] = {
            "clock": self._quality.source,
            "clock_error_ms": self._quality.error_ms,
        }
        return Finding(values, faults)

    def _read_module(self, faults: dict[str, bool]) -> tuple[int | None, bool]:
        if self._module is None:
            return None, False
        try:
            seconds, set_it = self._module.seconds()
        except DeviceError:
            faults["clock-dead"] = True
            return None, False
        possible = _possible(seconds * 10**9)
        faults["clock-dead"] = not possible
        return (seconds if possible else None), set_it

    def _synchronised(self, utc_ns: int, stepped: bool) -> tuple[bool, int]:
        """Whether a network set the clock, and the greatest error since; -1: nobody knows."""
        try:
            set_ns = self._timesync.stat().st_mtime_ns
        except OSError:
            return self._by_service(), -1
        if stepped and set_ns == self._set_ns:
            self._doubted_ns = set_ns  # somebody else moved it
        self._set_ns = set_ns
        age_ms = (utc_ns - set_ns) // 1_000_000
        if set_ns == self._doubted_ns or age_ms < 0:
            return False, -1
        return True, SLACK_MS + age_ms * DRIFT_PPM // 1_000_000

    def _by_service(self) -> bool:
        """Such as chrony, which leaves no such file."""
        now_ns = self._boot_ns()
        if now_ns - self._asked_ns >= ASK_EVERY_NS:
            self._asked_ns = now_ns
            try:
                self._served = self._service()
            except DeviceError:
                self._served = False
        return self._served


def _possible(utc_ns: int) -> bool:
    return NOT_BEFORE_S <= utc_ns / 1e9 < NOT_AFTER_S
