"""All states and transitions in one table, and what its cells do.

TABLE at the end of this file is the whole behaviour; docs/rules.md is drawn from it.
"""

from dataclasses import replace

from bodycam.media.packets import SECOND
from bodycam.rules import events, health, keeping, warning
from bodycam.rules.cues import Feel
from bodycam.rules.events import How
from bodycam.rules.model import State, Timer, Trigger
from bodycam.rules.turn import Cell, Table, Turn

LINKED_WITHIN_NS = 30 * SECOND
"""After the release that stopped a recording, a press records at once."""
MARK_EVERY_NS = 10 * SECOND
PAUSE_REMINDER_NS = 15 * 60 * SECOND


# ---- warning -------------------------------------------------------------------------------------


def warn_then_record(turn: Turn) -> None:
    """Warn, and hold what the policy keeps from before the press."""
    warning.start(turn, pre_record_ns=turn.model.policy.pre_record_ns)


def wake_and_warn(turn: Turn) -> None:
    """Wake the camera and warn; there is nothing from before the press."""
    warning.start(turn, pre_record_ns=0)


def warn_only(turn: Turn) -> None:
    """Warn; nothing is kept."""
    turn.log("act", ("act", "warned only"))
    turn.feel(Feel.WARNED_ONLY)
    warning.start(turn, pre_record_ns=0, to_record=False)


def record_after_all(turn: Turn) -> None:
    """The warning that is being given now leads to a recording."""
    pre_record_ns = turn.model.policy.pre_record_ns
    course = turn.model.warning
    assert course is not None  # this state has one
    turn.set(warning=replace(course, pressed_ns=turn.now, pre_record_ns=pre_record_ns))
    keeping.pin(turn, pre_record_ns)
    if course.given_ns is not None:
        turn.start_timer(Timer.GIVEN, turn.now)


def warning_given(turn: Turn) -> None:
    """Lead time is over; a spoken text may go on."""
    warning.given(turn)
    turn.start_timer(Timer.WARNING_OVER, warning.over_ns(turn))


def warning_over(turn: Turn) -> None:
    """Nothing follows."""


def cancel(turn: Turn) -> None:
    """End the warning; nothing is kept."""
    turn.log("act", ("act", "cancelled"))
    warning.hush(turn)
    turn.do(events.Unpin())
    turn.feel(Feel.CANCELLED)


# ---- recording -----------------------------------------------------------------------------------


def record_warned(turn: Turn) -> None:
    """The warning has been given, or no output can give it: record."""
    warning.given(turn)
    keeping.open(turn, How.WARNED)


def record_again(turn: Turn) -> None:
    """There is no time to wait: record now."""
    keeping.open(turn, How.AGAIN)


def record_held(turn: Turn) -> None:
    """There is no time to wait: record now."""
    keeping.open(turn, How.HELD)


def record_linked(turn: Turn) -> None:
    """It begins again: warn and record together, linked to what was stopped."""
    warning.start(turn, pre_record_ns=turn.model.policy.pre_record_ns)
    keeping.open(turn, How.LINKED)


def mark(turn: Turn) -> None:
    """A mark with the time of contact, at most one in 10 s."""
    contact, marked_ns = turn.ended, turn.model.marked_ns
    assert contact is not None  # a release asks
    if marked_ns is None or contact.closed_ns - marked_ns >= MARK_EVERY_NS:
        turn.set(marked_ns=contact.closed_ns)
        turn.note("mark", at_ns=contact.closed_ns)
        turn.feel(Feel.MARKED)


def buzz(turn: Turn) -> None:
    """A buzz: letting go stops from here on."""
    turn.feel(Feel.HOLDING)


def stop(turn: Turn) -> None:
    """Keep what follows within post_record, then end; what was never opened is let go."""
    contact, model = turn.ended, turn.model
    assert contact is not None  # a release asks
    if not model.begun:
        turn.set(waiting=model.waiting[:-1])
        turn.do(events.Unpin())
        turn.log("act", ("act", "stopped, nothing recorded"))
        turn.feel(Feel.NOT_RECORDING)
        return
    until_ns = turn.now + model.policy.post_record_ns
    turn.tell_gap()
    turn.set(until_ns=until_ns, released_ns=contact.closed_ns + contact.held_ns)
    turn.do(events.Until(until_ns))
    turn.start_timer(Timer.UNTIL, until_ns)
    turn.feel(Feel.STOPPED)


def go_on(turn: Turn) -> None:
    """The same recording goes on."""
    turn.set(until_ns=None)
    turn.do(events.Until(None))


def end(turn: Turn) -> None:
    """Nothing more is kept; the ring starts over with a keyframe."""
    turn.tell_blind(turn.now)
    turn.do(events.ForceKeyframe())
    turn.start_timer(Timer.AFTER_OVER, turn.model.released_ns + LINKED_WITHIN_NS)
    turn.set(begun=False)
    if turn.model.room_minutes == 0:
        health.room(turn, 0)  # the recording has used up the last minute


def linked_no_more(turn: Turn) -> None:
    """The next press warns first."""


def remind_recording(turn: Turn) -> None:
    """A vibration: it is still recording, or sees nothing."""
    turn.feel(Feel.NOT_RECORDING if turn.model.blind else Feel.REMINDER)
    turn.remind_after(turn.model.policy.wearer.reminder_s * SECOND)


def tell_levels(turn: Turn) -> None:
    """Battery and card, by vibration."""
    turn.feel(Feel.LEVELS)


# ---- where the card takes nothing ----------------------------------------------------------------


def block(turn: Turn) -> None:
    """Hold footage in memory, as far as it goes."""


def unblock(turn: Turn) -> None:
    """What was held is written, and it goes on."""


def press_blocked(turn: Turn) -> None:
    """Say again that it is not being recorded."""
    turn.feel(Feel.NOT_RECORDING)
    turn.log("act", ("act", "pressed, cannot record"), ("faults", turn.faults()))


def remind_blocked(turn: Turn) -> None:
    """A vibration: it is still not recording."""
    turn.feel(Feel.NOT_RECORDING)
    turn.remind_after(turn.model.policy.wearer.reminder_s * SECOND)


# ---- pause, dock, end ----------------------------------------------------------------------------


def pause(turn: Turn) -> None:
    """Privacy pause: the ring is wiped; it ends by itself after as long as the policy says."""
    turn.log("act", ("act", "pause"))
    turn.start_timer(Timer.PAUSE_OVER, turn.now + turn.model.policy.wearer.pause_s * SECOND)
    turn.remind_after(PAUSE_REMINDER_NS)
    turn.feel(Feel.PAUSED)


def resume(turn: Turn) -> None:
    """The pause is over, and the wearer feels it."""
    turn.log("act", ("act", "pause over"))
    turn.feel(Feel.RESUMED)


def remind_pause(turn: Turn) -> None:
    """A vibration: it is still paused."""
    turn.feel(Feel.PAUSE_REMINDER)
    turn.remind_after(PAUSE_REMINDER_NS)


def sleep(turn: Turn) -> None:
    """The camera sleeps, the ring is wiped."""


def wake(turn: Turn) -> None:
    """The camera wakes, the ring fills."""


def go_off(turn: Turn) -> None:
    """Go off."""


def go_off_unwarned(turn: Turn) -> None:
    """Go off; what was about to be recorded is let go."""
    warning.hush(turn)
    turn.do(events.Unpin())


def go_off_hushed(turn: Turn) -> None:
    """Go off in the middle of the warning."""
    warning.hush(turn)


def go_off_recording(turn: Turn) -> None:
    """Go off; what is being kept ends now, what was never opened is let go."""
    turn.tell_gap()
    turn.tell_blind(turn.now)
    turn.do(events.Until(turn.now) if turn.model.begun else events.Unpin())
    turn.feel(Feel.NOT_RECORDING)


# ---- the table -----------------------------------------------------------------------------------

_T = Trigger
_HOLDING = (_T.HOLD, _T.BUZZ, _T.TAP, _T.STOP)
_FUNCTION = (_T.FN_TAP, _T.FN_HOLD_1, _T.FN_HOLD_3)
_WARNING = (_T.GIVEN, _T.WARNING_OVER)
_STOPPED = (_T.UNTIL, _T.AFTER_OVER)
_PAUSE = (_T.PAUSE_OVER, _T.REMIND)
_DOCK = (_T.DOCK, _T.UNDOCK)
_CARD = (_T.BARRED, _T.UNBARRED)


def _ignored(*groups: Trigger | tuple[Trigger, ...]) -> dict[Trigger, None]:
    """Cells in which nothing happens, written out."""
    flat = [t for group in groups for t in (group if isinstance(group, tuple) else (group,))]
    return dict.fromkeys(flat)


TABLE: Table = {
    State.STANDBY: {
        _T.PRESS: Cell(warn_then_record, State.WARNING),
        _T.FN_TAP: Cell(warn_only, State.WARN_ONLY),
        _T.FN_HOLD_3: Cell(pause, State.PAUSED),
        _T.DOCK: Cell(sleep, State.DOCKED),
        _T.SHUT_DOWN: Cell(go_off, State.OFF),
        **_ignored(_HOLDING, _T.FN_HOLD_1, _WARNING, _STOPPED, _PAUSE, _T.UNDOCK, _CARD),
    },
    State.WARNING: {
        _T.PRESS: Cell(record_again, State.RECORDING),
        _T.HOLD: Cell(record_held, State.RECORDING),
        _T.GIVEN: Cell(record_warned, State.RECORDING),
        _T.FN_HOLD_1: Cell(cancel, State.STANDBY),
        _T.SHUT_DOWN: Cell(go_off_unwarned, State.OFF),
        **_ignored(_T.BUZZ, _T.TAP, _T.STOP, _T.FN_TAP, _T.FN_HOLD_3),
        **_ignored(_T.WARNING_OVER, _STOPPED, _PAUSE, _DOCK, _CARD),
    },
    State.WARN_ONLY: {
        _T.PRESS: Cell(record_after_all, State.WARNING),
        _T.GIVEN: Cell(warning_given),
        _T.WARNING_OVER: Cell(warning_over, State.STANDBY),
        _T.SHUT_DOWN: Cell(go_off_hushed, State.OFF),
        **_ignored(_HOLDING, _FUNCTION, _STOPPED, _PAUSE, _DOCK, _CARD),
    },
    State.RECORDING: {
        _T.TAP: Cell(mark),
        _T.BUZZ: Cell(buzz),
        _T.STOP: Cell(stop, State.STOPPING),
        _T.FN_TAP: Cell(tell_levels),
        _T.REMIND: Cell(remind_recording),
        _T.BARRED: Cell(block, State.BLOCKED),
        _T.SHUT_DOWN: Cell(go_off_recording, State.OFF),
        **_ignored(_T.PRESS, _T.HOLD, _T.FN_HOLD_1, _T.FN_HOLD_3, _WARNING, _STOPPED),
        **_ignored(_T.PAUSE_OVER, _DOCK, _T.UNBARRED),
    },
    State.STOPPING: {
        _T.PRESS: Cell(go_on, State.RECORDING),
        _T.UNTIL: Cell(end, State.AFTER),
        _T.SHUT_DOWN: Cell(go_off_recording, State.OFF),
        **_ignored(_HOLDING, _FUNCTION, _WARNING, _T.AFTER_OVER, _PAUSE, _DOCK, _CARD),
    },
    State.AFTER: {
        _T.PRESS: Cell(record_linked, State.RECORDING),
        _T.FN_TAP: Cell(warn_only, State.WARN_ONLY),
        _T.FN_HOLD_3: Cell(pause, State.PAUSED),
        _T.AFTER_OVER: Cell(linked_no_more, State.STANDBY),
        _T.DOCK: Cell(sleep, State.DOCKED),
        _T.SHUT_DOWN: Cell(go_off, State.OFF),
        **_ignored(_HOLDING, _T.FN_HOLD_1, _WARNING, _T.UNTIL, _PAUSE, _T.UNDOCK, _CARD),
    },
    State.BLOCKED: {
        _T.PRESS: Cell(press_blocked),
        _T.BUZZ: Cell(buzz),
        _T.STOP: Cell(stop, State.STOPPING),
        _T.FN_TAP: Cell(tell_levels),
        _T.REMIND: Cell(remind_blocked),
        _T.UNBARRED: Cell(unblock, State.RECORDING),
        _T.SHUT_DOWN: Cell(go_off_recording, State.OFF),
        **_ignored(_T.HOLD, _T.TAP, _T.FN_HOLD_1, _T.FN_HOLD_3, _WARNING, _STOPPED),
        **_ignored(_T.PAUSE_OVER, _DOCK, _T.BARRED),
    },
    State.PAUSED: {
        _T.PRESS: Cell(wake_and_warn, State.WARNING),
        _T.FN_TAP: Cell(resume, State.STANDBY),
        _T.PAUSE_OVER: Cell(resume, State.STANDBY),
        _T.REMIND: Cell(remind_pause),
        _T.DOCK: Cell(resume, State.DOCKED),
        _T.SHUT_DOWN: Cell(go_off, State.OFF),
        **_ignored(_HOLDING, _T.FN_HOLD_1, _T.FN_HOLD_3, _WARNING, _STOPPED),
        **_ignored(_T.UNDOCK, _CARD),
    },
    State.DOCKED: {
        _T.PRESS: Cell(wake_and_warn, State.WARNING),
        _T.UNDOCK: Cell(wake, State.STANDBY),
        _T.SHUT_DOWN: Cell(go_off, State.OFF),
        **_ignored(_HOLDING, _FUNCTION, _WARNING, _STOPPED, _PAUSE, _T.DOCK, _CARD),
    },
    State.OFF: _ignored(*Trigger),
}
