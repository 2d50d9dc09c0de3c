"""How many states were laid out, of which kinds, and that each was survived."""

import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from crash import table
from crash.camera import Truth, assert_survives
from crash.disk import Moment
from crash.states import State

OPENED_EVERY = 10
"""Of one state in so many, everything is opened, too."""


class Tally:
    """Replays states, each once, and counts them by what had happened."""

    def __init__(self, desk: Path) -> None:
        self._root = desk / "card"
        self._done: set[tuple[bytes, tuple[object, ...]]] = set()
        self._replayed: Counter[str] = Counter()
        self._states: dict[str, set[bytes]] = {}
        self._harms: dict[str, Counter[str]] = {}

    @property
    def distinct(self) -> int:
        """Cards that differ from one another."""
        return len(set[bytes]().union(*self._states.values()))

    def replay(self, what: str, cuts: Iterable[tuple[Moment, State]], truth: Truth) -> None:
        """Start the camera on these cards, and see that all that was promised by then holds."""
        for moment, state in cuts:
            self._replay(what, moment, state, truth)

    def _replay(self, what: str, moment: Moment, state: State, truth: Truth) -> None:
        key = (state.digest, moment.told.key)
        if key in self._done:
            return
        self._done.add(key)
        shutil.rmtree(self._root, ignore_errors=True)
        state.lay(self._root)
        opened = len(self._done) % OPENED_EVERY == 0
        try:
            assert_survives(self._root, moment.told, truth, opened=opened)
        except Exception as error:
            harms = ", ".join(sorted(state.harms)) or "nothing lost"
            raise AssertionError(
                f"{what}: cut after call {moment.call} ({moment.after}), {harms}: {error}"
            ) from error
        self._replayed[what] += 1
        self._states.setdefault(what, set()).add(state.digest)
        self._harms.setdefault(what, Counter()).update(state.harms)

    def as_property(self) -> table.Rows:
        """What a test hands to the table at the end of the run, also from another process."""
        return {
            what: {
                "replayed": count,
                "cards": sorted(digest.hex() for digest in self._states[what]),
                "harms": dict(self._harms[what]),
            }
            for what, count in self._replayed.items()
        }
