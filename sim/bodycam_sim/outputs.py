"""The simulated lights, speaker, buzzer and vibration."""

from collections.abc import Callable

from bodycam.media.packets import SECOND
from bodycam.ports import Pattern
from bodycam.rules.events import Event, Output, WarningEnded, WarningFailed, WarningStarted
from bodycam_sim.host import Heap

ACKNOWLEDGED_NS = SECOND * 50 // 1000
TONE_NS = SECOND * 400 // 1000
LETTER_NS = SECOND * 60 // 1000
"""How long a letter of a spoken text takes."""


class SimOutputs:
    """Implements ports.Outputs; what is shown, felt and said is in the agent's effects."""

    def __init__(
        self, heap: Heap, post: Callable[[Event], None], dead: set[str], silent: set[str]
    ) -> None:
        """Outputs in `dead` refuse at once; those in `silent` never answer."""
        self._heap = heap
        self._post = post
        self._dead = dead
        self._silent = silent

    def light(self, pattern: Pattern) -> None:
        """See ports.Outputs."""

    def vibrate(self, pattern: Pattern) -> None:
        """See ports.Outputs."""

    def say(self, text: str) -> None:
        """See ports.Outputs."""

    def hush(self) -> None:
        """See ports.Outputs."""

    def warn(self, output: str, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        """See ports.Outputs."""
        now_ns, which = self._heap.now_ns, Output(output)
        if output in self._silent:
            return
        if output in self._dead:
            self._heap.at(now_ns + ACKNOWLEDGED_NS, lambda: self._post(WarningFailed(which, token)))
            return
        started_ns = now_ns + ACKNOWLEDGED_NS
        ended_ns = started_ns + TONE_NS + LETTER_NS * sum(map(len, texts))
        self._heap.at(started_ns, lambda: self._post(WarningStarted(which, token)))
        self._heap.at(ended_ns, lambda: self._post(WarningEnded(which, token)))
