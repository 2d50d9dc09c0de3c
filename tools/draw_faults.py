"""Draws the tables of docs/faults.md: what a fault is to wearer, evidence and fleet manager.

Nothing of it is written by hand but the names of tests: each row is played through the rules, in
standby and in a recording, and what came of it is what the page says.

usage: python tools/draw_faults.py          print the page as it is to be
       python tools/draw_faults.py --write  write it
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from bodycam.media.packets import SECOND
from bodycam.rules import events, machine
from bodycam.rules.cues import LIGHTS, VIBRATIONS, Feel
from bodycam.rules.events import Button, Effect, Fault, Output
from bodycam.rules.faults import FAULTS
from bodycam.rules.model import Model
from bodycam.rules.policy import read_policy
from bodycam_station.board.texts import TEXTS
from bodycam_station.fleet import findings

PAGE = Path(__file__).parent.parent / "docs" / "faults.md"
POLICY = read_policy(
    b'name = "drawn"\n[warning]\nlanguages = ["en"]\n[keep]\n[wearer]\n[video]\n[sound]\n',
    "drawn.toml",
)
_PART = re.compile(r"(<!-- drawn: faults -->\n).*?(<!-- end -->)", re.DOTALL)

FOUND: dict[Fault, tuple[str, ...]] = {
    Fault.CAMERA_STALLED: ("sim/test_scenarios.py::test_camera_stall",),
    Fault.NO_ROOM: (
        "sim/test_scenarios.py::test_storage_full",
        "sim/test_scenarios.py::test_card_emptied",
    ),
    Fault.CARD_FAILED: (
        "sim/test_scenarios.py::test_card_fails",
        "recorder/test_writer.py::test_a_card_that_works_again_is_found_out_without_a_restart",
    ),
    Fault.CARD_STUCK: ("sim/test_scenarios.py::test_slow_card",),
    Fault.FOOTAGE_DROPPED: ("sim/test_scenarios.py::test_budget_spent",),
    Fault.SOUND_LOST: ("sim/test_scenarios.py::test_microphone_lost",),
    Fault.SPEAKER_DEAD: ("sim/test_scenarios.py::test_speaker_broken",),
    Fault.BUZZER_DEAD: ("pi/test_outputs.py::test_every_time_a_buzzer_dies_it_is_told",),
    Fault.LIGHT_DEAD: ("pi/test_outputs.py::test_a_pin_that_does_not_follow_is_a_dead_light",),
    Fault.WARNING_FAILED: ("rules/test_shifts.py::test_nothing_can_warn",),
    Fault.BUTTON_STUCK: ("sim/test_scenarios.py::test_stuck_button",),
    Fault.CLOCK_UNSYNCHRONISED: ("sim/test_scenarios.py::test_clock_lost",),
    Fault.BATTERY_LOW: ("sim/test_scenarios.py::test_battery_low",),
    Fault.BATTERY_CRITICAL: (
        "recorder/test_going_off.py::test_all_is_closed_and_signed_within_two_seconds",
    ),
    Fault.ROOM_LOW: (
        "rules/test_shifts.py::test_the_wearer_is_warned_an_hour_and_a_quarter_before_the_end",
        "recorder/test_writer.py::test_minutes_left_are_told_by_what_footage_takes",
    ),
    Fault.ROOM_VERY_LOW: (
        "rules/test_shifts.py::test_the_wearer_is_warned_an_hour_and_a_quarter_before_the_end",
    ),
    Fault.BUTTON_BROKEN: (
        "pi/test_buttons.py::test_a_button_that_chatters_is_broken_and_floods_nobody",
    ),
    Fault.GAUGE_DEAD: (
        "pi/test_health.py::test_a_dead_part_is_said_once_and_once_more_when_it_is_well",
    ),
    Fault.POWER_WEAK: ("pi/test_vitals.py::test_the_firmware_s_bits_say_what_is_so_now",),
    Fault.TOO_HOT: ("pi/test_vitals.py::test_heat_has_hysteresis",),
    Fault.CARD_WORN: ("pi/test_vitals.py::test_a_card_says_how_worn_it_is",),
    Fault.CARD_RESTORED: (
        "device/test_run.py::test_a_card_that_was_put_back_shows_at_the_next_start",
    ),
    Fault.CLOCK_DEAD: ("pi/test_clock.py::test_a_module_that_lost_the_time_is_dead",),
    Fault.CLOCK_STEPPED: (
        "pi/test_clock.py::test_a_clock_that_jumps_is_a_fault_and_not_trusted",
        "sim/test_scenarios.py::test_clock_jumps",
    ),
    Fault.MEMORY_DEAD: (
        "recorder/test_body_memory.py::test_a_memory_that_dies_later_is_a_fault_until_it_works_again",
    ),
    Fault.LENS_COVERED: ("pi/test_lens.py::test_a_hand_on_the_lens_is_told_and_its_end_too",),
    Fault.LENS_DARK: ("pi/test_lens.py::test_what_is_wrong_is_found_within_a_minute",),
    Fault.LENS_UPSIDE_DOWN: ("pi/test_lens.py::test_what_is_wrong_is_found_within_a_minute",),
}
"""The tests in which a fault is really there, and found; each has the whole road before it."""

NO_LIGHT = {Fault.LIGHT_DEAD: "no light, or not the right one"}
"""What is to be seen where it is the light that is wrong."""


def page(text: str) -> str:
    """The page with its table as the rules have it now."""
    return _PART.sub(lambda part: f"{part[1]}\n{table()}\n\n{part[2]}", text)


def table() -> str:
    """A row a fault."""
    head = ["fault", "in standby", "in a recording", "evidence", "fleet manager", "held by"]
    rows = [
        [
            f"**{fault.value}**: {FAULTS[fault].says}",
            cue(in_standby(fault), NO_LIGHT.get(fault, "green, ready")),
            cue(in_a_recording(fault), NO_LIGHT.get(fault, "red, as before")),
            evidence(fault),
            board(fault),
            " ".join(f"`tests/{test}`" for test in FOUND[fault]),
        ]
        for fault in Fault
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows])


# ---- played through the rules --------------------------------------------------------------------


def standby() -> Model:
    """A camera that has nothing to do."""
    model, _ = machine.begin(POLICY, 0)
    return model


def recording() -> Model:
    """One that records."""
    model = standby()
    for event, at_s in (
        (events.Edge(Button.RECORD, True), 10),
        (events.WarningStarted(Output.SPEAKER, 1), 10),
        (events.Edge(Button.RECORD, False), 10.2),
        (None, 20),
    ):
        model, _ = machine.step(model, event, round(at_s * SECOND))
    return model


def in_standby(fault: Fault) -> tuple[Effect, ...]:
    """What comes of it there."""
    return machine.step(standby(), events.FaultRaised(fault), 30 * SECOND)[1]


def in_a_recording(fault: Fault) -> tuple[Effect, ...]:
    """And there."""
    return machine.step(recording(), events.FaultRaised(fault), 30 * SECOND)[1]


def kept(fault: Fault) -> list[events.Note]:
    """The notes of a recording in which it came and went."""
    model, raised = machine.step(recording(), events.FaultRaised(fault), 30 * SECOND)
    _, cleared = machine.step(model, events.FaultCleared(fault), 40 * SECOND)
    return [effect for effect in (*raised, *cleared) if isinstance(effect, events.Note)]


def cue(effects: Iterable[Effect], as_before: str) -> str:
    """Light and vibration, in words."""
    light, felt = as_before, "nothing felt"
    for effect in effects:
        if isinstance(effect, events.Light):
            light = f"{effect.pattern.colour or 'off'}, {LIGHTS[effect.pattern.name].says}"
        elif isinstance(effect, events.Vibrate):
            name = effect.pattern.name.split("+")[0]
            felt = VIBRATIONS[Feel[name.upper().replace("-", "_")]].says.replace("**", "")
        elif isinstance(effect, events.PowerOff):
            felt += "; it closes down"
    return f"{light}; {felt}"


def evidence(fault: Fault) -> str:
    """What a recording says of it."""
    notes = list(dict.fromkeys(note.kind for note in kept(fault)))
    return "notes " + " ".join(f"`{kind}`" for kind in notes)


def board(fault: Fault) -> str:
    """What the board says, and how grave it is to it."""
    severity, bars = findings.FAULTS[fault.value]
    english = TEXTS[f"fault.{fault.value}"][1]
    return f"“{english}”: {severity}{', it cannot go out' if bars else ''}"


def main() -> int:
    """Print or write the page."""
    text = page(PAGE.read_text())
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(text)
    elif sys.argv[1:]:
        print(__doc__)
        return 1
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
