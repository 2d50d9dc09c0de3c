"""What is fitted to a camera, and where: filled from the configuration."""

from dataclasses import dataclass

from bodycam.pi.buttons import ButtonWiring
from bodycam.pi.dock import SenseWiring
from bodycam.pi.parts import BuzzerWiring, LightWiring, VibrationWiring


@dataclass(frozen=True, slots=True)
class Fittings:
    """All but camera and microphone; what is None, empty or False is not fitted."""

    buttons: tuple[ButtonWiring, ...]
    light: LightWiring
    buzzer: BuzzerWiring | None
    vibration: VibrationWiring | None
    senses: tuple[SenseWiring, ...]
    """Dock and charger."""
    speaker: str
    """The name of a sound device that ALSA knows."""
    sounds: str
    """The folder of the municipality's own sounds."""
    i2c_bus: int
    gauge: bool
    clock_module: bool
    body_memory: bool
    hot_c: int
    """At so many °C the processor is too hot."""
