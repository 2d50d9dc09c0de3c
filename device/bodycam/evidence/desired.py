"""The configuration that a station wants of one camera: policy and recipients, signed.

One line in the strict form, then the SSHSIG over it, as with requests and bundles. It goes over the
network and through a process that the recorder does not trust: only the signature counts, the
camera's name, and a version that rises.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bodycam.errors import EvidenceError, LineError
from bodycam.evidence import sshsig
from bodycam.evidence.chain import DEVICE, Forms, check
from bodycam.evidence.keys import PublicKey, SigningKey
from bodycam.evidence.lines import Fields, decode, encode, unbase64

VERSION = 1
NAMESPACE = "bodycam-config"
MAX_DESIRED_LINE_BYTES = 24 * 1024
"""Room for a long policy and for post-quantum recipients, of 2 KB each."""
MAX_DESIRED_BYTES = MAX_DESIRED_LINE_BYTES + sshsig.MAX_ARMOR_BYTES

_FORMS: Forms = {
    "v": None,
    "station": DEVICE,
    "device": DEVICE,
    "version": None,
    "policy": re.compile(r"[A-Za-z0-9+/]+={0,2}"),
    "recipients": re.compile(r"[a-z0-9]+( [a-z0-9]+)+"),
}


@dataclass(frozen=True, slots=True)
class Desired:
    """What a camera is to be set to. Making one raises LineError where it is not well formed."""

    station: str
    device: str
    version: int
    """From 1; a camera takes only a greater one than it has."""
    policy: bytes
    """The policy file."""
    recipients: tuple[str, ...]
    """`age1…`, at least two, sorted."""

    def __post_init__(self) -> None:
        check(self._fields(), _FORMS)
        if self.version < 1:
            raise LineError("A configuration's version is not 1 or more.")
        if [*self.recipients] != sorted(set(self.recipients)):
            raise LineError("A configuration's recipients are not sorted, or one is there twice.")

    @property
    def policy_sha256(self) -> str:
        """As it stands in every recording."""
        return hashlib.sha256(self.policy).hexdigest()

    def line(self) -> bytes:
        """What is signed, with its newline; raises LineError where it is too long."""
        return encode(self._fields(), MAX_DESIRED_LINE_BYTES) + b"\n"

    def _fields(self) -> Fields:
        return {
            "v": VERSION,
            "station": self.station,
            "device": self.device,
            "version": self.version,
            "policy": base64.b64encode(self.policy).decode("ascii"),
            "recipients": " ".join(self.recipients),
        }


def sign_desired(desired: Desired, key: SigningKey) -> bytes:
    """The document; raises LineError where it is too long."""
    line = desired.line()
    return line + sshsig.sign(key, NAMESPACE, line).encode("ascii")


def read_desired(data: bytes, station_key: PublicKey, device: str) -> Desired:
    """A document that this station signed for this camera; raises EvidenceError.

    The caller holds its version against the one in force, reads the policy and seals a trial.
    """
    if len(data) > MAX_DESIRED_BYTES:
        raise EvidenceError(f"A configuration is longer than {MAX_DESIRED_BYTES} bytes.")
    line, newline, armor = data.partition(b"\n")
    sshsig.verify(armor, station_key, NAMESPACE, line + newline)
    fields = decode(line, MAX_DESIRED_LINE_BYTES)
    check(fields, _FORMS)
    if fields["v"] != VERSION:
        raise LineError("A configuration is of a version that is not known here.")
    recipients: Sequence[str] = str(fields["recipients"]).split(" ")
    found = Desired(
        station=str(fields["station"]),
        device=str(fields["device"]),
        version=int(fields["version"]),
        policy=unbase64(str(fields["policy"])),
        recipients=tuple(recipients),
    )
    if found.device != device:
        raise EvidenceError(f"A configuration is for {found.device}, and this is {device}.")
    return found
