"""Hands a recording over: an MP4 that plays anywhere, and a JSON that ties it to the evidence.

No picture is encoded again: the samples in the MP4 are the camera's own bytes, which `check` shows.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av

from bodycam.errors import BodycamError, EvidenceError, UsageError
from bodycam.evidence import sshsig
from bodycam.evidence.keys import PublicKey, SigningKey
from bodycam.evidence.ledger import Object
from bodycam_station import documents
from bodycam_station.age_reader import Identity
from bodycam_station.contents import Film, Opened, open_object
from bodycam_station.documents import Json
from bodycam_station.files import Folder, failed, pieces, shown
from bodycam_station.verify import NOT_OK, Progress, Verdict

NAMESPACE = "bodycam-export"
KIND = "bodycam-export"
MAX_JSON_BYTES = 128 * 1024 * 1024
"""Two days of film have some forty megabytes of hashes."""
MAX_TRACKS = 2
_FILM = ("init", "segment")
_READ = {"ignore_editlist": "1"}
"""Every sample counts, also one that an edit list would hide."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What an export says besides hashes: who, for what, by which form."""

    station: str
    person: str
    utc: str
    purpose: str = ""
    form: str = ""
    """The number of the transfer form."""
    despite: str = ""
    """Why a recording that is not ok was exported all the same."""


@dataclass(frozen=True, slots=True)
class Track:
    """One track's samples, in order."""

    type: str
    """`video` or `audio`."""
    codec: str
    samples: int
    sha256: str
    """Of all samples' bytes, one after the other."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    mp4: Path
    json: Path
    signature: Path
    tracks: tuple[Track, ...]
    seconds: float
    """From the first picture to the end of the last."""
    left_out: tuple[str, ...]
    """Objects that could not be used."""

    @property
    def frames(self) -> int:
        """Pictures."""
        return sum(track.samples for track in self.tracks if track.type == "video")


def export(
    folder: Folder,
    verdict: Verdict,
    identities: Sequence[Identity],
    key: SigningKey,
    out: Path,
    paper: Paper,
    progress: Progress | None = None,
    *,
    log: Callable[[], None],
) -> Exported:
    """Write OUT.mp4, OUT.json and OUT.json.sig; nothing is left where it fails.

    `log` writes the act down; it is called when nothing stands in the way any more.

    Raises UsageError where a file is in the way or the recording is not ok without a reason given,
    EvidenceError where there is nothing to play, CardError where it cannot be written.
    """
    if verdict.integrity == NOT_OK and not paper.despite:
        raise UsageError(
            f"{verdict.rec or 'This recording'} is not ok: {verdict.problems[0]}.",
            do="If it must be exported all the same, say why: --despite REASON",
        )
    targets = paths(out)
    for path in targets:
        if path.exists() or path.is_symlink():
            raise UsageError(f"{shown(path)} exists already.", do="Choose another name.")
    usable = [item for item in verdict.objects if item.name not in verdict.bad_objects]
    film = [item for item in usable if item.kind in _FILM]
    if [item.kind for item in film[:2]] != ["init", "segment"]:
        raise EvidenceError(f"{verdict.rec or 'This recording'} holds no film that can be played.")
    log()
    with _written(targets) as (mp4, report, signature):
        opened, tracks, seconds = _remux(Film(folder, film, identities), film, mp4, progress)
        opened += [open_object(folder, i, identities) for i in usable if i.kind not in _FILM]
        size, sha256 = _hash(mp4)
        fields = {
            "v": 1,
            "kind": KIND,
            "rec": verdict.rec,
            "device": verdict.device,
            "station": paper.station,
            "tool": f"bodycam-station {version('bodycam')}",
            "exported": paper.utc,
            "operator": paper.person,
            "purpose": paper.purpose,
            "form": paper.form,
            "verdict": {
                "integrity": verdict.integrity,
                "provenance": verdict.provenance,
                "key": verdict.key,
                "anchoring": verdict.anchoring,
                "problems": [str(problem) for problem in verdict.problems],
                "notes": [*verdict.notes],
            },
            "despite": paper.despite,
            "ledger_sha256": verdict.ledger_sha256,
            "mp4": {"name": targets[0].name, "bytes": size, "sha256": sha256},
            "tracks": [
                {"type": t.type, "codec": t.codec, "samples": t.samples, "sha256": t.sha256}
                for t in tracks
            ],
            "objects": [
                {
                    "seq": o.item.seq,
                    "kind": o.item.kind,
                    "len": o.item.length,
                    "sha256": o.item.sha256,
                    "plain_len": o.length,
                    "plain_sha256": o.sha256,
                }
                for o in sorted(opened, key=lambda o: o.item.seq)
            ],
            "left_out": sorted(verdict.bad_objects),
        }
        data = json.dumps(fields, indent=1).encode() + b"\n"
        report.write_bytes(data)
        signature.write_text(sshsig.sign(key, NAMESPACE, data))
    return Exported(*targets, tuple(tracks), seconds, tuple(sorted(verdict.bad_objects)))


def paths(out: Path) -> tuple[Path, Path, Path]:
    """The three files of an export to OUT.mp4."""
    if out.suffix.lower() != ".mp4":
        raise UsageError(f"{shown(out)} does not end in .mp4.", do="Give --out a name that does.")
    return out, out.with_suffix(".json"), out.with_suffix(".json.sig")


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
        size, sha256 = _hash(mp4)
        if not isinstance(said, dict) or (said.get("bytes"), said.get("sha256")) != (size, sha256):
            found.problems.append(f"{shown(mp4.name)} is not the file that the JSON describes.")
        if fields.get("tracks") != _as_json(_samples(str(mp4))):
            found.problems.append(f"The samples in {shown(mp4.name)} are not those of the JSON.")
    except BodycamError as error:
        found.problems.append(error.what)


def _recording(fields: Json, verdict: Verdict, found: Check) -> None:
    if fields.get("rec") != verdict.rec or fields.get("ledger_sha256") != verdict.ledger_sha256:
        found.problems.append("The JSON is about another recording, or another state of it.")
    listed = fields.get("objects")
    said = [
        (o.get("seq"), o.get("kind"), o.get("len"), o.get("sha256"))
        for o in (listed if isinstance(listed, list) else [])
        if isinstance(o, dict)
    ]
    if said != [
        (o.seq, o.kind, o.length, o.sha256)
        for o in verdict.objects
        if o.name not in verdict.bad_objects
    ]:
        found.problems.append("The objects that the JSON lists are not those of the recording.")
    found.notes.append(f"The recording is {verdict.integrity}; {verdict.provenance_text}.")
    was = fields.get("verdict")
    if not isinstance(was, dict) or was.get("integrity") != verdict.integrity:
        said_was = shown(str(was.get("integrity"))) if isinstance(was, dict) else "nothing"
        found.problems.append(
            f"The recording is {verdict.integrity} now; the JSON says {said_was}."
        )


def _opened(
    fields: Json,
    folder: Folder,
    verdict: Verdict,
    identities: Sequence[Identity],
    found: Check,
) -> None:
    usable = [item for item in verdict.objects if item.name not in verdict.bad_objects]
    listed = fields.get("objects")
    said = {
        o.get("seq"): (o.get("plain_len"), o.get("plain_sha256"))
        for o in (listed if isinstance(listed, list) else [])
        if isinstance(o, dict)
    }
    for item in usable:
        try:
            opened = open_object(folder, item, identities)
        except BodycamError as error:
            found.problems.append(f"{item.name}: {error.what}")
            continue
        if said.get(item.seq) != (opened.length, opened.sha256):
            found.problems.append(f"{item.name} holds something else than the JSON says.")
    film = Film(folder, [i for i in usable if i.kind in _FILM], identities)
    try:
        if fields.get("tracks") != _as_json(_samples(film)):
            found.problems.append("The film in the recording is not the film in the MP4.")
    except EvidenceError as error:
        found.problems.append(error.what)


def _as_json(tracks: Sequence[Track]) -> list[Json]:
    return [
        {"type": t.type, "codec": t.codec, "samples": t.samples, "sha256": t.sha256} for t in tracks
    ]


class _Tally:
    """Hashes a file's samples, track by track, as they go by."""

    def __init__(self, streams: Sequence[Any]) -> None:
        if len(streams) > MAX_TRACKS:
            raise EvidenceError("The film has more tracks than a camera writes.")
        self._streams = list(streams)
        self._hashes = [hashlib.sha256() for _ in self._streams]
        self._counts = [0 for _ in self._streams]

    def take(self, packet: Any) -> None:
        self._hashes[packet.stream.index].update(packet)
        self._counts[packet.stream.index] += 1

    def tracks(self) -> list[Track]:
        return [
            Track(s.type, s.codec_context.name, count, sha256.hexdigest())
            for s, count, sha256 in zip(self._streams, self._counts, self._hashes, strict=True)
        ]


def _samples(source: Any) -> list[Track]:
    with _decoding(), av.open(source, "r", format="mp4", options=_READ) as film:
        tally = _Tally(tuple(film.streams))
        for packet in film.demux():
            if packet.size:
                tally.take(packet)
        return tally.tracks()


def _remux(
    film: Film, items: Sequence[Object], out: Path, progress: Progress | None
) -> tuple[list[Opened], list[Track], float]:
    """The film as a faststart MP4; what was opened, the tracks, the length in seconds."""
    total, done = sum(item.length for item in items), 0
    end = Fraction(0)
    with (
        _decoding(),
        av.open(film, "r", format="mp4", options=_READ) as source,
        av.open(str(out), "w", format="mp4", options={"movflags": "faststart"}) as target,
    ):
        tally = _Tally(tuple(source.streams))
        streams = [target.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if not packet.size:
                continue
            tally.take(packet)
            if packet.stream.type == "video" and packet.pts is not None:
                end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            done += packet.size
            packet.stream = streams[packet.stream.index]
            target.mux(packet)
            if progress:
                progress(done, total)
        tracks = tally.tracks()
    while film.read(1 << 16):
        pass  # what the demuxer had no use for must still open
    if film.error is not None:
        raise film.error
    return film.opened, tracks, float(end)


@contextlib.contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except av.error.FFmpegError as error:
        raise EvidenceError(f"The film cannot be read: {error.strerror}.") from None


@contextlib.contextmanager
def _written(targets: Sequence[Path]) -> Iterator[Sequence[Path]]:
    """Temporary names beside the targets, which they get when all went well; else they go away."""
    mark = f".{os.urandom(4).hex()}.part"
    parts = [path.with_name(f".{path.name}{mark}") for path in targets]
    try:
        yield parts
        for part in parts:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        for part, path in zip(parts, targets, strict=True):
            part.rename(path)
        with Folder(targets[0].parent) as place:
            place.sync()
    except BodycamError:
        raise
    except OSError as error:
        raise failed(targets[0], error) from None
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _hash(path: Path) -> tuple[int, str]:
    sha256, size = hashlib.sha256(), 0
    with Folder(path.parent) as place, place.open(path.name) as file:
        for piece in pieces(file):
            sha256.update(piece)
            size += len(piece)
    return size, sha256.hexdigest()
