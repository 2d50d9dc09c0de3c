"""The simulated lights, speaker, buzzer and vibration."""

from collections.abc import Callable, Collection

from bodycam.media.packets import SECOND
from bodycam.ports import Pattern, Reports
from bodycam_sim.host import Heap

ACKNOWLEDGED_NS = SECOND * 50 // 1000
TONE_NS = SECOND * 400 // 1000
LETTER_NS = SECOND * 60 // 1000
"""How long a letter of a spoken text takes."""


class SimOutputs:
    """Implements ports.Outputs; what is shown, felt and said stands in the agent's effects."""

    def __init__(
        self,
        heap: Heap,
        reports: Reports,
        heard: Callable[[str], None],
        *,
        dead: Collection[str],
        silent: Collection[str],
        boot_ns: int,
    ) -> None:
        """Outputs in `dead` refuse, those in `silent` never answer; `heard` is told in words."""
        self._heap = heap
        self._reports = reports
        self._heard = heard
        self._dead = dead
        self._silent = silent
        self._boot_ns = boot_ns
        self._hushed = 0
        self._playing = 0

    def light(self, pattern: Pattern) -> None:
        """See ports.Outputs."""

    def vibrate(self, pattern: Pattern) -> None:
        """See ports.Outputs."""

    def say(self, text: str) -> None:
        """See ports.Outputs."""

    def hush(self) -> None:
        """See ports.Outputs."""
        self._hushed += 1
        if self._playing:
            self._playing = 0
            self._heard("The warning breaks off.")

    def warn(self, output: str, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        """See ports.Outputs."""
        hushed, at_ns = self._hushed, self._heap.now_ns + ACKNOWLEDGED_NS

        def fail() -> None:
            self._reports.warning_failed(output, token, self._now_ns)

        def start() -> None:
            if hushed == self._hushed:
                self._playing += 1
                self._heard(_words(output, texts))
                self._reports.warning_started(output, token, self._now_ns)
                lasts_ns = TONE_NS + LETTER_NS * sum(map(len, texts))
                self._heap.at(self._heap.now_ns + lasts_ns, end)

        def end() -> None:
            if hushed == self._hushed:
                self._playing -= 1
                self._reports.warning_ended(output, token, self._now_ns)

        if output in self._dead:
            self._heap.at(at_ns, fail)
        elif output not in self._silent:
            self._heap.at(at_ns, start)

    @property
    def _now_ns(self) -> int:
        return self._heap.now_ns - self._boot_ns


def _words(output: str, texts: tuple[str, ...]) -> str:
    if output == "light":
        return "The light flashes the warning."
    spoken = " ".join(texts)
    return f"The {output} sounds the warning tone{f' and says: {spoken}' if spoken else '.'}"
