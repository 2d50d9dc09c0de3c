"""The simulated card: real files under a real folder, with the time that a card would take.

Every call takes virtual time; the writer's clock is the time at which its last call returned. Room
is counted in nominal bytes, so that it does not depend on an encoder. A power cut in the middle of
a call leaves what a real one may leave: a torn file, a name that was not yet durable gone again.
"""

import random
from collections.abc import Callable
from pathlib import Path

from bodycam.errors import CardFull
from bodycam.media.packets import SECOND
from bodycam.ports import Buffer, Entry
from bodycam.posix.card import PosixCard

CALL_NS = SECOND * 4 // 1000
"""What a synced call costs."""
BYTES_PER_S = 20_000_000
OTHER_BYTES = 4096
"""What a file that is not footage counts for."""


class PowerCut(BaseException):
    """The power went while a call was under way. Nothing in the product may catch it."""


class SimCard:
    """Implements ports.Card on a folder."""

    def __init__(self, root: Path, *, segment_bytes: int, room_bytes: int, seed: int) -> None:
        self._card = PosixCard(root)
        self._root = root
        self._segment_bytes = segment_bytes
        self._room_bytes = room_bytes
        self._random = random.Random(seed)  # noqa: S311  decides what a power cut leaves
        self._unsynced: list[str] = []
        self._stalled: list[tuple[int, int]] = []
        self.cut_ns: int | None = None
        """World time at which the power goes."""
        self.op_ns = 0
        """World time at which the last call returned."""

    # ---- what a scenario does --------------------------------------------------------------------

    def stall(self, from_ns: int, to_ns: int) -> None:
        """Answer nothing in this span of world time."""
        self._stalled.append((from_ns, to_ns))

    def set_room(self, room_bytes: int) -> None:
        """Let only so much be free."""
        self._room_bytes = room_bytes

    # ---- the port --------------------------------------------------------------------------------

    def create(self, path: str, data: Buffer) -> None:
        """See ports.Card."""
        size = self._segment_bytes if path.endswith(".segment.age") else OTHER_BYTES
        if size > self._room_bytes:
            raise CardFull("The simulated card is full.", do="Dock the camera.")

        def torn() -> None:
            self._card.create(path, memoryview(data)[: self._random.randrange(len(data) + 1)])
            self._unsynced.append(path)

        self._call(CALL_NS + size * SECOND // BYTES_PER_S, torn)
        self._card.create(path, data)
        self._unsynced.append(path)
        self._room_bytes -= size

    def append(self, path: str, data: Buffer) -> None:
        """See ports.Card."""

        def torn() -> None:
            self._card.append(path, memoryview(data)[: self._random.randrange(len(data) + 1)])

        self._call(CALL_NS, torn)
        if not self._card.exists(path):
            self._unsynced.append(path)
        self._card.append(path, data)
        self._room_bytes = max(0, self._room_bytes - len(data) // OTHER_BYTES)

    def sync_folder(self, path: str) -> None:
        """See ports.Card."""
        self._call(CALL_NS)
        folder = "" if path == "." else path
        self._unsynced = [name for name in self._unsynced if name.rpartition("/")[0] != folder]

    def make_folder(self, path: str) -> None:
        """See ports.Card."""
        self._call(CALL_NS)
        self._card.make_folder(path)

    def move(self, source: str, target: str) -> None:
        """See ports.Card."""
        self._call(CALL_NS)
        self._card.move(source, target)
        self._unsynced = [name for name in self._unsynced if name != source]

    def truncate(self, path: str, size: int) -> None:
        """See ports.Card."""
        self._call(CALL_NS)
        self._card.truncate(path, size)

    def remove(self, path: str) -> None:
        """See ports.Card."""
        self._call(CALL_NS)
        self._card.remove(path)

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        """See ports.Card."""
        return self._card.read(path, limit, offset)

    def size(self, path: str) -> int:
        """See ports.Card."""
        return self._card.size(path)

    def exists(self, path: str) -> bool:
        """See ports.Card."""
        return self._card.exists(path)

    def list(self, path: str) -> list[Entry]:
        """See ports.Card."""
        return self._card.list(path)

    def free_bytes(self) -> int:
        """Nominal room."""
        return self._room_bytes

    # ---- time and power --------------------------------------------------------------------------

    def _call(self, cost_ns: int, torn: Callable[[], None] = lambda: None) -> None:
        """Let a call take its time; the power may go before it returns."""
        start_ns = self.op_ns
        for from_ns, to_ns in self._stalled:
            if from_ns <= start_ns < to_ns:
                start_ns = to_ns
        self.op_ns = start_ns + cost_ns
        if self.cut_ns is not None and self.op_ns > self.cut_ns:
            torn()
            self._lose_names()
            raise PowerCut

    def _lose_names(self) -> None:
        """Names whose folder was not synced may be gone; so may what an unsynced file held."""
        for path in self._unsynced:
            if self._random.random() < 0.5 and self._card.exists(path):
                self._card.remove(path)
        self._unsynced = []
