"""What happens at start to recordings that a power cut left open: kept, ended, and nothing more.

What has no line is moved aside and never signed: anybody can seal to a public key, so whatever a
camera signed now without having signed it before, somebody could have planted. The journal is told
first, so that a cut at any step only makes it tell twice; doing it all twice is doing it once.
"""

import hashlib
from dataclasses import dataclass

from bodycam.errors import EvidenceError
from bodycam.evidence import sshsig
from bodycam.evidence.keys import SigningKey
from bodycam.evidence.ledger import LedgerReading, read_ledger, recovered_line
from bodycam.evidence.lines import MAX_LINE_BYTES, Line, digest
from bodycam.ports import Card
from bodycam.recorder.card_journal import ASIDE, CardJournal
from bodycam.recorder.vault import (
    FOLDER,
    LEDGER,
    MAX_LEDGER_BYTES,
    NAMESPACE,
    SIGNATURE,
    sign_ledger,
)

_BLOCK_BYTES = 1 << 20
_OURS = {LEDGER, SIGNATURE, ASIDE}


@dataclass(frozen=True, slots=True)
class Found:
    """What recovery did with one recording."""

    rec: str
    outcome: str
    """`recovered`, `signed`, `void` or `damaged`."""
    why: str = ""


def recover(card: Card, journal: CardJournal, key: SigningKey) -> list[Found]:
    """Bring every recording into a state that a verifier understands.

    Raises CardError where the card does not take it; the next start tries again.
    """
    folders = sorted(entry.name for entry in card.list(FOLDER) if entry.kind == "folder")
    last = journal.last_opened
    if last and last not in folders:
        folders.append(last)
    found = [_Case(card, journal, key, rec).settle() for rec in folders]
    return [one for one in found if one is not None]


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
        card = self._card
        if not card.size(self._ledger):
            return self._void()
        if self._is_finished():
            return None
        data = card.read(self._ledger, MAX_LEDGER_BYTES)
        reading = read_ledger(data, rec=self._rec, device_key=self._key.public)
        if reading.problem is not None and not reading.at_end:
            return self._damaged(reading.problem)
        if reading.opening is None:
            return self._void()
        if reading.end == "close" and reading.problem is None:
            return self._sign(reading)
        if reading.end is not None:
            return self._damaged(reading.problem or "It has no signature that holds.")
        return self._recover(reading)

    def _is_finished(self) -> bool:
        """Whether the last line and, after a close, the signature hold: one check for all."""
        size = self._card.size(self._ledger)
        tail = self._card.read(self._ledger, MAX_LINE_BYTES, max(0, size - MAX_LINE_BYTES))
        last = tail[:-1].rsplit(b"\n", 1)[-1] + tail[-1:]
        signature = f"{self._folder}/{SIGNATURE}"
        try:
            line = Line.parse(last)
            if line.fields.get("kind") == "recovered":
                line.verify(self._key.public)
                return last.endswith(b"\n")
            if line.fields.get("kind") != "close" or not self._card.exists(signature):
                return False
            armored = self._card.read(signature, MAX_LINE_BYTES)
            data = self._card.read(self._ledger, MAX_LEDGER_BYTES)
            sshsig.verify(armored, self._key.public, NAMESPACE, data)
        except EvidenceError:
            return False
        return True

    def _void(self) -> Found | None:
        """There is no valid line 0: nothing is signed."""
        names = {entry.name for entry in self._card.list(self._folder)}
        if names == {ASIDE}:
            return None
        why = "It has no valid first line." if names else "It was opened in the journal only."
        self._journal.write("void", {"why": why}, rec=self._rec)
        self._move_aside(names - {ASIDE})
        return Found(self._rec, "void", why)

    def _recover(self, reading: LedgerReading) -> Found:
        """Opened and not ended: what has a line stays, the rest goes aside, one line ends it."""
        line = recovered_line(reading, self._key)
        why = reading.problem or "The ledger was not closed."
        head = digest(line)
        self._journal.write("recovered", {"why": why}, rec=self._rec, head=head)
        size = self._card.size(self._ledger)
        if size > reading.valid_bytes:
            torn = self._card.read(self._ledger, size - reading.valid_bytes, reading.valid_bytes)
            self._card.make_folder(self._aside)
            self._card.create(self._free_name("ledger.tail"), torn)
            self._card.sync_folder(self._aside)
            self._card.truncate(self._ledger, reading.valid_bytes)
        listed = {entry.name for entry in reading.objects} | _OURS
        self._move_aside({entry.name for entry in self._card.list(self._folder)} - listed)
        self._card.append(self._ledger, line)
        return Found(self._rec, "recovered", why)

    def _sign(self, reading: LedgerReading) -> Found | None:
        """Closed, but without its signature: everything is checked, then it is signed."""
        for entry in reading.objects:
            path = f"{self._folder}/{entry.name}"
            hashed = hashlib.sha256()
            offset = 0
            while offset < entry.length and (block := self._card.read(path, _BLOCK_BYTES, offset)):
                hashed.update(block)
                offset += len(block)
            if self._card.size(path) != entry.length or hashed.hexdigest() != entry.sha256:
                return self._damaged(f"{entry.name} is not what its line says.")
        self._journal.write("close", {"why": "signed at start"}, rec=self._rec, head=reading.head)
        sign_ledger(self._card, self._folder, self._key)
        return Found(self._rec, "signed")

    def _damaged(self, why: str) -> Found | None:
        """Damage that a power cut does not explain stays untouched; it is told once."""
        if self._card.exists(self._aside):
            return None
        self._journal.write("damaged", {"why": why}, rec=self._rec)
        self._card.make_folder(self._aside)
        return Found(self._rec, "damaged", why)

    def _move_aside(self, names: set[str]) -> None:
        self._card.make_folder(self._aside)
        for name in sorted(names):
            self._card.move(f"{self._folder}/{name}", self._free_name(name))

    def _free_name(self, name: str) -> str:
        """A name in `unsigned/` that is not taken: nothing there is ever overwritten."""
        path = f"{self._aside}/{name}"
        number = 1
        while self._card.exists(path):
            path = f"{self._aside}/{name}.{number}"
            number += 1
        return path
