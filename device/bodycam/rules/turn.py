"""One step of the rules: the model as it becomes, and the effects in their order.

The words in which all else in this room speaks: do, feel, log, note, timers, fire.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from bodycam.media.packets import SECOND
from bodycam.rules import cues, events
from bodycam.rules.contacts import Contact
from bodycam.rules.cues import Feel
from bodycam.rules.events import Button, Effect, Fault
from bodycam.rules.faults import FAULTS
from bodycam.rules.model import ASLEEP, KEEPS, WARNED, Model, State, Timer, Trigger, light

CAMERA_RETRY_NS = 5 * SECOND


@dataclass(frozen=True, slots=True)
class Cell:
    """What one trigger does in one state."""

    act: "Callable[[Turn], None]"
    """Its docstring says it in the documentation."""
    to: State | None = None
    """The next state, or what INSTEAD has in its place; None: the same."""


Table = Mapping[State, Mapping[Trigger, Cell | None]]
"""Every state x trigger; None where the trigger is ignored."""


@dataclass(frozen=True, slots=True)
class Instead:
    """Where a transition leads when what it leads to is not possible."""

    when: Callable[[Model], bool]
    says: str
    to: State


INSTEAD: dict[State, Instead] = {
    State.RECORDING: Instead(lambda m: m.barred, "the card takes nothing", State.BLOCKED),
    State.STOPPING: Instead(lambda m: not m.begun, "no recording was opened", State.STANDBY),
    State.STANDBY: Instead(lambda m: m.docked, "it is in the dock", State.DOCKED),
}

_WHILE_AWAKE = {Timer.CAMERA_RETRY}
_WHILE_KEEPING = {Timer.ACKNOWLEDGE, Timer.GAP} | _WHILE_AWAKE
KEEPS_TIMERS: dict[State, set[Timer]] = {
    State.STANDBY: _WHILE_AWAKE,
    State.WARNING: _WHILE_AWAKE | {Timer.ACKNOWLEDGE, Timer.GIVEN},
    State.WARN_ONLY: _WHILE_AWAKE | {Timer.ACKNOWLEDGE, Timer.GIVEN, Timer.WARNING_OVER},
    State.RECORDING: _WHILE_KEEPING | {Timer.REMIND},
    State.STOPPING: _WHILE_KEEPING | {Timer.UNTIL},
    State.AFTER: _WHILE_AWAKE | {Timer.AFTER_OVER},
    State.BLOCKED: _WHILE_KEEPING | {Timer.REMIND},
    State.PAUSED: {Timer.PAUSE_OVER, Timer.REMIND},
    State.DOCKED: set(),
    State.OFF: set(),
}
"""Which deadlines survive on entering a state."""


class Turn:
    """One call of `step`."""

    def __init__(self, model: Model, table: Table, until_ns: int) -> None:
        self.model = model
        self.effects: list[Effect] = []
        self.ended: Contact | None = None
        """The contact of which the table is being asked, where it has ended."""
        self._before = model
        self._table = table
        self._until_ns = until_ns
        self._felt: list[Feel] = []

    @property
    def now(self) -> int:
        """The model's time: of the deadline or event that is being taken."""
        return self.model.now_ns

    def set(self, **changes: Any) -> None:
        """Change fields of the model."""
        self.model = replace(self.model, **changes)

    # ---- effects ---------------------------------------------------------------------------------

    def do(self, effect: Effect) -> None:
        """Ask for something outside."""
        self.effects.append(effect)

    def feel(self, feel: Feel) -> None:
        """The wearer is to feel this, or what is stronger, at the end of the turn."""
        self._felt.append(feel)

    def log(self, kind: str, *details: tuple[str, str | int]) -> None:
        """Into the journal."""
        self.do(events.Log(kind, self.now, details))

    def note(self, kind: str, *details: tuple[str, str | int], at_ns: int | None = None) -> None:
        """Into the evidence; nowhere where no recording is open."""
        if self.model.begun:
            self.do(events.Note(kind, self.now if at_ns is None else at_ns, details))

    def tell_gap(self) -> None:
        """Log and note what was dropped and has not been told."""
        gap = self.model.gap
        if gap is None:
            return
        details = (
            ("from_us", gap.from_ns // 1000),
            ("to_us", gap.to_ns // 1000),
            ("pictures", gap.pictures),
        )
        self.log("gap", *details)
        self.note("gap", *details)
        self.set(gap=None)

    def tell_blind(self, until_ns: int) -> None:
        """Log and note that what is being kept has no pictures from the stall until then."""
        from_ns = self.model.blind_ns
        if self.model.begun and from_ns is not None and until_ns > from_ns:
            self.tell_missing(from_ns, until_ns)

    def tell_missing(self, from_ns: int, until_ns: int) -> None:
        """Log and note that the camera delivered no pictures from then to then."""
        details = (
            ("from_us", from_ns // 1000),
            ("to_us", until_ns // 1000),
            ("pictures", round((until_ns - from_ns) / self.model.policy.frame_ns)),
            ("why", "camera"),
        )
        self.log("gap", *details)
        self.note("gap", *details)

    def say(self, fault: Fault) -> None:
        """Speak of a fault, in the wearers' language."""
        row = FAULTS[fault]
        dutch = "nl" in self.model.policy.warning.languages
        self.do(events.Say(row.speech_nl if dutch else row.speech_en))

    def settled(self) -> tuple[Model, tuple[Effect, ...]]:
        """At the end of the turn: one vibration at the most, and the light that fits."""
        model = self.model
        pattern = cues.played(self._felt, model.battery_percent, model.room_minutes)
        if pattern is not None:
            self.do(events.Vibrate(pattern))
        if light(model) != light(self._before):
            self.do(events.Light(light(model)))
        return model, tuple(self.effects)

    # ---- timers ----------------------------------------------------------------------------------

    def start_timer(self, timer: Timer, at_ns: int) -> None:
        """A deadline, in place of the one of the same name."""
        self.set(timers=MappingProxyType({**self.model.timers, timer: at_ns}))

    def start_again(self, timer: Timer, every_ns: int) -> None:
        """A deadline that recurs. What was missed while nobody stepped is not made up for."""
        missed = max(0, self._until_ns - self.now) // every_ns
        self.start_timer(timer, self.now + (missed + 1) * every_ns)

    def stop_timer(self, timer: Timer) -> None:
        """No such deadline any more."""
        left = {t: at for t, at in self.model.timers.items() if t is not timer}
        self.set(timers=MappingProxyType(left))

    # ---- transitions -----------------------------------------------------------------------------

    def fire(self, trigger: Trigger) -> bool:
        """Ask the table; False where the cell says that the trigger is ignored."""
        cell = self._table[self.model.state][trigger]
        if cell is None:
            return False
        cell.act(self)
        if cell.to is not None:
            self._enter(cell.to)
        return True

    def _enter(self, to: State) -> None:
        while to in INSTEAD and INSTEAD[to].when(self.model):
            to = INSTEAD[to].to
        model = self.model
        before = model.state
        kept = {timer: at for timer, at in model.timers.items() if timer in KEEPS_TIMERS[to]}
        self.set(
            state=to,
            timers=MappingProxyType(kept),
            warning=model.warning if to in WARNED else None,
            begun=model.begun and to in KEEPS,
            full_memory=model.full_memory and to in KEEPS,
        )
        if to not in WARNED:
            self.tell_gap()
        if to in ASLEEP and before not in ASLEEP:
            self.do(events.Sleep())
        elif before in ASLEEP and to not in ASLEEP | {State.OFF}:
            self._wake()
        if to is State.RECORDING:
            self.remind_after(model.policy.wearer.reminder_s * SECOND)
            self._tell_started()
        elif to is State.BLOCKED:
            self.remind_after(model.policy.wearer.reminder_s * SECOND)
            self.log("act", ("act", "held in memory"), ("faults", self.faults()))
            self.feel(Feel.NOT_RECORDING)
        elif to is State.DOCKED:
            for fault in FAULTS:
                if fault in model.faults:
                    self.say(fault)
        elif to is State.OFF:
            self.set(record=None, function=None)

    def _wake(self) -> None:
        self.do(events.Wake())
        if self.model.blind:
            self.set(blind_ns=self.now)
            self.start_again(Timer.CAMERA_RETRY, CAMERA_RETRY_NS)

    def _tell_started(self) -> None:
        """Footage reaches the card from here on; the wearer is told what is true."""
        if self.model.blind:
            self.feel(Feel.NOT_RECORDING)
            self.log("act", ("act", "recording without pictures"))
        else:
            self.feel(Feel.STARTED)

    def remind_after(self, every_ns: int) -> None:
        """The wearer is to be reminded."""
        self.start_again(Timer.REMIND, every_ns)

    # ---- contacts --------------------------------------------------------------------------------

    def set_contact(self, button: Button, contact: Contact | None) -> None:
        """What a button does now."""
        if button is Button.RECORD:
            self.set(record=contact)
        else:
            self.set(function=contact)

    def spend(self, button: Button) -> None:
        """The contact has made its one transition."""
        contact = self.model.contact(button)
        if contact is not None:
            self.set_contact(button, replace(contact, spent=True))

    def faults(self) -> str:
        """The faults of now, in words for the journal and the evidence."""
        return ",".join(sorted(fault.value for fault in self.model.faults))
