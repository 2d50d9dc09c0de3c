"""What is known of a camera, and how each message changes it. Pure: the time is passed in.

A message may come again (the station stopped before it acknowledged) and may come late (the broker
kept it): a session's numbers only rise, and a session that was replaced stays replaced. So taking a
message twice is taking it once.
"""

from dataclasses import dataclass
from typing import NamedTuple

from bodycam.messages.camera import State, Status
from bodycam_station.fleet.views import LOST, NEVER, OFFLINE, ONLINE

_SESSIONS_KEPT = 4
"""Older ones are forgotten: the broker keeps nothing for so long."""
_LONGEST_STRETCH_MS = 15 * 60_000
"""Battery is compared between two statuses at most so far apart."""


class Known(NamedTuple):
    """A camera as it is written down. `_ms` is UTC since 1970, by the station's clock.

    A tuple, because it is a row of the database: read, changed and written ten thousand times a
    second, where a dataclass takes three times as long.
    """

    device: str
    state: str = NEVER
    """As the camera or its will said; whether it is stale is judged when somebody looks."""
    state_ms: int = 0
    before: str = NEVER
    """The state before: a loss shows only once it is sure that nobody took over."""
    reason: str = ""
    session: str = ""
    """The newest."""
    boot: str = ""
    sessions: str = ""
    """The newest sessions, each with the number of its last status: `s1 42 s2 -1`. The newest is
    the last."""
    heard_ms: int | None = None
    status_ms: int | None = None
    battery_percent: int | None = None
    charging: bool | None = None
    clock_off_ms: int | None = None
    waiting_since_ms: int | None = None
    epoch: int = 0
    """Rises with every custody alarm: lines of another epoch belong to another history."""
    journal_seq: int = -1
    """Of the newest line that a status carried."""
    journal_digest: str = ""
    journal_ms: int | None = None


@dataclass(slots=True)
class Sample:
    """What a status adds to a camera's history."""

    at_ms: int
    battery_percent: int | None
    room_minutes: int | None
    temperature_c: int | None
    radio_dbm: int | None
    waiting: int | None
    """None: the camera has not looked at its card."""
    drained_percent: int = 0
    """How much charge went since the status before, while nothing charged it."""
    drained_ms: int = 0
    """In how much time."""


def sessions_of(known: Known) -> dict[str, int]:
    """The newest sessions and the numbers of their last statuses, the newest last."""
    words = known.sessions.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


def _sessions(found: dict[str, int]) -> str:
    newest = list(found.items())[-_SESSIONS_KEPT:]
    return " ".join(f"{session} {seq}" for session, seq in newest)


def take_state(known: Known, said: State, at_ms: int, *, retained: bool = False) -> Known:
    """The camera after what it, or its will, said of itself; the same where that is old news.

    A loss of another session than the newest is the will of a connection that was replaced.
    """
    sessions = sessions_of(known)
    replaced = said.session in sessions and said.session != known.session
    if replaced or (said.state == LOST and known.session not in ("", said.session)):
        return known
    sessions[said.session] = sessions.pop(said.session, -1)
    heard_ms = known.heard_ms
    # What the broker kept is no sign of life now, and a will is none of the camera's.
    if said.state != LOST and (heard_ms is None or not retained):
        heard_ms = at_ms
    changed = said.state != known.state
    return known._replace(
        state=said.state,
        state_ms=at_ms if changed else known.state_ms,
        before=known.state if changed else known.before,
        reason=said.reason,
        session=said.session,
        boot=said.boot,
        sessions=_sessions(sessions),
        heard_ms=heard_ms,
    )


def is_news(known: Known, said: Status) -> bool:
    """Whether a status is newer than all that were taken in."""
    if said.session == known.session:
        return said.seq > int(known.sessions.rpartition(" ")[2])
    return said.session not in sessions_of(known)


def take_status(
    known: Known,
    said: Status,
    at_ms: int,
    *,
    retained: bool = False,
    timely: bool = True,
) -> tuple[Known, Sample]:
    """The camera after a status that is news, and what goes into its history.

    One that is not `timely` was waiting in the broker: its clock cannot be held against ours.
    """
    state, state_ms, before, session = known.state, known.state_ms, known.before, known.session
    if said.session != session and (not retained or session == ""):
        session = said.session
        if state in (LOST, OFFLINE, NEVER):  # its word that it is there has not come, or was lost
            state, state_ms, before = ONLINE, at_ms, state
    if said.session == known.session:
        sessions = f"{known.sessions.rpartition(' ')[0]} {said.seq}"
    else:
        found = sessions_of(known)
        found[said.session] = said.seq
        found[session] = found.pop(session, -1)
        sessions = _sessions(found)
    # What a camera does not know ends nothing.
    waiting_since_ms = known.waiting_since_ms if said.waiting != 0 else None
    if said.waiting and waiting_since_ms is None:
        waiting_since_ms = at_ms
    taken = known._replace(
        state=state,
        state_ms=state_ms,
        before=before,
        session=session,
        boot=said.boot,
        sessions=sessions,
        heard_ms=known.heard_ms if retained and known.heard_ms is not None else at_ms,
        status_ms=at_ms,
        battery_percent=said.battery_percent,
        charging=said.charging,
        clock_off_ms=said.utc_ms - at_ms if timely and not retained else known.clock_off_ms,
        waiting_since_ms=waiting_since_ms,
    )
    return taken, _sample(known, said, at_ms)


def _sample(known: Known, said: Status, at_ms: int) -> Sample:
    drained_percent = drained_ms = 0
    before_ms, before = known.status_ms, known.battery_percent
    if (
        before_ms is not None
        and before is not None
        and said.battery_percent is not None
        and known.charging is False
        and said.charging is False
        and 0 < at_ms - before_ms <= _LONGEST_STRETCH_MS
    ):
        drained_percent = max(0, before - said.battery_percent)
        drained_ms = at_ms - before_ms
    return Sample(
        at_ms=at_ms,
        battery_percent=said.battery_percent,
        room_minutes=said.room_minutes,
        temperature_c=said.temperature_c,
        radio_dbm=said.radio_dbm,
        waiting=said.waiting,
        drained_percent=drained_percent,
        drained_ms=drained_ms,
    )
