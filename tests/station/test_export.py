"""Hand-over: the MP4 holds the camera's own samples, and its JSON ties it to the evidence."""

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from bodycam.errors import CardFailed, CardFull, EvidenceError, UsageError
from bodycam.evidence import sshsig
from bodycam_station import export as export_module
from bodycam_station.check_export import Check
from bodycam_station.contents import Film
from bodycam_station.export import digest
from bodycam_station.files import Folder
from bodycam_station.samples import samples as tracks_of
from bodycam_station.station import Station
from recordings import GOP_PICTURES, Camera, movie
from streams import FRAME_NS, film


def samples(source: Path | io.BytesIO) -> dict[str, list[tuple[Fraction, bytes]]]:
    found: dict[str, list[tuple[Fraction, bytes]]] = {}
    with av.open(source if isinstance(source, io.BytesIO) else str(source), "r") as file:
        for packet in file.demux():
            if packet.size:
                assert packet.pts is not None
                at = packet.pts * packet.time_base
                found.setdefault(packet.stream.type, []).append((at, bytes(packet)))
    return found


@pytest.fixture
def rec(station: Station, camera: Camera) -> str:
    camera.record("WISSSNS", sound=True)
    station.import_card(camera.card, person="A. de Vries")
    return station.recordings()[0]


def test_every_sample_is_the_cameras_own(station: Station, rec: str, tmp_path: Path) -> None:
    done = station.export(rec, tmp_path / "x.mp4", person="A. de Vries", form="2026-118")
    sealed = samples(io.BytesIO(b"".join(movie(4, sound=True))))
    assert samples(done.mp4) == sealed
    assert (done.frames, done.left_out) == (4 * GOP_PICTURES, ())
    assert done.seconds == pytest.approx(4 * GOP_PICTURES * FRAME_NS / 1e9, abs=1e-5)
    data = done.mp4.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # faststart
    assert b"moof" not in data
    assert not list(tmp_path.glob(".*"))


def test_the_pictures_play(station: Station, rec: str, tmp_path: Path) -> None:
    done = station.export(rec, tmp_path / "x.mp4", person="A")
    with av.open(str(done.mp4)) as file:
        pictures = [frame.to_ndarray(format="gray") for frame in file.decode(video=0)]
    context = av.CodecContext.create("h264", "r")
    packets = film("IPPPP" * 4, width=64, height=36)
    theirs = [f for p in packets for f in context.decode(av.Packet(p.data))]
    theirs += context.decode(None)
    assert len(pictures) == len(theirs) == 20
    for mine, expected in zip(pictures, theirs, strict=True):
        assert (mine == expected.to_ndarray(format="gray")).all()
    probed = subprocess.run(
        [
            "ffprobe",
            "-v",
            "error",
            "-show_entries",
            "stream=codec_name",
            "-of",
            "csv=p=0",
            done.mp4,
        ],
        capture_output=True,
        text=True,
    )
    assert (probed.stdout.split(), probed.stderr) == (["h264", "aac"], "")


def test_the_json_says_what_and_who(station: Station, rec: str, tmp_path: Path) -> None:
    done = station.export(
        rec, tmp_path / "x.mp4", person="A. de Vries", form="2026-118", purpose="a report"
    )
    said = json.loads(done.json.read_text())
    assert (said["rec"], said["operator"], said["form"], said["purpose"]) == (
        rec,
        "A. de Vries",
        "2026-118",
        "a report",
    )
    assert [o["kind"] for o in said["objects"]] == (
        ["warning", "init", "segment", "segment", "segment", "note", "segment"]
    )
    assert said["verdict"]["integrity"] == "ok"
    checked = subprocess.run(
        "ssh-keygen -Y verify -f station/allowed_signers -I utrecht -n bodycam-export "
        "-s x.json.sig < x.json",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
    )
    assert checked.returncode == 0
    act = station.acts()[-1]
    assert (act.kind, act.about, act.person, act.purpose) == (
        "export",
        rec,
        "A. de Vries",
        "a report",
    )
    assert act.details["form"] == "2026-118"


def test_a_gap_keeps_its_times(station: Station, camera: Camera, tmp_path: Path) -> None:
    """A segment that is not what was signed is left out; what follows keeps its time."""
    path = camera.record("WISSS")
    (path / "00000004.segment.age").write_bytes(b"spoilt")
    with pytest.raises(UsageError, match=r"is not ok: 00000004.*--despite REASON"):
        station.export(path, tmp_path / "x.mp4", person="A")
    assert [act.kind for act in station.acts()] == ["init", "enroll"]
    done = station.export(path, tmp_path / "x.mp4", person="A", despite="the judge asks")
    assert done.left_out == ("00000004.segment.age",)
    times = [float(at) for at, _ in samples(done.mp4)["video"]]
    assert times[5] == pytest.approx(10 * FRAME_NS / 1e9, abs=1e-5)
    said = json.loads(done.json.read_text())
    assert (said["despite"], said["left_out"]) == ("the judge asks", ["00000004.segment.age"])
    found = station.check_export(done.mp4, done.json, path)
    assert (found.problems, found.signer) == ([], "known")
    assert "The recording is not-ok" in found.notes[0]


@pytest.mark.parametrize("end", ["recovered", None])
def test_after_a_power_cut(station: Station, camera: Camera, tmp_path: Path, end: str) -> None:
    path = camera.record("WISSS", end=end, late=1)
    done = station.export(path, tmp_path / "x.mp4", person="A")
    assert done.frames == 2 * GOP_PICTURES
    assert station.check_export(done.mp4, done.json, path).exit_code == 0


def check_fails(station: Station, tmp_path: Path, rec: str) -> Check:
    return station.check_export(tmp_path / "x.mp4", tmp_path / "x.json", rec)


def _edit(name: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        data = (folder / name).read_bytes()
        assert old in data
        (folder / name).write_bytes(data.replace(old, new, 1))

    return edit


def _reencode(folder: Path) -> None:
    """The same film with one sample changed, in a file that is otherwise whole."""
    data = (folder / "x.mp4").read_bytes()
    at = data.index(b"mdat") + 40
    (folder / "x.mp4").write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_edit("x.json", b'"operator": "A"', b'"operator": "B"'), "x.json.sig"),
        (_edit("x.json.sig", b"\n", b"\n\n"), "x.json.sig"),
        (lambda folder: (folder / "x.json.sig").unlink(), "x.json.sig: x.json.sig is missing"),
        (_edit("x.mp4", b"Lavf", b"lavf"), "x.mp4 is not the file that the JSON describes"),
        (_reencode, "The samples in x.mp4 are not those of the JSON"),
        (lambda folder: (folder / "x.mp4").write_bytes(b"no film"), "cannot be read"),
        (lambda folder: (folder / "x.mp4").unlink(), "x.mp4 is missing"),
        (_edit("x.json", b'"plain_len": ', b'"plain_len": 1'), "holds something else"),
        (_edit("x.json", b'"rec": "cam07', b'"rec": "cam08'), "about another recording"),
        (_edit("x.json", b'"seq": 3', b'"seq": 4'), "objects that the JSON lists"),
        (_edit("x.json", b'"integrity": "ok"', b'"integrity": "not-ok"'), "JSON says not-ok"),
        (_edit("x.json", b'"station": "utrecht"', b'"station": "gouda"'), "not known here"),
    ],
)
def test_what_does_not_agree_is_named(
    station: Station, rec: str, tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    station.export(rec, tmp_path / "x.mp4", person="A")
    assert station.check_export(tmp_path / "x.mp4", tmp_path / "x.json", rec).exit_code == 0
    spoil(tmp_path)
    found = station.check_export(tmp_path / "x.mp4", tmp_path / "x.json", rec)
    assert found.exit_code == 1
    assert any(why in problem for problem in found.problems), found.problems


def test_another_recording_does_not_agree(
    station: Station, camera: Camera, rec: str, tmp_path: Path
) -> None:
    other = camera.record("WISSSNS", sound=True)
    station.export(rec, tmp_path / "x.mp4", person="A")
    found = station.check_export(tmp_path / "x.mp4", tmp_path / "x.json", other)
    assert "The JSON is about another recording, or another state of it." in found.problems


def test_a_station_that_signs_another_film(station: Station, rec: str, tmp_path: Path) -> None:
    """MP4, JSON and signature agree; only the sealed recording says something else."""
    station.export(rec, tmp_path / "x.mp4", person="A")
    film = tmp_path / "x.mp4"
    film.write_bytes(b"".join(movie(1)))
    said = json.loads((tmp_path / "x.json").read_text())
    size, sha256 = digest(film)
    said["mp4"] |= {"bytes": size, "sha256": sha256}
    said["tracks"] = [track.as_json() for track in tracks_of(str(film))]
    data = json.dumps(said).encode()
    (tmp_path / "x.json").write_bytes(data)
    (tmp_path / "x.json.sig").write_text(sshsig.sign(station.key, "bodycam-export", data))
    found = station.check_export(film, tmp_path / "x.json", rec)
    assert found.problems == ["The film in the recording is not the film in the MP4."]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"v":1}',
        b'{"v":9,"kind":"bodycam-export"}',
        b"[" * 10**6,
        b'{"v":1,"kind":"bodycam-export"}',
    ],
)
def test_a_json_that_is_not_one(station: Station, rec: str, tmp_path: Path, data: bytes) -> None:
    station.export(rec, tmp_path / "x.mp4", person="A")
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(EvidenceError, match=r"x\.json"):
        station.check_export(tmp_path / "x.mp4", tmp_path / "x.json", rec)


def test_hollow_json_agrees_with_nothing(station: Station, rec: str, tmp_path: Path) -> None:
    station.export(rec, tmp_path / "x.mp4", person="A")
    fields = {"v": 1, "kind": "bodycam-export", "station": "utrecht", "objects": [1], "mp4": []}
    (tmp_path / "x.json").write_text(json.dumps(fields))
    assert len(check_fails(station, tmp_path, rec).problems) > 5


def test_nothing_is_overwritten(station: Station, rec: str, tmp_path: Path) -> None:
    for name in ("x.mp4", "x.json", "x.json.sig"):
        (tmp_path / name).write_text("precious")
        with pytest.raises(UsageError, match=rf"{name} exists already"):
            station.export(rec, tmp_path / "x.mp4", person="A")
        assert (tmp_path / name).read_text() == "precious"
        (tmp_path / name).unlink()
    with pytest.raises(UsageError, match=r"does not end in \.mp4"):
        station.export(rec, tmp_path / "x.avi", person="A")


def test_what_fails_leaves_nothing_and_is_told(
    station: Station, camera: Camera, rec: str, tmp_path: Path
) -> None:
    with pytest.raises(CardFailed, match="no such file"):
        station.export(rec, tmp_path / "nowhere/x.mp4", person="A")
    path = camera.record("WIS", plain=lambda n, _k, d: d[:100] if n == 2 else d)
    with pytest.raises(EvidenceError, match=r"Of \d+ bytes of film only 0 "):
        station.export(path, tmp_path / "x.mp4", person="A")
    other = Camera(tmp_path / "other", counter=80)
    for made in (camera.record("WI"), camera.record("W")):
        with pytest.raises(EvidenceError, match="no film that can be played"):
            station.export(made, tmp_path / "x.mp4", person="A")
    with pytest.raises(EvidenceError, match="sealed to other keys"):
        station.export(other.record("WIS"), tmp_path / "x.mp4", person="A")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["card", "other", "station"]
    kinds = [act.kind for act in station.acts()][-4:]
    assert kinds == ["export", "failed"] * 2


def test_what_does_not_open_is_left_out_only_with_a_word(
    station: Station, camera: Camera, tmp_path: Path
) -> None:
    path = camera.record("WISS", plain=lambda n, _k, d: b"garbage" if n == 4 else d)
    with pytest.raises(UsageError, match=r"00000004.*not the segment of an MP4.*--despite"):
        station.export(path, tmp_path / "x.mp4", person="A")
    done = station.export(path, tmp_path / "x.mp4", person="A", despite="the rest matters")
    assert (done.left_out, done.frames) == (("00000004.segment.age",), GOP_PICTURES)
    assert station.check_export(done.mp4, done.json, path).problems == []


def test_a_full_disk_is_told(station: Station, rec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "_part", lambda _path: Path("/dev/full"))
    monkeypatch.setattr(Path, "unlink", lambda _self, missing_ok: None)
    with pytest.raises(CardFull):
        station.export(rec, "x.mp4", person="A")


def test_a_film_ends_where_an_object_does_not_open(station: Station, camera: Camera) -> None:
    path = camera.record("WISS")
    verdict = station.verify(path)
    film_objects = [o for o in verdict.objects if o.kind in ("init", "segment")]
    with Folder(path) as folder:
        reader = Film(folder, film_objects, station.identities)
        assert reader.read() == b"".join(movie(2))
        shutil.copy(path / "00000001.warning.age", path / "00000004.segment.age")
        with (path / "00000004.segment.age").open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"\0")
        reader = Film(folder, film_objects, station.identities)
        assert reader.read() == b"".join(movie(2)[:2])
        assert "changed" in str(reader.error)
