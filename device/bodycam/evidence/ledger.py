"""The ledger of a recording: one signed line for each object, in the order in which they were kept.

Line 0 (`open`) is signed by the camera's key and certifies a key made for this recording, which
signs everything else and is forgotten at `close`. A line means that its object is durable. After a
power cut the camera's key signs one `recovered` line: whatever has no line by then stays unsigned,
because anybody can seal a file to a public key.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bodycam.errors import EvidenceError, LineError
from bodycam.evidence.chain import DEVICE, HEX64, Chain, Forms, check
from bodycam.evidence.keys import ED25519, SSH_NAMES, PublicKey, SigningKey, SoftwareKey
from bodycam.evidence.lines import Fields, Line, unbase64, walk

DOM = "bodycam-ledger-1"
KINDS = ("warning", "init", "segment", "note")
"""The kinds of objects."""
MAX_LEDGER_BYTES = 64 * 1024 * 1024
"""A longer ledger is not read."""
MAX_OBJECTS = 150_000
"""Forty hours, one a second: what fits into a ledger of that size. Then it takes no more."""

REC_ID = re.compile(r"([a-z0-9-]{1,64})-([0-9]{6}|[1-9][0-9]{6,8})-([0-9a-f]{8})")
"""Device id, counter, random: `cam07-000042-9f3c21d8`."""

OBJECT_NAME = re.compile(r"([0-9]{8})\.(?:" + "|".join(KINDS) + r")\.age")
"""The number of the line, the kind: what `object_name` gives."""

_OBJECT: Forms = {"len": None, "sha256": HEX64}
_END: Forms = {"objects": None}
_FORMS: Mapping[str, Forms] = {
    "open": {
        "device": DEVICE,
        "alg": re.compile("|".join(SSH_NAMES)),
        "key": re.compile(r"[A-Za-z0-9+/]{43}="),
        "recipients": re.compile(r"[a-z0-9]+( [a-z0-9]+)*"),
        "policy": HEX64,
        "journal": HEX64,
    },
    **dict.fromkeys(KINDS, _OBJECT),
    "close": _END,
    "recovered": _END,
}

_ORDER: Mapping[str, Mapping[str, str]] = {
    "": {"open": "opened"},
    "opened": {"warning": "warned", "note": "opened", "close": "ended", "recovered": "ended"},
    "warned": {"init": "running", "note": "warned", "close": "ended", "recovered": "ended"},
    "running": {"segment": "running", "note": "running", "close": "ended", "recovered": "ended"},
    "ended": {},
}
"""What may follow: stage, kind of the next line, stage after it. No picture before the warning."""


@dataclass(frozen=True, slots=True)
class RecordingId:
    """A recording's name, taken apart."""

    device: str
    counter: int
    random: str
    """8 hexadecimal digits."""


def rec_id(device: str, counter: int, random4: bytes) -> str:
    """The name of a recording and of its folder; raises LineError."""
    rec = f"{device}-{counter:06d}-{random4.hex()}"
    parse_rec(rec)
    return rec


def parse_rec(rec: str) -> RecordingId:
    """Take a recording's name apart; raises LineError."""
    match = REC_ID.fullmatch(rec)
    if match is None:
        raise LineError("A recording's name is not well formed.")
    device, counter, random = match.groups()
    return RecordingId(device, int(counter), random)


def object_name(seq: int, kind: str) -> str:
    """The file name of the object of line `seq`: `00000003.segment.age`."""
    return f"{seq:08d}.{kind}.age"


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a ledger has come."""

    stage: str = ""
    objects: int = 0

    def after(self, kind: str, own: Fields) -> "_Place":
        """The place after the next line; raises LineError where that line cannot come or be so."""
        stage = _ORDER[self.stage].get(kind)
        if stage is None:
            where = f"where the recording is {self.stage}" if self.stage else "first"
            raise LineError(f"A line of this kind cannot come {where}.")
        check(own, _FORMS[kind])
        if kind not in KINDS:
            if own.get("objects", self.objects) != self.objects:
                raise LineError(f"Its count of objects is not {self.objects}.")
            return _Place(stage, self.objects)
        if self.objects == MAX_OBJECTS:
            raise LineError("The ledger is full.")
        return _Place(stage, self.objects + 1)


class Ledger:
    """The writing side, for one recording. It gives lines; the vault puts them on the card."""

    def __init__(self, rec: str, key: SoftwareKey) -> None:
        self.rec = rec
        self._key: SoftwareKey | None = key
        self._chain = Chain(DOM, ("rec", rec))
        self._place = _Place()

    @classmethod
    def open(
        cls,
        *,
        rec: str,
        device_id: str,
        device_key: SigningKey,
        recipients: str,
        policy_sha256: str,
        journal_sha256: str,
        seed: bytes,
    ) -> tuple["Ledger", bytes]:
        """A ledger and its line 0; `seed` is 32 fresh random bytes for this recording's key.

        `recipients` is Sealer's; `journal_sha256` the digest of this recording's opening line in
        the journal. Raises EvidenceError.
        """
        if parse_rec(rec).device != device_id:
            raise LineError("A recording's name begins with another device.")
        key = SoftwareKey.from_seed(seed)
        ledger = cls(rec, key)
        own: Fields = {
            "device": device_id,
            "alg": device_key.alg,
            "key": base64.b64encode(key.public.data).decode("ascii"),
            "recipients": recipients,
            "policy": policy_sha256,
            "journal": journal_sha256,
        }
        return ledger, ledger._add("open", own, device_key)

    @property
    def seq(self) -> int:
        """The number of the next line, and so of the next object."""
        return self._chain.seq

    @property
    def head(self) -> str:
        """The digest of the last line, in hexadecimal."""
        return self._chain.head

    def object(self, kind: str, length: int, sha256_hex: str) -> bytes:
        """The line of an object that is durable; length and hash are of the sealed file.

        Raises EvidenceError where it cannot come now.
        """
        return self._add(kind, {"len": length, "sha256": sha256_hex})

    def close(self) -> bytes:
        """The last line; the recording's key is dropped, and every later call raises."""
        line = self._add("close", {"objects": self._place.objects})
        self._key = None
        return line

    def _add(self, kind: str, own: Fields, signer: SigningKey | None = None) -> bytes:
        if self._key is None:
            raise EvidenceError("The recording is closed: its key is gone.")
        place = self._place.after(kind, own)
        line = self._chain.add(kind, own, (signer or self._key).sign)
        self._place = place
        return line


@dataclass(frozen=True, slots=True)
class Opening:
    """What line 0 says."""

    device: str
    alg: str
    """The device key's algorithm; a verifier takes it from its own registry instead."""
    key: PublicKey
    """The recording's own key."""
    recipients: str
    policy: str
    """SHA-256 of the policy file."""
    journal: str
    """Digest of the recording's opening line in the journal."""


@dataclass(frozen=True, slots=True)
class Object:
    """What a line says of its object."""

    seq: int
    kind: str
    length: int
    """Bytes of the sealed file."""
    sha256: str
    """Of the sealed file, in hexadecimal."""
    name: str
    """Its file name in the recording's folder."""


@dataclass(frozen=True, slots=True)
class LedgerReading:
    """What a ledger's good lines say, and where they end."""

    rec: str
    opening: Opening | None
    objects: tuple[Object, ...]
    end: str | None
    """`close`, `recovered`, or None where the ledger has not ended."""
    seq: int
    """The number of the next line: how many good lines there are."""
    head: str
    """The digest of the last good line."""
    valid_bytes: int
    """Bytes of the good lines."""
    problem: str | None
    """One sentence on the first line that is not good, and why."""
    torn: bool
    """The problem is a last line without a newline."""
    at_end: bool
    """A power cut can explain the problem: see lines.Extent."""


def read_ledger(data: bytes, *, rec: str, device_key: PublicKey | None) -> LedgerReading:
    """Check a ledger line by line until one is wrong; never raises.

    Without `device_key` the lines that it signs are not checked (who made the recording stays
    unknown); everything else is.
    """
    reader = _Reader(rec, device_key)
    if len(data) > MAX_LEDGER_BYTES:
        problem = f"The ledger is longer than {MAX_LEDGER_BYTES} bytes."
        return reader.reading(0, problem, torn=False, at_end=False)
    extent = walk([data], reader.take)
    return reader.reading(extent.valid_bytes, extent.problem, extent.torn, extent.at_end)


def recovered_line(reading: LedgerReading, device_key: SigningKey) -> bytes:
    """The line that ends a ledger after a power cut, to follow its good lines.

    Raises EvidenceError where there is nothing to recover: no good line 0, an end already, or
    damage that a power cut does not explain.
    """
    if reading.opening is None or reading.end is not None:
        raise EvidenceError("A ledger that has no beginning, or has ended, cannot be recovered.")
    if reading.problem is not None and not reading.at_end:
        raise EvidenceError("A ledger that is damaged before its last line cannot be recovered.")
    chain = Chain(DOM, ("rec", reading.rec), seq=reading.seq, head=reading.head)
    return chain.add("recovered", {"objects": len(reading.objects)}, device_key.sign)


class _Reader:
    def __init__(self, rec: str, device_key: PublicKey | None) -> None:
        self._rec = rec
        self._device_key = device_key
        self._chain = Chain(DOM, ("rec", rec))
        self._place = _Place()
        self._opening: Opening | None = None
        self._objects: list[Object] = []
        self._end: str | None = None

    def take(self, raw: bytes) -> None:
        """Check the next line; raises EvidenceError, and then nothing has changed."""
        line = Line.parse(raw)
        seq = self._chain.seq
        kind, own = self._chain.read(line)
        place = self._place.after(kind, own)
        opening = self._opening or self._open(own)
        signer = self._device_key if kind in ("open", "recovered") else opening.key
        if signer is not None:
            line.verify(signer)
        self._chain.step(line)
        self._place = place
        self._opening = opening
        if kind in KINDS:
            length, sha256 = int(own["len"]), str(own["sha256"])
            self._objects.append(Object(seq, kind, length, sha256, object_name(seq, kind)))
        elif kind != "open":
            self._end = kind

    def _open(self, own: Fields) -> Opening:
        text = {name: str(value) for name, value in own.items()}
        if parse_rec(self._rec).device != text["device"]:
            raise LineError("Its device is not the one in the recording's name.")
        if self._device_key is not None and self._device_key.alg != text["alg"]:
            raise LineError("Its algorithm is not that of the device's key.")
        key = PublicKey(ED25519, unbase64(text.pop("key")))
        return Opening(key=key, **text)

    def reading(
        self, valid_bytes: int, problem: str | None, torn: bool, at_end: bool
    ) -> LedgerReading:
        return LedgerReading(
            rec=self._rec,
            opening=self._opening,
            objects=tuple(self._objects),
            end=self._end,
            seq=self._chain.seq,
            head=self._chain.head,
            valid_bytes=valid_bytes,
            problem=problem,
            torn=torn,
            at_end=at_end,
        )
