"""What is fitted to a body, and where: filled from the configuration."""

from dataclasses import dataclass

from bodycam.pi.buttons import ButtonWiring
from bodycam.pi.dock import SenseWiring
from bodycam.pi.parts import BuzzerWiring, LightWiring, VibrationWiring


@dataclass(frozen=True, slots=True)
class Fittings:
    """What is None, empty or False is not fitted."""

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
    microphone: str
    """The same of a microphone."""
    encoder: str
    """As in camera.CameraSettings; empty: what this model of the Pi has."""
    lens_watch: bool
    i2c_bus: int
    gauge: bool
    clock_module: bool
    body_memory: bool
    hot_c: int
    """At so many °C the processor is too hot."""
