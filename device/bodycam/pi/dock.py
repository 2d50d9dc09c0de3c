"""The dock and the charger, each a pin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bodycam.pi.health import Finding
from bodycam.pi.pins import named

if TYPE_CHECKING:
    from gpiozero import Factory  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True)
class SenseWiring:
    """A pin whose level says something."""

    name: str
    """`docked` or `charging`."""
    pin: int
    pull: str = "up"
    """The Pi's own resistor: `up`, `down` or `none`."""
    true: str = "low"
    """The level at which it is so: `low` or `high`."""


class Dock:
    """A reader of Health: `docked` and `charging`, each when two readings agree."""

    part = "The dock"
    every_s = 0.25
    dead = ""

    def __init__(self, wirings: Sequence[SenseWiring], pins: "Factory") -> None:
        """Raises DeviceError."""
        from gpiozero import DigitalInputDevice

        self._inputs: dict[str, Any] = {}
        self._true_when_high = {wiring.name: wiring.true == "high" for wiring in wirings}
        for wiring in wirings:
            with named(f"The pin {wiring.pin} that says {wiring.name}"):
                self._inputs[wiring.name] = DigitalInputDevice(
                    wiring.pin,
                    pull_up={"up": True, "down": False, "none": None}[wiring.pull],
                    active_state=True if wiring.pull == "none" else None,
                    pin_factory=pins,
                )
        self._before = self._now()

    @property
    def docked(self) -> bool:
        """Whether it is in its dock at this moment."""
        return self._now().get("docked", False)

    def read(self) -> Finding:
        """See health.Reader."""
        before, self._before = self._before, self._now()
        agreed = {name: so for name, so in self._before.items() if before[name] == so}
        return Finding(agreed)

    def close(self) -> None:
        """Let go of the pins."""
        for one in self._inputs.values():
            one.close()

    def _now(self) -> dict[str, bool]:
        return {
            name: bool(one.pin.state) == self._true_when_high[name]
            for name, one in self._inputs.items()
        }
