"""From a batch of messages to the database, in one transaction: all of it, or nothing.

What is known of the cameras is read within the transaction and written back at its end, so that
several processes can take messages in. Taking a batch twice is taking it once.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa

from bodycam.errors import EvidenceError, MessageError
from bodycam.evidence.chain import DEVICE
from bodycam.evidence.keys import PublicKey
from bodycam.evidence.ledger import REC_ID, parse_rec
from bodycam.evidence.lines import ZERO, digest
from bodycam.messages.camera import EVENT_KINDS, Event, Info, Result, State, Status
from bodycam.messages.topics import MAX_PAYLOAD_BYTES, TOPICS, Address, read_topic
from bodycam_station.fleet import custody
from bodycam_station.fleet.custody import Alarm, Ledger, Signed, Stored
from bodycam_station.fleet.known import Known, Sample, is_news, take_state, take_status
from bodycam_station.fleet.schema import (
    CAMERAS,
    COMMANDS,
    HEADS,
    HISTORY,
    JOURNAL,
    RECORDINGS,
    SPELLS,
    STATES,
)
from bodycam_station.fleet.store import Many, Store, upsert
from bodycam_station.fleet.views import OPEN_COMMANDS, Refused

MINUTE_MS = 60_000
_NAMED = 50
"""The most senders of refused messages that are named."""
_AT_ONCE = 500
"""Cameras in one question to the database."""

Keys = Callable[[str], Sequence[PublicKey]]
"""The keys that a camera may sign with, the newest first."""


class Incoming(NamedTuple):
    """A message as it came."""

    topic: str
    payload: bytes
    at_ms: int
    retained: bool = False
    timely: bool = True
    """It did not wait in the broker."""


class Tally:
    """Counts what was not taken. Bounded, whatever anybody sends."""

    def __init__(self) -> None:
        self._strangers: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._misshapen: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self.unknown = self.misshapen = self.repeated = 0
        self.last = ""

    def refuse(self, device: str, why: str, at_ms: int) -> None:
        """A message that is not in its form; `device` is empty where the topic is none of ours."""
        self.misshapen += 1
        self.last = f"{device}: {why}" if device else why
        if device:
            _count(self._misshapen, device, at_ms)

    def stranger(self, device: str, at_ms: int) -> None:
        """A message of a device that is not enrolled."""
        self.unknown += 1
        _count(self._strangers, device, at_ms)

    def view(self) -> Refused:
        """What is shown of it."""
        return Refused(
            strangers=tuple((one, *counts) for one, counts in [*self._strangers.items()]),
            unknown=self.unknown,
            misshapen=self.misshapen,
            repeated=self.repeated,
            misshapen_from=tuple((one, *counts) for one, counts in [*self._misshapen.items()]),
            last=self.last,
        )


def _count(counts: OrderedDict[str, tuple[int, int]], device: str, at_ms: int) -> None:
    counts[device] = (counts.pop(device, (0, 0))[0] + 1, at_ms)
    if len(counts) > _NAMED:
        counts.popitem(last=False)


_Read = tuple[Address, State | Info | Status | Event | Result, Incoming]


def read(message: Incoming) -> _Read:
    """A message and whose it is; raises MessageError."""
    if len(message.payload) > MAX_PAYLOAD_BYTES:
        raise MessageError("A message is longer than any may be.")
    address = read_topic(message.topic)
    row = TOPICS[address.leaf]
    if row.by != "camera" or row.form is None:
        raise MessageError("It is none of a camera's topics.")
    said = row.form.decode(message.payload)
    assert isinstance(said, State | Info | Status | Event | Result)
    return address, said, message


class Taking:
    """Takes batches in. Not for several threads at once."""

    def __init__(self, store: Store, keys: Keys, tally: Tally) -> None:
        self._store = store
        self._keys = keys
        self._tally = tally

    def take(self, batch: Iterable[Incoming]) -> frozenset[str]:
        """The cameras of which something changed; durable at return. Raises StorageError."""
        messages: list[_Read] = []
        for incoming in batch:
            try:
                messages.append(read(incoming))
            except MessageError as error:
                self._tally.refuse(_device_of(incoming.topic), error.what, incoming.at_ms)
        if not messages:
            return frozenset()
        with self._store.write() as db:
            work = _Work(db, self._keys, {address.device for address, _, _ in messages})
            for address, said, incoming in messages:
                if address.device not in work.known:
                    work.strangers.append((address.device, incoming.at_ms))
                    continue
                try:
                    work.take(address, said, incoming)
                except MessageError as error:
                    work.refused.append((address.device, error.what, incoming.at_ms))
            changed = work.write()
        # Only now is it certain that the batch will not come again.
        for device, at_ms in work.strangers:
            self._tally.stranger(device, at_ms)
        for device, why, at_ms in work.refused:
            self._tally.refuse(device, why, at_ms)
        self._tally.repeated += work.repeated
        return changed


def _device_of(topic: str) -> str:
    words = topic.split("/", 3)
    return words[2] if len(words) == 4 and DEVICE.fullmatch(words[2]) else ""


_KNOWN = tuple(CAMERAS.c[name] for name in Known._fields)


def _set_known(*beside: str) -> Many:
    """Writes what is known of cameras, and these columns."""
    names = (*Known._fields[1:], "touched_ms", *beside)

    def make(_: sa.Connection) -> sa.Executable:
        new: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        return CAMERAS.update().where(CAMERAS.c.device == sa.bindparam("of")).values(new)

    return Many(("of", *(f"new_{name}" for name in names)), make)


def _add_samples(db: sa.Connection) -> sa.Executable:
    insert = upsert(db, HISTORY).values({name: sa.bindparam(name) for name in _SAMPLE})
    statement: sa.Executable = insert.on_conflict_do_update(
        index_elements=["device", "step_s", "at_ms"], set_=_added(insert.excluded)
    )
    return statement


_SAMPLE = tuple(column.name for column in HISTORY.c)
_KNOWN_ROWS = _set_known()
_STATUS_ROWS = _set_known("status")
_SAMPLE_ROWS = Many(_SAMPLE, _add_samples)


@dataclass
class _Work:
    """One batch."""

    db: sa.Connection
    keys: Keys
    devices: set[str]
    known: dict[str, Known] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    samples: dict[tuple[str, int], list[Any]] = field(default_factory=dict)
    """By camera and minute, in the order of the table's columns."""
    statuses: dict[str, bytes] = field(default_factory=dict)
    """The newest, as they came."""
    infos: dict[str, bytes] = field(default_factory=dict)
    states: list[dict[str, Any]] = field(default_factory=list)
    heads: dict[str, Ledger] = field(default_factory=dict)
    heads_changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    strangers: list[tuple[str, int]] = field(default_factory=list)
    refused: list[tuple[str, str, int]] = field(default_factory=list)
    repeated: int = 0
    at_ms: int = 0

    def __post_init__(self) -> None:
        wanted = sorted(self.devices)
        for start in range(0, len(wanted), _AT_ONCE):
            some = CAMERAS.c.device.in_(wanted[start : start + _AT_ONCE])
            rows = self.db.execute(
                sa.select(*_KNOWN)
                .where(some, ~CAMERAS.c.revoked)
                .order_by(CAMERAS.c.device)
                .with_for_update()
            )
            self.known |= {row[0]: Known._make(row) for row in rows}

    def take(self, address: Address, said: object, incoming: Incoming) -> None:
        """One message of a camera that we know; raises MessageError."""
        device = address.device
        if incoming.at_ms > self.at_ms:
            self.at_ms = incoming.at_ms
        before = known = self.known[device]
        match said:
            case Status():
                known = self._status(known, said, incoming)
            case State():
                known = take_state(known, said, incoming.at_ms, retained=incoming.retained)
                if known.state != before.state:
                    self._moment(known, incoming.at_ms)
            case Info():
                self.infos[device] = incoming.payload
            case Event():
                known = self._event(known, said, incoming)
            case Result():
                self._result(device, address.name, said, incoming.at_ms)
        if known is not before:
            self.known[device] = known
            self.changed.add(device)

    # ---- status ----------------------------------------------------------------------------------

    def _status(self, known: Known, said: Status, incoming: Incoming) -> Known:
        if not is_news(known, said):
            self.repeated += 1
            return known
        at_ms, before = incoming.at_ms, known
        # A message with a line that cannot be one is refused as a whole, so these come first.
        signed = self._journal_line(known, said.journal, at_ms)
        ledger = self._ledger_line(known.device, said.ledger, at_ms)
        known, sample = take_status(
            known,
            said,
            at_ms,
            retained=incoming.retained,
            timely=incoming.timely,
        )
        self.statuses[known.device] = incoming.payload
        if known.state != before.state:
            self._moment(known, at_ms)
        self._sample(known.device, sample)
        if signed is not None:
            stored = self._stored(known.device, signed.entry.seq)
            known, alarm = custody.newest_line(known, signed, stored, at_ms)
            self._alarm(known.device, alarm, at_ms)
            if alarm is not None:  # its event may have come first: then it is of the new history
                line = _line(known.device, signed)
                self.db.execute(JOURNAL.update().where(line).values(epoch=known.epoch))
        if ledger is not None:
            self._ledger(known.device, ledger, at_ms)
        return known

    def _journal_line(self, known: Known, text: str, at_ms: int) -> Signed | None:
        """None where it is the one that we know, or is alarmed."""
        if not text or digest(text.encode()) == known.journal_digest:
            return None
        try:
            return custody.read_journal_line(text, known.device, self.keys(known.device))
        except EvidenceError as error:
            self._unreadable(known.device, error, "", at_ms)
            return None

    def _ledger_line(self, device: str, text: str, at_ms: int) -> Ledger | None:
        """The same for the newest line of a recording."""
        if not text:
            return None
        rec = text.partition('"rec":"')[2].partition('"')[0]
        known = self._head(rec)
        if known is not None and known.line == text:
            return None
        own_key = known.key if known else ""
        try:
            return custody.read_ledger_line(text, device, self.keys(device), own_key, at_ms)
        except EvidenceError as error:
            self._unreadable(device, error, rec if REC_ID.fullmatch(rec) else "", at_ms)
            return None

    def _ledger(self, device: str, new: Ledger, at_ms: int) -> None:
        known = self._head(new.rec)
        newest, alarm = custody.ledger_line(known, new)
        self._alarm(device, alarm, at_ms)
        if newest != known:
            self.heads[new.rec] = newest
            self.heads_changed[new.rec] = {
                "rec": new.rec,
                "device": device,
                **{name: getattr(newest, name) for name in _HEAD},
            }

    def _head(self, rec: str) -> Ledger | None:
        if rec not in self.heads:
            row = self.db.execute(
                sa.select(*(HEADS.c[name] for name in ("rec", *_HEAD))).where(HEADS.c.rec == rec)
            ).one_or_none()
            if row is None:
                return None
            self.heads[rec] = Ledger(**row._asdict())
        return self.heads[rec]

    def _sample(self, device: str, new: Sample) -> None:
        at_ms = new.at_ms - new.at_ms % MINUTE_MS
        key = (device, at_ms)
        row = self.samples.get(key)
        if row is None:
            row = self.samples[key] = [device, 60, at_ms, 0, *(0, 0, None, None) * 4, 0, 0, 0]
        row[3] += 1
        _measure(row, 4, new.battery_percent)
        _measure(row, 8, new.room_minutes)
        _measure(row, 12, new.temperature_c)
        _measure(row, 16, new.radio_dbm)
        row[20] = max(row[20], new.waiting or 0)
        row[21] += new.drained_percent
        row[22] += new.drained_ms

    # ---- the others ------------------------------------------------------------------------------

    def _moment(self, known: Known, at_ms: int) -> None:
        self.states.append(
            {
                "device": known.device,
                "at_ms": at_ms,
                "state": known.state,
                "reason": known.reason,
                "session": known.session,
            }
        )

    def _event(self, known: Known, said: Event, incoming: Incoming) -> Known:
        """A line of the journal: once, whatever comes again."""
        device, at_ms = known.device, incoming.at_ms
        try:
            signed = custody.read_journal_line(said.line, device, self.keys(device))
        except EvidenceError as error:
            self._unreadable(device, error, "", at_ms)
            return known
        entry = signed.entry
        if (entry.digest, entry.seq) != (said.id, said.seq) or entry.kind not in EVENT_KINDS:
            raise MessageError("An event is not about the line that it carries.")
        here = sa.select(sa.literal(1)).where(_line(device, signed))
        if self.db.execute(here).first() is not None:
            self.repeated += 1
            return known
        stored = self._stored(device, entry.seq)
        known, alarm = custody.earlier_line(known, signed, stored, at_ms)
        self._alarm(device, alarm, at_ms)
        self.db.execute(
            JOURNAL.insert(),
            {
                "device": device,
                "seq": entry.seq,
                "digest": entry.digest,
                "prev": signed.prev,
                "epoch": known.epoch,
                "kind": entry.kind,
                "boot": entry.boot,
                "t_us": entry.t_us,
                "rec": entry.rec or "",
                "head": entry.head or "",
                "historical": said.historical,
                "witnessed": entry.head in (None, ZERO),
                "at_ms": at_ms,
            },
        )
        self.changed.add(device)
        if entry.rec is not None:
            self._recording(device, entry.kind, entry.rec, at_ms)
        return known

    def _recording(self, device: str, kind: str, rec: str, at_ms: int) -> None:
        new: dict[str, Any] = {}
        if kind == "open":
            new = {"opened_ms": at_ms}
        elif kind in custody.ENDS:
            new = {"ended": kind, "ended_ms": at_ms}
        row = {"rec": rec, "device": device, "counter": parse_rec(rec).counter, **new}
        insert = upsert(self.db, RECORDINGS).values(row)
        if new:
            self.db.execute(insert.on_conflict_do_update(index_elements=["rec"], set_=new))
        else:
            self.db.execute(insert.on_conflict_do_nothing())

    def _result(self, device: str, command: str, said: Result, at_ms: int) -> None:
        """Only what was asked of this camera, and has not ended: an answer comes once."""
        changed = self.db.execute(
            COMMANDS.update()
            .where(
                COMMANDS.c.id == command,
                COMMANDS.c.device == device,
                COMMANDS.c.name == said.command,
                COMMANDS.c.outcome.in_(OPEN_COMMANDS),
                COMMANDS.c.outcome != said.outcome,
            )
            .values(outcome=said.outcome, outcome_ms=at_ms, why=said.why)
        )
        if changed.rowcount:
            self.changed.add(device)
        else:
            self.repeated += 1

    # ---- custody ---------------------------------------------------------------------------------

    def _stored(self, device: str, seq: int) -> custody.Around:
        rows = self.db.execute(
            sa.select(JOURNAL.c.seq, JOURNAL.c.digest, JOURNAL.c.prev, JOURNAL.c.epoch).where(
                JOURNAL.c.device == device, JOURNAL.c.seq.between(seq - 1, seq + 1)
            )
        )
        found: dict[int, list[Stored]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(Stored(*row[1:]))
        return found

    def _unreadable(self, device: str, error: EvidenceError, detail: str, at_ms: int) -> None:
        """A line that no key of the camera signed is an alarm; one of bad form is bad form."""
        alarm = custody.forged(error, detail)
        if alarm is None:
            raise MessageError(error.what)
        self._alarm(device, alarm, at_ms)

    def _alarm(self, device: str, alarm: Alarm | None, at_ms: int) -> None:
        if alarm is not None:
            self.changed.add(device)
            self.alarms.append(
                {
                    "device": device,
                    "code": alarm.code,
                    "detail": alarm.detail,
                    "said": dict(alarm.values),
                    "raised_ms": at_ms,
                }
            )

    # ---- the end ---------------------------------------------------------------------------------

    def write(self) -> frozenset[str]:
        """Write it all; the cameras that changed."""
        touched = (self.at_ms,)
        said = self.statuses
        spoke = [self.known[one] + touched + (said[one],) for one in sorted(said)]
        others = [self.known[one] + touched for one in sorted(self.changed - said.keys())]
        for statement, rows in ((_STATUS_ROWS, spoke), (_KNOWN_ROWS, others)):
            if rows:
                statement.execute(self.db, rows)
        self._write_infos()
        if self.samples:
            _SAMPLE_ROWS.execute(self.db, list(self.samples.values()))
        if self.states:
            self.db.execute(STATES.insert(), self.states)
        if self.heads_changed:
            insert = upsert(self.db, HEADS)
            new = {name: insert.excluded[name] for name in _HEAD}
            self.db.execute(
                insert.on_conflict_do_update(index_elements=["rec"], set_=new),
                list(self.heads_changed.values()),
            )
        for alarm in self.alarms:  # rare
            self.db.execute(upsert(self.db, SPELLS).values(alarm).on_conflict_do_nothing())
        return frozenset(self.changed)

    def _write_infos(self) -> None:
        """Only those that say something new: they come again at every connection."""
        for device, payload in sorted(self.infos.items()):
            new = sa.or_(CAMERAS.c.info.is_(None), CAMERAS.c.info != payload)
            changed = self.db.execute(
                CAMERAS.update()
                .where(CAMERAS.c.device == device, new)
                .values(info=payload, touched_ms=self.at_ms)
            )
            if changed.rowcount:
                self.changed.add(device)


_HEAD = ("seq", "digest", "line", "checked", "key", "at_ms")


def _line(device: str, signed: Signed) -> sa.ColumnElement[bool]:
    entry, there = signed.entry, JOURNAL.c
    return sa.and_(there.device == device, there.seq == entry.seq, there.digest == entry.digest)


def _measure(row: list[Any], at: int, value: int | None) -> None:
    """Add a value to the sum, the count, the least and the most that stand there."""
    if value is None:
        return
    row[at] += value
    row[at + 1] += 1
    least, most = row[at + 2], row[at + 3]
    if least is None or value < least:
        row[at + 2] = value
    if most is None or value > most:
        row[at + 3] = value


def _added(new: Any) -> dict[str, Any]:
    """The same in SQL: what is stored, and a row to come."""
    both: dict[str, Any] = {}
    for column in HISTORY.c:
        name = column.name
        if name in ("device", "step_s", "at_ms"):
            continue
        if name.endswith(("least", "most")) or name == "waiting":
            better = column < new[name] if name.endswith("least") else column > new[name]
            both[name] = sa.case(
                (column.is_(None), new[name]),
                (new[name].is_(None), column),
                (better, column),
                else_=new[name],
            )
        else:
            both[name] = column + new[name]
    return both
