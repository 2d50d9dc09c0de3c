"""The station's certificate authority, for what speaks on the network: cameras, managers, broker.

The name in a certificate is the name that the broker knows its holder by, and what it may do hangs
on that name alone. So no two holders ever have the same one: `papers.py` sees to that.
"""

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bodycam.errors import EvidenceError

YEARS = 20
CAMERA_YEARS = 10
"""A camera's life. What ends earlier is revoked."""
BROKER_YEARS = 5
MANAGER_YEARS = 2

Random = Callable[[int], bytes]
PublicKey = ec.EllipticCurvePublicKey


def make_ca(station: str, now: datetime, random: Random) -> tuple[bytes, bytes]:
    """A new authority: its secret key and its certificate, both PEM. P-256, as brokers know it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"bodycam station {station}")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(_serial(random))
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _years(YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    return secret_pem(key), certificate.public_bytes(serialization.Encoding.PEM)


class Authority:
    """Issues certificates and says which of them count no more. Raises EvidenceError."""

    def __init__(self, key_pem: bytes, certificate_pem: bytes) -> None:
        try:
            key = serialization.load_pem_private_key(key_pem, password=None)
            self.certificate = x509.load_pem_x509_certificate(certificate_pem)
        except ValueError as error:
            raise EvidenceError("ca.key or ca.pem is damaged.", do="Restore them.") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or (
            key.public_key() != self.certificate.public_key()
        ):
            raise EvidenceError("ca.key is not the key of ca.pem.", do="Restore them.")
        self._key = key

    def client(
        self, name: str, public: PublicKey, years: int, now: datetime, random: Random
    ) -> x509.Certificate:
        """A certificate with which its holder connects to the broker under that name."""
        return self._issue(name, public, years, now, random, ExtendedKeyUsageOID.CLIENT_AUTH)

    def broker(
        self, hosts: Sequence[str], public: PublicKey, now: datetime, random: Random
    ) -> x509.Certificate:
        """A certificate for the broker under the names and addresses by which it is called."""
        return self._issue(
            hosts[0], public, BROKER_YEARS, now, random, ExtendedKeyUsageOID.SERVER_AUTH, hosts
        )

    def revocations(
        self, serials: Iterable[tuple[int, datetime]], number: int, now: datetime
    ) -> bytes:
        """The list of what counts no more, PEM. It says so until the authority ends: a list that
        went out of date by itself would lock out every camera at once.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now)
            .next_update(self.certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(self._authority_id(), critical=False)
        )
        for serial, since in serials:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(since)
                .build()
            )
        return builder.sign(self._key, SHA256()).public_bytes(serialization.Encoding.PEM)

    def _issue(
        self,
        name: str,
        public: PublicKey,
        years: int,
        now: datetime,
        random: Random,
        purpose: x509.ObjectIdentifier,
        hosts: Sequence[str] = (),
    ) -> x509.Certificate:
        until = min(now + _years(years), self.certificate.not_valid_after_utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.certificate.subject)
            .public_key(public)
            .serial_number(_serial(random))
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(self._authority_id(), critical=False)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, SHA256())

    def _authority_id(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for somebody who cannot make one."""
    return ec.generate_private_key(ec.SECP256R1())


def secret_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The secret key, without a passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def point(data: bytes) -> PublicKey:
    """The public key of a SEC 1 point on P-256."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)


def pem(certificate: x509.Certificate) -> bytes:
    """As brokers read it."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def der(certificate: x509.Certificate) -> bytes:
    """As bundles carry it."""
    return certificate.public_bytes(serialization.Encoding.DER)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _serial(random: Random) -> int:
    return int.from_bytes(random(16), "big") >> 1


def _years(years: int) -> timedelta:
    return timedelta(days=365 * years)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
