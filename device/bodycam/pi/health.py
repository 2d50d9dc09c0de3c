"""Looks at what changes slowly: one thread asks one small reader after the other.

A reader that does not answer is said once, and once more when it answers again.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bodycam.errors import DeviceError
from bodycam.pi.pins import boottime_ns
from bodycam.ports import Reports

FAILURES = 3
"""So many readings in a row must fail before a part is called dead: I2C loses one now and then."""

Value = int | str | bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reader has read."""

    values: Mapping[str, Value] = field(default_factory=dict)
    """For the status. `battery_percent` and `docked` are also reported to the recorder."""
    faults: Mapping[str, bool] = field(default_factory=dict)
    """Faults by their names in rules/events.py, and whether they are there."""


class Reader(Protocol):
    """One thing to look at."""

    @property
    def part(self) -> str:
        """What it is called in a sentence."""

    @property
    def every_s(self) -> float:
        """How often it is read."""

    @property
    def dead(self) -> str:
        """The fault of one that does not answer; empty where that is no fault."""

    def read(self) -> Finding:
        """Read once, within a second. Raises DeviceError."""


@dataclass(slots=True)
class _Watched:
    reader: Reader
    due_ns: int = 0
    failures: int = 0


class Health:
    """Reads all readers on a thread of its own; `readings` is what was read last."""

    def __init__(
        self,
        readers: Sequence[Reader],
        reports: Reports,
        tell: Callable[[str], None],
        known: Mapping[str, Value] | None = None,
    ) -> None:
        """`tell` takes a sentence for the log; what is `known` already is not reported again."""
        self._watched = [_Watched(reader) for reader in readers]
        self._reports = reports
        self._tell = tell
        self._readings: dict[str, Value] = dict(known or {})
        self._faults: dict[str, bool] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    @property
    def readings(self) -> dict[str, Value]:
        """The newest values of every part that answers."""
        return dict(self._readings)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End after the reading that is under way."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def look(self, now_ns: int) -> int:
        """Read what is due; when the next reading is. Only for the thread, and for tests."""
        for watched in self._watched:
            if now_ns >= watched.due_ns:
                watched.due_ns = now_ns + int(watched.reader.every_s * 1e9)
                self._read(watched)
        return min((watched.due_ns for watched in self._watched), default=now_ns + 10**9)

    def _run(self) -> None:
        while not self._ending.is_set():
            due_ns = self.look(boottime_ns())
            self._ending.wait(max(0.0, (due_ns - boottime_ns()) / 1e9))

    def _read(self, watched: _Watched) -> None:
        reader = watched.reader
        try:
            finding = reader.read()
        except DeviceError as error:
            watched.failures += 1
            if watched.failures == FAILURES:
                self._tell(f"{reader.part} does not answer: {error}")
                self._fault(reader.dead, True)
            return
        except Exception as error:  # noqa: BLE001  one broken reader must not end the others
            watched.failures += 1
            if watched.failures == FAILURES:
                self._tell(f"{reader.part} cannot be read: {error!r}")
                self._fault(reader.dead, True)
            return
        if watched.failures >= FAILURES:
            self._tell(f"{reader.part} answers again.")
            self._fault(reader.dead, False)
        watched.failures = 0
        self._take(finding)

    def _take(self, finding: Finding) -> None:
        now_ns = boottime_ns()
        for name, value in finding.values.items():
            if self._readings.get(name) == value:
                continue
            self._readings[name] = value
            if name == "battery_percent":
                self._reports.battery(int(value), now_ns)
            elif name == "docked":
                self._reports.docked(bool(value), now_ns)
        for fault, there in finding.faults.items():
            self._fault(fault, there)

    def _fault(self, fault: str, there: bool) -> None:
        """Tell what has changed; a fault that never was needs no end."""
        if fault and self._faults.get(fault, False) != there:
            self._faults[fault] = there
            self._reports.fault(fault, there, boottime_ns())
