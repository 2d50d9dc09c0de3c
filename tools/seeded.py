"""A night and a morning of 24 cameras, told to the real fleet message by message.

For pictures of the board. The station is real, the journals are signed, the database is SQLite;
only the broker is left out, and time, which passes in steps.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bodycam.evidence.enrolment import make_request
from bodycam.evidence.journal import Journal
from bodycam.evidence.keys import SoftwareKey
from bodycam.messages.camera import Event, Info, Result, State, Status
from bodycam.messages.forms import Message
from bodycam_station.board.access import Role
from bodycam_station.board.accounts import Accounts
from bodycam_station.fleet.service import FleetService
from bodycam_station.fleet.settings import Settings
from bodycam_station.fleet.store import FILE, Store
from bodycam_station.fleet.taking import Incoming
from bodycam_station.fleet.views import FleetView, Link
from bodycam_station.station import Station

NOW = datetime(2026, 11, 26, 7, 12, tzinfo=UTC)
"""08:12 in Utrecht."""
NOW_MS = round(NOW.timestamp() * 1000)
PASSWORD = "a picture of the board"
MIN_MS, HOUR_MS = 60_000, 3_600_000
LONG_MS = 32 * HOUR_MS
POLICY = hashlib.sha256(b"policy").hexdigest()
GROUPS = ("Centrum", "Noord", "Overvecht", "Zuid")
SOFTWARE, OLD_SOFTWARE = "0.2.0", "0.1.4"


class SeededFleet(FleetService):
    """The fleet, as if it had listened all the time."""

    def view(self, now_ms: int) -> FleetView:
        """See port.Fleet."""
        return replace(super().view(now_ms), link=Link(True, NOW_MS - 9 * 24 * HOUR_MS))


@dataclass
class Camera:
    """One of them, and what is the matter with it."""

    number: int
    key: SoftwareKey
    recipients: str
    step_ms: int
    """It speaks so often."""
    faults: dict[str, int] = field(default_factory=dict)
    """By name, since when (ms)."""
    lost_ms: int | None = None
    waiting_ms: int | None = None
    clock_off_ms: int = 0
    software: str = SOFTWARE
    restored_ms: int | None = None
    """Its card is put back to an earlier state then."""
    out_again: bool = False
    """It went out this morning."""
    battery: float = 100.0
    _lines: list[bytes] = field(default_factory=list)
    _said: str = ""

    @property
    def id(self) -> str:
        """Its name."""
        return f"cam{self.number:02d}"

    def at(self, at_ms: int) -> list[Incoming]:
        """What it says in this step."""
        if self.lost_ms is not None and at_ms >= self.lost_ms:
            if self._said == "lost":
                return []
            self._said = "lost"
            return [self._incoming("state", State("lost", "b1", "s1"), at_ms)]
        out = self._is_out(at_ms)
        said: list[Incoming] = []
        if not self._lines:
            self._write()
            info = Info(
                "Raspberry Pi Zero 2 W",
                self.software,
                ("speaker", "vibration", "locate", "report", "rebirth", "reboot"),
                self.step_ms // 1000,
                POLICY,
                hashlib.sha256(self.key.public.blob()).hexdigest(),
                self.recipients,
            )
            said.append(self._incoming("info", info, at_ms))
            said.append(self._event(at_ms))
        state = "online" if out else "docked"
        if state != self._said:
            self._said = state
            said.append(self._incoming("state", State(state, "b1", "s1"), at_ms))
        drain = 6.3 + self.number % 5 * 0.36  # % an hour, as the charging below
        change = (-drain if out else 12.6) * self.step_ms / HOUR_MS
        self.battery = min(100.0, max(5.0, self.battery + change))
        said.append(self._incoming("status", self._status(at_ms, out), at_ms))
        return said

    def _is_out(self, at_ms: int) -> bool:
        """Late shift yesterday from 14:30 to 22:40; some are out since 07:45."""
        before_h = (NOW_MS - at_ms) / HOUR_MS
        late = 9.5 < before_h + self.number % 3 * 0.2 < 17.7 and self.number % 4 != 1
        return late or (self.out_again and before_h < 0.45)

    def _status(self, at_ms: int, out: bool) -> Status:
        waiting = 3 if self.waiting_ms is not None and at_ms >= self.waiting_ms else 0
        restored = self.restored_ms is not None and at_ms >= self.restored_ms
        if at_ms % (6 * HOUR_MS) < self.step_ms and not restored:
            self._write()
        wobble = (at_ms // self.step_ms * 7 + self.number * 5) % 11
        return Status(
            seq=(at_ms - NOW_MS + 2 * LONG_MS) // self.step_ms,
            session="s1",
            boot="b1",
            at_us=(at_ms - NOW_MS + 2 * LONG_MS) * 1000,
            utc_ms=at_ms + self.clock_off_ms,
            clock="rtc" if self.clock_off_ms else "ntp",
            clock_error_ms=40,
            recording=out and self.number == 9,
            faults=tuple(sorted(name for name, since in self.faults.items() if at_ms >= since)),
            battery_percent=round(self.battery),
            charging=not out and self.battery < 100,
            room_minutes=1120 - 95 * waiting - round(40 * (1 - self.battery / 100)),
            waiting=waiting,
            temperature_c=(33 if out else 24) + wobble // 4,
            radio_dbm=(-74 if out else -56) - wobble,
            dock_test="passed",
            config_version=0,
            dropped=0,
            journal=self._lines[1 if restored else -1].decode().rstrip("\n"),
            ledger="",
        )

    def _write(self) -> None:
        """Another line of the journal."""
        last = self._lines[-1].rstrip(b"\n") if self._lines else None
        prev = hashlib.sha256(last).hexdigest() if last else "0" * 64
        journal = Journal(self.id, self.key, "b1", seq=len(self._lines), prev=prev)
        kind = "config" if self._lines else "boot"
        self._lines.append(journal.line(kind, 1_000 * (len(self._lines) + 1), os.urandom(40)))

    def _event(self, at_ms: int) -> Incoming:
        text = self._lines[-1].decode().rstrip("\n")
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self._incoming("event", Event(digest, len(self._lines) - 1, False, text), at_ms)

    def _incoming(self, leaf: str, said: Message, at_ms: int) -> Incoming:
        return Incoming(f"bodycam/v1/{self.id}/{leaf}", said.encode(), at_ms)


def _cameras(recipients: str, step_ms: int) -> list[Camera]:
    made = {
        n: Camera(n, SoftwareKey.from_seed(hashlib.sha256(b"%d" % n).digest()), recipients, step_ms)
        for n in range(1, 25)
    }
    made[7].lost_ms = NOW_MS - 15 * HOUR_MS - 24 * MIN_MS
    made[11].faults = {"speaker-dead": NOW_MS - 72 * MIN_MS}
    made[11].software = made[20].software = OLD_SOFTWARE
    made[18].restored_ms = NOW_MS - 36 * MIN_MS
    made[3].waiting_ms = NOW_MS - 31 * HOUR_MS
    made[14].clock_off_ms = 94_000
    made[21].faults = {"card-worn": 0}
    for n in (2, 5, 9):
        made[n].out_again = True
    return list(made.values())


@contextlib.contextmanager
def seeded(folder: Path, step_ms: int = 10 * MIN_MS) -> Iterator[FleetService]:
    """The fleet at NOW, with a user of each role, in a station of its own in an empty folder."""
    with (
        Station.init(folder, "utrecht", person="devries", now=lambda: NOW) as station,
        contextlib.closing(_fleet(station, folder)) as fleet,
    ):
        recipients = " ".join(sorted(station.recipients))
        cameras = _cameras(hashlib.sha256(recipients.encode()).hexdigest(), step_ms)
        for one in cameras:
            request = make_request(one.id, one.key, "software")
            station.enroll(request, person="devries")
        accounts = Accounts(fleet.store)
        for role in Role:
            accounts.add(role.value, role, PASSWORD, NOW_MS)
        _play(fleet, cameras, step_ms)
        yield fleet


def _fleet(station: Station, folder: Path) -> FleetService:
    settings = Settings(expect_software=SOFTWARE, expect_policy=POLICY)
    return SeededFleet(station, Store.open(folder / FILE), settings, now_ms=lambda: NOW_MS)


def _play(fleet: FleetService, cameras: list[Camera], step_ms: int) -> None:
    """The night, in steps, up to NOW."""
    for at_ms in range(NOW_MS - LONG_MS, NOW_MS, step_ms):
        fleet.sync_registry(at_ms)
        if at_ms == NOW_MS - LONG_MS:
            fleet.tick(at_ms)
            for one in cameras:
                fleet.put_in_group(one.id, GROUPS[one.number % 4], "devries", at_ms)
        fleet.take([said for one in cameras for said in one.at(at_ms)])
        fleet.tick(at_ms + 1000)
    worn = next(one for one in fleet.view(NOW_MS).exceptions if one.detail == "card-worn")
    fleet.acknowledge(
        worn.id, "devries", "Nieuwe kaart besteld, komt donderdag.", NOW_MS - 20 * HOUR_MS
    )
    for minutes, outcomes in ((34, ("accepted", "done")), (2, ("accepted",))):
        given_ms = NOW_MS - minutes * MIN_MS
        command = fleet.command("cam18", "locate", {"seconds": 30}, "devries", given_ms)
        for n, outcome in enumerate(outcomes):
            said: Any = Result("locate", outcome)
            topic = f"bodycam/v1/cam18/res/{command.id}"
            fleet.take([Incoming(topic, said.encode(), given_ms + 1000 * (n + 1))])
    fleet.tick(NOW_MS)
