"""What adapters report to in tests: it remembers, and wakes who waits."""

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Picture:
    """As ports.Reports.picture was told."""

    t_ns: int
    data: bytes
    key: bool


class Taken:
    """The part of ports.Reports that camera and microphone use."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self.sounds: list[tuple[int, bytes]] = []
        self.said: list[str] = []
        self.gave_up: list[str] = []
        self.refuses = False
        """It raises, as nothing that it stands for may."""
        self._changed = threading.Condition()

    def picture(self, t_ns: int, data: bytes, key: bool) -> None:
        if self.refuses:
            raise ValueError("This consumer is broken.")
        with self._changed:
            self.pictures.append(Picture(t_ns, data, key))
            self._changed.notify_all()

    def sound(self, t_ns: int, data: bytes) -> None:
        with self._changed:
            self.sounds.append((t_ns, data))
            self._changed.notify_all()

    def tell(self, what: str) -> None:
        with self._changed:
            self.said.append(what)
            self._changed.notify_all()

    def give_up(self, why: str) -> None:
        with self._changed:
            self.gave_up.append(why)
            self._changed.notify_all()

    def until(self, holds: Callable[[], bool], within_s: float = 20) -> None:
        """Wait for a condition."""
        with self._changed:
            # Some conditions come true without a word from anybody: look again now and then.
            for _ in range(round(within_s / 0.02)):
                if holds():
                    return
                self._changed.wait(0.02)
        raise AssertionError(f"not within {within_s} s; said: {self.said}")

    def edge(self, button: str, closed: bool, t_ns: int) -> None:
        raise NotImplementedError

    def warning_started(self, output: str, token: int, t_ns: int) -> None:
        raise NotImplementedError

    def warning_ended(self, output: str, token: int, t_ns: int) -> None:
        raise NotImplementedError

    def warning_failed(self, output: str, token: int, t_ns: int) -> None:
        raise NotImplementedError

    def docked(self, docked: bool, t_ns: int) -> None:
        raise NotImplementedError

    def battery(self, percent: int, t_ns: int) -> None:
        raise NotImplementedError

    def fault(self, fault: str, there: bool, t_ns: int) -> None:
        raise NotImplementedError

    def shut_down(self, reason: str, t_ns: int) -> None:
        raise NotImplementedError
