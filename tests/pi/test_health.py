"""The thread that asks the readers, and what it tells."""

import threading
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory  # type: ignore[import-untyped]

from bodycam.errors import DeviceError
from bodycam.pi.dock import Dock, SenseWiring
from bodycam.pi.health import FAILURES, Finding, Health
from reported import Reported

SECOND = 10**9


class Reader:
    part = "The reader"
    dead = "gauge-dead"

    def __init__(self, *answers: Finding | Exception, every_s: float = 1.0) -> None:
        self.answers = list(answers)
        self.every_s = every_s
        self.reads = 0

    def read(self) -> Finding:
        self.reads += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


GONE = DeviceError("It is gone.")


@pytest.fixture
def told() -> Reported:
    return Reported()


def test_a_dead_part_is_said_once_and_once_more_when_it_is_well(told: Reported) -> None:
    logged: list[str] = []
    health = Health([Reader(*[GONE] * 20, Finding())], told, logged.append)
    for second in range(30):
        health.look(second * SECOND)
    assert told.said == [("fault", "gauge-dead", True), ("fault", "gauge-dead", False)]
    assert logged == [
        "The reader does not answer: It is gone.",
        "The reader answers again.",
    ]


def test_a_reading_or_two_may_fail(told: Reported) -> None:
    health = Health([Reader(Finding(), *[GONE] * (FAILURES - 1), Finding())], told, pytest.fail)
    for second in range(10):
        health.look(second * SECOND)
    assert told.said == []


def test_an_error_that_nobody_foresaw_does_not_end_the_others(told: Reported) -> None:
    logged: list[str] = []
    broken, well = Reader(ZeroDivisionError()), Reader(Finding({"battery_percent": 50}))
    well.dead = ""
    health = Health([broken, well], told, logged.append)
    for second in range(10):
        health.look(second * SECOND)
    assert told.said == [("battery", 50), ("fault", "gauge-dead", True)]
    assert well.reads == 10
    assert len(logged) == 1


def test_what_has_not_changed_is_not_reported_again(told: Reported) -> None:
    full, less = Finding({"battery_percent": 90}), Finding({"battery_percent": 89})
    health = Health([Reader(full, full, full, less)], told, pytest.fail)
    for second in range(10):
        health.look(second * SECOND)
    assert told.said == [("battery", 90), ("battery", 89)]
    assert health.readings == {"battery_percent": 89}


def test_a_fault_comes_and_goes(told: Reported) -> None:
    there, not_there = Finding(faults={"too-hot": True}), Finding(faults={"too-hot": False})
    health = Health([Reader(not_there, there, there, not_there)], told, pytest.fail)
    for second in range(10):
        health.look(second * SECOND)
    assert told.said == [("fault", "too-hot", True), ("fault", "too-hot", False)]


def test_a_fault_that_a_reader_found_does_not_flicker(told: Reported) -> None:
    health = Health([Reader(Finding(faults={"gauge-dead": True}))], told, pytest.fail)
    for second in range(5):
        health.look(second * SECOND)
    assert told.said == [("fault", "gauge-dead", True)]


def test_what_was_known_at_the_start_is_not_reported(told: Reported) -> None:
    health = Health([Reader(Finding({"docked": True}))], told, pytest.fail, {"docked": True})
    health.look(0)
    assert told.said == []


def test_each_is_read_when_it_is_due(told: Reported) -> None:
    often, seldom = Reader(Finding()), Reader(Finding(), every_s=10)
    health = Health([often, seldom], told, pytest.fail)
    assert health.look(0) == SECOND
    for second in range(1, 20):
        health.look(second * SECOND)
    assert (often.reads, seldom.reads) == (20, 2)


def test_its_thread_reads_and_stops(told: Reported) -> None:
    health = Health([Reader(Finding({"battery_percent": 70}))], told, pytest.fail)
    health.start()
    told.wait_for(("battery", 70))
    health.stop()
    assert "health" not in {thread.name for thread in threading.enumerate()}


# ---- the dock ------------------------------------------------------------------------------------


@pytest.fixture
def pins() -> Any:
    return MockFactory()


def test_the_dock_counts_when_two_readings_agree(pins: Any, told: Reported) -> None:
    dock = Dock([SenseWiring("docked", 5), SenseWiring("charging", 6, "down", "high")], pins)
    assert not dock.docked
    pins.pin(5).drive_low()
    assert dock.docked
    assert dock.read().values == {"charging": False}
    assert dock.read().values == {"docked": True, "charging": False}
    pins.pin(6).drive_high()
    dock.read()
    assert dock.read().values["charging"] is True
    dock.close()


def test_a_dock_s_pin_in_use_is_named(pins: Any) -> None:
    dock = Dock([SenseWiring("docked", 5, "none", "high")], pins)
    with pytest.raises(DeviceError, match="pin 5 that says charging"):
        Dock([SenseWiring("charging", 5)], pins)
    dock.close()
    assert not Dock([], pins).docked
