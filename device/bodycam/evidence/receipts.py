"""The station's word that it has a recording: the only thing that lets the camera delete it."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bodycam.errors import EvidenceError, LineError
from bodycam.evidence import sshsig
from bodycam.evidence.chain import DEVICE, HEX64, Forms, check
from bodycam.evidence.keys import PublicKey, SigningKey
from bodycam.evidence.ledger import REC_ID, parse_rec
from bodycam.evidence.lines import decode, encode

NAMESPACE = "bodycam-receipt"
VERSION = 1
MAX_BYTES = 8192
"""More than a receipt with its signature takes."""
VOID = "void"
"""The verdict on a recording that never got a first line: all of it lies in `unsigned/`."""

_FORMS: Forms = {
    "v": None,
    "station": DEVICE,
    "device": DEVICE,
    "rec": REC_ID,
    "ledger_sha256": HEX64,
    "objects": None,
    "bytes": None,
    "verdict": re.compile(f"ok|incomplete|unfinished|{VOID}"),
}
_OPENED = b',"opened":true}\n'


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the station verified, opened to the last object, and has synced to its store.

    Making one raises LineError where a value is not well formed.
    """

    station: str
    device: str
    rec: str
    ledger_sha256: str
    """Of the ledger file; where there is none, `void_sha256`."""
    objects: int
    """Those with a line; of a void recording, the files in `unsigned/`."""
    sealed_bytes: int
    """Of all objects together; the field `bytes`."""
    verdict: str
    """Integrity: `ok`, `incomplete` or `unfinished`; or `void`."""

    def __post_init__(self) -> None:
        check(self._fields(), _FORMS)
        if parse_rec(self.rec).device != self.device:
            raise LineError("A receipt's recording is of another device.")

    def encode(self) -> bytes:
        """The receipt as it is signed: one line of JSON with its newline."""
        return encode(self._fields())[:-1] + _OPENED

    @classmethod
    def decode(cls, data: bytes) -> "Receipt":
        """Read what `encode` wrote, and nothing else; raises LineError."""
        if not data.endswith(_OPENED):
            raise LineError("A receipt does not say that every object was opened.")
        fields = decode(data.removesuffix(_OPENED) + b"}")
        check(fields, _FORMS)
        if fields["v"] != VERSION:
            raise LineError("A receipt is of a version that is not known here.")
        return cls(
            station=str(fields["station"]),
            device=str(fields["device"]),
            rec=str(fields["rec"]),
            ledger_sha256=str(fields["ledger_sha256"]),
            objects=int(fields["objects"]),
            sealed_bytes=int(fields["bytes"]),
            verdict=str(fields["verdict"]),
        )

    def _fields(self) -> dict[str, str | int]:
        return {
            "v": VERSION,
            "station": self.station,
            "device": self.device,
            "rec": self.rec,
            "ledger_sha256": self.ledger_sha256,
            "objects": self.objects,
            "bytes": self.sealed_bytes,
            "verdict": self.verdict,
        }


def sign_receipt(receipt: Receipt, station_key: SigningKey) -> tuple[bytes, str]:
    """The receipt's bytes and their armoured signature."""
    data = receipt.encode()
    return data, sshsig.sign(station_key, NAMESPACE, data)


def verify_receipt(data: bytes, armored: str | bytes, station_key: PublicKey) -> Receipt:
    """The receipt, if the station signed it; raises SignatureError or LineError."""
    sshsig.verify(armored, station_key, NAMESPACE, data)
    return Receipt.decode(data)


def read_receipt(document: bytes, station_key: PublicKey) -> Receipt:
    """A receipt as it lies in a file, its line and then its signature; raises EvidenceError."""
    if len(document) > MAX_BYTES:
        raise EvidenceError(f"It is longer than {MAX_BYTES} bytes, which no receipt is.")
    line, newline, armor = document.partition(b"\n")
    return verify_receipt(line + newline, armor, station_key)


def void_sha256(files: Iterable[tuple[str, str]]) -> str:
    """What stands for the ledger's hash where there is none.

    `files` are the names in `unsigned/` with their SHA-256: it is the hash of what
    `sha256sum *` prints there in the C locale, of nothing where there is no file.
    """
    listed = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files))
    return hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()
