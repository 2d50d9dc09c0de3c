"""Certificates as they lie in a station's folder: who has which, and which count no more.

    ca.key, ca.pem              the authority          crl.pem            what counts no more
    certificates/NAME.json      of a camera or a manager: every certificate it ever had

A name belongs to one kind of holder for ever: what the broker lets somebody do hangs on it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from cryptography import x509

from bodycam.errors import EvidenceError, UsageError
from bodycam.evidence.chain import DEVICE
from bodycam.evidence.enrolment import Papers
from bodycam.evidence.keys import PublicKey
from bodycam_station import ca, documents
from bodycam_station.acts import Now, stamp
from bodycam_station.documents import Json
from bodycam_station.files import Folder

CERTIFICATES = "certificates"
CA_KEY, CA, CRL = "ca.key", "ca.pem", "crl.pem"
CAMERA, MANAGER = "camera", "manager"
BOARD, CONFIG = "bodycam-board", "bodycam-config"
"""Names that config/mosquitto/acl gives rights to: of the board, and of who sets cameras."""
_MAX_BYTES = 16 * 1024
_MAX_CRL_BYTES = 4 * 1024 * 1024

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was given to somebody."""

    certificate: x509.Certificate
    revoked: str = ""
    """Since when it counts no more; empty while it does."""


class PaperDesk:
    """Issues and revokes in a station's folder."""

    def __init__(self, folder: Folder, now: Now, random: Random) -> None:
        self._folder = folder
        self._now = now
        self._random = random

    @classmethod
    def found(cls, folder: Folder, station: str, now: Now, random: Random) -> None:
        """A new authority, and its first list of revocations, which is empty."""
        key, certificate = ca.make_ca(station, now(), random)
        folder.replace(CA_KEY, key)
        folder.replace(CA, certificate, mode=0o644)
        desk = cls(folder, now, random)
        desk._publish_revocations()

    def check_camera(self, device: str) -> None:
        """Raises UsageError where a camera may not have this name."""
        self._of(device, CAMERA)

    def camera(self, device: str, tls: PublicKey) -> Papers:
        """Papers for a camera's TLS key; the same ones again for the same key. Raises UsageError.

        Those for an earlier key count no more.
        """
        authority = self._authority()
        known = self._of(device, CAMERA)
        public = ca.point(tls.data)
        newest = known[-1] if known else None
        if newest is None or newest.revoked or newest.certificate.public_key() != public:
            issued = authority.client(device, public, ca.CAMERA_YEARS, self._now(), self._random)
            self._save(device, CAMERA, [*map(self._ended, known), Issued(issued)])
            if known:
                self._publish_revocations()
            certificate = issued
        else:
            certificate = newest.certificate
        return Papers(ca.der(certificate), ca.der(authority.certificate))

    def manager(self, name: str) -> tuple[bytes, bytes]:
        """A new secret key and its certificate for a manager, both PEM. Raises UsageError.

        Its earlier certificates count no more.
        """
        if not DEVICE.fullmatch(name):
            raise UsageError(f"{name!r} cannot be a name.", do="Use a-z, 0-9 and -, at most 64.")
        known = self._of(name, MANAGER)
        key = ca.new_key()
        issued = self._authority().client(
            name, key.public_key(), ca.MANAGER_YEARS, self._now(), self._random
        )
        self._save(name, MANAGER, [*map(self._ended, known), Issued(issued)])
        if known:
            self._publish_revocations()
        return ca.secret_pem(key), ca.pem(issued)

    def broker(self, hosts: Sequence[str]) -> tuple[bytes, bytes]:
        """A new secret key and its certificate for the broker, both PEM. Raises UsageError."""
        key = ca.new_key()
        try:
            issued = self._authority().broker(hosts, key.public_key(), self._now(), self._random)
        except ValueError as error:
            raise UsageError(f"That is no name of a host: {error}.") from error
        return ca.secret_pem(key), ca.pem(issued)

    def is_manager(self, name: str) -> bool:
        """Whether this name was ever given to a manager."""
        found = self._load(name) if DEVICE.fullmatch(name) else None
        return found is not None and found[0] == MANAGER

    def revoke(self, name: str) -> bool:
        """Whatever this holder has counts no more; False where it has nothing that counts."""
        found = self._load(name)
        if found is None or all(one.revoked for one in found[1]):
            return False
        self._save(name, found[0], [self._ended(one) for one in found[1]])
        self._publish_revocations()
        return True

    @property
    def authority_pem(self) -> bytes:
        """The authority's certificate."""
        return self._folder.read(CA, _MAX_BYTES)

    @property
    def revocations_pem(self) -> bytes:
        """The list of what counts no more."""
        return self._folder.read(CRL, _MAX_CRL_BYTES)

    # ---- inside ----------------------------------------------------------------------------------

    def _authority(self) -> ca.Authority:
        return ca.Authority(self._folder.read(CA_KEY, _MAX_BYTES), self.authority_pem)

    def _ended(self, issued: Issued) -> Issued:
        return issued if issued.revoked else replace(issued, revoked=stamp(self._now()))

    def _of(self, name: str, kind: str) -> list[Issued]:
        """What this holder has; raises UsageError where the name is another kind of holder's."""
        found = self._load(name)
        if (name in (BOARD, CONFIG) and kind != MANAGER) or (
            found is not None and found[0] != kind
        ):
            raise UsageError(
                f"{name} is the name of a {MANAGER if kind == CAMERA else CAMERA}.",
                do="Choose another name: at the broker rights hang on it.",
            )
        return [] if found is None else found[1]

    def _load(self, name: str) -> tuple[str, list[Issued]] | None:
        what = f"{CERTIFICATES}/{name}.json"
        if self._folder.kind(CERTIFICATES) is None:
            return None
        with self._folder.folder(CERTIFICATES) as place:
            if place.kind(f"{name}.json") is None:
                return None
            fields = documents.parse(place.read(f"{name}.json", documents.MAX_BYTES), what)
        documents.known_version(fields, what)
        kind, listed = documents.text(fields, "kind", what), fields.get("certificates")
        try:
            found = [
                Issued(
                    x509.load_pem_x509_certificate(str(one["pem"]).encode()), str(one["revoked"])
                )
                for one in cast("list[Json]", listed)
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise EvidenceError(f"{what} is damaged.") from error
        return kind, found

    def _save(self, name: str, kind: str, issued: Sequence[Issued]) -> None:
        """What has expired by itself is let go."""
        now = self._now()
        fields: Json = {
            "v": 1,
            "name": name,
            "kind": kind,
            "certificates": [
                {"pem": ca.pem(one.certificate).decode("ascii"), "revoked": one.revoked}
                for one in issued
                if one.certificate.not_valid_after_utc > now
            ],
        }
        with self._folder.make(CERTIFICATES) as place:
            place.replace(f"{name}.json", documents.encode(fields), mode=0o644)

    def _publish_revocations(self) -> None:
        revoked: list[tuple[int, datetime]] = []
        if self._folder.kind(CERTIFICATES) is not None:
            with self._folder.folder(CERTIFICATES) as place:
                names = [name[:-5] for name, _ in place.names() if name.endswith(".json")]
            for name in names:
                found = self._load(name)
                revoked += [
                    (one.certificate.serial_number, _utc(one.revoked))
                    for one in (found[1] if found else ())
                    if one.revoked
                ]
        now = self._now()
        listed = self._authority().revocations(revoked, int(now.timestamp() * 1000), now)
        self._folder.replace(CRL, listed, mode=0o644)


def _utc(stamped: str) -> datetime:
    return datetime.strptime(stamped, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
