"""Holds an export against the evidence: MP4, JSON, its signature, and the sealed recording."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bodycam.errors import BodycamError, EvidenceError
from bodycam.evidence import sshsig
from bodycam.evidence.keys import PublicKey
from bodycam.evidence.ledger import Object
from bodycam_station import documents
from bodycam_station.age_reader import Identity
from bodycam_station.contents import FILM, Film, open_object
from bodycam_station.documents import Json
from bodycam_station.export import KIND, NAMESPACE, digest
from bodycam_station.files import Folder, shown
from bodycam_station.samples import samples
from bodycam_station.verify import Verdict

MAX_JSON_BYTES = 128 * 1024 * 1024
"""Two days of film have some forty megabytes of hashes."""


@dataclass(slots=True)
class Check:
    """What came of holding MP4, JSON and sealed recording against each other."""

    problems: list[str]
    notes: list[str]
    signer: str = "unknown"
    """`known`, or `unknown` where no station said whose key it is."""

    @property
    def exit_code(self) -> int:
        """1 where something does not agree or the signer is unknown, else 0."""
        return 1 if self.problems or self.signer != "known" else 0


def check(
    mp4: Path,
    report: Path,
    folder: Folder,
    verdict: Verdict,
    *,
    identities: Sequence[Identity] = (),
    keys: Callable[[str], Sequence[PublicKey]] | None = None,
) -> Check:
    """Hold an export against the recording; raises EvidenceError where the JSON is not one.

    With `identities` the recording is opened and its samples compared with those of the MP4. `keys`
    gives the keys of the station of that name.
    """
    with Folder(report.parent) as place:
        data = place.read(report.name, MAX_JSON_BYTES)
        fields = documents.parse(data, shown(report.name), limit=MAX_JSON_BYTES)
        documents.known_version(fields, shown(report.name))
        if fields.get("kind") != KIND:
            raise EvidenceError(f"{shown(report.name)} is not the JSON of an export.")
        found = Check([], [])
        station = documents.text(fields, "station", shown(report.name))
        if keys is None:
            found.notes.append("The signature was not checked, because no station was given.")
        else:
            _signature(place, f"{report.name}.sig", data, keys(station), found)
    _film(mp4, fields, found)
    _recording(fields, verdict, found)
    if identities:
        _opened(fields, folder, verdict, identities, found)
    else:
        found.notes.append(
            "Without the station's secret key the recording was not opened: that its film is the "
            "one in the MP4 rests on the station's signature."
        )
    return found


def _signature(
    place: Folder, name: str, data: bytes, keys: Sequence[PublicKey], found: Check
) -> None:
    why = "It is of a station that is not known here."
    for key in keys:
        try:
            sshsig.verify(place.read(name, sshsig.MAX_ARMOR_BYTES), key, NAMESPACE, data)
        except BodycamError as error:
            why = error.what
        else:
            found.signer = "known"
            return
    found.problems.append(f"{shown(name)}: {why}")


def _film(mp4: Path, fields: Json, found: Check) -> None:
    said = fields.get("mp4")
    try:
        size, sha256 = digest(mp4)
        if not isinstance(said, dict) or (said.get("bytes"), said.get("sha256")) != (size, sha256):
            found.problems.append(f"{shown(mp4.name)} is not the file that the JSON describes.")
        if fields.get("tracks") != [t.as_json() for t in samples(str(mp4))]:
            found.problems.append(f"The samples in {shown(mp4.name)} are not those of the JSON.")
    except BodycamError as error:
        found.problems.append(error.what)


def _recording(fields: Json, verdict: Verdict, found: Check) -> None:
    if fields.get("rec") != verdict.rec or fields.get("ledger_sha256") != verdict.ledger_sha256:
        found.problems.append("The JSON is about another recording, or another state of it.")
    said = [(o.get("seq"), o.get("kind"), o.get("len"), o.get("sha256")) for o in _objects(fields)]
    if said != [(o.seq, o.kind, o.length, o.sha256) for o in _exported(fields, verdict)]:
        found.problems.append("The objects that the JSON lists are not those of the recording.")
    found.notes.append(f"The recording is {verdict.integrity}; {verdict.provenance_text}.")
    was = fields.get("verdict")
    integrity = was.get("integrity") if isinstance(was, dict) else None
    if integrity != verdict.integrity:
        found.problems.append(
            f"The recording is {verdict.integrity} now; the JSON says {shown(str(integrity))}."
        )


def _opened(
    fields: Json,
    folder: Folder,
    verdict: Verdict,
    identities: Sequence[Identity],
    found: Check,
) -> None:
    said = {o.get("seq"): (o.get("plain_len"), o.get("plain_sha256")) for o in _objects(fields)}
    items = _exported(fields, verdict)
    for item in items:
        try:
            opened = open_object(folder, item, identities)
        except BodycamError as error:
            found.problems.append(f"{item.name}: {error.what}")
            continue
        if said.get(item.seq) != (opened.length, opened.sha256):
            found.problems.append(f"{item.name} holds something else than the JSON says.")
    try:
        tracks = samples(Film(folder, [i for i in items if i.kind in FILM], identities))
    except EvidenceError as error:
        found.problems.append(error.what)
        return
    if fields.get("tracks") != [track.as_json() for track in tracks]:
        found.problems.append("The film in the recording is not the film in the MP4.")


def _exported(fields: Json, verdict: Verdict) -> list[Object]:
    """The recording's objects without those that the JSON says were left out."""
    left_out = fields.get("left_out")
    names = left_out if isinstance(left_out, list) else []
    return [item for item in verdict.objects if item.name not in names]


def _objects(fields: Json) -> list[Json]:
    listed = fields.get("objects")
    return [o for o in listed if isinstance(o, dict)] if isinstance(listed, list) else []
