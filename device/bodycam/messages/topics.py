"""The topics, in one table: who publishes what, how surely, and in which form."""

import re
from dataclasses import dataclass

from bodycam.errors import MessageError
from bodycam.messages.camera import Event, Info, Result, State, Status
from bodycam.messages.commands import COMMANDS
from bodycam.messages.forms import Message

ROOT = "bodycam/v1"
QOS = 1
"""Of all topics."""
COMMAND_EXPIRY_S = 30
"""The greatest message expiry interval of a command."""
MAX_PAYLOAD_BYTES = 32 * 1024
"""No message of any topic is longer."""

_TOPIC = re.compile(
    ROOT + r"/([a-z0-9-]{1,64})/(state|info|status|event|desired|cmd/[a-z]{1,32}"
    r"|res/[a-z0-9-]{1,64})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A row of the table."""

    leaf: str
    """After the camera's id; `cmd` and `res` are followed by a name."""
    by: str
    """`camera`, `station` or `manager`."""
    retained: bool
    form: type[Message] | None
    """None: signed configuration, whose form is in evidence/."""


TOPICS: dict[str, Topic] = {
    row.leaf: row
    for row in (
        Topic("state", "camera", True, State),
        Topic("info", "camera", True, Info),
        Topic("status", "camera", True, Status),
        Topic("event", "camera", False, Event),
        Topic("desired", "station", True, None),
        Topic("res", "camera", False, Result),
        *(Topic(f"cmd/{name}", "manager", False, form) for name, form in COMMANDS.items()),
    )
}


@dataclass(frozen=True, slots=True)
class Address:
    """A topic, read."""

    device: str
    leaf: str
    """`state`, `cmd`, `res`, …"""
    name: str
    """Of the command, or the id of the command that is answered; else empty."""

    @property
    def topic(self) -> str:
        """The topic as it is published to."""
        return f"{ROOT}/{self.device}/{self.leaf}" + (f"/{self.name}" if self.name else "")


def read_topic(topic: str) -> Address:
    """Raises MessageError where it is none of ours."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        raise MessageError("The topic is none that is known here.")
    leaf, _, name = found[2].partition("/")
    return Address(found[1], leaf, name)


def from_cameras() -> tuple[str, ...]:
    """What a station subscribes to: all topics that cameras publish."""
    leaves = [row.leaf for row in TOPICS.values() if row.by == "camera"]
    return tuple(f"{ROOT}/+/{leaf}" + ("/+" if leaf == "res" else "") for leaf in leaves)


def to_camera(device: str) -> tuple[str, ...]:
    """What a camera subscribes to."""
    return f"{ROOT}/{device}/desired", f"{ROOT}/{device}/cmd/+"
