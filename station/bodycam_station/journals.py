"""The cameras' journals: checked, kept, and asked which recordings there ought to be.

A camera may have had several cards, and so several journals; each is known by its first line and
kept in `journals/`. One that lacks lines seen before was rolled back or replaced.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from bodycam.errors import BodycamError, EvidenceError
from bodycam.evidence.journal import DOM, Entry, JournalReader
from bodycam.evidence.lines import MAX_LINE_BYTES, ZERO, Line, split, walk
from bodycam_station.files import Folder, pieces
from bodycam_station.registry import DeviceKey, Registry
from bodycam_station.verify import Progress

FILE = "journal.jsonl"
FOLDER = "journals"
MAX_BYTES = 256 * 1024 * 1024
"""A journal of some hundred thousand lines; a longer one is not read."""
_STEP_BYTES = 64 * 1024
OPEN, CLOSE, RECOVERED, VOID, DAMAGED = "open", "close", "recovered", "void", "damaged"
RECEIPT, DELETED = "receipt", "deleted"
BOOT, SHUTDOWN = "boot", "shutdown"
"""Kinds of journal lines that say whether a recording ought to be there, or the camera was on."""

FIRST, ANOTHER, SAME, LONGER = "first", "another", "same", "longer"
OLDER, FORKED = "older", "forked"


@dataclass(slots=True)
class Boot:
    """What the journal says of one time that the camera was on."""

    id: str
    begun: bool = False
    """It has the line with which the recorder begins."""
    ended: bool = False
    """It has the line with which the recorder goes off."""
    again: bool = False
    """Lines of it come after those of a later boot, which no camera writes."""


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
    """By recording, in order, the digest of its opening line."""
    told: dict[str, list[str]] = field(default_factory=dict)
    """By recording, the kinds of the lines about it, in order."""
    heads: list[tuple[str, str]] = field(default_factory=list)
    """Recording and head, in order."""
    boots: list[Boot] = field(default_factory=list)
    """In order."""
    boot_ids: set[str] = field(default_factory=set)
    opened_in: dict[str, int] = field(default_factory=dict)
    """By recording, the place of its boot in `boots`."""
    problem: str = ""
    """Why no line after the good ones is; empty where all are good."""
    torn: bool = False
    """The last line is torn off or not valid, as a power cut leaves it."""

    def is_void(self, rec: str) -> bool:
        """Whether the camera says that it was opened and never got a first line."""
        told = {*self.told.get(rec, ())}
        return {OPEN, VOID} <= told and not told & {CLOSE, RECOVERED, DAMAGED}

    @property
    def void(self) -> set[str]:
        """All of which it says that."""
        return {rec for rec in self.openings if self.is_void(rec)}

    @property
    def gone(self) -> set[str]:
        """Recordings that were deleted, or never got a first line."""
        return self.void | {rec for rec in self.openings if DELETED in self.told[rec]}

    def take(self, entry: Entry) -> None:
        """Note what a line says."""
        if not self.boots or self.boots[-1].id != entry.boot:
            self.boots.append(Boot(entry.boot, again=entry.boot in self.boot_ids))
            self.boot_ids.add(entry.boot)
        self.boots[-1].begun |= entry.kind == BOOT
        self.boots[-1].ended |= entry.kind == SHUTDOWN
        if entry.rec is None:
            return
        if entry.kind == OPEN:
            self.openings[entry.rec] = entry.digest
            self.opened_in[entry.rec] = len(self.boots) - 1
        self.told.setdefault(entry.rec, []).append(entry.kind)
        if entry.head not in (None, ZERO):
            self.heads.append((entry.rec, str(entry.head)))


@dataclass(frozen=True, slots=True)
class Relation:
    """How a card's journal stands to the one that the station has kept."""

    kind: str
    """`first` of this camera, `another` than the ones kept, `same`, `longer`, `older`, `forked`."""
    line: int = 0
    """The number of the first line that is missing here, or is another one."""
    lacking: int = 0
    """Lines that are kept and not here."""


def joined(journal: Journal, earlier: Sequence[Journal]) -> Journal:
    """The journal with what the ones before it on the same card say of recordings."""
    found = replace(journal, openings={}, told={}, opened_in={}, heads=[])
    for one in (*earlier, journal):
        found.openings |= one.openings
        found.opened_in |= one.opened_in if one is journal else dict.fromkeys(one.openings, -1)
        found.heads += one.heads
        for rec, kinds in one.told.items():
            found.told[rec] = [*found.told.get(rec, ()), *kinds]
    return found


def read(
    card: Folder, registry: Registry, name: str = FILE, progress: Progress | None = None
) -> Journal:
    """A card's journal, signed by a camera that we know; raises EvidenceError where it is not."""
    with card.open(name) as file:
        raw = file.readline(MAX_LINE_BYTES)
        if not raw:
            raise EvidenceError("It is empty.")
        line = Line.parse(raw)
        device = line.fields.get("dev")
        if line.fields.get("dom") != DOM or not isinstance(device, str):
            raise EvidenceError("Its first line is not that of a journal.")
        key = _signer(line, device, registry)
        journal = Journal(device, line.digest)
        reader = JournalReader(device, key.public)
        file.seek(0)
        blocks = _counted(pieces(file, MAX_BYTES), card.size(name), progress)
        extent = walk(blocks, lambda raw: journal.take(reader.take(raw)))
    journal.lines, journal.head = reader.seq, reader.head
    journal.valid_bytes = extent.valid_bytes
    # A bad last line is what a power cut leaves, whole sectors of it: the camera goes on before it.
    journal.problem = "" if extent.at_end else extent.problem or ""
    journal.torn = extent.at_end
    return journal


def missing(journal: Journal, present: Collection[str]) -> list[str]:
    """Recordings that were opened, and are neither present nor accounted for."""
    return sorted({*journal.openings} - {*present} - journal.gone)


def compare(station: Folder, card: Folder, journal: Journal) -> Relation:
    """The card's journal against the one of the same first line in the station's folder."""
    kept = _kept(station, journal.device)
    if _name(journal) not in kept:
        return Relation(ANOTHER if kept else FIRST)
    with (
        station.folder(FOLDER) as folder,
        folder.open(_name(journal)) as old,
        card.open(FILE) as new,
    ):
        both = zip_longest(split(pieces(old)), split(pieces(new, journal.valid_bytes)))
        for number, (theirs, ours) in enumerate(both):
            if theirs is None:
                return Relation(LONGER)
            if ours is None:
                return Relation(OLDER, number, 1 + sum(1 for _ in both))
            if theirs != ours:
                lacking = 1 + sum(theirs is not None for theirs, _ in both)
                return Relation(FORKED, number, lacking)
    return Relation(SAME)


def keep(station: Folder, card: Folder, journal: Journal, relation: Relation) -> None:
    """Keep the card's journal, durable at return; one that does not go on lies beside the other."""
    if relation.kind == SAME:
        return
    name = _name(journal)
    with station.make(FOLDER) as folder, card.open(FILE) as new:
        if relation.kind in (OLDER, FORKED):
            name += f".{journal.head[:16]}"
        folder.remove(f".{name}.new")
        folder.write(f".{name}.new", pieces(new, journal.valid_bytes))
        folder.rename(f".{name}.new", name)


def other_openings(station: Folder, journal: Journal) -> Mapping[str, str]:
    """What other journals of this camera, as they were kept, say was opened: the line's digest."""
    found: dict[str, str] = {}
    for name in _kept(station, journal.device):
        if name == _name(journal):
            continue
        with station.folder(FOLDER) as folder, folder.open(name) as file:
            for raw in split(pieces(file)):
                if b'"kind":"open"' in raw:  # the others need not be parsed
                    line = Line.parse(raw)
                    found[str(line.fields.get("rec"))] = line.digest
    return found


def _counted(blocks: Iterable[bytes], total: int, progress: Progress | None) -> Iterator[bytes]:
    """The blocks, small enough that somebody who waits hears of it in time."""
    done = 0
    for block in blocks:
        for start in range(0, len(block), _STEP_BYTES):
            piece = block[start : start + _STEP_BYTES]
            yield piece
            done += len(piece)
            if progress:
                progress(done, total)


def _kept(station: Folder, device: str) -> list[str]:
    if station.kind(FOLDER) is None:
        return []
    ours = re.compile(rf"{re.escape(device)}-[0-9a-f]{{16}}\.jsonl")
    with station.folder(FOLDER) as folder:
        return [name for name, _ in folder.names() if ours.fullmatch(name)]


def _name(journal: Journal) -> str:
    return f"{journal.device}-{journal.first[:16]}.jsonl"


def _signer(line: Line, device: str, registry: Registry) -> DeviceKey:
    for key in registry.keys(device):
        try:
            line.verify(key.public)
        except BodycamError:
            continue
        return key
    if registry.keys(device):
        raise EvidenceError(
            f"It was signed by another key than the ones known of {device}.",
            do="Find out whose card this is: nothing on it can be held against this journal.",
        )
    raise EvidenceError(
        "It is of a camera that is not enrolled here.",
        do="Give the card to the station that enrolled the camera, or enrol it.",
    )
