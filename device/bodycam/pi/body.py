"""The camera's body: buttons, outputs, dock and health of a Pi, put together as it is fitted.

Clock and memory come first, for the recorder begins with them; the body needs the recorder, to
have somebody to report to.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bodycam.pi.buttons import Buttons
from bodycam.pi.clips import SOUNDS, Clips
from bodycam.pi.clock import ClockModule, PiClock
from bodycam.pi.dock import Dock
from bodycam.pi.eeprom import Eeprom
from bodycam.pi.fittings import Fittings
from bodycam.pi.gauge import Gauge
from bodycam.pi.health import Health, Reader
from bodycam.pi.i2c import I2c
from bodycam.pi.outputs import PiOutputs
from bodycam.pi.parts import Buzzer, RgbLight, SingleLights, Vibration
from bodycam.pi.speaker import Sink, Speaker
from bodycam.pi.vitals import CardWear, Supply, Temperature
from bodycam.ports import Reports

if TYPE_CHECKING:
    from gpiozero import Factory  # type: ignore[import-untyped]


def make_clock(fittings: Fittings) -> PiClock:
    """The recorder's clock."""
    return PiClock(ClockModule() if fittings.clock_module else None)


def make_memory(fittings: Fittings, bus: I2c) -> Eeprom | None:
    """The memory in the body; None where none is fitted."""
    return Eeprom(bus) if fittings.body_memory else None


class Body:
    """Everything that is fitted but camera and microphone."""

    def __init__(
        self,
        fittings: Fittings,
        reports: Reports,
        *,
        pins: "Factory",
        bus: I2c,
        clock: PiClock,
        tell: Callable[[str], None],
        sink: Callable[[str], Sink],
    ) -> None:
        """Takes hold of all pins. Raises DeviceError; `tell` takes a sentence for the log."""
        light = SingleLights if fittings.light.blue_pin is None else RgbLight
        self._speaker = None
        if fittings.speaker:
            clips = Clips([Path(fittings.sounds), SOUNDS])
            self._speaker = Speaker(sink(fittings.speaker), clips, reports, tell)
        self.outputs = PiOutputs(
            reports,
            light=light(fittings.light, pins),
            buzzer=None if fittings.buzzer is None else Buzzer(fittings.buzzer, pins),
            vibration=None if fittings.vibration is None else Vibration(fittings.vibration, pins),
            speaker=self._speaker,
            tell=tell,
        )
        self.buttons = Buttons(fittings.buttons, reports, pins)
        self.dock = Dock(fittings.senses, pins)
        readers: list[Reader] = [
            self.buttons,
            self.dock,
            clock,
            Temperature(fittings.hot_c),
            Supply(),
            CardWear(),
        ]
        if fittings.gauge:
            readers.append(Gauge(bus))
        self.health = Health(readers, reports, tell, {"docked": self.dock.docked})

    def start(self, texts: Sequence[str]) -> None:
        """Load the policy's warnings, and begin to look after the rest."""
        if self._speaker is not None:
            self._speaker.start(texts)
        self.health.start()

    def close(self) -> None:
        """Everything off, and the pins free."""
        self.health.stop()
        self.buttons.close()
        self.dock.close()
        self.outputs.close()
