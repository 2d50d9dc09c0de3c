"""What is done again and again: findings written down, history rolled up, old things forgotten."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa

from bodycam.errors import EvidenceError
from bodycam.evidence.ledger import parse_rec
from bodycam.messages.camera import Status
from bodycam_station.fleet import custody, findings
from bodycam_station.fleet.custody import Alarm, Heard
from bodycam_station.fleet.judge import JUDGED, Subject
from bodycam_station.fleet.schema import (
    ALERTS,
    CAMERAS,
    COMMANDS,
    HEADS,
    HISTORY,
    JOURNAL,
    RECORDINGS,
    SPELLS,
    STATES,
)
from bodycam_station.fleet.settings import Settings
from bodycam_station.fleet.store import Store, upsert
from bodycam_station.fleet.views import OPEN_COMMANDS, CameraRow
from bodycam_station.witness import BY_NETWORK, Head

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
DAY_MS = DAY_S * 1000
WITNESS_MS = 60_000
"""While a recording lasts, the witness keeps its head so often."""
DRAIN_DAYS = 14
"""How long a charge lasts is worked out from so many days."""
_DRAIN_LEAST_MS = 30 * 60_000
"""With less time on battery than this, nobody knows."""
_AT_ONCE = 500


# ---- findings ------------------------------------------------------------------------------------


def write_findings(store: Store, rows: Iterable[CameraRow]) -> bool:
    """Write down what was found anew and what is over; whether there was any.

    Only what the judgement finds: a custody alarm ends by a person, a gap in `gaps`.
    """
    new = [
        {
            "device": one.camera,
            "code": one.code,
            "detail": one.detail,
            "said": dict(one.values),
            "raised_ms": one.since_ms,
        }
        for row in rows
        for one in row.findings
        if one.id == 0
    ]
    return _raise(store, new)


def clear_findings(
    store: Store, subjects: Mapping[str, Subject], rows: Iterable[CameraRow], now_ms: int
) -> bool:
    """End what was written down and is no longer found; whether there was any."""
    lasting = {one.id for row in rows for one in row.findings}
    over = [
        one.id
        for subject in subjects.values()
        for one in subject.open
        if one.code in JUDGED and one.id not in lasting
    ]
    return _clear(store, over, now_ms)


def _raise(store: Store, new: Sequence[Mapping[str, object]]) -> bool:
    if not new:
        return False
    with store.write() as db:
        db.execute(upsert(db, SPELLS).on_conflict_do_nothing(), [dict(one) for one in new])
    return True


def _clear(store: Store, over: Sequence[int], now_ms: int) -> bool:
    for start in range(0, len(over), _AT_ONCE):
        these = SPELLS.c.id.in_(over[start : start + _AT_ONCE])
        with store.write() as db:
            db.execute(
                SPELLS.update()
                .where(these, SPELLS.c.cleared_ms.is_(None))
                .values(cleared_ms=now_ms)
            )
    return bool(over)


# ---- recordings ----------------------------------------------------------------------------------

_OF_RECORDINGS = (findings.GAP_GONE, findings.GAP_NUMBER, findings.GAP_OPEN, findings.HANDOVER)
_BY_COUNT = (findings.GAP_GONE, findings.HANDOVER)
"""Those that rest on how many recordings a camera says are waiting."""


def note_stored(store: Store, recordings: Collection[str], now_ms: int) -> None:
    """Write down which recordings are in the store; what has left it stays known."""
    with store.read() as db:
        devices = set(db.execute(sa.select(CAMERAS.c.device)).scalars())
        known = set(
            db.execute(
                sa.select(RECORDINGS.c.rec).where(RECORDINGS.c.stored_ms.is_not(None))
            ).scalars()
        )
    new = []
    for rec in sorted(set(recordings) - known):
        try:
            name = parse_rec(rec)
        except EvidenceError:
            continue
        if name.device in devices:
            row = {"rec": rec, "device": name.device, "counter": name.counter, "stored_ms": now_ms}
            new.append(row)
    if new:
        with store.write() as db:
            insert = upsert(db, RECORDINGS)
            stored = {"stored_ms": insert.excluded.stored_ms}
            db.execute(insert.on_conflict_do_update(index_elements=["rec"], set_=stored), new)


def look_for_gaps(
    store: Store, subjects: Mapping[str, Subject], settings: Settings, now_ms: int
) -> bool:
    """Raise and end what is to be said of recordings; whether anything changed."""
    found: dict[tuple[str, str, str], dict[str, object]] = {}
    for device, alarms in _of_recordings(store, subjects, settings, now_ms).items():
        for alarm, since_ms in alarms:
            found[device, alarm.code, alarm.detail] = {
                "device": device,
                "code": alarm.code,
                "detail": alarm.detail,
                "said": dict(alarm.values),
                "raised_ms": since_ms,
            }
    written = {
        (device, one.code, one.detail): one.id
        for device, subject in subjects.items()
        for one in subject.open
        if one.code in _OF_RECORDINGS
    }
    raised = _raise(store, [row for key, row in found.items() if key not in written])
    unsure = {one for one, subject in subjects.items() if _knows_nothing(subject.status)}
    over = [
        number
        for key, number in written.items()
        if key not in found and not (key[0] in unsure and key[1] in _BY_COUNT)
    ]
    return _clear(store, over, now_ms) or raised


def _knows_nothing(status: Status | None) -> bool:
    """Whether a camera does not know yet what waits on its card: then nothing ends by that."""
    return status is not None and status.waiting is None


def _of_recordings(
    store: Store, subjects: Mapping[str, Subject], settings: Settings, now_ms: int
) -> dict[str, list[tuple[Alarm, int]]]:
    heard: dict[str, list[Heard]] = defaultdict(list)
    with store.read() as db:
        for row in db.execute(sa.select(RECORDINGS).order_by(RECORDINGS.c.device)):
            heard[row.device].append(
                Heard(
                    row.rec,
                    row.counter,
                    row.opened_ms,
                    row.ended,
                    row.ended_ms,
                    row.stored_ms,
                )
            )
    found: dict[str, list[tuple[Alarm, int]]] = {}
    for device, subject in subjects.items():
        status = subject.status
        alarms = custody.gaps(
            heard[device],
            recording=status.recording if status else False,
            waiting=status.waiting if status else None,
            status_ms=subject.known.status_ms,
            now_ms=now_ms,
        )
        found[device] = [(alarm, now_ms) for alarm in alarms]
        if status is not None and status.waiting:
            since_ms = custody.oldest_unstored_ms(heard[device]) or subject.known.waiting_since_ms
            if since_ms is not None and now_ms - since_ms > settings.handover_hours * 3_600_000:
                alarm = Alarm(findings.HANDOVER, "", {"waiting": status.waiting})
                found[device].append((alarm, since_ms))
    return found


def heads_for_witness(store: Store, now_ms: int) -> dict[str, list[tuple[Head, str]]]:
    """What the station's witness has not been told yet, by camera; with each its stamp.

    Heads that a journal line gives are signed by the camera; of others the line comes along, so
    that whoever has the recording can check it.
    """
    told: dict[str, list[tuple[Head, str]]] = defaultdict(list)
    with store.read() as db:
        for row in db.execute(
            sa.select(JOURNAL.c.device, JOURNAL.c.rec, JOURNAL.c.head)
            .where(~JOURNAL.c.witnessed)
            .limit(_AT_ONCE)
        ):
            told[row.device].append((Head(row.rec, row.head, "", BY_NETWORK), ""))
        due = sa.and_(
            HEADS.c.digest != HEADS.c.witnessed, HEADS.c.witnessed_ms <= now_ms - WITNESS_MS
        )
        for row in db.execute(sa.select(HEADS).where(due).limit(_AT_ONCE)):
            line = "" if row.checked else row.line
            told[row.device].append((Head(row.rec, row.digest, "", BY_NETWORK, line), row.rec))
    return told


def witnessed(store: Store, told: Iterable[tuple[Head, str]], now_ms: int) -> None:
    """The witness has them."""
    with store.write() as db:
        for head, rec in told:
            if rec:
                values = {"witnessed": head.head, "witnessed_ms": now_ms}
                db.execute(HEADS.update().where(HEADS.c.rec == rec).values(values))
            else:
                here = JOURNAL.c.rec == head.rec, JOURNAL.c.head == head.head
                db.execute(JOURNAL.update().where(*here).values(witnessed=True))


# ---- history -------------------------------------------------------------------------------------


def roll_up(store: Store) -> None:
    """Make hours of minutes and days of hours, anew from the newest hour and day on.

    Doing it again gives the same.
    """
    newest = sa.select(sa.func.max(HISTORY.c.at_ms))
    with store.write() as db:
        for fine_s, coarse_s in ((MINUTE_S, HOUR_S), (HOUR_S, DAY_S)):
            from_ms = db.execute(newest.where(HISTORY.c.step_s == coarse_s)).scalar_one()
            _roll(db, fine_s, coarse_s, from_ms or 0)


def _roll(db: sa.Connection, fine_s: int, coarse_s: int, from_ms: int) -> None:
    fine = HISTORY.alias("fine")
    at_ms = fine.c.at_ms - fine.c.at_ms % (coarse_s * 1000)
    columns: dict[str, sa.ColumnElement[object]] = {}
    for column in fine.c:
        name = column.name
        if name.endswith("least"):
            columns[name] = sa.func.min(column)
        elif name.endswith("most") or name == "waiting":
            columns[name] = sa.func.max(column)
        elif name not in ("device", "step_s", "at_ms"):
            columns[name] = sa.cast(sa.func.sum(column), sa.BigInteger)
    rolled = (
        sa.select(fine.c.device, sa.literal(coarse_s), at_ms, *columns.values())
        .where(fine.c.step_s == fine_s, fine.c.at_ms >= from_ms)
        .group_by(fine.c.device, at_ms)
    )
    insert = upsert(db, HISTORY).from_select(["device", "step_s", "at_ms", *columns], rolled)
    db.execute(
        insert.on_conflict_do_update(
            index_elements=["device", "step_s", "at_ms"],
            set_={name: insert.excluded[name] for name in columns},
        )
    )


def work_out_drain(store: Store, now_ms: int) -> None:
    """How fast each camera's charge went, from its last days on battery."""
    percent, ms = sa.func.sum(HISTORY.c.drained_percent), sa.func.sum(HISTORY.c.drained_ms)
    with store.write() as db:
        rows = db.execute(
            sa.select(HISTORY.c.device, percent, ms)
            .where(HISTORY.c.step_s == DAY_S, HISTORY.c.at_ms >= now_ms - DRAIN_DAYS * DAY_MS)
            .group_by(HISTORY.c.device)
            .having(ms >= _DRAIN_LEAST_MS)
        ).all()
        new = [
            {"of": row[0], "to": round(float(row[1]) * 3_600_000 / float(row[2]), 2)}
            for row in rows
        ]
        if new:
            db.execute(
                CAMERAS.update()
                .where(CAMERAS.c.device == sa.bindparam("of"))
                .values(drain=sa.bindparam("to"), touched_ms=now_ms),
                new,
            )


def forget(store: Store, settings: Settings, now_ms: int) -> None:
    """Delete what is older than the settings say. What lasts, and what nobody has, stays."""

    def before(days: int) -> int:
        """Whole days, so that no hour or day is left with a part of what it was made of."""
        then_ms = now_ms - days * DAY_MS
        return then_ms - then_ms % DAY_MS

    moments_ms = before(settings.moments_days)
    steps = (
        (MINUTE_S, settings.minutes_days),
        (HOUR_S, settings.hours_days),
        (DAY_S, settings.days_days),
    )
    old = [
        *(
            HISTORY.delete().where(HISTORY.c.step_s == step_s, HISTORY.c.at_ms < before(days))
            for step_s, days in steps
        ),
        STATES.delete().where(STATES.c.at_ms < moments_ms),
        JOURNAL.delete().where(JOURNAL.c.at_ms < moments_ms, JOURNAL.c.witnessed),
        SPELLS.delete().where(SPELLS.c.cleared_ms < moments_ms),
        ALERTS.delete().where(ALERTS.c.over_ms < moments_ms),
        COMMANDS.delete().where(
            COMMANDS.c.given_ms < moments_ms, COMMANDS.c.outcome.not_in(OPEN_COMMANDS)
        ),
        RECORDINGS.delete().where(
            sa.func.coalesce(RECORDINGS.c.ended_ms, RECORDINGS.c.opened_ms, 0) < moments_ms,
            RECORDINGS.c.stored_ms < moments_ms,
        ),
        HEADS.delete().where(HEADS.c.at_ms < moments_ms, HEADS.c.digest == HEADS.c.witnessed),
    ]
    for one in old:
        with store.write() as db:  # one by one: nobody waits long
            db.execute(one)
