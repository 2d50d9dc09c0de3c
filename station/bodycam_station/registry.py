"""Which cameras the station knows, and by which keys: the one thing a verdict trusts.

`devices/ID.json` holds a camera's keys, the newest last; at most one of them is not revoked.
`allowed_signers` says the same to stock `ssh-keygen -Y verify`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bodycam.errors import EvidenceError, UsageError
from bodycam.evidence.chain import DEVICE
from bodycam.evidence.enrolment import STORAGES
from bodycam.evidence.keys import PublicKey
from bodycam_station import documents
from bodycam_station.documents import Json
from bodycam_station.files import Folder

DEVICES = "devices"
SIGNERS = "allowed_signers"
NOT_STATED = "not stated"
MAX_SIGNERS_BYTES = 4 * 1024 * 1024
CAMERA_NAMESPACES = ("bodycam-recording", "bodycam-enroll")
STATION_NAMESPACES = ("bodycam-receipt", "bodycam-export", "bodycam-config", "bodycam-bundle")


@dataclass(frozen=True, slots=True)
class Revocation:
    """Since when, by whom and why a key is no longer trusted."""

    utc: str
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """One key of a camera."""

    device: str
    public: PublicKey
    storage: str
    """`software`, `hardware`, or `not stated` where only a list of signers is known."""
    enrolled: str = ""
    """UTC."""
    revoked: Revocation | None = None


class Registry:
    """The cameras and their keys, in memory."""

    def __init__(self, keys: Iterable[DeviceKey] = ()) -> None:
        self._keys: dict[str, list[DeviceKey]] = {}
        for key in keys:
            self._keys.setdefault(key.device, []).append(key)

    def keys(self, device: str) -> Sequence[DeviceKey]:
        """All keys that this camera ever had, the oldest first."""
        return tuple(self._keys.get(device, ()))

    def devices(self) -> Sequence[str]:
        """The cameras' ids, sorted."""
        return sorted(self._keys)

    def add(self, key: DeviceKey) -> None:
        """Take a new key; raises UsageError where the camera still has another one in use."""
        for known in self.keys(key.device):
            if known.public == key.public and known.revoked is not None:
                raise UsageError(
                    f"This key of {key.device} was revoked on {known.revoked.utc}.",
                    do="Make a new key on the camera and enrol that.",
                )
            if known.revoked is None and known.public != key.public:
                raise UsageError(
                    f"{key.device} is enrolled with another key.",
                    do=f"If that key is gone, first: bodycam-station revoke {key.device} "
                    "--reason …",
                )
        known_keys = self._keys.setdefault(key.device, [])
        if all(known.public != key.public for known in known_keys):
            known_keys.append(key)

    def revoke(self, device: str, revocation: Revocation) -> DeviceKey:
        """Stop trusting the camera's key in use; raises UsageError where it has none."""
        known = self._keys.get(device, [])
        if not known:
            raise UsageError(f"No camera {device} is enrolled.", do="See: bodycam-station devices")
        if known[-1].revoked is not None:
            raise UsageError(f"{device} is revoked already, since {known[-1].revoked.utc}.")
        known[-1] = replace(known[-1], revoked=revocation)
        return known[-1]

    @classmethod
    def load(cls, station: Folder) -> "Registry":
        """Read `devices/` of a station's folder; raises EvidenceError naming the file."""
        found: list[DeviceKey] = []
        if station.kind(DEVICES) is None:
            return cls()
        with station.folder(DEVICES) as folder:
            for name, _ in folder.names():
                if name.endswith(".json") and not name.startswith("."):
                    found += _from_json(folder.read(name, documents.MAX_BYTES), name[:-5])
        return cls(found)

    def save(self, station: Folder, device: str, own: tuple[str, PublicKey]) -> None:
        """Write one camera's file and the list of signers; `own` is the station's name and key."""
        with station.make(DEVICES) as folder:
            folder.replace(f"{device}.json", documents.encode(_to_json(self.keys(device))))
        self.save_signers(station, own)

    def save_signers(self, station: Folder, own: tuple[str, PublicKey]) -> None:
        """Write `allowed_signers`: a line for each camera's key, and one for the station."""
        lines = [_signer(own[0], own[1], STATION_NAMESPACES)]
        for device in self.devices():
            lines += [
                _signer(device, key.public, CAMERA_NAMESPACES, key.revoked)
                for key in self.keys(device)
            ]
        station.replace(SIGNERS, "".join(lines).encode(), mode=0o644)


def read_signers(data: bytes, namespace: str = CAMERA_NAMESPACES[0]) -> Registry:
    """The keys of an `allowed_signers` file for one namespace; raises EvidenceError with the line.

    Only what we write is understood; certificates and patterns are refused, never ignored.
    """
    keys = []
    for number, raw in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        words = line.split()
        options = _options(words[1]) if len(words) > 3 else {}
        principal, key = words[0], " ".join(words[-2:])
        bad = f"Line {number} of the list of signers is not one that is understood here."
        if options is None or len(words) not in (3, 4) or not DEVICE.fullmatch(principal):
            raise EvidenceError(bad, do="Use the allowed_signers file of a station.")
        if namespace not in options.get("namespaces", namespace).split(","):
            continue
        before = options.get("valid-before")
        try:
            public = PublicKey.from_openssh(key)
        except EvidenceError:
            raise EvidenceError(bad, do="Use the allowed_signers file of a station.") from None
        revoked = Revocation(_utc(before), "", "") if before else None
        keys.append(DeviceKey(principal, public, NOT_STATED, revoked=revoked))
    return Registry(keys)


def _signer(
    name: str,
    public: PublicKey,
    namespaces: Iterable[str],
    revoked: Revocation | None = None,
) -> str:
    options = f'namespaces="{",".join(namespaces)}"'
    if revoked is not None:
        options += f',valid-before="{"".join(c for c in revoked.utc if c.isdigit())}Z"'
    return f"{name} {options} {public.openssh()}\n"


def _options(text: str) -> Mapping[str, str] | None:
    """The options of a signer's line, or None where one is not understood."""
    found = {}
    for part in text.replace('",', '"\n').split("\n"):
        name, _, value = part.partition("=")
        if name not in ("namespaces", "valid-before") or value[:1] + value[-1:] != '""':
            return None
        found[name] = value[1:-1]
    return found


def _utc(compact: str) -> str:
    """`20261123140509Z` as `2026-11-23T14:05:09Z`."""
    d = compact
    return f"{d[:4]}-{d[4:6]}-{d[6:8]}T{d[8:10]}:{d[10:12]}:{d[12:14]}Z"


def _to_json(keys: Sequence[DeviceKey]) -> Json:
    return {
        "v": 1,
        "device": keys[0].device,
        "keys": [
            {
                "key": key.public.openssh(),
                "storage": key.storage,
                "enrolled": key.enrolled,
                "revoked": None
                if key.revoked is None
                else {
                    "utc": key.revoked.utc,
                    "person": key.revoked.person,
                    "reason": key.revoked.reason,
                },
            }
            for key in keys
        ],
    }


def _from_json(data: bytes, device: str) -> list[DeviceKey]:
    what = f"{DEVICES}/{device}.json"
    fields = documents.parse(data, what)
    documents.known_version(fields, what)
    listed = fields.get("keys")
    if fields.get("device") != device or not DEVICE.fullmatch(device) or not listed:
        raise EvidenceError(f"{what} is not the file of a camera.")
    found = []
    for item in listed if isinstance(listed, list) else [listed]:
        if not isinstance(item, dict):
            raise EvidenceError(f"{what} has a key that is not an object.")
        storage = documents.text(item, "storage", what)
        if storage not in STORAGES:
            raise EvidenceError(f"{what} says neither software nor hardware of a key.")
        gone = item.get("revoked")
        revoked = None
        if gone is not None:
            if not isinstance(gone, dict):
                raise EvidenceError(f"{what} has a revocation that is not an object.")
            revoked = Revocation(
                *(documents.text(gone, name, what) for name in ("utc", "person", "reason"))
            )
        public = PublicKey.from_openssh(documents.text(item, "key", what))
        enrolled = documents.text(item, "enrolled", what)
        found.append(DeviceKey(device, public, storage, enrolled, revoked))
    return found
