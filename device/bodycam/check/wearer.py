"""The parts that only a person can judge: pressed, seen, heard, felt. Each is asked about."""

import itertools
import sys
import time
from collections.abc import Iterator
from typing import Protocol

from bodycam.check.findings import Finding, find
from bodycam.check.heard import Heard
from bodycam.errors import DeviceError
from bodycam.pi.body import Body
from bodycam.pi.fittings import Fittings
from bodycam.ports import Pattern
from bodycam.rules.policy import Policy

PRESS_WITHIN_S = 20.0
LET_GO_WITHIN_S = 10.0
PLAYED_WITHIN_S = 20.0
SHOWN_MS = (800, 200)
FELT_MS = (300, 150, 300, 150, 300)
COLOURS = ("green", "amber", "red")
NOBODY = "not tested: somebody must look, listen and press; run it in a terminal, without --json"
_YES, _NO = {"y", "yes", "j", "ja"}, {"n", "no", "nee"}
_ASKED_AT_MOST = 3


class Wearer(Protocol):
    """Somebody who has the camera in his hands."""

    def tell(self, what: str) -> None:
        """Say what to do."""

    def ask(self, question: str) -> bool:
        """Yes or no."""


class Terminal:
    """Implements Wearer."""

    def tell(self, what: str) -> None:
        """See Wearer."""
        print(f"      {what}", flush=True)

    def ask(self, question: str) -> bool:
        """See Wearer. Whoever does not answer has not seen it."""
        for _ in range(_ASKED_AT_MOST):
            print(f"      {question} [y/n] ", end="", flush=True)
            answer = sys.stdin.readline()
            if answer.strip().lower() in _YES:
                return True
            if not answer or answer.strip().lower() in _NO:
                return False
        return False


def is_there() -> bool:
    """Whether somebody sits at a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def nobody(fittings: Fittings) -> Iterator[Finding]:
    """What is not tested without a wearer."""
    parts = [button.name for button in fittings.buttons] + ["light"]
    fitted = {
        "buzzer": fittings.buzzer is not None,
        "vibration": fittings.vibration is not None,
        "speaker": bool(fittings.speaker),
    }
    for part in [*parts, *(name for name, there in fitted.items() if there)]:
        yield Finding(part, None, NOBODY)


class Asking:
    """One person, one body."""

    def __init__(self, wearer: Wearer, body: Body, heard: Heard) -> None:
        self._wearer = wearer
        self._body = body
        self._heard = heard
        self._tokens = itertools.count(1)

    def all(self, policy: Policy, fittings: Fittings) -> Iterator[Finding]:
        """Each part that is fitted."""
        for button in fittings.buttons:
            yield find(button.name, lambda name=button.name: self._button(name))  # type: ignore[misc]
        yield find("light", self._light)
        if fittings.buzzer is not None:
            yield find("buzzer", lambda: self._warns("buzzer", (), "Does the buzzer sound?"))
        if fittings.vibration is not None:
            yield find("vibration", self._vibration)
        if fittings.speaker:
            yield find("speaker", lambda: self._speaker(policy))

    def _button(self, name: str) -> str:
        heard, shown = self._heard, name.upper()
        if self._body.buttons.closed_at_start(name):
            raise DeviceError(
                f"{shown} is pressed all the time.", do="Let it go, or see to its wiring."
            )
        before = len(heard.edges)

        def edges(closed: bool) -> list[int]:
            return [at for one, was, at in heard.edges[before:] if (one, was) == (name, closed)]

        asked_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self._wearer.tell(f"Press {shown} and let it go.")
        if not heard.until(lambda: bool(edges(True)), PRESS_WITHIN_S):
            raise DeviceError(
                f"{shown} was not seen within {PRESS_WITHIN_S:.0f} s.", do="See to its wiring."
            )
        if not heard.until(lambda: bool(edges(False)), LET_GO_WITHIN_S):
            raise DeviceError(f"{shown} was pressed and never let go.", do="See what holds it.")
        if self._body.buttons.read().faults["button-broken"]:
            raise DeviceError(f"{shown} chatters.", do="See to its wiring: a contact is loose.")
        return f"seen after {(edges(True)[0] - asked_ns) / 1e9:.1f} s"

    def _light(self) -> str:
        for colour in COLOURS:
            self._body.outputs.light(Pattern("check", SHOWN_MS, colour))
            seen = self._wearer.ask(f"Does the light blink {colour}?")
            if not seen or "light-dead" in self._heard.faults:
                self._body.outputs.light(Pattern("off", ()))
                raise DeviceError(f"The light does not show {colour}.", do="See [lights].")
        self._body.outputs.light(Pattern("off", ()))
        if not self._wearer.ask("Is it off now?"):
            raise DeviceError("The light does not go off.", do="See lights.on.")
        return ", ".join(COLOURS)

    def _vibration(self) -> str:
        self._body.outputs.vibrate(Pattern("check", FELT_MS))
        if not self._wearer.ask("Did you feel three long buzzes?"):
            raise DeviceError("The vibration is not felt.", do="See [vibration] and its wiring.")
        return "felt"

    def _speaker(self, policy: Policy) -> str:
        if "speaker-dead" in self._heard.faults:
            raise DeviceError(self._heard.said[-1] if self._heard.said else "It does not open.")
        texts = policy.warning.texts
        asks = "Did you hear a tone" + (f' and "{texts[0]}"' if texts else "") + "?"
        return self._warns("speaker", texts, asks)

    def _warns(self, output: str, texts: tuple[str, ...], asks: str) -> str:
        token = next(self._tokens)
        self._body.outputs.warn(output, token, texts, 100)
        answers = self._heard.answers
        self._heard.until(lambda: answers.get(token) in ("ended", "failed"), PLAYED_WITHIN_S)
        if answers.get(token) != "ended":
            said = self._heard.said[-1] if self._heard.said else f"The {output} did not play."
            raise DeviceError(said, do=f"See [{output}] and its wiring.")
        if not self._wearer.ask(asks):
            raise DeviceError(f"The {output} is not heard.", do=f"See [{output}] and its wiring.")
        return "heard"
