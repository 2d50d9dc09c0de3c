"""What may go from the card: recordings that a station has signed for, after the policy's hours.

The law of this file: a receipt is checked here, against what lies on the card. It is durable in the
journal before the deletion is, and the deletion before anything goes. What goes leaves the folder
of recordings whole, in one step, and its ledger goes last: a power cut at any point leaves either
a recording as it was or one whose deletion the next start finishes. All work is in small pieces,
so that footage never waits for it.
"""

import hashlib
import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from bodycam.errors import CardError, EvidenceError
from bodycam.evidence.keys import PublicKey
from bodycam.evidence.ledger import MAX_LEDGER_BYTES, OBJECT_NAME
from bodycam.evidence.lines import MAX_LINE_BYTES, ZERO, Line
from bodycam.evidence.receipts import MAX_BYTES, VOID, Receipt, read_receipt, void_sha256
from bodycam.media.packets import SECOND
from bodycam.ports import Card, Clock, Entry
from bodycam.recorder.card_journal import ASIDE, FOLDER, CardJournal

RECEIPTS = "receipts"
SUFFIX = ".receipt"
LEAVING = "leaving"
"""The folder for what is being deleted: recordings no more."""
SEEN = "acknowledged.json"
"""How long each acknowledged recording has been so. It may be lost: then they stay longer."""
LOOK_EVERY_NS = 60 * SECOND
"""How often new receipts are looked for, and whether anything is due."""
SAVE_EVERY_NS = 3600 * SECOND
MAX_SEEN_BYTES = 1 << 20
NAMES_TOLD = 5
"""Of refused receipts, so many are named in the journal; all are counted."""
_BLOCK_BYTES = 256 * 1024
_LEDGER = "ledger.jsonl"


@dataclass(frozen=True, slots=True)
class Tally:
    """How the card stands, for the status."""

    recordings: int
    """On the card."""
    acknowledged: int
    """Of these, the ones that a station has signed for."""
    refused: int
    """Receipts that do not hold here."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A receipt that holds."""

    sha256: str
    """Of the file."""
    on_ns: int = 0
    """How long the camera has been on since."""
    utc_ms: int | None = None
    """When it was first seen, if the clock was set then."""
    journalled: bool = False
    """Written into the journal since this start: what a file says of that proves nothing."""


class _Refused(Exception):
    """This receipt lets nothing go; the text says why."""


def _plain(text: str) -> str:
    """Whatever a name holds, short and printable: a line of the journal has to hold it."""
    return ascii(text)[1:-1][:80]


class Clearance:
    """Stepped by the writer's thread while there is nothing to write."""

    def __init__(
        self,
        card: Card,
        journal: CardJournal,
        clock: Clock,
        *,
        station_key: PublicKey | None,
        keep_ns: int,
    ) -> None:
        """Without `station_key` no receipt holds, and nothing ever goes."""
        self._card = card
        self._journal = journal
        self._clock = clock
        self._station_key = station_key
        self._keep_ns = keep_ns
        self._counted_ns = self._saved_ns = self._look_ns = clock.now_ns()
        self._seen: dict[str, _Seen] | None = None
        self._saved: dict[str, str] = {}
        self._deleted: set[str] = set()
        self._told: dict[str, str] = {}
        self._work: Iterator[None] | None = None
        self.tally: Tally | None = None
        """None until the card has been looked at."""

    def count_one(self) -> None:
        """One recording more has ended on the card: the tally says so before the next look."""
        if self.tally is not None:
            self.tally = replace(self.tally, recordings=self.tally.recordings + 1)

    def step(self) -> bool:
        """One small piece of work; False where there is none for the time being.

        Raises CardError; the next look tries again.
        """
        now = self._clock.now_ns()
        if self._work is None and now >= self._look_ns:
            self._look_ns = now + LOOK_EVERY_NS
            self._work = self._look(now)
        work, self._work = self._work, None
        for _ in work or ():
            self._work = work
            return True
        return False

    # ---- one look at the card --------------------------------------------------------------------

    def _look(self, now: int) -> Iterator[None]:
        refused = dict[str, str]()
        seen = self._aged(now)
        for name in self._folders(LEAVING):
            yield from self._try(f"{LEAVING}/{name}", self._go_on_removing(name), refused)
        here = self._folders(FOLDER)
        for entry in self._card.list(RECEIPTS):
            yield
            work = self._consider(entry, here, seen)
            yield from self._try(f"{RECEIPTS}/{entry.name}", work, refused)
        here = self._folders(FOLDER)
        for rec in {*seen} - here:
            del seen[rec]
        self.tally = Tally(len(here), len(seen), len(refused))
        self._save(seen, now)
        self._tell(refused)

    def _try(self, name: str, work: Iterator[None], refused: dict[str, str]) -> Iterator[None]:
        """What is wrong with one stands in no other's way."""
        try:
            yield from work
        except (_Refused, EvidenceError, CardError) as error:
            refused[name] = str(error)

    def _folders(self, path: str) -> set[str]:
        return {entry.name for entry in self._card.list(path) if entry.kind == "folder"}

    def _consider(self, entry: Entry, here: set[str], seen: dict[str, _Seen]) -> Iterator[None]:
        """Take a receipt, or let go what it is for. Raises _Refused, EvidenceError, CardError."""
        rec = entry.name.removesuffix(SUFFIX)
        if entry.kind != "file" or rec == entry.name:
            raise _Refused("No receipt has such a name.")
        if rec not in here:
            raise _Refused("There is no such recording on this card.")
        receipt, document = self._read(rec)
        sha256 = hashlib.sha256(document).hexdigest()
        known = seen.get(rec)
        if known is None or known.sha256 != sha256:
            head = yield from self._covered(receipt)
            self._write_receipt(rec, document, head)
            known = seen[rec] = _Seen(sha256, utc_ms=self._utc_ms(), journalled=True)
        if self._is_due(known):
            head = yield from self._covered(receipt)
            if not known.journalled:
                self._write_receipt(rec, document, head)
                seen[rec] = replace(known, journalled=True)
            if rec not in self._deleted:  # the card may have failed after it was told
                details = {"ledger_sha256": receipt.ledger_sha256}
                self._journal.write("deleted", details, rec=rec, head=head)
                self._deleted.add(rec)
            self._card.make_folder(LEAVING)
            self._card.move(f"{FOLDER}/{rec}", f"{LEAVING}/{rec}")
            yield from self._remove(rec)

    def _write_receipt(self, rec: str, document: bytes, head: str) -> None:
        """The journal holds the receipt itself: it proves the deletion when all else is gone."""
        details = {"receipt": document.decode("ascii")}
        self._journal.write("receipt", details, rec=rec, head=head)

    def _read(self, rec: str) -> tuple[Receipt, bytes]:
        """The receipt for a recording, signed by our station; raises as `_consider` does."""
        if self._station_key is None:
            raise _Refused("This camera knows no station.")
        document = self._card.read(f"{RECEIPTS}/{rec}{SUFFIX}", MAX_BYTES + 1)
        receipt = read_receipt(document, self._station_key)
        if receipt.rec != rec or receipt.device != self._journal.device:
            raise _Refused("It is for another recording.")
        return receipt, document

    # ---- whether a receipt is for what lies here -------------------------------------------------

    def _covered(self, receipt: Receipt) -> Generator[None, None, str]:
        """The digest of the ledger's last line; raises _Refused unless it is for just this."""
        folder = f"{FOLDER}/{receipt.rec}"
        if receipt.verdict == VOID:
            yield from self._covered_void(receipt, folder)
            return ZERO
        sha256, tail = yield from self._hashed(f"{folder}/{_LEDGER}", MAX_LEDGER_BYTES)
        if sha256 != receipt.ledger_sha256:
            raise _Refused("It is for another state of the recording.")
        last = Line.parse(tail[:-1].rpartition(b"\n")[2] + tail[-1:])
        if last.fields.get("kind") not in ("close", "recovered"):
            raise _Refused("The recording has not ended.")
        yield
        objects = [one for one in self._card.list(folder) if OBJECT_NAME.fullmatch(one.name)]
        if len(objects) != receipt.objects or last.fields.get("objects") != receipt.objects:
            raise _Refused(f"It is for {receipt.objects} objects, and {len(objects)} lie here.")
        if sum(one.size for one in objects) != receipt.sealed_bytes:
            raise _Refused("Its objects are not as long as those here.")
        return last.digest

    def _covered_void(self, receipt: Receipt, folder: str) -> Iterator[None]:
        """The same of a recording without a ledger: of the files that were set aside."""
        if {entry.name for entry in self._card.list(folder)} - {ASIDE}:
            raise _Refused("It says void, and there is more than what was set aside.")
        entries = self._card.list(f"{folder}/{ASIDE}")
        total = sum(entry.size for entry in entries)
        if (len(entries), total) != (receipt.objects, receipt.sealed_bytes):
            raise _Refused(f"It is for {receipt.objects} files, and {len(entries)} lie here.")
        files = []
        for entry in entries:
            path = f"{folder}/{ASIDE}/{entry.name}"
            sha256, _ = yield from self._hashed(path, receipt.sealed_bytes)
            files.append((entry.name, sha256))
        if void_sha256(files) != receipt.ledger_sha256:
            raise _Refused("It is for other files than those here.")

    def _hashed(self, path: str, limit: int) -> Generator[None, None, tuple[str, bytes]]:
        """SHA-256 and the last bytes of a file, read piece by piece."""
        size = self._card.size(path)
        if size > limit:
            raise _Refused(f"{path} is longer than {limit} bytes.")
        hashed, tail = hashlib.sha256(), b""
        for offset in range(0, size, _BLOCK_BYTES):
            block = self._card.read(path, _BLOCK_BYTES, offset)
            hashed.update(block)
            tail = (tail + block)[-MAX_LINE_BYTES:]
            yield
        return hashed.hexdigest(), tail

    # ---- removing --------------------------------------------------------------------------------

    def _go_on_removing(self, rec: str) -> Iterator[None]:
        """Finish a deletion that was cut short, if it is one."""
        folder = f"{LEAVING}/{rec}"
        if self._card.list(folder):
            receipt, _ = self._read(rec)
            if receipt.verdict != VOID:
                sha256, _ = yield from self._hashed(f"{folder}/{_LEDGER}", MAX_LEDGER_BYTES)
                if sha256 != receipt.ledger_sha256:
                    raise _Refused("What lies here is not what the receipt is for.")
        yield from self._remove(rec)

    def _remove(self, rec: str) -> Iterator[None]:
        """The ledger after all else, then the receipt, then the folder: see `_go_on_removing`."""
        folder, receipt = f"{LEAVING}/{rec}", f"{RECEIPTS}/{rec}{SUFFIX}"
        entries = self._card.list(folder)
        for entry in sorted(entries, key=lambda entry: (entry.name == _LEDGER, entry.name)):
            path = f"{folder}/{entry.name}"
            for inner in self._card.list(path) if entry.kind == "folder" else ():
                yield
                self._card.remove(f"{path}/{inner.name}")
            yield
            self._card.remove(path)
        if self._card.exists(receipt):
            self._card.remove(receipt)
        self._card.remove(folder)

    # ---- hours -----------------------------------------------------------------------------------

    def _is_due(self, seen: _Seen) -> bool:
        """By the clock where it was and is set, by how long the camera has been on where not."""
        utc_ms = self._utc_ms()
        if utc_ms is not None and seen.utc_ms is not None:
            by_clock = (utc_ms - seen.utc_ms) * 1_000_000 >= self._keep_ns
        else:
            by_clock = False
        return by_clock or seen.on_ns >= self._keep_ns

    def _utc_ms(self) -> int | None:
        wall = self._clock.wall()
        return None if wall.source == "none" else wall.utc_ns // 1_000_000

    def _aged(self, now: int) -> dict[str, _Seen]:
        """What has been acknowledged, each older by the time since the last look."""
        seen = self._load() if self._seen is None else self._seen
        passed_ns, self._counted_ns = now - self._counted_ns, now
        utc_ms = self._utc_ms()
        for rec, one in seen.items():
            first_ms = utc_ms if one.utc_ms is None else one.utc_ms
            seen[rec] = replace(one, on_ns=one.on_ns + passed_ns, utc_ms=first_ms)
        self._seen = seen
        return seen

    def _load(self) -> dict[str, _Seen]:
        """What was saved; nothing where it is not what we write."""
        found = dict[str, _Seen]()
        if not 0 < self._card.size(SEEN) <= MAX_SEEN_BYTES:
            return found
        try:
            fields = json.loads(self._card.read(SEEN, MAX_SEEN_BYTES))
            for rec, (sha256, on_s, utc_ms) in fields.items():
                first_ms = None if utc_ms is None else int(utc_ms)
                found[str(rec)] = _Seen(str(sha256), max(0, int(on_s)) * SECOND, first_ms)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            return {}
        self._saved = {rec: one.sha256 for rec, one in found.items()}
        return found

    def _save(self, seen: dict[str, _Seen], now: int) -> None:
        """When there is a new one or one less, and every hour that there are any."""
        what = {rec: one.sha256 for rec, one in seen.items()}
        if what == self._saved and (not what or now - self._saved_ns < SAVE_EVERY_NS):
            return
        fields = {rec: (one.sha256, one.on_ns // SECOND, one.utc_ms) for rec, one in seen.items()}
        if self._card.exists(f"{SEEN}.new"):
            self._card.remove(f"{SEEN}.new")
        self._card.create(f"{SEEN}.new", json.dumps(fields).encode())
        self._card.move(f"{SEEN}.new", SEEN)
        self._saved, self._saved_ns = what, now

    def _tell(self, refused: dict[str, str]) -> None:
        """Into the journal, once for what is refused alike."""
        if refused and refused != self._told:
            some = [f"{_plain(name)}: {_plain(why)}" for name, why in refused.items()]
            details = {"count": len(refused), "some": some[:NAMES_TOLD]}
            self._journal.write("receipts-refused", details)
        self._told = refused
