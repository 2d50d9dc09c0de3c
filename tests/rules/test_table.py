"""The table of states and triggers, once more and otherwise written down."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from bodycam.rules import events, machine
from bodycam.rules.contacts import Contact
from bodycam.rules.events import Button, Event, Fault, Output
from bodycam.rules.model import ASLEEP, KEEPS, WARNED, Model, State, Timer, Trigger
from bodycam.rules.table import TABLE
from bodycam.rules.turn import INSTEAD, KEEPS_TIMERS, Turn
from rules.shift import Shift, ns, policy

LEADS_TO = {
    State.STANDBY: {
        Trigger.PRESS: State.WARNING,
        Trigger.FN_TAP: State.WARN_ONLY,
        Trigger.FN_HOLD_3: State.PAUSED,
        Trigger.DOCK: State.DOCKED,
    },
    State.WARNING: {
        Trigger.PRESS: State.RECORDING,
        Trigger.HOLD: State.RECORDING,
        Trigger.GIVEN: State.RECORDING,
        Trigger.FN_HOLD_1: State.STANDBY,
    },
    State.WARN_ONLY: {
        Trigger.PRESS: State.WARNING,
        Trigger.GIVEN: State.WARN_ONLY,
        Trigger.WARNING_OVER: State.STANDBY,
    },
    State.RECORDING: {
        Trigger.TAP: State.RECORDING,
        Trigger.BUZZ: State.RECORDING,
        Trigger.STOP: State.STOPPING,
        Trigger.FN_TAP: State.RECORDING,
        Trigger.REMIND: State.RECORDING,
        Trigger.BARRED: State.BLOCKED,
    },
    State.STOPPING: {
        Trigger.PRESS: State.RECORDING,
        Trigger.UNTIL: State.AFTER,
    },
    State.AFTER: {
        Trigger.PRESS: State.RECORDING,
        Trigger.FN_TAP: State.WARN_ONLY,
        Trigger.FN_HOLD_3: State.PAUSED,
        Trigger.AFTER_OVER: State.STANDBY,
        Trigger.DOCK: State.DOCKED,
    },
    State.BLOCKED: {
        Trigger.PRESS: State.BLOCKED,
        Trigger.BUZZ: State.BLOCKED,
        Trigger.STOP: State.STOPPING,
        Trigger.FN_TAP: State.BLOCKED,
        Trigger.REMIND: State.BLOCKED,
        Trigger.UNBARRED: State.RECORDING,
    },
    State.PAUSED: {
        Trigger.PRESS: State.WARNING,
        Trigger.FN_TAP: State.STANDBY,
        Trigger.PAUSE_OVER: State.STANDBY,
        Trigger.REMIND: State.PAUSED,
        Trigger.DOCK: State.DOCKED,
    },
    State.DOCKED: {
        Trigger.PRESS: State.WARNING,
        Trigger.UNDOCK: State.STANDBY,
    },
    State.OFF: {},
}
"""What is not here is ignored; SHUT_DOWN leads everywhere to OFF."""

CELLS = list(product(State, Trigger))
REACHED_BY = {
    State.STANDBY: "",
    State.WARNING: "10 press 0.2",
    State.WARN_ONLY: "10 function 0.2",
    State.RECORDING: "5 press 1.1",
    State.STOPPING: "1 press 1.1\n3 press 4",
    State.AFTER: "1 press 1.1\n3 press 3",
    State.BLOCKED: "4 press 1.1\n8 raise card-failed",
    State.PAUSED: "6 function 4",
    State.DOCKED: "10 dock",
    State.OFF: "10 off button",
}


def reached(state: State) -> Model:
    """A model that got into a state by what the wearer did."""
    shift = Shift(policy(post_record_s=30 if state is State.STOPPING else 0))
    shift.script(REACHED_BY[state])
    shift.run(11)
    assert shift.model.state is state
    return shift.model


MAKES_SO: dict[Trigger, dict[str, Any]] = {
    Trigger.UNBARRED: {"faults": frozenset()},
    Trigger.UNDOCK: {"docked": False},
}
"""What has become of the model by the time that a trigger asks."""


def fired(model: Model, trigger: Trigger) -> Turn:
    model = replace(model, **MAKES_SO.get(trigger, {}))
    turn = Turn(model, TABLE, model.now_ns)
    turn.ended = Contact(model.now_ns - ns(4.2), model.now_ns - ns(0.2))
    turn.fire(trigger)
    turn.settled()
    return turn


def test_every_cell_is_written() -> None:
    assert list(TABLE) == list(State)
    for row in TABLE.values():
        assert set(row) == set(Trigger)
    assert set(KEEPS_TIMERS) == set(State)


@pytest.mark.parametrize(("state", "trigger"), CELLS)
def test_every_cell(state: State, trigger: Trigger) -> None:
    before = reached(state)
    turn = fired(before, trigger)
    to = LEADS_TO[state].get(trigger)
    if trigger is Trigger.SHUT_DOWN and state is not State.OFF:
        to = State.OFF
    if to is None:
        assert TABLE[state][trigger] is None
        assert turn.model == replace(before, **MAKES_SO.get(trigger, {}))
        assert turn.effects == []
    else:
        assert turn.model.state is to
        assert set(turn.model.timers) <= KEEPS_TIMERS[to]


@pytest.mark.parametrize(("state", "trigger"), CELLS)
def test_what_holds_after_every_cell(state: State, trigger: Trigger) -> None:
    model = fired(reached(state), trigger).model
    assert (model.warning is not None) <= (model.state in WARNED)
    assert model.begun <= (model.state in KEEPS)
    assert (model.state in (State.WARNING, State.WARN_ONLY)) <= (model.warning is not None)


def test_a_transition_that_is_not_possible_leads_elsewhere() -> None:
    barred = frozenset({Fault.NO_ROOM})
    assert {to: instead.to for to, instead in INSTEAD.items()} == {
        State.RECORDING: State.BLOCKED,
        State.STOPPING: State.STANDBY,
        State.STANDBY: State.DOCKED,
    }
    model = Model(policy(), State.AFTER, 0, faults=barred)
    assert fired(model, Trigger.PRESS).model.state is State.BLOCKED
    model = Model(policy(), State.AFTER, 0, docked=True)
    assert fired(model, Trigger.AFTER_OVER).model.state is State.DOCKED


NOTHING: dict[str, tuple[Event, ...]] = {
    "an acknowledgement of no warning": (
        events.WarningStarted(Output.SPEAKER, 9),
        events.WarningEnded(Output.SPEAKER, 9),
    ),
    "an opening of no contact": (
        events.Edge(Button.RECORD, False),
        events.Edge(Button.FUNCTION, False),
    ),
    "a fault that is not there is cleared": (events.FaultCleared(Fault.SOUND_LOST),),
    "a recording is saved": (events.RecordingSaved("cam07-000042-9f3c21d8"),),
}


@pytest.mark.parametrize(("state", "what"), list(product(State, NOTHING)))
def test_what_means_nothing_changes_nothing(state: State, what: str) -> None:
    before = reached(state)
    for event in NOTHING[what]:
        assert machine.step(before, event, before.now_ns) == (before, ())


def test_nothing_is_listened_to_while_closing_down() -> None:
    before = reached(State.OFF)
    deaf: tuple[Event, ...] = (
        events.Edge(Button.RECORD, True),
        events.Docked(True),
        events.Battery(1),
        events.Room(0),
        events.FaultRaised(Fault.CAMERA_STALLED),
        events.ShutDown("again"),
    )
    for event in deaf:
        assert machine.step(before, event, before.now_ns) == (before, ())
    assert machine.due_ns(before) is None


def test_every_timer_survives_somewhere() -> None:
    assert set().union(*KEEPS_TIMERS.values()) == set(Timer)
    assert not KEEPS_TIMERS[State.DOCKED]
    assert Timer.CAMERA_RETRY not in KEEPS_TIMERS[State.PAUSED]
    assert ASLEEP.isdisjoint(WARNED)
