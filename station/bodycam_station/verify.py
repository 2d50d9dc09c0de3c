"""The verdict on a recording's folder, from public things only: no secret key is needed.

Three answers. Integrity: is it whole and unchanged? Provenance: whose is it? Anchoring: what did
the station know of it before? Whatever the folder holds, the answer is a verdict, no exception.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bodycam.errors import BodycamError, EvidenceError, SignatureError
from bodycam.evidence import sshsig
from bodycam.evidence.keys import SSH_NAMES, PublicKey
from bodycam.evidence.ledger import (
    DOM,
    MAX_LEDGER_BYTES,
    OBJECT_NAME,
    REC_ID,
    LedgerReading,
    Object,
    read_ledger,
)
from bodycam.evidence.lines import Line
from bodycam_station.files import Folder, pieces, shown
from bodycam_station.registry import NOT_STATED, DeviceKey, Registry
from bodycam_station.witness import BY_CARD, Head, Heads

LEDGER = "ledger.jsonl"
SIG = "ledger.jsonl.sig"
UNSIGNED = "unsigned"
NAMESPACE = "bodycam-recording"
MAX_OBJECT_BYTES = 256 * 1024 * 1024
"""No object is as long: a GOP has a few megabytes. Longer files are not read."""
MAX_PROBLEMS = 1000
"""The most problems that a verdict lists; what is beyond is counted."""

OK, INCOMPLETE, UNFINISHED, NOT_OK = "ok", "incomplete", "unfinished", "not-ok"
KNOWN, UNKNOWN, NOT_SIGNED = "known", "unknown", "not signed"

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a recording is not ok: a file of it, and what is wrong there."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be said of a recording."""

    rec: str
    """Its name as its ledger has it; empty where no ledger says it."""
    device: str
    integrity: str
    """`ok`, `incomplete`, `unfinished` or `not-ok`."""
    provenance: str
    """`known`, `unknown` or `not signed`."""
    key: str
    """`software`, `hardware` or `not stated` for a known camera, empty otherwise."""
    anchored: Head | None
    """The latest known state that the ledger holds."""
    anchored_seq: int
    """The number of that state's line; -1 where the recording is not anchored."""
    last_seq: int
    """The number of the last good line; -1 where there is none."""
    problems: tuple[Problem, ...]
    """Empty unless integrity is `not-ok`."""
    notes: tuple[str, ...]
    """What else to know; none of it makes the recording less than it is."""
    ledger_sha256: str = ""
    head: str = ""
    """The digest of the last good line."""
    sealed_bytes: int = 0
    """Of all objects together."""
    objects: tuple[Object, ...] = field(default=(), repr=False)
    """Those with a good line, whether or not their files are good."""
    bad_objects: frozenset[str] = field(default=frozenset(), repr=False)
    """The names of objects whose files are missing or not the ones signed."""
    recipients: str = ""
    opened_under: str = ""
    """The digest of the journal's line that line 0 names."""

    @property
    def exit_code(self) -> int:
        """1 for not-ok or unknown, 3 for incomplete or unfinished, 0 for ok."""
        if self.integrity == NOT_OK or self.provenance != KNOWN:
            return 1
        return 0 if self.integrity == OK else 3

    @property
    def anchoring(self) -> str:
        """In words."""
        if self.anchored is None:
            return "not anchored"
        return (
            f"anchored to line {self.anchored_seq} of {self.last_seq}, "
            f"first seen {self.anchored.utc} ({_BY[self.anchored.by]})"
        )

    @property
    def provenance_text(self) -> str:
        """In words."""
        if self.provenance == KNOWN:
            how = "" if self.key == NOT_STATED else f", {self.key} key"
            return f"known: {self.device}{how}"
        return self.provenance

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "rec": self.rec,
            "device": self.device,
            "integrity": self.integrity,
            "provenance": self.provenance,
            "key": self.key,
            "anchoring": self.anchoring,
            "anchored_seq": self.anchored_seq,
            "last_seq": self.last_seq,
            "ledger_sha256": self.ledger_sha256,
            "objects": len(self.objects),
            "bytes": self.sealed_bytes,
            "problems": [{"where": p.where, "what": p.what} for p in self.problems],
            "notes": [*self.notes],
        }


_BY = {
    "import": "at an import",
    "journal": "in the camera's journal",
    "network": "over the network, while it was recorded",
}
_CARD = "that the journal on this card names"


def examine(
    folder: Folder,
    registry: Registry,
    heads: Callable[[str], Heads] | None = None,
    progress: Progress | None = None,
    problems: Sequence[Problem] = (),
) -> Verdict:
    """The verdict on a recording's folder; `heads` gives what is known of a camera's recordings.

    `problems` were found before, when the folder was copied.
    """
    return _Examination(folder, registry, heads or _nothing, progress, problems).verdict()


def _nothing(_device: str) -> Mapping[str, Sequence[Head]]:
    return {}


class _Examination:
    """One look at one folder: collects problems and notes, then judges."""

    def __init__(
        self,
        folder: Folder,
        registry: Registry,
        heads: Callable[[str], Heads],
        progress: Progress | None,
        problems: Sequence[Problem],
    ) -> None:
        self._folder = folder
        self._registry = registry
        self._heads = heads
        self._progress = progress
        self._problems: list[Problem] = [*problems]
        self._notes: list[str] = []
        self._bad: set[str] = set()
        self._unfinished = False

    def verdict(self) -> Verdict:
        data = self._ledger()
        first = _first_line(data)
        if first is None:
            if data:
                self._bad_at(LEDGER, _why_no_first_line(data))
            return self._nothing_signed()
        rec, device = str(first.fields["rec"]), str(first.fields["device"])
        known = self._signer(first, device)
        signer = known.public if known else self._own_signer(first)
        reading = read_ledger(data, rec=rec, device_key=signer)
        if reading.opening is None:
            self._bad_at(LEDGER, f"nothing here is signed: {_lower(reading.problem)}")
            return self._nothing_signed()
        self._name(rec)
        self._ending(reading, data, signer)
        self._objects(reading)
        self._unlisted(reading)
        anchored, anchored_seq = self._anchor(reading, data, known)
        return Verdict(
            rec=rec,
            device=device,
            integrity=self._integrity(reading),
            provenance=KNOWN if known and self._trusted(known, anchored) else UNKNOWN,
            key=known.storage if known else "",
            anchored=anchored,
            anchored_seq=anchored_seq,
            last_seq=reading.seq - 1,
            problems=self._listed(),
            notes=tuple(self._notes),
            ledger_sha256=hashlib.sha256(data).hexdigest(),
            head=reading.head,
            sealed_bytes=sum(o.length for o in reading.objects),
            objects=reading.objects,
            bad_objects=frozenset(self._bad),
            recipients=reading.opening.recipients,
            opened_under=reading.opening.journal,
        )

    def _nothing_signed(self) -> Verdict:
        return Verdict(
            rec="",
            device="",
            integrity=NOT_OK,
            provenance=NOT_SIGNED,
            key="",
            anchored=None,
            anchored_seq=-1,
            last_seq=-1,
            problems=self._listed(),
            notes=tuple(self._notes),
        )

    def _ledger(self) -> bytes:
        try:
            data = self._folder.read(LEDGER, MAX_LEDGER_BYTES)
        except BodycamError as error:
            self._bad_at(
                LEDGER, f"{_without(LEDGER, error.what).rstrip('.')}, so nothing is signed"
            )
            return b""
        if not data:
            self._bad_at(LEDGER, "it is empty, so nothing is signed")
        return data

    def _signer(self, first: Line, device: str) -> DeviceKey | None:
        """The camera's key, as the registry has it, that signed line 0."""
        keys = self._registry.keys(device)
        for key in keys:
            try:
                first.verify(key.public)
            except SignatureError:
                continue
            return key
        if keys:
            self._bad_at(LEDGER, f"it was signed by another key than the ones known of {device}")
        return None

    def _own_signer(self, first: Line) -> PublicKey | None:
        """The key that the closing signature names, if it signed line 0: consistent, not known."""
        try:
            key = _key_in(self._folder.read(SIG, sshsig.MAX_ARMOR_BYTES))
            first.verify(key)
        except BodycamError:
            return None
        return key

    def _name(self, rec: str) -> None:
        """A folder may have any name, but not that of another recording."""
        name = self._folder.path.resolve().name
        if REC_ID.fullmatch(name) and name != rec:
            self._bad_at(LEDGER, f"it is the ledger of {rec}, not of this folder's recording")

    def _ending(self, reading: LedgerReading, data: bytes, signer: PublicKey | None) -> None:
        """How the ledger ends, and the closing signature."""
        if reading.problem is not None:
            if not self._damaged(reading):
                self._unfinished = True
                self._notes.append(
                    f"The last line of the ledger is not whole, as a power cut leaves it "
                    f"({_lower(reading.problem)})."
                )
            else:
                self._bad_at(LEDGER, _lower(reading.problem))
        kind = self._kind(SIG)
        if reading.end != "close":
            self._unfinished |= reading.end is None and not self._damaged(reading)
            if kind is not None:
                self._bad_at(SIG, "a closing signature stands beside a ledger that was not closed")
            return
        if kind is None:
            self._unfinished = True
            self._notes.append("The ledger is closed, but its closing signature is missing.")
            return
        try:
            armor = self._folder.read(SIG, sshsig.MAX_ARMOR_BYTES)
            if not armor.endswith(b"-----END SSH SIGNATURE-----\n"):
                # The recorder writes it last of all: a power cut may have torn it.
                self._unfinished = True
                self._notes.append("The closing signature is cut off, as a power cut leaves it.")
            elif signer is not None:
                sshsig.verify(armor, signer, NAMESPACE, data)
            else:
                raise SignatureError("it is not of the key that signed line 0")
        except BodycamError as error:
            self._bad_at(SIG, _lower(_without(SIG, error.what)))

    def _damaged(self, reading: LedgerReading) -> bool:
        """Whether the ledger has a bad line that no power cut explains."""
        return reading.problem is not None and (reading.end is not None or not reading.at_end)

    def _objects(self, reading: LedgerReading) -> None:
        names = {o.sha256: o.name for o in reading.objects}
        total = sum(o.length for o in reading.objects)
        done = 0
        for item in reading.objects:
            try:
                self._object(item, names)
            except BodycamError as error:
                self._bad.add(item.name)
                self._bad_at(item.name, _without(item.name, error.what))
            done += item.length
            if self._progress:
                self._progress(done, total)

    def _object(self, item: Object, names: Mapping[str, str]) -> None:
        """Raises EvidenceError where the file is not the one signed."""
        size, sha256 = digest(self._folder, item.name)
        if sha256 == item.sha256 and size == item.length:
            return
        if names.get(sha256, item.name) != item.name:
            raise EvidenceError(f"it holds the bytes of {names[sha256]}.")
        if size != item.length:
            raise EvidenceError(f"it has {size} bytes, and {item.length} were signed.")
        raise EvidenceError("it was changed: its SHA-256 is not the one signed.")

    def _unlisted(self, reading: LedgerReading) -> None:
        listed = {LEDGER, SIG} | {o.name for o in reading.objects}
        try:
            names = self._folder.names()
        except BodycamError as error:
            self._bad_at("the folder", error.what)
            return
        late, damaged = 0, self._damaged(reading)
        for name, kind in names:
            if name in listed:
                continue
            if name == UNSIGNED and kind == "folder":
                self._unsigned(reading)
                continue
            if name == f"{SIG}.new" and kind == "file" and self._unfinished:
                continue  # the recorder was about to give the closing signature its name
            match = OBJECT_NAME.fullmatch(name)
            beyond = match and kind == "file" and int(match[1]) >= reading.seq
            if beyond and (self._unfinished or damaged):
                late += 1  # durable before its line was: the recorder's order of writing
                continue
            what = "it has no signed line" if kind == "file" else f"a {kind} does not belong here"
            self._bad_at(shown(name), what)
        if late:
            why = (
                "the ledger is damaged before it comes to them"
                if damaged
                else "the power was cut before they were signed"
            )
            count = "1 object" if late == 1 else f"{late} objects"
            self._notes.append(f"{count} after the last good line: {why}.")

    def _unsigned(self, reading: LedgerReading) -> None:
        try:
            with self._folder.folder(UNSIGNED) as folder:
                count = len(folder.names())
        except BodycamError as error:
            self._bad_at(UNSIGNED, error.what)
            return
        if count and reading.end == "close":
            self._bad_at(UNSIGNED, "nothing unsigned belongs to a recording that was closed")
        elif count:
            files = "1 file" if count == 1 else f"{count} files"
            self._notes.append(f"{UNSIGNED}/ holds {files} that nobody signed.")

    def _anchor(
        self, reading: LedgerReading, data: bytes, known: DeviceKey | None
    ) -> tuple[Head | None, int]:
        """The latest known head in the ledger; one that it lacks is a problem."""
        if known is None:
            return None, -1  # heads are of the camera that we know, not of whoever uses its name
        try:
            heads = self._heads(known.device).get(reading.rec, ())
        except BodycamError as error:
            self._notes.append(f"What the station knew before cannot be read: {error.what}")
            return None, -1
        seqs = {
            hashlib.sha256(line).hexdigest(): seq
            for seq, line in enumerate(data[: reading.valid_bytes].split(b"\n")[:-1])
        }
        best: tuple[Head | None, int] = (None, -1)
        for head in heads:
            seq = seqs.get(head.head)
            seen = head.by != BY_CARD
            if seq is None and not _signed_here(head, reading):
                self._notes.append(
                    f"A line that was reported {head.utc} is not one that this recording's key "
                    "signed: it says nothing of the recording."
                )
            elif seq is None:
                which = f"that was seen {head.utc} ({_BY[head.by]})" if seen else _CARD
                self._bad_at(
                    LEDGER,
                    f"it lacks a line {which}: the end is cut off, or this is another recording",
                )
            elif seen and seq > best[1]:
                best = (head, seq)
        return best

    def _trusted(self, key: DeviceKey, anchored: Head | None) -> bool:
        """Whether the key still was the camera's when this recording was first seen."""
        if key.revoked is None:
            return True
        before = anchored is not None and anchored.utc <= key.revoked.utc
        self._notes.append(
            f"The key of {key.device} was revoked {key.revoked.utc}"
            + (f" ({key.revoked.reason})" if key.revoked.reason else "")
            + (
                "; the recording was seen before."
                if before
                else ", and nothing shows that the recording is older."
            )
        )
        return before

    def _integrity(self, reading: LedgerReading) -> str:
        if self._problems:
            return NOT_OK
        if reading.end is None or self._unfinished:
            return UNFINISHED
        return OK if reading.end == "close" else INCOMPLETE

    def _listed(self) -> tuple[Problem, ...]:
        listed: list[Problem] = self._problems[:MAX_PROBLEMS]
        if more := len(self._problems) - len(listed):
            listed.append(Problem("…", f"and {more} more"))
        return tuple(listed)

    def _kind(self, name: str) -> str | None:
        try:
            return self._folder.kind(name)
        except BodycamError:
            return "file"  # it is there; reading it will say what is wrong

    def _bad_at(self, where: str, what: str) -> None:
        self._problems.append(Problem(where, what.rstrip(".")))


def _signed_here(head: Head, reading: LedgerReading) -> bool:
    """Whether a head that the ledger lacks was signed for this recording.

    Only a head that came over the network unchecked may not have been: then its line is there.
    """
    if not head.line:
        return True
    if reading.opening is None:
        return False
    try:
        line = Line.parse(head.line.encode("ascii", "replace"))
        line.verify(reading.opening.key)
    except EvidenceError:
        return False
    return line.digest == head.head and line.fields.get("rec") == reading.rec


def digest(folder: Folder, name: str) -> tuple[int, str]:
    """Length and SHA-256 of a file; raises EvidenceError for one that is longer than any object."""
    with folder.open(name) as file:
        if folder.size(name) > MAX_OBJECT_BYTES:
            raise EvidenceError("it is longer than any object may be.")
        sha256, size = hashlib.sha256(), 0
        for piece in pieces(file, MAX_OBJECT_BYTES):
            sha256.update(piece)
            size += len(piece)
    return size, sha256.hexdigest()


def _first_line(data: bytes) -> Line | None:
    """Line 0, if it has the form of one; its signature is not checked."""
    raw, newline, _ = data.partition(b"\n")
    try:
        line = Line.parse(raw)
    except EvidenceError:
        return None
    fields = line.fields
    rec, device = fields.get("rec"), fields.get("device")
    ours = fields.get("dom") == DOM and isinstance(rec, str) and isinstance(device, str)
    return line if newline and ours and REC_ID.fullmatch(str(rec)) else None


def _why_no_first_line(data: bytes) -> str:
    version = re.match(rb'\{"dom":"(bodycam-ledger-[0-9]{1,9})"', data)
    if version and version[1] != DOM.encode():
        return f"it is of the format {version[1].decode()}, which this program does not know"
    return "it has no valid first line, so nothing here is signed"


def _key_in(armor: bytes) -> PublicKey:
    """The public key that an SSHSIG names; raises EvidenceError."""
    try:
        blob = base64.b64decode(b"".join(armor.split(b"\n")[1:-2]), validate=True)
    except binascii.Error:
        raise EvidenceError("It is not in OpenSSH's form.") from None
    key = _string(blob[10:])
    name = _string(key).decode("latin-1")
    if name not in SSH_NAMES.values():
        raise EvidenceError("It is of a kind of key that is not used here.")
    return PublicKey.from_openssh(f"{name} {base64.b64encode(key).decode()}")


def _string(data: bytes) -> bytes:
    return data[4 : 4 + int.from_bytes(data[:4], "big")]


def _lower(text: str | None) -> str:
    """A sentence to go on with after a colon."""
    return text[:1].lower() + text[1:].rstrip(".") if text else ""


def _without(name: str, text: str) -> str:
    """A sentence without the name that it begins with."""
    return text.removeprefix(f"{shown(name)} ")
