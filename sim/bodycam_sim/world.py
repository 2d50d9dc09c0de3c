"""A made-up world around the real camera: what a scenario makes happen, in order of time.

World time is nanoseconds since the scenario began. One thread, one heap: `host.py`.
"""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bodycam.media.packets import SECOND
from bodycam.ports import Reports
from bodycam.recorder.assembly import Owner, nominal_bytes, reserve_bytes
from bodycam.rules.policy import Policy
from bodycam_sim.boot import Boot, Surroundings
from bodycam_sim.card import SimCard
from bodycam_sim.encoder import GopWorkers
from bodycam_sim.host import Heap
from bodycam_sim.scenario import Scenario, Step
from bodycam_sim.transcript import Transcript

BOUNCES = 4
"""A contact changes so often before it settles, and again when it is let go."""
BOUNCE_NS = (SECOND // 1000, 8 * SECOND // 1000)
"""Each time after at least, and less than."""


class World:
    """Runs one scenario on a card in a folder."""

    def __init__(
        self,
        scenario: Scenario,
        policy: Policy,
        owner: Owner,
        card_root: Path,
        workers: GopWorkers,
        watch: Callable[[float], None] = lambda _: None,
        hand_over: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`watch` is told every simulated second how far it is.

        `hand_over` is asked for what a station does with the card, at a world time.
        """
        self.scenario = scenario
        self._watch = watch
        self._hand_over = hand_over
        self._policy = policy
        self._random = random.Random(scenario.seed)  # noqa: S311  a world, not a key
        self._heap = Heap()
        self._card = SimCard(
            card_root,
            segment_bytes=nominal_bytes(policy, policy.keyframe_interval_ns),
            room_bytes=self._room_bytes(scenario.room_minutes),
            seed=scenario.seed,
        )
        self.transcript = Transcript(policy.video.fps)
        self._around = Surroundings(
            policy,
            owner,
            scenario.seed,
            self._heap,
            self._card,
            workers,
            self.transcript,
            docked=scenario.docked,
        )
        self._boot: Boot | None = None
        self.boots: dict[str, int] = {}
        """Boot id to the world time of that boot."""
        self._actions: dict[str, Callable[[Step], None]] = {
            "record": self._press,
            "function": self._press,
            "dock": self._dock,
            "undock": self._dock,
            "camera-stalls": self._stall_camera,
            "microphone-stalls": self._stall_microphone,
            "card-stalls": self._stall_card,
            "card-writes-take": lambda step: self._card.slow_down(_ns(step.amount)),
            "card-fails": partial(self._break_card, "The card answers with an I/O error."),
            "card-is-read-only": partial(self._break_card, "The card is read-only."),
            "card-is-taken-out": partial(self._break_card, "There is no card.", gone=True),
            "hand-over": lambda _: self._hand_over(self._heap.now_ns),
            "clock-jumps": self._jump,
            "card-has-room": lambda step: self._card.set_room(self._room_bytes(step.amount)),
            "output-dies": lambda step: self._around.dead.add(step.output),
            "output-is-silent": lambda step: self._around.silent.add(step.output),
            "battery": self._set_battery,
            "clock-is-lost": self._lose_clock,
            "power-button": self._push_power,
            "power-cut": lambda _: self._power_off(),
            "power-on": lambda _: self._power_on(),
        }

    def run(self) -> None:
        """Run to the end; the transcript tells of it."""
        scenario, heap, told = self.scenario, self._heap, self.transcript
        fps = self._policy.video.fps
        told.line(f"# {scenario.name}: {scenario.about}")
        told.line(f"# Policy {self._policy.name}, seed {scenario.seed}, {fps} pictures a second.")
        told.line("# Seconds since the world began, what the camera is doing, what happens.")
        told.line()
        for step in scenario.steps:
            heap.at(_ns(step.at_s), partial(self._do, step))
        for second in range(1, int(scenario.seconds) + 1):
            heap.at(second * SECOND, partial(self._watch, second))
        self._power_on()
        end_ns = _ns(scenario.seconds)
        while True:
            boot, next_ns = self._boot, heap.next_ns()
            due_ns = None if boot is None else boot.due_ns()
            if boot is not None and due_ns is not None and (next_ns is None or due_ns < next_ns):
                if due_ns > end_ns:
                    return
                heap.advance(due_ns)
                boot.tick()
            elif next_ns is not None and next_ns <= end_ns:
                heap.happen()
            else:
                return
            if self._boot is not None:
                self._boot.write()

    # ---- what a scenario does --------------------------------------------------------------------

    def _do(self, step: Step) -> None:
        self.transcript.world(self._heap.now_ns, step.told)
        self._actions[step.what](step)

    def _press(self, step: Step) -> None:
        """Close a contact and open it again; it bounces both times."""
        at_ns = self._heap.now_ns
        self._bounce(step.what, at_ns, closed=True)
        self._bounce(step.what, at_ns + _ns(step.amount), closed=False)

    def _bounce(self, button: str, at_ns: int, *, closed: bool) -> None:
        self._heap.at(at_ns, partial(self._edge, button, closed))
        for _ in range(BOUNCES):
            at_ns += self._random.randrange(*BOUNCE_NS)
            closed = not closed
            self._heap.at(at_ns, partial(self._edge, button, closed))

    def _edge(self, button: str, closed: bool) -> None:
        if button == "record":
            self._around.record_closed = closed
        self._report(lambda to, now: to.edge(button, closed, now))

    def _dock(self, step: Step) -> None:
        docked = self._around.docked = step.what == "dock"
        self._report(lambda to, now: to.docked(docked, now))

    def _set_battery(self, step: Step) -> None:
        percent = self._around.battery_percent = int(step.amount)
        self._report(lambda to, now: to.battery(percent, now))

    def _push_power(self, _: Step) -> None:
        self._report(lambda to, now: to.shut_down("power button", now))

    def _stall_camera(self, step: Step) -> None:
        if self._boot is not None:
            self._boot.camera.stall(self._heap.now_ns + _ns(step.amount))

    def _stall_microphone(self, step: Step) -> None:
        if self._boot is not None:
            self._boot.camera.mute(self._heap.now_ns + _ns(step.amount))

    def _stall_card(self, step: Step) -> None:
        self._card.stall(self._heap.now_ns, self._heap.now_ns + _ns(step.amount))

    def _break_card(self, why: str, step: Step, *, gone: bool = False) -> None:
        now_ns = self._heap.now_ns
        self._card.fail(now_ns, now_ns + _ns(step.amount), why, gone=gone)

    def _jump(self, step: Step) -> None:
        self._around.jumped_ns += _ns(step.amount)

    def _lose_clock(self, _: Step) -> None:
        self._around.synchronised = False

    # ---- power -----------------------------------------------------------------------------------

    def _power_on(self) -> None:
        if self._boot is None:
            boot_id = f"boot-{len(self.boots) + 1:02d}"
            self.boots[boot_id] = self._heap.now_ns
            self._boot = Boot(self._around, boot_id, self._power_off)

    def _power_off(self) -> None:
        if self._boot is not None:
            self._boot.end()
            self._boot = None

    def _report(self, tell: Callable[[Reports, int], None]) -> None:
        """What the camera's parts notice, with its own time; nothing where it is off."""
        if self._boot is not None:
            tell(self._boot.reports, self._boot.now_ns)

    def _room_bytes(self, minutes: float) -> int:
        minute = nominal_bytes(self._policy, 60 * SECOND)
        return round(reserve_bytes(self._policy) + minutes * minute)


def _ns(seconds: float) -> int:
    return round(seconds * SECOND)
