"""A camera in its dock says whether it could go out."""

from dataclasses import replace

import pytest

from bodycam.media.packets import SECOND
from bodycam.rules import machine
from bodycam.rules.dock_test import SETTLED_NS, dock_test
from bodycam.rules.events import Fault
from bodycam.rules.faults import FAULTS
from bodycam.rules.model import Model, State
from bodycam_station.fleet import findings
from rules.shift import policy


def camera(*faults: Fault, docked: bool = True) -> Model:
    model, _ = machine.begin(policy(), 0, docked=docked)
    return replace(model, faults=frozenset(faults))


def said(model: Model, after_ns: int = SETTLED_NS) -> str:
    return dock_test(model, 100 * SECOND, 100 * SECOND + after_ns)


def test_it_says_so_once_it_has_settled_and_in_the_dock_only() -> None:
    assert said(camera(), SETTLED_NS - 1) == "none"
    assert said(camera()) == "passed"
    assert said(camera(Fault.CARD_FAILED), SETTLED_NS - 1) == "none"
    assert said(camera(Fault.CARD_FAILED)) == "failed"
    assert dock_test(camera(), None, 10**15) == "none"
    assert said(camera(docked=False)) == "none"
    for state in State:
        model = replace(camera(Fault.CARD_FAILED), state=state)
        assert (said(model) == "failed") == (state is State.DOCKED)


@pytest.mark.parametrize("fault", Fault)
def test_it_fails_by_what_keeps_it_from_recording_or_warning(fault: Fault) -> None:
    row = FAULTS[fault]
    assert said(camera(fault)) == ("failed" if row.unfit else "passed")
    assert row.unfit or not (row.bars or row.blind)
    assert findings.FAULTS[fault.value][1] or not row.unfit  # the station bars it for that, too
