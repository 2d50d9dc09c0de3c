"""What is shown and felt."""

from itertools import combinations

import pytest

from bodycam.rules import cues
from bodycam.rules.cues import LIGHTS, VIBRATIONS, Feel
from bodycam.rules.events import Fault, Output
from bodycam.rules.faults import BATTERY_PERCENT, DEAD, FAULTS, ROOM_MINUTES
from bodycam.rules.model import Model, State, light
from rules.shift import policy


def feels(*felt: Feel) -> str:
    pattern = cues.played(felt, 60, 200)
    return pattern.name if pattern else ""


def test_every_feeling_has_a_row_in_order_of_priority() -> None:
    assert list(VIBRATIONS) == sorted(Feel, reverse=True)
    assert all(row.says for row in VIBRATIONS.values())


def test_every_vibration_differs_from_every_other() -> None:
    fixed = [row.pulses_ms for feel, row in VIBRATIONS.items() if feel is not Feel.LEVELS]
    assert len(set(fixed)) == len(fixed)
    assert all(len(pulses) % 2 for pulses in fixed)  # on, off, ..., on


def test_what_matters_most_has_a_rhythm_of_its_own() -> None:
    """By long and short alone: nobody counts milliseconds on the chest."""
    rhythms = {
        feel: "".join("-" if ms >= 250 else "." for ms in row.pulses_ms[::2])
        for feel, row in VIBRATIONS.items()
        if feel not in (Feel.LEVELS, Feel.HOLDING)  # which comes while the wearer presses
    }
    for feel in (Feel.NOT_RECORDING, Feel.STARTED, Feel.STOPPED, Feel.LOCATE):
        assert [*rhythms.values()].count(rhythms[feel]) == 1, feel


def test_what_the_pulses_say() -> None:
    assert cues.vibration(Feel.STARTED).pulses_ms == (120, 120, 120)
    assert cues.vibration(Feel.STOPPED).pulses_ms == (900,)
    assert len(cues.vibration(Feel.NOT_RECORDING).pulses_ms) == 5


@pytest.mark.parametrize(
    ("felt", "played"),
    [
        ((), ""),
        ((Feel.STARTED, Feel.MARKED), "started"),
        ((Feel.NOT_RECORDING, Feel.STARTED), "not-recording"),
        ((Feel.STOPPED, Feel.REMINDER), "stopped"),
        ((Feel.FAULT,), "fault"),
        # A fault is not lost to what is felt with it, unless that says it already.
        ((Feel.FAULT, Feel.STARTED), "started+fault"),
        ((Feel.FAULT, Feel.NOT_RECORDING), "not-recording"),
        ((Feel.LEVELS,), "levels-2-3"),
        ((Feel.LEVELS, Feel.FAULT), "levels-2-3+fault"),
    ],
)
def test_who_wins(felt: tuple[Feel, ...], played: str) -> None:
    assert feels(*felt) == played


def test_a_fault_comes_after_what_it_follows() -> None:
    pattern = cues.played((Feel.FAULT, Feel.STARTED), 0, 0)
    assert pattern is not None
    assert pattern.pulses_ms == (120, 120, 120, 600, 400, 200, 120, 120, 120)


@pytest.mark.parametrize(
    ("percent", "minutes", "name", "pulses_ms"),
    [
        (100, 480, "levels-4-8", (100, 150, 100, 150, 100, 150, 100, 700, *(100, 150) * 7, 100)),
        (49, 119, "levels-1-1", (100, 700, 100)),
        (24, 59, "levels-0-0", (600, 700, 600)),
        (-5, -1, "levels-0-0", (600, 700, 600)),
        (250, 99_999, "levels-4-8", (100, 150, 100, 150, 100, 150, 100, 700, *(100, 150) * 7, 100)),
    ],
)
def test_levels(percent: int, minutes: int, name: str, pulses_ms: tuple[int, ...]) -> None:
    pattern = cues.levels(percent, minutes)
    assert (pattern.name, pattern.pulses_ms) == (name, pulses_ms)


def test_lights_differ_in_rhythm_and_not_only_in_colour() -> None:
    shining = [row.pattern for row in LIGHTS.values() if row.pattern.pulses_ms]
    for one, other in combinations(shining, 2):
        assert one.pulses_ms != other.pulses_ms
    assert [row.pattern.name for row in LIGHTS.values()] == list(LIGHTS)
    # By day, from across the street: recording is nearly always on, standby nearly always off.
    on, off = LIGHTS["recording"].pattern.pulses_ms
    assert on > 5 * off
    on, off = LIGHTS["standby"].pattern.pulses_ms
    assert off > 5 * on


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (State.STANDBY, "standby"),
        (State.WARNING, "warning"),
        (State.WARN_ONLY, "warning"),
        (State.RECORDING, "recording"),
        (State.STOPPING, "recording"),
        (State.AFTER, "standby"),
        (State.BLOCKED, "recording"),
        (State.PAUSED, "paused"),
        (State.DOCKED, "docked"),
        (State.OFF, "off"),
    ],
)
def test_the_light_of_every_state(state: State, shown: str) -> None:
    assert light(Model(policy(), state, 0)).name == shown


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (State.STANDBY, "fault"),
        (State.AFTER, "fault"),
        (State.DOCKED, "fault"),
        (State.WARNING, "warning"),
        (State.PAUSED, "paused"),
        (State.RECORDING, "recording"),
    ],
)
def test_amber_shows_where_nothing_is_kept_and_nobody_is_warned(state: State, shown: str) -> None:
    model = Model(policy(), state, 0, faults=frozenset({Fault.CAMERA_STALLED}))
    assert light(model).name == shown


def test_every_fault_has_a_row_that_says_it() -> None:
    assert list(FAULTS) == list(Fault)
    assert all(row.says and row.speech_en and row.speech_nl for row in FAULTS.values())
    assert [fault for fault, row in FAULTS.items() if row.feel is None] == [
        Fault.CLOCK_UNSYNCHRONISED,
        Fault.LENS_DARK,
    ]
    assert {fault for fault, row in FAULTS.items() if row.bars} == {
        Fault.NO_ROOM,
        Fault.CARD_FAILED,
    }
    assert set(DEAD) == set(Output)


def test_gauges_clear_above_where_they_raise() -> None:
    for threshold in (*BATTERY_PERCENT, *ROOM_MINUTES):
        assert threshold.cleared_at > threshold.raised_at
