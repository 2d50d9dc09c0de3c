"""Light, buzzer and vibration as gpiozero sees them: each becomes a switch for a `Pulser`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bodycam.errors import DeviceError
from bodycam.pi.pins import named
from bodycam.pi.pulses import Switch

if TYPE_CHECKING:
    from gpiozero import Factory  # type: ignore[import-untyped]

COLOURS = ("green", "amber", "red")

_MIXED = {"green": (0.0, 1.0, 0.0), "amber": (1.0, 0.4, 0.0), "red": (1.0, 0.0, 0.0)}
"""Parts of red, green and blue. An amber of equal parts looks green: green LEDs are brighter."""
_LEDS = {
    "green": ("green", "amber", "red"),
    "amber": ("amber", "red", "green"),
    "red": ("red", "amber", "green"),
}
"""Which single LED shows a colour: the first that is there. The pattern tells them apart."""


@dataclass(frozen=True, slots=True)
class LightWiring:
    """How the public light is connected: an RGB LED, or one to three single ones (BCM numbers)."""

    red_pin: int | None = None
    green_pin: int | None = None
    blue_pin: int | None = None
    """Of an RGB LED, which then needs all three."""
    amber_pin: int | None = None
    active_high: bool = True
    """False: the LED shines when its pin is low (a common anode)."""
    brightness_percent: int = 100


@dataclass(frozen=True, slots=True)
class BuzzerWiring:
    """How the buzzer is connected."""

    pin: int
    frequency_hz: int = 0
    """Of a passive buzzer, by PWM; 0: an active one, which has a tone of its own."""
    active_high: bool = True


@dataclass(frozen=True, slots=True)
class VibrationWiring:
    """How the vibration motor's transistor is connected."""

    pin: int
    strength_percent: int = 100
    active_high: bool = True


class Light(Protocol):
    """A light that can show colours."""

    def switch(self, colour: str) -> Switch:
        """What shows this colour, and nothing else; always the same object."""

    def close(self) -> None:
        """Let go of the pins."""


class RgbLight:
    """One LED of three."""

    def __init__(self, wiring: LightWiring, pins: "Factory") -> None:
        """Off. Raises DeviceError."""
        from gpiozero import RGBLED

        with named(f"The light at pins {wiring.red_pin}, {wiring.green_pin}, {wiring.blue_pin}"):
            led = RGBLED(
                wiring.red_pin,
                wiring.green_pin,
                wiring.blue_pin,
                active_high=wiring.active_high,
                pwm=True,
                pin_factory=pins,
            )
        self._led = led
        part = wiring.brightness_percent / 100
        self._switches = {
            colour: self._shows(tuple(one * part for one in mixed))
            for colour, mixed in _MIXED.items()
        }

    def switch(self, colour: str) -> Switch:
        """See Light."""
        return self._switches[colour]

    def close(self) -> None:
        """Let go of the pins."""
        self._led.close()

    def _shows(self, mixed: tuple[float, ...]) -> Switch:
        def switch(on: bool) -> None:
            self._led.value = mixed if on else (0, 0, 0)

        return switch


class SingleLights:
    """One to three LEDs of one colour each."""

    def __init__(self, wiring: LightWiring, pins: "Factory") -> None:
        """Off. Raises DeviceError."""
        at = {"green": wiring.green_pin, "amber": wiring.amber_pin, "red": wiring.red_pin}
        self._leds = {
            colour: _output(
                f"The {colour} light", pin, wiring.brightness_percent, wiring.active_high, pins
            )
            for colour, pin in at.items()
            if pin is not None
        }
        if not self._leds:
            raise DeviceError("The light has no pin.", do="Set lights.red_pin.")
        switches = {colour: _switch(led, level) for colour, (led, level) in self._leds.items()}
        self._switches = {
            colour: next(switches[led] for led in leds if led in switches)
            for colour, leds in _LEDS.items()
        }

    def switch(self, colour: str) -> Switch:
        """See Light."""
        return self._switches[colour]

    def close(self) -> None:
        """Let go of the pins."""
        for led, _ in self._leds.values():
            led.close()


class Buzzer:
    """An active or a passive buzzer."""

    def __init__(self, wiring: BuzzerWiring, pins: "Factory") -> None:
        """Silent. Raises DeviceError."""
        from gpiozero import PWMOutputDevice

        if wiring.frequency_hz:
            with named(f"The buzzer at pin {wiring.pin}"):
                self._device: Any = PWMOutputDevice(
                    wiring.pin,
                    active_high=wiring.active_high,
                    frequency=wiring.frequency_hz,
                    pin_factory=pins,
                )
            level = 0.5  # a square wave is loudest when it is even
        else:
            self._device, level = _output("The buzzer", wiring.pin, 100, wiring.active_high, pins)
        self.switch = _switch(self._device, level)

    def close(self) -> None:
        """Let go of the pin."""
        self._device.close()


class Vibration:
    """The motor that the wearer feels."""

    def __init__(self, wiring: VibrationWiring, pins: "Factory") -> None:
        """Still. Raises DeviceError."""
        self._device, level = _output(
            "The vibration motor", wiring.pin, wiring.strength_percent, wiring.active_high, pins
        )
        self.switch = _switch(self._device, level)

    def close(self) -> None:
        """Let go of the pin."""
        self._device.close()


def _output(
    part: str, pin: int, percent: int, active_high: bool, pins: "Factory"
) -> tuple[Any, float]:
    """A pin that is on or off, or by PWM partly on."""
    from gpiozero import DigitalOutputDevice, PWMOutputDevice

    with named(f"{part} at pin {pin}"):
        if percent < 100:
            device = PWMOutputDevice(pin, active_high=active_high, pin_factory=pins)
            return device, percent / 100
        return DigitalOutputDevice(pin, active_high=active_high, pin_factory=pins), 1.0


def _switch(device: Any, level: float) -> Switch:
    """Also looks whether the pin took it: one that is shorted does not."""

    def switch(on: bool) -> None:
        device.value = level if on else 0
        if bool(device.value) != on:
            raise DeviceError(f"Pin {device.pin.info.name} does not take its level.")

    return switch
