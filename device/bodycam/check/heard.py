"""What the hardware reports during a check, kept and waited for."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Picture:
    """As ports.Reports.picture is told."""

    t_ns: int
    data: bytes
    key: bool


class Heard:
    """Implements ports.Reports."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self.edges: list[tuple[str, bool, int]] = []
        """Button, closed, when."""
        self.answers: dict[int, str] = {}
        """By the token of a warning: the last of `started`, `ended`, `failed`."""
        self.faults: set[str] = set()
        self.said: list[str] = []
        """Sentences for the system's log."""
        self._changed = threading.Condition()

    def until(self, holds: Callable[[], bool], within_s: float) -> bool:
        """Wait for a condition; False where it has not come true in time."""
        end_s = time.monotonic() + within_s
        with self._changed:
            while not holds():
                left_s = end_s - time.monotonic()
                if left_s <= 0:
                    return False
                self._changed.wait(left_s)
            return True

    def tell(self, what: str) -> None:
        """Take a sentence for the system's log."""
        self._note(lambda: self.said.append(what))

    def picture(self, t_ns: int, data: bytes, key: bool) -> None:
        """See ports.Reports."""
        self._note(lambda: self.pictures.append(Picture(t_ns, data, key)))

    def sound(self, t_ns: int, data: bytes) -> None:
        """See ports.Reports; the microphone is looked at by its samples."""

    def edge(self, button: str, closed: bool, t_ns: int) -> None:
        """See ports.Reports."""
        self._note(lambda: self.edges.append((button, closed, t_ns)))

    def warning_started(self, output: str, token: int, t_ns: int) -> None:
        """See ports.Reports."""
        self._answer(token, "started")

    def warning_ended(self, output: str, token: int, t_ns: int) -> None:
        """See ports.Reports."""
        self._answer(token, "ended")

    def warning_failed(self, output: str, token: int, t_ns: int) -> None:
        """See ports.Reports."""
        self._answer(token, "failed")

    def docked(self, docked: bool, t_ns: int) -> None:
        """See ports.Reports; nobody asks."""

    def battery(self, percent: int, t_ns: int) -> None:
        """See ports.Reports; the gauge is read itself."""

    def fault(self, fault: str, there: bool, t_ns: int) -> None:
        """See ports.Reports."""
        self._note(lambda: self.faults.add(fault) if there else self.faults.discard(fault))

    def shut_down(self, reason: str, t_ns: int) -> None:
        """See ports.Reports; nothing runs that could be."""

    def _answer(self, token: int, word: str) -> None:
        self._note(lambda: self.answers.__setitem__(token, word))

    def _note(self, change: Callable[[], object]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()
