"""The age reader against the C2SP vectors, stock writers, and at the borders of its chunks."""

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest

from bodycam.errors import ConfigError, SealError
from bodycam.evidence.age import CHUNK_BYTES, Sealer
from bodycam_station.age_reader import (
    MAX_HEADER_BYTES,
    Identity,
    UnsealError,
    X25519Identity,
    open_sealed,
)
from bodycam_station.identities import identity_file, parse_identities, parse_identity

VECTORS = Path(
    os.environ.get("BODYCAM_AGE_VECTORS")
    or Path(__file__).parents[1] / "oracles/node_modules/cctv-age/index.js"
)
KINDS = {
    "header failure": "header",
    "no match": "no match",
    "HMAC failure": "hmac",
    "payload failure": "payload",
}
NOT_APPLICABLE = {
    "armor": "cameras write binary files only",
    "scrypt": "cameras seal to keys, never to a passphrase",
}
"""By the first word of a vector's name."""


@dataclass(frozen=True)
class Vector:
    name: str
    expect: str
    payload: str
    identities: list[str]
    data: bytes = field(repr=False)


def read_vectors() -> list[Vector]:
    """Every vector of the npm package, whose module holds each file's bytes in base64."""
    text = VECTORS.read_text()
    found = re.findall(
        r'^// \.\./testdata/(\w+)\nvar \w+ = (?:/\* @__PURE__ \*/ )?__toBinary\("([^"]*)"\)',
        text,
        re.MULTILINE,
    )
    vectors = []
    for name, packed in found:
        head, _, data = base64.b64decode(packed).partition(b"\n\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\n")]
        one = dict(fields)
        vectors.append(
            Vector(
                name=name,
                expect=one["expect"],
                payload=one.get("payload", ""),
                identities=[value for key, value in fields if key == "identity"],
                data=zlib.decompress(data) if one.get("compressed") == "zlib" else data,
            )
        )
    assert len(vectors) == text.count("// ../testdata/")
    return vectors


def applicable() -> list[Vector]:
    # Without the package the test below fails, saying what to do; nothing is skipped.
    if not VECTORS.exists():
        return []
    return [v for v in read_vectors() if v.name.partition("_")[0] not in NOT_APPLICABLE]


def test_the_vectors_are_there() -> None:
    assert VECTORS.exists(), "run `npm ci` in tests/oracles"
    assert len(read_vectors()) == 143
    assert len(applicable()) == 85


@pytest.mark.parametrize("vector", applicable(), ids=lambda v: v.name)
def test_vector(vector: Vector) -> None:
    keys = [parse_identity(text) for text in vector.identities]
    digest, kind = hashlib.sha256(), ""
    try:
        for piece in open_sealed(io.BytesIO(vector.data), keys):
            digest.update(piece)
    except UnsealError as error:
        kind = error.kind
    assert kind == KINDS.get(vector.expect, "")
    if vector.payload:
        assert digest.hexdigest() == vector.payload


@pytest.fixture(scope="module")
def secret() -> bytes:
    return hashlib.sha256(b"a test's key").digest()


def opened(data: bytes, key: Identity) -> bytes:
    return b"".join(open_sealed(io.BytesIO(data), [key]))


@pytest.mark.parametrize(
    "size",
    [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7],
)
def test_opens_what_others_sealed(size: int, secret: bytes) -> None:
    key = X25519Identity(secret)
    plain = bytes(i % 251 for i in range(size))
    theirs = pyrage.x25519.Recipient.from_str(key.recipient)
    assert opened(pyrage.encrypt(plain, [theirs]), key) == plain
    assert opened(bytes(Sealer([key.recipient], os.urandom).seal([plain])), key) == plain


def test_stock_age_uses_the_identity_file(tmp_path: Path, secret: bytes) -> None:
    age = shutil.which("age")
    assert age, "install age: the tests are held against it"
    (tmp_path / "identity.txt").write_bytes(identity_file(secret, "for a test"))
    key = parse_identities((tmp_path / "identity.txt").read_bytes())[0]
    sealed = subprocess.run([age, "-r", key.recipient], input=b"hello", capture_output=True)
    assert opened(sealed.stdout, key) == b"hello"
    back = subprocess.run(
        [age, "-d", "-i", tmp_path / "identity.txt"], input=sealed.stdout, capture_output=True
    )
    assert back.stdout == b"hello"


def test_every_cut_is_seen(secret: bytes) -> None:
    key = X25519Identity(secret)
    sealed = bytes(Sealer([key.recipient], os.urandom).seal([b"x" * 300]))
    for end in range(len(sealed)):
        with pytest.raises(UnsealError):
            opened(sealed[:end], key)
    with pytest.raises(UnsealError):
        opened(sealed + b"\0", key)


def test_whole_chunks_come_before_the_cut(secret: bytes) -> None:
    key = X25519Identity(secret)
    sealed = bytes(Sealer([key.recipient], os.urandom).seal([b"x" * (3 * CHUNK_BYTES)]))
    pieces = open_sealed(io.BytesIO(sealed[:-CHUNK_BYTES]), [key])
    assert [len(next(pieces)), len(next(pieces))] == [CHUNK_BYTES, CHUNK_BYTES]
    with pytest.raises(UnsealError, match=r"chunk 2 .* cut off"):
        next(pieces)


@pytest.mark.parametrize(
    "tail",
    [b"-> X " + b"a" * 10**6, (b"-> X\n" + b"A" * 64 + b"\n") * 10**4, b"-> grease\n\n" * 10**5],
    ids=["long line", "long body", "many stanzas"],
)
def test_an_endless_header_is_cut_short(tail: bytes, secret: bytes) -> None:
    source = io.BytesIO(b"age-encryption.org/v1\n" + tail)
    with pytest.raises(UnsealError) as caught:
        list(open_sealed(source, [X25519Identity(secret)]))
    assert caught.value.kind == "header"
    assert source.tell() <= MAX_HEADER_BYTES


class Trickle(io.BytesIO):
    """A file that gives at most 1000 bytes at a time, as pipes and some card readers do."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(1000, size if size is not None and size >= 0 else 1000))


def test_short_reads_are_not_ends(secret: bytes) -> None:
    key = X25519Identity(secret)
    sealed = bytes(Sealer([key.recipient], os.urandom).seal([b"x" * 200_000]))
    assert b"".join(open_sealed(Trickle(sealed), [key])) == b"x" * 200_000


def test_identity_files(secret: bytes) -> None:
    text = identity_file(secret, "for a test")
    assert [key.recipient for key in parse_identities(b"\n" + text + text)] == [
        X25519Identity(secret).recipient
    ] * 2
    for data, why in (
        (b"# nothing\n", "no identity"),
        (b"# a\nAGE-SECRET-KEY-1QQ\n", "Line 2"),
        (X25519Identity(secret).recipient.encode(), "Line 1"),
        (b"\xff\xfe\n", "Line 1"),
    ):
        with pytest.raises(ConfigError, match=why):
            parse_identities(data)


def test_an_error_never_repeats_a_secret(secret: bytes) -> None:
    text = identity_file(secret, "x").decode().splitlines()[-1]
    with pytest.raises(SealError) as caught:
        parse_identity(text[:-1] + ("Q" if text[-1] != "Q" else "P"))
    assert text[20:30] not in str(caught.value)
