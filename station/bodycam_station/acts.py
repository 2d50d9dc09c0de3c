"""The station's own chain: who did what, and why, each act written down before it is done.

`station.jsonl` is in the strict form of all signed lines: dom bodycam-station-1, the station's key.
Person, purpose and details stand in `body`, base64 of JSON, because lines hold plain ASCII only.
"""

import base64
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bodycam.errors import LineError, UsageError
from bodycam.evidence.chain import Chain, Forms, check
from bodycam.evidence.keys import PublicKey, SigningKey
from bodycam.evidence.lines import MAX_LINE_BYTES, Line, unbase64, walk
from bodycam_station import documents
from bodycam_station.documents import Json
from bodycam_station.files import Folder, pieces

DOM = "bodycam-station-1"
FILE = "station.jsonl"
LOCK = "station.lock"
MAX_TEXT = 500
"""Letters in a person's name or a purpose."""

KINDS = (
    "init", "enroll", "revoke", "certify", "configure", "import", "receipt", "label", "view",
    "export", "delete", "failed", "repaired",
)  # fmt: skip
"""`failed` says that the act of line `act` was not done; `repaired` that a torn line was moved."""

_FORMS: Forms = {
    "utc": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "about": re.compile(r"[a-z0-9-]{0,100}"),
    "body": re.compile(r"[A-Za-z0-9+/]+={0,2}"),
}

Now = Callable[[], datetime]
"""The time of day, in UTC."""


@dataclass(frozen=True, slots=True)
class Act:
    """One line."""

    seq: int
    kind: str
    utc: str
    about: str
    """A camera, a recording, or empty."""
    person: str
    purpose: str
    details: Json


def stamp(now: datetime) -> str:
    """A time as all our documents write it: `2026-11-23T14:05:09Z`."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def checked_text(value: str, what: str) -> str:
    """A person or a purpose as it was typed; raises UsageError where it is not one line of text."""
    text = value.strip()
    if not text or len(text) > MAX_TEXT or not text.isprintable():
        raise UsageError(
            f"{what} must be one line of 1 to {MAX_TEXT} letters.", do="Give it in quotes."
        )
    return text


class Acts:
    """The chain in a station's folder. Several commands may append at the same time."""

    def __init__(self, folder: Folder, station: str, key: SigningKey, now: Now) -> None:
        self._folder = folder
        self._station = station
        self._key = key
        self._now = now

    def add(
        self, kind: str, about: str, *, person: str, purpose: str = "", **details: object
    ) -> int:
        """Write an act down, durable at return; the number of its line.

        Raises LineError where the chain's last line is not ours, UsageError for unusable text.
        """
        body: Json = {"person": checked_text(person, "A person's name")}
        if purpose:
            body["purpose"] = checked_text(purpose, "A purpose or reason")
        body |= details
        own: dict[str, str | int] = {
            "utc": stamp(self._now()),
            "about": about,
            "body": base64.b64encode(documents.encode(body)[:-1]).decode(),
        }
        check(own, _FORMS)
        with self._folder.locked(LOCK):
            chain = self._end()
            seq = chain.seq
            self._folder.append(FILE, chain.add(kind, own, self._key.sign))
        return seq

    def read(self, take: Callable[[Act], None]) -> None:
        """Give every act from the first one to `take`; raises LineError at the first bad line."""
        if self._folder.kind(FILE) is None:
            return
        reader = _Reader(self._station, self._key.public)
        with self._folder.open(FILE) as file:
            extent = walk(pieces(file), lambda raw: take(reader.take(raw)))
        if extent.problem is not None:
            raise LineError(f"{FILE} is damaged. {extent.problem}")

    def _end(self) -> Chain:
        """Where the chain stands, from its last line; a torn one is moved aside first."""
        if self._folder.kind(FILE) is None:
            return Chain(DOM, ("station", self._station))
        with self._folder.open(FILE) as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - 2 * MAX_LINE_BYTES)
            file.seek(start)
            tail = file.read(2 * MAX_LINE_BYTES)
        end = tail.rfind(b"\n") + 1
        if end < len(tail):
            return self._repair(start + end, tail[end:])
        if not tail:
            return Chain(DOM, ("station", self._station))
        line = Line.parse(tail[tail.rfind(b"\n", 0, -1) + 1 :])
        line.verify(self._key.public)
        seq = line.fields.get("seq")
        if line.fields.get("dom") != DOM or not isinstance(seq, int):
            raise LineError(f"The last line of {FILE} is not of a station's chain.")
        return Chain(DOM, ("station", self._station), seq=seq + 1, head=line.digest)

    def _repair(self, size: int, torn: bytes) -> Chain:
        """Cut off what a power cut left, keep it beside the chain, and say so in the chain."""
        self._folder.replace(f"{FILE}.torn-{size}", torn)
        self._folder.truncate(FILE, size)
        chain = self._end()
        body = documents.encode({"person": "bodycam-station", "bytes": len(torn)})[:-1]
        own = {"utc": stamp(self._now()), "about": "", "body": base64.b64encode(body).decode()}
        self._folder.append(FILE, chain.add("repaired", own, self._key.sign))
        return chain


class _Reader:
    """Follows the chain line by line."""

    def __init__(self, station: str, key: PublicKey) -> None:
        self._chain = Chain(DOM, ("station", station))
        self._key = key

    def take(self, raw: bytes) -> Act:
        """Check and read the next line; raises EvidenceError."""
        line = Line.parse(raw)
        seq = self._chain.seq
        kind, own = self._chain.read(line)
        check(own, _FORMS)
        line.verify(self._key)
        if kind not in KINDS:
            raise LineError(f"The act {kind} is not known here.")
        body = documents.parse(unbase64(str(own["body"])), "Its body")
        person, purpose = (str(body.pop(name, "")) for name in ("person", "purpose"))
        self._chain.step(line)
        return Act(seq, kind, str(own["utc"]), str(own["about"]), person, purpose, body)
