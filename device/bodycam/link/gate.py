"""What is let in of what the network says: a command that is for now, whole, known and new.

Everything else is dropped and counted, never answered: whoever floods gets nothing for it.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass

from bodycam.errors import MessageError
from bodycam.messages.commands import COMMANDS, MAX_AGE_MS, Command
from bodycam.messages.topics import COMMAND_EXPIRY_S
from bodycam.ports import WallTime

CLOCK_SLACK_MS = 5_000
"""A manager's clock may be so far from the camera's."""
REMEMBERED = 256
"""Ids of commands that were let in."""
LET_IN = 10
"""At most so many commands …"""
LET_IN_EVERY_NS = 10_000_000_000
"""… in so long. So all ids of commands that are not expired yet are remembered."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that came in."""

    topic: str
    payload: bytes
    retained: bool = False
    expires_s: int | None = None
    """What is left of its expiry interval; None where it has none."""


class Gate:
    """Judges commands; keeps the ids of those that it let in."""

    def __init__(self) -> None:
        self.dropped = 0
        """Messages that were not let in."""
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._times_ns: deque[int] = deque(maxlen=LET_IN)

    def drop(self) -> None:
        """Count a message that is not let in."""
        self.dropped += 1

    def judge(self, name: str, heard: Heard, now_ns: int, wall: WallTime) -> Command | None:
        """The command, or None where it is dropped. `wall` is the camera's time of day."""
        try:
            command = self._judge(name, heard, now_ns, wall)
        except MessageError:
            self.drop()
            return None
        self._ids[command.id] = None
        if len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)
        self._times_ns.append(now_ns)
        return command

    def _judge(self, name: str, heard: Heard, now_ns: int, wall: WallTime) -> Command:
        """Raises MessageError; what costs least is looked at first."""
        if heard.retained:
            raise MessageError("It is retained: it may be of any time.")
        if heard.expires_s is None or heard.expires_s > COMMAND_EXPIRY_S:
            raise MessageError("It does not expire soon enough.")
        if len(self._times_ns) == LET_IN and now_ns - self._times_ns[0] < LET_IN_EVERY_NS:
            raise MessageError("There are too many.")
        form = COMMANDS.get(name)
        if form is None:
            raise MessageError("It is not known here.")
        command = form.decode(heard.payload)
        if command.id in self._ids:
            raise MessageError("It was given before.")
        now_ms = wall.utc_ns // 1_000_000
        # A camera that does not know the time goes by the broker, which lets messages expire.
        if wall.source != "none" and not (
            now_ms < command.until_ms <= now_ms + MAX_AGE_MS + CLOCK_SLACK_MS
        ):
            raise MessageError("It is expired, or would be valid for too long.")
        return command
