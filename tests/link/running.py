"""The link as it runs: its loop on a thread, beside a recorder that is written by hand."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bodycam.link.connection import Address, Connection
from bodycam.link.link import Sides
from bodycam.link.process import Process
from bodycam.posix.beside import FollowedFile, NotebookFile
from bodycam.posix.clock import PosixClock
from link.desk import ABOUT, Desk, said

PATIENCE_S = 30


class Running:
    """A camera whose link runs. Use with `with`; leaving it is a goodbye."""

    def __init__(self, folder: Path, address: Address, **changes: Any) -> None:
        self.desk = Desk(folder)
        self.desk.clock.now = PosixClock().now_ns()
        self.recorder = self.desk.recorder
        self._ending = threading.Event()
        self.told: list[str] = []
        self.connections: list[Connection] = []
        sides = Sides(
            recorder=self.recorder,
            journal=FollowedFile(self.desk.path),
            notebook=NotebookFile(folder / "place.json"),
            clock=PosixClock(),
            # The back-off is what it is with luck: a second.
            random=lambda count: bytes(count) if count == 4 else b"%010d" % len(self.connections),
            radio=lambda: -60,
            tell=self.told.append,
        )
        self.process = Process(ABOUT, sides, address, connect=self._connect, **changes)
        self.says(state="standby")
        self._thread = threading.Thread(target=self.process.run, daemon=True)
        self._recorder = threading.Thread(target=self._live, daemon=True)

    def _connect(self, *words: Any) -> Connection:
        self.connections.append(Connection(*words))
        return self.connections[-1]

    def _live(self) -> None:
        """The recorder is alive: it says so every now and then."""
        while not self._ending.wait(1):
            self.says()

    def says(self, **fields: object) -> None:
        self.recorder.said = said(
            PosixClock().now_ns(),
            **{
                **{k: v for k, v in (self.recorder.said or {}).items() if k != "at_us"},
                **fields,
            },
        )

    def writes(self, *kinds: str) -> list[str]:
        self.desk.clock.now = PosixClock().now_ns()
        digests = self.desk.writes(*kinds)
        self.says()  # the desk's clock stands still
        return digests

    def __enter__(self) -> Self:
        self._recorder.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        self.process.stop()
        self._thread.join(PATIENCE_S)
        self._ending.set()
        self._recorder.join(PATIENCE_S)
        assert not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()


Condition = Callable[[], object]
