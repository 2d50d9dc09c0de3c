"""What an adapter reported, in order: a test waits for it instead of sleeping."""

import threading
from collections.abc import Callable

Said = tuple[str | int | bool, ...]


class Reported:
    """Implements ports.Reports."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.times_ns: list[int] = []
        self._changed = threading.Condition()

    def picture(self, t_ns: int, data: bytes, key: bool) -> None:
        self._say(t_ns, "picture", len(data), key)

    def sound(self, t_ns: int, data: bytes) -> None:
        self._say(t_ns, "sound", len(data))

    def edge(self, button: str, closed: bool, t_ns: int) -> None:
        self._say(t_ns, "edge", button, closed)

    def warning_started(self, output: str, token: int, t_ns: int) -> None:
        self._say(t_ns, "started", output, token)

    def warning_ended(self, output: str, token: int, t_ns: int) -> None:
        self._say(t_ns, "ended", output, token)

    def warning_failed(self, output: str, token: int, t_ns: int) -> None:
        self._say(t_ns, "failed", output, token)

    def docked(self, docked: bool, t_ns: int) -> None:
        self._say(t_ns, "docked", docked)

    def battery(self, percent: int, t_ns: int) -> None:
        self._say(t_ns, "battery", percent)

    def fault(self, fault: str, there: bool, t_ns: int) -> None:
        self._say(t_ns, "fault", fault, there)

    def shut_down(self, reason: str, t_ns: int) -> None:
        self._say(t_ns, "shut down", reason)

    def wait_for(self, *wanted: Said, within_s: float = 10) -> None:
        """Until all of these have been said."""
        self.wait_until(lambda: all(one in self.said for one in wanted), within_s)

    def wait_until(self, holds: Callable[[], bool], within_s: float = 10) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, within_s), self.said

    def _say(self, t_ns: int, *words: str | int | bool) -> None:
        with self._changed:
            self.said.append(words)
            self.times_ns.append(t_ns)
            self._changed.notify_all()
