"""What is kept: pinned at the press, begun with a `Warned`.

The only file that makes a `Warned`; a test holds that.
"""

from bodycam.rules import events
from bodycam.rules.cues import Feel
from bodycam.rules.events import How, Warned
from bodycam.rules.model import ASLEEP, KEEPS, Timer
from bodycam.rules.turn import Turn


def pin(turn: Turn, pre_record_ns: int) -> None:
    """Hold what the policy keeps from before the press; say so if it will not be recorded."""
    from_ns = turn.now - pre_record_ns
    gap = turn.model.gap
    if gap is not None and gap.to_ns <= from_ns:
        turn.tell_gap()
    turn.do(events.Pin(from_ns))
    if pre_record_ns == 0 and turn.model.state not in ASLEEP:  # who wakes begins with one
        turn.do(events.ForceKeyframe())
    if turn.model.barred or turn.model.blind:
        turn.feel(Feel.NOT_RECORDING)
        turn.log("act", ("act", "pressed, cannot record"), ("faults", turn.faults()))


def open(turn: Turn, how: How) -> None:  # noqa: A001  it opens a recording
    """Begin to keep: at once, or as soon as the card takes it."""
    warned = _warned(turn, how)
    turn.stop_timer(Timer.GIVEN)
    turn.set(until_ns=None, marked_ns=None, waiting=(*turn.model.waiting, warned))
    if not turn.model.barred:
        turn.set(begun=True)
        begin_waiting(turn)


def begin_waiting(turn: Turn) -> None:
    """The card takes footage: begin what waited for it, and note how it stands."""
    for warned in turn.model.waiting:
        turn.do(events.Begin(warned))
    current = turn.model.begun or turn.model.state in KEEPS
    turn.set(waiting=(), full_memory=False, begun=current)
    if turn.model.faults:
        turn.note("faults", ("faults", turn.faults()))
    if current and turn.model.gap is not None:
        turn.feel(Feel.FAULT)
        turn.tell_gap()


def _warned(turn: Turn, how: How) -> Warned:
    """The right to open a recording, from the warning as it stands."""
    course = turn.model.warning
    assert course is not None  # a press has begun one
    if how is How.WARNED and course.given_ns is None:
        how = How.UNHEARD
    return Warned(
        how,
        course.pressed_ns,
        turn.now,
        course.given_ns,
        course.asked,
        course.started,
        course.failed,
        course.pre_record_ns,
    )
