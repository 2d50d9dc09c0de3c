"""The product with a fault in it, to see whether what looks for such a fault finds it."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence

from bodycam.ports import Buffer, Parts
from bodycam.posix import card
from bodycam.posix.card import PosixCard
from bodycam.recorder.vault import LEDGER, Recording, Vault


def objects_not_synced() -> None:
    """Objects are written and their names made durable, but not what is in them."""

    def create_all(self: PosixCard, files: Iterable[tuple[str, Buffer]]) -> None:
        for path, data in files:
            fd = os.open(self._root / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
            os.write(fd, data)
            os.close(fd)

    setattr(PosixCard, "create_all", create_all)  # noqa: B010  a method is not to be assigned


def line_first() -> None:
    """A line becomes durable before its object."""

    def commit(vault: Vault, recording: Recording, objects: Sequence[tuple[str, Parts]]) -> None:
        sealed = [(kind, vault._sealer.seal(parts)) for kind, parts in objects]
        ledger, first = recording.ledger, recording.ledger.seq
        lines = [
            ledger.object(kind, len(data), hashlib.sha256(data).hexdigest())
            for kind, data in sealed
        ]
        vault._card.append(f"{recording.folder}/{LEDGER}", b"".join(lines))
        time.sleep(0.1)  # on a slow card
        for seq, (kind, data) in enumerate(sealed, first):
            vault._card.create(f"{recording.folder}/{seq:08}.{kind}.age", data)
        vault._card.sync_folder(recording.folder)

    setattr(Vault, "_commit", commit)  # noqa: B010


def line_not_synced() -> None:
    """Objects are durable, but their lines are only written."""
    setattr(card, "_sync_data", lambda fd: None)  # noqa: B010


def plain_first() -> None:
    """What is to be sealed lies on the card as it is until its sealed form is durable."""
    as_it_should = Vault._commit

    def commit(vault: Vault, recording: Recording, objects: Sequence[tuple[str, Parts]]) -> None:
        whole = [(kind, b"".join(parts)) for kind, parts in objects]
        names = [f"{recording.folder}/{number}.tmp" for number in range(len(whole))]
        for name, (_, data) in zip(names, whole, strict=True):
            vault._card.create(name, data)
        as_it_should(vault, recording, [(kind, [data]) for kind, data in whole])
        for name in names:
            vault._card.remove(name)

    setattr(Vault, "_commit", commit)  # noqa: B010


BROKEN: dict[str, Callable[[], None]] = {
    "objects-not-synced": objects_not_synced,
    "line-first": line_first,
    "line-not-synced": line_not_synced,
}
"""Faults that lose what was promised."""
READABLE: dict[str, Callable[[], None]] = {"plain-first": plain_first}
"""Faults that leave something for a finder to read."""
