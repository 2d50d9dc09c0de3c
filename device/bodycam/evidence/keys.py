"""Signing keys: Ed25519, or ES256 (ECDSA on P-256 with SHA-256), as security chips mostly have it.

Signatures are always 64 raw bytes: Ed25519's own, or r and s of 32 bytes each, the greatest first.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bodycam.errors import EvidenceError, SignatureError
from bodycam.ports import Buffer

ED25519 = "ed25519"
ES256 = "es256"

SSH_NAMES = {ED25519: "ssh-ed25519", ES256: "ecdsa-sha2-nistp256"}
"""What OpenSSH calls the algorithms."""

MAX_KEY_FILE_BYTES = 16 * 1024

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key; making one raises EvidenceError where it is not well formed."""

    alg: str
    """`ed25519` or `es256`."""
    data: bytes
    """32 raw bytes, or a SEC 1 point of 65 bytes."""

    def __post_init__(self) -> None:
        self._load()

    def verify(self, signature: bytes, data: Buffer) -> None:
        """Raises SignatureError unless the 64 bytes of `signature` are this key's for `data`."""
        if len(signature) != 64:
            raise SignatureError("A signature is not 64 bytes long.")
        key = self._load()
        try:
            if isinstance(key, Ed25519PublicKey):
                key.verify(signature, data)
            else:
                r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
                key.verify(encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))
        except InvalidSignature:
            raise SignatureError("A signature does not hold.") from None

    def blob(self) -> bytes:
        """The key as OpenSSH's protocol writes it."""
        name = ssh_string(SSH_NAMES[self.alg].encode("ascii"))
        curve = ssh_string(b"nistp256") if self.alg == ES256 else b""
        return name + curve + ssh_string(self.data)

    def openssh(self) -> str:
        """The key as a line of OpenSSH's files, without comment or newline."""
        return f"{SSH_NAMES[self.alg]} {base64.b64encode(self.blob()).decode('ascii')}"

    @classmethod
    def from_openssh(cls, text: str) -> "PublicKey":
        """Read what `openssh` writes, with or without a comment; raises EvidenceError."""
        words = text.split(maxsplit=2)[:2]
        algs = [alg for alg, name in SSH_NAMES.items() if name == words[0]] if words else []
        if algs and len(words) == 2:
            size = 32 if algs[0] == ED25519 else 65
            try:
                key = cls(algs[0], base64.b64decode(words[1].encode("ascii"))[-size:])
            except (UnicodeEncodeError, binascii.Error):
                pass
            else:
                if key.openssh().split() == words:
                    return key
        raise EvidenceError(
            "This is not a public key in OpenSSH's form.",
            do="Give a line that begins with ssh-ed25519 or ecdsa-sha2-nistp256.",
        )

    def pem(self) -> str:
        """The key as stock `openssl … -pubin` reads it."""
        return (
            self._load()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode("ascii")
        )

    def _load(self) -> Ed25519PublicKey | ec.EllipticCurvePublicKey:
        try:
            if self.alg == ED25519:
                return Ed25519PublicKey.from_public_bytes(self.data)
            if self.alg == ES256 and len(self.data) == 65:
                return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.data)
        except ValueError:
            pass
        raise EvidenceError("A public key is not well formed.")


class SigningKey(Protocol):
    """A key that signs, in software or in a chip."""

    @property
    def alg(self) -> str:
        """`ed25519` or `es256`."""

    @property
    def public(self) -> PublicKey:
        """The other half."""

    def sign(self, data: bytes) -> bytes:
        """The signature, 64 raw bytes."""


class SoftwareKey:
    """A signing key in memory. Its signatures are deterministic for both algorithms."""

    def __init__(self, private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        if isinstance(private, Ed25519PrivateKey):
            self.public = PublicKey(ED25519, private.public_key().public_bytes_raw())
        else:
            point = private.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
            self.public = PublicKey(ES256, point)

    @property
    def alg(self) -> str:
        """`ed25519` or `es256`."""
        return self.public.alg

    @classmethod
    def from_seed(cls, seed: bytes, alg: str = ED25519) -> "SoftwareKey":
        """The key of 32 random bytes; raises EvidenceError."""
        if len(seed) != 32 or alg not in SSH_NAMES:
            raise EvidenceError("A key's seed is not 32 bytes long, or its algorithm is not known.")
        if alg == ED25519:
            return cls(Ed25519PrivateKey.from_private_bytes(seed))
        wide = HKDF(SHA512(), 48, salt=None, info=b"bodycam-es256").derive(seed)
        secret = int.from_bytes(wide, "big") % (_P256_ORDER - 1) + 1
        return cls(ec.derive_private_key(secret, ec.SECP256R1()))

    @classmethod
    def from_openssh(cls, data: bytes) -> "SoftwareKey":
        """Read an OpenSSH private key file without a passphrase; raises EvidenceError."""
        key: object = None
        if len(data) <= MAX_KEY_FILE_BYTES:
            try:
                key = serialization.load_ssh_private_key(data, password=None)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                key = None
        if isinstance(key, Ed25519PrivateKey):
            return cls(key)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(key)
        raise EvidenceError(
            "This is not a signing key in OpenSSH's form.",
            do="Give an Ed25519 or P-256 private key file without a passphrase.",
        )

    def to_openssh(self) -> bytes:
        """The OpenSSH private key file, without a passphrase."""
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )

    def sign(self, data: bytes) -> bytes:
        """The signature, 64 raw bytes."""
        if isinstance(self._private, Ed25519PrivateKey):
            return self._private.sign(data)
        scheme = ec.ECDSA(SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(self._private.sign(data, scheme))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def ssh_string(data: bytes) -> bytes:
    """`data` with its length before it, as OpenSSH's protocol writes it."""
    return len(data).to_bytes(4, "big") + data
