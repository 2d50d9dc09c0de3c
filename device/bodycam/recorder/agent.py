"""The control road: takes events with their sources' times, steps the rules, asks the ports.

Nothing here waits: ports return at once, footage stays in memory, the card is the writer's.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import assert_never

from bodycam.errors import DeviceError
from bodycam.media.packets import SECOND
from bodycam.media.ring import SETTLE_NS, SILENT_NS
from bodycam.ports import Camera, Clock, Host, Outputs, Status
from bodycam.recorder.footage import Footage
from bodycam.recorder.service import After, Service
from bodycam.recorder.writer import WriterWatch
from bodycam.rules import events, machine
from bodycam.rules.dock_test import dock_test
from bodycam.rules.events import Effect, Event, Fault, Output, Why
from bodycam.rules.model import Model, State
from bodycam.rules.policy import Policy

TICK_NS = SECOND // 4
"""How often silence of camera, microphone and card is looked for."""
CARD_STUCK_NS = 5 * SECOND
"""A card that has not answered for so long is a fault."""
CLOSE_WITHIN_NS = 2 * SECOND
"""When the camera goes off, recording and ledger have so long to be closed."""
STATUS_EVERY_NS = 10 * SECOND

Watch = Callable[[int, Event | None, Model, tuple[Effect, ...]], None]
"""Told of every turn: its time, the event, the model after it, the effects."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The world, as the agent sees it."""

    camera: Camera
    outputs: Outputs
    status: Status
    host: Host
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Closing:
    """The camera is going off."""

    reason: str
    from_ns: int
    """Until then pictures from before may still arrive."""
    by_ns: int


class Agent:
    """One thread steps it: `handle` for an event, `tick` when `due_ns` has come."""

    def __init__(
        self,
        policy: Policy,
        footage: Footage,
        ports: Ports,
        writer: WriterWatch,
        *,
        fitted: tuple[Output, ...] = tuple(Output),
        watch: Watch = lambda *_: None,
        service: Service | None = None,
    ) -> None:
        """`service` carries out what the link asks; None where nothing can be asked."""
        self._service = service
        self._policy = policy
        self._footage = footage
        self._ports = ports
        self._writer = writer
        self._fitted = fitted
        self._watch = watch
        self._awake_ns: int | None = None
        self._warned: events.Warned | None = None
        self._tick_ns = 0
        self._status_ns = 0
        self._told_journal = ""
        self._told_answers = 0
        self._closing: _Closing | None = None
        self._docked_ns: int | None = None
        """In the dock since then; None: it is not."""
        self.model: Model | None = None

    def start(
        self,
        now: int,
        *,
        docked: bool = False,
        record_closed: bool = False,
        function_closed: bool = False,
    ) -> None:
        """Begin: the light goes on, the camera wakes. What is closed now counts for nothing."""
        self.model, effects = machine.begin(
            self._policy,
            now,
            outputs=self._fitted,
            docked=docked,
            record_closed=record_closed,
            function_closed=function_closed,
        )
        self._tick_ns = now + TICK_NS
        self._footage.log(events.Log("boot", now))
        self._apply(effects, now)
        self._watch(now, None, self.model, effects)
        self._publish(now)

    def due_ns(self) -> int:
        """When `tick` is wanted if no event comes before."""
        due = [self._tick_ns, machine.due_ns(self._model)]
        if self._closing is not None:
            due.append(self._closing.by_ns)
        return min(t for t in due if t is not None)

    def handle(self, event: Event, now: int) -> None:
        """Take an event stamped `now` by its source."""
        self._turn(event, now)
        self._look_if_due(now)

    def tick(self, now: int) -> None:
        """Step what is due by `now`, and look whether camera, microphone and card are alive."""
        self._turn(None, now)
        self._look_if_due(now)

    # ---- turns -----------------------------------------------------------------------------------

    @property
    def _model(self) -> Model:
        assert self.model is not None  # start comes first
        return self.model

    def _turn(self, event: Event | None, now: int) -> None:
        before = self._model
        self.model, effects = machine.step(before, event, now)
        follow = self._apply(effects, now)
        if effects or self.model.state is not before.state:
            self._watch(self.model.now_ns, event, self.model, effects)
            self._publish(now)
        for event in follow:
            self._turn(event, now)

    def _apply(self, effects: tuple[Effect, ...], now: int) -> list[Event]:
        """Ask for all of them, whatever one port answers; gives the events that follow."""
        follow: list[Event] = []
        for effect in effects:
            try:
                self._ask(effect, now, follow)
            except DeviceError as error:
                asked = type(effect).__name__
                said = (("asked", asked), ("error", error.what))
                self._footage.log(events.Log("device", now, said))
                if isinstance(effect, events.Warn):
                    follow.append(events.WarningFailed(effect.output, effect.token))
        return follow

    def _ask(self, effect: Effect, now: int, follow: list[Event]) -> None:
        """Raises DeviceError."""
        footage, ports = self._footage, self._ports
        match effect:
            case events.Pin(from_ns):
                footage.pin(from_ns, now)
            case events.Unpin():
                footage.unpin()
            case events.Begin(warned):
                self._warned = warned
                if warned.how is events.How.CONTINUED:
                    footage.go_on(warned)
                else:
                    footage.begin(warned)
            case events.Until(at_ns):
                if at_ns is not None:
                    footage.until(at_ns)
                elif not footage.resume() and self._warned is not None:
                    # The press came too late for the footage: it goes on in a linked recording.
                    follow.append(events.RecordingBroke(Why.STREAM, self._warned))
            case events.ForceKeyframe():
                ports.camera.force_keyframe()
            case events.Sleep():
                footage.sleep()
                self._awake_ns = None
                ports.camera.sleep()
            case events.Wake():
                footage.wake()
                self._awake_ns = now
                ports.camera.wake()
            case events.RestartCamera():
                ports.camera.restart()
            case events.Warn(output, token, texts):
                ports.outputs.warn(output.value, token, texts, self._volume())
            case events.Hush():
                ports.outputs.hush()
            case events.Light(pattern):
                if self._service is not None:
                    self._service.lit()
                ports.outputs.light(pattern)
            case events.Vibrate(pattern):
                ports.outputs.vibrate(pattern)
            case events.Say(text):
                ports.outputs.say(text)
            case events.Note():
                footage.note(effect)
            case events.Log():
                footage.log(effect)
            case events.PowerOff(reason):
                self._closing = _Closing(reason, now + SETTLE_NS, now + CLOSE_WITHIN_NS)
            case _:
                assert_never(effect)

    def _volume(self) -> int:
        wall = self._ports.clock.wall()
        local_hour = (wall.utc_ns // SECOND + wall.utc_offset_s) // 3600 % 24
        return self._policy.warning.volume_percent(local_hour)

    # ---- looking for silence ---------------------------------------------------------------------

    def _look_if_due(self, now: int) -> None:
        """Not only when nothing happens: a flood of events must not hide a silent camera."""
        if self._service is not None:
            self._serve(self._service, now)
        if now >= self._tick_ns:
            self._tick_ns = now + TICK_NS
            self._look(now)
        if self._closing is not None:
            self._close(self._closing, now)

    def _serve(self, service: Service, now: int) -> None:
        """What the link asks; a refusing output is told like any other."""
        try:
            found = service.step(self._model, self._ports.outputs, now)
        except DeviceError as error:
            said = (("asked", "Locate"), ("error", error.what))
            self._footage.log(events.Log("device", now, said))
            return
        for one in found:
            if isinstance(one, events.Log):
                self._footage.log(one)
            else:
                self._turn(one, now)
        if service.answered != self._told_answers:
            self._told_answers = service.answered
            self._publish(now)

    def _leave(self, reason: str) -> None:
        """Everything has been closed. Raises DeviceError."""
        host = self._ports.host
        match self._service.after if self._service is not None else After.OFF:
            case After.OFF:
                host.power_off(reason)
            case After.REBOOT:
                host.reboot(reason)
            case After.AGAIN:
                host.begin_again(reason)

    def _look(self, now: int) -> None:
        footage = self._footage
        footage.tick(now)
        if self._awake_ns is not None:
            self._look_at_camera(self._awake_ns, now)
        busy_ns = self._writer.busy_since_ns
        self._fault(Fault.CARD_STUCK, busy_ns is not None and now - busy_ns > CARD_STUCK_NS, now)
        source = self._ports.clock.wall().source
        self._fault(Fault.CLOCK_UNSYNCHRONISED, source == "none", now)
        told = self._writer.journal != self._told_journal
        if told or now - self._status_ns >= STATUS_EVERY_NS:
            self._publish(now)

    def _look_at_camera(self, awake_ns: int, now: int) -> None:
        footage = self._footage
        if footage.wants_keyframe:
            self._apply((events.ForceKeyframe(),), now)
        stalled = self._silent(Fault.CAMERA_STALLED, awake_ns, footage.newest_ns, now)
        known = Fault.CAMERA_STALLED in self._model.faults
        if stalled and not known:
            footage.cut()
            since_ns = awake_ns
            if footage.newest_ns is not None:
                since_ns = max(since_ns, footage.newest_ns + self._policy.frame_ns)
            self._turn(events.FaultRaised(Fault.CAMERA_STALLED, since_ns), now)
        elif known and not stalled and not footage.wants_keyframe:
            footage.take_missed()
            cleared = events.FaultCleared(Fault.CAMERA_STALLED, footage.resumed_ns)
            self._turn(cleared, now)
        elif (missed := footage.take_missed()) is not None:
            # They stopped and came again between two looks: this process has not been running.
            self._turn(events.PicturesMissed(*missed), now)
        if self._policy.sound.recorded and not stalled:
            mute = self._silent(Fault.SOUND_LOST, awake_ns, footage.newest_sound_ns, now)
            self._fault(Fault.SOUND_LOST, mute, now)

    def _silent(self, fault: Fault, awake_ns: int, newest_ns: int | None, now: int) -> bool:
        """Whether nothing has come for too long. What has failed is well only when it delivers."""
        if newest_ns is None:
            return fault in self._model.faults or now - awake_ns > SILENT_NS
        return now - max(awake_ns, newest_ns) > SILENT_NS

    def _close(self, closing: "_Closing", now: int) -> None:
        """Go off when all has been saved, or when there is no time left for it."""
        if now < closing.from_ns:
            return
        footage = self._footage
        footage.finish()
        idle = footage.idle and self._writer.busy_since_ns is None
        if idle or now >= closing.by_ns:
            try:
                self._leave(closing.reason)
                self._closing = None
            except DeviceError:
                # It is tried again: an empty battery or a held button will not wait for ever.
                again_ns = now + CLOSE_WITHIN_NS
                self._closing = _Closing(closing.reason, again_ns, again_ns)

    def _fault(self, fault: Fault, there: bool, now: int) -> None:
        if there != (fault in self._model.faults):
            self._turn(events.FaultRaised(fault) if there else events.FaultCleared(fault), now)

    # ---- the other process -----------------------------------------------------------------------

    def _publish(self, now: int) -> None:
        """How the camera is, for the link; what the link does not get must not stop a recording."""
        self._status_ns = now
        self._told_journal = self._writer.journal
        if self._model.state is not State.DOCKED:
            self._docked_ns = None
        elif self._docked_ns is None:
            self._docked_ns = now
        with suppress(DeviceError):
            self._ports.status.publish(self._status(now))

    def _status(self, now: int) -> dict[str, object]:
        model, progress, tally = self._model, self._writer.progress, self._writer.tally
        oldest_ns = self._footage.oldest_ns
        wall = self._ports.clock.wall()
        keeping = progress if model.keeping else None
        return {
            **(self._service.status() if self._service is not None else {}),
            "state": model.state.value,
            "at_us": now // 1000,
            "recording": model.keeping,
            "faults": sorted(fault.value for fault in model.faults),
            "dock_test": dock_test(model, self._docked_ns, now),
            "battery_percent": model.battery_percent,
            "room_minutes": model.room_minutes,
            "not_handed_over": None if tally is None else tally.recordings - tally.acknowledged,
            "receipts_refused": 0 if tally is None else tally.refused,
            "ring_ms": 0 if oldest_ns is None else max(0, now - oldest_ns) // 1_000_000,
            "clock": wall.source,
            "clock_error_ms": wall.error_ms if wall.error_ms >= 0 else None,
            "utc_ms": wall.utc_ns // 1_000_000,
            "policy": self._policy.sha256,
            "journal": self._writer.journal,
            "ledger": "" if keeping is None else keeping.line,
            "rec": "" if keeping is None else keeping.rec,
            "rec_seq": 0 if keeping is None else keeping.seq,
            "rec_head": "" if keeping is None else keeping.head,
        }
