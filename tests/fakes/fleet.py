"""A fleet in memory behind the board's port: a test says how the cameras are."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from bodycam.errors import UsageError
from bodycam_station.fleet import findings
from bodycam_station.fleet.port import StorageError, Told
from bodycam_station.fleet.views import (
    CAN,
    CANNOT,
    DOCKED,
    GONE,
    PENDING,
    SPANS,
    Acknowledgement,
    CameraRow,
    CameraView,
    Change,
    CommandView,
    Finding,
    FleetView,
    History,
    Link,
    Moment,
    Point,
    Recording,
    Refused,
)

MIN_MS = 60_000
HOUR_MS = 3_600_000


class MemoryFleet:
    """Implements bodycam_station.fleet.port.Fleet."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.link = Link(True, now_ms - 5 * HOUR_MS)
        self.refused = Refused()
        self.broken = False
        """The database does not answer."""
        self.unwell = ""
        self.given: list[CommandView] = []
        self.moments: dict[str, list[Moment]] = {}
        self.recordings: dict[str, list[Recording]] = {}
        self._rows: dict[str, CameraRow] = {}
        self._told: list[Told] = []
        self._version = 1
        self._ids = itertools.count(1)
        self._lock = threading.RLock()

    # ---- what a test says ------------------------------------------------------------------------

    def put(self, camera: str, *found: tuple[str, str, float], **fields: object) -> None:
        """A camera is so; each finding is code, detail, and how many hours ago it began."""
        with self._lock:
            made = tuple(
                Finding(
                    next(self._ids),
                    camera,
                    code,
                    detail,
                    findings.severity(code, detail),
                    findings.bars(code, detail),
                    round(self.now_ms - hours * HOUR_MS),
                    findings.FINDINGS[code].do,
                    _VALUES.get(code, {}) | ({"fault": detail} if code == findings.FAULT else {}),
                )
                for code, detail, hours in found
            )
            fitness = CANNOT if any(one.bars for one in made) else CAN
            if any(one.code == findings.MISSING for one in made):
                fitness = GONE
            usual: dict[str, object] = {
                "group": "",
                "state": DOCKED,
                "since_ms": self.now_ms - 9 * HOUR_MS,
                "heard_ms": self.now_ms - 12_000,
                "fitness": fitness,
                "recording": False,
                "battery_percent": 98,
                "charging": True,
                "lasts_minutes": 620,
                "room_minutes": 1120,
                "waiting": 0,
                "temperature_c": 24,
                "radio_dbm": -58,
                "clock": "ntp",
                "clock_off_ms": 40,
                "model": "Raspberry Pi Zero 2 W",
                "software": "0.2.0",
                "interval_s": 30,
            }
            order = sorted(made, key=lambda one: findings.SEVERITIES.index(one.severity))
            self._rows[camera] = CameraRow(
                id=camera,
                findings=tuple(order),
                **usual | fields,  # type: ignore[arg-type]
            )
        self.tell(camera)

    def change(self, camera: str, **fields: object) -> None:
        """Something of a camera is otherwise now."""
        with self._lock:
            self._rows[camera] = replace(self._rows[camera], **fields)  # type: ignore[arg-type]
        self.tell(camera)

    def answer(self, number: int, outcome: str, why: str = "") -> None:
        """What becomes of a command, by the order in which they were given."""
        with self._lock:
            one = self.given[number]
            self.given[number] = replace(one, outcome=outcome, outcome_ms=self.now_ms, why=why)
        self.tell(one.camera)

    def tell(self, *cameras: str) -> None:
        """Tell subscribers of a change."""
        with self._lock:
            self._version += 1
            change = Change(self._version, frozenset(cameras))
            told = list(self._told)
        for one in told:
            one(change)

    # ---- the port --------------------------------------------------------------------------------

    def view(self, now_ms: int) -> FleetView:
        self._answers()
        with self._lock:
            rows = tuple(self._rows[name] for name in sorted(self._rows))
            by = {
                what: tuple(r.id for r in rows if r.fitness == what) for what in (CAN, CANNOT, GONE)
            }
            found = sorted(
                (one for row in rows for one in row.findings),
                key=lambda one: (
                    one.acknowledged is not None,
                    findings.SEVERITIES.index(one.severity),
                ),
            )
            return FleetView(
                now_ms,
                self._version,
                by[CAN],
                by[CANNOT],
                by[GONE],
                tuple(found),
                rows,
                self.link,
                self.refused,
            )

    def camera(self, camera: str, now_ms: int) -> CameraView:
        self._answers()
        row = self._row(camera)
        return CameraView(
            row=row,
            boot="b-3f9a2c",
            session="s-77",
            reason="",
            policy="9238311e" * 8,
            key="1f" * 32,
            recipients="2e" * 32,
            config_version=3,
            desired_version=3,
            dock_test="passed",
            dropped=0,
            heads=(),
            recordings=tuple(self.recordings.get(camera, ())),
            spells=(),
            commands=self.commands(camera),
            timeline=tuple(self.moments.get(camera, ())),
        )

    def history(self, camera: str, span: str, now_ms: int) -> History:
        self._row(camera)
        if span not in SPANS:
            raise UsageError("There is no such span.")
        step_ms = 10 * MIN_MS
        from_ms = now_ms - 24 * HOUR_MS
        points = tuple(_point(from_ms + n * step_ms, n) for n in range(144) if not 60 <= n < 66)
        return History(camera, span, from_ms, now_ms, step_ms // 1000, points)

    def acknowledge(self, finding: int, person: str, note: str, now_ms: int) -> Finding:
        with self._lock:
            for row in self._rows.values():
                for one in row.findings:
                    if one.id == finding:
                        seen = replace(one, acknowledged=Acknowledgement(person, note, now_ms))
                        self._rows[row.id] = replace(
                            row,
                            findings=tuple(seen if f is one else f for f in row.findings),
                        )
                        break
                else:
                    continue
                break
            else:
                raise UsageError("That finding has ended.")
        self.tell(seen.camera)
        return seen

    def command(
        self, camera: str, name: str, arguments: Mapping[str, int], person: str, now_ms: int
    ) -> CommandView:
        self._row(camera)
        given = CommandView(
            f"c-{len(self.given)}", camera, name, arguments, person, now_ms, PENDING, now_ms
        )
        with self._lock:
            self.given.append(given)
        self.tell(camera)
        return given

    def commands(self, camera: str = "", most: int = 50) -> tuple[CommandView, ...]:
        with self._lock:
            found = [one for one in reversed(self.given) if camera in ("", one.camera)]
        return tuple(found[:most])

    def put_in_group(self, camera: str, group: str, person: str, now_ms: int) -> None:
        self._row(camera)
        self.change(camera, group=group)

    def rows(self, now_ms: int) -> Iterator[tuple[str, ...]]:
        yield ("camera", "group", "fitness", "battery_percent")
        for row in self.view(now_ms).cameras:
            yield (row.id, row.group, row.fitness, str(row.battery_percent))

    def metrics(self, now_ms: int) -> str:
        self._answers()
        return f"bodycam_cameras {len(self._rows)}\n"

    def healthy(self, now_ms: int) -> str:
        self._answers()
        return self.unwell

    def subscribe(self, told: Told) -> Callable[[], None]:
        with self._lock:
            self._told.append(told)
        return lambda: self._told.remove(told)

    # ---- parts -----------------------------------------------------------------------------------

    def _row(self, camera: str) -> CameraRow:
        if camera not in self._rows:
            raise UsageError(f"There is no camera {camera}.")
        return self._rows[camera]

    def _answers(self) -> None:
        if self.broken:
            raise StorageError("The database does not answer.")


_VALUES: Mapping[str, dict[str, str | int]] = {
    findings.HANDOVER: {"waiting": 3},
    findings.WILL_NOT_LAST: {"percent": 41, "minutes": 230, "shift_minutes": 480},
    findings.CLOCK: {"source": "rtc", "off_s": 94},
    findings.SOFTWARE: {"is": "0.1.4", "expected": "0.2.0"},
    findings.POLICY: {"is": "ab" * 32, "expected": "9238311e" * 8},
    findings.ROLLBACK: {"seq": 812, "known": 840},
    findings.GAP_OPEN: {"rec": "cam18-000042-9f3c21d8"},
}


def _point(at_ms: int, n: int) -> Point:
    """A day: charged until the shift, used in it, charged again."""
    used = min(max(n - 30, 0), 60)
    battery = 100.0 - used * 1.1 + max(0, n - 96) * 1.3
    battery = min(100.0, battery)
    return Point(
        at_ms,
        20,
        battery,
        round(battery) - 1,
        1120 - used * 3.0,
        round(1120 - used * 3.2),
        24 + used * 0.2,
        round(25 + used * 0.24),
        -58.0 - (n * 7 % 13),
        -66 - (n * 7 % 13),
        0,
    )


def a_morning(now_ms: int) -> MemoryFleet:
    """24 cameras: 21 can go out, 2 cannot, 1 is missing."""
    fleet = MemoryFleet(now_ms)
    groups = ("Centrum", "Noord", "Overvecht", "Zuid")
    for n in range(1, 25):
        fleet.put(
            f"cam{n:02d}", group=groups[n % 4], battery_percent=100 - n % 5, charging=n % 3 > 0
        )
    fleet.put(
        "cam07",
        (findings.MISSING, "", 15.4),
        group="Noord",
        state="lost",
        since_ms=now_ms - round(15.4 * HOUR_MS),
        heard_ms=now_ms - round(15.4 * HOUR_MS),
        battery_percent=38,
        charging=False,
    )
    fleet.put(
        "cam11",
        (findings.FAULT, "speaker-dead", 1.2),
        (findings.SOFTWARE, "", 60),
        group="Zuid",
        software="0.1.4",
    )
    fleet.put(
        "cam18",
        (findings.ROLLBACK, "", 0.6),
        (findings.GAP_OPEN, "cam18-000042-9f3c21d8", 0.6),
        group="Overvecht",
    )
    fleet.put("cam03", (findings.HANDOVER, "", 31), group="Zuid", waiting=3)
    fleet.put("cam14", (findings.CLOCK, "", 5), group="Overvecht", clock="rtc", clock_off_ms=94_000)
    fleet.put("cam20", (findings.SOFTWARE, "", 60), group="Centrum", software="0.1.4")
    fleet.put("cam21", (findings.FAULT, "card-worn", 80), group="Noord")
    fleet.acknowledge(
        fleet.camera("cam21", now_ms).row.findings[0].id,
        "devries",
        "Nieuwe kaart besteld, komt donderdag.",
        now_ms - 20 * HOUR_MS,
    )
    for n in (2, 5, 9):
        fleet.change(
            f"cam{n:02d}", state="online", charging=False, battery_percent=80 - n, recording=n == 9
        )
    return fleet
