"""What the recorder's status file says, as messages for the fleet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bodycam.errors import MessageError
from bodycam.messages.camera import RECORDER_SILENT, Status
from bodycam.messages.local import Answer

SILENT_NS = 30_000_000_000
"""A recorder that has said nothing for so long does not run; it says something every 10 s."""
MAX_ANSWERS = 16

_SEQ = re.compile(r'"seq":(\d{1,16}),"kind"')

Said = Mapping[str, object]
"""The status file, read."""

_STATES = {"paused": "paused", "docked": "docked", "off": "offline"}
"""What the recorder calls its states, and what `state` says; all others are `online`."""
_COPIED = (
    "boot",
    "at_us",
    "utc_ms",
    "clock",
    "clock_error_ms",
    "recording",
    "battery_percent",
    "charging",
    "room_minutes",
    "temperature_c",
    "config_version",
    "journal",
    "ledger",
)
_TELLING = (
    *("recording", "faults", "charging", "clock", "dock_test", "config_version"),
    "not_handed_over",
)
"""What is told at once when it changes; the rest waits for the interval."""


@dataclass(frozen=True, slots=True)
class Where:
    """What only the link knows of a status."""

    seq: int
    session: str
    dropped: int
    radio_dbm: int | None


def silent(said: Said | None, now_ns: int) -> bool:
    """Whether the recorder has not spoken for too long."""
    at_us = None if said is None else said.get("at_us")
    return not isinstance(at_us, int) or now_ns - at_us * 1000 > SILENT_NS


def state(said: Said | None, now_ns: int) -> tuple[str, str]:
    """The word of the topic `state`, and the reason."""
    if said is None or silent(said, now_ns):
        return "online", "The recorder does not answer."
    return _STATES.get(str(said.get("state")), "online"), ""


def status(said: Said, where: Where, now_ns: int) -> Status:
    """Raises MessageError where the recorder says what the contract does not allow."""
    listed = said.get("faults")
    faults = {*map(str, listed)} if isinstance(listed, list) else set()
    if silent(said, now_ns):
        faults.add(RECORDER_SILENT)
    copied = {name: said.get(name) for name in _COPIED}
    return Status(
        seq=where.seq,
        session=where.session,
        faults=tuple(sorted(faults)),
        radio_dbm=where.radio_dbm,
        dropped=where.dropped + count(said, "dropped"),
        waiting=said.get("not_handed_over"),  # type: ignore[arg-type]  # the message checks it
        dock_test=str(said.get("dock_test", "none")),
        **copied,  # type: ignore[arg-type]  # the message checks each of them
    )


def telling(said: Said, now_ns: int) -> tuple[object, ...]:
    """What is told at once when it changes."""
    return (silent(said, now_ns), *(str(said.get(name)) for name in _TELLING))


def newest_line(said: Said | None) -> int:
    """The number of the journal's newest durable line; -1 where the recorder names none."""
    found = _SEQ.search(str(said.get("journal"))) if said is not None else None
    return int(found[1]) if found else -1


def answers(said: Said) -> list[Answer]:
    """What the recorder answered last; what is not an answer is passed over."""
    listed = said.get("answers")
    found = []
    for one in listed[-MAX_ANSWERS:] if isinstance(listed, list) else []:
        try:
            found.append(Answer(**one))
        except (MessageError, TypeError):
            continue
    return found


def count(said: Said | None, name: str) -> int:
    """A number of the recorder's; 0 where it says none."""
    value = None if said is None else said.get(name)
    return value if type(value) is int and value >= 0 else 0
