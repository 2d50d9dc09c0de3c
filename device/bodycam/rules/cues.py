"""What the wearer and the public see, hear and feel: one table each, and who wins.

Public lights differ in pattern, not only in colour. The wearer's cues are felt, because a voice from the
chest talks over the officer; faults are spoken only at the dock.
"""

from collections.abc import Iterable
from enum import IntEnum

from bodycam.ports import Pattern

OFF = Pattern("off", ())
LIGHTS = {
    "standby": Pattern("standby", (100, 3900), "green"),
    "warning": Pattern("warning", (250, 250), "red"),
    "recording": Pattern("recording", (900, 100), "red"),
    "fault": Pattern("fault", (100, 400, 100, 1400), "amber"),
    "paused": OFF,
    "docked": Pattern("docked", (50, 9950), "green"),
}
"""The public light. `recording` shows if and only if footage is being kept."""


class Feel(IntEnum):
    """What the wearer can feel; where several are due at once, the greatest wins."""

    REMINDER = 1
    LEVELS = 2
    PAUSE_REMINDER = 3
    PAUSED = 4
    MARKED = 5
    HOLDING = 6
    WARNED_ONLY = 7
    CANCELLED = 8
    STOPPED = 9
    STARTED = 10
    FAULT = 11
    NOT_RECORDING = 12


VIBRATIONS: dict[Feel, tuple[int, ...]] = {
    Feel.REMINDER: (120,),
    Feel.LEVELS: (),
    Feel.PAUSE_REMINDER: (400, 200, 120),
    Feel.PAUSED: (400, 200, 400),
    Feel.MARKED: (60,),
    Feel.HOLDING: (250,),
    Feel.WARNED_ONLY: (120, 120, 400),
    Feel.CANCELLED: (60, 60, 60, 60, 60, 60, 60),
    Feel.STOPPED: (900,),
    Feel.STARTED: (120, 120, 120),
    Feel.FAULT: (400, 200, 120, 120, 120),
    Feel.NOT_RECORDING: (300, 150, 300, 150, 300),
}
"""Milliseconds on, off, on: two short = started, one long = stopped, triple = **not** recording."""


def strongest(felt: Iterable[Feel]) -> Feel | None:
    """Which of several vibrations is played: the one place where that is decided."""
    return max(felt, default=None)


def vibration(feel: Feel) -> Pattern:
    """The pattern of a feeling that has a fixed one."""
    return Pattern(feel.name.lower().replace("_", "-"), VIBRATIONS[feel])


def levels(battery_percent: int, room_minutes: int) -> Pattern:
    """Battery in quarters as short pulses, a pause, then hours of footage left (at most 8) likewise."""
    quarters = min(4, battery_percent * 4 // 100)
    hours = min(8, room_minutes // 60)
    return Pattern(f"levels-{quarters}-{hours}", (*_count(quarters), 700, *_count(hours)))


def _count(pulses: int) -> tuple[int, ...]:
    """So many short pulses; one long one for none."""
    return (100, 150) * (pulses - 1) + (100,) if pulses else (600,)
