"""The wearer's buttons: raw edges with the time at which they happened, and nothing else.

Debouncing, holds and sequences are decided in the rules. A wire that is loose, or an input that
floats because no button is there, makes edges by the hundred: then the button is called broken,
and only its level is looked at until it is calm.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bodycam.pi.health import Finding
from bodycam.pi.pins import boottime_ns, named
from bodycam.ports import Reports

if TYPE_CHECKING:
    from gpiozero import Factory  # type: ignore[import-untyped]

MOST_EDGES = 60
"""Of one button within a second; a bad contact bounces twenty times, a hand presses ten times."""
CALM_NS = 1_000_000_000

_PULL_UP = {"up": True, "down": False, "none": None}


@dataclass(frozen=True, slots=True)
class ButtonWiring:
    """How a button is connected."""

    name: str
    """`record` or `function`."""
    pin: int
    """BCM number."""
    pull: str = "up"
    """The Pi's own resistor: `up`, `down` or `none`."""
    closed: str = "low"
    """The level when it is pressed: `low` or `high`.

    With `pull` up and `high`, a broken wire of a normally closed button is a stuck button.
    """


class Buttons:
    """All buttons. Also a reader of `Health`, which finds edges that got lost."""

    part = "The buttons"
    every_s = 0.5
    dead = "button-broken"

    def __init__(self, wirings: Sequence[ButtonWiring], reports: Reports, pins: "Factory") -> None:
        """Edges are reported from now on. Raises DeviceError."""
        self._buttons = [_Button(wiring, reports, pins) for wiring in wirings]

    @property
    def record_closed(self) -> bool:
        """Whether RECORD is pressed at this moment."""
        return any(button.closed for button in self._buttons if button.name == "record")

    def closed_at_start(self, name: str) -> bool:
        """Whether this button was pressed already when its edges began to be reported."""
        return any(button.closed_at_start for button in self._buttons if button.name == name)

    def read(self) -> Finding:
        """See health.Reader."""
        broken = [button.settle() for button in self._buttons]
        return Finding(faults={self.dead: any(broken)})

    def close(self) -> None:
        """Let go of the pins."""
        for button in self._buttons:
            button.close()


class _Button:
    def __init__(self, wiring: ButtonWiring, reports: Reports, pins: "Factory") -> None:
        from gpiozero import DigitalInputDevice

        self.name = wiring.name
        self._reports = reports
        self._lock = threading.Lock()
        self._since_ns = 0
        self._edges = 0
        self._broken = False
        pull_up = _PULL_UP[wiring.pull]
        with named(f"The {wiring.name} button at pin {wiring.pin}"):
            self._input = DigitalInputDevice(
                wiring.pin,
                pull_up=pull_up,
                active_state=True if pull_up is None else None,
                bounce_time=None,
                pin_factory=pins,
            )
        # gpiozero calls an input with a pull-up active when it is low.
        active_high = pull_up is not True
        self._closed_when_active = active_high == (wiring.closed == "high")
        self._told = self.closed_at_start = self.closed
        self._input.when_activated = lambda: self._changed(self._closed_when_active)
        self._input.when_deactivated = lambda: self._changed(not self._closed_when_active)

    @property
    def closed(self) -> bool:
        return bool(self._input.is_active) == self._closed_when_active

    def close(self) -> None:
        self._input.close()

    def settle(self) -> bool:
        """Tell of a change whose edge was not told; whether the button is broken."""
        with self._lock:
            now_ns = boottime_ns()
            if now_ns - self._since_ns > CALM_NS:
                self._broken = False
            if not self._broken:
                self._tell(self.closed, now_ns)
            return self._broken

    def _changed(self, closed: bool) -> None:
        """On gpiozero's thread, which one error would end: nothing here can raise or wait."""
        now_ns = boottime_ns()
        with self._lock:
            if now_ns - self._since_ns > CALM_NS:
                self._since_ns, self._edges = now_ns, 0
            self._edges += 1
            if self._edges > MOST_EDGES:
                # The second starts anew, so that it is calm only when the edges have ended.
                self._since_ns, self._broken = now_ns, True
            else:
                self._tell(closed, now_ns)

    def _tell(self, closed: bool, now_ns: int) -> None:
        if closed != self._told:
            self._told = closed
            self._reports.edge(self.name, closed, now_ns)
