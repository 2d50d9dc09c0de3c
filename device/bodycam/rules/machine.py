"""The state machine: all states and transitions in one table, stepped by events with their own times.

`step(model, event, now)` is pure. Before an event at `now`, every deadline up to `now` is stepped; the
model's time never goes back. Faults are a set beside the state: they guard transitions.

The table at the end of this file is the whole behaviour; docs/rules.md is drawn from it.
"""

from bodycam.media.packets import SECOND
from bodycam.rules import cues, events
from bodycam.rules.contacts import Contact
from bodycam.rules.cues import Feel
from bodycam.rules.events import Effect, Event, How, Output
from bodycam.rules.model import Model, State, Timer, Trigger, light
from bodycam.rules.policy import Policy
from bodycam.rules.turn import Cell, Table, Turn

TEXT_ENDS_WITHIN_NS = 20 * SECOND
"""A spoken text of which no end is reported is taken to have ended."""
LINKED_WITHIN_NS = 30 * SECOND
"""After the release that stopped a recording, a press records at once."""
MARK_EVERY_NS = 10 * SECOND
PAUSE_REMINDER_NS = 15 * 60 * SECOND


def begin(
    policy: Policy,
    now: int,
    *,
    outputs: tuple[Output, ...] = tuple(Output),
    docked: bool = False,
    record_closed: bool = False,
) -> tuple[Model, tuple[Effect, ...]]:
    """The model at start, and what to do first. A contact closed at boot counts for nothing."""
    at_boot = Contact(now, holds=1, spent=True) if record_closed else None
    model = Model(
        policy,
        State.DOCKED if docked else State.STANDBY,
        now,
        outputs=outputs,
        docked=docked,
        record=at_boot,
    )
    return model, (events.Light(light(model)), events.Sleep() if docked else events.Wake())


def due_ns(model: Model) -> int | None:
    """When the model is to be stepped even if nothing happens; None: never."""
    return Turn(model, TABLE).due_ns()


def step(model: Model, event: Event | None, now: int) -> tuple[Model, tuple[Effect, ...]]:
    """Take one event stamped `now`, or None to step only what is due by then."""
    turn = Turn(model, TABLE)
    turn.run(event, now)
    return turn.model, tuple(turn.effects)


# ---- what the cells of the table do --------------------------------------------------------------


def warn_then_record(turn: Turn) -> None:
    """Warn, and hold what the policy keeps from before the press."""
    turn.start_warning(pre_record_ns=turn.model.policy.pre_record_ns, to_record=True)


def wake_and_warn(turn: Turn) -> None:
    """Warn while the camera wakes: there is nothing from before the press."""
    turn.start_warning(pre_record_ns=0, to_record=True)


def warn_only(turn: Turn) -> None:
    """Warn; nothing is kept."""
    turn.log("act", ("act", "warned only"))
    turn.feel(Feel.WARNED_ONLY)
    turn.start_warning(pre_record_ns=0, to_record=False)


def record_after_all(turn: Turn) -> None:
    """The warning that is being given now leads to a recording."""
    pre_record_ns = turn.model.policy.pre_record_ns
    turn.pin(pre_record_ns)
    turn.change_warning(pressed_ns=turn.now, pre_record_ns=pre_record_ns)
    if turn.model.warning is not None and turn.model.warning.given_ns is not None:
        turn.start_timer(Timer.GIVEN, turn.now)


def record_warned(turn: Turn) -> None:
    """The warning has been given: record."""
    turn.warning_given()
    turn.open(How.WARNED)


def record_again(turn: Turn) -> None:
    """A second press: there is no time to wait."""
    turn.open(How.AGAIN)


def record_held(turn: Turn) -> None:
    """The button is held: there is no time to wait."""
    turn.open(How.HELD)


def record_linked(turn: Turn) -> None:
    """It begins again shortly after a stop: warn and record together."""
    turn.start_warning(pre_record_ns=turn.model.policy.pre_record_ns, to_record=True)
    turn.open(How.LINKED)


def warning_given(turn: Turn) -> None:
    """Lead time is over; a spoken text may go on."""
    turn.warning_given()
    warning = turn.model.warning
    speaking = warning is not None and warning.speaking
    turn.start_timer(Timer.WARNING_OVER, turn.now + (TEXT_ENDS_WITHIN_NS if speaking else 0))


def cancel(turn: Turn) -> None:
    """Nothing is kept."""
    turn.log("act", ("act", "cancelled"))
    turn.do(events.Hush())
    turn.do(events.Unpin())
    turn.feel(Feel.CANCELLED)


def mark(turn: Turn) -> None:
    """A mark at the time of contact, at most one in 10 s."""
    marked_ns = turn.model.marked_ns
    if marked_ns is None or turn.contact_ns - marked_ns >= MARK_EVERY_NS:
        turn.set(marked_ns=turn.contact_ns)
        turn.note("mark", at_ns=turn.contact_ns)
        turn.feel(Feel.MARKED)


def buzz(turn: Turn) -> None:
    """From here on, letting go stops the recording."""
    turn.feel(Feel.HOLDING)


def stop(turn: Turn) -> None:
    """Keep what follows within post_record, then end."""
    until_ns = turn.now + turn.model.policy.post_record_ns
    turn.set(until_ns=until_ns)
    turn.do(events.Until(until_ns))
    turn.start_timer(Timer.UNTIL, until_ns)
    turn.feel(Feel.STOPPED)


def go_on(turn: Turn) -> None:
    """The same recording goes on."""
    turn.set(until_ns=None)
    turn.do(events.Until(None))


def end(turn: Turn) -> None:
    """Nothing more is kept; the ring starts over with a keyframe."""
    turn.do(events.ForceKeyframe())
    turn.start_timer(Timer.AFTER_OVER, turn.model.released_ns + LINKED_WITHIN_NS)


def give_up(turn: Turn) -> None:
    """The wearer stops what the card would not take: what had begun ends here, what had not is let go."""
    waiting = turn.model.waiting
    if waiting and waiting[-1].how is not How.CONTINUED:
        turn.set(waiting=waiting[:-1])
        turn.do(events.Unpin())
        turn.log("act", ("act", "stopped, nothing recorded"))
    else:
        turn.do(events.Until(turn.now))
    turn.feel(Feel.STOPPED)


def press_blocked(turn: Turn) -> None:
    """Say again that the card takes nothing."""
    turn.feel(Feel.NOT_RECORDING)
    turn.log("act", ("act", "pressed, cannot record"))


def tell_levels(turn: Turn) -> None:
    """Battery and card, by vibration."""
    turn.pattern = cues.levels(turn.model.battery_percent, turn.model.room_minutes)
    turn.feel(Feel.LEVELS)


def pause(turn: Turn) -> None:
    """Privacy pause, for as long as the policy allows."""
    turn.log("act", ("act", "pause"))
    turn.start_timer(Timer.PAUSE_OVER, turn.now + turn.model.policy.wearer.pause_s * SECOND)
    turn.remind_after(PAUSE_REMINDER_NS)
    turn.feel(Feel.PAUSED)


def resume(turn: Turn) -> None:
    """The pause is over."""
    turn.log("act", ("act", "pause over"))


def remind_recording(turn: Turn) -> None:
    """It is still recording."""
    turn.feel(Feel.REMINDER)
    turn.remind_after(turn.model.policy.wearer.reminder_s * SECOND)


def remind_blocked(turn: Turn) -> None:
    """It is still not recording."""
    turn.feel(Feel.NOT_RECORDING)
    turn.remind_after(turn.model.policy.wearer.reminder_s * SECOND)


def remind_pause(turn: Turn) -> None:
    """It is still paused."""
    turn.feel(Feel.PAUSE_REMINDER)
    turn.remind_after(PAUSE_REMINDER_NS)


def close_down(turn: Turn) -> None:
    """Nothing is being kept."""


def close_down_warning(turn: Turn) -> None:
    """What was about to be recorded is let go."""
    turn.do(events.Hush())
    turn.do(events.Unpin())


def close_down_recording(turn: Turn) -> None:
    """What is being kept ends now."""
    turn.do(events.Until(turn.now))


def nothing(turn: Turn) -> None:
    """Only the state changes."""


# ---- the table -----------------------------------------------------------------------------------

_T = Trigger
_RECORD_WAITS = (_T.HOLD, _T.BUZZ, _T.TAP, _T.STOP)
_FUNCTION = (_T.FN_TAP, _T.FN_HOLD_1, _T.FN_HOLD_3)
_WARNING = (_T.GIVEN, _T.WARNING_OVER)
_STOPPED = (_T.UNTIL, _T.AFTER_OVER)
_PAUSE = (_T.PAUSE_OVER, _T.REMIND)
_DOCK = (_T.DOCK, _T.UNDOCK)
_CARD = (_T.BARRED, _T.UNBARRED)


def _ignored(*triggers: Trigger | tuple[Trigger, ...]) -> dict[Trigger, None]:
    """Cells in which nothing happens, written out."""
    flat = [t for group in triggers for t in (group if isinstance(group, tuple) else (group,))]
    return dict.fromkeys(flat)


TABLE: Table = {
    State.STANDBY: {
        _T.PRESS: Cell(warn_then_record, State.WARNING),
        _T.FN_TAP: Cell(warn_only, State.WARN_ONLY),
        _T.FN_HOLD_3: Cell(pause, State.PAUSED),
        _T.DOCK: Cell(nothing, State.DOCKED),
        _T.SHUT_DOWN: Cell(close_down, State.OFF),
        **_ignored(_RECORD_WAITS, _T.FN_HOLD_1, _WARNING, _STOPPED, _PAUSE, _T.UNDOCK, _CARD),
    },
    State.WARNING: {
        _T.PRESS: Cell(record_again, State.RECORDING),
        _T.HOLD: Cell(record_held, State.RECORDING),
        _T.GIVEN: Cell(record_warned, State.RECORDING),
        _T.FN_HOLD_1: Cell(cancel, State.STANDBY),
        _T.SHUT_DOWN: Cell(close_down_warning, State.OFF),
        **_ignored(_T.BUZZ, _T.TAP, _T.STOP, _T.FN_TAP, _T.FN_HOLD_3),
        **_ignored(_T.WARNING_OVER, _STOPPED, _PAUSE, _DOCK, _CARD),
    },
    State.WARN_ONLY: {
        _T.PRESS: Cell(record_after_all, State.WARNING),
        _T.GIVEN: Cell(warning_given),
        _T.WARNING_OVER: Cell(nothing, State.STANDBY),
        _T.SHUT_DOWN: Cell(close_down_warning, State.OFF),
        **_ignored(_RECORD_WAITS, _FUNCTION, _STOPPED, _PAUSE, _DOCK, _CARD),
    },
    State.RECORDING: {
        _T.TAP: Cell(mark),
        _T.BUZZ: Cell(buzz),
        _T.STOP: Cell(stop, State.STOPPING),
        _T.FN_TAP: Cell(tell_levels),
        _T.REMIND: Cell(remind_recording),
        _T.BARRED: Cell(nothing, State.BLOCKED),
        _T.SHUT_DOWN: Cell(close_down_recording, State.OFF),
        **_ignored(_T.PRESS, _T.HOLD, _T.FN_HOLD_1, _T.FN_HOLD_3, _WARNING, _STOPPED),
        **_ignored(_T.PAUSE_OVER, _DOCK, _T.UNBARRED),
    },
    State.STOPPING: {
        _T.PRESS: Cell(go_on, State.RECORDING),
        _T.UNTIL: Cell(end, State.AFTER),
        _T.SHUT_DOWN: Cell(close_down_recording, State.OFF),
        **_ignored(_RECORD_WAITS, _FUNCTION, _WARNING, _T.AFTER_OVER, _PAUSE, _DOCK, _CARD),
    },
    State.AFTER: {
        _T.PRESS: Cell(record_linked, State.RECORDING),
        _T.FN_TAP: Cell(warn_only, State.WARN_ONLY),
        _T.FN_HOLD_3: Cell(pause, State.PAUSED),
        _T.AFTER_OVER: Cell(nothing, State.STANDBY),
        _T.DOCK: Cell(nothing, State.DOCKED),
        _T.SHUT_DOWN: Cell(close_down, State.OFF),
        **_ignored(_RECORD_WAITS, _T.FN_HOLD_1, _WARNING, _T.UNTIL, _PAUSE, _T.UNDOCK, _CARD),
    },
    State.BLOCKED: {
        _T.PRESS: Cell(press_blocked),
        _T.BUZZ: Cell(buzz),
        _T.STOP: Cell(give_up, State.STANDBY),
        _T.FN_TAP: Cell(tell_levels),
        _T.REMIND: Cell(remind_blocked),
        _T.UNBARRED: Cell(nothing, State.RECORDING),
        _T.SHUT_DOWN: Cell(close_down_recording, State.OFF),
        **_ignored(_T.HOLD, _T.TAP, _T.FN_HOLD_1, _T.FN_HOLD_3, _WARNING, _STOPPED),
        **_ignored(_T.PAUSE_OVER, _DOCK, _T.BARRED),
    },
    State.PAUSED: {
        _T.PRESS: Cell(wake_and_warn, State.WARNING),
        _T.FN_TAP: Cell(resume, State.STANDBY),
        _T.PAUSE_OVER: Cell(resume, State.STANDBY),
        _T.REMIND: Cell(remind_pause),
        _T.DOCK: Cell(resume, State.DOCKED),
        _T.SHUT_DOWN: Cell(close_down, State.OFF),
        **_ignored(_RECORD_WAITS, _T.FN_HOLD_1, _T.FN_HOLD_3, _WARNING, _STOPPED),
        **_ignored(_T.UNDOCK, _CARD),
    },
    State.DOCKED: {
        _T.PRESS: Cell(wake_and_warn, State.WARNING),
        _T.UNDOCK: Cell(nothing, State.STANDBY),
        _T.SHUT_DOWN: Cell(close_down, State.OFF),
        **_ignored(_RECORD_WAITS, _FUNCTION, _WARNING, _STOPPED, _PAUSE, _T.DOCK, _CARD),
    },
    State.OFF: _ignored(*Trigger),
}
