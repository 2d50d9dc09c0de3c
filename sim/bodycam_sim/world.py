"""A made-up world around the real agent, footage, writer and vault, behind the same ports.

World time is nanoseconds since the scenario began; the camera's own time is boottime, which begins
anew with every boot. One thread, one heap: `host.py`.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bodycam.media.packets import SECOND, Gop
from bodycam.media.ring import RingPolicy
from bodycam.ports import WallTime
from bodycam.recorder.agent import Agent, Ports
from bodycam.recorder.assembly import (
    Owner,
    media_format,
    nominal_bytes,
    open_vault,
    ring_policy,
)
from bodycam.recorder.footage import Footage
from bodycam.recorder.vault import RESERVE_BYTES
from bodycam.recorder.writer import Writer
from bodycam.rules import events
from bodycam.rules.events import Button, Edge, Effect, Event
from bodycam.rules.model import Model
from bodycam.rules.policy import Policy
from bodycam_sim.camera import SimCamera
from bodycam_sim.card import PowerCut, SimCard
from bodycam_sim.encoder import GopWorkers
from bodycam_sim.host import Heap
from bodycam_sim.outputs import SimOutputs
from bodycam_sim.scenario import Scenario, Step
from bodycam_sim.sound import SoundTrack
from bodycam_sim.transcript import Transcript

WORLD_BEGAN_UTC_S = 1_790_000_000
"""The world begins on 21 September 2026, 13:33 UTC."""
BOUNCES_MS = (2, 3, 4)
"""A contact opens and closes like this before it settles."""


class World:
    """Runs one scenario on a card in a folder."""

    def __init__(
        self,
        scenario: Scenario,
        policy: Policy,
        owner: Owner,
        card_root: Path,
        workers: GopWorkers,
    ) -> None:
        self.scenario = scenario
        self.policy = policy
        self.owner = owner
        self.workers = workers
        self._random = random.Random(scenario.seed)  # noqa: S311  a world, not a key
        self.heap = Heap()
        self._segment_bytes = nominal_bytes(policy, policy.keyframe_interval_ns)
        self.card = SimCard(
            card_root,
            segment_bytes=self._segment_bytes,
            room_bytes=self._room_bytes(scenario.room_minutes),
            seed=scenario.seed,
        )
        self.transcript = Transcript(policy.video.fps)
        self.boots: dict[str, int] = {}
        """Boot id to the world time of that boot."""
        self.docked = scenario.docked
        self.dead: set[str] = set()
        self.silent: set[str] = set()
        self._synchronised = True
        self.record_closed = False
        self._boot: _Boot | None = None
        self._actions: dict[str, Callable[[Step], None]] = {
            "record": lambda step: self._contact(Button.RECORD, step.amount),
            "function": lambda step: self._contact(Button.FUNCTION, step.amount),
            "dock": lambda _: self._dock(True),
            "undock": lambda _: self._dock(False),
            "camera-stalls": self._stall_camera,
            "microphone-stalls": self._mute,
            "card-stalls": self._stall_card,
            "card-has-room": self._set_room,
            "output-dies": self._kill_output,
            "output-is-silent": self._silence_output,
            "battery": lambda step: self._post(events.Battery(int(step.amount))),
            "clock-is-lost": self._lose_clock,
            "power-button": lambda _: self._post(events.ShutDown("power button")),
            "power-cut": lambda _: self.power_off(),
            "power-on": lambda _: self._power_on(),
        }

    def run(self) -> str:
        """Run to the end; returns the transcript."""
        scenario, heap = self.scenario, self.heap
        self.transcript.title(f"# {scenario.name}: {scenario.about}")
        self.transcript.title(
            f"# policy {self.policy.name}, seed {scenario.seed}; seconds since the world began"
        )
        for step in scenario.steps:
            heap.at(_ns(step.at_s), lambda step=step: self._do(step))  # type: ignore[misc]
        self._power_on()
        end_ns = _ns(scenario.seconds)
        while True:
            boot = self._boot
            next_ns = heap.next_ns()
            due_ns = boot.due_ns() if boot is not None else None
            soonest = min((t for t in (next_ns, due_ns) if t is not None), default=end_ns + 1)
            if soonest > end_ns:
                return self.transcript.text()
            if boot is not None and due_ns is not None and (next_ns is None or due_ns < next_ns):
                heap.advance(due_ns)
                boot.tick()
            else:
                heap.happen()
            if self._boot is not None:
                self._boot.write()

    # ---- steps of the scenario -------------------------------------------------------------------

    def _do(self, step: Step) -> None:
        self.transcript.say(self.heap.now_ns, "", f"-- {_told(step)}")
        self._actions[step.what](step)

    def _contact(self, button: Button, seconds: float) -> None:
        """Close a contact that bounces, and open it again."""
        start_ns = self.heap.now_ns
        self._edge(button, closed=True)
        at_ns, closed = start_ns, True
        for bounce_ms in BOUNCES_MS:
            at_ns += bounce_ms * SECOND // 1000 + self._random.randrange(SECOND // 1000)
            closed = not closed
            self.heap.at(at_ns, lambda closed=closed: self._edge(button, closed=closed))  # type: ignore[misc]
        if not closed:
            self.heap.at(at_ns + 1, lambda: self._edge(button, closed=True))
        self.heap.at(start_ns + _ns(seconds), lambda: self._edge(button, closed=False))

    def _edge(self, button: Button, *, closed: bool) -> None:
        if button is Button.RECORD:
            self.record_closed = closed
        self._post(Edge(button, closed))

    def _dock(self, docked: bool) -> None:
        self.docked = docked
        self._post(events.Docked(docked))

    def _stall_camera(self, step: Step) -> None:
        if self._boot is not None:
            self._boot.camera.stall(self.heap.now_ns + _ns(step.amount))

    def _mute(self, step: Step) -> None:
        if self._boot is not None:
            self._boot.camera.mute(self.heap.now_ns + _ns(step.amount))

    def _stall_card(self, step: Step) -> None:
        self.card.stall(self.heap.now_ns, self.heap.now_ns + _ns(step.amount))

    def _set_room(self, step: Step) -> None:
        self.card.set_room(self._room_bytes(step.amount))
        if self._boot is not None:
            self._boot.look_at_room()

    def _kill_output(self, step: Step) -> None:
        self.dead.add(step.output)

    def _silence_output(self, step: Step) -> None:
        self.silent.add(step.output)

    def _lose_clock(self, _: Step) -> None:
        self._synchronised = False

    def _post(self, event: Event) -> None:
        if self._boot is not None:
            self._boot.take(event)

    # ---- power -----------------------------------------------------------------------------------

    def _power_on(self) -> None:
        if self._boot is None:
            now_ns = self.heap.now_ns
            cuts = (_ns(step.at_s) for step in self.scenario.steps if step.what == "power-cut")
            self.card.cut_ns = next((cut_ns for cut_ns in cuts if cut_ns > now_ns), None)
            self._boot = _Boot(self, self.heap.now_ns, f"boot-{len(self.boots) + 1:02d}")

    def power_off(self) -> None:
        """No power from now on; whatever was not durable is gone."""
        if self._boot is not None:
            self._boot.dies()
            self._boot = None
        self.transcript.say(self.heap.now_ns, "", "no power")

    # ---- what the boots share --------------------------------------------------------------------

    def wall(self, at_ns: int) -> WallTime:
        """The time of day at a world time."""
        utc_ns = WORLD_BEGAN_UTC_S * SECOND + at_ns
        return WallTime(utc_ns, *(("ntp", 20) if self._synchronised else ("none", -1)))

    def _room_bytes(self, minutes: float) -> int:
        return round(RESERVE_BYTES + minutes * nominal_bytes(self.policy, 60 * SECOND))


class _Clock:
    """Implements ports.Clock: boottime from some world time."""

    def __init__(self, world: World, boot_ns: int, world_ns: Callable[[], int]) -> None:
        self._world = world
        self._boot_ns = boot_ns
        self._world_ns = world_ns

    def now_ns(self) -> int:
        """See ports.Clock."""
        return self._world_ns() - self._boot_ns

    def wall(self) -> WallTime:
        """See ports.Clock."""
        return self._world.wall(self._world_ns())


class _Footage(Footage):
    """What the writer has made durable frees its memory when the card has answered."""

    def __init__(self, heap: Heap, card: SimCard, policy: RingPolicy, boot: "_Boot") -> None:
        super().__init__(policy, boot.take, lambda gop: _weight(boot.world.policy, gop))
        self._heap = heap
        self._card = card

    def settle(self, gops: Sequence[Gop]) -> None:
        """See Ring.settle."""
        free = super().settle
        self._heap.at(self._card.op_ns, lambda: free(gops))


class _Boot:
    """One life of the camera: from switching on until the power goes."""

    def __init__(self, world: World, boot_ns: int, boot_id: str) -> None:
        self.world = world
        self._heap, self._card = world.heap, world.card
        self._boot_ns = boot_ns
        self._alive = True
        world.boots[boot_id] = boot_ns
        policy, owner = world.policy, world.owner
        clock = _Clock(world, boot_ns, lambda: self._heap.now_ns)
        card_clock = _Clock(world, boot_ns, lambda: self._card.op_ns)
        self._clock = clock
        self._footage = _Footage(self._heap, self._card, ring_policy(policy), self)
        self.camera = SimCamera(
            self._heap,
            world.workers,
            SoundTrack(seed=world.scenario.seed) if policy.sound.recorded else None,
            fps=policy.video.fps,
            gop_frames=round(policy.video.keyframe_interval_s * policy.video.fps),
            deliver=self._footage.append,
            boot_ns=boot_ns,
        )
        outputs = SimOutputs(self._heap, self.take, world.dead, world.silent)
        random_ = random.Random(f"{world.scenario.seed} {boot_id}")  # noqa: S311  a made-up world
        self._card.op_ns = self._heap.now_ns
        vault, found = open_vault(
            self._card, policy, owner, clock=card_clock, random=random_.randbytes, boot=boot_id
        )
        for one in found:
            world.transcript.say(self._card.op_ns, "", f"{one.rec}: {one.outcome}. {one.why}")
        self._writer = Writer(
            vault,
            self._footage,
            media_format(policy),
            self._written,
            card_clock,
        )
        self._agent = Agent(
            policy,
            self._footage,
            Ports(self.camera, outputs, _NoStatus(), self, clock),
            self._writer.watch,
            watch=self._tell,
        )
        self._state = "off"
        self._heap.at(self._card.op_ns, self._start)

    def _start(self) -> None:
        if self._alive:
            self._agent.start(
                self._clock.now_ns(),
                docked=self.world.docked,
                record_closed=self.world.record_closed,
            )

    # ---- the control road ------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """An event, stamped now."""
        if self._alive and self._agent.model is not None:
            self._agent.handle(event, self._clock.now_ns())

    def due_ns(self) -> int | None:
        """World time at which `tick` is wanted."""
        return None if self._agent.model is None else self._agent.due_ns() + self._boot_ns

    def tick(self) -> None:
        """Step what is due now."""
        self._agent.tick(self._clock.now_ns())

    def _tell(self, at_ns: int, _: Event | None, model: Model, effects: tuple[Effect, ...]) -> None:
        told = self.world.transcript
        told.turn(at_ns + self._boot_ns, self._boot_ns, model, self._state, effects)
        if any(isinstance(effect, events.Pin) for effect in effects):
            oldest_ns = self._footage.oldest_ns
            if oldest_ns is not None:
                number = told.frame(oldest_ns + self._boot_ns)
                told.say(at_ns + self._boot_ns, model.state.value, f"held from picture {number} on")
        self._state = model.state.value

    # ---- the footage road ------------------------------------------------------------------------

    def write(self) -> None:
        """Let the writer take what is ready, unless the card still works at what it took before."""
        if self._agent.model is None or self._card.op_ns > self._heap.now_ns:
            return
        if not self._footage.waiting:
            return
        began_ns = self._heap.now_ns
        self._card.op_ns = began_ns
        try:
            self._writer.step()
        except PowerCut:
            return
        if self._card.op_ns > began_ns:
            self._writer.watch.busy_since_ns = began_ns - self._boot_ns
            self._heap.at(self._card.op_ns, self._answered)

    def _answered(self) -> None:
        if self._heap.now_ns >= self._card.op_ns:
            self._writer.watch.busy_since_ns = None

    def look_at_room(self) -> None:
        """Let the writer look at the card as it does twice a second on a camera."""
        self._footage.log(events.Log("room", self._clock.now_ns()))

    def _written(self, event: Event) -> None:
        """What the writer says reaches the rules when the card has answered."""
        self._heap.at(self._card.op_ns, lambda: self._posted(event))

    def _posted(self, event: Event) -> None:
        if isinstance(event, events.RecordingSaved):
            self.world.transcript.say(
                self._heap.now_ns, self._state, f"{event.rec} is closed and signed"
            )
        self.take(event)

    # ---- ports.Host ------------------------------------------------------------------------------

    def alive(self) -> None:
        """See ports.Host."""

    def power_off(self, reason: str) -> None:
        """See ports.Host."""
        self._heap.at(self._heap.now_ns, self.world.power_off)

    def dies(self) -> None:
        """The power is gone."""
        self._alive = False
        self.camera.switch_off()


class _NoStatus:
    """Implements ports.Status: nobody reads it here."""

    def publish(self, fields: Mapping[str, object]) -> None:
        """See ports.Status."""


def _weight(policy: Policy, gop: Gop) -> int:
    """A GOP's nominal bytes: what it counts, whatever the encoder made of it."""
    return nominal_bytes(policy, gop.end_ns - gop.start_ns)


def _ns(seconds: float) -> int:
    return round(seconds * SECOND)


_TOLD = {
    "record": "RECORD is pressed for {} s",
    "function": "FUNCTION is pressed for {} s",
    "dock": "the camera is put into its dock",
    "undock": "the camera is taken out of its dock",
    "camera-stalls": "the camera delivers no pictures for {} s",
    "microphone-stalls": "the microphone delivers no sound for {} s",
    "card-stalls": "the card does not answer for {} s",
    "card-has-room": "the card has room for {} min of footage",
    "output-dies": "the {} dies",
    "output-is-silent": "the {} stops answering",
    "battery": "the battery is at {} %",
    "clock-is-lost": "the clock is no longer synchronised",
    "power-button": "the power button is pressed",
    "power-cut": "the power is cut",
    "power-on": "the power is back",
}


def _told(step: Step) -> str:
    return _TOLD[step.what].format(step.output or f"{step.amount:g}")
