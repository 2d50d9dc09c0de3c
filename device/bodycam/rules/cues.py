"""What the wearer and the public see, hear and feel: one table each, and who wins.

Public lights differ in pattern, not only in colour. The wearer's cues are felt, because a voice
from the chest talks over the officer; faults are spoken only at the dock.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from bodycam.ports import Pattern


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of LIGHTS."""

    pattern: Pattern
    says: str


LIGHTS: dict[str, Shown] = {
    "off": Shown(Pattern("off", ()), "the camera is closing down"),
    "recording": Shown(Pattern("recording", (900, 100), "red"), "footage is being kept"),
    "warning": Shown(Pattern("warning", (250, 250), "red"), "a warning is being given"),
    "paused": Shown(Pattern("paused", ()), "privacy pause: nothing is seen or heard"),
    "fault": Shown(
        Pattern("fault", (100, 400, 100, 1400), "amber"), "it would not record as it should"
    ),
    "locate": Shown(Pattern("locate", (100, 100), "green"), "its manager looks for it"),
    "docked": Shown(Pattern("docked", (50, 9950), "green"), "asleep in the dock"),
    "standby": Shown(Pattern("standby", (100, 3900), "green"), "ready; nothing is being kept"),
}
"""The public light, in order of priority: the first whose condition in `model.light` holds.

Whoever looks for a camera sees it in standby and in its dock. A fault stays to be seen, and a
privacy pause stays dark: there it is only felt."""


class Feel(IntEnum):
    """What the wearer can feel; where several are due at once, the greatest wins."""

    LOCATE = 0
    FAULT = 1
    """It follows what wins, so that it is never lost, but NOT_RECORDING says it already."""
    REMINDER = 2
    LEVELS = 3
    PAUSE_REMINDER = 4
    PAUSED = 5
    RESUMED = 6
    MARKED = 7
    HOLDING = 8
    WARNED_ONLY = 9
    CANCELLED = 10
    STOPPED = 11
    STARTED = 12
    NOT_RECORDING = 13


@dataclass(frozen=True, slots=True)
class Felt:
    """A row of VIBRATIONS."""

    pulses_ms: tuple[int, ...]
    """Milliseconds on, off, on, ..."""
    says: str


VIBRATIONS: dict[Feel, Felt] = {
    Feel.NOT_RECORDING: Felt((300, 150, 300, 150, 300), "three long: it is **not** recording"),
    Feel.STARTED: Felt((120, 120, 120), "two short: recording has started"),
    Feel.STOPPED: Felt((900,), "one long: recording has stopped"),
    Feel.CANCELLED: Felt((60, 60, 60, 60, 60, 60, 60), "four ticks: cancelled, nothing is kept"),
    Feel.WARNED_ONLY: Felt((120, 120, 400), "short, long: a warning only, nothing is kept"),
    Feel.HOLDING: Felt((250,), "a buzz: let go now to stop"),
    Feel.MARKED: Felt((60,), "a tick: marked"),
    Feel.RESUMED: Felt((120, 200, 400), "short, pause, long: the privacy pause is over"),
    Feel.PAUSED: Felt((400, 200, 400), "two long: privacy pause"),
    Feel.PAUSE_REMINDER: Felt((400, 200, 120), "long, short: still paused"),
    Feel.LEVELS: Felt((), "battery in quarters, then hours of footage left (`levels`)"),
    Feel.REMINDER: Felt((120,), "one short: still recording"),
    Feel.FAULT: Felt((400, 200, 120, 120, 120), "long, two short: something is wrong"),
    Feel.LOCATE: Felt((400, 200, 120, 200, 400), "long, short, long: the manager looks for it"),
}
"""The wearer's cues, in order of priority."""
BETWEEN_MS = 600
"""Before a fault that follows another cue."""


def strongest(felt: Collection[Feel]) -> Feel | None:
    """Which of several vibrations wins: the one place where that is decided."""
    return max(felt, default=None)


def vibration(feel: Feel) -> Pattern:
    """The pattern of a cue that has a fixed one."""
    return Pattern(feel.name.lower().replace("_", "-"), VIBRATIONS[feel].pulses_ms)


def played(felt: Collection[Feel], battery_percent: int, room_minutes: int) -> Pattern | None:
    """The one vibration that says what was to be felt at once; None where nothing was."""
    winner = strongest(felt)
    if winner is None:
        return None
    levelled = winner is Feel.LEVELS
    pattern = levels(battery_percent, room_minutes) if levelled else vibration(winner)
    if Feel.FAULT not in felt or winner in (Feel.FAULT, Feel.NOT_RECORDING):
        return pattern
    fault = vibration(Feel.FAULT)
    return Pattern(
        f"{pattern.name}+{fault.name}", (*pattern.pulses_ms, BETWEEN_MS, *fault.pulses_ms)
    )


def levels(battery_percent: int, room_minutes: int) -> Pattern:
    """Battery in quarters as short pulses, a pause, then hours of footage left (at most 8)."""
    quarters = max(0, min(4, battery_percent * 4 // 100))
    hours = max(0, min(8, room_minutes // 60))
    return Pattern(f"levels-{quarters}-{hours}", (*_count(quarters), 700, *_count(hours)))


def _count(pulses: int) -> tuple[int, ...]:
    """So many short pulses; one long one for none."""
    return (100, 150) * (pulses - 1) + (100,) if pulses else (600,)
