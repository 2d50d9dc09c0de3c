"""A whole card: each recording's verdict, and whether card, journal and station fit together.

Nothing is written, neither here nor there, so that a card can be looked at that must not be
changed. Without a station less can be judged, and the report says what.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bodycam.errors import EvidenceError
from bodycam.evidence.ledger import REC_ID
from bodycam_station import custody, journals, witness
from bodycam_station.custody import Finding, Known, Lying, finding, never_begun
from bodycam_station.files import Folder, shown
from bodycam_station.journals import Journal
from bodycam_station.registry import Registry
from bodycam_station.verify import (
    LEDGER,
    NOT_SIGNED,
    UNFINISHED,
    UNSIGNED,
    Progress,
    Verdict,
    examine,
)
from bodycam_station.witness import Head, Heads

RECORDINGS, RECEIPTS, LEAVING = "recordings", "receipts", "leaving"
MAX_EARLIER = 8
"""Journals that a camera could not go on with and put aside: no more are read."""

_NO_JOURNAL = (
    "Without it nobody can say what is missing: keep the card, and look at what lies in unsigned."
)
WITHOUT_STATION = (
    "whether a station has seen more of this camera than is here",
    "whether what is missing lies in a station's store",
    "whether receipts were given for what was deleted",
)


@dataclass(frozen=True, slots=True)
class CardReport:
    """What can be said of a card."""

    device: str
    """From the journal; empty where there is none that can be trusted."""
    recordings: Sequence[tuple[str, Verdict]]
    """Folder and verdict, by name; without those that a power cut kept from beginning."""
    findings: Sequence[Finding]
    notes: Sequence[str]
    unjudged: Sequence[str]
    """What could not be judged, because there is no station."""

    @property
    def exit_code(self) -> int:
        """1 where something is wrong, else 3 where something is not settled, else 0."""
        codes = [one.weight for one in self.findings]
        return custody.worst([*codes, *(verdict.exit_code for _, verdict in self.recordings)])

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "device": self.device,
            "recordings": [{"path": name, **one.as_json()} for name, one in self.recordings],
            "findings": [one.as_json() for one in self.findings],
            "notes": [*self.notes],
            "unjudged": [*self.unjudged],
        }


def is_card(folder: Folder) -> bool:
    """Whether a folder is to be looked at as a card, and not as a recording."""
    has = {name for name in (journals.FILE, RECORDINGS, LEDGER) if folder.kind(name) is not None}
    return bool(has) and LEDGER not in has


@dataclass(frozen=True, slots=True)
class Look:
    """What a card and its journal say before any recording is looked into."""

    names: Sequence[str]
    """Of the recordings."""
    journal: Journal | None
    """None where there is none that can be trusted."""
    known: Known | None
    """What the station knows of this camera; None without a station, or without a journal."""
    findings: Sequence[Finding]
    notes: Sequence[str]

    @property
    def device(self) -> str:
        """From the journal; or empty."""
        return self.journal.device if self.journal else ""

    def never_begun(self, rec: str) -> bool:
        """Whether a power cut explains that a recording has no first line."""
        return self.journal is not None and never_begun(self.journal, rec, self.known)

    def judge(self, card: Folder, verdicts: Sequence[tuple[str, Verdict]]) -> list[Finding]:
        """All findings, once there are verdicts by name of folder."""
        if self.journal is None:
            return [*self.findings]
        lying = Lying(
            recordings=frozenset(self.names),
            leaving=_recordings(card, LEAVING),
            opened_under={name: v.opened_under for name, v in verdicts if v.opened_under},
            unfinished={name for name, v in verdicts if v.integrity == UNFINISHED},
            never_begun={
                name
                for name, v in verdicts
                if v.provenance == NOT_SIGNED and self.never_begun(name)
            },
        )
        return [*self.findings, *custody.judge(self.journal, lying, self.known)]


def look(
    card: Folder,
    registry: Registry,
    station: Folder | None,
    watch: Callable[[str], Progress] | None = None,
) -> Look:
    """The first look at a card; raises CardError where it cannot be read at all."""
    notes: list[str] = []
    findings: list[Finding] = []
    if card.kind(RECORDINGS) is None:
        findings.append(finding("no-card"))
    names = _names(card, notes)
    blank = not names and not (card.kind(journals.FILE) and card.size(journals.FILE))
    if blank and not findings:
        return Look(names, None, None, [finding("empty")], notes)
    progress = watch(journals.FILE) if watch else None
    journal = _journal(card, registry, findings, progress)
    known = None
    if journal is not None and station is not None:
        known = _recall(station, card, journal, notes)
    return Look(names, journal, known, findings, notes)


def examine_card(
    card: Folder,
    registry: Registry,
    station: Folder | None = None,
    watch: Callable[[str], Progress] | None = None,
) -> CardReport:
    """The report on a card; `station` is the folder of a station, if there is one to ask.

    Raises CardError where the card cannot be read at all.
    """
    looked = look(card, registry, station, watch)
    heads = _Heads(station, looked)
    verdicts = []
    for name in looked.names:
        with card.folder(RECORDINGS) as folder, folder.folder(name) as one:
            verdicts.append((name, examine(one, registry, heads, watch(name) if watch else None)))
    return CardReport(
        looked.device,
        [
            (name, verdict)
            for name, verdict in verdicts
            if verdict.provenance != NOT_SIGNED or not looked.never_begun(name)
        ],
        looked.judge(card, verdicts),
        looked.notes,
        () if station else WITHOUT_STATION,
    )


def _names(card: Folder, notes: list[str]) -> list[str]:
    """The names of the recordings on a card; anything else there is noted."""
    if card.kind(RECORDINGS) is None:
        return []
    with card.folder(RECORDINGS) as folder:
        names = folder.names()
    found = [name for name, kind in names if kind == "folder" and REC_ID.fullmatch(name)]
    others = [name for name, kind in names if kind != "folder" or not REC_ID.fullmatch(name)]
    if others:
        some = ", ".join(shown(name) for name in others[:5]) + (", …" if len(others) > 5 else "")
        what = "thing that is no recording was" if len(others) == 1 else "things that are none were"
        notes.append(f"{len(others)} {what} left alone: {some}")
    return found


def _journal(
    card: Folder, registry: Registry, findings: list[Finding], progress: Progress | None
) -> Journal | None:
    """The card's journal, with those that the camera put aside before; None where there is none."""
    try:
        journal = journals.read(card, registry, progress=progress)
    except EvidenceError as error:
        why = error.what.removeprefix(journals.FILE).strip().rstrip(".")
        why, then = why[:1].lower() + why[1:], error.do or _NO_JOURNAL
        findings.append(finding("no-journal", journals.FILE, why=why, then=then))
        return None
    earlier = []
    if card.kind(UNSIGNED) == "folder":
        with card.folder(UNSIGNED) as folder:
            aside = [n for n, kind in folder.names() if n.startswith("journal.") and kind == "file"]
            for name in [n for n in aside if ".jsonl" in n][:MAX_EARLIER]:
                try:
                    one = journals.read(folder, registry, name)
                except EvidenceError:
                    continue  # not even its first line is good: it says nothing
                if one.device == journal.device:
                    earlier.append(one)
        if aside:
            count = f"{len(aside)} piece{'s' * (len(aside) != 1)}"
            findings.append(finding("put-aside", UNSIGNED, count=count))
    return journals.joined(journal, earlier) if earlier else journal


def _recall(station: Folder, card: Folder, journal: Journal, notes: list[str]) -> Known:
    """What the station knows of the camera whose journal this is."""
    try:
        heads = witness.load(station, journal.device)
    except EvidenceError as error:
        notes.append(f"What the station knew before cannot be read: {error}")
        heads = {}
    return Known(
        relation=journals.compare(station, card, journal),
        heads=heads,
        elsewhere=journals.other_openings(station, journal),
        stored=_recordings(station, RECORDINGS),
        receipts=_recordings(station, RECEIPTS, ".receipt"),
    )


class _Heads:
    """What a ledger must hold: what the station saw, and what the journal on this card says."""

    def __init__(self, station: Folder | None, looked: Look) -> None:
        self._station = station
        self._device = looked.device
        seen = looked.known.heads if looked.known else {}
        self._heads: dict[str, list[Head]] = {rec: [*heads] for rec, heads in seen.items()}
        for rec, head in looked.journal.heads if looked.journal else ():
            known = self._heads.setdefault(rec, [])
            if all(one.head != head for one in known):
                known.append(Head(rec, head, "", witness.BY_CARD))

    def __call__(self, device: str) -> Heads:
        """By recording of this camera; raises EvidenceError."""
        if device == self._device:
            return self._heads
        return witness.load(self._station, device) if self._station else {}


def _recordings(folder: Folder, name: str, suffix: str = "") -> frozenset[str]:
    """The recordings that lie in a folder of that name, if there is one."""
    if folder.kind(name) != "folder":
        return frozenset()
    with folder.folder(name) as inside:
        names = [one.removesuffix(suffix) for one, _ in inside.names() if one.endswith(suffix)]
    return frozenset(one for one in names if REC_ID.fullmatch(one))
