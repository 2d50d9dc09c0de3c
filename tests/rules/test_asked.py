"""What is asked from afar: when it is refused, and in which words."""

from dataclasses import replace

import pytest

from bodycam.rules import asked
from bodycam.rules.model import Model, State
from rules.shift import Shift, policy


def camera(state: State) -> Model:
    return replace(Shift(policy()).model, state=state)


LOCATE = {
    State.WARNING: "It is warning or recording.",
    State.WARN_ONLY: "It is warning or recording.",
    State.RECORDING: "It is warning or recording.",
    State.STOPPING: "It is warning or recording.",
    State.BLOCKED: "It is warning or recording.",
    State.OFF: "It is going off.",
}


@pytest.mark.parametrize("state", State)
def test_it_shows_itself_unless_somebody_is_being_filmed_or_warned(state: State) -> None:
    assert asked.why_not_locate(camera(state)) == LOCATE.get(state, "")


def test_it_shows_itself_once_a_minute() -> None:
    told = [asked.why_not_locate(camera(State.STANDBY), rested_s) for rested_s in (59.9, 60)]
    assert told == ["It has just shown itself: a minute must pass.", ""]


@pytest.mark.parametrize("state", State)
def test_it_starts_anew_in_the_dock_only_and_once_an_hour(state: State) -> None:
    told = [asked.why_not_reboot(camera(state), up_s) for up_s in (3599, 3600)]
    if state is State.DOCKED:
        assert told == ["It was started within the last hour.", ""]
    else:
        assert told == ["It is not in its dock."] * 2


@pytest.mark.parametrize("state", State)
def test_it_is_configured_in_the_dock_or_where_there_is_none_in_standby(state: State) -> None:
    assert asked.may_configure(camera(state), dock_fitted=True) == (state is State.DOCKED)
    without = asked.may_configure(camera(state), dock_fitted=False)
    assert without == (state in (State.DOCKED, State.STANDBY))
