"""Lights, buzzer and vibration over the real gpiozero and its mocked pins."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin  # type: ignore[import-untyped]

from bodycam.errors import DeviceError
from bodycam.pi.outputs import BETWEEN_MS, MOST_WAITING, STROBE_MS, PiOutputs
from bodycam.pi.parts import (
    Buzzer,
    BuzzerWiring,
    LightWiring,
    RgbLight,
    SingleLights,
    Vibration,
    VibrationWiring,
)
from bodycam.pi.pulses import Pulser
from bodycam.ports import Pattern
from reported import Reported

RED, GREEN, BLUE, BUZZER, MOTOR = 22, 23, 24, 12, 13
RECORDING = Pattern("recording", (9000, 1000), "red")
OFF = Pattern("off", ())


@pytest.fixture
def pins() -> Iterator[Any]:
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()


@pytest.fixture
def told() -> Reported:
    return Reported()


@pytest.fixture
def logged() -> list[str]:
    return []


@pytest.fixture
def outputs(pins: Any, told: Reported, logged: list[str]) -> Iterator[PiOutputs]:
    made = PiOutputs(
        told,
        light=SingleLights(LightWiring(red_pin=RED, green_pin=GREEN), pins),
        buzzer=Buzzer(BuzzerWiring(BUZZER, frequency_hz=2700), pins),
        vibration=Vibration(VibrationWiring(MOTOR), pins),
        tell=logged.append,
    )
    yield made
    made.close()


def levels(pins: Any, pin: int) -> list[float]:
    return [state.state for state in pins.pin(pin).states]


def until(holds: Callable[[], bool], within_s: float = 10) -> None:
    """Wait for a pin, which tells nobody."""
    ticks = threading.Event()
    for _ in range(int(within_s * 1000)):
        if holds():
            return
        ticks.wait(0.001)
    raise AssertionError("it did not come about")


# ---- lights --------------------------------------------------------------------------------------


def test_a_light_is_on_when_the_call_returns(pins: Any, outputs: PiOutputs) -> None:
    outputs.light(RECORDING)
    assert pins.pin(RED).state == 1
    assert pins.pin(GREEN).state == 0


def test_a_pattern_is_repeated_until_the_next(pins: Any, outputs: PiOutputs) -> None:
    outputs.light(Pattern("quick", (4, 2), "green"))
    until(lambda: len(levels(pins, GREEN)) > 9)
    assert levels(pins, GREEN)[:9] == [0, 1, 0, 1, 0, 1, 0, 1, 0]
    outputs.light(OFF)
    seen = len(levels(pins, GREEN))
    outputs.light(RECORDING)
    assert pins.pin(GREEN).state == 0
    assert len(levels(pins, GREEN)) == seen


def test_one_colour_goes_out_before_the_next_comes(pins: Any, outputs: PiOutputs) -> None:
    outputs.light(Pattern("standby", (9000, 1000), "green"))
    outputs.light(RECORDING)
    assert (pins.pin(GREEN).state, pins.pin(RED).state) == (0, 1)


def test_a_single_light_shows_every_colour(pins: Any) -> None:
    light = SingleLights(LightWiring(red_pin=RED), pins)
    for colour in ("green", "amber", "red"):
        light.switch(colour)(True)
        assert pins.pin(RED).state == 1
        light.switch(colour)(False)
        assert pins.pin(RED).state == 0


def test_a_light_needs_a_pin(pins: Any) -> None:
    with pytest.raises(DeviceError, match="no pin"):
        SingleLights(LightWiring(), pins)


@pytest.mark.parametrize("active_high", [True, False])
def test_an_rgb_led_mixes_amber(pins: Any, active_high: bool) -> None:
    wiring = LightWiring(RED, GREEN, BLUE, active_high=active_high, brightness_percent=50)
    light = RgbLight(wiring, pins)
    light.switch("amber")(True)
    shown = [pins.pin(pin).state for pin in (RED, GREEN, BLUE)]
    assert shown == pytest.approx([0.5, 0.2, 0] if active_high else [0.5, 0.8, 1])
    light.switch("amber")(False)
    dark = 0 if active_high else 1
    assert [pins.pin(pin).state for pin in (RED, GREEN, BLUE)] == [dark] * 3


def test_an_active_low_light_is_dark_at_first(pins: Any) -> None:
    light = SingleLights(LightWiring(red_pin=RED, active_high=False), pins)
    assert pins.pin(RED).state == 1
    light.switch("red")(True)
    assert pins.pin(RED).state == 0


def test_a_dim_light_is_dimmed(pins: Any) -> None:
    light = SingleLights(LightWiring(red_pin=RED, brightness_percent=30), pins)
    light.switch("red")(True)
    assert pins.pin(RED).state == pytest.approx(0.3)


def test_a_pin_that_is_in_use_is_named(pins: Any) -> None:
    buzzer = Buzzer(BuzzerWiring(RED), pins)
    with pytest.raises(DeviceError, match="light at pin 22"):
        SingleLights(LightWiring(red_pin=RED), pins)
    buzzer.close()


def test_a_pin_that_does_not_follow_is_a_dead_light(
    pins: Any, outputs: PiOutputs, told: Reported, logged: list[str]
) -> None:
    pins.pin(RED)._change_state = lambda value: None  # shorted
    outputs.light(RECORDING)
    outputs.warn("light", 3, (), 100)
    assert told.said == [("fault", "light-dead", True), ("failed", "light", 3)]
    assert len(logged) == 1
    del pins.pin(RED)._change_state
    outputs.light(RECORDING)
    assert told.said[-1] == ("fault", "light-dead", False)


# ---- the light as a warning ----------------------------------------------------------------------


def test_after_its_warning_the_light_shows_what_it_showed(
    pins: Any, outputs: PiOutputs, told: Reported
) -> None:
    outputs.light(Pattern("standby", (60_000, 1), "green"))
    outputs.warn("light", 3, (), 100)
    outputs.light(Pattern("warning", (60_000, 1), "red"))  # does not cut its own warning short
    told.wait_for(("ended", "light", 3))
    # The first level is that of before; then each pulse switches on and off.
    assert levels(pins, RED)[: len(STROBE_MS) + 1] == [0, 1] + [0, 1] * (len(STROBE_MS) // 2)
    until(lambda: pins.pin(RED).state == 1)


def test_a_recording_that_begins_ends_the_light_s_warning(
    pins: Any, outputs: PiOutputs, told: Reported
) -> None:
    """The recording light shows if and only if footage is being kept."""
    outputs.warn("light", 3, (), 100)
    outputs.light(RECORDING)
    switched = len(levels(pins, RED))
    outputs.warn("buzzer", 4, (), 100)
    told.wait_for(("ended", "buzzer", 4))  # longer than some pulses of the strobe
    assert len(levels(pins, RED)) == switched
    assert ("ended", "light", 3) not in told.said


def test_hushed_the_light_shows_what_it_showed(pins: Any, outputs: PiOutputs) -> None:
    outputs.light(Pattern("standby", (60_000, 1), "green"))
    outputs.warn("light", 3, (), 100)
    outputs.hush()
    assert (pins.pin(GREEN).state, pins.pin(RED).state) == (1, 0)


# ---- buzzer and vibration ------------------------------------------------------------------------


def test_a_passive_buzzer_is_given_its_tone(pins: Any, outputs: PiOutputs) -> None:
    assert pins.pin(BUZZER).frequency == 2700
    outputs.warn("buzzer", 1, (), 100)
    assert pins.pin(BUZZER).state == 0.5
    outputs.hush()
    assert pins.pin(BUZZER).state == 0


def test_an_active_buzzer_is_switched(pins: Any) -> None:
    buzzer = Buzzer(BuzzerWiring(BUZZER, active_high=False), pins)
    assert pins.pin(BUZZER).state == 1
    buzzer.switch(True)
    assert pins.pin(BUZZER).state == 0


def test_every_time_a_buzzer_dies_it_is_told(
    pins: Any, outputs: PiOutputs, told: Reported, logged: list[str]
) -> None:
    for token in (1, 3):
        pins.pin(BUZZER)._change_state = lambda value: None
        outputs.warn("buzzer", token, (), 100)
        del pins.pin(BUZZER)._change_state
        outputs.warn("buzzer", token + 1, (), 100)
        outputs.hush()
    faults = [said for said in told.said if said[0] == "fault"]
    assert faults == [("fault", "buzzer-dead", there) for there in (True, False, True, False)]
    assert len(logged) == 2


def test_vibrations_follow_one_another(pins: Any, outputs: PiOutputs) -> None:
    outputs.vibrate(Pattern("one", (3,)))
    outputs.vibrate(Pattern("two", (3, 3, 3)))
    until(lambda: len(levels(pins, MOTOR)) == 7)
    assert levels(pins, MOTOR) == [0, 1, 0, 1, 0, 1, 0]
    gap_s = pins.pin(MOTOR).states[3].timestamp
    assert gap_s >= BETWEEN_MS / 1000 / 2  # less where the machine was late before it


def test_few_vibrations_wait(pins: Any, outputs: PiOutputs) -> None:
    for _ in range(100):
        outputs.vibrate(Pattern("long", (60_000,)))
    assert outputs._vibration is not None
    assert len(outputs._vibration._waiting) == MOST_WAITING


def test_a_motor_that_is_gone_is_said_once(
    pins: Any, outputs: PiOutputs, logged: list[str], told: Reported
) -> None:
    pins.pin(MOTOR)._change_state = lambda value: None
    for _ in range(3):
        outputs.vibrate(Pattern("one", (3,)))
    assert len(logged) == 1
    del pins.pin(MOTOR)._change_state
    outputs.vibrate(Pattern("one", (60_000,)))
    assert pins.pin(MOTOR).state == 1


# ---- what is not fitted --------------------------------------------------------------------------


def test_what_is_not_fitted_fails_at_once(pins: Any, told: Reported) -> None:
    bare = PiOutputs(told, light=SingleLights(LightWiring(red_pin=RED), pins), tell=lambda _: None)
    assert bare.fitted == ("light",)
    bare.vibrate(Pattern("one", (3,)))
    bare.say("De kaart is vol.")
    bare.warn("speaker", 1, (), 100)
    bare.warn("buzzer", 2, (), 100)
    assert told.said == [("failed", "speaker", 1), ("failed", "buzzer", 2)]
    bare.hush()
    bare.close()


def test_all_that_is_fitted_is_named_in_order(outputs: PiOutputs) -> None:
    assert outputs.fitted == ("buzzer", "light")


# ---- pulses --------------------------------------------------------------------------------------


def test_a_switch_that_fails_later_ends_the_pulses() -> None:
    errors: list[Exception] = []
    pulser = Pulser("test", errors.append)
    calls: list[bool] = []

    def switch(on: bool) -> None:
        calls.append(on)
        if len(calls) == 3:
            raise OSError("gone")

    assert pulser.play(switch, (1, 1, 1, 1), repeat=True)
    until(lambda: bool(errors))
    assert calls == [True, False, True]
    pulser.close()


def test_a_pulser_that_was_late_does_not_catch_up() -> None:
    """As after a suspend: one more pulse, not all that were missed."""
    calls: list[bool] = []
    pulser = Pulser("test", lambda _: None)
    with pulser.lock:
        pulser.play(calls.append, (1, 1000), repeat=True)
        pulser._due_s = -10_000.0
        pulser._changed.notify()
    until(lambda: len(calls) >= 2)
    pulser.close()
    assert len(calls) <= 5
