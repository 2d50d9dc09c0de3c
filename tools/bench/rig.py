"""The recorder on its real threads and a real folder, with a camera that is fed by hand.

Only the ports are ours: time that can be passed at once, a camera that delivers what it is told to,
outputs that acknowledge at once and say when they were called.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from tools.bench.film import FRAME_NS, Film, FilmSpec

from bodycam.evidence import bech32
from bodycam.evidence.keys import SoftwareKey
from bodycam.media.packets import SECOND, Packet
from bodycam.ports import Buffer, Pattern, Status, WallTime
from bodycam.posix.card import PosixCard
from bodycam.posix.clock import PosixClock
from bodycam.recorder.agent import Agent, Ports
from bodycam.recorder.assembly import Owner, media_format, open_vault
from bodycam.recorder.footage import Footage, ring_policy
from bodycam.recorder.threads import Events, ThreadHost
from bodycam.recorder.vault import Vault
from bodycam.recorder.writer import Progress, Writer, WriterWatch
from bodycam.rules.events import Battery, Output, WarningEnded, WarningStarted
from bodycam.rules.policy import Policy, read_policy

HOUSE = Path(__file__).parents[2]
_WAIT_S = 60


def policy(spec: FilmSpec) -> Policy:
    """The default policy with the film's picture; without sound, which the film has not."""
    path = HOUSE / "config" / "policies" / "default.toml"
    read = read_policy(path.read_bytes(), path.name)
    video = replace(read.video, width=spec.width, height=spec.height, bitrate_kbps=spec.kbps)
    return replace(read, video=video, sound=replace(read.sound, recorded=False))


def owner() -> Owner:
    """A camera whose recordings two can open: a station and an escrow that nobody has."""
    secrets = (X25519PrivateKey.from_private_bytes(os.urandom(32)) for _ in range(2))
    recipients = (bech32.encode("age", one.public_key().public_bytes_raw()) for one in secrets)
    return Owner("bench", SoftwareKey.from_seed(os.urandom(32)), tuple(recipients))


def vault(card: PosixCard, policy: Policy, clock: "Timeline") -> Vault:
    """A vault on that card, as the camera opens it at start."""
    opened, _ = open_vault(card, policy, owner(), clock=clock, random=os.urandom, boot="bench")
    return opened


class Timeline(PosixClock):
    """Implements ports.Clock: the kernel's time, and whatever was skipped of it."""

    def __init__(self) -> None:
        self._skipped_ns = 0

    def now_ns(self) -> int:
        """See ports.Clock."""
        return super().now_ns() + self._skipped_ns

    def wall(self) -> WallTime:
        """Synchronised, so that no fault is in the way."""
        return WallTime(time.time_ns(), "ntp", 1)

    def skip(self, span_ns: int) -> None:
        """Let so much time pass at once."""
        self._skipped_ns += span_ns


class StallingCard(PosixCard):
    """A card that does not answer while it is stalled."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.answers = threading.Event()
        self.answers.set()

    def create_all(self, files: Iterable[tuple[str, Buffer]]) -> None:
        """See ports.Card."""
        self.answers.wait()
        super().create_all(files)

    def append(self, path: str, data: Buffer) -> None:
        """See ports.Card."""
        self.answers.wait()
        super().append(path, data)


class Cues:
    """Implements ports.Outputs: acknowledges at once, and keeps when it was called."""

    def __init__(self, events: Events, clock: Timeline) -> None:
        self._events = events
        self._clock = clock
        self._awaited: set[str] = set()
        self._called_ns = 0
        self._all_called = threading.Event()
        self.acknowledged_ns = 0
        """Of the newest warning, on the timeline."""

    def listen(self, *calls: str) -> None:
        """Wait from now on for all of these calls: `light`, `warn`."""
        self._all_called.clear()
        self._awaited = set(calls)

    def called_ns(self) -> int:
        """When the last of them came, by time.perf_counter_ns."""
        if not self._all_called.wait(_WAIT_S):
            raise RuntimeError(f"no call of {', '.join(self._awaited)} within {_WAIT_S} s")
        return self._called_ns

    def light(self, pattern: Pattern) -> None:
        """See ports.Outputs."""
        self._came("light")

    def warn(self, output: str, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        """See ports.Outputs."""
        self._came("warn")
        self.acknowledged_ns = self._clock.now_ns()
        self._events.post(WarningStarted(Output(output), token), self.acknowledged_ns)
        self._events.post(WarningEnded(Output(output), token), self.acknowledged_ns)

    def vibrate(self, pattern: Pattern) -> None:
        """See ports.Outputs."""

    def hush(self) -> None:
        """See ports.Outputs."""

    def say(self, text: str) -> None:
        """See ports.Outputs."""

    def _came(self, call: str) -> None:
        now_ns = time.perf_counter_ns()
        if call in self._awaited:
            self._awaited.discard(call)
            if not self._awaited:
                self._called_ns = now_ns
                self._all_called.set()


class Quiet:
    """Implements ports.Camera, ports.Status and ports.Host for a camera that is fed by hand."""

    def wake(self) -> None:
        """See ports.Camera."""

    def sleep(self) -> None:
        """See ports.Camera."""

    def force_keyframe(self) -> None:
        """See ports.Camera."""

    def restart(self) -> None:
        """See ports.Camera."""

    def publish(self, fields: Mapping[str, object]) -> None:
        """See ports.Status."""

    def alive(self) -> None:
        """See ports.Host."""

    def power_off(self, reason: str) -> None:
        """See ports.Host."""

    def reboot(self, reason: str) -> None:
        """See ports.Host."""

    def begin_again(self, reason: str) -> None:
        """See ports.Host."""


class Recorder:
    """To be used as a context manager: the threads run inside it."""

    def __init__(
        self,
        film: Film,
        folder: Path,
        *,
        told_of_writer: bool = True,
        status: Status | None = None,
    ) -> None:
        """`folder` is the card, empty. Where time is passed faster than the writer works, the agent
        must not be told of the writer: it would take it for stuck.
        """
        folder.mkdir(parents=True)
        self.policy = policy(film.spec)
        self.clock = Timeline()
        self.events = Events(self.clock)
        self.cues = Cues(self.events, self.clock)
        self.card = StallingCard(folder)
        self.footage = Footage(ring_policy(self.policy), self.events.post)
        self.saved: Callable[[Progress], None] = lambda _: None
        """Told of every commit, on the writer's thread."""
        self.writer = Writer(
            vault(self.card, self.policy, self.clock),
            self.footage,
            media_format(self.policy),
            self.events.post,
            self.clock,
            self._tell,
        )
        quiet = Quiet()
        self.agent = Agent(
            self.policy,
            self.footage,
            Ports(quiet, self.cues, status or quiet, quiet, self.clock),
            self.writer.watch if told_of_writer else WriterWatch(),
        )
        self._host = ThreadHost(
            self.agent, self.writer, self.events, clock=self.clock, host=quiet, failed=self._fail
        )
        self._errors: list[BaseException] = []
        self._pictures: Iterator[Packet] = film.packets(0)
        self.delivered = 0
        """Pictures so far."""
        self.newest_key_ns = 0
        """The time of the newest keyframe: what came before it is in complete GOPs."""

    def __enter__(self) -> Self:
        self._host.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.card.answers.set()
        stopped = self._host.stop(_WAIT_S)  # a journal that had to wait is written first
        if kind is None and self._errors:
            raise self._errors[0]
        if kind is None and not stopped:
            raise RuntimeError("the recorder's threads do not end")

    def _tell(self, progress: Progress) -> None:
        self.saved(progress)

    def _fail(self, error: BaseException) -> None:
        self._errors.append(error)

    # ---- what happens to it ----------------------------------------------------------------------

    def picture(self) -> None:
        """The camera delivers a picture, taken now."""
        picture = replace(next(self._pictures), t_ns=self.clock.now_ns())
        if picture.key:
            self.newest_key_ns = picture.t_ns
        self.delivered += 1
        self.footage.append(picture)

    def pass_time(self, seconds: float) -> None:
        """So many seconds of pictures, at once; then the rules look at what is due."""
        for _ in range(round(seconds * SECOND / FRAME_NS)):
            self.clock.skip(FRAME_NS)
            self.picture()
        self.nudge()

    def nudge(self) -> None:
        """Wake the control thread: an event that changes nothing."""
        self.events.post(Battery(80))

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until it holds, looking rarely enough not to be in the way."""
        until_s = time.monotonic() + _WAIT_S
        while not condition():
            if self._errors:
                raise self._errors[0]
            if time.monotonic() > until_s:
                raise RuntimeError(f"not within {_WAIT_S} s: {what}")
            time.sleep(0.001)
