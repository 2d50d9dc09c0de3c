"""Verdicts: what is whole is ok, and nothing that was changed anywhere ever is."""

import base64
import hashlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bodycam.evidence.ledger import Ledger, object_name
from bodycam_station.files import Folder
from bodycam_station.registry import DeviceKey, Registry, Revocation
from bodycam_station.verify import MAX_PROBLEMS, Verdict, examine
from bodycam_station.witness import Head, Heads
from recordings import Camera, device_key

STORAGE = "software"
REGISTRY = Registry([DeviceKey("cam07", device_key("cam07").public, STORAGE)])


def look(
    path: Path, registry: Registry = REGISTRY, heads: Callable[[str], Heads] | None = None
) -> Verdict:
    with Folder(path) as folder:
        return examine(folder, registry, heads)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed recording, a second one of the same camera, and one of another camera."""
    root = tmp_path_factory.mktemp("made")
    camera = Camera(root / "card")
    camera.record("WIS")
    camera.record("WISSNS")
    Camera(root / "other", device="cam08").record("WISSNS")
    return root


def folders(made: Path) -> list[Path]:
    return sorted((made / "card/recordings").iterdir())


@pytest.fixture
def rec(made: Path, tmp_path: Path) -> Path:
    """A copy of the longer recording, to be spoiled."""
    source = folders(made)[1]
    return Path(shutil.copytree(source, tmp_path / source.name))


# ---- what is whole -------------------------------------------------------------------------------


def test_a_closed_recording_is_ok(made: Path) -> None:
    verdict = look(folders(made)[1])
    assert (verdict.integrity, verdict.provenance, verdict.key) == ("ok", "known", STORAGE)
    assert (verdict.anchoring, verdict.problems, verdict.notes) == ("not anchored", (), ())
    assert (verdict.exit_code, len(verdict.objects), verdict.last_seq) == (0, 6, 7)


@pytest.mark.parametrize(
    ("end", "late", "torn", "integrity", "code"),
    [
        ("close", 0, b"", "ok", 0),
        ("recovered", 0, b"", "incomplete", 3),
        ("recovered", 2, b'{"dom":"bodyc', "incomplete", 3),
        (None, 0, b"", "unfinished", 3),
        (None, 2, b"", "unfinished", 3),
        (None, 1, b'{"dom":"bodyc', "unfinished", 3),
        (None, 1, b"\0" * 300 + b"\n", "unfinished", 3),
        (None, 1, b"\0" * 300 + b'"}\n{"dom":"bodycam-ledger-1"}\n', "unfinished", 3),
        ("unsealed", 0, b"", "unfinished", 3),
    ],
)
@pytest.mark.parametrize("alg", ["ed25519", "es256"])
def test_endings(
    tmp_path: Path, end: str | None, late: int, torn: bytes, integrity: str, code: int, alg: str
) -> None:
    path = Camera(tmp_path, alg=alg).record(end=end, late=late, torn=torn)
    known = Registry([DeviceKey("cam07", device_key("cam07", alg).public, "hardware")])
    verdict = look(path, known)
    assert (verdict.integrity, verdict.problems, verdict.exit_code) == (integrity, (), code)
    assert verdict.provenance_text == "known: cam07, hardware key"


def test_a_closing_signature_that_has_no_name_yet(tmp_path: Path) -> None:
    path = Camera(tmp_path).record(end="unsealed")
    (path / "ledger.jsonl.sig.new").write_bytes(b"-----BEGIN")
    assert look(path).integrity == "unfinished"


def test_zeros_in_a_ledger_that_was_closed_are_no_power_cut(rec: Path) -> None:
    ledger = rec / "ledger.jsonl"
    first, *rest, last = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(first + bytes(len(b"".join(rest)) - 1) + b"\n" + last)
    verdict = look(rec)
    assert verdict.integrity == "not-ok"
    assert "ledger.jsonl.sig" in {problem.where for problem in verdict.problems}


def test_a_torn_closing_signature(rec: Path) -> None:
    sig = rec / "ledger.jsonl.sig"
    sig.write_bytes(sig.read_bytes()[:100])
    assert look(rec).integrity == "unfinished"


# ---- whose it is ---------------------------------------------------------------------------------


def test_a_camera_that_nobody_knows(made: Path, tmp_path: Path) -> None:
    for path in (folders(made)[1], Camera(tmp_path).record(end=None)):
        verdict = look(path, Registry())
        assert (verdict.provenance, verdict.problems, verdict.exit_code) == ("unknown", (), 1)


def test_a_camera_that_nobody_knows_with_anothers_signature(made: Path, tmp_path: Path) -> None:
    path = Camera(tmp_path).record()
    shutil.copy(folders(made)[0] / "ledger.jsonl.sig", path)
    shutil.copy(next((made / "other/recordings").iterdir()) / "ledger.jsonl.sig", tmp_path)
    for sig in (folders(made)[0] / "ledger.jsonl.sig", tmp_path / "ledger.jsonl.sig"):
        shutil.copy(sig, path)
        verdict = look(path, Registry())
        assert (verdict.integrity, verdict.provenance) == ("not-ok", "unknown")
        assert [problem.where for problem in verdict.problems] == ["ledger.jsonl.sig"]


def test_another_camera_under_a_known_name(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.key = device_key("a thief")
    verdict = look(camera.record())
    assert (verdict.integrity, verdict.provenance) == ("not-ok", "unknown")
    assert "another key than the ones known of cam07" in str(verdict.problems[0])


def test_a_key_that_was_replaced_still_counts(made: Path) -> None:
    """The camera's older key, revoked after this recording was first seen."""
    path = folders(made)[1]
    head = look(path).head
    keys = [
        DeviceKey(
            "cam07",
            device_key("cam07").public,
            STORAGE,
            "2026-01-01T00:00:00Z",
            Revocation("2026-06-01T00:00:00Z", "A", "worn out"),
        ),
        DeviceKey("cam07", device_key("new").public, STORAGE),
    ]
    for seen, provenance, code in (
        ("2026-06-01T00:00:00Z", "known", 0),
        ("2026-06-01T00:00:01Z", "unknown", 1),
    ):
        known = {path.name: [Head(path.name, head, seen, "import")]}
        verdict = look(path, Registry(keys), lambda _, known=known: known)  # type: ignore[misc]
        assert (verdict.integrity, verdict.provenance, verdict.exit_code) == (
            "ok",
            provenance,
            code,
        )
        assert "worn out" in verdict.notes[0]
    assert look(path, Registry(keys)).provenance == "unknown"


def test_a_recording_named_after_another_camera(tmp_path: Path) -> None:
    camera = Camera(tmp_path, device="cam08")
    path = camera.record()
    text = (path / "ledger.jsonl").read_bytes()
    # A camera that lies about its id signs it all the same.
    forged = _resigned(text.replace(b"cam08-", b"cam07-"), camera)
    (path / "ledger.jsonl").write_bytes(forged)
    registry = Registry([DeviceKey("cam08", camera.key.public, STORAGE)])
    verdict = look(path, registry)
    assert verdict.integrity == "not-ok"
    assert "device is not the one in the recording's name" in str(verdict.problems[0])


def _resigned(text: bytes, camera: Camera) -> bytes:
    """Line 0 alone, signed again by the camera's own key."""
    signed = text.partition(b"\n")[0].rpartition(b',"sig":"')[0]
    return signed + b',"sig":"' + base64.b64encode(camera.key.sign(signed)) + b'"}\n'


def opened(camera: Camera, rec: str) -> tuple[Ledger, bytes]:
    """Another ledger for this recording, by the right camera, and its line 0."""
    return Ledger.open(
        rec=rec,
        device_id="cam07",
        device_key=camera.key,
        recipients="age1a age1b",
        policy_sha256="0" * 64,
        journal_sha256="0" * 64,
        seed=bytes(32),
    )


# ---- what was known before -----------------------------------------------------------------------


def heads(path: Path, *lines: int, extra: str = "") -> Callable[[str], Heads]:
    digests = [
        hashlib.sha256(line).hexdigest()
        for line in (path / "ledger.jsonl").read_bytes().split(b"\n")[:-1]
    ]
    known = [digests[n] for n in lines] + ([extra] if extra else [])
    return lambda _: {
        path.name: [Head(path.name, d, f"2026-11-0{n + 1}T00:00:00Z", "import") for n, d in
                    enumerate(known)]
    }  # fmt: skip


def test_anchored_to_the_latest_known_line(made: Path) -> None:
    path = folders(made)[1]
    verdict = look(path, heads=heads(path, 5, 2))
    assert verdict.anchoring == (
        "anchored to line 5 of 7, first seen 2026-11-01T00:00:00Z (at an import)"
    )
    assert (verdict.integrity, verdict.exit_code) == ("ok", 0)


def test_a_later_head_known_elsewhere(made: Path, rec: Path) -> None:
    """Cut off after four lines, as a power cut could have left it; but more had been seen."""
    known = heads(folders(made)[1], 6)
    lines = (rec / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (rec / "ledger.jsonl").write_bytes(b"".join(lines[:4]))
    (rec / "ledger.jsonl.sig").unlink()
    assert look(rec).integrity == "unfinished"
    verdict = look(rec, heads=known)
    assert (verdict.integrity, verdict.exit_code) == ("not-ok", 1)
    assert "lacks a line that was seen 2026-11-01T00:00:00Z" in str(verdict.problems[0])


# ---- what was changed ----------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["close", "recovered"])
def test_no_changed_byte_is_ok(tmp_path: Path, end: str) -> None:
    """Every byte of every file; over neighbouring bytes, every bit takes its turn."""
    path = Camera(tmp_path).record("WIS" if end == "close" else "W", end=end)
    good = look(path).integrity
    assert good == ("ok" if end == "close" else "incomplete")
    tried = 0
    for file in sorted(path.iterdir()):
        data = file.read_bytes()
        fd = os.open(file, os.O_WRONLY)
        for at, byte in enumerate(data):
            mask = 1 << at % 8
            os.pwrite(fd, bytes([byte ^ mask]), at)
            assert look(path).integrity not in ("ok", good), (file.name, at, mask)
            os.pwrite(fd, bytes([byte]), at)
            tried += 1
        os.close(fd)
    assert look(path).integrity == good
    assert tried == sum(file.stat().st_size for file in path.iterdir()) > 1500


@pytest.mark.parametrize("change", ["cut", "grow", "drop", "empty", "repeat", "swap"])
def test_no_object_can_be_cut_dropped_repeated_or_swapped(rec: Path, change: str) -> None:
    originals = {file: file.read_bytes() for file in rec.glob("0*.age")}
    for file, data in originals.items():
        for other in (
            [f for f in originals if f != file] if change in ("repeat", "swap") else [file]
        ):
            if change == "drop":
                file.unlink()
            else:
                file.write_bytes(
                    {"cut": data[:-1], "grow": data + b"\0", "empty": b""}.get(
                        change, originals[other]
                    )
                )
            if change == "swap":
                other.write_bytes(data)
            verdict = look(rec)
            assert verdict.integrity == "not-ok"
            assert file.name in {problem.where for problem in verdict.problems}
            assert file.name in verdict.bad_objects
            if change == "repeat":
                assert f"holds the bytes of {other.name}" in str(verdict.problems)
            file.write_bytes(data)
            other.write_bytes(originals[other])
    assert look(rec).integrity == "ok"


def test_no_line_can_be_cut_dropped_repeated_or_swapped(rec: Path) -> None:
    file = rec / "ledger.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    count = len(lines)
    spoiled = [lines[:n] for n in range(count)]
    spoiled += [lines[:n] + lines[n + 1 :] for n in range(count)]
    spoiled += [lines[: n + 1] + lines[n:] for n in range(count)]
    spoiled += [
        [lines[b if n == a else a if n == b else n] for n in range(count)]
        for a in range(count)
        for b in range(a)
    ]
    spoiled += [[*lines[:n], b"\n", *lines[n:]] for n in range(count + 1)]
    spoiled += [
        [*lines[:n], lines[n].rstrip(b"\n") + b" \n", *lines[n + 1 :]] for n in range(count)
    ]
    for text in spoiled:
        file.write_bytes(b"".join(text))
        assert look(rec).integrity == "not-ok"


def transplants(rec: Path, donors: list[Path]) -> Iterator[tuple[Path, Path]]:
    for donor in donors:
        for file in sorted(donor.iterdir()):
            if (rec / file.name).exists():
                yield file, rec / file.name


def test_nothing_of_another_recording_fits(rec: Path, made: Path) -> None:
    """A shorter one of this camera, and one of the same shape of another."""
    donors = [folders(made)[0], *(made / "other/recordings").iterdir()]
    tried = 0
    for source, target in transplants(rec, donors):
        keep = target.read_bytes()
        target.write_bytes(source.read_bytes())
        assert look(rec).integrity == "not-ok", source
        target.write_bytes(keep)
        tried += 1
    assert tried == 5 + 8
    assert look(rec).integrity == "ok"


def test_a_whole_other_recording_in_its_folder(rec: Path, made: Path) -> None:
    shutil.rmtree(rec)
    shutil.copytree(folders(made)[0], rec)
    verdict = look(rec)
    assert verdict.integrity == "not-ok"
    assert "not of this folder's recording" in str(verdict.problems[0])
    # Under a name of one's own it may lie anywhere.
    assert look(rec.rename(rec.with_name("case 1187"))).integrity == "ok"


def test_an_object_that_was_never_signed(rec: Path) -> None:
    for name in ("00000009.segment.age", "notes.txt", "ledger.jsonl.sig.new", ".DS_Store"):
        (rec / name).write_bytes(b"x")
        verdict = look(rec)
        assert [str(p) for p in verdict.problems] == [f"{name}: it has no signed line"]
        (rec / name).unlink()


def test_unsigned_does_not_belong_to_a_closed_recording(rec: Path) -> None:
    (rec / "unsigned").mkdir()
    assert look(rec).integrity == "ok"
    (rec / "unsigned/00000009.segment.age").write_bytes(b"x")
    assert look(rec).integrity == "not-ok"


def test_a_signature_beside_what_was_not_closed(tmp_path: Path, rec: Path) -> None:
    camera = Camera(tmp_path)
    for end in ("recovered", None):
        path = camera.record(end=end)
        shutil.copy(rec / "ledger.jsonl.sig", path)
        assert look(path).integrity == "not-ok"


def test_the_recording_key_cannot_end_a_recording_twice(tmp_path: Path) -> None:
    """Lines after the last one, with the right key: a ledger that goes on is another ledger."""
    path = Camera(tmp_path).record()
    file = path / "ledger.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines, lines[-1]]))
    assert look(path).integrity == "not-ok"


def test_a_length_that_does_not_fit_its_hash(tmp_path: Path) -> None:
    """Only a camera that lies can sign this; the length counts all the same."""
    camera = Camera(tmp_path)
    path = camera.record("W", end=None)
    data = (path / object_name(1, "warning")).read_bytes()
    ledger, first = opened(camera, path.name)
    line = ledger.object("warning", len(data) + 1, hashlib.sha256(data).hexdigest())
    (path / "ledger.jsonl").write_bytes(first + line)
    assert f"it has {len(data)} bytes, and {len(data) + 1} were signed" in str(look(path).problems)


# ---- what is hostile -----------------------------------------------------------------------------


def hostile_entries() -> dict[str, Callable[[Path], None]]:
    def link_to_itself(path: Path) -> None:
        path.symlink_to(path)

    def link_to_the_original(path: Path) -> None:
        path.symlink_to(path.with_name("kept"))

    def a_socket(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(path))

    def a_huge_file(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(1 << 40)

    return {
        "folder": Path.mkdir,
        "pipe": os.mkfifo,
        "loop": link_to_itself,
        "link": link_to_the_original,
        "endless": lambda path: path.symlink_to("/dev/zero"),
        "socket": a_socket,
        "huge": a_huge_file,
        "no rights": lambda path: path.touch(0),
    }


@pytest.mark.parametrize("name", ["ledger.jsonl", "ledger.jsonl.sig", "00000003.segment.age"])
@pytest.mark.parametrize("make", hostile_entries().values(), ids=hostile_entries())
def test_something_else_in_place_of_a_file(
    rec: Path, name: str, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rec)  # a socket's path must be short
    (rec / name).rename(rec / "kept")
    make(rec / name)
    verdict = look(rec)
    assert verdict.integrity in ("not-ok", "unfinished" if name.endswith(".sig") else "")
    assert verdict.exit_code == 1


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"\0" * 10_000,
        b"{" * 100_000,
        b"[" * 100_000 + b"\n",
        b'{"dom":"bodycam-ledger-1"}\n',
        b"x" * 1_000_000,
        bytes(range(256)) * 10,
        ("{" + '"a":1,' * 1000 + '"a":1}\n').encode(),
        b'{"dom":"bodycam-ledger-1","rec":"../../etc/passwd","seq":0,"kind":"open"}\n',
        b"\xff\xfe{\x00}\x00\n\x00",
    ],
)
def test_garbage_for_a_ledger(rec: Path, text: bytes) -> None:
    file = rec / "ledger.jsonl"
    whole = file.read_bytes()
    file.write_bytes(text)
    verdict = look(rec)
    assert (verdict.integrity, verdict.provenance) == ("not-ok", "not signed")
    for garbled in (text + whole, whole + text, whole.replace(b"\n", b"\r\n")):
        if garbled == whole:
            continue
        file.write_bytes(garbled)
        assert look(rec).integrity == "not-ok"


def test_an_endless_ledger_is_not_read(rec: Path) -> None:
    with (rec / "ledger.jsonl").open("r+b") as file:
        file.truncate(1 << 40)
    verdict = look(rec)
    assert verdict.provenance == "not signed"
    assert "longer than" in str(verdict.problems[0])


def test_an_unknown_version(rec: Path) -> None:
    file = rec / "ledger.jsonl"
    file.write_bytes(file.read_bytes().replace(b"bodycam-ledger-1", b"bodycam-ledger-2"))
    verdict = look(rec)
    assert verdict.provenance == "not signed"
    assert "bodycam-ledger-2, which this program does not know" in str(verdict.problems[0])


def test_what_comes_after_damage_is_counted(rec: Path) -> None:
    file = rec / "ledger.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:3], *lines[4:]]))
    verdict = look(rec)
    assert [problem.where for problem in verdict.problems] == ["ledger.jsonl", "ledger.jsonl.sig"]
    assert verdict.notes == (
        "4 objects after the last good line: the ledger is damaged before it comes to them.",
    )


def test_names_with_odd_bytes_are_printed_safely(rec: Path) -> None:
    odd = os.fsencode(rec) + b"/\x1b[31m\xff\n" + b"x" * 200
    with open(odd, "wb"):  # noqa: PTH123 - a path of bytes
        pass
    (rec / "ünïcode").mkdir()
    said = "".join(map(str, look(rec).problems))
    assert said.isprintable()
    assert "\\x1b[31m\\udcff\\n" in said
    assert "ünïcode: a folder does not belong here" in said


def test_many_strangers_are_counted(rec: Path) -> None:
    for n in range(MAX_PROBLEMS + 10):
        (rec / f"junk{n}").touch()
    problems = look(rec).problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert str(problems[-1]) == "…: and 10 more"


def test_nothing_at_all(tmp_path: Path) -> None:
    verdict = look(tmp_path)
    assert str(verdict.problems[0]) == "ledger.jsonl: is missing, so nothing is signed"
    assert (verdict.exit_code, verdict.provenance) == (1, "not signed")


def test_objects_that_claim_to_be_endless(tmp_path: Path) -> None:
    """An unknown camera can sign any length; nothing that long is read."""
    camera = Camera(tmp_path)
    path = camera.record("W", end=None)
    ledger, first = opened(camera, path.name)
    line = ledger.object("warning", 1 << 45, "0" * 64)
    (path / "ledger.jsonl").write_bytes(first + line)
    (path / object_name(1, "warning")).write_bytes(b"")
    assert "it has 0 bytes, and 35184372088832 were signed" in str(look(path).problems[0])
    with (path / object_name(1, "warning")).open("wb") as file:
        file.truncate(1 << 40)
    assert "longer than any object" in str(look(path).problems[0])
