"""The discrete-event host: one heap, one thread, a clock that jumps from one event to the next."""

import heapq
from collections.abc import Callable
from itertools import count


class Heap:
    """What is going to happen, in order of time; at one time, in the order in which it was said."""

    def __init__(self) -> None:
        self.now_ns = 0
        """World time: nanoseconds since the world began."""
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, t_ns: int, happen: Callable[[], None]) -> None:
        """Let something happen at `t_ns`, or now where that has passed."""
        heapq.heappush(self._heap, (max(t_ns, self.now_ns), next(self._order), happen))

    def next_ns(self) -> int | None:
        """When the next thing happens."""
        return self._heap[0][0] if self._heap else None

    def advance(self, t_ns: int) -> None:
        """Let time pass up to `t_ns`."""
        self.now_ns = max(self.now_ns, t_ns)

    def happen(self) -> None:
        """Let the next thing happen."""
        t_ns, _, happen = heapq.heappop(self._heap)
        self.advance(t_ns)
        happen()
