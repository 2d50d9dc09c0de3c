"""What the rules remember: states, triggers, timers and the model, all immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from bodycam.ports import Pattern
from bodycam.rules import cues
from bodycam.rules.contacts import Contact
from bodycam.rules.events import Fault, Output, Stamp, Warned
from bodycam.rules.faults import FAULTS
from bodycam.rules.policy import Policy


class State(Enum):
    """What the camera is doing for the wearer."""

    STANDBY = "standby"
    """The ring fills; nothing is kept."""
    WARNING = "warning"
    """The warning is being given; recording follows."""
    WARN_ONLY = "warn only"
    """The warning is being given; nothing follows."""
    RECORDING = "recording"
    STOPPING = "stopping"
    """Stopped by the wearer; what follows within post_record is still kept."""
    AFTER = "after"
    """Within 30 s of a stop: as standby, but a press records at once."""
    BLOCKED = "blocked"
    """To be recorded, but the card takes nothing: footage is held in memory."""
    PAUSED = "paused"
    """Privacy pause: the camera sleeps and the ring is empty."""
    DOCKED = "docked"
    """In the dock: the camera sleeps and the ring is empty."""
    OFF = "off"
    """Closing down; nothing is taken any more."""


class Trigger(Enum):
    """What the table is asked: events and deadlines after contacts have been judged."""

    PRESS = "RECORD pressed"
    HOLD = "RECORD held 1 s"
    BUZZ = "RECORD held 3 s"
    TAP = "RECORD released within 1 s"
    STOP = "RECORD released after 3 to 6 s"
    FN_TAP = "FUNCTION released"
    FN_HOLD_1 = "FUNCTION held 1 s"
    FN_HOLD_3 = "FUNCTION held 3 s"
    GIVEN = "warning given"
    WARNING_OVER = "warning over"
    UNTIL = "post-record over"
    AFTER_OVER = "30 s after the stop"
    PAUSE_OVER = "pause over"
    REMIND = "reminder due"
    DOCK = "put into the dock"
    UNDOCK = "taken out of the dock"
    BARRED = "the card takes nothing"
    UNBARRED = "the card takes footage again"
    SHUT_DOWN = "closing down"


class Timer(Enum):
    """Deadlines of the model."""

    ACKNOWLEDGE = "acknowledge"
    GIVEN = "given"
    WARNING_OVER = "warning over"
    UNTIL = "until"
    AFTER_OVER = "after over"
    PAUSE_OVER = "pause over"
    REMIND = "remind"
    CAMERA_RETRY = "camera retry"


@dataclass(frozen=True, slots=True)
class Warning:
    """The warning that is being given, or was given for the recording that is open."""

    token: int
    pressed_ns: int
    pre_record_ns: int
    texts: tuple[str, ...]
    untried: tuple[Output, ...]
    asked: tuple[Stamp, ...] = ()
    started: tuple[Stamp, ...] = ()
    failed: tuple[Stamp, ...] = ()
    given_ns: int | None = None
    speaking: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """Everything the rules remember. Immutable; `step` makes the next one."""

    policy: Policy
    state: State
    now_ns: int
    outputs: tuple[Output, ...] = tuple(Output)
    """What is fitted, in the order in which it is tried."""
    docked: bool = False
    faults: frozenset[Fault] = frozenset()
    record: Contact | None = None
    function: Contact | None = None
    warning: Warning | None = None
    timers: Mapping[Timer, int] = field(default_factory=lambda: MappingProxyType({}))
    waiting: tuple[Warned, ...] = ()
    """Recordings that begin, or go on, as soon as the card takes them."""
    until_ns: int | None = None
    full_memory: bool = False
    """While BLOCKED: the budget is spent, nothing more is held."""
    tokens: int = 0
    spoken_ns: int | None = None
    marked_ns: int | None = None
    dropped_ns: int | None = None
    breaks_ns: tuple[int, ...] = ()
    released_ns: int = 0
    battery_percent: int = 100
    room_minutes: int = 480

    @property
    def keeping(self) -> bool:
        """Whether what the camera sees now is being kept: what the public light says."""
        return self.state in (State.RECORDING, State.STOPPING) or (
            self.state is State.BLOCKED and not self.full_memory
        )

    @property
    def barred(self) -> bool:
        """Whether a fault keeps footage off the card."""
        return any(FAULTS[fault].bars for fault in self.faults)

    @property
    def blind(self) -> bool:
        """Whether no picture arrives."""
        return any(FAULTS[fault].blind for fault in self.faults)


def light(model: Model) -> Pattern:
    """What the public light shows: recording if and only if footage is being kept."""
    if model.keeping:
        name = "recording"
    elif model.state in (State.WARNING, State.WARN_ONLY):
        name = "warning"
    elif model.state is State.OFF:
        return cues.OFF
    elif model.state is State.PAUSED:
        name = "paused"
    elif any(FAULTS[fault].amber for fault in model.faults):
        name = "fault"
    elif model.state is State.DOCKED:
        name = "docked"
    else:
        name = "standby"
    return cues.LIGHTS[name]
