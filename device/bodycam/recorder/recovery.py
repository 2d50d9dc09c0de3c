"""What happens at start to recordings that a power cut left open: kept, ended, and nothing more.

What has no line is moved aside and never signed: anybody can seal to a public key, so whatever a
camera signed now without having signed it before, somebody could have planted. The journal is told
first, so that a cut at any step only makes it tell twice; doing it all twice is doing it once.
"""

import hashlib
from dataclasses import dataclass

from bodycam.errors import CardError, EvidenceError
from bodycam.evidence.keys import SigningKey
from bodycam.evidence.ledger import LedgerReading, Object, parse_rec, read_ledger, recovered_line
from bodycam.evidence.lines import MAX_LINE_BYTES, Line
from bodycam.evidence.sshsig import MAX_ARMOR_BYTES
from bodycam.ports import Card
from bodycam.recorder.card_journal import ASIDE, FOLDER, CardJournal, free_name
from bodycam.recorder.vault import LEDGER, MAX_LEDGER_BYTES, SIGNATURE, sign_ledger

_BLOCK_BYTES = 1 << 20
_ARMOR_END = b"-----END SSH SIGNATURE-----\n"


@dataclass(frozen=True, slots=True)
class Found:
    """What recovery did with one recording."""

    rec: str
    outcome: str
    """`recovered`, `signed`, `void`, `damaged`, or `failed`: the next start tries again."""
    why: str = ""


def recover(card: Card, journal: CardJournal, key: SigningKey) -> list[Found]:
    """Bring this camera's recordings into a state that a verifier understands.

    One that the card does not let us read or end must not keep the camera from recording: it is
    `failed`. Raises CardError where not even the folder of recordings can be read.
    """
    recs = {entry.name for entry in card.list(FOLDER) if entry.kind == "folder"}
    recs |= journal.unended
    device = journal.device
    found = [_Case(card, journal, key, rec).settle() for rec in sorted(recs) if _of(rec, device)]
    return [one for one in found if one is not None]


def _of(rec: str, device: str) -> bool:
    """Whether a folder is a recording of this camera; anything else is left as it is."""
    try:
        return parse_rec(rec).device == device
    except EvidenceError:
        return False


class _Case:
    """One recording."""

    def __init__(self, card: Card, journal: CardJournal, key: SigningKey, rec: str) -> None:
        self._card = card
        self._journal = journal
        self._key = key
        self._rec = rec
        self._folder = f"{FOLDER}/{rec}"
        self._ledger = f"{FOLDER}/{rec}/{LEDGER}"
        self._aside = f"{FOLDER}/{rec}/{ASIDE}"

    def settle(self) -> Found | None:
        """None where there is nothing to do."""
        try:
            return None if self._is_finished() else self._decide()
        except CardError as error:
            return Found(self._rec, "failed", error.what)

    def _decide(self) -> Found | None:
        if self._card.exists(self._ledger):
            self._card.settle(self._ledger)
            self._card.sync_folder(self._folder)
        size = self._card.size(self._ledger)
        if size > MAX_LEDGER_BYTES:
            return self._damaged(f"Its ledger is longer than {MAX_LEDGER_BYTES} bytes.")
        data = self._card.read(self._ledger, size) if size else b""
        reading = read_ledger(data, rec=self._rec, device_key=self._key.public)
        if reading.problem is not None and (reading.end is not None or not reading.at_end):
            return self._damaged(reading.problem)
        if reading.opening is None:
            return self._void()
        if reading.end is not None:
            return self._sign(reading)
        return self._recover(reading, data[reading.valid_bytes :])

    def _is_finished(self) -> bool:
        """Whether it has been ended, by its last line alone: there may be thousands of recordings.

        What holds is for a verifier to say; here it only matters whether a power cut left work.
        """
        size = self._card.size(self._ledger)
        if not size:
            return False
        tail = self._card.read(self._ledger, MAX_LINE_BYTES, max(0, size - MAX_LINE_BYTES))
        signature = f"{self._folder}/{SIGNATURE}"
        try:
            line = Line.parse(tail[:-1].rpartition(b"\n")[2] + tail[-1:])
            if line.fields.get("kind") == "recovered":
                line.verify(self._key.public)
                return tail.endswith(b"\n")
        except EvidenceError:
            return False
        if line.fields.get("kind") != "close" or not self._card.size(signature):
            return False
        return self._card.read(signature, MAX_ARMOR_BYTES).endswith(_ARMOR_END)

    def _void(self) -> Found | None:
        """There is no valid line 0: nothing is signed."""
        names = {entry.name for entry in self._card.list(self._folder)}
        if names == {ASIDE}:
            return None
        why = "It has no valid first line." if names else "It was opened in the journal only."
        self._journal.write("void", {"why": why}, rec=self._rec)
        self._card.make_folder(self._aside)
        self._move_aside(names - {ASIDE})
        return Found(self._rec, "void", why)

    def _recover(self, reading: LedgerReading, tail: bytes) -> Found:
        """Opened and not ended: what has a line stays, the rest goes aside, one line ends it."""
        line = recovered_line(reading, self._key)
        why = reading.problem or "The ledger was not closed."
        # The head that is durable already: a station may see this card before the next start.
        self._journal.write("recovered", {"why": why}, rec=self._rec, head=reading.head)
        listed = {entry.name for entry in reading.objects}
        strays = {entry.name for entry in self._card.list(self._folder)} - listed
        strays -= {LEDGER, ASIDE}
        if tail or strays:
            self._card.make_folder(self._aside)
        if tail:
            self._card.create(free_name(self._card, f"{self._aside}/ledger.tail"), tail)
            self._card.sync_folder(self._aside)
            self._card.truncate(self._ledger, reading.valid_bytes)
        self._move_aside(strays)
        self._card.append(self._ledger, line)
        return Found(self._rec, "recovered", why)

    def _sign(self, reading: LedgerReading) -> Found | None:
        """Closed, but without its signature: everything is checked, then it is signed."""
        for entry in reading.objects:
            if not self._is_whole(entry):
                return self._damaged(f"{entry.name} is not what its line says.")
        self._journal.write("close", {"why": "signed at start"}, rec=self._rec, head=reading.head)
        sign_ledger(self._card, self._folder, self._key)
        return Found(self._rec, "signed")

    def _is_whole(self, entry: Object) -> bool:
        path = f"{self._folder}/{entry.name}"
        if self._card.size(path) != entry.length:
            return False
        hashed = hashlib.sha256()
        for offset in range(0, entry.length, _BLOCK_BYTES):
            hashed.update(self._card.read(path, _BLOCK_BYTES, offset))
        return hashed.hexdigest() == entry.sha256

    def _damaged(self, why: str) -> Found | None:
        """Damage that a power cut does not explain stays untouched; it is told once."""
        if self._card.exists(self._aside):
            return None
        self._journal.write("damaged", {"why": why}, rec=self._rec)
        self._card.make_folder(self._aside)
        return Found(self._rec, "damaged", why)

    def _move_aside(self, names: set[str]) -> None:
        for name in sorted(names):
            self._card.move(
                f"{self._folder}/{name}", free_name(self._card, f"{self._aside}/{name}")
            )
