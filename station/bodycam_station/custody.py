"""What ought to be on a card, held against what is: nothing here reads or writes a file.

The camera's journal says what there must be: each recording is opened there before its folder is
made, and leaves only after a station's receipt. What does not fit is a finding, with what to do.
"""

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from bodycam.evidence.ledger import parse_rec
from bodycam_station.journals import (
    ANOTHER,
    CLOSE,
    DAMAGED,
    DELETED,
    FORKED,
    OLDER,
    OPEN,
    RECEIPT,
    RECOVERED,
    Journal,
    Relation,
    missing,
)
from bodycam_station.witness import Heads

WRONG, UNSETTLED, NOTE = 1, 3, 0
"""How much a finding weighs: the exit code that it gives."""
WEIGHTS = {WRONG: "wrong", UNSETTLED: "unsettled", NOTE: "note"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a card that somebody has to know."""

    code: str
    """A key of FINDINGS."""
    about: str
    """A recording, a file, or empty for the card as a whole."""
    what: str
    do: str
    weight: int
    """`WRONG`, `UNSETTLED` or `NOTE`."""

    def __str__(self) -> str:
        return f"{self.about}: {self.what}" if self.about else self.what

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "code": self.code,
            "about": self.about,
            "what": self.what,
            "do": self.do,
            "weight": WEIGHTS[self.weight],
        }


FINDINGS: Mapping[str, tuple[int, str, str]] = {
    # What the journal says and the card does not have.
    "missing": (
        WRONG,
        "it was begun, and it is neither here{or_there} nor deleted against a receipt",
        "Ask who had this card since, and look for another card of {device}.",
    ),
    "pending": (
        UNSETTLED,
        "it was begun, and nothing of it is here: power or card failed in that moment, or it was "
        "taken away",
        "Put the card back and let the camera start once; if the camera had run on after it, ask "
        "who had this card.",
    ),
    "deleted-alone": (
        WRONG,
        "the camera says that it deleted it, and had no receipt for it",
        "Keep the card as it is, and ask who maintains the camera: our software never does it.",
    ),
    "receipt-unknown": (
        WRONG,
        "the camera deleted it against a receipt that this station has not given, and it is not in "
        "the store",
        "Ask the other stations that enrolled {device}, and look at this one's backups.",
    ),
    "vanished": (
        WRONG,
        "the station has seen it, and no journal that it knows has it",
        "The card is older than that, or it is another one: look for another card of {device}.",
    ),
    "gap": (
        WRONG,
        "between it and the one before, {count} were counted that no journal here has",
        "The journal is older than the camera's count: look for another card of {device}.",
    ),
    "count-back": (
        WRONG,
        "its number is not greater than that of the one before",
        "Two journals were made into one, or a key was copied: take {device} out of service.",
    ),
    # What the card has and the journal does not say.
    "stranger": (
        WRONG,
        "it is a recording of {owner}, and this is a card of {device}",
        "Find out who copied it here, and look for the card of {owner}.",
    ),
    "unknown": (
        WRONG,
        "the journal does not know it",
        "It was copied here, or the journal is older than it: look for another card of {device}.",
    ),
    "opened-elsewhere": (
        WRONG,
        "it was begun under another line of the journal than the one here",
        "This card began as a copy, or its journal was exchanged: look for the other card.",
    ),
    "unended": (
        UNSETTLED,
        "the camera has started since, and has not ended it",
        "Put the card back and let the camera start once; if it stays so, get another card.",
    ),
    "said-damaged": (
        NOTE,
        "the camera itself found it damaged, and left it as it was",
        "Import sets it aside; keep the card until somebody has looked at it.",
    ),
    "void": (
        UNSETTLED,
        "the power was cut before its first line was whole: nothing of it is signed",
        "Nothing, if somebody remembers such a cut.",
    ),
    "deleting": (
        NOTE,
        "it is acknowledged, and the camera is about to delete it",
        "Nothing.",
    ),
    "hidden": (
        WRONG,
        "it lies in leaving, and the camera does not say that it deletes it",
        "Keep the card as it is: look at a copy of it, with this folder back in recordings.",
    ),
    "not-copied": (
        WRONG,
        "it could not be taken in: {why}",
        "Keep the card, and look at this recording's folder.",
    ),
    # The card and its journal as a whole.
    "no-card": (
        WRONG,
        "there is no folder `recordings`: this is not a camera's card",
        "Give the folder where the card is mounted.",
    ),
    "empty": (
        UNSETTLED,
        "no recording lies here, and the journal has no line",
        "If it was ever in a camera, keep it: somebody emptied it. If it is new, let a camera "
        "start with it.",
    ),
    "put-aside": (
        NOTE,
        "it holds {count} of journals that the camera could not go on with",
        "Nothing, if somebody remembers a power cut; look at the card's health if it comes often.",
    ),
    "no-journal": (
        WRONG,
        "{why}",
        "{then}",
    ),
    "journal-damaged": (
        WRONG,
        "it is damaged: {why}",
        "What comes after that line proves nothing: keep the card, and compare it with an earlier "
        "import.",
    ),
    "journal-torn": (
        NOTE,
        "its last line is not whole, as a power cut leaves it",
        "Nothing: the camera goes on before it.",
    ),
    "older": (
        WRONG,
        "it lacks {count} that an earlier import saw: the card was rolled back",
        "Somebody put an older copy in its place: look for the card that has them, and take "
        "{device} out of service.",
    ),
    "forked": (
        WRONG,
        "from line {line} on it is another than the one that was here at an earlier import",
        "There are two cards that were one, or the journal was changed: take {device} out of "
        "service and look for the other card.",
    ),
    "another": (
        NOTE,
        "this is another journal of {device} than on earlier imports",
        "Nothing, if the camera got a new card.",
    ),
    "boot-again": (
        WRONG,
        "lines of the boot {boot} come again after those of a later one",
        "No camera writes that: its key was used elsewhere. Take {device} out of service.",
    ),
    "boots-cut": (
        NOTE,
        "{cut} of {boots} ended without going off: the power was cut, or the program broke",
        "Look at the battery, if nobody remembers that.",
    ),
}
"""By code: the weight, what it is, what to do about it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a station knows of this camera beside the card."""

    relation: Relation
    """Of the card's journal to the one that was kept."""
    heads: Heads = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Recordings that other journals of this camera opened, and the digests of those lines."""
    stored: AbstractSet[str] = frozenset()
    receipts: AbstractSet[str] = frozenset()
    """Recordings that the station has given a receipt for."""

    def has_seen(self, rec: str) -> bool:
        """Whether a signed line of it was seen; one that came unchecked says nothing here."""
        return any(not head.line for head in self.heads.get(rec, ()))


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies on the card."""

    recordings: AbstractSet[str]
    leaving: AbstractSet[str] = frozenset()
    """What the camera is deleting."""
    opened_under: Mapping[str, str] = field(default_factory=dict)
    """By recording, the line of the journal that its own line 0 names."""
    unfinished: AbstractSet[str] = frozenset()
    never_begun: AbstractSet[str] = frozenset()
    """Those without a first line, where a power cut explains that."""


def judge(journal: Journal, lying: Lying, known: Known | None) -> Iterator[Finding]:
    """All findings on a card whose journal is signed by the camera; `known` is a station's."""
    yield from _journal(journal, known)
    yield from _boots(journal)
    yield from _counts(journal, known)
    yield from _absent(journal, lying, known)
    yield from _present(journal, lying, known)


def finding(code: str, about: str = "", **words: object) -> Finding:
    """A finding of the table."""
    weight, what, do = FINDINGS[code]
    return Finding(code, about, what.format(**words), do.format(**words), weight)


def never_begun(journal: Journal, rec: str, known: Known | None) -> bool:
    """Whether a power cut explains that a recording has no first line: nobody ever saw one."""
    seen = known is not None and known.has_seen(rec)
    return not seen and (journal.is_void(rec) or _awaits_start(journal, rec))


def _awaits_start(journal: Journal, rec: str) -> bool:
    """Whether it was opened and not ended yet: the camera does that at its next start."""
    return journal.told.get(rec) == [OPEN] and not _started_since(journal, rec)


def _started_since(journal: Journal, rec: str) -> bool:
    """Whether a later start came to its end; one that was cut short has written no `boot`."""
    return any(boot.begun for boot in journal.boots[journal.opened_in[rec] + 1 :])


def _journal(journal: Journal, known: Known | None) -> Iterator[Finding]:
    about = "journal.jsonl"
    if journal.problem:
        yield finding("journal-damaged", about, why=journal.problem.rstrip("."))
    if journal.torn:
        yield finding("journal-torn", about)
    relation = known.relation if known else Relation("")
    if relation.kind == OLDER:
        yield finding("older", about, count=_count(relation.lacking, "line"), device=journal.device)
    if relation.kind == FORKED:
        yield finding("forked", about, line=relation.line, device=journal.device)
    if relation.kind == ANOTHER:
        yield finding("another", about, device=journal.device)


def _boots(journal: Journal) -> Iterator[Finding]:
    for boot in journal.boots:
        if boot.again:
            yield finding("boot-again", "journal.jsonl", boot=boot.id, device=journal.device)
    past = journal.boots[:-1]  # the last one may go on
    cut = sum(not boot.ended for boot in past)
    if cut:
        boots = _count(len(past), "boot")
        yield finding("boots-cut", "journal.jsonl", cut=cut, boots=boots)


def _counts(journal: Journal, known: Known | None) -> Iterator[Finding]:
    """The camera counts its recordings, whatever card is in it."""
    others = (
        {*known.elsewhere, *filter(known.has_seen, known.heads), *known.stored}
        if known
        else set[str]()
    )
    seen = {_number(rec) for rec in others if parse_rec(rec).device == journal.device}
    openings = [*journal.openings]
    first = _number(openings[0]) if openings else 0
    before = max((number for number in seen if number < first), default=first - 1)
    for rec in openings:
        number = _number(rec)
        lacking = number - before - 1 - sum(before < one < number for one in seen)
        if lacking > 0:
            yield finding("gap", rec, count=_count(lacking, "recording"), device=journal.device)
        elif number <= before:
            yield finding("count-back", rec, device=journal.device)
        before = number


def _number(rec: str) -> int:
    return parse_rec(rec).counter


def _absent(journal: Journal, lying: Lying, known: Known | None) -> Iterator[Finding]:
    """What was opened, or seen, and does not lie here."""
    stored = known.stored if known else frozenset[str]()
    here = lying.recordings | lying.leaving | stored
    or_there = ", nor in the store," if known else ""
    seen = {*filter(known.has_seen, known.heads)} if known else set[str]()
    for rec in (*missing(journal, here), *sorted(journal.void & seen - here)):
        if never_begun(journal, rec, known):
            yield finding("pending", rec)
        else:
            yield finding("missing", rec, or_there=or_there, device=journal.device)
    for rec in sorted(journal.gone - journal.void):
        told = journal.told[rec]
        if RECEIPT not in told[: told.index(DELETED)]:
            yield finding("deleted-alone", rec)
        elif known and rec not in here | known.receipts:
            yield finding("receipt-unknown", rec, device=journal.device)
    elsewhere = known.elsewhere if known else {}
    for rec in sorted(seen - {*journal.openings} - {*elsewhere} - here):
        yield finding("vanished", rec, device=journal.device)


def _present(journal: Journal, lying: Lying, known: Known | None) -> Iterator[Finding]:
    """What lies here, and whether the journal knows it."""
    elsewhere = known.elsewhere if known else {}
    for rec in sorted(lying.recordings):
        owner = parse_rec(rec).device
        opened = journal.openings.get(rec) or elsewhere.get(rec)
        under = lying.opened_under.get(rec)
        if owner != journal.device:
            yield finding("stranger", rec, owner=owner, device=journal.device)
        elif opened is None:
            if not journal.problem:  # else its opening may stand behind the bad line
                yield finding("unknown", rec, device=journal.device)
        elif under is not None and under != opened:
            yield finding("opened-elsewhere", rec)
        else:
            yield from _ended(journal, rec, lying)
    for rec in sorted(lying.leaving):
        yield finding("deleting" if DELETED in journal.told.get(rec, ()) else "hidden", rec)


def _ended(journal: Journal, rec: str, lying: Lying) -> Iterator[Finding]:
    told = journal.told.get(rec, ())
    if rec in lying.never_begun:
        yield finding("void", rec)
    elif DAMAGED in told:
        yield finding("said-damaged", rec)
    elif DELETED in told:
        yield finding("deleting", rec)
    elif (
        rec in lying.unfinished
        and rec in journal.openings
        and _started_since(journal, rec)
        and not {CLOSE, RECOVERED} & {*told}
    ):
        yield finding("unended", rec)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def worst(weights: Collection[int]) -> int:
    """The exit code of all of them together."""
    return next((code for code in (WRONG, UNSETTLED) if code in weights), 0)
