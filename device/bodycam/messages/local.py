"""What the link asks of the recorder, inside a camera: one datagram each, checked like any message.

The recorder answers by its status file: the link listens there anyway.
"""

from dataclasses import dataclass
from typing import ClassVar

from bodycam.messages.camera import ID, OUTCOMES, SENTENCE
from bodycam.messages.forms import Choice, Message, Number, said

DESIRED = "desired"
"""The file in the link's folder in /run that holds a signed configuration."""


@dataclass(frozen=True, slots=True)
class Ask(Message):
    """`locate` and `reboot` are a manager's commands; `look`: there is a file to look at."""

    MAX_BYTES: ClassVar[int] = 512

    id: str = said(ID)
    """Of the command, or made for this; the answer repeats it."""
    what: str = said(Choice(("locate", "reboot", "look")))
    seconds: int = said(Number(0, 60), 0)
    """Of a locate."""
    file: str = said(Choice(("", DESIRED)), "")
    """Of a look."""


@dataclass(frozen=True, slots=True)
class Answer(Message):
    """What became of it; the newest few stand in the status file."""

    id: str = said(ID)
    outcome: str = said(Choice(OUTCOMES))
    why: str = said(SENTENCE, "")
