"""Faults raised and cleared, gauges, dropped footage, recordings that broke: nothing is silent."""

from dataclasses import replace

from bodycam.media.packets import SECOND
from bodycam.rules import events, keeping
from bodycam.rules.cues import Feel
from bodycam.rules.events import Fault, FootageDropped, How, RecordingBroke, Why
from bodycam.rules.faults import BATTERY_PERCENT, FAULTS, ROOM_MINUTES, Threshold
from bodycam.rules.model import ASLEEP, KEEPS, State, Timer, Trigger
from bodycam.rules.turn import CAMERA_RETRY_NS, Turn

BREAKS = 3
"""So many refusals within BREAKS_WITHIN_NS are a card that does not work."""
BREAKS_WITHIN_NS = 60 * SECOND
GAPS_TOLD_EVERY_NS = 30 * SECOND
"""Dropped footage is told at most so often, each time with all that was dropped since."""


def raise_fault(turn: Turn, fault: Fault, since_ns: int | None = None) -> None:
    """Something has gone wrong: into journal and evidence, and felt as its row says."""
    row = FAULTS[fault]
    if fault in turn.model.faults and not row.every_time:
        return
    was_barred = turn.model.barred
    turn.set(faults=turn.model.faults | {fault})
    if row.blind and turn.model.blind_ns is None:
        turn.set(blind_ns=turn.now if since_ns is None else since_ns)
    turn.log("fault", ("fault", fault.value))
    turn.note("fault", ("fault", fault.value))
    if row.feel is not None:
        lost = row.blind and turn.model.state in KEEPS
        turn.feel(Feel.NOT_RECORDING if lost else row.feel)
    if row.blind and turn.model.state not in ASLEEP:
        retry_camera(turn)
    if turn.model.barred and not was_barred:
        turn.fire(Trigger.BARRED)
    if turn.model.state is State.DOCKED:
        turn.say(fault)


def clear_fault(turn: Turn, fault: Fault, until_ns: int | None = None) -> None:
    """It is well again."""
    if fault not in turn.model.faults:
        return
    row = FAULTS[fault]
    turn.set(faults=turn.model.faults - {fault})
    turn.log("fault-cleared", ("fault", fault.value))
    turn.note("fault-cleared", ("fault", fault.value))
    if row.blind and not turn.model.blind:
        turn.tell_blind(turn.now if until_ns is None else until_ns)
        turn.set(blind_ns=None)
        turn.stop_timer(Timer.CAMERA_RETRY)
        if turn.model.state is State.RECORDING:
            turn.feel(Feel.STARTED)
    if row.bars and not turn.model.barred:
        keeping.begin_waiting(turn)
        turn.fire(Trigger.UNBARRED)


def retry_camera(turn: Turn) -> None:
    """Rebuild a camera that delivers nothing, again and again."""
    turn.do(events.RestartCamera())
    turn.start_again(Timer.CAMERA_RETRY, CAMERA_RETRY_NS)


# ---- gauges --------------------------------------------------------------------------------------


def battery(turn: Turn, percent: int) -> None:
    """The charge; an empty battery closes the camera down, but not in its dock."""
    turn.set(battery_percent=percent)
    for threshold in BATTERY_PERCENT:
        _gauge(turn, threshold, percent)
    if Fault.BATTERY_CRITICAL in turn.model.faults and not turn.model.docked:
        shut_down(turn, "battery")


def room(turn: Turn, minutes: int) -> None:
    """Minutes left. A recording uses up the last one: the writer says when the card is full."""
    turn.set(room_minutes=minutes)
    for threshold in ROOM_MINUTES:
        _gauge(turn, threshold, minutes)


def _gauge(turn: Turn, threshold: Threshold, reading: int) -> None:
    if reading <= threshold.raised_at:
        if not (turn.model.begun and FAULTS[threshold.fault].bars):
            raise_fault(turn, threshold.fault)
    elif reading >= threshold.cleared_at:
        clear_fault(turn, threshold.fault)


# ---- footage that is lost, recordings that break -------------------------------------------------


def dropped(turn: Turn, drop: FootageDropped) -> None:
    """The budget had no room: told at once, or with the recording in which it is missing."""
    gap = turn.model.gap
    if gap is not None:
        drop = FootageDropped(
            min(gap.from_ns, drop.from_ns),
            max(gap.to_ns, drop.to_ns),
            gap.pictures + drop.pictures,
        )
    turn.set(gap=drop)
    model = turn.model
    if model.barred and model.state in KEEPS and not model.full_memory:
        turn.set(full_memory=True)
        turn.feel(Feel.NOT_RECORDING)
    raise_fault(turn, Fault.FOOTAGE_DROPPED)
    if model.state in (State.STOPPING, State.OFF):  # it cannot wait: the end is near
        turn.tell_gap()
    elif model.begun and Timer.GAP not in model.timers:
        gap_due(turn)


def missed(turn: Turn, from_ns: int, to_ns: int) -> None:
    """Pictures that nobody noticed to be missing while they were: noted, and felt."""
    if turn.model.begun and not turn.model.blind:
        turn.tell_missing(from_ns, to_ns)
        turn.feel(Feel.FAULT)


def gap_due(turn: Turn) -> None:
    """Tell what has been dropped since it was last told; of a card that takes nothing, later."""
    if turn.model.gap is not None and not turn.model.barred:
        turn.tell_gap()
        turn.feel(Feel.NOT_RECORDING)
        turn.start_timer(Timer.GAP, turn.now + GAPS_TOLD_EVERY_NS)


def broke(turn: Turn, event: RecordingBroke) -> None:
    """A recording ended before its footage did: what is left goes on in a linked one."""
    turn.log("broke", ("why", event.why.value))
    turn.feel(Feel.FAULT)
    turn.set(waiting=(replace(event.warned, how=How.CONTINUED), *turn.model.waiting))
    if event.why is Why.FULL:
        room(turn, 0)
        raise_fault(turn, Fault.NO_ROOM)
    if event.why is not Why.STREAM:
        _count_break(turn)
    if not turn.model.barred:
        keeping.begin_waiting(turn)


def _count_break(turn: Turn) -> None:
    since_ns = turn.now - BREAKS_WITHIN_NS
    breaks_ns = [at_ns for at_ns in turn.model.breaks_ns if at_ns > since_ns]
    turn.set(breaks_ns=(*breaks_ns, turn.now)[-BREAKS:])
    if len(turn.model.breaks_ns) == BREAKS:
        raise_fault(turn, Fault.CARD_FAILED)


def shut_down(turn: Turn, reason: str) -> None:
    """Close everything, then go off."""
    turn.log("shutdown", ("reason", reason), ("state", turn.model.state.value))
    turn.fire(Trigger.SHUT_DOWN)
    if turn.model.waiting:
        turn.log("unsaved", ("recordings", len(turn.model.waiting)))
    turn.do(events.PowerOff(reason))
