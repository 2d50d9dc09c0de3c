"""The recorder as one running thing: all its parts, for whatever adapters there are."""

from collections.abc import Callable
from dataclasses import dataclass

from bodycam.ports import Camera, Card, Clock, Host, Outputs, Random, Status
from bodycam.recorder.agent import Agent, Ports, Watch
from bodycam.recorder.assembly import Owner, media_format, open_vault, ring_policy
from bodycam.recorder.footage import Footage
from bodycam.recorder.recovery import Found
from bodycam.recorder.reports import Reporter
from bodycam.recorder.threads import Events, ThreadHost
from bodycam.recorder.writer import Writer
from bodycam.rules.events import Output
from bodycam.rules.policy import Policy


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What does not depend on the camera's hardware."""

    card: Card
    clock: Clock
    random: Random
    boot: str
    """The kernel's id of this boot."""
    status: Status
    host: Host
    failed: Callable[[BaseException], None]
    """Told of an error that nobody foresaw."""


class Recorder:
    """Made first, so that adapters have somebody to report to; started with the adapters."""

    def __init__(self, policy: Policy, owner: Owner, around: Surroundings) -> None:
        """Continues the journal and recovers what a power cut left. Raises CardError."""
        self._policy = policy
        self._around = around
        self._events = Events(around.clock)
        self._footage = Footage(ring_policy(policy), self._events.post)
        self.reports = Reporter(self._footage, self._events.post)
        """What adapters report to."""
        vault, found = open_vault(
            around.card,
            policy,
            owner,
            clock=around.clock,
            random=around.random,
            boot=around.boot,
        )
        self.found: list[Found] = found
        """What recovery did."""
        self._writer = Writer(
            vault, self._footage, media_format(policy), self._events.post, around.clock
        )
        self._threads: ThreadHost | None = None

    def start(
        self,
        camera: Camera,
        outputs: Outputs,
        *,
        fitted: tuple[str, ...] = ("speaker", "buzzer", "light"),
        docked: bool = False,
        record_closed: bool = False,
        watch: Watch = lambda *_: None,
    ) -> None:
        """Begin: the ring fills. `fitted` are the outputs that can give the warning, in order."""
        around = self._around
        agent = Agent(
            self._policy,
            self._footage,
            Ports(camera, outputs, around.status, around.host, around.clock),
            self._writer.watch,
            fitted=tuple(Output(name) for name in fitted),
            watch=watch,
        )
        self._threads = ThreadHost(
            agent,
            self._writer,
            self._events,
            clock=around.clock,
            host=around.host,
            failed=around.failed,
        )
        self._threads.start(docked=docked, record_closed=record_closed)

    def wait(self, within_s: float | None = None) -> BaseException | None:
        """Until the recorder has ended: by `stop`, or by the error that this returns."""
        return None if self._threads is None else self._threads.wait(within_s)

    def stop(self) -> bool:
        """End both threads when what waits has been written; False where the card kept it."""
        return self._threads is None or self._threads.stop()
