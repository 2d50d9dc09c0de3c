"""What the station has seen of recordings at other times: the heads that a ledger must still hold.

`witness/ID.jsonl` is an index, a line of JSON for each head: from imports and journals, and from
what cameras report over the network. A ledger that lacks a head seen elsewhere was cut or
replaced.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from bodycam.errors import EvidenceError
from bodycam.evidence.chain import HEX64
from bodycam.evidence.ledger import REC_ID, parse_rec
from bodycam.evidence.lines import MAX_LINE_BYTES, split
from bodycam_station import documents
from bodycam_station.files import Folder, pieces

FOLDER = "witness"
BY_IMPORT = "import"
BY_JOURNAL = "journal"
BY_NETWORK = "network"
BY_CARD = "card"
"""From the journal that lies on the same card as the recording: nobody has seen it before."""
_BY = re.compile(r"[a-z]{1,16}")


@dataclass(frozen=True, slots=True)
class Head:
    """The digest of a ledger line of this recording, and how the station knows it."""

    rec: str
    head: str
    """64 hexadecimal digits."""
    utc: str
    """When the station first saw it; empty where only the card says it."""
    by: str
    """`import`, `journal`, or `network`: as the camera reported it while it was in use; or `card`,
    which is never kept."""
    line: str = ""
    """The line itself, where its signature could not be checked when it came: only the ledger says
    by which key its lines are signed, and whoever has that checks it."""


Heads = Mapping[str, Sequence[Head]]
"""By recording."""


def load(station: Folder, device: str) -> Heads:
    """All heads of a camera's recordings; raises EvidenceError where the index is damaged."""
    found: dict[str, list[Head]] = {}
    if station.kind(FOLDER) is None:
        return found
    with station.folder(FOLDER) as folder:
        if folder.kind(f"{device}.jsonl") is None:
            return found
        with folder.open(f"{device}.jsonl") as file:
            for line in split(pieces(file)):
                head = _head(line, f"{FOLDER}/{device}.jsonl")
                found.setdefault(head.rec, []).append(head)
    return found


def add(station: Folder, device: str, heads: Iterable[Head]) -> None:
    """Remember heads that are not known yet, durable at return."""
    known = {(h.rec, h.head) for heads in load(station, device).values() for h in heads}
    new = [head for head in heads if (head.rec, head.head) not in known]
    if new:
        with station.make(FOLDER) as folder:
            folder.append(f"{device}.jsonl", b"".join(documents.encode(_fields(h)) for h in new))


def _fields(head: Head) -> documents.Json:
    fields: documents.Json = {"v": 1, **asdict(head)}
    if not head.line:
        del fields["line"]
    return fields


def _head(line: bytes, what: str) -> Head:
    fields = documents.parse(line, f"A line of {what}")
    documents.known_version(fields, f"A line of {what}")
    rec, head, utc, by = (documents.text(fields, n, what) for n in ("rec", "head", "utc", "by"))
    kept = documents.text(fields, "line", what, limit=MAX_LINE_BYTES) if "line" in fields else ""
    if not (REC_ID.fullmatch(rec) and HEX64.fullmatch(head) and _BY.fullmatch(by)):
        raise EvidenceError(f"A line of {what} is not well formed.", do="Restore it from a backup.")
    parse_rec(rec)
    return Head(rec, head, utc, by, kept)
