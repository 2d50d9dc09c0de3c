"""The link as a process: connects, steps, and after whatever went wrong connects anew."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from bodycam.errors import BodycamError
from bodycam.link.connection import Address, Connection
from bodycam.link.link import About, Link, Sides
from bodycam.ports import Random

WAIT_S = 0.25
"""A step waits so long for the network."""
FIRST_WAIT_S = 1.0
LAST_WAIT_S = 60.0
STEADY_NS = 30_000_000_000
"""A connection that has lasted so long went well: two cameras of one name each last a moment."""


@dataclass(slots=True)
class BackOff:
    """How long to wait before trying again: doubling, with so much chance that no fleet that lost
    its broker at once comes back at once.
    """

    random: Random
    failures: int = 0

    def next_s(self) -> float:
        """Between 1 and 60 seconds."""
        most = min(LAST_WAIT_S, 2.0 * FIRST_WAIT_S * 2.0 ** min(self.failures, 10))
        self.failures += 1
        share = int.from_bytes(self.random(4), "big") / 2**32
        return FIRST_WAIT_S + (most - FIRST_WAIT_S) * share

    def reset(self) -> None:
        """It went well."""
        self.failures = 0


@dataclass(slots=True)
class Process:
    """Runs until `stop` is called, from any thread or signal."""

    about: About
    sides: Sides
    address: Address
    ending: threading.Event = field(default_factory=threading.Event)
    connect: Callable[[Link, str, Address, Callable[[], int]], Connection] = Connection

    def stop(self) -> None:
        """Say goodbye and end."""
        self.ending.set()

    def run(self) -> None:
        """Until `stop`. Nothing that the network does, and no error of ours, ends it."""
        link = Link(self.about, self.sides)
        wait = BackOff(self.sides.random)
        while not self.ending.is_set():
            why = self._connection(link, wait)
            if self.ending.is_set():
                return
            wait_s = wait.next_s()
            self.sides.tell(f"{why} Trying again in {wait_s:.0f} s.")
            self.ending.wait(wait_s)

    def _connection(self, link: Link, wait: BackOff) -> str:
        """One connection to its end; why it ended."""
        connection = self.connect(link, self.about.device, self.address, self.sides.clock.now_ns)
        goodbye = ""
        try:
            connection.open()
            since_ns: int | None = None
            while not self.ending.is_set():
                connection.step(WAIT_S)
                now_ns = self.sides.clock.now_ns()
                if since_ns is None and connection.ready:
                    since_ns = now_ns
                    self.sides.tell(f"Connected to {self.address.host}.")
                elif since_ns is not None and now_ns - since_ns > STEADY_NS:
                    wait.reset()
            goodbye = "The link was stopped."
        except BodycamError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  a new connection begins with nothing of this one
            return f"Something nobody foresaw: {type(error).__name__}: {error}."
        finally:
            connection.close(goodbye)
        return goodbye
