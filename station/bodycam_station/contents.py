"""What is inside a recording: its objects, opened one by one with the station's secret key.

The law: an object's content is used only if its sealed bytes were the ones signed, and is given out
only as far as age authenticated it. Notes and warnings are small; film is streamed.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bodycam.errors import BodycamError, EvidenceError
from bodycam.evidence.ledger import Object
from bodycam_station import documents
from bodycam_station.age_reader import Identity, open_sealed
from bodycam_station.documents import Json
from bodycam_station.files import Folder

MAX_JSON_BYTES = 64 * 1024
FILM = ("init", "segment")
"""The kinds of objects that, one after the other, are an MP4."""
_FIRST_BOX = {"init": b"ftyp", "segment": b"moof"}
"""By kind, the type of the box that film begins with."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An object that opened to its end."""

    item: Object
    length: int
    """Bytes of the content."""
    sha256: str
    """Of the content, in hexadecimal."""
    film_bytes: int = 0
    """Of a segment, the bytes of pictures and sound in it."""


def plain(folder: Folder, item: Object, identities: Sequence[Identity]) -> Iterator[bytes]:
    """An object's content in pieces; raises EvidenceError, also between two pieces."""
    with folder.open(item.name) as file:
        yield from open_sealed(file, identities)


def read_json(folder: Folder, item: Object, identities: Sequence[Identity]) -> Json:
    """A warning or a note; raises EvidenceError."""
    data = bytearray()
    for piece in plain(folder, item, identities):
        data += piece
        if len(data) > MAX_JSON_BYTES:
            raise EvidenceError(f"{item.name} is longer than a {item.kind} may be.")
    fields = documents.parse(bytes(data), item.name)
    documents.known_version(fields, item.name)
    return fields


def open_object(folder: Folder, item: Object, identities: Sequence[Identity]) -> Opened:
    """Open one object to its end and look whether it is what its kind says.

    Raises EvidenceError with a sentence about it.
    """
    if item.kind not in _FIRST_BOX:
        read_json(folder, item, identities)
    sha256, length, head = hashlib.sha256(), 0, b""
    for piece in plain(folder, item, identities):
        sha256.update(piece)
        length += len(piece)
        head = head or piece[:8]
    if item.kind in _FIRST_BOX and head[4:] != _FIRST_BOX[item.kind]:
        raise EvidenceError(f"{item.name} opens, but it is not the {item.kind} of an MP4.")
    # A segment is one moof and one mdat, whose header has eight bytes.
    film = length - int.from_bytes(head[:4], "big") - 8 if item.kind == "segment" else 0
    return Opened(item, length, sha256.hexdigest(), film)


class Film(io.RawIOBase):
    """Init and segments, decrypted and joined while they are read: one MP4, read forwards only.

    An object that does not open ends the film, and its error is in `error`, because errors do not
    travel through a decoder's read callback.
    """

    def __init__(
        self, folder: Folder, objects: Sequence[Object], identities: Sequence[Identity]
    ) -> None:
        self.error: BodycamError | None = None
        self._pieces = (p for item in objects for p in plain(folder, item, identities))
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with what comes next; 0 at the end."""
        while not self._rest:
            try:
                piece = next(self._pieces, None)
            except BodycamError as error:
                self.error = error
                return 0
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
