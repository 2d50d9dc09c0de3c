"""Hands a recording over: an MP4 that plays anywhere, and a JSON that ties it to the evidence.

No picture is encoded again: the samples in the MP4 are the camera's own bytes.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bodycam.errors import BodycamError, EvidenceError, UsageError
from bodycam.evidence import sshsig
from bodycam.evidence.keys import SigningKey
from bodycam_station.age_reader import Identity
from bodycam_station.contents import FILM, Film, Opened, open_object
from bodycam_station.files import Folder, failed, pieces, shown
from bodycam_station.samples import Track, remux
from bodycam_station.verify import NOT_OK, Progress, Verdict

NAMESPACE = "bodycam-export"
KIND = "bodycam-export"


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
    opened, left_out = _open(folder, verdict, identities, paper)
    film = [o.item for o in opened if o.item.kind in FILM]
    if [item.kind for item in film[:2]] != ["init", "segment"]:
        raise EvidenceError(f"{verdict.rec or 'This recording'} holds no film that can be played.")
    log()
    with _written(targets) as (mp4, report, signature):
        total = sum(item.length for item in film)
        tracks, seconds = remux(Film(folder, film, identities), total, mp4, progress)
        there, read = sum(o.film_bytes for o in opened), sum(track.bytes for track in tracks)
        if read != there:
            raise EvidenceError(f"Of {there} bytes of film only {read} could be read.")
        size, sha256 = digest(mp4)
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
            "tracks": [track.as_json() for track in tracks],
            "objects": [
                {
                    "seq": o.item.seq,
                    "kind": o.item.kind,
                    "len": o.item.length,
                    "sha256": o.item.sha256,
                    "plain_len": o.length,
                    "plain_sha256": o.sha256,
                }
                for o in opened
            ],
            "left_out": left_out,
        }
        data = json.dumps(fields, indent=1).encode() + b"\n"
        report.write_bytes(data)
        signature.write_text(sshsig.sign(key, NAMESPACE, data))
    return Exported(*targets, tuple(tracks), seconds, tuple(left_out))


def _open(
    folder: Folder, verdict: Verdict, identities: Sequence[Identity], paper: Paper
) -> tuple[list[Opened], list[str]]:
    """Open everything first, so that nothing is left out without a word; and what was left out."""
    opened, left_out, why = [], sorted(verdict.bad_objects), ""
    for item in verdict.objects:
        if item.name in verdict.bad_objects:
            continue
        try:
            opened.append(open_object(folder, item, identities))
        except EvidenceError as error:
            left_out.append(item.name)
            why = why or f"{item.name}: {error.what}"
    if not opened and why:
        raise EvidenceError(why)
    if why and not paper.despite:
        raise UsageError(why, do="To leave out what does not open, say why: --despite REASON")
    return opened, sorted(left_out)


def paths(out: Path) -> tuple[Path, Path, Path]:
    """The three files of an export to OUT.mp4."""
    if out.suffix.lower() != ".mp4":
        raise UsageError(f"{shown(out)} does not end in .mp4.", do="Give --out a name that does.")
    return out, out.with_suffix(".json"), out.with_suffix(".json.sig")


@contextlib.contextmanager
def _written(targets: Sequence[Path]) -> Iterator[Sequence[Path]]:
    """Temporary names beside the targets, which they get when all went well; else they go away."""
    parts = [_part(path) for path in targets]
    try:
        for part in parts:
            part.touch(0o600)
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
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")


def digest(path: Path) -> tuple[int, str]:
    """Length and SHA-256 of a file of any length; raises EvidenceError or CardError."""
    sha256, size = hashlib.sha256(), 0
    with Folder(path.parent) as place, place.open(path.name) as file:
        for piece in pieces(file):
            sha256.update(piece)
            size += len(piece)
    return size, sha256.hexdigest()
