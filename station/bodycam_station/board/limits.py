"""How often somebody may try something. Pure: the time is passed in, and memory is bounded."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` within `span_s`."""

    count: int
    span_s: float


LOG_IN_FROM = Limit(20, 300)
"""Failed log-ins from an address, whatever the name."""
LOG_IN_AS = Limit(5, 300)
"""Failed log-ins from an address with one name."""
LOG_IN_NAME = Limit(50, 300)
"""Failed log-ins with one name from everywhere: slows a spread attack, does not shut the user out
for long."""
ACTS = Limit(60, 60)
"""Acts of a user."""
LOOK = Limit(1, 60)
"""Looks of a session at a camera: the stream that a page opens so soon is part of that look."""
_MOST_KEYS = 10_000


class Limiter:
    """Counts by key; the keys unused for longest are forgotten first."""

    def __init__(self, most_keys: int = _MOST_KEYS) -> None:
        self._times: OrderedDict[tuple[Limit, str], list[float]] = OrderedDict()
        self._most_keys = most_keys
        self._lock = Lock()

    def wait_s(self, keys: Sequence[tuple[Limit, str]], now_s: float) -> float:
        """How long to wait before the next try; 0 where it may be now."""
        with self._lock:
            return max((self._wait_s(limit, key, now_s) for limit, key in keys), default=0.0)

    def count(self, keys: Sequence[tuple[Limit, str]], now_s: float) -> None:
        """One more try of these keys."""
        with self._lock:
            for limit, key in keys:
                times = self._times.setdefault((limit, key), [])
                times.append(now_s)
                del times[: -limit.count]
                self._times.move_to_end((limit, key))
            while len(self._times) > self._most_keys:
                self._times.popitem(last=False)

    def forget(self, keys: Sequence[tuple[Limit, str]]) -> None:
        """It went well: these keys begin anew."""
        with self._lock:
            for key in keys:
                self._times.pop(key, None)

    def _wait_s(self, limit: Limit, key: str, now_s: float) -> float:
        times = self._times.get((limit, key), [])
        if len(times) < limit.count:
            return 0.0
        return max(0.0, times[0] + limit.span_s - now_s)
