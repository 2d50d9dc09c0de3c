"""What the link asks of the recorder: read from datagrams and checked again, whoever sent them.

The link has a network and may be anybody by now. So: few datagrams a second, of one form; the
commands wait in a short queue for the control road; a configuration counts by the station's
signature alone.
"""

from collections import deque
from collections.abc import Callable

from bodycam.errors import BodycamError, EvidenceError, MessageError
from bodycam.evidence.desired import Desired
from bodycam.messages.local import DESIRED, Ask
from bodycam.ports import Clock

A_SECOND = 5
"""Datagrams that are looked at."""
WAITING = 8
"""Commands that wait for the control road, at most."""
SECOND = 1_000_000_000


class Requests:
    """`take` is called by the thread that reads the socket, the rest by the control road."""

    def __init__(
        self,
        *,
        clock: Clock,
        version: int,
        look: Callable[[str], bytes],
        check: Callable[[bytes], Desired],
        keep: Callable[[bytes], None],
        tell: Callable[[str], None],
    ) -> None:
        """`version` is of the configuration in force. `look` gives a file that the link has left,
        `check` a configuration that this camera can use, `keep` puts it where it takes effect at
        the next start; each raises a BodycamError. `tell` takes a sentence for the log.
        """
        self._clock = clock
        self.version = version
        self._look = look
        self._check = check
        self._keep = keep
        self._tell = tell
        self._second_ns = 0
        self._seen = 0
        self._asks: deque[Ask] = deque(maxlen=WAITING)
        self.dropped = 0
        """Datagrams, and configurations, that were not let in."""
        self.wanted: Desired | None = None
        """A configuration that is to come into force as soon as that may be."""

    def take(self, datagram: bytes) -> bool:
        """Look at a datagram; False where there are too many. Never raises."""
        now_ns = self._clock.now_ns()
        if now_ns - self._second_ns >= SECOND:
            self._second_ns, self._seen = now_ns, 0
        self._seen += 1
        if self._seen > A_SECOND:
            self.dropped += 1
            return False
        try:
            ask = Ask.decode(datagram)
            if ask.what == "look":
                self._look_at(ask.file)
            else:
                self._asks.append(ask)
        except MessageError:
            self.dropped += 1
        except Exception as error:  # noqa: BLE001  nothing that was sent may end this thread
            self.dropped += 1
            self._tell(f"A request could not be looked at: {type(error).__name__}: {error}")
        return True

    def next(self) -> Ask | None:
        """The next command; None where there is none."""
        return self._asks.popleft() if self._asks else None

    def _look_at(self, file: str) -> None:
        """A configuration: signed, for this camera, newer, and one that it can use."""
        if file != DESIRED:
            raise MessageError("There is nothing to look at.")
        try:
            data = self._look(DESIRED)
            wanted = self._check(data)
            known = max(self.version, self.wanted.version if self.wanted else 0)
            if wanted.version <= known:
                if wanted.version < known:
                    raise EvidenceError(f"Version {wanted.version} is older than {known}.")
                return  # it is in force, or waits for its moment
            self._keep(data)
        except BodycamError as error:
            self.dropped += 1
            self._tell(f"A configuration is not taken: {error}")
            return
        self.wanted = wanted
