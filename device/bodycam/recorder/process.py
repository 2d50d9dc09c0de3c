"""The recorder as one running thing: all its parts, for whatever adapters there are."""

from collections.abc import Callable
from dataclasses import dataclass

from bodycam.ports import Camera, Card, Host, Outputs, Random, Status
from bodycam.recorder.agent import Agent, Ports, Watch
from bodycam.recorder.assembly import Owner, media_format, open_vault
from bodycam.recorder.body_memory import MemoryKeeper
from bodycam.recorder.intake import Intake
from bodycam.recorder.opening import OpeningWriter
from bodycam.recorder.service import Service
from bodycam.recorder.threads import ThreadHost
from bodycam.recorder.writer import Writer, WriterWatch
from bodycam.rules.events import Output

END_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What does not depend on camera and outputs."""

    open_card: Callable[[], Card]
    """Raises CardError; called on the writer's thread until it succeeds once."""
    random: Random
    boot: str
    """The kernel's id of this boot."""
    status: Status
    host: Host
    failed: Callable[[BaseException], None]
    """Told of an error that nobody foresaw."""
    tell: Callable[[str], None]
    """Takes a sentence for the system's log."""
    memory: MemoryKeeper | None = None
    """Of the body; None where none is fitted."""


class Recorder:
    """Goes on where `intake` begins: adapters may report to that long before this starts."""

    def __init__(self, intake: Intake, owner: Owner, around: Surroundings) -> None:
        self._intake = intake
        self._owner = owner
        self._around = around
        self._tried = False
        self._writer = OpeningWriter(
            self._open, intake.footage, intake.events.post, intake.clock, around.tell
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
        function_closed: bool = False,
        watch: Watch = lambda *_: None,
        service: Service | None = None,
    ) -> None:
        """Begin: the ring fills. `fitted` are the outputs that can give the warning, in order."""
        intake, around = self._intake, self._around
        agent = Agent(
            intake.policy,
            intake.footage,
            Ports(camera, outputs, around.status, around.host, intake.clock),
            self._writer.watch,
            fitted=tuple(Output(name) for name in fitted),
            watch=watch,
            service=service,
        )
        self._threads = ThreadHost(
            agent,
            self._writer,
            intake.events,
            clock=intake.clock,
            host=around.host,
            failed=around.failed,
        )
        self._threads.start(
            docked=docked, record_closed=record_closed, function_closed=function_closed
        )

    @property
    def opened(self) -> bool:
        """Whether the card has been opened, and what a power cut left has been recovered."""
        return self._writer.opened

    def wait(self, within_s: float | None = None) -> BaseException | None:
        """Until the recorder has ended: by `stop`, or by the error that this returns."""
        return None if self._threads is None else self._threads.wait(within_s)

    def stop(self, within_s: float = END_WITHIN_S) -> bool:
        """End both threads when what waits has been written; False where the card kept it.

        What is still being kept ends here, also where the control road has failed before.
        """
        self._intake.footage.finish()
        ended = self._threads is None or self._threads.stop(within_s)
        if self._intake.footage.waiting:
            self._around.tell("Not everything was written: the card takes nothing.")
            ended = False
        if self._around.memory is not None:
            self._around.memory.close()
        return ended

    def _open(self, watch: WriterWatch) -> Writer:
        """On the writer's thread: open the card, recover what a power cut left.

        Raises CardError.
        """
        intake, around = self._intake, self._around
        doubted, self._tried = self._tried, True
        vault, found = open_vault(
            around.open_card(),
            intake.policy,
            self._owner,
            clock=intake.clock,
            random=around.random,
            boot=around.boot,
            memory=around.memory,
            doubted=doubted,
        )
        for one in found:
            around.tell(f"{one.rec} was left open: {one.outcome}. {one.why}".strip())
        return Writer(
            vault,
            intake.footage,
            media_format(intake.policy),
            intake.events.post,
            intake.clock,
            watch=watch,
        )
