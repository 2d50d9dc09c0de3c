"""The fleet in memory, as the database has it: what changed is read, and the rest is kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import sqlalchemy as sa

from bodycam.errors import MessageError
from bodycam.messages.camera import Info, Status
from bodycam_station.fleet import findings
from bodycam_station.fleet.findings import FINDINGS
from bodycam_station.fleet.judge import Expected, Subject
from bodycam_station.fleet.known import Known
from bodycam_station.fleet.schema import CAMERAS, DESIRED, SPELLS
from bodycam_station.fleet.store import Store
from bodycam_station.fleet.views import Acknowledgement, Finding

_M = TypeVar("_M", Info, Status)
_MARGIN_MS = 5_000
"""Rows are read again that were touched so long before the newest: others may write, too."""
_AT_ONCE = 500
"""Rows in one question."""
_KNOWN = tuple(CAMERAS.c[name] for name in Known._fields)
_BESIDE = (
    CAMERAS.c.info,
    CAMERAS.c.status,
    CAMERAS.c.revoked,
    CAMERAS.c.in_group,
    CAMERAS.c.enrolled_ms,
    CAMERAS.c.key,
    CAMERAS.c.drain,
)


@dataclass(slots=True)
class _Parsed:
    info_bytes: bytes | None = None
    info: Info | None = None
    status_bytes: bytes | None = None
    status: Status | None = None


class Roster:
    """Not for several threads at once."""

    def __init__(self, store: Store, recipients: Callable[[], str]) -> None:
        """`recipients` gives the SHA-256 that cameras should report; empty: any."""
        self._store = store
        self._recipients = recipients
        self.subjects: dict[str, Subject] = {}
        """By camera; revoked ones are not there."""
        self._parsed: dict[str, _Parsed] = {}
        self._touched: dict[str, int] = {}
        """When each camera's row was last touched, as it was read."""
        self._newest_ms = self._read_ms = 0

    def refresh(self, now_ms: int) -> None:
        """Read what changed. Raises StorageError."""
        with self._store.read() as db:
            rows = self._changed(db, now_ms)
            spells = db.execute(sa.select(SPELLS).where(SPELLS.c.cleared_ms.is_(None))).all()
            desired: dict[str, int] = {
                row[0]: row[1] for row in db.execute(sa.select(DESIRED.c.device, DESIRED.c.version))
            }
        for row in rows:
            self._take(row, desired)
        opened: dict[str, list[Finding]] = {}
        for spell in spells:
            if spell.code not in FINDINGS:
                continue  # of another version of this program
            opened.setdefault(spell.device, []).append(finding_of(spell))
        for device, subject in self.subjects.items():
            found = tuple(opened.get(device, ()))
            version = desired.get(device)
            if subject.open != found or subject.expected.config_version != version:
                expected = replace(subject.expected, config_version=version)
                self.subjects[device] = replace(subject, open=found, expected=expected)

    def _changed(self, db: sa.Connection, now_ms: int) -> list[Any]:
        """The rows that were touched since they were read."""
        back = now_ms < self._read_ms - _MARGIN_MS  # the clock was set back: read all
        since_ms = self._newest_ms - _MARGIN_MS if self._touched and not back else -1
        touched = db.execute(
            sa.select(CAMERAS.c.device, CAMERAS.c.touched_ms).where(
                CAMERAS.c.touched_ms >= since_ms
            )
        ).all()
        # What was touched in the same moment in which it was read may have been touched again.
        sure_ms = self._read_ms - 1000
        devices = [
            device
            for device, at_ms in touched
            if back or at_ms >= sure_ms or self._touched.get(device) != at_ms
        ]
        self._read_ms = now_ms
        self._touched.update((device, at_ms) for device, at_ms in touched)
        self._newest_ms = max((at_ms for _, at_ms in touched), default=self._newest_ms)
        rows: list[Any] = []
        for start in range(0, len(devices), _AT_ONCE):
            some = CAMERAS.c.device.in_(devices[start : start + _AT_ONCE])
            rows += db.execute(sa.select(*_KNOWN, *_BESIDE).where(some))
        return rows

    def _take(self, row: Any, desired: dict[str, int]) -> None:
        count = len(_KNOWN)
        known = Known._make(row[:count])
        info, status, revoked, group, enrolled_ms, key, drain = row[count:]
        if revoked:
            self.subjects.pop(known.device, None)
            self._parsed.pop(known.device, None)
            return
        parsed = self._parsed.setdefault(known.device, _Parsed())
        if info != parsed.info_bytes:
            parsed.info_bytes, parsed.info = info, _read(Info, info)
        if status != parsed.status_bytes:
            parsed.status_bytes, parsed.status = status, _read(Status, status)
        before = self.subjects.get(known.device)
        self.subjects[known.device] = Subject(
            known=known,
            info=parsed.info,
            status=parsed.status,
            expected=Expected(key, self._recipients(), desired.get(known.device)),
            group=group,
            enrolled_ms=enrolled_ms,
            drain=drain,
            open=before.open if before else (),
        )


def _read(form: type[_M], data: bytes | None) -> _M | None:
    """A message that was checked when it came; None where a version before wrote another form."""
    if data is None:
        return None
    try:
        return form.decode(data)
    except MessageError:
        return None


def finding_of(spell: Any) -> Finding:
    """A finding as it was written down."""
    acknowledged = None
    if spell.acknowledged_ms is not None:
        acknowledged = Acknowledgement(spell.person, spell.note, spell.acknowledged_ms)
    return Finding(
        id=spell.id,
        camera=spell.device,
        code=spell.code,
        detail=spell.detail,
        severity=findings.severity(spell.code, spell.detail),
        bars=findings.bars(spell.code, spell.detail),
        since_ms=spell.raised_ms,
        do=FINDINGS[spell.code].do,
        values=spell.said,
        acknowledged=acknowledged,
    )
