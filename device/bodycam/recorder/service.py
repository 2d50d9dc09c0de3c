"""Carries out what a fleet manager may ask of a camera: show itself, start anew, be set otherwise.

A part of the control road, stepped by the agent. It never waits, and nothing of it starts, stops,
shows or deletes a recording. The answers stand in the status, where the link looks anyway.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from enum import Enum

from bodycam.media.packets import SECOND
from bodycam.messages.local import Answer, Ask
from bodycam.ports import Outputs
from bodycam.recorder.requests import Requests
from bodycam.rules import asked, events
from bodycam.rules.cues import Feel, vibration
from bodycam.rules.events import Event, Log
from bodycam.rules.model import Model, light

ANSWERS = 8
"""So many of the newest stand in the status."""


class After(Enum):
    """What follows when everything has been closed."""

    OFF = "off"
    REBOOT = "reboot"
    AGAIN = "again"
    """The recorder begins anew, with another configuration."""


class Service:
    """One camera's."""

    def __init__(self, requests: Requests, *, dock_fitted: bool) -> None:
        self._requests = requests
        self._dock_fitted = dock_fitted
        self._answers: deque[Answer] = deque(maxlen=ANSWERS)
        self._locating: Ask | None = None
        self._until_ns = 0
        self._again_ns = 0
        self._rest_ns: int | None = None
        """It rests from here on; ahead while it shows itself. None: it has not done so yet."""
        self.answered = 0
        """Answers so far."""
        self.after = After.OFF
        """Decided here where it is not that the camera goes off."""

    def step(self, model: Model, outputs: Outputs, now: int) -> Sequence[Event | Log]:
        """Look at what is asked; what the control road is to take or to log.

        Raises DeviceError where an output refuses.
        """
        found: list[Event | Log] = []
        while (ask := self._requests.next()) is not None:
            if ask.what == "locate":
                self._locate(ask, model, outputs, now)
            elif why := asked.why_not_reboot(model, now // SECOND):
                self._answer(ask, "refused", why)
            elif self.after is After.OFF:
                self.after = After.REBOOT
                self._answer(ask, "done")
                found.append(events.ShutDown("a manager asked for a new start"))
        self._go_on_locating(model, outputs, now)
        wanted = self._requests.wanted
        may = self.after is After.OFF and asked.may_configure(model, self._dock_fitted)
        if wanted is not None and may:
            self.after = After.AGAIN
            details = (("version", wanted.version), ("policy", wanted.policy_sha256))
            found.append(Log("config", now, details))
            found.append(events.ShutDown(f"configuration {wanted.version} comes into force"))
        return found

    @property
    def configured(self) -> bool:
        """Whether a configuration is to come into force with the next start."""
        return self.after is After.AGAIN

    def lit(self) -> None:
        """The light shows something else now: whoever looks for the camera has to look on."""
        self._end_locating("refused", "Something else was to be shown.")

    def status(self) -> dict[str, object]:
        """For the status file."""
        return {
            "config_version": self._requests.version,
            "dropped": self._requests.dropped,
            "answers": [asdict(answer) for answer in self._answers],
        }

    # ---- inside ----------------------------------------------------------------------------------

    def _locate(self, ask: Ask, model: Model, outputs: Outputs, now: int) -> None:
        rested_s = asked.LOCATE_REST_S if self._rest_ns is None else (now - self._rest_ns) / SECOND
        if why := asked.why_not_locate(model, rested_s):
            self._answer(ask, "refused", why)
            return
        self._locating = ask
        self._until_ns = now + ask.seconds * SECOND
        self._again_ns = now
        self._rest_ns = self._until_ns
        outputs.light(light(model, locating=True))

    def _go_on_locating(self, model: Model, outputs: Outputs, now: int) -> None:
        if self._locating is None:
            return
        if why := asked.why_not_locate(model):
            self._end_locating("refused", why)
        elif now >= self._until_ns:
            self._end_locating("done", "")
            outputs.light(light(model))
        elif now >= self._again_ns:
            self._again_ns = now + asked.LOCATE_EVERY_S * SECOND
            outputs.vibrate(vibration(Feel.LOCATE))

    def _end_locating(self, outcome: str, why: str) -> None:
        if self._locating is not None:
            self._answer(self._locating, outcome, why)
            self._locating = None

    def _answer(self, ask: Ask, outcome: str, why: str = "") -> None:
        self._answers.append(Answer(ask.id, outcome, why))
        self.answered += 1
