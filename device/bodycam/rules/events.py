"""What the machine is told, and what it asks for in return: frozen values, nothing else.

Times are CLOCK_BOOTTIME nanoseconds. An event carries no time of its own: `step` is given the time
at which its source stamped it.
"""

from dataclasses import dataclass
from enum import Enum

from bodycam.ports import Pattern


class Button(Enum):
    """The wearer's two buttons; one is enough."""

    RECORD = "record"
    FUNCTION = "function"


class Output(Enum):
    """What can give the warning, in the order in which they are tried."""

    SPEAKER = "speaker"
    BUZZER = "buzzer"
    LIGHT = "light"


class Fault(Enum):
    """What can be wrong: a set beside the state; `rules/faults.py` says what each means."""

    CAMERA_STALLED = "camera-stalled"
    NO_ROOM = "no-room"
    CARD_FAILED = "card-failed"
    CARD_STUCK = "card-stuck"
    FOOTAGE_DROPPED = "footage-dropped"
    SOUND_LOST = "sound-lost"
    SPEAKER_DEAD = "speaker-dead"
    BUZZER_DEAD = "buzzer-dead"
    LIGHT_DEAD = "light-dead"
    WARNING_FAILED = "warning-failed"
    BUTTON_STUCK = "button-stuck"
    CLOCK_UNSYNCHRONISED = "clock-unsynchronised"
    BATTERY_LOW = "battery-low"
    BATTERY_CRITICAL = "battery-critical"
    ROOM_LOW = "room-low"
    ROOM_VERY_LOW = "room-very-low"
    BUTTON_BROKEN = "button-broken"
    GAUGE_DEAD = "gauge-dead"
    POWER_WEAK = "power-weak"
    TOO_HOT = "too-hot"
    CARD_WORN = "card-worn"
    CARD_RESTORED = "card-restored"
    CLOCK_DEAD = "clock-dead"
    CLOCK_STEPPED = "clock-stepped"
    MEMORY_DEAD = "memory-dead"
    LENS_COVERED = "lens-covered"
    LENS_DARK = "lens-dark"
    LENS_UPSIDE_DOWN = "lens-upside-down"


# ---- what comes in -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edge:
    """A raw edge of a button's contact, bounces and all."""

    button: Button
    closed: bool


@dataclass(frozen=True, slots=True)
class WarningStarted:
    """An output acknowledges that the warning is really being played."""

    output: Output
    token: int


@dataclass(frozen=True, slots=True)
class WarningEnded:
    """An output has played the warning, spoken text included, to its end."""

    output: Output
    token: int


@dataclass(frozen=True, slots=True)
class WarningFailed:
    """An output cannot give the warning."""

    output: Output
    token: int


@dataclass(frozen=True, slots=True)
class FaultRaised:
    """Something has gone wrong."""

    fault: Fault
    since_ns: int | None = None
    """Since when, where that is known to be earlier."""


@dataclass(frozen=True, slots=True)
class FaultCleared:
    """It is well again."""

    fault: Fault
    until_ns: int | None = None
    """Until when it was not, where that is known to be earlier."""


@dataclass(frozen=True, slots=True)
class Docked:
    """The camera has been put into its dock, or taken out."""

    docked: bool


@dataclass(frozen=True, slots=True)
class Battery:
    """Charge left."""

    percent: int


@dataclass(frozen=True, slots=True)
class Room:
    """Minutes of footage that still fit on the card."""

    minutes: int


@dataclass(frozen=True, slots=True)
class FootageDropped:
    """The budget was spent and a complete GOP was dropped: a gap from `from_ns` to `to_ns`.

    It may also have been one of the ring; the rules tell what matters.
    """

    from_ns: int
    to_ns: int
    pictures: int


@dataclass(frozen=True, slots=True)
class PicturesMissed:
    """The camera delivered none from `from_ns` to `to_ns`, and does so again."""

    from_ns: int
    to_ns: int


class Why(Enum):
    """Why a recording ended without a stop."""

    FULL = "full"
    ERROR = "error"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class RecordingBroke:
    """The writer could not go on with a recording; what was not durable is back in the queue."""

    why: Why
    warned: "Warned"
    """With what it had been opened."""


@dataclass(frozen=True, slots=True)
class RecordingSaved:
    """The writer closed a recording after its stop: every object and the signature are durable."""

    rec: str


@dataclass(frozen=True, slots=True)
class ShutDown:
    """The power button, or the system, asks the camera to go off."""

    reason: str


Event = (
    Edge
    | WarningStarted
    | WarningEnded
    | WarningFailed
    | FaultRaised
    | FaultCleared
    | Docked
    | Battery
    | Room
    | FootageDropped
    | PicturesMissed
    | RecordingBroke
    | RecordingSaved
    | ShutDown
)


# ---- what goes out -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stamp:
    """An output and when it did something."""

    output: Output
    at_ns: int


class How(Enum):
    """How a recording came about, as the evidence says it."""

    WARNED = "warned"
    """The lead time passed after an output acknowledged the warning."""
    AGAIN = "again"
    """A second press during the warning."""
    HELD = "held"
    """The button was held: warning and recording began together."""
    LINKED = "linked"
    """A press shortly after a stop: warning and recording began together."""
    UNHEARD = "unheard"
    """No output could give the warning."""
    CONTINUED = "continued"
    """An earlier recording goes on in this one, after a write error or a change of the stream."""


@dataclass(frozen=True, slots=True)
class Warned:
    """The right to open a recording. Only `rules/keeping.py` makes one; a test holds that."""

    how: How
    pressed_ns: int
    recording_ns: int
    """When the warning became a recording."""
    given_ns: int | None
    """When the warning had been given: lead time after the first acknowledgement."""
    asked: tuple[Stamp, ...]
    """Outputs that had been told to give it."""
    started: tuple[Stamp, ...]
    """Outputs that had acknowledged it by then."""
    failed: tuple[Stamp, ...]
    """Outputs that were dead or did not answer in time."""
    pre_record_ns: int
    """How much from before the press is to be kept; 0 after a pause and in the dock."""

    @property
    def linked(self) -> bool:
        """Whether the recording belongs to the one before it."""
        return self.how in (How.LINKED, How.CONTINUED)


@dataclass(frozen=True, slots=True)
class Pin:
    """Let nothing after `from_ns` fall out of the ring."""

    from_ns: int


@dataclass(frozen=True, slots=True)
class Unpin:
    """Nothing will be kept: the ring turns over again."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a recording with what is pinned and all that follows.

    How.CONTINUED: with what is left of one that broke, up to the end that was set for it.
    """

    warned: Warned


@dataclass(frozen=True, slots=True)
class Until:
    """The recording ends with the last picture at or before `at_ns`; None: it goes on."""

    at_ns: int | None


@dataclass(frozen=True, slots=True)
class ForceKeyframe:
    """Make the next picture a keyframe."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Stop the camera and wipe the ring."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Start the camera."""


@dataclass(frozen=True, slots=True)
class RestartCamera:
    """Rebuild a camera that fell silent."""


@dataclass(frozen=True, slots=True)
class Warn:
    """Give the warning on one output."""

    output: Output
    token: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hush:
    """End a warning that is still playing."""


@dataclass(frozen=True, slots=True)
class Light:
    """What the public light shows from now on."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Vibrate:
    """What the wearer feels."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Say:
    """Speak, at the dock only."""

    text: str


Details = tuple[tuple[str, str | int], ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Into the evidence of the recording that is open."""

    kind: str
    at_ns: int
    details: Details = ()


@dataclass(frozen=True, slots=True)
class Log:
    """Into the camera's journal."""

    kind: str
    at_ns: int
    details: Details = ()


@dataclass(frozen=True, slots=True)
class PowerOff:
    """Close everything, then go off."""

    reason: str


Effect = (
    Pin
    | Unpin
    | Begin
    | Until
    | ForceKeyframe
    | Sleep
    | Wake
    | RestartCamera
    | Warn
    | Hush
    | Light
    | Vibrate
    | Say
    | Note
    | Log
    | PowerOff
)
