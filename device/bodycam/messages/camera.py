"""What a camera says: one class a topic. Times: `_us` boottime, `_ms` UTC since 1970."""

from dataclasses import dataclass
from typing import ClassVar

from bodycam.messages.forms import Choice, Flag, Maybe, Message, Number, Text, Words, said

ID = Text(r"[a-z0-9-]{1,64}", 64)
"""Of a camera, a boot, a session, a command."""
HASH = Text(r"[0-9a-f]{64}", 64)
REC = Text(r"[a-z0-9-]{1,64}-[0-9]{6,}-[0-9a-f]{8}", 96)
FAULT = Text(r"[a-z][a-z0-9-]{0,31}", 32)
"""By its name in docs/faults.md."""
RECORDER_SILENT = "recorder-silent"
"""The one fault that the link itself finds: the recorder beside it says nothing any more."""
SENTENCE = Text(r"[ -~]*", 200)
LINE = Text(r"(?:\{[ -~]*\})?", 8192)
"""A signed line of docs/format.md without its newline; empty where there is none."""
BOOTTIME_US = Number(0, 2**53 - 1)
UTC_MS = Number(0, 2**53 - 1)
COUNT = Number(0, 2**53 - 1)
STATES = ("online", "paused", "docked", "offline", "lost")
CLOCKS = ("ntp", "rtc", "station", "none")
OUTCOMES = ("accepted", "done", "refused", "failed")


@dataclass(frozen=True, slots=True)
class State(Message):
    """Whether a camera is there. Its will says `lost`, with the same boot and session.

    A `lost` of another session than the newest is ignored: it is the will of a connection that
    another one of the same camera has replaced.
    """

    state: str = said(Choice(STATES))
    boot: str = said(ID)
    session: str = said(ID)
    """Of this connection; another for each."""
    reason: str = said(SENTENCE, "")


@dataclass(frozen=True, slots=True)
class Info(Message):
    """What a camera is: said at each connection and when it changes."""

    MAX_BYTES: ClassVar[int] = 4096

    model: str = said(SENTENCE)
    software: str = said(Text(r"[0-9A-Za-z.+-]{1,64}", 64))
    """Its version."""
    capabilities: tuple[str, ...] = said(Words(FAULT, 32))
    """What is fitted, and which commands it takes."""
    interval_s: int = said(Number(1, 3600))
    """Status comes at least so often."""
    policy: str = said(HASH)
    """SHA-256 of the policy file."""
    key: str = said(HASH)
    """SHA-256 of the device key as OpenSSH encodes it: in hexadecimal what `ssh-keygen -l` says."""
    recipients: str = said(HASH)
    """SHA-256 of the recipients, sorted and joined by a space, as in line 0 of a ledger."""


@dataclass(frozen=True, slots=True)
class Status(Message):
    """How a camera is, now. Not queued: after a time without network only the newest is said."""

    MAX_BYTES: ClassVar[int] = 24 * 1024

    seq: int = said(COUNT)
    """Counts within the session."""
    session: str = said(ID)
    boot: str = said(ID)
    at_us: int = said(BOOTTIME_US)
    utc_ms: int = said(UTC_MS)
    clock: str = said(Choice(CLOCKS))
    """Where `utc_ms` comes from."""
    clock_error_ms: int | None = said(Maybe(COUNT))
    recording: bool = said(Flag())
    faults: tuple[str, ...] = said(Words(FAULT, 48))
    battery_percent: int | None = said(Maybe(Number(0, 100)))
    charging: bool | None = said(Maybe(Flag()))
    room_minutes: int | None = said(Maybe(COUNT))
    """Of footage, that still fit on the card."""
    waiting: int | None = said(Maybe(COUNT))
    """Recordings on the card that no station has signed for; null until it has been looked at."""
    temperature_c: int | None = said(Maybe(Number(-60, 200)))
    radio_dbm: int | None = said(Maybe(Number(-120, 0)))
    dock_test: str = said(Choice(("none", "passed", "failed")))
    """In the dock, after 20 s: whether no fault stands that would keep it from recording or warning
    as it should. `none` before that, and out of the dock."""
    config_version: int = said(COUNT)
    """Of the configuration that is in force; 0: as enrolled."""
    dropped: int = said(COUNT)
    """Commands that were dropped since boot: late, repeated, retained or not well formed."""
    journal: str = said(LINE)
    """The newest line of the journal."""
    ledger: str = said(LINE)
    """The newest line of the recording that is open; empty where none is."""


@dataclass(frozen=True, slots=True)
class Event(Message):
    """A line of the camera's journal, once. What is sealed in it only the station can open."""

    MAX_BYTES: ClassVar[int] = 20 * 1024

    id: str = said(HASH)
    """The line's digest."""
    seq: int = said(COUNT)
    """The line's number."""
    historical: bool = said(Flag())
    """It was written before this connection began."""
    line: str = said(LINE)


@dataclass(frozen=True, slots=True)
class Result(Message):
    """What became of a command. `accepted` is followed by one of the others."""

    command: str = said(Text(r"[a-z]{1,32}", 32))
    outcome: str = said(Choice(OUTCOMES))
    why: str = said(SENTENCE, "")


EVENT_KINDS = frozenset(
    {
        *("boot", "shutdown", "config", "journal-cut"),
        *("open", "close", "recovered", "void", "damaged", "receipt", "deleted"),
        *("fault", "fault-cleared", "gap", "broke", "unsaved"),
    }
)
"""Kinds of journal lines that become events: never `act`, which is what the wearer did."""
