"""The station's secret age keys, as stock age writes and reads them."""

from collections.abc import Sequence

from bodycam.errors import ConfigError, SealError
from bodycam.evidence import bech32
from bodycam_station.age_reader import Identity

MAX_FILE_BYTES = 64 * 1024
_SECRET = "AGE-SECRET-KEY-"  # noqa: S105 - the readable part of every such key
_RECIPIENT = "age"


def parse_identity(text: str) -> Identity:
    """One `AGE-SECRET-KEY-1…`; raises SealError, which never repeats it."""
    hrp, data = bech32.decode(text)
    if hrp != _SECRET or len(data) != 32:
        raise SealError("An age identity is not an X25519 key that this version can use.")
    return Identity(data)


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
            raise ConfigError(f"Line {number} of the identity file: {error.what}") from None
    if not found:
        raise ConfigError("The identity file holds no identity.")
    return found


def recipient(identity: Identity) -> str:
    """The `age1…` that belongs to an identity."""
    return bech32.encode(_RECIPIENT, identity.public)


def identity_file(secret: bytes, note: str) -> bytes:
    """A file for `age -d -i`: the secret key below its recipient and a note."""
    public = recipient(Identity(secret))
    return f"# {note}\n# public key: {public}\n{bech32.encode(_SECRET, secret)}\n".encode()
