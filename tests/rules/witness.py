"""A witness of the four laws: it sees events and effects, knows no state, and keeps its own books.

What it holds against the rules it has counted itself, more simply than they do; the model is asked
only for its time, its faults, and for what it has not told yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bodycam.media.packets import SECOND
from bodycam.rules import events
from bodycam.rules.events import Button, Effect, Event, Fault, How, Output, Warned
from bodycam.rules.faults import FAULTS
from bodycam.rules.model import Model
from bodycam.rules.policy import Policy

BARS = {Fault.NO_ROOM, Fault.CARD_FAILED}
MOST_EFFECTS = 80
"""Of one step: every deadline once, every fault, and what waits for the card."""
AFTER_OFF = events.Begin | events.Log | events.Vibrate
"""What may still be asked for while the camera closes down."""


@dataclass
class Press:
    """A contact, from its first closing to the release that was believed."""

    closed_ns: int
    begun_ns: int
    """When the rules were told."""
    at_boot: bool = False
    opened_ns: int | None = None
    over_ns: int | None = None
    spent: bool = False
    """What it began stands against it: it stops nothing."""

    def holds(self, at_ns: int) -> bool:
        over_ns = at_ns if self.over_ns is None else self.over_ns
        return not self.at_boot and self.closed_ns + SECOND <= at_ns <= over_ns

    def stops(self) -> bool:
        held_ns = (self.opened_ns or 0) - self.closed_ns
        return not (self.spent or self.at_boot) and 3 * SECOND <= held_ns < 6 * SECOND


@dataclass
class Finger:
    """All contacts of one button; the last one may be going on."""

    presses: list[Press] = field(default_factory=list)

    @property
    def now(self) -> Press | None:
        return self.presses[-1] if self.presses and self.presses[-1].over_ns is None else None

    def edge(self, closed: bool, stamp_ns: int, now_ns: int) -> None:
        press = self.now
        if press is None and closed:
            self.presses.append(Press(stamp_ns, now_ns))
        elif press is not None and closed:
            press.opened_ns = None
        elif press is not None and press.opened_ns is None:
            press.opened_ns = max(stamp_ns, press.closed_ns)

    def elapse(self, to_ns: int) -> list[Press]:
        """The contact that has ended by then, if one has."""
        press = self.now
        if press is None or press.opened_ns is None or press.opened_ns + SECOND // 5 > to_ns:
            return []
        press.over_ns = press.opened_ns + SECOND // 5
        return [press]


@dataclass
class Witness:
    policy: Policy
    outputs: tuple[Output, ...]
    lamp: str
    asleep: bool
    now_ns: int = 0
    before_ns: int = 0

    # What is being kept, from what was asked of the footage.
    keeping: bool = False
    opened: bool = False
    until_ns: int | None = None
    memory_spent: bool = False
    pinned_ns: int | None = None
    pinned_asleep: bool = False

    # What was said, and what has happened.
    faults: set[Fault] = field(default_factory=set)
    record: Finger = field(default_factory=Finger)
    function: Finger = field(default_factory=Finger)
    asked: dict[int, list[Output]] = field(default_factory=dict)
    asked_ns: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Between when and when a warning was first asked for."""
    heard: dict[int, dict[Output, int]] = field(default_factory=dict)
    """When each output acknowledged each warning."""
    stopped_ns: list[int] = field(default_factory=list)
    """The releases that completed a stop."""
    written: list[Warned] = field(default_factory=list)
    """Opened, and neither saved nor broken."""
    broken: list[Warned] = field(default_factory=list)
    pictures_dropped: int = 0
    pictures_logged: int = 0
    off: bool = False

    # ---- a step ----------------------------------------------------------------------------------

    def saw(
        self, event: Event | None, stamp_ns: int, effects: tuple[Effect, ...], model: Model
    ) -> None:
        """Hold a step against the laws."""
        self.before_ns, self.now_ns = self.now_ns, model.now_ns
        assert self.now_ns == max(self.before_ns, stamp_ns)
        assert len(effects) <= MOST_EFFECTS
        was_keeping = self._kept(self.before_ns)
        ended = self._elapse()
        self._take(event, stamp_ns)
        ended += self._elapse()
        for effect in effects:
            if self.off:
                assert isinstance(effect, AFTER_OFF)
            self._effect(effect)
            self.off = self.off or isinstance(effect, events.PowerOff)
            # Vibration and light come last, of the step in which it goes off, too.
            if isinstance(effect, events.PowerOff):
                break
        self._last(effects)
        self._spend(effects)
        self._memory(event)
        self._light()
        self._no_less_is_kept(effects, ended, event)
        self._nothing_is_silent(effects, event, was_keeping, model)

    def _kept(self, at_ns: int) -> bool:
        return self.keeping and (self.until_ns is None or at_ns < self.until_ns)

    def _elapse(self) -> list[Press]:
        self.function.elapse(self.now_ns)
        ended = [press for press in self.record.elapse(self.now_ns) if press.stops()]
        self.stopped_ns += [press.opened_ns or 0 for press in ended]
        return ended

    def _take(self, event: Event | None, stamp_ns: int) -> None:
        match event:
            case events.Edge(button, closed):
                finger = self.record if button is Button.RECORD else self.function
                finger.edge(closed, stamp_ns, self.now_ns)
            case events.WarningStarted(output, token) if output in self.asked.get(token, ()):
                self.heard.setdefault(token, {}).setdefault(output, self.now_ns)
            case events.FootageDropped(_, _, pictures):
                self.pictures_dropped += pictures
            case events.RecordingBroke(_, warned):
                self.written.remove(warned)
                self.broken.append(warned)

    def _spend(self, effects: tuple[Effect, ...]) -> None:
        press = self.record.now
        pins = [e for e in effects if isinstance(e, events.Pin)]
        goes_on = [e for e in effects if isinstance(e, events.Until) and e.at_ns is None]
        begins = [e.warned for e in effects if isinstance(e, events.Begin)]
        again = [w for w in begins if (w.how, w.recording_ns) == (How.AGAIN, self.now_ns)]
        if press is not None and press.begun_ns == self.now_ns and (pins or goes_on or again):
            press.spent = True

    # ---- effects ---------------------------------------------------------------------------------

    def _effect(self, effect: Effect) -> None:
        match effect:
            case events.Pin(from_ns):
                self._pin(from_ns)
            case events.Unpin():
                assert self.pinned_ns is not None
                self.keeping, self.pinned_ns = False, None
            case events.Begin(warned):
                self._begin(warned)
            case events.Until(at_ns):
                assert self.opened
                self.until_ns = at_ns
            case events.Warn(output, token):
                self.asked.setdefault(token, []).append(output)
                self.asked_ns.setdefault(token, (self.before_ns, self.now_ns))
            case events.Sleep():
                assert not self.asleep
                self.asleep = True
            case events.Wake():
                assert self.asleep
                self.asleep = False
            case events.RestartCamera() | events.ForceKeyframe():
                assert not self.asleep
            case events.Note(_, at_ns):
                # The lane to the writer takes notes only between Begin and the end.
                assert self.opened
                until_ns = at_ns if self.until_ns is None else self.until_ns
                assert at_ns <= until_ns
            case events.Log(kind, at_ns, details):
                assert at_ns <= self.now_ns
                self._log(kind, dict(details))
            case events.PowerOff():
                self.keeping = False

    def _last(self, effects: tuple[Effect, ...]) -> None:
        """Vibration, then light, at the end of a step and nowhere else."""
        kinds = [type(effect) for effect in effects]
        tail = [kind for kind in kinds if kind in (events.Vibrate, events.Light)]
        assert kinds[len(kinds) - len(tail) :] == tail
        assert tail in ([], [events.Vibrate], [events.Light], [events.Vibrate, events.Light])
        for effect in effects:
            if isinstance(effect, events.Light):
                assert effect.pattern.name != self.lamp
                self.lamp = effect.pattern.name

    def _log(self, kind: str, words: dict[str, str | int]) -> None:
        if kind == "fault":
            self.faults.add(Fault(str(words["fault"])))
        elif kind == "fault-cleared":
            self.faults.remove(Fault(str(words["fault"])))
            self.memory_spent = self.memory_spent and bool(self.faults & BARS)
        elif kind == "gap" and words.get("why") != "camera":
            self.pictures_logged += int(words["pictures"])
        elif words.get("act") == "held in memory":
            self.keeping, self.until_ns = True, None

    # ---- law 1: warned first ---------------------------------------------------------------------

    def _pin(self, from_ns: int) -> None:
        """Nothing from before the press but what the policy says."""
        before_ns = 0 if self.asleep else self.policy.pre_record_ns
        assert from_ns == self.now_ns - before_ns
        self.pinned_ns, self.pinned_asleep = from_ns, self.asleep

    def _begin(self, warned: Warned) -> None:
        """The card is opened to footage."""
        assert not self.faults & BARS
        self.written.append(warned)
        if warned.how is How.CONTINUED:
            origins = [replace(broken, how=How.CONTINUED) for broken in self.broken]
            assert warned in origins
            del self.broken[origins.index(warned)]
            return
        assert warned.pressed_ns <= warned.recording_ns <= self.now_ns
        assert self.pinned_ns == warned.pressed_ns - warned.pre_record_ns
        assert warned.pre_record_ns == (0 if self.pinned_asleep else self.policy.pre_record_ns)
        reasons = [how for token in self._tokens(warned) for how in self._reasons(warned, token)]
        assert warned.how in reasons
        self.keeping, self.opened, self.until_ns, self.pinned_ns = True, True, None, None

    def _tokens(self, warned: Warned) -> list[int]:
        """Which warning it may have been; none where nothing is fitted that could give one."""
        firsts_ns = [stamp.at_ns for stamp in warned.asked[:1]]
        spans = self.asked_ns.items()
        found = [t for at_ns in firsts_ns for t, (low, high) in spans if low <= at_ns <= high]
        return found or [0]

    def _reasons(self, warned: Warned, token: int) -> Iterator[How]:
        """Why this recording may have begun when it did; nothing where its warning is not true."""
        at_ns = warned.recording_ns
        heard = {o: ns for o, ns in self.heard.get(token, {}).items() if ns <= at_ns}
        if {stamp.output: stamp.at_ns for stamp in warned.started} != heard:
            return
        first_ns = min(heard.values(), default=None)
        if first_ns is None and set(self.asked.get(token, ())) == set(self.outputs):
            yield How.UNHEARD
        if first_ns is not None and warned.given_ns == first_ns + self.policy.lead_ns <= at_ns:
            yield How.WARNED
        for press in self.record.presses:
            if press.holds(at_ns):
                yield How.HELD
            if press.begun_ns == at_ns and press.closed_ns > warned.pressed_ns:
                yield How.AGAIN
            if press.begun_ns == at_ns == warned.pressed_ns:
                stops = [s for s in self.stopped_ns if at_ns - 30 * SECOND <= s < at_ns]
                yield from [How.LINKED] * len(stops)

    # ---- the light shows it ----------------------------------------------------------------------

    def _memory(self, event: Event | None) -> None:
        kept = self._kept(self.now_ns)
        if isinstance(event, events.FootageDropped) and kept and self.faults & BARS:
            self.memory_spent = True
        if not kept:
            self.memory_spent = self.opened = False

    def _light(self) -> None:
        """Recording shows if and only if footage is being kept."""
        kept = self._kept(self.now_ns) and not self.memory_spent
        assert (self.lamp == "recording") == kept

    # ---- law 2: nothing lost, nothing silent -----------------------------------------------------

    def _no_less_is_kept(
        self, effects: tuple[Effect, ...], ended: list[Press], event: Event | None
    ) -> None:
        """Only a completed stop, a cancelled warning and going off lessen what is kept."""
        ends = [e for e in effects if isinstance(e, events.Until) and e.at_ns is not None]
        let_go = [e for e in effects if isinstance(e, events.Unpin)]
        hushed = [e for e in effects if isinstance(e, events.Hush)]
        went_off = [e for e in effects if isinstance(e, events.PowerOff)]
        assert len(ends) <= len(ended) + len(went_off)
        assert len(let_go) <= len(ended) + len(hushed) + len(went_off)
        for _ in hushed[len(went_off) :]:
            cancels = [p for p in self.function.presses[-1:] if p.holds(self.now_ns)]
            assert cancels != []
        if went_off:
            assert isinstance(event, events.ShutDown | events.Battery | events.Docked)

    def _nothing_is_silent(
        self,
        effects: tuple[Effect, ...],
        event: Event | None,
        was_keeping: bool,
        model: Model,
    ) -> None:
        felt = [e.pattern.name for e in effects if isinstance(e, events.Vibrate)]
        logged = [e for e in effects if isinstance(e, events.Log)]
        raised = {Fault(str(dict(e.details)["fault"])) for e in logged if e.kind == "fault"}
        loud = [fault for fault in raised if FAULTS[fault].feel is not None]
        if loud:
            assert felt != []
        if isinstance(event, events.RecordingBroke):
            assert "broke" in [e.kind for e in logged]
            assert felt != []
        if any(isinstance(e, events.Note) and ("why", "camera") in e.details for e in effects):
            assert "gap" in [e.kind for e in logged]
            # A stall has been felt when it began; what nobody noticed then is felt now.
            assert felt != [] or not isinstance(event, events.PicturesMissed)
        if isinstance(event, events.FootageDropped):
            assert Fault.FOOTAGE_DROPPED in self.faults
        if was_keeping and self.until_ns is None and not self.keeping:
            assert felt != []
        if not self.faults & BARS:
            assert self.broken == []  # each goes on in a linked recording
        untold = 0 if model.gap is None else model.gap.pictures
        assert self.pictures_logged + untold == self.pictures_dropped
        assert model.faults == self.faults
