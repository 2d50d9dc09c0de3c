"""One life of the camera, from power on to power off: the product's own parts on simulated ports.

Nothing here is a thread. The agent takes its events from the world's heap in the order in which
they were posted; the writer takes a step when footage waits and the card has answered the last one.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from bodycam.media.packets import SECOND, Gop
from bodycam.ports import WallTime
from bodycam.recorder.agent import Agent, Ports
from bodycam.recorder.assembly import Owner, media_format, nominal_bytes, open_vault
from bodycam.recorder.footage import Footage, ring_policy
from bodycam.recorder.recovery import Found
from bodycam.recorder.reports import Reporter
from bodycam.recorder.threads import WAIT_S
from bodycam.recorder.writer import Progress, Writer
from bodycam.rules import events
from bodycam.rules.events import Effect, Event
from bodycam.rules.model import Model
from bodycam.rules.policy import Policy
from bodycam_sim.camera import SimCamera
from bodycam_sim.card import SimCard
from bodycam_sim.encoder import GopWorkers
from bodycam_sim.host import Heap
from bodycam_sim.outputs import SimOutputs
from bodycam_sim.sound import SoundTrack
from bodycam_sim.transcript import Transcript

BEGAN_UTC_S = 1_789_999_200
"""The world begins on 21 September 2026 at 14:00 UTC."""

_FOUND = {
    "recovered": "was left open: it ends with what is safe on the card.",
    "signed": "was closed already: now it is signed.",
    "void": "had not begun: nothing of it is signed.",
    "damaged": "is damaged and left as it is.",
}


@dataclass(slots=True)
class Surroundings:
    """What outlasts a boot, and what a scenario changes under way."""

    policy: Policy
    owner: Owner
    seed: int
    heap: Heap
    card: SimCard
    workers: GopWorkers
    told: Transcript
    docked: bool = False
    record_closed: bool = False
    battery_percent: int = 100
    synchronised: bool = True
    jumped_ns: int = 0
    """How far the time of day has jumped ahead."""
    dead: set[str] = field(default_factory=set)
    """Outputs that refuse."""
    silent: set[str] = field(default_factory=set)
    """Outputs that never answer."""

    def wall(self, at_ns: int) -> WallTime:
        """The time of day at a world time."""
        source, error_ms = ("ntp", 20) if self.synchronised else ("none", -1)
        return WallTime(BEGAN_UTC_S * SECOND + at_ns + self.jumped_ns, source, error_ms)


class Boot:
    """The camera with power. Its own time, boottime, begins with it."""

    def __init__(self, around: Surroundings, boot_id: str, power_off: Callable[[], None]) -> None:
        """Continues the journal and recovers what a power cut left; then the agent starts."""
        self._around = around
        self._heap, self._card, self._told = around.heap, around.card, around.told
        self._boot_ns = self._heap.now_ns
        self._power_off = power_off
        self._alive = True
        self._state = "off"
        self._safe_ns: int | None = None
        """World time before which everything of the open recording is durable."""
        policy = around.policy
        self._clock = _Clock(around, self._boot_ns, lambda: self._heap.now_ns)
        self._footage = _Footage(around, lambda dropped: self._post(dropped, self.now_ns))
        self.reports = Reporter(self._footage, self._post)
        self.camera = SimCamera(
            self._heap,
            around.workers,
            SoundTrack(seed=around.seed) if policy.sound.recorded else None,
            self.reports,
            fps=policy.video.fps,
            gop_frames=round(policy.video.keyframe_interval_s * policy.video.fps),
            boot_ns=self._boot_ns,
        )
        outputs = SimOutputs(
            self._heap,
            self.reports,
            self._heard,
            dead=around.dead,
            silent=around.silent,
            boot_ns=self._boot_ns,
        )
        card_clock = _Clock(around, self._boot_ns, lambda: self._card.answered_ns)
        self._card.turn_to(self._boot_ns)
        vault, found = open_vault(
            self._card,
            policy,
            around.owner,
            clock=card_clock,
            random=random.Random(f"{around.seed} {boot_id}").randbytes,  # noqa: S311  a made-up world
            boot=boot_id,
        )
        self._writer = Writer(
            vault,
            self._footage,
            media_format(policy),
            self._written,
            card_clock,
            self._saved,
            partial(_weight, policy),
        )
        self._agent = Agent(
            policy,
            self._footage,
            Ports(self.camera, outputs, _NoStatus(), self, self._clock),
            self._writer.watch,
            watch=self._tell,
        )
        self._heap.at(self._card.answered_ns, partial(self._start, found))

    def _start(self, found: Sequence[Found]) -> None:
        if not self._alive:
            return
        around = self._around
        for one in found:
            self._told.say(
                self._heap.now_ns, self._state, f"{recording_name(one.rec)} {_FOUND[one.outcome]}"
            )
        now = self.now_ns
        self._agent.start(now, docked=around.docked, record_closed=around.record_closed)
        self.reports.battery(around.battery_percent, now)
        self._look_up()

    def end(self) -> None:
        """The power is gone."""
        self._alive = False
        self.camera.sleep()
        self._card.cut_power(self._heap.now_ns)
        safe = ""
        if self._safe_ns is not None:
            last = self._told.picture(self._safe_ns - 1)
            safe = f" What is safe on the card reaches to picture {last}."
        self._told.say(self._heap.now_ns, "off", f"The camera is off.{safe}")

    # ---- the control road ------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Boottime."""
        return self._clock.now_ns()

    def due_ns(self) -> int | None:
        """World time at which `tick` is wanted."""
        return None if self._agent.model is None else self._agent.due_ns() + self._boot_ns

    def tick(self) -> None:
        """Step what is due now."""
        self._agent.tick(self.now_ns)

    def _post(self, event: Event, at_ns: int) -> None:
        """Behind what has been posted before: nothing is taken in the middle of a turn."""
        self._heap.at(self._heap.now_ns, partial(self._take, event, at_ns))

    def _take(self, event: Event, at_ns: int) -> None:
        if not self._alive or self._agent.model is None:
            return
        if isinstance(event, events.RecordingSaved | events.RecordingBroke):
            self._safe_ns = None
        if isinstance(event, events.RecordingSaved):
            said = f"{recording_name(event.rec)} is closed, signed and safe on the card."
            self._told.say(self._heap.now_ns, self._state, said)
        self._agent.handle(event, at_ns)

    def _tell(self, at_ns: int, _: Event | None, model: Model, effects: tuple[Effect, ...]) -> None:
        held_ns = self._footage.held_ns
        self._told.turn(at_ns + self._boot_ns, self._boot_ns, model, self._state, effects, held_ns)
        self._state = model.state.value

    def _heard(self, what: str) -> None:
        if self._alive:
            self._told.world(self._heap.now_ns, what)

    # ---- the footage road ------------------------------------------------------------------------

    def write(self, *, look: bool = False) -> None:
        """Let the writer take what waits, or just `look`, once the card has answered it."""
        now_ns = self._heap.now_ns
        ready = self._agent.model is not None and self._card.answered_ns <= now_ns
        if not ready or not (look or self._footage.waiting):
            return
        self._card.turn_to(now_ns)
        if not self._writer.step() and self._writer.tidy():
            self._heap.at(self._card.answered_ns, self._go_on_tidying)
        if self._card.answered_ns > now_ns:
            self._writer.watch.busy_since_ns = now_ns - self._boot_ns
            self._heap.at(self._card.answered_ns, self._answered)

    def _go_on_tidying(self) -> None:
        if self._alive:
            self.write(look=True)

    def _answered(self) -> None:
        if self._card.answered_ns <= self._heap.now_ns:
            self._writer.watch.busy_since_ns = None

    def _look_up(self) -> None:
        """As in the product, the writer looks at the card from time to time."""
        if self._alive:
            self.write(look=True)
            self._heap.at(self._heap.now_ns + round(WAIT_S * SECOND), self._look_up)

    def _written(self, event: Event) -> None:
        """What the writer says reaches the rules when the card has answered."""
        at_ns = self._card.answered_ns
        self._heap.at(at_ns, partial(self._take, event, at_ns - self._boot_ns))

    def _saved(self, progress: Progress) -> None:
        def safe() -> None:
            self._safe_ns = progress.durable_ns + self._boot_ns

        self._heap.at(self._card.answered_ns, safe)

    # ---- ports.Host ------------------------------------------------------------------------------

    def alive(self) -> None:
        """See ports.Host."""

    def power_off(self, reason: str) -> None:
        """See ports.Host."""
        self._heap.at(self._heap.now_ns, self._power_off)

    def reboot(self, reason: str) -> None:
        """See ports.Host. Nobody asks for it in this world."""

    def begin_again(self, reason: str) -> None:
        """See ports.Host. Nobody asks for it in this world."""


class _Clock:
    """Implements ports.Clock: boottime from some world time."""

    def __init__(self, around: Surroundings, boot_ns: int, world_ns: Callable[[], int]) -> None:
        self._around = around
        self._boot_ns = boot_ns
        self._world_ns = world_ns

    def now_ns(self) -> int:
        """See ports.Clock."""
        return self._world_ns() - self._boot_ns

    def wall(self) -> WallTime:
        """See ports.Clock."""
        return self._around.wall(self._world_ns())


class _Footage(Footage):
    """What the writer has made durable frees its memory when the card has answered."""

    def __init__(
        self, around: Surroundings, dropped: Callable[[events.FootageDropped], None]
    ) -> None:
        super().__init__(ring_policy(around.policy), dropped, partial(_weight, around.policy))
        self._heap = around.heap
        self._card = around.card
        self.held_ns: int | None = None
        """The time of the oldest picture that the last pin held."""

    def pin(self, from_ns: int, press_ns: int) -> None:
        """See Ring.pin."""
        super().pin(from_ns, press_ns)
        self.held_ns = self.oldest_ns

    def settle(self, gops: Sequence[Gop]) -> None:
        """See Ring.settle."""
        self._heap.at(self._card.answered_ns, partial(super().settle, gops))


class _NoStatus:
    """Implements ports.Status: nobody reads it here."""

    def publish(self, fields: Mapping[str, object]) -> None:
        """See ports.Status."""


def _weight(policy: Policy, gop: Gop) -> int:
    """A GOP's nominal bytes: what it counts, whatever the encoder made of it."""
    return nominal_bytes(policy, gop.end_ns - gop.start_ns)


def recording_name(rec: str) -> str:
    """`cam07-000042-9f3c21d8` is recording 42."""
    return f"Recording {int(rec.split('-')[-2])}"
