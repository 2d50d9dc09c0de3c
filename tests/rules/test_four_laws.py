"""The four laws, over what nobody would think of: random shifts, held by a witness."""

import ast
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bodycam.media.packets import SECOND
from bodycam.rules import events, machine
from bodycam.rules.events import Button, Event, Fault, Output, Why
from bodycam.rules.model import Model, State
from rules.shift import Shift, ns, policy
from rules.witness import MOST_EFFECTS, Finger, Press, Witness

RUNS, STEPS = 500, 50
POLICIES = (
    policy(),
    policy(lead_s=0, pre_record_s=0, post_record_s=20),
    policy(lead_s=5, text="U wordt gefilmd.", pause_s=60),
    policy(lead_s=0.3, post_record_s=45, text="U wordt gefilmd."),
)
FITTED = (tuple(Output), (Output.BUZZER, Output.LIGHT), (Output.SPEAKER,), ())

moments = st.sampled_from([0, 0.001, 0.05, 0.199, 0.2, 0.5, 0.999, 1, 2, 3, 6, 10, 30, 31])
waits_ns = st.one_of(moments.map(ns), st.integers(0, 2 * SECOND), st.integers(0, 200 * SECOND))
holds_ns = st.one_of(
    st.sampled_from([0.1, 0.1, 0.1, 0.999, 1, 1.1, 2.999, 3, 4, 5.999, 6, 31]).map(ns),
    st.integers(0, 7 * SECOND),
)
late_ns = st.integers(0, SECOND // 20)
R, F = Button.RECORD, Button.FUNCTION
GESTURES = {
    "a press and another": ((R, 0.3, 0.1), (R, 0.3, 0.1)),
    "a press, and cancelled": ((R, 0.3, 0.1), (F, 0.1, 1.1)),
    "a hold, and stopped": ((R, 0.3, 1.1), (R, 0.5, 4)),
    "stopped": ((R, 0.3, 4),),
    "stopped, and pressed": ((R, 0.3, 3), (R, 5, 0.1)),
    "warned only, and pressed": ((F, 0.3, 0.1), (R, 0.5, 0.1)),
    "paused": ((F, 0.3, 3.1),),
}
"""What wearers do, of which chance would be too rare: button, seconds open, seconds closed."""


def earliest(model: Model) -> int:
    """When the model is due; at the end of the world where it never is."""
    due_ns = machine.due_ns(model)
    return 2**63 if due_ns is None else due_ns


class Shifts(RuleBasedStateMachine):
    """Edges, answers, faults, dock, gauges and the writer's reports, at any time, in any order."""

    obliging = False

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.well = False
        self.answers: list[tuple[int, Event]] = []

    @initialize(
        which=st.integers(0, len(POLICIES) - 1),
        outputs=st.sampled_from(FITTED),
        docked=st.booleans(),
        closed=st.booleans(),
    )
    def begin(self, which, outputs, docked, closed):  # type: ignore[no-untyped-def]
        self.model, effects = machine.begin(
            POLICIES[which], 0, outputs=outputs, docked=docked, record_closed=closed
        )
        light, sleeps = effects
        assert isinstance(light, events.Light)
        self.witness = Witness(
            POLICIES[which], outputs, light.pattern.name, isinstance(sleeps, events.Sleep)
        )
        if closed:
            self.witness.record = Finger([Press(0, 0, at_boot=True)])

    def step(self, event: Event | None, after_ns: int = 0) -> None:
        """Every deadline in a step of its own, then the event: the same as all at once."""
        now = self.model.now_ns + after_ns
        while self.answers and self.answers[0][0] <= now:
            at_ns, answer = self.answers.pop(0)
            self.step(answer, at_ns - self.model.now_ns)
        at_once, effects = machine.step(self.model, event, now)
        while earliest(self.model) <= now:
            self._step(None, earliest(self.model))
        self._step(event, now)
        assert at_once == self.model
        assert len(effects) <= MOST_EFFECTS

    def _step(self, event: Event | None, now: int) -> None:
        self.well = False
        before = self.model
        self.model, effects = machine.step(before, event, now)
        self.witness.saw(event, now, effects, self.model)
        for effect in effects:
            if isinstance(effect, events.Warn) and self.obliging:
                started = events.WarningStarted(effect.output, effect.token)
                self.answers.append((self.model.now_ns + SECOND // 20, started))
        assert earliest(self.model) >= self.model.now_ns
        self.steps += 1
        self.well = True

    # ---- the wearer ------------------------------------------------------------------------------

    @rule(button=st.sampled_from(Button), closed=st.booleans(), wait=waits_ns, late=late_ns)
    def edge(self, button: Button, closed: bool, wait: int, late: int) -> None:
        self.step(None, wait)
        self.step(events.Edge(button, closed), -late)

    @rule(
        button=st.sampled_from([Button.RECORD, Button.RECORD, Button.FUNCTION]),
        wait=waits_ns,
        hold=holds_ns,
        bounces=st.booleans(),
    )
    def contact(self, button: Button, wait: int, hold: int, bounces: bool) -> None:
        self.touch(button, wait, hold, bounces)

    def touch(self, button: Button, wait: int, hold: int, bounces: bool) -> None:
        self.step(events.Edge(button, True), wait)
        for closed in (False, True) * bounces:
            self.step(events.Edge(button, closed), SECOND // 500)
        self.step(None, hold // 2)
        self.step(events.Edge(button, False), hold - hold // 2)

    @rule(name=st.sampled_from(list(GESTURES)), bounces=st.booleans())
    def gesture(self, name: str, bounces: bool) -> None:
        for button, open_s, closed_s in GESTURES[name]:
            self.touch(button, ns(open_s), ns(closed_s), bounces)

    @rule(wait=waits_ns)
    def nothing(self, wait: int) -> None:
        self.step(None, wait)

    # ---- the outputs -----------------------------------------------------------------------------

    @rule(
        kind=st.sampled_from([events.WarningStarted, events.WarningEnded, events.WarningFailed]),
        output=st.sampled_from(Output),
        old=st.sampled_from([0, 0, 0, 1]),
        wait=waits_ns,
    )
    def answer(self, kind, output, old, wait):  # type: ignore[no-untyped-def]
        self.step(kind(output, max(self.witness.asked, default=1) - old), wait)

    # ---- what is wrong ---------------------------------------------------------------------------

    @rule(fault=st.sampled_from(Fault), raised=st.booleans(), wait=waits_ns)
    def fault(self, fault: Fault, raised: bool, wait: int) -> None:
        self.step(events.FaultRaised(fault) if raised else events.FaultCleared(fault), wait)

    @rule(docked=st.booleans(), wait=waits_ns)
    def dock(self, docked: bool, wait: int) -> None:
        self.step(events.Docked(docked), wait)

    @rule(percent=st.integers(5, 100), minutes=st.sampled_from([0, 1, 2, 15, 20, 60, 70, 480]))
    def gauges(self, percent: int, minutes: int) -> None:
        self.step(events.Battery(percent))
        self.step(events.Room(minutes))

    # ---- the footage and the writer --------------------------------------------------------------

    @rule(pictures=st.integers(1, 60), wait=waits_ns)
    def drop(self, pictures: int, wait: int) -> None:
        at_ns = self.model.now_ns + wait
        self.step(events.FootageDropped(at_ns - SECOND, at_ns, pictures), wait)

    @rule(seconds=st.integers(2, 60), wait=waits_ns)
    def miss(self, seconds: int, wait: int) -> None:
        at_ns = self.model.now_ns + wait
        self.step(events.PicturesMissed(at_ns - seconds * SECOND, at_ns), wait)

    @precondition(lambda self: self.witness.written)
    @rule(why=st.sampled_from(Why), newest=st.booleans(), wait=waits_ns)
    def breaks(self, why: Why, newest: bool, wait: int) -> None:
        self.step(None, wait)
        self.step(events.RecordingBroke(why, self.witness.written[-newest]))

    @precondition(lambda self: self.witness.written)
    @rule(wait=waits_ns)
    def saved(self, wait: int) -> None:
        self.step(events.RecordingSaved("cam07-000042-9f3c21d8"), wait)
        del self.witness.written[0]

    # ---- the end ---------------------------------------------------------------------------------

    @precondition(lambda self: self.steps > STEPS)
    @rule(battery=st.booleans(), wait=waits_ns)
    def off(self, battery: bool, wait: int) -> None:
        self.step(events.Battery(3) if battery else events.ShutDown("button"), wait)

    def teardown(self) -> None:
        """In the end everything has been told."""
        if self.well:
            self.step(events.ShutDown("button"), SECOND)
            assert self.model.state is State.OFF
            assert self.model.gap is None
            assert self.witness.lamp == "off"


class ObligingShifts(Shifts):
    """Every output that is asked acknowledges after 0.05 s."""

    obliging = True


@pytest.fixture
def untraced() -> Iterator[None]:
    """Other tests reach every line; to count lines here as well would take thrice as long."""
    trace = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(trace)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("shifts", [Shifts, ObligingShifts])
def test_the_laws_hold_whatever_happens(shifts: type[Shifts]) -> None:
    run_state_machine_as_test(
        shifts,
        settings=settings(
            max_examples=RUNS // 2,
            stateful_step_count=STEPS,
            # Making a failure smaller takes minutes; add Phase.shrink when there is one.
            phases=(Phase.generate,),
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


# ---- law 2, RECORD alone -------------------------------------------------------------------------

never_stop_ns = st.one_of(st.integers(0, 3 * SECOND - 1), st.integers(6 * SECOND, 40 * SECOND))


@pytest.mark.parametrize("post_record_s", [0, 60])
@given(
    contacts=st.lists(
        st.tuples(st.one_of(st.integers(0, SECOND), st.integers(0, 90 * SECOND)), never_stop_ns),
        max_size=25,
    ),
    stopped=st.booleans(),
)
def test_no_contacts_without_a_completed_stop_lessen_what_is_kept(
    post_record_s: float, contacts: list[tuple[int, int]], stopped: bool
) -> None:
    shift = Shift(policy(post_record_s=post_record_s))
    shift.script("1 press 1.1\n3 press 4" if stopped else "1 press 1.1")
    # Within post_record, or of the 30 s after it.
    shift.at(at_ns := ns(8), events.Edge(Button.RECORD, True))
    shift.at(at_ns := at_ns + ns(0.1), events.Edge(Button.RECORD, False))
    for rest_ns, held_ns in contacts:
        shift.at(at_ns := at_ns + rest_ns, events.Edge(Button.RECORD, True))
        shift.at(at_ns := at_ns + held_ns, events.Edge(Button.RECORD, False))
    # Openings of under 0.2 s join contacts to longer ones: those that could stop are left out.
    merged = merge([(ns(8), ns(8.1)), *spans(contacts, ns(8.1))])
    assume(not any(3 * SECOND <= end - start < 6 * SECOND for start, end in merged))
    began = [step for step in shift.run(at_ns / SECOND + 60) if step[0] >= ns(8)]
    assert {model.keeping for _, model, _ in began} == {True}
    asked = [effect for _, _, effects in began for effect in effects]
    ends = [e for e in asked if isinstance(e, events.Until) and e.at_ns is not None]
    assert ends == []
    assert [e for e in asked if isinstance(e, events.Unpin | events.Hush | events.Sleep)] == []


def spans(contacts: list[tuple[int, int]], at_ns: int) -> list[tuple[int, int]]:
    found = []
    for rest_ns, held_ns in contacts:
        found.append((at_ns + rest_ns, at_ns + rest_ns + held_ns))
        at_ns += rest_ns + held_ns
    return found


def merge(contacts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged = contacts[:1]
    for (_, before), (start, end) in pairwise(contacts):
        if start - before < SECOND // 5:
            merged[-1] = merged[-1][0], end
        else:
            merged.append((start, end))
    return merged


# ---- law 1, in code ------------------------------------------------------------------------------


def test_only_one_file_makes_a_warned() -> None:
    device = Path(__file__).parents[2] / "device"
    makers = set()
    for path in device.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Warned":
                makers.add(path.relative_to(device).as_posix())
    assert makers == {"bodycam/rules/keeping.py"}
