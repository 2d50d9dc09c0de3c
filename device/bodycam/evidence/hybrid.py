"""The post-quantum way to wrap a file key: HPKE with ML-KEM-768 and X25519 in one.

What is sealed so stays closed to somebody who keeps a copy today and has a quantum computer one
day, and is never weaker than X25519 alone. Source: https://c2sp.org/age, mlkem768x25519.

The library draws the randomness of a seal by itself: it cannot be passed in. It is loaded only
where it is used, so that a camera without post-quantum recipients does without it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from bodycam.errors import SealError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey, Suite

STANZA = b"mlkem768x25519"
INFO = b"age-encryption.org/mlkem768x25519"
MLKEM_BYTES = 1184
PUBLIC_BYTES = MLKEM_BYTES + 32
SHARE_BYTES = 1120
"""What the recipient needs beside its secret key to get at the wrapped one."""


class HybridRecipient:
    """A recipient `age1pq1…`: an ML-KEM-768 key and an X25519 key after it."""

    def __init__(self, data: bytes) -> None:
        """Seals a trial; raises SealError where the key, or the library, cannot be used."""
        if len(data) != PUBLIC_BYTES:
            raise SealError("A recipient is not a post-quantum key.")
        with able():
            self._suite = suite()
            try:
                self._public = _public_key(data)
                self.wrap(bytes(16))
            except ValueError:  # not reduced, or a point that hides nothing
                raise SealError("A recipient is not a proper post-quantum key.") from None

    def wrap(self, file_key: bytes) -> tuple[bytes, bytes]:
        """The share, and the file key as only the recipient can read it."""
        sealed = self._suite.encrypt(file_key, self._public, info=INFO)
        return sealed[:SHARE_BYTES], sealed[SHARE_BYTES:]


def suite() -> "Suite":
    """HPKE as age uses it; call it within `able`."""
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


@contextmanager
def able() -> Iterator[None]:
    """Turns what an older library says into one sentence: a SealError."""
    try:
        yield
    except (ImportError, AttributeError, UnsupportedAlgorithm):
        raise SealError(
            "The cryptography library here has no post-quantum keys.",
            do="Install cryptography 48 or later.",
        ) from None


def _public_key(data: bytes) -> "MLKEM768X25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(data[:MLKEM_BYTES]),
        X25519PublicKey.from_public_bytes(data[MLKEM_BYTES:]),
    )
