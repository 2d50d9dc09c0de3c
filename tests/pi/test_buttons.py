"""Buttons over the real gpiozero and its mocked pins."""

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory  # type: ignore[import-untyped]

from bodycam.errors import DeviceError
from bodycam.pi import buttons
from bodycam.pi.buttons import MOST_EDGES, Buttons, ButtonWiring
from bodycam.pi.pins import open_pins
from reported import Reported

PIN = 17


@pytest.fixture
def pins() -> Iterator[Any]:
    factory = MockFactory()
    yield factory
    factory.reset()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the clock of the buttons, in milliseconds."""
    at = [0]
    monkeypatch.setattr(buttons, "boottime_ns", lambda: at[0])

    def set_ms(ms: int) -> None:
        at[0] = ms * 1_000_000

    set_ms(10_000)
    return set_ms


def test_a_button_that_chatters_is_broken_and_floods_nobody(
    pins: Any, now: Callable[[int], None]
) -> None:
    """An input that floats because its button is disconnected."""
    told = Reported()
    held = Buttons([ButtonWiring("record", PIN, pull="none")], told, pins)
    for _ in range(500):
        pins.pin(PIN).drive_high()
        pins.pin(PIN).drive_low()
    assert len(told.said) == MOST_EDGES
    assert held.read().faults == {"button-broken": True}


def test_a_chattering_button_is_well_again_when_it_is_calm(
    pins: Any, now: Callable[[int], None]
) -> None:
    told = Reported()
    held = Buttons([ButtonWiring("record", PIN, pull="up")], told, pins)
    for _ in range(MOST_EDGES):
        pins.pin(PIN).drive_low()
        pins.pin(PIN).drive_high()
    pins.pin(PIN).drive_low()
    now(10_900)
    assert held.read().faults == {"button-broken": True}
    now(11_100)
    assert told.said[-1] == ("edge", "record", False)
    assert held.read().faults == {"button-broken": False}
    # It was closed when it became calm: that is a press, though its own edge was not told.
    assert told.said[-1] == ("edge", "record", True)
    assert told.times_ns[-1] == 11_100_000_000


def test_bounces_are_told_as_they_are(pins: Any) -> None:
    told = Reported()
    Buttons([ButtonWiring("record", PIN)], told, pins)
    for _ in range(10):
        pins.pin(PIN).drive_low()
        pins.pin(PIN).drive_high()
    assert told.said == [("edge", "record", closed) for closed in (True, False)] * 10


def test_an_edge_that_got_lost_is_found(pins: Any) -> None:
    told = Reported()
    held = Buttons([ButtonWiring("record", PIN)], told, pins)
    pins.pin(PIN)._state = False  # the level, and no edge
    held.read()
    assert told.said == [("edge", "record", True)]
    held.read()
    assert len(told.said) == 1


def test_a_broken_wire_of_a_normally_closed_button_is_a_closed_button(pins: Any) -> None:
    """And after 30 s the rules call it stuck."""
    told = Reported()
    pins.pin(PIN).drive_low()
    held = Buttons([ButtonWiring("record", PIN, pull="up", closed="high")], told, pins)
    assert held.record_closed  # the mocked pull-up lifts it: nothing is connected yet
    pins.pin(PIN).drive_low()
    assert not held.record_closed
    pins.pin(PIN).drive_high()
    assert told.said[-1] == ("edge", "record", True)


def test_a_pin_in_use_is_named(pins: Any) -> None:
    Buttons([ButtonWiring("record", PIN)], Reported(), pins)
    with pytest.raises(DeviceError, match="function button at pin 17"):
        Buttons([ButtonWiring("function", PIN)], Reported(), pins)


def test_both_buttons_are_told_apart(pins: Any) -> None:
    told = Reported()
    held = Buttons([ButtonWiring("record", 17), ButtonWiring("function", 27)], told, pins)
    pins.pin(27).drive_low()
    assert told.said == [("edge", "function", True)]
    assert not held.record_closed
    held.close()
    pins.pin(17).drive_low()
    assert len(told.said) == 1


def test_without_the_library_there_are_no_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    """And none that only pretend to be."""
    monkeypatch.setitem(sys.modules, "lgpio", None)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    with pytest.raises(DeviceError, match="Install python3-gpiozero and python3-lgpio"):
        open_pins()


def test_a_board_without_pins_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("can not open gpiochip")

    module = types.ModuleType("gpiozero.pins.lgpio")
    monkeypatch.setattr(module, "LGPIOFactory", refuse, raising=False)
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", module)
    with pytest.raises(DeviceError, match="The pins: can not open gpiochip"):
        open_pins()
