"""Lights, buzzer, vibration and speaker behind ports.Outputs.

Each output acknowledges a warning when it is really given: the speaker when the sound device has
taken the first samples, buzzer and light when their pin has been switched.
"""

from collections import deque
from collections.abc import Callable, Sequence

from bodycam.pi.parts import Buzzer, Light, Vibration
from bodycam.pi.pins import boottime_ns
from bodycam.pi.pulses import Pulser
from bodycam.pi.speaker import Speaker
from bodycam.ports import Pattern, Reports

BUZZ_MS = (150, 100, 150, 100, 400)
"""The warning of the buzzer."""
STROBE_MS = (80, 80) * 9 + (80,)
"""The warning of the light, in red; then it shows again what it showed before."""
BETWEEN_MS = 600
"""Between two vibrations, so that they are not taken for one."""
MOST_WAITING = 4
"""So many vibrations wait for their turn; of more the oldest is dropped."""
WARNING = "warning"
"""The name of the light's pattern that does not end its own warning."""


class PiOutputs:
    """Implements ports.Outputs. What is not fitted says so when it is to warn."""

    def __init__(
        self,
        reports: Reports,
        *,
        light: Light,
        buzzer: Buzzer | None = None,
        vibration: Vibration | None = None,
        speaker: Speaker | None = None,
        tell: Callable[[str], None],
    ) -> None:
        """`tell` takes a sentence for the log."""
        self._speaker = speaker
        self._light = _Light(light, reports, tell)
        self._buzzer = None if buzzer is None else _Buzzer(buzzer, reports, tell)
        self._vibration = None if vibration is None else _Vibration(vibration, tell)
        self._reports = reports

    @property
    def fitted(self) -> tuple[str, ...]:
        """The outputs that can give the warning, in the order in which they are to be tried."""
        there = {"speaker": self._speaker, "buzzer": self._buzzer, "light": self._light}
        return tuple(name for name, part in there.items() if part is not None)

    def light(self, pattern: Pattern) -> None:
        """See ports.Outputs."""
        self._light.show(pattern)

    def vibrate(self, pattern: Pattern) -> None:
        """See ports.Outputs."""
        if self._vibration is not None:
            self._vibration.play(pattern.pulses_ms)

    def warn(self, output: str, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        """See ports.Outputs."""
        if output == "speaker" and self._speaker is not None:
            self._speaker.warn(token, texts, volume_percent)
        elif output == "buzzer" and self._buzzer is not None:
            self._buzzer.warn(token)
        elif output == "light":
            self._light.warn(token)
        else:
            self._reports.warning_failed(output, token, boottime_ns())

    def hush(self) -> None:
        """See ports.Outputs."""
        if self._speaker is not None:
            self._speaker.hush()
        if self._buzzer is not None:
            self._buzzer.hush()
        self._light.hush()

    def say(self, text: str) -> None:
        """See ports.Outputs."""
        if self._speaker is not None:
            self._speaker.say(text)

    def close(self) -> None:
        """Everything off."""
        for part in (self._light, self._buzzer, self._vibration, self._speaker):
            if part is not None:
                part.close()


class _Warner:
    """A warning as pulses: acknowledged, ended or failed."""

    def __init__(self, name: str, reports: Reports, tell: Callable[[str], None]) -> None:
        self._name = name
        self._reports = reports
        self._tell = tell
        self._token: int | None = None
        self._dead = False
        self.pulser = Pulser(name, self._broken)

    def begun(self, token: int, taken: bool) -> None:
        """The first pulse of a warning has been switched; where it was not, that is told."""
        if taken:
            self._reports.warning_started(self._name, token, boottime_ns())
            self._well()

    def _well(self) -> None:
        if self._dead:
            self._dead = False
            self._reports.fault(f"{self._name}-dead", False, boottime_ns())

    def _broken(self, error: Exception) -> None:
        token, self._token = self._token, None
        if token is not None:
            self._reports.warning_failed(self._name, token, boottime_ns())
        if not self._dead:
            self._dead = True
            self._tell(f"The {self._name} cannot be switched: {error}")
            self._reports.fault(f"{self._name}-dead", True, boottime_ns())


class _Buzzer(_Warner):
    def __init__(self, buzzer: Buzzer, reports: Reports, tell: Callable[[str], None]) -> None:
        super().__init__("buzzer", reports, tell)
        self._part = buzzer

    def warn(self, token: int) -> None:
        def ended() -> None:
            self._token = None
            self._reports.warning_ended("buzzer", token, boottime_ns())

        with self.pulser.lock:
            self._token = token
            self.begun(token, self.pulser.play(self._part.switch, BUZZ_MS, ended=ended))

    def hush(self) -> None:
        with self.pulser.lock:
            self._token = None
            self.pulser.stop()

    def close(self) -> None:
        self.pulser.close()
        self._part.close()


class _Light(_Warner):
    def __init__(self, light: Light, reports: Reports, tell: Callable[[str], None]) -> None:
        super().__init__("light", reports, tell)
        self._part = light
        self._shown = Pattern("off", ())

    def show(self, pattern: Pattern) -> None:
        with self.pulser.lock:
            self._shown = pattern
            if self._token is None or pattern.name != WARNING:
                self._token = None
                self._show()

    def warn(self, token: int) -> None:
        with self.pulser.lock:
            self._token = token
            strobing = self.pulser.play(
                self._part.switch("red"), STROBE_MS, ended=lambda: self._warned(token)
            )
            self.begun(token, strobing)

    def hush(self) -> None:
        with self.pulser.lock:
            if self._token is not None:
                self._token = None
                self._show()

    def close(self) -> None:
        self.pulser.close()
        self._part.close()

    def _warned(self, token: int) -> None:
        with self.pulser.lock:
            self._token = None
            self._reports.warning_ended("light", token, boottime_ns())
            self._show()

    def _show(self) -> None:
        colour = self._shown.colour or "red"
        if self.pulser.play(self._part.switch(colour), self._shown.pulses_ms, repeat=True):
            self._well()


class _Vibration:
    def __init__(self, vibration: Vibration, tell: Callable[[str], None]) -> None:
        self._part = vibration
        self._tell = tell
        self._waiting: deque[Sequence[int]] = deque(maxlen=MOST_WAITING)
        self._playing = False
        self._dead = False
        self._pulser = Pulser("vibration", self._broken)

    def play(self, pulses_ms: Sequence[int]) -> None:
        with self._pulser.lock:
            if pulses_ms:
                self._waiting.append(pulses_ms)
            if not self._playing:
                self._next()

    def close(self) -> None:
        self._pulser.close()
        self._part.close()

    def _next(self) -> None:
        with self._pulser.lock:
            self._playing = bool(self._waiting)
            if self._playing:
                pulses_ms = self._waiting.popleft()
                if len(pulses_ms) % 2:
                    pulses_ms = (*pulses_ms, BETWEEN_MS)
                self._playing = self._pulser.play(self._part.switch, pulses_ms, ended=self._next)

    def _broken(self, error: Exception) -> None:
        self._playing = False
        if not self._dead:
            self._dead = True
            self._tell(f"The vibration motor cannot be switched: {error}")
