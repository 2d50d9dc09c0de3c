"""The station's secret age keys, as stock age writes and reads them."""

from collections.abc import Callable, Sequence

from bodycam.errors import ConfigError, SealError
from bodycam.evidence import bech32
from bodycam_station.age_reader import HybridIdentity, Identity, X25519Identity

MAX_FILE_BYTES = 64 * 1024
_KINDS: dict[str, Callable[[bytes], Identity]] = {
    "AGE-SECRET-KEY-": X25519Identity,
    "AGE-SECRET-KEY-PQ-": HybridIdentity,
}
"""By the readable part of the key's text."""


def parse_identity(text: str) -> Identity:
    """One `AGE-SECRET-KEY-1…` or `…-PQ-1…`; raises SealError, which never repeats it."""
    hrp, data = bech32.decode(text)
    if hrp not in _KINDS or len(data) != 32:
        raise SealError("An age identity is not a key that this version can use.")
    return _KINDS[hrp](data)


def parse_identities(data: bytes) -> Sequence[Identity]:
    """The identities of an identity file; raises ConfigError naming the line."""
    found = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            found.append(parse_identity(text))
        except SealError as error:
            raise ConfigError(f"Line {number} of the identity file: {error}") from None
    if not found:
        raise ConfigError("The identity file holds no identity.")
    return found


def identity_file(secret: bytes, note: str, *, post_quantum: bool = False) -> bytes:
    """A file for `age -d -i`: the key of 32 random bytes below its recipient and a note.

    Raises SealError where the library here has no such keys.
    """
    text = bech32.encode("AGE-SECRET-KEY-PQ-" if post_quantum else "AGE-SECRET-KEY-", secret)
    return f"# {note}\n# public key: {parse_identity(text).recipient}\n{text}\n".encode()
