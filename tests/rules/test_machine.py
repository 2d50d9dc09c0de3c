"""Single steps: late edges, late answers, deadlines that nobody stepped."""

from collections.abc import Iterator

import pytest

from bodycam.media.packets import SECOND
from bodycam.rules import events, machine
from bodycam.rules.events import Button, Effect, Event, Fault, Output
from bodycam.rules.model import Model, State, Timer
from rules.shift import Shift, ns, policy, said

DOWN, UP = events.Edge(Button.RECORD, True), events.Edge(Button.RECORD, False)


class Desk:
    """Steps a model by hand."""

    def __init__(self, script: str, until_s: float) -> None:
        shift = Shift(policy())
        shift.script(script)
        shift.run(until_s)
        self.model = shift.model
        self.effects: tuple[Effect, ...] = ()

    def step(self, event: Event | None, at_s: float) -> str:
        self.model, self.effects = machine.step(self.model, event, ns(at_s))
        return ", ".join(map(said, self.effects))


def logged(script: str, until_s: float) -> list[events.Log]:
    shift = Shift(policy(pause_s=900))
    shift.script(script)
    steps = shift.run(until_s)
    return [one for *_, effects in steps for one in effects if isinstance(one, events.Log)]


@pytest.mark.parametrize(
    ("script", "acts"),
    [
        ("10 function 0.3", ["warned only"]),
        ("10 press 0.1\n10.5 function 1.2", ["cancelled"]),
        ("10 function 3.5\n20 function 0.3", ["pause", "pause over"]),
    ],
)
def test_what_the_wearer_did_without_a_recording_is_sealed_under_one_word(
    script: str, acts: list[str]
) -> None:
    told = logged(script, 30)
    assert {one.kind for one in told} == {"act"}
    assert [dict(one.details) for one in told] == [{"act": act} for act in acts]


ALL_DEAD = "0 light dead\n0 buzzer dead\n0 speaker dead\n10 press 0.1"
LOST = {"from_us": 19_000_000, "to_us": 20_000_000, "pictures": 30}


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            ALL_DEAD,
            [
                *(("Log", "fault", {"fault": f"{dead}-dead"}) for dead in ("speaker", "buzzer")),
                ("Log", "fault", {"fault": "light-dead"}),
                ("Log", "fault", {"fault": "warning-failed"}),
                (
                    "Note",
                    "faults",
                    {"faults": "buzzer-dead,light-dead,speaker-dead,warning-failed"},
                ),
            ],
        ),
        (
            "0 speaker late 0.3\n10 press 1.5",
            [("Note", "played", {"output": "speaker", "part": "to its end"})],
        ),
        (
            "5 raise sound-lost\n10 press 0.1\n20 broke error\n30 off empty",
            [
                ("Log", "fault", {"fault": "sound-lost"}),
                ("Note", "faults", {"faults": "sound-lost"}),
                ("Log", "broke", {"why": "error"}),
                ("Note", "faults", {"faults": "sound-lost"}),
                ("Log", "shutdown", {"reason": "empty", "state": "recording"}),
            ],
        ),
        (
            "10 press 0.1\n20 drop",
            [
                ("Log", "fault", {"fault": "footage-dropped"}),
                ("Note", "fault", {"fault": "footage-dropped"}),
                ("Log", "gap", LOST),
                ("Note", "gap", LOST),
            ],
        ),
    ],
    ids=["nothing can warn", "played late", "broke and off", "dropped"],
)
def test_notes_and_lines_have_the_fields_of_the_format(
    script: str, told: list[tuple[str, str, dict[str, object]]]
) -> None:
    shift = Shift(policy())
    shift.script(script)
    found = [one for *_, effects in shift.run(40) for one in effects]
    said = [one for one in found if isinstance(one, events.Note | events.Log)]
    assert [(type(one).__name__, one.kind, dict(one.details)) for one in said] == told


def test_a_function_button_that_was_stuck_asks_for_nothing_when_it_lets_go() -> None:
    shift = Shift(policy())
    shift.script("1 press 1.1\n10 function 40")
    shift.run(49)
    steps = shift.run(60)
    felt = [one for *_, effects in steps for one in effects if isinstance(one, events.Vibrate)]
    assert [one.pattern.name for one in felt] == []
    assert shift.model.state is State.RECORDING


# ---- time ----------------------------------------------------------------------------------------


def test_time_never_goes_back() -> None:
    desk = Desk("10 press 1.1", 20)
    desk.step(None, 30)
    desk.step(events.FaultRaised(Fault.SOUND_LOST), 25)
    assert desk.model.now_ns == 30 * SECOND
    assert desk.effects[0] == events.Log("fault", 30 * SECOND, (("fault", "sound-lost"),))


def test_what_is_due_comes_before_the_event() -> None:
    desk = Desk("10 press 0.1", 11)
    assert desk.step(events.Docked(True), 12.05).startswith("begin warned")


def test_a_release_that_comes_late_is_judged_by_its_stamp() -> None:
    desk = Desk("1 press 1.1", 5)
    desk.step(DOWN, 10)
    desk.step(None, 16.5)
    assert desk.step(UP, 15.9).startswith("until 16.5")


def test_a_release_that_is_stamped_too_late_stops_nothing() -> None:
    desk = Desk("1 press 1.1", 5)
    desk.step(DOWN, 10)
    assert desk.step(UP, 16) == "feel holding"
    assert desk.step(None, 17) == ""


def test_a_mark_has_the_time_of_contact_although_it_comes_late() -> None:
    desk = Desk("1 press 1.1", 5)
    desk.step(None, 10)
    desk.step(DOWN, 9.95)
    desk.step(UP, 10.1)
    assert desk.step(None, 10.3) == "note mark at 9.95, feel marked"


def test_reminders_that_were_missed_are_not_made_up_for() -> None:
    desk = Desk("1 press 1.1\n3 raise camera-stalled", 4)
    a_day = desk.step(None, 86_400)
    assert a_day == "restart camera, feel not-recording"
    assert desk.model.timers == {Timer.CAMERA_RETRY: ns(86_403), Timer.REMIND: ns(86_402)}


def stepped(model: Model, until_ns: int) -> Iterator[Model]:
    """Every deadline by itself."""
    while (due_ns := machine.due_ns(model)) is not None and due_ns <= until_ns:
        model, _ = machine.step(model, None, due_ns)
        yield model


@pytest.mark.parametrize("until_s", [10.5, 11, 12.05, 130.7, 1000])
def test_deadlines_can_be_stepped_one_by_one_or_together(until_s: float) -> None:
    model = Desk("10 down", 10.06).model
    *_, last = model, *stepped(model, ns(until_s))
    apart, _ = machine.step(last, None, ns(until_s))
    assert apart == machine.step(model, None, ns(until_s))[0]


def test_off_has_no_deadline() -> None:
    desk = Desk("10 press 40\n20 off button", 30)
    assert desk.model.state is State.OFF
    assert machine.due_ns(desk.model) is None


# ---- answers of the outputs ----------------------------------------------------------------------


def warning() -> Desk:
    """The speaker has been asked, and has not answered."""
    desk = Desk("1 speaker silent\n10 press 0.1", 10.4)
    assert desk.step(None, 10.4) == ""
    return desk


@pytest.mark.parametrize(
    "event",
    [
        events.WarningStarted(Output.SPEAKER, 0),
        events.WarningStarted(Output.SPEAKER, 2),
        events.WarningStarted(Output.BUZZER, 1),
        events.WarningEnded(Output.SPEAKER, 1),
        events.WarningEnded(Output.SPEAKER, 2),
    ],
)
def test_answers_to_what_was_not_asked_are_nothing(event: Event) -> None:
    desk = warning()
    before = desk.model
    assert desk.step(event, 10.4) == ""
    assert desk.model == before


def test_an_answer_counts_once() -> None:
    desk = warning()
    desk.step(events.WarningStarted(Output.SPEAKER, 1), 10.45)
    assert desk.model.timers[Timer.GIVEN] == ns(12.45)
    assert desk.step(events.WarningStarted(Output.SPEAKER, 1), 11) == ""
    assert desk.model.timers[Timer.GIVEN] == ns(12.45)


@pytest.mark.parametrize(("output", "token"), [(Output.BUZZER, 1), (Output.SPEAKER, 7)])
def test_a_failure_of_what_was_not_asked_is_a_fault_and_no_more(output: Output, token: int) -> None:
    desk = warning()
    told = desk.step(events.WarningFailed(output, token), 10.4)
    assert told == f"log fault {output.value}-dead, feel fault"
    assert desk.model.warning == warning().model.warning


def test_an_output_fails_once() -> None:
    desk = warning()
    assert "warn buzzer" in desk.step(events.WarningFailed(Output.SPEAKER, 1), 10.4)
    assert desk.step(events.WarningFailed(Output.SPEAKER, 1), 10.41) == ""


def test_the_second_of_two_outputs_neither_hastens_nor_delays_the_recording() -> None:
    desk = warning()
    desk.step(events.WarningFailed(Output.SPEAKER, 1), 10.4)
    desk.step(events.WarningStarted(Output.SPEAKER, 1), 10.6)
    desk.step(events.WarningStarted(Output.BUZZER, 1), 10.7)
    assert desk.model.timers[Timer.GIVEN] == ns(12.6)
    desk.step(events.WarningFailed(Output.BUZZER, 1), 10.8)
    desk.step(events.WarningFailed(Output.LIGHT, 1), 10.9)
    assert Fault.WARNING_FAILED not in desk.model.faults
    assert desk.model.timers[Timer.GIVEN] == ns(12.6)


def test_the_end_of_the_buzzer_is_not_the_end_of_the_text() -> None:
    shift = Shift(policy(text="U wordt gefilmd."))
    shift.script("1 speaker unending\n10 function 0.1")
    shift.run(13)
    model = shift.model
    for output in (Output.BUZZER, Output.SPEAKER):
        model, _ = machine.step(model, events.WarningEnded(output, 1), ns(13))
        assert (model.state is State.WARN_ONLY) == (output is Output.BUZZER)


# ---- what a recording says of itself -------------------------------------------------------------


def test_a_recording_that_follows_another_says_so() -> None:
    shift = Shift(policy())
    shift.script("1 press 1.1\n5 press 4\n10 press 0.1\n20 broke stream")
    shift.run(21)
    assert [(warned.how.value, warned.linked) for warned in shift.opened] == [
        ("held", False),
        ("linked", True),
        ("continued", True),
    ]
