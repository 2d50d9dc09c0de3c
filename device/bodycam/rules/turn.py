"""One step of the rules: the model as it becomes, and the effects in their order.

Everything that is not a transition is here: deadlines, contacts, faults, the course of the warning, and
the words in which the table of `rules/machine.py` speaks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import assert_never

from bodycam.media.packets import SECOND
from bodycam.ports import Pattern
from bodycam.rules import contacts, cues, events
from bodycam.rules.contacts import Contact, Signal
from bodycam.rules.cues import Feel
from bodycam.rules.events import Button, Effect, Event, Fault, How, Output, Stamp, Warned, Why
from bodycam.rules.faults import BATTERY_PERCENT, DEAD, FAULTS, ROOM_MINUTES, Threshold
from bodycam.rules.model import Model, State, Timer, Trigger, Warning, light

ACKNOWLEDGED_WITHIN_NS = SECOND // 2
"""An output that has not acknowledged the warning by then is taken for dead, and the next is tried."""
TEXT_NOT_AGAIN_WITHIN_NS = 60 * SECOND
STOP_BEFORE_NS = 6 * SECOND
"""A longer contact never stops anything: somebody is holding on to the button."""
CAMERA_RETRY_NS = 5 * SECOND
BREAKS = 3
"""So many write errors within BREAKS_WITHIN_NS are a card that does not work."""
BREAKS_WITHIN_NS = 60 * SECOND
DROP_TOLD_EVERY_NS = 30 * SECOND
"""Dropped footage is told to the wearer at most this often; every gap is noted."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one trigger does in one state."""

    act: "Callable[[Turn], None]"
    to: State | None = None
    """The next state; None: the same. RECORDING becomes BLOCKED while the card takes nothing, STANDBY
    becomes DOCKED while the camera is in its dock."""


Table = Mapping[State, Mapping[Trigger, Cell | None]]
"""Every state x trigger; None where the trigger is ignored."""

KEEPS_TIMERS: dict[State, frozenset[Timer]] = {
    State.STANDBY: frozenset(),
    State.WARNING: frozenset({Timer.ACKNOWLEDGE, Timer.GIVEN}),
    State.WARN_ONLY: frozenset({Timer.ACKNOWLEDGE, Timer.GIVEN, Timer.WARNING_OVER}),
    State.RECORDING: frozenset({Timer.ACKNOWLEDGE, Timer.REMIND}),
    State.STOPPING: frozenset({Timer.ACKNOWLEDGE, Timer.UNTIL}),
    State.AFTER: frozenset({Timer.AFTER_OVER}),
    State.BLOCKED: frozenset({Timer.ACKNOWLEDGE, Timer.REMIND}),
    State.PAUSED: frozenset({Timer.PAUSE_OVER, Timer.REMIND}),
    State.DOCKED: frozenset(),
    State.OFF: frozenset(),
}
"""Which deadlines survive on entering a state; CAMERA_RETRY always does."""


class Turn:
    """One call of `step`: the model as it becomes, and the effects in their order."""

    def __init__(self, model: Model, table: Table) -> None:
        self.model = model
        self.table = table
        self.effects: list[Effect] = []
        self.felt: list[Feel] = []
        self.pattern: Pattern | None = None
        self.contact_ns = 0

    @property
    def now(self) -> int:
        return self.model.now_ns

    def set(self, **changes: object) -> None:
        self.model = replace(self.model, **changes)  # type: ignore[arg-type]

    def do(self, effect: Effect) -> None:
        self.effects.append(effect)

    def feel(self, feel: Feel) -> None:
        self.felt.append(feel)

    def log(self, kind: str, *details: tuple[str, str | int]) -> None:
        self.do(events.Log(kind, self.now, details))

    def note(self, kind: str, *details: tuple[str, str | int], at_ns: int | None = None) -> None:
        """Into the open recording; nowhere where none is open."""
        if self.model.state in (State.RECORDING, State.STOPPING):
            self.do(events.Note(kind, self.now if at_ns is None else at_ns, details))

    def start_timer(self, timer: Timer, at_ns: int) -> None:
        self.set(timers=MappingProxyType({**self.model.timers, timer: at_ns}))

    def stop_timer(self, *timers: Timer) -> None:
        left = {t: at for t, at in self.model.timers.items() if t not in timers}
        self.set(timers=MappingProxyType(left))

    def run(self, event: Event | None, now: int) -> None:
        """Step what is due by `now`, then the event, then what that made due at once."""
        before = self.model
        now = max(now, before.now_ns)
        self.elapse(now)
        self.set(now_ns=now)
        if event is not None and self.model.state is not State.OFF:
            self.take(event)
            self.elapse(now)
        self.settle(before)

    def due_ns(self) -> int | None:
        """When the model wants to be stepped even if nothing happens; never before its own time."""
        when = list(self.model.timers.values())
        for button in Button:
            due = contacts.due_ns(self.contact(button))
            if due is not None:
                when.append(due)
        return max(min(when), self.now) if when else None

    def settle(self, before: Model) -> None:
        """At the end of a turn: one vibration at the most, and the light that fits."""
        strongest = cues.strongest(self.felt)
        if strongest is not None:
            pattern = self.pattern if strongest is Feel.LEVELS else cues.vibration(strongest)
            assert pattern is not None  # LEVELS is felt only with its pattern
            self.do(events.Vibrate(pattern))
        shown = light(self.model)
        if shown != light(before):
            self.do(events.Light(shown))

    # ---- deadlines -------------------------------------------------------------------------------

    def elapse(self, now: int) -> None:
        """Step every deadline up to `now`, in order of time."""
        while (due := self.due_ns()) is not None and due <= now:
            self.set(now_ns=due)
            for button in Button:
                contact = self.contact(button)
                at = contacts.due_ns(contact)
                if contact is not None and at is not None and at <= due:
                    self.contact_due(button, contact)
                    break
            else:
                timer = min(self.model.timers, key=lambda t: self.model.timers[t])
                self.stop_timer(timer)
                self.timer_due(timer)

    def timer_due(self, timer: Timer) -> None:
        if timer is Timer.ACKNOWLEDGE:
            self.output_failed()
        elif timer is Timer.CAMERA_RETRY:
            self.do(events.RestartCamera())
            self.start_timer(Timer.CAMERA_RETRY, self.now + CAMERA_RETRY_NS)
        else:
            self.fire(_TIMED[timer])

    # ---- contacts --------------------------------------------------------------------------------

    def contact(self, button: Button) -> Contact | None:
        return self.model.record if button is Button.RECORD else self.model.function

    def set_contact(self, button: Button, contact: Contact | None) -> None:
        if button is Button.RECORD:
            self.set(record=contact)
        else:
            self.set(function=contact)

    def spend(self, button: Button) -> None:
        """The contact has made its one transition."""
        contact = self.contact(button)
        if contact is not None:
            self.set_contact(button, replace(contact, spent=True))

    def edge(self, button: Button, closed: bool) -> None:
        contact, signal = contacts.edge(self.contact(button), closed, self.now)
        self.set_contact(button, contact)
        if signal is Signal.PRESSED and button is Button.RECORD:
            before = self.model.state
            self.fire(Trigger.PRESS)
            if self.model.state is not before:
                self.spend(button)

    def contact_due(self, button: Button, contact: Contact) -> None:
        """A hold is reached, or a contact has ended."""
        left, signal = contacts.elapse(contact)
        self.set_contact(button, left)
        if signal is Signal.STUCK:
            if button is Button.RECORD:
                self.raise_fault(Fault.BUTTON_STUCK)
            return
        if button is Button.FUNCTION:
            self.function_due(contact, signal)
        else:
            self.record_due(contact, signal)

    def record_due(self, contact: Contact, signal: Signal) -> None:
        if signal is Signal.RELEASED:
            self.clear_fault(Fault.BUTTON_STUCK)
            if contact.spent:
                return
            self.set(released_ns=contact.closed_ns + contact.held_ns)
            if contact.held_ns < SECOND:
                self.contact_ns = contact.closed_ns
                self.fire(Trigger.TAP)
            elif 3 * SECOND <= contact.held_ns < STOP_BEFORE_NS:
                self.fire(Trigger.STOP)
        elif signal is Signal.HELD_1S:
            # A warning becomes a recording at 1 s, whichever contact began it; nothing else asks.
            self.fire(Trigger.HOLD)
        elif not contact.spent:
            self.fire(Trigger.BUZZ)

    def function_due(self, contact: Contact, signal: Signal) -> None:
        if contact.spent:
            return
        trigger = _FUNCTION[signal]
        if self.fire(trigger):
            self.spend(Button.FUNCTION)

    # ---- events ----------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        match event:
            case events.Edge(button, closed):
                self.edge(button, closed)
            case events.WarningStarted(output, token):
                self.warning_started(output, token)
            case events.WarningEnded(output, token):
                self.warning_ended(token)
            case events.WarningFailed(output, token):
                self.warning_failed(output, token)
            case events.FaultRaised(fault):
                self.raise_fault(fault)
            case events.FaultCleared(fault):
                self.clear_fault(fault)
            case events.Docked(docked):
                self.set(docked=docked)
                self.fire(Trigger.DOCK if docked else Trigger.UNDOCK)
            case events.Battery(percent):
                self.set(battery_percent=percent)
                self.gauge(BATTERY_PERCENT, percent)
                if Fault.BATTERY_CRITICAL in self.model.faults and not self.model.docked:
                    self.shut_down("battery")
            case events.Room(minutes):
                self.set(room_minutes=minutes)
                self.gauge(ROOM_MINUTES, minutes)
            case events.FootageDropped(from_ns, to_ns, pictures):
                self.dropped(from_ns, to_ns, pictures)
            case events.RecordingBroke(why, warned):
                self.broke(why, warned)
            case events.RecordingSaved():
                self.clear_fault(Fault.FOOTAGE_DROPPED)
            case events.ShutDown(reason):
                self.shut_down(reason)
            case _:
                assert_never(event)

    def fire(self, trigger: Trigger) -> bool:
        """Ask the table; False where the cell says that the trigger is ignored."""
        cell = self.table[self.model.state][trigger]
        if cell is None:
            return False
        cell.act(self)
        to = cell.to
        if to is State.RECORDING and self.model.barred:
            to = State.BLOCKED
        if to is State.STANDBY and self.model.docked:
            to = State.DOCKED
        if to is not None:
            self.enter(to)
        return True

    def enter(self, state: State) -> None:
        before = self.model.state
        if state is before:
            return
        kept = KEEPS_TIMERS[state] | {Timer.CAMERA_RETRY}
        self.stop_timer(*(timer for timer in self.model.timers if timer not in kept))
        self.set(state=state)
        asleep = (State.PAUSED, State.DOCKED)
        if state in asleep and before not in asleep:
            self.do(events.Sleep())
        if before in asleep and state not in asleep and state is not State.OFF:
            self.do(events.Wake())
        if state is State.RECORDING:
            self.remind_after(self.model.policy.wearer.reminder_s * SECOND)
            self.tell_started()
        elif state is State.BLOCKED:
            self.remind_after(self.model.policy.wearer.reminder_s * SECOND)
            self.feel(Feel.NOT_RECORDING)

    def remind_after(self, after_ns: int) -> None:
        self.start_timer(Timer.REMIND, self.now + after_ns)

    def tell_started(self) -> None:
        """Footage may reach the card from here on; the wearer is told what is true."""
        if self.model.blind:
            self.feel(Feel.NOT_RECORDING)
            self.log("act", ("act", "recording without pictures"))
        else:
            self.feel(Feel.STARTED)

    def shut_down(self, reason: str) -> None:
        self.log("shutdown", ("reason", reason))
        self.fire(Trigger.SHUT_DOWN)
        self.do(events.PowerOff(reason))

    # ---- faults ----------------------------------------------------------------------------------

    def raise_fault(self, fault: Fault) -> None:
        if fault in self.model.faults:
            return
        row = FAULTS[fault]
        was_barred = self.model.barred
        self.set(faults=self.model.faults | {fault})
        self.log("fault", ("fault", fault.value))
        self.note("fault", ("fault", fault.value))
        if row.feel is not None:
            self.feel(Feel.NOT_RECORDING if row.blind and self.model.keeping else row.feel)
        if row.blind:
            self.do(events.RestartCamera())
            self.start_timer(Timer.CAMERA_RETRY, self.now + CAMERA_RETRY_NS)
        if self.model.barred and not was_barred:
            self.fire(Trigger.BARRED)
        if self.model.state is State.DOCKED:
            self.say(fault)

    def clear_fault(self, fault: Fault) -> None:
        if fault not in self.model.faults:
            return
        row = FAULTS[fault]
        self.set(faults=self.model.faults - {fault})
        self.log("fault-cleared", ("fault", fault.value))
        self.note("fault-cleared", ("fault", fault.value))
        if row.blind:
            self.stop_timer(Timer.CAMERA_RETRY)
            if self.model.keeping:
                self.feel(Feel.STARTED)
        if row.bars and not self.model.barred:
            for warned in self.model.waiting:
                self.do(events.Begin(warned))
            self.set(waiting=(), full_memory=False)
            self.fire(Trigger.UNBARRED)

    def gauge(self, thresholds: tuple[Threshold, ...], reading: int) -> None:
        for threshold in thresholds:
            if reading <= threshold.raised_at:
                self.raise_fault(threshold.fault)
            elif reading >= threshold.cleared_at:
                self.clear_fault(threshold.fault)

    def say(self, fault: Fault) -> None:
        row = FAULTS[fault]
        dutch = "nl" in self.model.policy.warning.languages
        self.do(events.Say(row.speech_nl if dutch else row.speech_en))

    def dropped(self, from_ns: int, to_ns: int, pictures: int) -> None:
        gap = ("from_us", from_ns // 1000), ("to_us", to_ns // 1000), ("pictures", pictures)
        self.log("gap", *gap)
        self.note("gap", *gap)
        if self.model.state is State.BLOCKED:
            self.set(full_memory=True)
        told = self.model.dropped_ns
        self.raise_fault(Fault.FOOTAGE_DROPPED)
        if told is None or self.now - told >= DROP_TOLD_EVERY_NS:
            self.set(dropped_ns=self.now)
            self.feel(Feel.NOT_RECORDING)

    def broke(self, why: Why, warned: Warned) -> None:
        """A recording ended before its footage did: what is left goes on in a linked one."""
        self.log("broke", ("why", why.value))
        if why is Why.FULL:
            self.raise_fault(Fault.NO_ROOM)
        elif why is Why.ERROR:
            recent = tuple(at for at in self.model.breaks_ns if self.now - at < BREAKS_WITHIN_NS)
            self.set(breaks_ns=(*recent, self.now))
            if len(recent) + 1 >= BREAKS:
                self.raise_fault(Fault.CARD_FAILED)
        again = replace(warned, how=How.CONTINUED)
        if self.model.barred:
            self.set(waiting=(again, *self.model.waiting))
        else:
            self.feel(Feel.FAULT)
            self.do(events.Begin(again))

    # ---- the warning -----------------------------------------------------------------------------

    def start_warning(self, *, pre_record_ns: int, to_record: bool) -> None:
        """Begin to warn; where recording follows, nothing from before the press is lost from now on."""
        model = self.model
        if to_record:
            self.pin(pre_record_ns)
        texts = model.policy.warning.texts
        if model.spoken_ns is not None and self.now - model.spoken_ns < TEXT_NOT_AGAIN_WITHIN_NS:
            texts = ()
        dead = tuple(output for output in model.outputs if DEAD[output] in model.faults)
        self.set(
            tokens=model.tokens + 1,
            warning=Warning(
                model.tokens + 1,
                self.now,
                pre_record_ns,
                texts,
                tuple(output for output in model.outputs if output not in dead),
                failed=tuple(Stamp(output, self.now) for output in dead),
            ),
        )
        self.try_output()

    def pin(self, pre_record_ns: int) -> None:
        """Hold what the policy keeps from before the press; tell the wearer if it will not be recorded."""
        self.do(events.Pin(self.now - pre_record_ns))
        if pre_record_ns == 0:
            self.do(events.ForceKeyframe())
        if self.model.barred or self.model.blind:
            self.feel(Feel.NOT_RECORDING)
            faults = ",".join(sorted(fault.value for fault in self.model.faults))
            self.log("act", ("act", "pressed, cannot record"), ("faults", faults))

    def try_output(self) -> None:
        """Tell the next output to give the warning; all have failed where none is left."""
        warning = self.model.warning
        assert warning is not None
        if not warning.untried:
            self.raise_fault(Fault.WARNING_FAILED)
            self.start_timer(Timer.GIVEN, self.now)
            return
        output, *left = warning.untried
        texts = warning.texts if output is Output.SPEAKER else ()
        self.change_warning(untried=tuple(left), asked=(*warning.asked, Stamp(output, self.now)))
        self.do(events.Warn(output, warning.token, texts))
        self.start_timer(Timer.ACKNOWLEDGE, self.now + ACKNOWLEDGED_WITHIN_NS)

    def change_warning(self, **changes: object) -> None:
        assert self.model.warning is not None
        self.set(warning=replace(self.model.warning, **changes))  # type: ignore[arg-type]

    def output_failed(self) -> None:
        """The output that was asked last is dead or silent: note it and try the next."""
        warning = self.model.warning
        assert warning is not None
        output = warning.asked[-1].output
        self.stop_timer(Timer.ACKNOWLEDGE)
        self.change_warning(failed=(*warning.failed, Stamp(output, self.now)))
        self.raise_fault(DEAD[output])
        self.try_output()

    def warning_started(self, output: Output, token: int) -> None:
        """An acknowledgement counts whenever it comes, also from an output given up on."""
        warning = self.model.warning
        if warning is None or warning.token != token:
            return
        if any(stamp.output is output for stamp in warning.started):
            return
        first = not warning.started
        speaks = output is Output.SPEAKER and bool(warning.texts)
        self.change_warning(started=(*warning.started, Stamp(output, self.now)), speaking=speaks)
        self.stop_timer(Timer.ACKNOWLEDGE)
        self.clear_fault(Fault.WARNING_FAILED)
        self.note("played", ("output", output.value))
        if speaks:
            self.set(spoken_ns=self.now)
        if first and self.model.state in (State.WARNING, State.WARN_ONLY):
            self.start_timer(Timer.GIVEN, self.now + self.model.policy.lead_ns)

    def warning_failed(self, output: Output, token: int) -> None:
        """Only the output that is being waited for can fail; a late word changes nothing."""
        warning = self.model.warning
        if (
            warning is not None
            and warning.token == token
            and warning.asked[-1].output is output
            and Timer.ACKNOWLEDGE in self.model.timers
        ):
            self.output_failed()

    def warning_ended(self, token: int) -> None:
        warning = self.model.warning
        if warning is None or warning.token != token:
            return
        self.change_warning(speaking=False)
        if warning.given_ns is not None:
            self.start_timer(Timer.WARNING_OVER, self.now)

    def warning_given(self) -> None:
        """Lead time has passed since the first acknowledgement, or no output is left to give one."""
        warning = self.model.warning
        assert warning is not None
        if warning.started and warning.given_ns is None:
            self.change_warning(given_ns=self.now)

    # ---- recording -------------------------------------------------------------------------------

    def warned(self, how: How) -> Warned:
        """The right to open a recording, from the warning as it stands."""
        warning = self.model.warning
        assert warning is not None
        if how is How.WARNED and warning.given_ns is None:
            how = How.UNHEARD
        return Warned(
            how,
            warning.pressed_ns,
            self.now,
            warning.given_ns,
            warning.asked,
            warning.started,
            warning.failed,
            warning.pre_record_ns,
        )

    def open(self, how: How) -> None:
        """Begin to keep: at once, or as soon as the card takes it."""
        self.stop_timer(Timer.GIVEN)
        warned = self.warned(how)
        self.set(until_ns=None, full_memory=False, marked_ns=None)
        if self.model.barred:
            self.set(waiting=(*self.model.waiting, warned))
        else:
            self.do(events.Begin(warned))


_TIMED = {
    Timer.GIVEN: Trigger.GIVEN,
    Timer.WARNING_OVER: Trigger.WARNING_OVER,
    Timer.UNTIL: Trigger.UNTIL,
    Timer.AFTER_OVER: Trigger.AFTER_OVER,
    Timer.PAUSE_OVER: Trigger.PAUSE_OVER,
    Timer.REMIND: Trigger.REMIND,
}
_FUNCTION = {
    Signal.HELD_1S: Trigger.FN_HOLD_1,
    Signal.HELD_3S: Trigger.FN_HOLD_3,
    Signal.RELEASED: Trigger.FN_TAP,
}
