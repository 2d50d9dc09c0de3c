"""The state machine, stepped by events with their own times.

`step(model, event, now)` is pure. Before an event at `now`, every deadline up to `now` is stepped;
the model's time never goes back. Faults are a set beside the state: they guard transitions.
"""

from typing import assert_never

from bodycam.rules import buttons, contacts, events, health, warning
from bodycam.rules.contacts import Contact
from bodycam.rules.events import Button, Effect, Event, Output
from bodycam.rules.model import Model, State, Timer, Trigger, light
from bodycam.rules.policy import Policy
from bodycam.rules.table import TABLE
from bodycam.rules.turn import Turn

STILL_TAKEN = (events.RecordingBroke, events.FootageDropped)
"""What is listened to while closing down: what was kept is still being written."""

_TIMED = {
    Timer.GIVEN: Trigger.GIVEN,
    Timer.WARNING_OVER: Trigger.WARNING_OVER,
    Timer.UNTIL: Trigger.UNTIL,
    Timer.AFTER_OVER: Trigger.AFTER_OVER,
    Timer.PAUSE_OVER: Trigger.PAUSE_OVER,
    Timer.REMIND: Trigger.REMIND,
}
_ELSE = {
    Timer.ACKNOWLEDGE: warning.unacknowledged,
    Timer.GAP: health.gap_due,
    Timer.CAMERA_RETRY: health.retry_camera,
}
"""The deadlines that are no trigger of the table."""


def begin(
    policy: Policy,
    now: int,
    *,
    outputs: tuple[Output, ...] = tuple(Output),
    docked: bool = False,
    record_closed: bool = False,
    function_closed: bool = False,
) -> tuple[Model, tuple[Effect, ...]]:
    """The model at start, and what to do first. A contact closed at boot counts for nothing."""
    at_boot = Contact(now, spent=True)
    model = Model(
        policy,
        State.DOCKED if docked else State.STANDBY,
        now,
        outputs=outputs,
        docked=docked,
        record=at_boot if record_closed else None,
        function=at_boot if function_closed else None,
    )
    return model, (events.Light(light(model)), events.Sleep() if docked else events.Wake())


def due_ns(model: Model) -> int | None:
    """When the model is to be stepped even if nothing happens; None: never."""
    return model.due_ns


def step(model: Model, event: Event | None, now: int) -> tuple[Model, tuple[Effect, ...]]:
    """Take one event stamped `now`, or None to step only what is due by then."""
    until_ns = max(now, model.now_ns)
    turn = Turn(model, TABLE, until_ns)
    _elapse(turn, until_ns)
    turn.set(now_ns=until_ns)
    if event is not None and (turn.model.state is not State.OFF or isinstance(event, STILL_TAKEN)):
        _take(turn, event, now)
        _elapse(turn, until_ns)
    return turn.settled()


def _elapse(turn: Turn, until_ns: int) -> None:
    """Step every deadline up to then, in order of time; contacts before timers."""
    while (due_ns := turn.model.due_ns) is not None and due_ns <= until_ns:
        turn.set(now_ns=due_ns)
        for button in Button:
            contact = turn.model.contact(button)
            contact_ns = contacts.due_ns(contact)
            if contact is not None and contact_ns is not None and contact_ns <= due_ns:
                buttons.due(turn, button, contact)
                break
        else:
            timers = turn.model.timers
            timer = min(timers, key=lambda timer: timers[timer])
            turn.stop_timer(timer)
            if timer in _TIMED:
                turn.fire(_TIMED[timer])
            else:
                _ELSE[timer](turn)


def _take(turn: Turn, event: Event, stamp_ns: int) -> None:
    match event:
        case events.Edge(button, closed):
            buttons.edge(turn, button, closed, stamp_ns)
        case events.WarningStarted(output, token):
            warning.started(turn, output, token)
        case events.WarningEnded(output, token):
            warning.ended(turn, output, token)
        case events.WarningFailed(output, token):
            warning.failed(turn, output, token)
        case events.FaultRaised(fault, since_ns):
            health.raise_fault(turn, fault, since_ns)
        case events.FaultCleared(fault, until_ns):
            health.clear_fault(turn, fault, until_ns)
        case events.Docked(docked):
            turn.set(docked=docked)
            turn.fire(Trigger.DOCK if docked else Trigger.UNDOCK)
            health.battery(turn, turn.model.battery_percent)  # out of the dock an empty one is off
        case events.Battery(percent):
            health.battery(turn, percent)
        case events.Room(minutes):
            health.room(turn, minutes)
        case events.FootageDropped():
            health.dropped(turn, event)
        case events.PicturesMissed(from_ns, to_ns):
            health.missed(turn, from_ns, to_ns)
        case events.RecordingBroke():
            health.broke(turn, event)
        case events.RecordingSaved():
            health.clear_fault(turn, events.Fault.FOOTAGE_DROPPED)
        case events.ShutDown(reason):
            health.shut_down(turn, reason)
        case _:
            assert_never(event)
