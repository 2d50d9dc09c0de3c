"""What is read for one camera's page and its history."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from bodycam.errors import UsageError
from bodycam_station.fleet.findings import FINDINGS
from bodycam_station.fleet.roster import finding_of
from bodycam_station.fleet.schema import HEADS, HISTORY, JOURNAL, RECORDINGS, SPELLS, STATES
from bodycam_station.fleet.store import Store
from bodycam_station.fleet.views import (
    LOST,
    CommandView,
    Head,
    History,
    Moment,
    Point,
    Recording,
    Spell,
)

MAX_MOMENTS, MAX_SPELLS, MAX_RECORDINGS, MAX_HEADS = 300, 200, 100, 20
HOUR_MS = 3_600_000
_SPANS = {
    "hours": (3 * HOUR_MS, 60),
    "day": (24 * HOUR_MS, 60),
    "week": (7 * 24 * HOUR_MS, 3600),
    "month": (31 * 24 * HOUR_MS, 3600),
    "year": (366 * 24 * HOUR_MS, 86_400),
}
_UNSAID = ("fault", "fault-cleared")
"""Kinds of journal lines that findings say better."""


def history(store: Store, device: str, span: str, now_ms: int) -> History:
    """A camera's last hours, days or months; UsageError where the span is not known."""
    if span not in _SPANS:
        raise UsageError(f"There is no span {span!r}.", do=f"There are: {', '.join(_SPANS)}.")
    length_ms, step_s = _SPANS[span]
    from_ms = now_ms - length_ms
    from_ms -= from_ms % (step_s * 1000)
    with store.read() as db:
        rows = db.execute(
            sa.select(HISTORY)
            .where(
                HISTORY.c.device == device,
                HISTORY.c.step_s == step_s,
                HISTORY.c.at_ms.between(from_ms, now_ms),
            )
            .order_by(HISTORY.c.at_ms)
        ).all()
    return History(device, span, from_ms, now_ms, step_s, tuple(map(_point, rows)))


def _point(row: Any) -> Point:
    def mean(measure: str) -> float | None:
        count = getattr(row, f"{measure}_count")
        return round(getattr(row, f"{measure}_sum") / count, 1) if count else None

    return Point(
        at_ms=row.at_ms,
        count=row._mapping["count"],  # a row has a method of that name
        battery_percent=mean("battery"),
        battery_least=row.battery_least,
        room_minutes=mean("room"),
        room_least=row.room_least,
        temperature_c=mean("temperature"),
        temperature_most=row.temperature_most,
        radio_dbm=mean("radio"),
        radio_least=row.radio_least,
        waiting=row.waiting,
    )


def spells(db: sa.Connection, device: str) -> tuple[Spell, ...]:
    """A camera's findings, the newest first."""
    rows = db.execute(
        sa.select(SPELLS)
        .where(SPELLS.c.device == device)
        .order_by(SPELLS.c.raised_ms.desc(), SPELLS.c.id.desc())
        .limit(MAX_SPELLS)
    )
    return tuple(Spell(finding_of(row), row.cleared_ms) for row in rows if row.code in FINDINGS)


def recordings(db: sa.Connection, device: str) -> tuple[Recording, ...]:
    """A camera's recordings, the newest first."""
    rows = db.execute(
        sa.select(RECORDINGS)
        .where(RECORDINGS.c.device == device)
        .order_by(RECORDINGS.c.counter.desc())
        .limit(MAX_RECORDINGS)
    )
    return tuple(
        Recording(row.rec, row.opened_ms, row.ended, row.ended_ms, row.stored_ms) for row in rows
    )


def heads(db: sa.Connection, device: str) -> tuple[Head, ...]:
    """The newest known lines of a camera's recordings."""
    rows = db.execute(
        sa.select(HEADS)
        .where(HEADS.c.device == device)
        .order_by(HEADS.c.at_ms.desc())
        .limit(MAX_HEADS)
    )
    return tuple(Head(row.rec, row.seq, row.digest, row.at_ms, row.checked) for row in rows)


def timeline(
    db: sa.Connection,
    device: str,
    found: Sequence[Spell],
    commands: Sequence[CommandView],
    grace_ms: int,
) -> tuple[Moment, ...]:
    """What happened to a camera, the newest first.

    A loss that another connection followed within `grace_ms` was no loss: it is left out.
    """
    moments = _states(db, device, grace_ms) + _lines(db, device)
    for spell in found:
        one = spell.finding
        moments.append(Moment(one.since_ms, f"raised.{one.code}", one.detail))
        if one.acknowledged is not None:
            said = one.acknowledged
            kind = f"acknowledged.{one.code}"
            moments.append(Moment(said.at_ms, kind, one.detail, said.person, said.note))
        if spell.cleared_ms is not None:
            moments.append(Moment(spell.cleared_ms, f"cleared.{one.code}", one.detail))
    for given in commands:
        moments.append(
            Moment(given.given_ms, f"command.{given.name}", given.outcome, given.person, given.why)
        )
    moments.sort(key=lambda one: one.at_ms, reverse=True)
    return tuple(moments[:MAX_MOMENTS])


def _states(db: sa.Connection, device: str, grace_ms: int) -> list[Moment]:
    rows = db.execute(
        sa.select(STATES)
        .where(STATES.c.device == device)
        .order_by(STATES.c.at_ms.desc(), STATES.c.id.desc())
        .limit(MAX_MOMENTS)
    ).all()
    moments = []
    after: Any = None
    for row in rows:  # the newest first
        taken_over = (
            row.state == LOST
            and after is not None
            and after.session != row.session
            and after.at_ms - row.at_ms < grace_ms
        )
        if not taken_over:
            moments.append(Moment(row.at_ms, f"state.{row.state}", row.reason))
        after = row
    return moments


def _lines(db: sa.Connection, device: str) -> list[Moment]:
    rows = db.execute(
        sa.select(JOURNAL)
        .where(JOURNAL.c.device == device, JOURNAL.c.kind.not_in(_UNSAID))
        .order_by(JOURNAL.c.at_ms.desc(), JOURNAL.c.seq.desc())
        .limit(MAX_MOMENTS)
    )
    return [
        Moment(row.at_ms, f"journal.{row.kind}", row.rec, historical=row.historical) for row in rows
    ]
