"""What is shown of the fleet: frozen values, made by the judgement and read by the board.

Times that end in `_ms` are UTC since 1970 by the station's clock; None is for what nobody knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

ONLINE, STALE, PAUSED, DOCKED = "online", "stale", "paused", "docked"
OFFLINE, LOST, NEVER = "offline", "lost", "never"
STATES = (ONLINE, STALE, PAUSED, DOCKED, OFFLINE, LOST, NEVER)
"""`stale`: it is there by its own word, but no status for 2.5 intervals. `offline`: it said so.
`lost`: it went without a word. `never`: enrolled, and never heard of."""
CAN, CANNOT, GONE = "can", "cannot", "missing"
FITNESS = (CAN, CANNOT, GONE)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who has seen a finding, and what they say of it."""

    person: str
    note: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Finding:
    """An exception: why a camera cannot go out, or what to see to. Its row is in findings.py."""

    id: int
    """To acknowledge it by; 0 where it has not been written down yet."""
    camera: str
    code: str
    """Of `findings.FINDINGS`."""
    detail: str
    """Which one: a fault's name, a recording; empty where the code says it all."""
    severity: str
    bars: bool
    """The camera cannot go out while it lasts."""
    since_ms: int
    do: str
    """Key of what to do."""
    values: Mapping[str, str | int] = field(default_factory=dict)
    """For the texts; the code's row names them. One that nobody knows is not there."""
    acknowledged: Acknowledgement | None = None


@dataclass(frozen=True, slots=True)
class CameraRow:
    """A camera in the table and as a tile."""

    id: str
    group: str
    """Empty where it is in none."""
    state: str
    since_ms: int
    """Since when it is in this state."""
    heard_ms: int | None
    """When it last said anything."""
    fitness: str
    findings: tuple[Finding, ...]
    """The gravest first."""
    recording: bool
    battery_percent: int | None = None
    charging: bool | None = None
    lasts_minutes: int | None = None
    """How long the charge lasts, from how fast it went in the last weeks."""
    room_minutes: int | None = None
    waiting: int | None = None
    """Recordings that have not been handed over."""
    temperature_c: int | None = None
    radio_dbm: int | None = None
    clock: str = "none"
    clock_off_ms: int | None = None
    """The camera's time of day less the station's, when it was last heard."""
    model: str = ""
    software: str = ""
    interval_s: int | None = None
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """What came in and was not taken; the counts are since the start."""

    strangers: tuple[tuple[str, int, int], ...] = ()
    """Device ids that are not enrolled: id, messages, when the last came. At most 50."""
    unknown: int = 0
    """Messages of devices that are not enrolled."""
    misshapen: int = 0
    """Messages, or topics, that are not in their form."""
    repeated: int = 0
    """Messages that had been taken in before: the broker gave them again."""
    misshapen_from: tuple[tuple[str, int, int], ...] = ()
    """As `strangers`: enrolled cameras whose messages were not in their form."""
    last: str = ""
    """What was wrong with the last one."""


@dataclass(frozen=True, slots=True)
class Link:
    """How the station hears of cameras."""

    connected: bool
    since_ms: int
    why: str = ""
    """Why it is not connected, in one sentence."""
    waiting: int = 0
    """Messages that came and are not written down yet."""


@dataclass(frozen=True, slots=True)
class FleetView:
    """The morning in one look."""

    now_ms: int
    version: int
    """Rises with every change."""
    can_go_out: tuple[str, ...]
    cannot: tuple[str, ...]
    missing: tuple[str, ...]
    """Cameras by id, each in exactly one of the three."""
    exceptions: tuple[Finding, ...]
    """All findings of all cameras: the gravest first, those that were acknowledged last."""
    cameras: tuple[CameraRow, ...]
    """By id. Cameras whose key was revoked are not among them."""
    link: Link
    refused: Refused


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of a camera's time line."""

    at_ms: int
    """When the station heard of it."""
    kind: str
    """A state (`state.lost`), a kind of journal line (`journal.open`), a finding raised or cleared
    (`raised.CODE`, `cleared.CODE`), acknowledged (`acknowledged.CODE`), or a command
    (`command.locate`)."""
    detail: str = ""
    """A recording, a fault, an outcome."""
    person: str = ""
    """Who gave the command, or acknowledged."""
    note: str = ""
    historical: bool = False
    """It happened before the camera could tell."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A finding from its beginning to its end."""

    finding: Finding
    cleared_ms: int | None
    """None: it lasts."""


PENDING, ACCEPTED, DONE = "pending", "accepted", "done"
REFUSED, FAILED, TIMED_OUT = "refused", "failed", "timed-out"
OPEN_COMMANDS = (PENDING, ACCEPTED)


@dataclass(frozen=True, slots=True)
class CommandView:
    """A command and what became of it."""

    id: str
    camera: str
    name: str
    arguments: Mapping[str, int]
    person: str
    given_ms: int
    outcome: str
    """`pending`, `accepted`, `done`, `refused`, `failed` or `timed-out`."""
    outcome_ms: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest signed line that the station knows of a chain."""

    chain: str
    """`journal`, or a recording."""
    seq: int
    digest: str
    at_ms: int
    checked: bool
    """The signature was checked; a recording's own key is known only once its first line is."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known of a recording, whether or not it was handed over."""

    rec: str
    opened_ms: int | None
    """When the station heard of its beginning."""
    ended: str
    """`close`, `recovered`, `void`, `deleted`; empty where no end was heard of."""
    ended_ms: int | None
    stored_ms: int | None
    """Since when it is known to be in the store."""


@dataclass(frozen=True, slots=True)
class CameraView:
    """A camera's own page."""

    row: CameraRow
    boot: str
    session: str
    reason: str
    """What the camera said of its state."""
    policy: str
    """SHA-256."""
    key: str
    recipients: str
    config_version: int | None
    desired_version: int | None
    """Of the configuration that the station last sent."""
    dock_test: str
    dropped: int
    """Commands that the camera dropped since its start."""
    heads: tuple[Head, ...]
    recordings: tuple[Recording, ...]
    """The newest first, at most 100."""
    spells: tuple[Spell, ...]
    """Findings that last or ended, the newest first, at most 200."""
    commands: tuple[CommandView, ...]
    """The newest first, at most 50."""
    timeline: tuple[Moment, ...]
    """The newest first, at most 300."""


@dataclass(frozen=True, slots=True)
class Point:
    """A stretch of a camera's history. Where nothing was heard there is no point."""

    at_ms: int
    """Its beginning."""
    count: int
    """Status messages in it."""
    battery_percent: float | None
    """These are means; `_least` and `_most` what they were at the extremes."""
    battery_least: int | None
    room_minutes: float | None
    room_least: int | None
    temperature_c: float | None
    temperature_most: int | None
    radio_dbm: float | None
    radio_least: int | None
    waiting: int | None
    """The most that were waiting at a time."""


SPANS = ("hours", "day", "week", "month", "year")
"""3 hours and a day in minutes, a week and a month in hours, a year in days."""


@dataclass(frozen=True, slots=True)
class History:
    """A camera's battery, storage, temperature and radio over a time."""

    camera: str
    span: str
    from_ms: int
    to_ms: int
    step_s: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What a subscriber is told: look again."""

    version: int
    cameras: frozenset[str]
    """Whose rows may have changed."""
