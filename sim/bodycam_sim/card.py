"""The simulated card: real files under a real folder, with the time that a card would take.

A call is done at once and answered later, in world time. When the power goes, what had not been
answered is undone, a write that was under way is torn, and names that were not yet durable may be
gone: as on a card. Room is counted in nominal bytes, so that it does not depend on an encoder.
"""

import os
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bodycam.errors import CardError, CardFailed, CardFull
from bodycam.media.packets import SECOND
from bodycam.ports import Buffer, Entry
from bodycam.posix.card import PosixCard

CALL_NS = SECOND * 4 // 1000
"""What a call costs that makes something durable."""
BYTES_PER_S = 20_000_000
OTHER_BYTES = 4096
"""What a file that is not footage counts for; what is appended counts for nothing."""

_Do = Callable[[], object]


@dataclass(frozen=True, slots=True)
class _Call:
    """Something that was done to the card, and how it was before."""

    begins_ns: int
    answered_ns: int
    undo: tuple[_Do, ...]
    torn: tuple[Path, Buffer] | None
    """What was being written, and where to."""
    room_bytes: int
    unsynced: frozenset[Path]


class SimCard:
    """Implements ports.Card on a folder."""

    def __init__(self, root: Path, *, segment_bytes: int, room_bytes: int, seed: int) -> None:
        self._card = PosixCard(root)
        self._root = root
        self._segment_bytes = segment_bytes
        self._room_bytes = room_bytes
        self._random = random.Random(seed)  # noqa: S311  decides what a power cut leaves
        self._unsynced: frozenset[Path] = frozenset()
        """Files whose names are not durable yet."""
        self._stalls: list[tuple[int, int]] = []
        self._failures: list[tuple[int, int, str, bool]] = []
        self._failed: set[str] = set()
        self._call_ns = CALL_NS
        self._calls: list[_Call] = []
        self.answered_ns = 0
        """World time at which the last call is answered."""

    # ---- what a scenario does --------------------------------------------------------------------

    def stall(self, from_ns: int, to_ns: int) -> None:
        """Leave what is asked in this span of world time unanswered until its end."""
        self._stalls.append((from_ns, to_ns))

    def fail(self, from_ns: int, to_ns: int, why: str, *, gone: bool = False) -> None:
        """Refuse what is asked to be written in this span of world time; `gone`: read, too."""
        self._failures.append((from_ns, to_ns, why, gone))

    def slow_down(self, call_ns: int) -> None:
        """Let everything that makes something durable take so long from now on."""
        self._call_ns = call_ns

    def set_room(self, room_bytes: int) -> None:
        """Let only so much be free."""
        self._room_bytes = room_bytes

    def turn_to(self, now_ns: int) -> None:
        """Somebody turns to the card now; whatever was asked before has been answered."""
        self.answered_ns = now_ns
        self._calls.clear()

    def cut_power(self, now_ns: int) -> None:
        """Leave what a real card may show after a power cut now."""
        last = None
        while self._calls and self._calls[-1].answered_ns > now_ns:
            last = self._calls.pop()
            for undo in reversed(last.undo):
                undo()
            self._room_bytes, self._unsynced = last.room_bytes, last.unsynced
        if last is not None and last.torn is not None and last.begins_ns <= now_ns:
            path, data = last.torn
            if not path.exists():
                self._unsynced |= {path}
            with path.open("ab") as file:
                file.write(memoryview(data)[: int(self._random.random() * (len(data) + 1))])
        for path in sorted(self._unsynced):
            if self._random.random() < 0.5:
                path.unlink(missing_ok=True)
        self._unsynced = frozenset()
        self._calls.clear()

    # ---- the port --------------------------------------------------------------------------------

    def create(self, path: str, data: Buffer) -> None:
        """See ports.Card."""
        size = self._counts(path)
        if size > self._room_bytes:
            raise CardFull("The simulated card is full.", do="Dock the camera.")
        self._takes(size * SECOND // BYTES_PER_S, path, written=data)
        self._card.create(path, data)
        self._room_bytes -= size
        self._unsynced |= {self._root / path}

    def create_all(self, files: Iterable[tuple[str, Buffer]]) -> None:
        """See ports.Card."""
        made = []
        try:
            for path, data in files:
                self.create(path, data)
                made.append(path)
        except Exception:
            for path in made:
                with suppress(CardError):
                    self.remove(path)
            raise

    def append(self, path: str, data: Buffer) -> None:
        """See ports.Card."""
        if path in self._failed:
            raise CardFailed(f"{path} failed before and is not written again.")
        try:
            self._takes(0, path, written=data, added=True)
        except CardFailed:
            self._failed.add(path)
            raise
        if not self._card.exists(path):
            self._unsynced |= {self._root / path}
        self._card.append(path, data)

    def settle(self, path: str) -> None:
        """See ports.Card."""
        self._takes(0)
        self._card.settle(path)

    def sync_folder(self, path: str) -> None:
        """See ports.Card."""
        self._takes(0)
        self._card.sync_folder(path)
        self._unsynced = frozenset(p for p in self._unsynced if p.parent != self._root / path)

    def make_folder(self, path: str) -> None:
        """See ports.Card."""
        parts = path.split("/")
        self._takes(0, *("/".join(parts[: n + 1]) for n in range(len(parts))))
        self._card.make_folder(path)

    def move(self, source: str, target: str) -> None:
        """See ports.Card."""
        self._takes(0, source, target, moved=True)
        self._card.move(source, target)
        self._failed.discard(target)
        self._unsynced -= {self._root / source, self._root / target}

    def truncate(self, path: str, size: int) -> None:
        """See ports.Card."""
        self._takes(0, path)
        self._card.truncate(path, size)

    def remove(self, path: str) -> None:
        """See ports.Card."""
        self._takes(0, path)
        folder = (self._root / path).is_dir()
        self._card.remove(path)
        self._room_bytes += 0 if folder else self._counts(path)
        self._unsynced -= {self._root / path}

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        """See ports.Card."""
        self._must_be_there()
        return self._card.read(path, limit, offset)

    def size(self, path: str) -> int:
        """See ports.Card."""
        self._must_be_there()
        return self._card.size(path)

    def exists(self, path: str) -> bool:
        """See ports.Card."""
        self._must_be_there()
        return self._card.exists(path)

    def list(self, path: str) -> list[Entry]:
        """See ports.Card."""
        self._must_be_there()
        return self._card.list(path)

    def free_bytes(self) -> int:
        """Nominal room."""
        self._must_be_there()
        return self._room_bytes

    # ---- inside ----------------------------------------------------------------------------------

    def _counts(self, path: str) -> int:
        """Nominal bytes of a file."""
        return self._segment_bytes if path.endswith(".segment.age") else OTHER_BYTES

    def _must_be_there(self) -> None:
        for from_ns, to_ns, why, gone in self._failures:
            if gone and from_ns <= self.answered_ns < to_ns:
                raise CardFailed(why, do="Replace the card.")

    def _takes(
        self,
        more_ns: int,
        *paths: str,
        written: Buffer | None = None,
        added: bool = False,
        moved: bool = False,
    ) -> None:
        """A call that changes these paths begins, and takes its time and so much more.

        `added`: to the end of one; `moved`: from the first to the second.
        """
        begins_ns = self.answered_ns
        for from_ns, to_ns in self._stalls:
            if from_ns <= begins_ns < to_ns:
                begins_ns = to_ns
        self.answered_ns = begins_ns + self._call_ns + more_ns
        for from_ns, to_ns, why, _ in self._failures:
            if from_ns <= begins_ns < to_ns:
                raise CardFailed(why, do="Replace the card.")
        here = [self._root / path for path in paths]
        if moved and here[0].is_dir():
            undo: tuple[_Do, ...] = (partial(here[1].rename, here[0]),)
        elif added and here[0].exists():
            undo = (partial(os.truncate, here[0], here[0].stat().st_size),)
        else:
            undo = tuple(map(_as_it_is, here))
        self._calls.append(
            _Call(
                begins_ns,
                self.answered_ns,
                undo,
                None if written is None else (self._root / paths[0], written),
                self._room_bytes,
                self._unsynced,
            )
        )


def _as_it_is(path: Path) -> _Do:
    """Brings a path back to how it is now."""
    if path.is_dir():
        return lambda: path.mkdir(exist_ok=True)
    if path.exists():
        data = path.read_bytes()
        return lambda: path.write_bytes(data)

    def gone() -> None:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)

    return gone
