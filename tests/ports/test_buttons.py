"""What every kind of button owes the recorder: edges as they are, with the time of each."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory  # type: ignore[import-untyped]

from bodycam.pi.buttons import Buttons, ButtonWiring
from reported import Reported

PIN = 17


@dataclass
class Finger:
    """Presses a button of some kind."""

    make: Callable[[], Any]
    """Connects the button."""
    press: Callable[[], None]
    let_go: Callable[[], None]
    told: Reported


WIRINGS = {
    "to ground, with a pull-up": ButtonWiring("record", PIN, "up", "low"),
    "to 3.3 V, with a pull-down": ButtonWiring("record", PIN, "down", "high"),
    "with a resistor of its own": ButtonWiring("record", PIN, "none", "high"),
    "normally closed": ButtonWiring("record", PIN, "up", "high"),
}


@pytest.fixture(params=WIRINGS)
def finger(request: pytest.FixtureRequest) -> Iterator[Finger]:
    pins, told = MockFactory(), Reported()
    wiring = WIRINGS[request.param]
    pin = pins.pin(PIN)
    levels = {"low": pin.drive_low, "high": pin.drive_high}
    opened = "high" if wiring.closed == "low" else "low"

    def make() -> Buttons:
        return Buttons([wiring], told, pins)

    yield Finger(make, levels[wiring.closed], levels[opened], told)
    pins.reset()


def pressed_and_connected(finger: Finger) -> Any:
    button = finger.make()
    finger.let_go()
    finger.told.said.clear()
    return button


def test_a_press_is_one_edge_and_letting_go_another(finger: Finger) -> None:
    pressed_and_connected(finger)
    finger.press()
    finger.let_go()
    assert finger.told.said == [("edge", "record", True), ("edge", "record", False)]


def test_each_edge_has_the_boot_time_at_which_it_happened(finger: Finger) -> None:
    pressed_and_connected(finger)
    before_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    finger.press()
    after_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before_ns <= finger.told.times_ns[-1] <= after_ns
    finger.let_go()
    assert finger.told.times_ns[-1] >= after_ns


def test_nothing_is_debounced(finger: Finger) -> None:
    pressed_and_connected(finger)
    for _ in range(5):
        finger.press()
        finger.let_go()
    assert len(finger.told.said) == 10


def test_a_button_says_whether_it_is_pressed(finger: Finger) -> None:
    button = pressed_and_connected(finger)
    assert button.record_closed is False
    finger.press()
    assert button.record_closed is True
