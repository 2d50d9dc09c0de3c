"""The ways to the hardware, each a factory: the product's are these, a test passes its own.

Each loads what it needs when it is called: the camera begins before the rest is loaded.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bodycam.errors import DeviceError
from bodycam.pi.camera import CameraSettings, Deliver, Patience, Session
from bodycam.pi.i2c import Transfers, open_bus
from bodycam.pi.pins import open_pins
from bodycam.pi.sound import SoundSettings, Source
from bodycam.pi.speaker import Sink

if TYPE_CHECKING:
    from gpiozero import Factory  # type: ignore[import-untyped]

    from bodycam.pi.lens import Looker

MODEL = Path("/proc/device-tree/model")


def load_camera() -> None:
    """Load picamera2 and all that it needs, which takes a second or more. Raises DeviceError."""
    try:
        import bodycam.pi.picam  # noqa: F401
    except ImportError as error:
        raise DeviceError(
            f"picamera2 cannot be loaded: {error}.", do="Install python3-picamera2."
        ) from error


def open_camera(settings: CameraSettings, deliver: Deliver, tell: Callable[[str], None]) -> Session:
    """A camera that runs. Raises DeviceError."""
    load_camera()
    from bodycam.pi.picam import PicameraSession

    return PicameraSession(settings, deliver, tell)


def open_microphone(device: str, settings: SoundSettings) -> Source:
    """A microphone that is open, by its name in ALSA. Raises DeviceError."""
    from bodycam.pi.microphone import AlsaMicrophone

    return AlsaMicrophone(device, settings.rate_hz, settings.channels)


def open_sink(device: str) -> Sink:
    """A speaker, by its name in ALSA; it is opened when it is first used."""
    from bodycam.pi.alsa import AlsaSink

    return AlsaSink(device)


def start_looker() -> "Looker":
    """The lens watch's other process. Raises DeviceError."""
    from bodycam.pi.lens import LookerProcess

    return LookerProcess()


def read_model() -> str:
    """What this machine calls itself; empty where it has no device tree."""
    try:
        return MODEL.read_text("utf-8", "replace").strip("\0\n")
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a camera is opened by. Every factory but `model` raises DeviceError."""

    pins: Callable[[], "Factory"] = open_pins
    bus: Callable[[int], Transfers] = open_bus
    sink: Callable[[str], Sink] = open_sink
    microphone: Callable[[str, SoundSettings], Source] = open_microphone
    load_camera: Callable[[], None] = load_camera
    camera: Callable[[CameraSettings, Deliver, Callable[[str], None]], Session] = open_camera
    looker: Callable[[], "Looker"] = start_looker
    model: Callable[[], str] = read_model
    patience: Patience = field(default_factory=Patience)


PI = Hardware()
