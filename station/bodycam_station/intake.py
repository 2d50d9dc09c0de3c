"""From a card into the store: copied, verified, opened, synced, and only then acknowledged.

The law: a receipt is the only thing that lets a camera delete, so it is given for exactly what lies
durable in the store, was verified there, and opened to the last object. Importing twice is
importing once. Only files are taken, and what is set aside never stands in the way of the rest.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bodycam.errors import BodycamError, CardFull, EvidenceError
from bodycam.evidence import sshsig
from bodycam.evidence.ledger import MAX_LEDGER_BYTES, parse_rec
from bodycam.evidence.receipts import VOID, Receipt, void_sha256
from bodycam_station import contents
from bodycam_station.age_reader import Identity
from bodycam_station.card import RECORDINGS
from bodycam_station.custody import UNSETTLED, WRONG, Finding, worst
from bodycam_station.files import Folder, pieces, shown
from bodycam_station.registry import Registry
from bodycam_station.verify import (
    KNOWN,
    LEDGER,
    MAX_OBJECT_BYTES,
    NOT_OK,
    SIG,
    UNFINISHED,
    UNSIGNED,
    Problem,
    Progress,
    Verdict,
    digest,
    examine,
)
from bodycam_station.witness import Heads

ASIDE = "quarantine"
INCOMING = "incoming"
MARGIN_BYTES = 64 * 1024 * 1024
"""Room that stays free in the store."""

NEW, RENEWED, THERE, SET_ASIDE = "new", "renewed", "there already", "set aside"


@dataclass(slots=True)
class Imported:
    """What became of one recording."""

    rec: str
    """The name of its folder on the card."""
    outcome: str
    """`new`, `renewed` (more of it than before, or a better copy), `there already`, `set aside`."""
    verdict: Verdict
    path: str
    """Where it lies now, within the station's folder."""
    opened: bool = False
    """Every object opened with the station's key."""
    receipt: bool = False
    """The card holds the receipt."""
    why: str = ""
    """Why there is no receipt, in one sentence."""
    whole_copy: bool = True
    """Every file of it was copied."""
    never_begun: bool = False
    """A power cut explains that it has no first line."""


@dataclass(slots=True)
class Report:
    """What an import did."""

    device: str = ""
    """From the journal; empty where there is none that can be trusted."""
    recordings: list[Imported] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    """On the card as a whole."""
    notes: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """Recordings that the journal knows, and nobody has."""
        return [one.about for one in self.findings if one.code == "missing"]

    @property
    def problems(self) -> list[str]:
        """What else is wrong with the card as a whole."""
        wrong = [one for one in self.findings if one.weight == WRONG and one.code != "missing"]
        return [str(one) for one in wrong]

    @property
    def exit_code(self) -> int:
        """1 where something is wrong, else 3 where something stays on the card, else 0."""
        weights = {one.weight for one in self.findings if one.code != "void"}
        weights |= {i.verdict.exit_code for i in self.recordings if not i.never_begun} & {WRONG}
        weights |= {UNSETTLED for item in self.recordings if not item.receipt}
        return worst(weights)


def same(card: Folder, stored: Folder) -> bool:
    """Whether ledger and closing signature are the ones in the store already."""
    for name, limit in ((LEDGER, MAX_LEDGER_BYTES), (SIG, sshsig.MAX_ARMOR_BYTES)):
        mine, theirs = stored.kind(name), card.kind(name)
        if mine != theirs:
            return False
        if mine == "file" and stored.read(name, limit) != card.read(name, limit):
            return False
    return True


def copy(source: Folder, target: Folder, progress: Progress | None = None) -> list[Problem]:
    """Copy a recording's files, each synced; what could not be copied is returned.

    Raises CardFull where the store has no room, and CardFailed where it does not work.
    """
    plan, problems = _plan(source)
    total = sum(size for _, _, size in plan)
    _must_fit(target, total)
    done = 0
    for sub, name, size in plan:
        try:
            with _within(source, sub) as here, here.open(name) as file:
                data = pieces(file, MAX_OBJECT_BYTES)
                with target.make(sub) if sub else _within(target, "") as there:
                    there.write(name, data)
        except EvidenceError as error:
            problems.append(Problem(shown(name), error.what))
        done += size
        if progress:
            progress(done, total)
    if any(sub for sub, _, _ in plan):
        with target.folder(UNSIGNED) as folder:
            folder.sync()
    target.sync()
    return problems


def _plan(source: Folder) -> tuple[list[tuple[str, str, int]], list[Problem]]:
    """What to copy: folder within the recording, name, size."""
    plan, problems = [], []
    for name, kind in source.names():
        if kind == "file":
            plan.append(("", name, source.size(name)))
        elif kind == "folder" and name == UNSIGNED:
            with source.folder(name) as folder:
                plan += [(name, n, folder.size(n)) for n, k in folder.names() if k == "file"]
        else:
            problems.append(Problem(shown(name), f"it is a {kind} and was not copied"))
    for sub, name, size in [*plan]:
        if size > MAX_OBJECT_BYTES:
            plan.remove((sub, name, size))
            problems.append(Problem(shown(name), f"it has {size} bytes and was not copied"))
    return plan, problems


def _within(folder: Folder, sub: str) -> Folder:
    return folder.folder(sub or ".")


def _must_fit(target: Folder, size: int) -> None:
    free = target.free_bytes()
    if size + MARGIN_BYTES > free:
        raise CardFull(
            f"The store has {free // 10**6} MB left, and this recording needs {size // 10**6} MB.",
            do="Make room and import again.",
        )


def open_all(folder: Folder, verdict: Verdict, identities: Sequence[Identity]) -> list[Problem]:
    """Open every object; what does not open is returned with its reason."""
    problems = []
    for item in verdict.objects:
        if item.name in verdict.bad_objects:
            continue
        try:
            contents.open_object(folder, item, identities)
        except BodycamError as error:
            problems.append(Problem(item.name, error.what))
    return problems


class Store:
    """Recordings in the station's folder: whole ones by name, suspect ones set aside."""

    def __init__(
        self,
        station: Folder,
        registry: Registry,
        heads: Callable[[str], Heads],
        identities: Sequence[Identity],
        log: Callable[[Verdict, str], None],
    ) -> None:
        """`log` writes down what is about to be kept, and where, before it is."""
        self._log = log
        self._station = station
        self._registry = registry
        self._heads = heads
        self._identities = identities

    def take(self, rec: str, source: Folder, progress: Progress | None = None) -> Imported:
        """Bring one recording in; durable at return.

        Raises CardError where card or store fail, EvidenceError where the card's files cannot be
        told from the store's.
        """
        known = self._station_has(rec, source)
        if known is not None:
            return known
        temporary = f"{rec}.{os.urandom(4).hex()}"
        with self._station.make(INCOMING) as incoming:
            try:
                with incoming.make(temporary) as target:
                    # Examined under its own name, so that the name is part of the verdict.
                    with target.make(rec) as copied:
                        problems = copy(source, copied, progress)
                        verdict = examine(copied, self._registry, self._heads, None, problems)
                        unopened = open_all(copied, verdict, self._identities)
                    placed = self._place(rec, target, verdict, unopened)
                    placed.whole_copy = not problems
                    return placed
            finally:
                incoming.remove(temporary)

    def _station_has(self, rec: str, source: Folder) -> Imported | None:
        """The recording, if exactly this much of it is in the store already."""
        with self._station.make(RECORDINGS) as stored:
            if stored.kind(rec) is None:
                return None
            with stored.folder(rec) as folder:
                if not same(source, folder):
                    return None
                verdict = examine(folder, self._registry, self._heads)
                if verdict.integrity == NOT_OK:
                    return None  # the store's copy has suffered: take the card's
                opened = not open_all(folder, verdict, self._identities)
        return Imported(rec, THERE, verdict, f"{RECORDINGS}/{rec}", opened)

    def _place(
        self, rec: str, holder: Folder, verdict: Verdict, unopened: Sequence[Problem]
    ) -> Imported:
        """Give the copy in `holder` its place."""
        if verdict.integrity == NOT_OK or verdict.provenance != KNOWN:
            return self._set_aside(rec, holder, verdict)
        path = f"{RECORDINGS}/{rec}"
        self._log(verdict, path)
        with self._station.make(RECORDINGS) as stored:
            before = stored.kind(rec) is not None
            if before:
                stored.rename(rec, "before", to=holder)  # removed with the holder
            holder.rename(rec, rec, to=stored)
        why = str(unopened[0]) if unopened else ""
        return Imported(
            rec,
            RENEWED if before else NEW,
            verdict,
            path,
            opened=not unopened,
            why=f"Not every object opens: {why}." if why else "",
        )

    def _set_aside(self, rec: str, holder: Folder, verdict: Verdict) -> Imported:
        """Suspect copies lie side by side, one of each kind, under a name that says which."""
        said = verdict.ledger_sha256 + "".join(map(str, verdict.problems)) + verdict.provenance
        with holder.folder(rec) as copied:
            said += _unsigned(copied)[0]
        name = f"{rec}.{hashlib.sha256(said.encode()).hexdigest()[:8]}"
        path = f"{ASIDE}/{name}/{rec}"
        with self._station.make(ASIDE) as aside, aside.make(name) as place:
            if place.kind(rec) is None:
                self._log(verdict, path)
                holder.rename(rec, rec, to=place)
        return Imported(rec, SET_ASIDE, verdict, path, why=_why_aside(verdict))


def _why_aside(verdict: Verdict) -> str:
    if verdict.integrity == NOT_OK:
        return "It is not ok, so the camera keeps it."
    return "Nothing shows that it is of a camera enrolled here, so the card keeps it."


def why_no_receipt(item: Imported) -> str:
    """Why this recording gets none; empty where it gets one."""
    if item.why:
        return item.why
    if not item.opened:
        return "Not every object opens with this station's key."
    if item.verdict.integrity == UNFINISHED:
        return "It is unfinished: put the card back, let the camera start once, and import again."
    return ""


def void_receipt(station: str, rec: str, copied: Folder) -> Receipt | None:
    """The receipt for a recording that never got a first line; None where more of it is there.

    `copied` is the station's copy. Raises EvidenceError and CardError where it cannot be read.
    """
    if any(name != UNSIGNED for name, _ in copied.names()):
        return None
    sha256, files, size = _unsigned(copied)
    return Receipt(station, parse_rec(rec).device, rec, sha256, files, size, VOID)


def _unsigned(folder: Folder) -> tuple[str, int, int]:
    """What a receipt says of `unsigned/`: hash, number and bytes of its files."""
    if folder.kind(UNSIGNED) != "folder":
        return void_sha256([]), 0, 0
    with folder.folder(UNSIGNED) as inside:
        found = [(name, *digest(inside, name)) for name, _ in inside.names()]
    hashes = [(name, sha256) for name, _, sha256 in found]
    return void_sha256(hashes), len(found), sum(size for _, size, _ in found)
