"""What adapters report, as packets for the footage and events for the rules."""

from collections.abc import Callable

from bodycam.media.packets import Packet, Track
from bodycam.recorder.footage import Footage
from bodycam.rules import events
from bodycam.rules.events import Button, Event, Fault, Output

Post = Callable[[Event, int], None]


class Reporter:
    """Implements ports.Reports; ValueError for a word that no adapter should say."""

    def __init__(self, footage: Footage, post: Post) -> None:
        """`post` takes an event and the time of its source."""
        self._footage = footage
        self._post = post

    def picture(self, t_ns: int, data: bytes, key: bool) -> None:
        """See ports.Reports."""
        self._footage.append(Packet(Track.VIDEO, t_ns, data, key))

    def sound(self, t_ns: int, data: bytes) -> None:
        """See ports.Reports."""
        self._footage.append(Packet(Track.SOUND, t_ns, data))

    def edge(self, button: str, closed: bool, t_ns: int) -> None:
        """See ports.Reports."""
        self._post(events.Edge(Button(button), closed), t_ns)

    def warning_started(self, output: str, token: int, t_ns: int) -> None:
        """See ports.Reports."""
        self._post(events.WarningStarted(Output(output), token), t_ns)

    def warning_ended(self, output: str, token: int, t_ns: int) -> None:
        """See ports.Reports."""
        self._post(events.WarningEnded(Output(output), token), t_ns)

    def warning_failed(self, output: str, token: int, t_ns: int) -> None:
        """See ports.Reports."""
        self._post(events.WarningFailed(Output(output), token), t_ns)

    def docked(self, docked: bool, t_ns: int) -> None:
        """See ports.Reports."""
        self._post(events.Docked(docked), t_ns)

    def battery(self, percent: int, t_ns: int) -> None:
        """See ports.Reports."""
        self._post(events.Battery(percent), t_ns)

    def fault(self, fault: str, there: bool, t_ns: int) -> None:
        """See ports.Reports."""
        found = Fault(fault)
        self._post(events.FaultRaised(found) if there else events.FaultCleared(found), t_ns)

    def shut_down(self, reason: str, t_ns: int) -> None:
        """See ports.Reports."""
        self._post(events.ShutDown(reason), t_ns)
