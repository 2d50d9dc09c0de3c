"""The course of a warning: outputs are asked one after another until one says that it plays.

Given = lead time after the first acknowledgement. None within 0.5 s: the next output. All failed:
there is no time to lose, and the evidence says so.
"""

from dataclasses import replace

from bodycam.media.packets import SECOND
from bodycam.rules import events, keeping
from bodycam.rules.events import Fault, Output, Stamp
from bodycam.rules.faults import DEAD
from bodycam.rules.health import clear_fault, raise_fault
from bodycam.rules.model import KEEPS, Timer, WarningCourse
from bodycam.rules.turn import Turn

ACKNOWLEDGED_WITHIN_NS = SECOND // 2
"""An output that has not acknowledged by then is taken for dead, and the next is tried."""
TEXT_NOT_AGAIN_WITHIN_NS = 60 * SECOND
TEXT_ENDS_WITHIN_NS = 20 * SECOND
"""A spoken text of which no end is reported is taken to have ended."""


def start(turn: Turn, *, pre_record_ns: int, to_record: bool = True) -> None:
    """Begin to warn; where recording follows, nothing of before the press is lost from now on."""
    if to_record:
        keeping.pin(turn, pre_record_ns)
    model = turn.model
    spoken_ns = model.spoken_ns
    spoken = spoken_ns is not None and turn.now - spoken_ns < TEXT_NOT_AGAIN_WITHIN_NS
    turn.set(
        tokens=model.tokens + 1,
        warning=WarningCourse(
            model.tokens + 1,
            turn.now,
            pre_record_ns,
            () if spoken else model.policy.warning.texts,
            # One that is known to be dead is tried last: it costs no time, and may be well again.
            tuple(sorted(model.outputs, key=lambda output: DEAD[output] in model.faults)),
        ),
    )
    _ask_next(turn)


def started(turn: Turn, output: Output, token: int) -> None:
    """An acknowledgement counts whenever it comes, also from an output given up on."""
    course = turn.model.warning
    if course is None or course.token != token or not _among(output, course.asked):
        return
    if _among(output, course.started):
        return
    speaks = output is Output.SPEAKER and bool(course.texts)
    turn.set(
        warning=replace(
            course,
            started=(*course.started, Stamp(output, turn.now)),
            speaking=course.speaking or speaks,
        )
    )
    if speaks:
        turn.set(spoken_ns=turn.now)
    turn.stop_timer(Timer.ACKNOWLEDGE)
    clear_fault(turn, DEAD[output])
    clear_fault(turn, Fault.WARNING_FAILED)
    turn.note("played", ("output", output.value), ("part", "begun"))
    if not course.started:
        _give_at(turn, turn.now + turn.model.policy.lead_ns)


def ended(turn: Turn, output: Output, token: int) -> None:
    """An output has played the warning to its end."""
    course = turn.model.warning
    if course is None or course.token != token or not _among(output, course.started):
        return
    turn.note("played", ("output", output.value), ("part", "to its end"))
    if output is Output.SPEAKER:
        _text_ended(turn, spoken=True)


def failed(turn: Turn, output: Output, token: int) -> None:
    """An output cannot give the warning, or not to its end: the next one is to."""
    raise_fault(turn, DEAD[output])
    course = turn.model.warning
    if course is None or course.token != token or not _among(output, course.asked):
        return
    if _among(output, course.failed):
        return
    turn.set(warning=replace(course, failed=(*course.failed, Stamp(output, turn.now))))
    if output is Output.SPEAKER:
        _text_ended(turn, spoken=False)
    turn.stop_timer(Timer.ACKNOWLEDGE)
    _ask_next(turn)


def unacknowledged(turn: Turn) -> None:
    """The output that was asked last has said nothing in time."""
    course = turn.model.warning
    assert course is not None  # the timer runs only while there is one
    failed(turn, course.asked[-1].output, course.token)


def given(turn: Turn) -> None:
    """Lead time has passed since the first acknowledgement, or no output is left to give one."""
    course = turn.model.warning
    assert course is not None  # as above
    if course.started and course.given_ns is None:
        turn.set(warning=replace(course, given_ns=turn.now))


def hush(turn: Turn) -> None:
    """End the warning; a text that was cut off may be spoken again."""
    turn.do(events.Hush())
    _text_ended(turn, spoken=False)


def over_ns(turn: Turn) -> int:
    """When a warning that has been given is over, text included."""
    course = turn.model.warning
    speaking = course is not None and course.speaking
    return turn.now + (TEXT_ENDS_WITHIN_NS if speaking else 0)


def _text_ended(turn: Turn, *, spoken: bool) -> None:
    course = turn.model.warning
    if course is None or not course.speaking:
        return
    turn.set(warning=replace(course, speaking=False))
    if not spoken:
        turn.set(spoken_ns=None)
    if Timer.WARNING_OVER in turn.model.timers:
        turn.start_timer(Timer.WARNING_OVER, turn.now)


def _ask_next(turn: Turn) -> None:
    course = turn.model.warning
    assert course is not None  # as above
    if course.untried:
        output, *left = course.untried
        asked = (*course.asked, Stamp(output, turn.now))
        turn.set(warning=replace(course, untried=tuple(left), asked=asked))
        texts = course.texts if output is Output.SPEAKER else ()
        turn.do(events.Warn(output, course.token, texts))
        turn.start_timer(Timer.ACKNOWLEDGE, turn.now + ACKNOWLEDGED_WITHIN_NS)
    elif not course.started:
        raise_fault(turn, Fault.WARNING_FAILED)
        _give_at(turn, turn.now)


def _give_at(turn: Turn, at_ns: int) -> None:
    """What is recorded already waits for nothing."""
    if turn.model.state not in KEEPS:
        turn.start_timer(Timer.GIVEN, at_ns)


def _among(output: Output, stamps: tuple[Stamp, ...]) -> bool:
    return any(stamp.output is output for stamp in stamps)
