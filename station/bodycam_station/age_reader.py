"""Opens age v1 files (binary, X25519 or post-quantum). The law: nothing is given out that was not
authenticated.

The camera can only write such files; reading them lives here. Source: https://c2sp.org/age
Whatever a file holds, at most the header limit and two chunks of it are in memory.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bodycam.errors import SealError
from bodycam.evidence import hybrid
from bodycam.evidence.bech32 import encode

INTRO = b"age-encryption.org/v1\n"
CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
FILE_KEY_BYTES = 16
MAX_HEADER_BYTES = 64 * 1024
"""Room for some six hundred recipients; cameras seal to a handful."""
BODY_COLUMNS = 64
_WRAP_INFO = b"age-encryption.org/v1/X25519"


class UnsealError(SealError):
    """A file that did not open; `kind` is `header`, `no match`, `hmac` or `payload`."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind


class Identity(Protocol):
    """A secret key that opens what was sealed to its recipient."""

    @property
    def recipient(self) -> str:
        """The `age1…` that others seal to."""

    @property
    def stanza(self) -> bytes:
        """The first word of the stanzas that are for keys of this kind."""

    @property
    def share_bytes(self) -> int:
        """The length of the share that is such a stanza's second word."""

    def unwrap(self, share: bytes, body: bytes) -> bytes | None:
        """The file key in a stanza, or None where the stanza is for somebody else.

        Raises UnsealError where the stanza cannot be for anybody.
        """


class X25519Identity:
    """The secret key of a recipient `age1…`: 32 bytes."""

    stanza = b"X25519"
    share_bytes = 32

    def __init__(self, secret: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(secret)
        self._public = self._key.public_key().public_bytes_raw()
        self.recipient = encode("age", self._public)

    def unwrap(self, share: bytes, body: bytes) -> bytes | None:
        """See Identity."""
        wrap = _hkdf(_exchange(self._key, share), share + self._public, _WRAP_INFO)
        try:
            return ChaCha20Poly1305(wrap).decrypt(bytes(12), body, None)
        except InvalidTag:
            return None


class HybridIdentity:
    """The secret key of a recipient `age1pq1…`: 32 bytes, from which both its keys follow."""

    stanza = hybrid.STANZA
    share_bytes = hybrid.SHARE_BYTES

    def __init__(self, seed: bytes) -> None:
        """Raises SealError where the library here has no such keys."""
        expanded = hashlib.shake_256(seed).digest(96)
        with hybrid.able():
            from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
            from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

            mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
            x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
            self._key = MLKEM768X25519PrivateKey(mlkem, x25519)
            self._x25519 = x25519
            self._suite = hybrid.suite()
        public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        self.recipient = encode("age1pq", public)

    def unwrap(self, share: bytes, body: bytes) -> bytes | None:
        """See Identity."""
        _exchange(self._x25519, share[-32:])  # the library calls such a point a wrong key
        try:
            return self._suite.decrypt(share + body, self._key, info=hybrid.INFO)
        except InvalidTag:
            return None


def _exchange(key: X25519PrivateKey, share: bytes) -> bytes:
    try:
        return key.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise _header("a recipient's share is a point that hides nothing") from None


def open_sealed(source: BinaryIO, identities: Sequence[Identity]) -> Iterator[bytes]:
    """The content of an age file in authenticated pieces of at most 64 KiB.

    The header is checked before this returns. Raises UnsealError, here or between two pieces;
    only the end of the iteration says that the file was whole.
    """
    header = _Header(source)
    file_key = _file_key(header.stanzas, identities)
    expected = hmac.digest(_hkdf(file_key, b"", b"header"), header.signed, hashlib.sha256)
    if not hmac.compare_digest(expected, header.mac):
        raise UnsealError("hmac", "the header of this age file was changed after it was sealed")
    nonce = _exactly(source, 16)
    if len(nonce) < 16:
        raise _header("it ends within the nonce")
    return _payload(source, _hkdf(file_key, nonce, b"payload"))


def _payload(source: BinaryIO, key: bytes) -> Iterator[bytes]:
    cipher = ChaCha20Poly1305(key)
    counter, last = 0, False
    while not last:
        piece = _exactly(source, CHUNK_BYTES + TAG_BYTES)
        whole = len(piece) == CHUNK_BYTES + TAG_BYTES
        plain = _chunk(cipher, counter, piece, last=False) if whole else None
        if plain is None:
            last = True
            plain = _chunk(cipher, counter, piece, last=True)
        if plain is None:
            why = "changed" if whole else "cut off or changed"
            raise UnsealError("payload", f"chunk {counter} of this age file is {why}")
        if plain:
            yield plain
        elif counter:
            raise UnsealError("payload", "this age file ends with an empty chunk")
        counter += 1
    if source.read(1):
        raise UnsealError("payload", "something follows the end of this age file")


def _chunk(cipher: ChaCha20Poly1305, counter: int, piece: bytes, *, last: bool) -> bytes | None:
    try:
        return cipher.decrypt((counter << 8 | last).to_bytes(12, "big"), piece, None)
    except InvalidTag:
        return None


class _Header:
    """The stanzas of an age header, its authenticated bytes and its MAC, strictly parsed."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._seen = bytearray()
        self.stanzas: list[tuple[list[bytes], bytes]] = []
        if self._line() != INTRO[:-1]:
            raise _header("it does not begin with age-encryption.org/v1")
        while (line := self._line()).startswith(b"-> "):
            words = line[3:].split(b" ")
            if not all(word and all(33 <= c <= 126 for c in word) for word in words):
                raise _header("a stanza has an empty or unprintable word")
            self.stanzas.append((words, self._body()))
        if not line.startswith(b"--- "):
            raise _header("a line is neither a stanza nor the end of the header")
        self.mac = _base64(line[4:])
        if len(self.mac) != 32:
            raise _header("its MAC has the wrong length")
        if not self.stanzas:
            raise _header("it has no recipients")
        self.signed = bytes(self._seen[: -len(line) - 1 + 3])
        if any(words[0] == b"scrypt" for words, _ in self.stanzas) and len(self.stanzas) > 1:
            raise _header("a passphrase stands beside another recipient")

    def _line(self) -> bytes:
        """The next line without its end."""
        line = self._source.readline(MAX_HEADER_BYTES - len(self._seen))
        self._seen += line
        if not line.endswith(b"\n"):
            if len(self._seen) >= MAX_HEADER_BYTES:
                raise _header(f"it is longer than {MAX_HEADER_BYTES} bytes")
            raise _header("it is cut off")
        return line[:-1]

    def _body(self) -> bytes:
        body = bytearray()
        while True:
            line = self._line()
            if len(line) > BODY_COLUMNS:
                raise _header("a stanza's line is too long")
            body += _base64(line)
            if len(line) < BODY_COLUMNS:
                return bytes(body)


def _file_key(
    stanzas: Sequence[tuple[list[bytes], bytes]], identities: Sequence[Identity]
) -> bytes:
    ours: list[tuple[bytes, bytes, bytes]] = []
    lengths = {identity.stanza: identity.share_bytes for identity in identities}
    for words, body in stanzas:
        if words[0] not in lengths:
            continue
        share = _base64(words[1]) if len(words) == 2 else b""
        # The length is checked before decrypting, so that no key of another size can be tried.
        if len(share) != lengths[words[0]] or len(body) != FILE_KEY_BYTES + TAG_BYTES:
            raise _header(f"an {words[0].decode('ascii')} stanza is misshapen")
        ours.append((words[0], share, body))
    for kind, share, body in ours:
        for identity in identities:
            key = identity.unwrap(share, body) if identity.stanza == kind else None
            if key is not None:
                return key
    raise UnsealError("no match", "this age file is sealed to other keys than the ones given")


def _header(why: str) -> UnsealError:
    return UnsealError("header", f"the header of this age file is not well formed: {why}")


def _base64(text: bytes) -> bytes:
    """Unpadded base64, only in its one canonical spelling."""
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise _header("it is not in base64 where it should be") from None
    if base64.b64encode(data).rstrip(b"=") != text:
        raise _header("its base64 is not canonical")
    return data


def _exactly(source: BinaryIO, size: int) -> bytes:
    """`size` bytes, fewer only at the end of the file."""
    data = source.read(size)
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    return data


def _hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256, one block of 32 bytes (RFC 5869)."""
    return hmac.digest(
        hmac.digest(salt or bytes(32), secret, hashlib.sha256), info + b"\x01", hashlib.sha256
    )
