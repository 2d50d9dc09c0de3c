"""The lens watch: is the lens covered, the picture dark or upside down? Looked at each second.

OpenCV looks in a process of its own (`lens_sight.py`), which is killed and started again where it
does not answer; a thread of ours waits for it. Nothing here is on the way of a picture to the card:
the camera only copies a small picture when this thread asks for one.
"""

import os
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bodycam.errors import DeviceError
from bodycam.pi.camera import Luma
from bodycam.pi.pins import boottime_ns
from bodycam.ports import Reports

EVERY_S = 1.0
LOOKER = (sys.executable, "-I", "-m", "bodycam.pi.lens_sight")
_HEADER = struct.Struct("<HH")
_LONGEST_ANSWER = 100


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How long something must be seen before it is told, and how long be gone."""

    fault: str
    """Its name in rules/events.py."""
    raised_after: int
    """Pictures in a row, one a second."""
    cleared_after: int


STEADY = {
    "covered": Steadiness("lens-covered", 5, 3),
    "dark": Steadiness("lens-dark", 15, 3),
    "upside-down": Steadiness("lens-upside-down", 30, 10),
}
"""By what `lens_sight` answers."""


class Steady:
    """What is seen again and again becomes a fault, what is gone for a while ends it."""

    def __init__(self) -> None:
        self._against = dict.fromkeys(STEADY, 0)
        self._told = dict.fromkeys(STEADY, False)

    def take(self, seen: frozenset[str]) -> list[tuple[str, bool]]:
        """What is wrong with the newest picture; the faults that begin or end with it."""
        changes = []
        for word, steadiness in STEADY.items():
            told = self._told[word]
            self._against[word] = self._against[word] + 1 if (word in seen) != told else 0
            needed = steadiness.cleared_after if told else steadiness.raised_after
            if self._against[word] >= needed:
                self._told[word], self._against[word] = not told, 0
                changes.append((steadiness.fault, not told))
        return changes

    def interrupted(self) -> None:
        """No picture: what was counted so far is not in a row any more."""
        self._against = dict.fromkeys(STEADY, 0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the other process is waited for."""

    begin_s: float = 60
    """Its first answer: it loads OpenCV, and everything else goes first."""
    answer_s: float = 5
    again_s: float = 10
    """Before it is started anew; doubled each time in a row."""
    again_at_most_s: float = 600


class Looker(Protocol):
    """Whoever looks at a picture."""

    def look(self, luma: Luma) -> frozenset[str]:
        """What is wrong with it. Raises DeviceError where there is no answer."""

    def close(self) -> None:
        """End, whatever it is doing."""


class LookerProcess:
    """Another process; neither reading from it nor writing to it can block for longer than said."""

    def __init__(self, command: Sequence[str] = LOOKER, patience: Patience = Patience()) -> None:
        """Starts it. Raises DeviceError."""
        self._patience = patience
        self._wait_s = patience.begin_s
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own words
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise DeviceError(f"The lens watch cannot be started: {error.strerror}.") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._into, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._into, False)
        os.set_blocking(self._out, False)

    def look(self, luma: Luma) -> frozenset[str]:
        """See Looker."""
        deadline_ns = boottime_ns() + int(self._wait_s * 1e9)
        try:
            self._send(_HEADER.pack(luma.width, luma.height) + luma.data, deadline_ns)
            answer = self._answer(deadline_ns)
        except OSError as error:
            raise DeviceError(f"The lens watch has ended: {error.strerror}.") from error
        self._wait_s = self._patience.answer_s
        seen = frozenset(answer.split())
        if not seen <= STEADY.keys():
            raise DeviceError(f"The lens watch answers {answer!r}.")
        return seen

    def close(self) -> None:
        """See Looker."""
        self._process.kill()
        self._process.communicate()

    def _send(self, data: bytes, deadline_ns: int) -> None:
        rest = memoryview(data)
        while rest:
            self._wait([], [self._into], deadline_ns)
            rest = rest[os.write(self._into, rest[: select.PIPE_BUF]) :]

    def _answer(self, deadline_ns: int) -> str:
        answer = b""
        while not answer.endswith(b"\n"):
            self._wait([self._out], [], deadline_ns)
            part = os.read(self._out, _LONGEST_ANSWER)
            answer += part
            if not part or len(answer) > _LONGEST_ANSWER:
                raise DeviceError("The lens watch has ended, or talks nonsense.")
        return answer.decode("ascii", "replace")

    def _wait(self, reading: list[int], writing: list[int], deadline_ns: int) -> None:
        left_s = max(0.0, (deadline_ns - boottime_ns()) / 1e9)
        if not any(select.select(reading, writing, [], left_s)):
            raise DeviceError("The lens watch does not answer.")


class LensWatch:
    """Asks for a small picture each second and reports what is wrong for long."""

    def __init__(
        self,
        luma: Callable[[float], Luma | None],
        reports: Reports,
        *,
        tell: Callable[[str], None],
        start_looker: Callable[[], Looker] = LookerProcess,
        every_s: float = EVERY_S,
        patience: Patience = Patience(),
    ) -> None:
        """`luma` gives a picture within so many seconds, or None. `tell` is the system's log."""
        self._luma = luma
        self._reports = reports
        self._tell = tell
        self._start_looker = start_looker
        self._every_s = every_s
        self._patience = patience
        self._steady = Steady()
        self._looker: Looker | None = None
        self._again_s = patience.again_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lens", daemon=True)

    def start(self) -> None:
        """Begin; called when the camera runs."""
        self._thread.start()

    def stop(self, within_s: float = 3) -> None:
        """End, and take the other process along."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        while not self._ending.is_set():
            wait_s = self._every_s
            try:
                self._look()
            except DeviceError as error:
                wait_s = self._start_over(error)
            except Exception as error:  # noqa: BLE001  the watch must not end with one bad picture
                wait_s = self._start_over(error)
            self._ending.wait(wait_s)
        self._close()

    def _look(self) -> None:
        luma = self._luma(self._every_s)
        if luma is None:
            self._steady.interrupted()
            return
        if self._looker is None:
            self._looker = self._start_looker()
        seen = self._looker.look(luma)
        self._again_s = self._patience.again_s
        for fault, there in self._steady.take(seen):
            self._reports.fault(fault, there, boottime_ns())

    def _start_over(self, error: Exception) -> float:
        """Kill what does not answer; how long to wait before the next."""
        self._tell(f"{error} It is started again in {self._again_s:g} s.")
        self._steady.interrupted()
        self._close()
        wait_s = self._again_s
        self._again_s = min(2 * wait_s, self._patience.again_at_most_s)
        return wait_s

    def _close(self) -> None:
        looker, self._looker = self._looker, None
        if looker is not None:
            looker.close()
