"""What the guest says on its console, line by line, while it has power.

A promise is said after the call that makes it has returned and before anything else happens, so
that whoever listens knows what had been promised when the power went.
"""

import os
import threading
from dataclasses import dataclass

RECOVERING = "recovering"
"""The recorder turns to the card."""
RECOVERED = "recovered"
"""It has opened the card; meanwhile pictures may have come."""
FILLING = "filling"
"""`ms`: the first picture is in the ring, so long after the process began."""
TOUCH = "touch"
"""`call path`: the card is about to be changed."""
DURABLE = "durable"
"""`path seq kind digest`: this line is durable: a promise."""
CLOSED = "closed"
"""`rec`: the recorder says that this recording is closed and signed: a promise."""
PICTURE = "picture"
"""`n`: the picture of that number is with the recorder."""
PRESS = "press"
RELEASE = "release"
"""The contact that starts a recording; the end of the one that stops it."""
BEGIN = "begin"
UNTIL = "until"
"""The rules begin a recording; they end it."""
UNSYNCED = "unsynced"
"""`name`: a whole file was written beside the recordings and not synced."""
FAILED = "failed"
"""`what`: an error that nobody foresaw."""
OFF = "off"
"""Everything is closed and the card is unmounted."""

_MARK = "@ "
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the guest."""

    word: str
    args: tuple[str, ...] = ()


def understood(line: str) -> Said | None:
    """What a line of the console says; None for one of the kernel's or anything else's."""
    if not line.startswith(_MARK):
        return None
    word, *args = line[len(_MARK) :].split()
    return Said(word, tuple(args))


class Voice:
    """Says lines whole and at once, from any thread."""

    def __init__(self, fd: int = 1) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def say(self, word: str, *args: object) -> None:
        """Returns when the line has left."""
        line = " ".join([word, *map(str, args)])[:_LONGEST].replace("\n", " ")
        with self._lock:
            os.write(self._fd, f"{_MARK}{line}\n".encode())
