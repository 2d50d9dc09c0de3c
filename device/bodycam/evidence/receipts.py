"""The station's word that it has a recording: the only thing that lets the camera delete it."""

import re
from dataclasses import dataclass

from bodycam.errors import LineError
from bodycam.evidence import sshsig
from bodycam.evidence.chain import DEVICE, HEX64, Forms, check
from bodycam.evidence.keys import PublicKey, SigningKey
from bodycam.evidence.ledger import REC_ID, parse_rec
from bodycam.evidence.lines import decode, encode

NAMESPACE = "bodycam-receipt"
VERSION = 1

_FORMS: Forms = {
    "v": None,
    "station": DEVICE,
    "device": DEVICE,
    "rec": REC_ID,
    "ledger_sha256": HEX64,
    "objects": None,
    "bytes": None,
    "verdict": re.compile("ok|incomplete|unfinished"),
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
    """Of the ledger file."""
    objects: int
    sealed_bytes: int
    """Of all objects together; the field `bytes`."""
    verdict: str
    """Integrity: `ok`, `incomplete` or `unfinished`."""

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
