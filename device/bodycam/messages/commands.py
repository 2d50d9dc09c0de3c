"""What a manager can ask of a camera. None of it starts, stops, shows or deletes a recording."""

from dataclasses import dataclass

from bodycam.messages.camera import ID, UTC_MS
from bodycam.messages.forms import Message, Number, said

MAX_AGE_MS = 30_000
"""A command is for now: no later than this after it was given."""


@dataclass(frozen=True, slots=True)
class Command(Message):
    """What all commands have."""

    id: str = said(ID)
    """Never used twice; `res/<id>` answers."""
    until_ms: int = said(UTC_MS)
    """When it expires."""


@dataclass(frozen=True, slots=True)
class Locate(Command):
    """Vibrate and blink for so long, so that the camera is found. Refused while recording."""

    seconds: int = said(Number(1, 60), 10)


@dataclass(frozen=True, slots=True)
class Report(Command):
    """Say the status now."""


@dataclass(frozen=True, slots=True)
class Rebirth(Command):
    """Say state, info and status anew, as after a connection."""


@dataclass(frozen=True, slots=True)
class Reboot(Command):
    """Start the camera anew. Only in the dock, and at most once an hour."""


COMMANDS: dict[str, type[Command]] = {
    "locate": Locate,
    "report": Report,
    "rebirth": Rebirth,
    "reboot": Reboot,
}
"""By the last part of their topic."""
