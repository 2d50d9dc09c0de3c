"""The witness: does what a camera shows now continue what it showed before? Pure.

A card that was rolled back, swapped or rewritten shows another newest line than the one that the
station remembers. A recording that was begun and is nowhere shows as a gap.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from bodycam.errors import EvidenceError, LineError, SignatureError
from bodycam.evidence.journal import Entry, JournalReader
from bodycam.evidence.keys import PublicKey
from bodycam.evidence.ledger import DOM as LEDGER_DOM
from bodycam.evidence.ledger import REC_ID, parse_rec
from bodycam.evidence.lines import Line, unbase64
from bodycam_station.fleet.findings import (
    FORGED,
    FORK,
    GAP_GONE,
    GAP_NUMBER,
    GAP_OPEN,
    ROLLBACK,
)
from bodycam_station.fleet.known import Known

MAX_GAPS = 20
"""Of one camera and kind: more say nothing new."""
ENDS = ("close", "recovered", "void", "damaged", "deleted")
"""Kinds of journal lines after which nothing is added to a recording."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A custody finding."""

    code: str
    detail: str = ""
    values: Mapping[str, str | int] = field(default_factory=dict)


# ---- lines ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signed:
    """A journal line that the camera signed."""

    entry: Entry
    prev: str


def read_journal_line(text: str, device: str, keys: Sequence[PublicKey]) -> Signed:
    """A line of the camera's journal that stands for itself.

    Raises LineError where it is not one, and SignatureError where no key of `keys` signed it.
    """
    raw = text.encode("ascii")
    fields = Line.parse(raw).fields
    seq, prev = fields.get("seq"), fields.get("prev")
    if not isinstance(seq, int):
        raise LineError("It has no number.")
    for key in keys:
        try:
            entry = JournalReader(device, key, seq=seq, prev=str(prev)).take(raw)
        except SignatureError:
            continue
        return Signed(entry, str(prev))
    raise SignatureError("A signature does not hold.")


@dataclass(frozen=True, slots=True)
class Ledger:
    """The newest line of a recording, as the station knows it."""

    rec: str
    seq: int
    digest: str
    line: str
    checked: bool
    """The signature was checked. Only line 0 says by which key a recording is signed."""
    key: str = ""
    """The recording's own key, base64, where line 0 was seen."""
    at_ms: int = 0


def read_ledger_line(
    text: str, device: str, keys: Sequence[PublicKey], own_key: str, at_ms: int
) -> Ledger:
    """A line of one of the camera's recordings; raises LineError or SignatureError."""
    line = Line.parse(text.encode("ascii"))
    fields = line.fields
    rec, seq, kind = fields.get("rec"), fields.get("seq"), fields.get("kind")
    if fields.get("dom") != LEDGER_DOM or not isinstance(rec, str) or not isinstance(seq, int):
        raise LineError("It is not a line of a ledger.")
    if not REC_ID.fullmatch(rec) or parse_rec(rec).device != device:
        raise LineError("It is of another camera's recording.")
    checked = False
    if kind in ("open", "recovered"):
        _signed_by_any(line, keys)
        checked = True
        if kind == "open":
            own_key = str(fields.get("key", ""))
    elif own_key:
        line.verify(PublicKey("ed25519", unbase64(own_key)))
        checked = True
    return Ledger(rec, seq, line.digest, text, checked, own_key, at_ms)


def _signed_by_any(line: Line, keys: Sequence[PublicKey]) -> None:
    for key in keys:
        try:
            line.verify(key)
        except SignatureError:
            continue
        return
    raise SignatureError("A signature does not hold.")


# ---- does it go on? ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stored:
    """A journal line that came as an event."""

    digest: str
    prev: str
    epoch: int


Around = Mapping[int, Sequence[Stored]]
"""The stored lines of some numbers: of one number there may be several, from several histories."""


def newest_line(
    known: Known, signed: Signed, stored: Around, at_ms: int
) -> tuple[Known, Alarm | None]:
    """The camera after a status with another newest line than before; what is wrong with it.

    `stored` has the camera's lines around it. Statuses are made one after the other, so
    the number only rises; events may have been ahead of it.
    """
    entry = signed.entry
    alarm = None
    if entry.seq < known.journal_seq:
        alarm = Alarm(ROLLBACK, "", {"seq": entry.seq, "known": known.journal_seq})
    elif _contradicts(known, signed, stored):
        alarm = Alarm(FORK, "", {"seq": entry.seq})
    return _on(known, entry, at_ms, alarm), alarm


def earlier_line(
    known: Known, signed: Signed, stored: Around, at_ms: int
) -> tuple[Known, Alarm | None]:
    """The same for a line that came as an event, and is not stored yet. It may be of any age."""
    if not _contradicts(known, signed, stored):
        return known, None
    alarm = Alarm(FORK, "", {"seq": signed.entry.seq})
    return _on(known, signed.entry, at_ms, alarm), alarm


def _on(known: Known, entry: Entry, at_ms: int, alarm: Alarm | None) -> Known:
    """From here on the camera is held to this line, also after an alarm: each is told once."""
    return known._replace(
        epoch=known.epoch + (alarm is not None),
        journal_seq=entry.seq,
        journal_digest=entry.digest,
        journal_ms=at_ms,
    )


def _contradicts(known: Known, signed: Signed, stored: Around) -> bool:
    """Whether the line cannot be of the same history as the newest line and its neighbours."""
    entry = signed.entry
    if known.journal_digest and (
        (entry.seq == known.journal_seq and entry.digest != known.journal_digest)
        or (entry.seq == known.journal_seq + 1 and signed.prev != known.journal_digest)
    ):
        return True
    here, before, after = (stored.get(entry.seq + step, ()) for step in (0, -1, 1))
    now = known.epoch
    if any(one.epoch == now and one.digest != entry.digest for one in here):
        return True
    if any(one.epoch == now and one.digest != signed.prev for one in before):
        return True
    if any(one.epoch == now and one.prev != entry.digest for one in after):
        return True
    # A history that was left behind has come back: the card that was taken out. Just after an
    # alarm the newest line is the one that was alarmed, and that may well follow the old ones.
    back = any(one.epoch != now and one.digest == entry.digest for one in here) or any(
        one.epoch != now and one.digest == signed.prev for one in before
    )
    return back and entry.digest != known.journal_digest


def ledger_line(known: Ledger | None, new: Ledger) -> tuple[Ledger, Alarm | None]:
    """A recording's newest line from now on, and what is wrong with the new one.

    A line that was seen is never given up for an older one, for another of its number, or for one
    that nobody could check: what the station can prove would go with it.
    """
    if known is None:
        return new, None
    if new.key and not known.checked:  # line 0 has come after it
        try:
            Line.parse(known.line.encode("ascii")).verify(PublicKey("ed25519", unbase64(new.key)))
        except SignatureError:
            return new, Alarm(FORGED, new.rec, {"seq": known.seq})
        known = replace(known, checked=True, key=new.key)
    if new.seq < known.seq:
        return known, Alarm(ROLLBACK, new.rec, {"seq": new.seq, "known": known.seq})
    if new.seq == known.seq:
        return known, Alarm(FORK, new.rec, {"seq": new.seq}) if new.digest != known.digest else None
    if known.checked and not new.checked:  # it was ended, and nothing follows that
        return known, Alarm(FORGED, new.rec, {"seq": new.seq})
    return new, None


def forged(error: EvidenceError, detail: str = "") -> Alarm | None:
    """The alarm about a line that could not be read: None where it is only not well formed."""
    return Alarm(FORGED, detail) if isinstance(error, SignatureError) else None


# ---- gaps ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of a recording, for the gaps."""

    rec: str
    counter: int
    opened_ms: int | None
    ended: str
    """The kind of journal line that ended it; empty where none was heard of."""
    ended_ms: int | None
    stored_ms: int | None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a gap is given to close by itself."""

    open_ms: int = 15 * 60_000
    """From the first status that says nothing is being recorded; a camera recovers at its start."""
    number_ms: int = 60 * 60_000
    gone_ms: int = 10 * 60_000


def gaps(
    recordings: Iterable[Heard],
    *,
    recording: bool,
    waiting: int | None,
    status_ms: int | None,
    now_ms: int,
    patience: Patience | None = None,
) -> list[Alarm]:
    """What of a camera's recordings is nowhere. `status_ms` is when the newest status came.

    `recording` and `waiting` are what that status said; None: the camera did not know.
    """
    wait = patience or Patience()
    known = list(recordings)
    found: list[Alarm] = []
    for one in sorted(known, key=lambda heard: heard.counter):
        if one.stored_ms is not None or one.ended == "void":
            continue
        at_ms = one.ended_ms or one.opened_ms or 0
        later_ms = (status_ms or 0) - at_ms
        unended = one.ended == "" and not recording and later_ms > wait.open_ms
        vanished = one.ended in ENDS and (
            one.ended == "deleted" or (waiting == 0 and later_ms > wait.gone_ms)
        )
        if unended:
            found.append(Alarm(GAP_OPEN, one.rec, {"rec": one.rec}))
        if vanished:
            found.append(Alarm(GAP_GONE, one.rec, {"rec": one.rec}))
    numbers = {one.counter for one in known}
    # In the order in which they were begun: on another card a camera may count from 1 again.
    begun = sorted((one for one in known if one.opened_ms is not None), key=_begun)
    for one, after in pairwise(begun):
        if now_ms - (after.opened_ms or 0) > wait.number_ms:
            unheard = range(one.counter + 1, min(after.counter, one.counter + 1 + MAX_GAPS))
            found += [
                Alarm(GAP_NUMBER, str(number), {"number": number})
                for number in unheard
                if number not in numbers
            ]
    return _bounded(found)


def _begun(one: Heard) -> tuple[int, int]:
    return one.opened_ms or 0, one.counter


def oldest_unstored_ms(recordings: Iterable[Heard]) -> int | None:
    """When the oldest whole recording ended that nobody has yet; None where there is none."""
    times = [
        one.ended_ms
        for one in recordings
        if one.stored_ms is None and one.ended in ("close", "recovered") and one.ended_ms
    ]
    return min(times, default=None)


def _bounded(alarms: list[Alarm]) -> list[Alarm]:
    kept: list[Alarm] = []
    counts: dict[str, int] = {}
    for alarm in alarms:
        counts[alarm.code] = counts.get(alarm.code, 0) + 1
        if counts[alarm.code] <= MAX_GAPS:
            kept.append(alarm)
    return kept
