"""Hardware that is there and says nothing: for whoever is refused before it matters."""

from collections.abc import Callable

from gpiozero.pins.mock import MockFactory, MockPWMPin  # type: ignore[import-untyped]

from bodycam.pi.camera import CameraSettings, Deliver, Luma
from bodycam.pi.hardware import Hardware
from pi.chips import MadeUpBus
from pi.sinks import MadeUpSink


class SilentSession:
    """A camera that runs and delivers nothing."""

    def __init__(
        self, settings: CameraSettings, deliver: Deliver, tell: Callable[[str], None]
    ) -> None:
        pass

    def force_keyframe(self) -> None:
        pass

    def luma(self, wait_s: float) -> Luma | None:
        return None

    def close(self) -> None:
        pass


def silent() -> Hardware:
    """Pins to which nothing is connected, an empty bus, a camera without pictures."""
    pins = MockFactory(pin_class=MockPWMPin)
    return Hardware(
        pins=lambda: pins,
        bus=MadeUpBus({}).open,
        sink=lambda device: MadeUpSink(),
        load_camera=lambda: None,
        camera=SilentSession,
        model=lambda: "Raspberry Pi 4 Model B",
    )
