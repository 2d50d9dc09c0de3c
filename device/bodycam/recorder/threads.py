"""Runs agent and writer on two threads: the product's host.

The control thread waits only for events and deadlines and feeds the watchdog after each turn; the
writer thread waits only for footage and the card.
"""

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from bodycam.media.packets import SECOND
from bodycam.ports import Clock, Host
from bodycam.rules.events import Event

if TYPE_CHECKING:  # the queue is wanted before the rest has been imported
    from bodycam.recorder.agent import Agent

WAIT_S = 0.5
"""The writer looks up at least so often."""


class Events:
    """The one queue of the control road. Any thread may post; posting never waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: queue.SimpleQueue[tuple[Event, int] | None] = queue.SimpleQueue()

    def post(self, event: Event, at_ns: int | None = None) -> None:
        """An event with the time of its source; now where it has none."""
        self._queue.put((event, self._clock.now_ns() if at_ns is None else at_ns))

    def stop(self) -> None:
        """Nothing more will come."""
        self._queue.put(None)

    def next(self, wait_s: float) -> tuple[Event, int] | None:
        """The next event; queue.Empty after `wait_s`. None: nothing more will come."""
        return self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait()


class Steps(Protocol):
    """What the writer's thread steps."""

    def step(self, wait_s: float = 0) -> bool:
        """See Writer."""


class ThreadHost:
    """Starts and stops the recorder's two threads."""

    def __init__(
        self,
        agent: "Agent",
        writer: Steps,
        events: Events,
        *,
        clock: Clock,
        host: Host,
        failed: Callable[[BaseException], None],
    ) -> None:
        """`failed` is told of an error that nobody foresaw, on the thread where it happened.

        After one of the writer's, its recording goes on in a linked one. After one of the control
        road's, nothing is stepped and nothing feeds the watchdog any more: `wait` returns, the
        process has to end, and what starts it again recovers the recording.
        """
        self._agent = agent
        self._writer = writer
        self._events = events
        self._clock = clock
        self._host = host
        self._failed = failed
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._control = threading.Thread(target=self._run_control, name="control", daemon=True)
        self._saving = threading.Thread(target=self._run_writer, name="writer", daemon=True)

    def start(
        self, *, docked: bool = False, record_closed: bool = False, function_closed: bool = False
    ) -> None:
        """Start the agent, then both threads."""
        self._agent.start(
            self._clock.now_ns(),
            docked=docked,
            record_closed=record_closed,
            function_closed=function_closed,
        )
        self._control.start()
        self._saving.start()

    def wait(self, within_s: float | None = None) -> BaseException | None:
        """Until the control road has ended: by `stop`, or by the error that this returns."""
        self._control.join(within_s)
        return self._error

    def stop(self, within_s: float = 5) -> bool:
        """Stop both threads, the writer when it has written what waits.

        False where the card kept it from that.
        """
        self._stopping.set()
        self._events.stop()
        self._control.join(within_s)
        self._saving.join(within_s)
        return not (self._control.is_alive() or self._saving.is_alive())

    def _run_control(self) -> None:
        try:
            self._turns()
        except BaseException as error:  # noqa: BLE001  a thread's end alone would go unnoticed
            self._error = error
            self._failed(error)

    def _turns(self) -> None:
        agent, clock = self._agent, self._clock
        while not self._stopping.is_set():
            wait_s = (agent.due_ns() - clock.now_ns()) / SECOND
            try:
                got = self._events.next(wait_s)
            except queue.Empty:
                agent.tick(clock.now_ns())
            else:
                if got is None:
                    return
                agent.handle(*got)
            self._host.alive()

    def _run_writer(self) -> None:
        while True:
            stopping = self._stopping.is_set()
            try:
                worked = self._writer.step(0 if stopping else WAIT_S)
            except Exception as error:  # noqa: BLE001  it has put back its footage and goes on
                self._failed(error)
                worked = True
            if stopping and not worked:
                return
