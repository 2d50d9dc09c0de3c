"""The time of day: whom it is from, when it is believed, and when it jumps."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bodycam.errors import DeviceError
from bodycam.pi.clock import NOT_BEFORE_S, ClockModule, PiClock, timedated
from bodycam.pi.health import Finding

NOON_S = NOT_BEFORE_S + 200 * 86_400
YEAR_S = 365 * 86_400


@dataclass
class Time:
    """A world's clocks, its network time service and its clock module."""

    folder: Path
    boot_s: float = 100.0
    offset_s: float = NOON_S
    """Time of day minus boot time."""
    served: bool | None = False
    """What timedated says; None: it does not answer."""
    asked: int = 0
    clock: PiClock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = self.made(None)

    def made(self, module: ClockModule | None) -> PiClock:
        return PiClock(
            module,
            timesync=self.folder / "synchronized",
            service=self.service,
            wall_ns=lambda: round((self.boot_s + self.offset_s) * 1e9),
            boot_ns=lambda: round(self.boot_s * 1e9),
        )

    def service(self) -> bool:
        self.asked += 1
        if self.served is None:
            raise DeviceError("nobody answers")
        return self.served

    def synchronise(self) -> None:
        path = self.folder / "synchronized"
        path.touch()
        os.utime(path, (0, self.boot_s + self.offset_s))

    def module(self, seconds: float | None, *, set_it: bool = True) -> ClockModule:
        rtc = self.folder / "sys/class/rtc/rtc0"
        rtc.mkdir(parents=True, exist_ok=True)
        (rtc / "name").write_text("rtc-ds1307 1-0068\n")
        (rtc / "hctosys").write_text("1\n" if set_it else "0\n")
        (rtc / "since_epoch").unlink(missing_ok=True)
        if seconds is not None:
            (rtc / "since_epoch").write_text(f"{seconds:.0f}\n")
        return ClockModule(self.folder / "sys")

    def later(self, seconds: float) -> Finding:
        self.boot_s += seconds
        return self.clock.read()


@pytest.fixture
def world(tmp_path: Path) -> Time:
    return Time(tmp_path)


def test_a_clock_that_nobody_set_is_not_trusted(world: Time) -> None:
    assert world.clock.wall().source == "none"
    world.later(10)
    assert (world.clock.wall().source, world.clock.wall().error_ms) == ("none", -1)
    assert world.clock.wall().utc_ns == round((110 + NOON_S) * 1e9)
    assert world.clock.now_ns() == 110_000_000_000


def test_a_clock_set_by_the_network_is_trusted_less_and_less(world: Time) -> None:
    world.synchronise()
    world.later(0)
    assert (world.clock.wall().source, world.clock.wall().error_ms) == ("ntp", 500)
    world.later(10_000)
    assert world.clock.wall().error_ms == 1000


def test_another_time_service_is_asked_once_a_minute(world: Time) -> None:
    world.served = True
    for _ in range(5):
        world.later(10)
    assert (world.clock.wall().source, world.asked) == ("none", 0)
    for _ in range(8):
        world.later(10)
    assert (world.clock.wall().source, world.clock.wall().error_ms) == ("ntp", -1)
    assert world.asked == 2
    world.served = None
    world.later(100)
    assert world.clock.wall().source == "none"


def test_being_set_by_the_network_is_no_fault(world: Time) -> None:
    world.later(10)
    world.offset_s += 10 * YEAR_S
    world.synchronise()
    found = world.later(10)
    assert found.faults == {"clock-stepped": False}
    assert found.values == {"clock": "ntp", "clock_error_ms": 500}


@pytest.mark.parametrize("years", [10, -0.2])
def test_a_clock_that_jumps_is_a_fault_and_not_trusted(world: Time, years: float) -> None:
    world.synchronise()
    world.later(10)
    world.offset_s += years * YEAR_S
    assert world.later(10).faults == {"clock-stepped": True}
    assert world.clock.wall().source == "none"
    assert world.later(10).faults == {"clock-stepped": False}
    assert world.clock.wall().source == "none"
    world.synchronise()
    world.later(10)
    assert world.clock.wall().source == "ntp"


def test_a_correction_by_the_network_stays_trusted(world: Time) -> None:
    world.synchronise()
    world.later(10)
    world.offset_s += 5
    world.boot_s += 10
    world.synchronise()
    assert world.later(0).faults == {"clock-stepped": True}
    assert world.clock.wall().source == "ntp"


@pytest.mark.parametrize("offset_s", [0, -(10**12), 10**13, NOT_BEFORE_S + 50 * YEAR_S])
def test_a_time_that_cannot_be_is_not_trusted_at_once(world: Time, offset_s: float) -> None:
    world.synchronise()
    world.later(10)
    world.offset_s = offset_s
    assert world.clock.wall().source == "none"
    world.later(10)
    assert world.clock.wall().source == "none"


# ---- the clock module ----------------------------------------------------------------------------


def test_a_module_that_set_the_clock_is_the_source(world: Time) -> None:
    world.clock = world.made(world.module(NOON_S + 110))
    assert world.later(10).faults == {"clock-stepped": False, "clock-dead": False}
    assert world.clock.wall().source == "rtc"


def test_a_module_that_did_not_set_the_clock_is_no_source(world: Time) -> None:
    world.clock = world.made(world.module(NOON_S + 110, set_it=False))
    world.later(10)
    assert world.clock.wall().source == "none"


def test_a_clock_far_from_its_module_is_not_trusted(world: Time) -> None:
    world.clock = world.made(world.module(NOON_S + 10 * YEAR_S))
    world.later(10)
    assert world.clock.wall().source == "none"


@pytest.mark.parametrize("seconds", [None, 946_684_800, 2**33])
def test_a_module_that_lost_the_time_is_dead(world: Time, seconds: float | None) -> None:
    """The kernel refuses to read one whose battery was empty; some say 2000 instead."""
    world.clock = world.made(world.module(seconds))
    assert world.later(10).faults["clock-dead"]
    assert world.clock.wall().source == "none"


def test_a_module_far_from_the_network_s_time_is_dead(world: Time) -> None:
    world.clock = world.made(world.module(NOON_S + 3600))
    world.synchronise()
    assert world.later(10).faults["clock-dead"]
    assert world.clock.wall().source == "ntp"


def test_a_module_that_the_kernel_does_not_know_is_dead(world: Time, tmp_path: Path) -> None:
    world.clock = world.made(ClockModule(tmp_path / "nothing"))
    assert world.later(10).faults["clock-dead"]


# ---- systemd's word ------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "set_by_network"), [("b true", True), ("b false", False)])
def test_systemd_is_asked_for_other_time_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, set_by_network: bool
) -> None:
    program = tmp_path / "busctl"
    program.write_text(f'#!/bin/sh\ncase "$*" in *NTPSynchronized) echo "{answer}" ;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert timedated() is set_by_network


def test_a_system_without_an_answer_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="timedated does not answer"):
        timedated()
