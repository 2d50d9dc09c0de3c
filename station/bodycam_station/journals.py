"""The cameras' journals: checked, kept, and asked which recordings there ought to be.

A camera may have had several cards, and so several journals; each is known by its first line and
kept in `journals/`. One that lacks lines seen before was rolled back or replaced.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from bodycam.errors import BodycamError, EvidenceError
from bodycam.evidence.journal import DOM, Entry, JournalReader
from bodycam.evidence.lines import MAX_LINE_BYTES, ZERO, Extent, Line, walk
from bodycam_station.files import Folder, pieces
from bodycam_station.registry import DeviceKey, Registry

FILE = "journal.jsonl"
FOLDER = "journals"
MAX_BYTES = 256 * 1024 * 1024
"""A journal of some hundred thousand lines; a longer one is not read."""
OPEN, DELETED, VOID = "open", "deleted", "void"
"""Kinds of journal lines that say whether a recording ought to be there."""


@dataclass(slots=True)
class Journal:
    """What the good lines of a card's journal say."""

    device: str
    first: str
    """The digest of its first line."""
    lines: int = 0
    valid_bytes: int = 0
    head: str = ZERO
    openings: dict[str, str] = field(default_factory=dict)
    """By recording, the digest of its opening line."""
    heads: list[tuple[str, str]] = field(default_factory=list)
    """Recording and head, in order."""
    gone: set[str] = field(default_factory=set)
    """Recordings that were deleted, or never got a first line."""
    void: set[str] = field(default_factory=set)
    """Of these, the ones that were opened and never got one, as the camera says."""
    problem: str = ""
    """Why no line after the good ones is; empty where all are good."""

    def take(self, entry: Entry) -> None:
        """Note what a line says."""
        if entry.rec is None:
            return
        if entry.kind == OPEN:
            self.openings[entry.rec] = entry.digest
        if entry.kind in (DELETED, VOID):
            self.gone.add(entry.rec)
        if entry.kind == VOID and entry.rec in self.openings:
            self.void.add(entry.rec)
        if entry.head not in (None, ZERO):
            self.heads.append((entry.rec, str(entry.head)))


def read(card: Folder, registry: Registry) -> Journal:
    """The card's journal, signed by a camera that we know; raises EvidenceError where it is not."""
    with card.open(FILE) as file:
        raw = file.readline(MAX_LINE_BYTES)
        line = Line.parse(raw)
        device = line.fields.get("dev")
        if line.fields.get("dom") != DOM or not isinstance(device, str):
            raise EvidenceError("Its first line is not that of a journal.")
        key = _signer(line, device, registry)
        journal = Journal(device, line.digest)
        reader = JournalReader(device, key.public)
        file.seek(0)
        extent = walk(pieces(file, MAX_BYTES), lambda raw: journal.take(reader.take(raw)))
    journal.lines, journal.head = reader.seq, reader.head
    journal.valid_bytes = extent.valid_bytes
    journal.problem = _problem(extent)
    return journal


def keep(station: Folder, card: Folder, journal: Journal) -> str:
    """Keep the card's journal; one sentence where it does not continue the one we have."""
    name = f"{journal.device}-{journal.first[:16]}.jsonl"
    with station.make(FOLDER) as folder, card.open(FILE) as new:
        others = [n for n, _ in folder.names() if n.startswith(f"{journal.device}-")]
        said = ""
        if folder.kind(name) is None:
            if others:
                said = f"This is another journal of {journal.device} than on earlier imports."
        else:
            with folder.open(name) as old:
                known, size = _digest(old, None)
            if _digest(new, size) != (known, size) or size > journal.valid_bytes:
                aside = f"{name}.{journal.head[:16]}"
                folder.remove(aside)
                new.seek(0)
                folder.write(aside, pieces(new, journal.valid_bytes))
                folder.sync()
                return (
                    "The journal on this card lacks lines that were there at an earlier import: "
                    f"the card was rolled back or changed. Both are kept in {FOLDER}/."
                )
            if size == journal.valid_bytes:
                return said
        new.seek(0)
        folder.remove(f".{name}.new")
        folder.write(f".{name}.new", pieces(new, journal.valid_bytes))
        folder.rename(f".{name}.new", name)
        return said


def missing(journal: Journal, present: Sequence[str]) -> list[str]:
    """Recordings that were opened, and are neither present nor accounted for."""
    return sorted(set(journal.openings) - set(present) - journal.gone)


def _signer(line: Line, device: str, registry: Registry) -> DeviceKey:
    for key in registry.keys(device):
        try:
            line.verify(key.public)
        except BodycamError:
            continue
        return key
    if registry.keys(device):
        raise EvidenceError(f"It was signed by another key than the ones known of {device}.")
    raise EvidenceError("It is of a camera that is not enrolled here.")


def _problem(extent: Extent) -> str:
    if extent.problem is None or extent.torn:
        return ""  # a torn last line is what a power cut leaves; the camera goes on before it
    return extent.problem


def _digest(file: BinaryIO, size: int | None) -> tuple[str, int]:
    """SHA-256 and length of a file, or of its first `size` bytes."""
    sha256, length = hashlib.sha256(), 0
    for piece in pieces(file, size):
        sha256.update(piece)
        length += len(piece)
    return sha256.hexdigest(), length
