"""A camera's card at a desk: a card that can lose its power or refuse, and what is needed to boot.

The stream is real H.264; keys and randomness follow from names, so that runs are alike.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from bodycam.errors import CardFailed, CardFull
from bodycam.evidence.journal import Entry as JournalEntry
from bodycam.evidence.journal import read_journal
from bodycam.evidence.ledger import LedgerReading, read_ledger
from bodycam.media.fmp4 import SoundFormat
from bodycam.media.packets import SECOND, Gop
from bodycam.media.ring import RingPolicy
from bodycam.ports import Buffer, Card, Entry, WallTime
from bodycam.posix.card import PosixCard
from bodycam.recorder.assembly import Owner, open_vault
from bodycam.recorder.recovery import Found
from bodycam.recorder.vault import Vault
from bodycam.recorder.writer import Format
from bodycam.rules.events import How, Output, Stamp, Warned
from bodycam.rules.policy import read_policy
from bodycam_station.age_reader import open_sealed
from recordings import device_key, identity, recipient
from streams import FRAME_NS, START_NS, film, gops

DEVICE = "cam07"
OWNER = Owner(DEVICE, device_key(DEVICE), (recipient("station"), recipient("escrow")), "w-7f31")
KEY = OWNER.key
POLICY = read_policy(
    b'name = "desk"\n[warning]\n[keep]\n[wearer]\n[video]\n[sound]\nrecorded = false\n', "desk.toml"
)
PATTERN = "IPPPP"


class PowerCut(BaseException):
    """The battery is gone: nothing in the program can answer it."""


class DeskCard:
    """ports.Card on a folder; counts what changes it, and can stop or refuse before a call."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self.root = root
        self.card: Card = PosixCard(root)
        self.calls: list[tuple[str, str]] = []
        self.cut_after: int | None = None
        """The power goes when so many changes have been made."""
        self.torn = False
        """Whether half of what is being written then is on the card."""
        self.forgets = False
        """Whether files whose names no sync of their folder has made durable are gone then."""
        self._unsynced: set[str] = set()
        self.refuse: Callable[[str, str], Exception | None] = lambda call, path: None
        """What a change of this path is answered with; None: it is done."""
        self.free: int | None = None
        self._failed: set[str] = set()

    def _before(self, call: str, path: str, data: Buffer = b"") -> None:
        if self.cut_after is not None and len(self.calls) >= self.cut_after:
            if self.torn and data:
                with (self.root / path).open("ab") as file:
                    file.write(memoryview(data)[: len(data) // 2])
            for name in self._unsynced if self.forgets else ():
                (self.root / name).unlink()
            raise PowerCut
        if call == "append" and path in self._failed:
            raise CardFailed(f"{path} failed before.")
        error = self.refuse(call, path)
        if error is not None:
            if not isinstance(error, CardFull):
                self._failed.add(path)
            raise error
        self.calls.append((call, path))
        if call in ("create", "append") and not self.card.exists(path):
            self._unsynced.add(path)

    def _synced(self, folder: str) -> None:
        self._unsynced = {path for path in self._unsynced if path.rpartition("/")[0] != folder}

    def create(self, path: str, data: Buffer) -> None:
        self._before("create", path, data)
        self.card.create(path, data)

    def create_all(self, files: Iterable[tuple[str, Buffer]]) -> None:
        made = []
        try:
            for path, data in files:
                self.create(path, data)
                made.append(path)
        except Exception:
            for path in made:
                self.remove(path)
            raise

    def append(self, path: str, data: Buffer) -> None:
        self._before("append", path, data)
        self.card.append(path, data)

    def settle(self, path: str) -> None:
        self._before("settle", path)
        self.card.settle(path)

    def sync_folder(self, path: str) -> None:
        self._before("sync_folder", path)
        self.card.sync_folder(path)
        self._synced("" if path == "." else path)

    def make_folder(self, path: str) -> None:
        self._before("make_folder", path)
        self.card.make_folder(path)

    def move(self, source: str, target: str) -> None:
        self._before("move", source)
        self.card.move(source, target)
        self._failed.discard(target)
        self._synced(source.rpartition("/")[0])
        self._synced(target.rpartition("/")[0])

    def truncate(self, path: str, size: int) -> None:
        self._before("truncate", path)
        self.card.truncate(path, size)

    def remove(self, path: str) -> None:
        self._before("remove", path)
        self.card.remove(path)
        self._synced(path.rpartition("/")[0])

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        error = self.refuse("read", path)
        if error is not None:
            raise error
        return self.card.read(path, limit, offset)

    def size(self, path: str) -> int:
        return self.card.size(path)

    def exists(self, path: str) -> bool:
        return self.card.exists(path)

    def list(self, path: str) -> list[Entry]:
        return self.card.list(path)

    def free_bytes(self) -> int:
        return 1 << 40 if self.free is None else self.free


@dataclass
class DeskClock:
    """A clock that stands until it is moved."""

    now: int = START_NS
    source: str = "ntp"
    utc_offset_s: int = 0
    jumped_ns: int = 0
    """By how much somebody has moved the time of day."""

    def now_ns(self) -> int:
        return self.now

    def wall(self) -> WallTime:
        return WallTime(
            1_790_000_000 * SECOND + self.now + self.jumped_ns, self.source, 40, self.utc_offset_s
        )


@dataclass
class Desk:
    """A camera that can be booted again and again with the same card."""

    root: Path
    clock: DeskClock = field(default_factory=DeskClock)
    boots: int = 0

    def card(
        self, cut_after: int | None = None, *, torn: bool = False, forgets: bool = False
    ) -> DeskCard:
        card = DeskCard(self.root)
        card.cut_after, card.torn, card.forgets = cut_after, torn, forgets
        return card

    def boot(self, card: Card | None = None) -> tuple[Vault, list[Found]]:
        self.boots += 1
        return open_vault(
            card or self.card(),
            POLICY,
            OWNER,
            clock=self.clock,
            random=os.urandom,
            boot=f"boot-{self.boots}",
        )

    # ---- what is on the card ---------------------------------------------------------------------

    @property
    def folders(self) -> list[Path]:
        return sorted((self.root / "recordings").iterdir())

    def journal(self) -> list[JournalEntry]:
        data = (self.root / "journal.jsonl").read_bytes()
        reading = read_journal(data, dev=DEVICE, key=KEY.public)
        assert reading.problem is None
        return list(reading.entries)

    def said(self, line: int) -> dict[str, object]:
        """What is sealed in a line of the journal, but for the time of day."""
        body = self.journal()[line].body
        plain = b"".join(open_sealed(BytesIO(body), [identity("station")]))
        fields: dict[str, object] = json.loads(plain)
        return {name: value for name, value in fields.items() if name not in ("utc_ms", "clock")}

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.journal()]

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    def segments(self) -> list[bytes]:
        """All video that has a line, in the order of recordings and lines."""
        return [
            opened(folder / one.name)
            for folder in self.folders
            for one in reading(folder).objects
            if one.name.endswith("segment.age")
        ]


def reading(folder: Path) -> LedgerReading:
    path = folder / "ledger.jsonl"
    data = path.read_bytes() if path.exists() else b""
    return read_ledger(data, rec=folder.name, device_key=KEY.public)


def opened(path: Path) -> bytes:
    """What the station finds in a sealed file."""
    return b"".join(open_sealed(BytesIO(path.read_bytes()), [identity("station")]))


def assert_sound(folder: Path) -> None:
    """Every line's object is what the line says, and nothing else lies beside them."""
    found = reading(folder)
    assert found.problem is None
    for one in found.objects:
        data = (folder / one.name).read_bytes()
        assert len(data) == one.length
        assert hashlib.sha256(data).hexdigest() == one.sha256
    listed = {one.name for one in found.objects} | {"ledger.jsonl", "ledger.jsonl.sig", "unsigned"}
    assert {path.name for path in folder.iterdir()} <= listed


def warned(how: How = How.WARNED, at_ns: int = START_NS) -> Warned:
    stamp = Stamp(Output.SPEAKER, at_ns)
    return Warned(how, at_ns, at_ns, at_ns, (stamp,), (stamp,), (), 30 * SECOND)


FORM = Format(FRAME_NS, None, 30_000_000)
SOUND = SoundFormat(48_000, 1)
RING = RingPolicy(30 * SECOND, SECOND // 6, FRAME_NS, 1 << 30)


def real_gops(number: int, *, start_ns: int = START_NS, width: int = 64) -> Sequence[Gop]:
    """So many GOPs of real film, five pictures each."""
    return gops(film(PATTERN * number, width=width, height=36, start_ns=start_ns))
