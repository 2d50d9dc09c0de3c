"""How a camera and a station come to know each other: a request goes out, a bundle comes back.

Each is one line in the strict form, then the SSHSIG over it: `head -n 1` is what was signed and
`tail -n +2` the signature. A request proves that the camera holds the key; that it is *that* camera
is what the person who carries the file vouches for.

A camera that reports over a network has a second key for TLS: another process holds it, so it must
be of no use for evidence. The request names it, the bundle certifies it.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bodycam.errors import EvidenceError, LineError
from bodycam.evidence import sshsig
from bodycam.evidence.chain import DEVICE, Forms, check
from bodycam.evidence.keys import ES256, SSH_NAMES, PublicKey, SigningKey
from bodycam.evidence.lines import MAX_LINE_BYTES, Fields, decode, encode, unbase64

VERSION = 2
REQUEST_NAMESPACE = "bodycam-enroll"
BUNDLE_NAMESPACE = "bodycam-bundle"
STORAGES = ("software", "hardware")
"""Where a camera's secret key lives: in a file, or in a chip that does not give it out."""
MAX_BYTES = MAX_LINE_BYTES + sshsig.MAX_ARMOR_BYTES
"""The longest request or bundle."""

_KEY = re.compile(r"(?:ssh-ed25519|ecdsa-sha2-nistp256) [A-Za-z0-9+/]+={0,2}")
_TLS = re.compile(rf"(?:{_KEY.pattern})?")
_DER = re.compile(r"(?:[A-Za-z0-9+/]+={0,2})?")
_REQUEST: Forms = {
    "v": None,
    "device": DEVICE,
    "alg": re.compile("|".join(SSH_NAMES)),
    "key": _KEY,
    "storage": re.compile("|".join(STORAGES)),
    "tls": _TLS,
}
_BUNDLE: Forms = {
    "v": None,
    "device": DEVICE,
    "key": _KEY,
    "station": DEVICE,
    "station_key": _KEY,
    "recipients": re.compile(r"[a-z0-9]+( [a-z0-9]+)+"),
    "certificate": _DER,
    "authority": _DER,
}


@dataclass(frozen=True, slots=True)
class Request:
    """What a camera says of itself."""

    device: str
    public: PublicKey
    storage: str
    """`software` or `hardware`."""
    tls: PublicKey | None = None
    """A P-256 key for TLS; None where the camera is to report to nobody."""


@dataclass(frozen=True, slots=True)
class Papers:
    """What a camera shows on the network, and by what it knows the broker. Both are X.509, DER."""

    certificate: bytes
    """Of the request's TLS key."""
    authority: bytes
    """The station's."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a station gives a camera."""

    device: str
    public: PublicKey
    """The camera's own key: a bundle is for no other camera."""
    station: str
    station_key: PublicKey
    """Signs receipts and configuration."""
    recipients: tuple[str, ...]
    """`age1…` of the station and of the escrow: every recording is sealed to all of them."""
    papers: Papers | None = None
    """None where the request named no TLS key."""


def make_request(device: str, key: SigningKey, storage: str, tls: PublicKey | None = None) -> bytes:
    """A camera's request; raises LineError."""
    fields: Fields = {
        "v": VERSION,
        "device": device,
        "alg": key.alg,
        "key": key.public.openssh(),
        "storage": storage,
        "tls": "" if tls is None else tls.openssh(),
    }
    return _make(fields, _REQUEST, key, REQUEST_NAMESPACE)


def read_request(data: bytes) -> Request:
    """A request whose signature holds with the key that it names; raises EvidenceError."""
    fields, line, armor = _split(data, _REQUEST)
    public = PublicKey.from_openssh(str(fields["key"]))
    if fields["alg"] != public.alg:
        raise LineError("Its algorithm is not the one of its key.")
    sshsig.verify(armor, public, REQUEST_NAMESPACE, line)
    tls = PublicKey.from_openssh(str(fields["tls"])) if fields["tls"] else None
    if tls is not None and tls.alg != ES256:
        raise LineError("Its TLS key is not on P-256.")
    if tls == public:
        raise LineError("Its TLS key is the device key.")
    return Request(str(fields["device"]), public, str(fields["storage"]), tls)


def make_bundle(
    request: Request,
    station: str,
    key: SigningKey,
    recipients: Sequence[str],
    papers: Papers | None = None,
) -> bytes:
    """A station's answer; raises LineError."""
    fields: Fields = {
        "v": VERSION,
        "device": request.device,
        "key": request.public.openssh(),
        "station": station,
        "station_key": key.public.openssh(),
        "recipients": " ".join(sorted(recipients)),
        "certificate": _base64(papers.certificate if papers else b""),
        "authority": _base64(papers.authority if papers else b""),
    }
    return _make(fields, _BUNDLE, key, BUNDLE_NAMESPACE)


def read_bundle(data: bytes) -> Bundle:
    """A bundle whose signature holds with the station key that it names; raises EvidenceError.

    The caller checks that device and key are the camera's own, and seals a trial to the recipients.
    """
    fields, line, armor = _split(data, _BUNDLE)
    station_key = PublicKey.from_openssh(str(fields["station_key"]))
    sshsig.verify(armor, station_key, BUNDLE_NAMESPACE, line)
    certificate, authority = (unbase64(str(fields[name])) for name in ("certificate", "authority"))
    if bool(certificate) != bool(authority):
        raise LineError("Its certificate or its authority is missing.")
    return Bundle(
        device=str(fields["device"]),
        public=PublicKey.from_openssh(str(fields["key"])),
        station=str(fields["station"]),
        station_key=station_key,
        recipients=tuple(str(fields["recipients"]).split(" ")),
        papers=Papers(certificate, authority) if certificate else None,
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _make(fields: Fields, forms: Forms, key: SigningKey, namespace: str) -> bytes:
    check(fields, forms)
    line = encode(fields) + b"\n"
    return line + sshsig.sign(key, namespace, line).encode("ascii")


def _split(data: bytes, forms: Forms) -> tuple[Fields, bytes, bytes]:
    """The checked fields, the signed line and its signature."""
    if len(data) > MAX_BYTES:
        raise EvidenceError(f"It is longer than {MAX_BYTES} bytes.")
    line, newline, armor = data.partition(b"\n")
    fields = decode(line)
    check(fields, forms)
    if fields["v"] != VERSION:
        raise LineError("It is of a version that is not known here.")
    return fields, line + newline, armor
