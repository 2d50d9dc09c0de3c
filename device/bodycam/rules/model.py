"""What the rules remember: states, triggers, timers and the model, all immutable."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from bodycam.ports import Pattern
from bodycam.rules import contacts
from bodycam.rules.contacts import Contact
from bodycam.rules.cues import LIGHTS
from bodycam.rules.events import Button, Fault, FootageDropped, Output, Stamp, Warned
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
    """Footage goes onto the card."""
    STOPPING = "stopping"
    """Stopped by the wearer; what follows within post_record is still kept."""
    AFTER = "after"
    """Within 30 s of a stop: as standby, but a press records at once."""
    BLOCKED = "blocked"
    """To be recorded, but the card takes nothing: footage is held in memory as far as it goes."""
    PAUSED = "paused"
    """Privacy pause: the camera sleeps and the ring is empty."""
    DOCKED = "docked"
    """In the dock: the camera sleeps and the ring is empty."""
    OFF = "off"
    """Closing down; nobody is listened to any more, but what was kept is still being written."""


KEEPS = frozenset({State.RECORDING, State.STOPPING, State.BLOCKED})
"""Where footage is being kept."""
WARNED = KEEPS | {State.WARNING, State.WARN_ONLY}
"""Where a warning may still be under way."""
ASLEEP = frozenset({State.PAUSED, State.DOCKED})
"""Where the camera sees and hears nothing."""


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
    GAP = "gap"
    CAMERA_RETRY = "camera retry"


@dataclass(frozen=True, slots=True)
class WarningCourse:
    """The warning that is being given, or was given for what is being recorded."""

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
    """The speaker has begun with the texts, and not ended."""


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
    warning: WarningCourse | None = None
    """Only in the states of WARNED."""
    timers: Mapping[Timer, int] = field(default_factory=lambda: MappingProxyType({}))
    begun: bool = False
    """What is being kept has an opened recording: notes have a place. Only in those of KEEPS."""
    waiting: tuple[Warned, ...] = ()
    """Recordings that begin, or go on, as soon as the card takes them."""
    full_memory: bool = False
    """The card takes nothing and the budget is spent: what the camera sees now is lost."""
    gap: FootageDropped | None = None
    """Footage that was dropped and has not yet been logged and noted, taken together."""
    blind_ns: int | None = None
    """Since when no picture arrives; None while they do."""
    until_ns: int | None = None
    released_ns: int = 0
    """When the contact that stopped the last recording was released."""
    marked_ns: int | None = None
    tokens: int = 0
    spoken_ns: int | None = None
    breaks_ns: tuple[int, ...] = ()
    """The last times at which the card refused a recording."""
    battery_percent: int = 100
    room_minutes: int = 480

    @property
    def keeping(self) -> bool:
        """Whether what the camera sees now is being kept: what the public light says."""
        return self.state in KEEPS and not self.full_memory

    @property
    def barred(self) -> bool:
        """Whether a fault keeps footage off the card."""
        return any(FAULTS[fault].bars for fault in self.faults)

    @property
    def blind(self) -> bool:
        """Whether no picture arrives."""
        return any(FAULTS[fault].blind for fault in self.faults)

    @property
    def due_ns(self) -> int | None:
        """When the model is to be stepped even if nothing happens; never before its own time."""
        when = [*self.timers.values()]
        when += [
            due for button in Button if (due := contacts.due_ns(self.contact(button))) is not None
        ]
        return max(min(when), self.now_ns) if when else None

    def contact(self, button: Button) -> Contact | None:
        """The contact that a button makes now."""
        return self.record if button is Button.RECORD else self.function


_SHOWS: dict[str, Callable[[Model], bool]] = {
    "off": lambda model: model.state is State.OFF,
    "recording": lambda model: model.keeping,
    "warning": lambda model: model.state in (State.WARNING, State.WARN_ONLY),
    "paused": lambda model: model.state is State.PAUSED,
    "fault": lambda model: any(FAULTS[fault].amber for fault in model.faults),
    "locate": lambda _: False,  # not of the model: see `light`
    "docked": lambda model: model.state is State.DOCKED,
    "standby": lambda _: True,
}


def light(model: Model, *, locating: bool = False) -> Pattern:
    """What the public light shows: recording if and only if footage is being kept.

    `locating`: somebody looks for the camera, which no rule knows of.
    """
    return next(
        row.pattern
        for name, row in LIGHTS.items()
        if _SHOWS[name](model) or (locating and name == "locate")
    )
