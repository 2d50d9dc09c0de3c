"""What is on a card after a cut, held against what had been promised before it.

Only the station's own means are used: its verifier, its reader, its journal check.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tools.powercut import film, words
from tools.powercut.words import Said

from bodycam.errors import BodycamError
from bodycam.evidence.ledger import Object, parse_rec
from bodycam_station import contents, journals
from bodycam_station.age_reader import Identity
from bodycam_station.card import examine_card
from bodycam_station.custody import WRONG
from bodycam_station.files import Folder
from bodycam_station.registry import Registry
from bodycam_station.verify import (
    INCOMPLETE,
    NOT_SIGNED,
    OK,
    UNFINISHED,
    Verdict,
    examine,
)

JOURNAL = "journal.jsonl"
LEDGER = "ledger.jsonl"
RECORDINGS = "recordings"
VOID = "void"
"""Beside the station's verdicts: opened in the journal, and nothing signed came of it."""
NOT_OBJECTS = ("open", "close", "recovered")


@dataclass(slots=True)
class Promises:
    """What the guest said was durable, over all lives of a card."""

    lines: dict[str, dict[int, tuple[str, str]]] = field(default_factory=dict)
    """By path and number, a line's kind and digest."""
    closed: set[str] = field(default_factory=set)
    """Recordings said to be closed and signed."""

    def take(self, said: Said) -> None:
        """Note a promise; anything else is no concern here."""
        if said.word == words.DURABLE:
            path, seq, kind, digest = said.args
            self.lines.setdefault(path, {})[int(seq)] = (kind, digest)
        elif said.word == words.CLOSED:
            self.closed.add(said.args[0])

    def objects(self) -> int:
        """How many objects have been promised."""
        return sum(
            kind not in NOT_OBJECTS
            for path, lines in self.lines.items()
            if path != JOURNAL
            for kind, _ in lines.values()
        )

    def recordings(self) -> set[str]:
        """Those of which anything was promised."""
        return {path.split("/")[1] for path in self.lines if path.startswith(f"{RECORDINGS}/")}


@dataclass(slots=True)
class Look:
    """What was found on a card."""

    verdicts: dict[str, str] = field(default_factory=dict)
    """By recording."""
    lost: list[str] = field(default_factory=list)
    """Promises that were not kept, each in words."""
    gone: set[tuple[str, int]] = field(default_factory=set)
    """Promised objects among them: recording and number."""
    wrong: list[str] = field(default_factory=list)
    """What no power cut explains."""
    objects: dict[str, tuple[Object, ...]] = field(default_factory=dict)
    """By recording, those with a line and a good file."""


class Judge:
    """Looks at copies of one card."""

    def __init__(self, registry: Registry, identity: Identity) -> None:
        self._registry = registry
        self._identities = [identity]
        self._first = ""

    def look(self, card: Path, promises: Promises, *, at_rest: bool) -> Look:
        """`at_rest`: nothing was cut since recovery, so nothing may be unfinished."""
        look = Look()
        with Folder(card) as folder:
            voids = self._journal(card, folder, promises, look, at_rest=at_rest)
            if _bytes(card / JOURNAL):
                report = examine_card(folder, self._registry)
                look.wrong += [str(one) for one in report.findings if one.weight == WRONG]
        for path in sorted((card / RECORDINGS).glob("*")):
            self._recording(path, promises, look, void=path.name in voids, at_rest=at_rest)
        self._kept(card, promises, look)
        return look

    def pictures(self, card: Path, look: Look, rec: str) -> list[int | None]:
        """The numbers of a recording's pictures that have a line, in order."""
        parts: list[bytes] = []
        with Folder(card / RECORDINGS / rec) as folder:
            for item in look.objects.get(rec, ()):
                if item.kind in contents.FILM:
                    parts.append(b"".join(contents.plain(folder, item, self._identities)))
        return film.numbers(parts) if len(parts) > 1 else []

    # ---- inside ----------------------------------------------------------------------------------

    def _journal(
        self, card: Path, folder: Folder, promises: Promises, look: Look, *, at_rest: bool
    ) -> set[str]:
        """Whether it is one chain; the recordings that it says are void."""
        aside = [path.name for path in card.glob("unsigned/journal.*.jsonl")]
        if aside:
            look.wrong.append(f"the journal was begun anew: {aside[0]}")
        data = _bytes(card / JOURNAL)
        if not data and not promises.lines.get(JOURNAL):
            return set()
        try:
            journal = journals.read(folder, self._registry)
        except BodycamError as error:
            look.wrong.append(f"the journal cannot be read: {error}")
            return set()
        self._first = self._first or journal.first
        if journal.first != self._first:
            look.wrong.append("the journal is another one than before")
        if journal.problem or (at_rest and journal.valid_bytes != len(data)):
            look.wrong.append(f"the journal is not one chain: {journal.problem or 'a torn line'}")
        present = [path.name for path in (card / RECORDINGS).glob("*")]
        missing = journals.missing(journal, present)
        newest = max(journal.openings, key=lambda rec: parse_rec(rec).counter, default="")
        for rec in missing:
            if at_rest or rec != newest or rec in promises.recordings():
                look.wrong.append(f"{rec} was opened and is neither here nor void")
        return set(journal.gone)

    def _recording(
        self, path: Path, promises: Promises, look: Look, *, void: bool, at_rest: bool
    ) -> None:
        rec = path.name
        with Folder(path) as folder:
            verdict = examine(folder, self._registry)
        look.verdicts[rec] = verdict.integrity
        if verdict.provenance == NOT_SIGNED and rec not in promises.recordings():
            look.verdicts[rec] = VOID
            if at_rest and not void:
                look.wrong.append(f"{rec} is void and the journal does not say so")
            return
        allowed = (OK, INCOMPLETE) if at_rest else (OK, INCOMPLETE, UNFINISHED)
        if verdict.integrity not in allowed:
            look.wrong.append(f"{rec} is {verdict.integrity}: {_why(verdict)}")
        if rec in promises.closed and verdict.integrity != OK:
            look.lost.append(f"{rec} was said to be closed and is {verdict.integrity}")
        look.objects[rec] = tuple(
            item for item in verdict.objects if item.name not in verdict.bad_objects
        )

    def _kept(self, card: Path, promises: Promises, look: Look) -> None:
        """Whether every promised line is there, and behind it a good object."""
        for path, promised in promises.lines.items():
            rec = "" if path == JOURNAL else path.split("/")[1]
            found = _bytes(card / path).splitlines()
            good = {item.seq for item in look.objects.get(rec, ())}
            for seq, (kind, digest) in promised.items():
                line = found[seq] if seq < len(found) else b""
                is_object = bool(rec) and kind not in NOT_OBJECTS
                if hashlib.sha256(line).hexdigest() != digest:
                    look.lost.append(f"{path}: line {seq} ({kind}) is not there")
                elif is_object and seq not in good:
                    look.lost.append(f"{rec}: object {seq} ({kind}) is not what its line says")
                else:
                    continue
                if is_object:
                    look.gone.add((rec, seq))


def whole(numbers: Sequence[int | None]) -> bool:
    """Whether no picture is missing between the first and the last."""
    return not numbers or numbers == list(range(numbers[0] or 0, (numbers[0] or 0) + len(numbers)))


def _why(verdict: Verdict) -> str:
    return "; ".join(map(str, verdict.problems[:2])) or verdict.provenance


def _bytes(path: Path) -> bytes:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return b""
