"""Import: what was verified and opened is stored once and acknowledged; nothing else is."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bodycam.errors import CardFull, UsageError
from bodycam.evidence.receipts import verify_receipt
from bodycam_station import intake
from bodycam_station.files import Folder
from bodycam_station.intake import Report
from bodycam_station.station import Station
from bodycam_station.verify import Progress
from recordings import Camera, device_key


def take(station: Station, camera: Camera) -> Report:
    return station.import_card(camera.card, person="A. de Vries")


def outcomes(report: Report) -> list[tuple[str, str, bool]]:
    return [(i.outcome, i.verdict.integrity, i.receipt) for i in report.recordings]


def same_files(a: Path, b: Path) -> bool:
    names = sorted(str(p.relative_to(a)) for p in a.rglob("*"))
    return names == sorted(str(p.relative_to(b)) for p in b.rglob("*")) and all(
        (a / n).is_dir() or (a / n).read_bytes() == (b / n).read_bytes() for n in names
    )


def test_whole_recordings_are_stored_and_acknowledged(station: Station, camera: Camera) -> None:
    paths = [camera.record(sound=True), camera.record(end="recovered", late=1, torn=b"{")]
    report = take(station, camera)
    assert outcomes(report) == [("new", "ok", True), ("new", "incomplete", True)]
    assert (report.exit_code, report.device, report.missing) == (0, "cam07", [])
    for path, item in zip(paths, report.recordings, strict=True):
        assert same_files(path, station.path / item.path)
        line, armor = _split(camera.card / f"receipts/{path.name}.receipt")
        receipt = verify_receipt(line, armor, station.key.public)
        assert (receipt.rec, receipt.verdict) == (path.name, item.verdict.integrity)
        assert receipt.ledger_sha256 == item.verdict.ledger_sha256
        assert receipt.objects == len(item.verdict.objects)
    kinds = [act.kind for act in station.acts()]
    assert kinds == ["init", "enroll", "import", "receipt", "import", "receipt"]


def _split(path: Path) -> tuple[bytes, bytes]:
    line, newline, armor = path.read_bytes().partition(b"\n")
    return line + newline, armor


def test_ssh_keygen_checks_a_receipt(station: Station, camera: Camera, tmp_path: Path) -> None:
    rec = camera.record().name
    take(station, camera)
    done = subprocess.run(
        f"tail -n +2 card/receipts/{rec}.receipt > sig && head -n 1 card/receipts/{rec}.receipt | "
        "ssh-keygen -Y verify -f station/allowed_signers -I utrecht -n bodycam-receipt -s sig",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("Good"), done.stderr


def test_twice_is_once(station: Station, camera: Camera) -> None:
    camera.record()
    take(station, camera)
    acts = len(station.acts())
    shutil.rmtree(camera.card / "receipts")  # the card was exchanged, or the camera lost it
    assert outcomes(take(station, camera)) == [("there already", "ok", True)]
    assert outcomes(take(station, camera)) == [("there already", "ok", True)]
    assert len(station.acts()) == acts
    assert not list(station.path.glob("incoming/*"))


def test_unfinished_grows_when_the_camera_has_recovered(station: Station, camera: Camera) -> None:
    path = camera.record(end=None, late=1, torn=b'{"dom')
    report = take(station, camera)
    assert outcomes(report) == [("new", "unfinished", False)]
    assert "let the camera start once" in report.recordings[0].why
    assert report.exit_code == 3
    before = len(list((station.path / "recordings" / path.name).glob("0*")))

    lines = (path / "ledger.jsonl").read_bytes().removesuffix(b'{"dom').splitlines(keepends=True)
    (path / "ledger.jsonl").write_bytes(b"".join(lines))
    camera._recover(path, lines, 1, b'{"dom')
    assert outcomes(take(station, camera)) == [("renewed", "incomplete", True)]
    assert same_files(path, station.path / "recordings" / path.name)
    assert len(list((station.path / "recordings" / path.name).glob("0*"))) == before - 1


def test_less_than_was_seen_is_set_aside(station: Station, camera: Camera) -> None:
    """The tail of the ledger is cut off after the import, as if the power had been cut."""
    path = camera.record()
    take(station, camera)
    lines = (path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (path / "ledger.jsonl").write_bytes(b"".join(lines[:5]))
    (path / "ledger.jsonl.sig").unlink()
    (report,) = take(station, camera).recordings
    assert (report.outcome, report.verdict.integrity) == ("set aside", "not-ok")
    assert "lacks a line that was seen" in str(report.verdict.problems[0])
    assert station.verify(path.name).integrity == "ok"  # the store keeps the whole one


def test_a_cut_tail_shows_at_the_first_import(station: Station, camera: Camera) -> None:
    """The card's own journal knows the head at closing."""
    path = camera.record()
    lines = (path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (path / "ledger.jsonl").write_bytes(b"".join(lines[:5]))
    (path / "ledger.jsonl.sig").unlink()
    (item,) = take(station, camera).recordings
    assert (item.outcome, item.verdict.integrity) == ("set aside", "not-ok")


def test_suspects_lie_aside_and_in_nobodys_way(station: Station, camera: Camera) -> None:
    path = camera.record()
    whole = (path / "00000003.segment.age").read_bytes()
    (path / "00000003.segment.age").write_bytes(whole[:-1])
    for _ in range(2):
        report = take(station, camera)
        assert outcomes(report) == [("set aside", "not-ok", False)]
        assert report.exit_code == 1
        assert same_files(path, station.path / report.recordings[0].path)
    assert len(list((station.path / "quarantine").iterdir())) == 1
    (path / "00000003.segment.age").write_bytes(whole)
    assert outcomes(take(station, camera)) == [("new", "ok", True)]


def test_a_camera_that_nobody_knows(station: Station, tmp_path: Path) -> None:
    stranger = Camera(tmp_path / "stranger", device="cam09", recipients=station.recipients)
    stranger.record()
    report = take(station, stranger)
    assert outcomes(report) == [("set aside", "ok", False)]
    assert (report.exit_code, report.device) == (1, "")
    assert report.problems == ["journal.jsonl: it is of a camera that is not enrolled here"]
    # What a stranger shows is no knowledge of ours.
    assert not list(station.path.glob("witness/*"))
    assert not list(station.path.glob("journals/*"))


def test_a_camera_after_it_was_revoked(station: Station, camera: Camera) -> None:
    before, after = camera.record(), camera.record()
    shutil.move(after, camera.card / "kept")
    take(station, camera)
    station.revoke("cam07", person="A", reason="stolen")
    (camera.card / "kept").rename(after)
    # The journal had the closing of both: both were seen before.
    assert [i.verdict.provenance for i in take(station, camera).recordings] == ["known", "known"]
    late = camera.record()
    report = take(station, camera)
    assert [i.verdict.provenance for i in report.recordings] == ["known", "known", "unknown"]
    assert report.recordings[2].outcome == "set aside"
    assert "nothing shows that the recording is older" in report.recordings[2].verdict.notes[0]
    assert station.verify(before.name).exit_code == 0
    assert station.verify(late).exit_code == 1


def test_sealed_to_somebody_else(station: Station, camera: Camera, tmp_path: Path) -> None:
    other = Camera(tmp_path / "other")  # the same camera, but not this station's recipients
    other.record()
    report = take(station, other)
    assert outcomes(report) == [("new", "ok", False)]
    assert "sealed to other keys" in report.recordings[0].why
    assert report.exit_code == 3


@pytest.mark.parametrize(
    ("number", "content", "why"),
    [
        (1, b"[]", "not a JSON object"),
        (1, b'{"v":2}', "version"),
        (1, b'{"v":1}' + b" " * 70_000, "longer than a warning may be"),
        (2, b"\0\0\0\x10mdat", "not the init of an MP4"),
        (3, b"", "not the segment of an MP4"),
        (5, b"x", "not JSON"),
    ],
)
def test_what_opens_must_be_what_it_says(
    station: Station, camera: Camera, number: int, content: bytes, why: str
) -> None:
    camera.record(plain=lambda n, _kind, data: content if n == number else data)
    (item,) = take(station, camera).recordings
    assert (item.opened, item.receipt) == (False, False)
    assert why in item.why


def test_what_is_missing_is_named(station: Station, camera: Camera) -> None:
    kept, gone, void = camera.record(), camera.record(), "cam07-000099-00000000"
    take(station, camera)
    shutil.rmtree(kept)  # deleted, but it is in the store
    assert take(station, camera).missing == []
    gone = camera.record()
    shutil.rmtree(gone)
    camera.journal("open", rec=void)
    camera.journal("void", rec=void)
    report = take(station, camera)
    assert (report.missing, report.exit_code) == ([gone.name], 1)


def test_a_card_that_was_rolled_back(station: Station, camera: Camera) -> None:
    shutil.copytree(camera.card, camera.card.with_name("copy"))
    camera.record()
    take(station, camera)
    for card in (camera.card, camera.card.with_name("copy")):
        report = station.import_card(card, person="A")
        assert (card == camera.card) == (report.problems == [])
    assert report.problems == [
        "journal.jsonl: it lacks 2 lines that an earlier import saw: the card was rolled back"
    ]
    # And one that went on differently since.
    fork = Camera(camera.card.with_name("fork"), recipients=station.recipients)
    fork.journal("fault")
    fork.journal("fault")
    fork.journal("fault")
    assert take(station, fork).problems == [
        "journal.jsonl: from line 1 on it is another than the one that was here at an earlier "
        "import"
    ]
    assert len(list(station.path.glob("journals/*"))) == 3
    assert take(station, camera).problems == []


def test_a_new_card_has_a_new_journal(station: Station, camera: Camera, tmp_path: Path) -> None:
    camera.record()
    take(station, camera)
    new = Camera(tmp_path / "new", recipients=station.recipients)
    (new.card / "journal.jsonl").unlink()
    new._journal = type(new._journal)("cam07", new.key, "another-boot")
    new.journal("boot")
    report = take(station, new)
    assert (report.problems, report.exit_code) == ([], 0)
    (other,) = report.findings
    assert (other.code, other.what) == (
        "another",
        "this is another journal of cam07 than on earlier imports",
    )


@pytest.mark.parametrize("spoil", ["byte", "line", "missing", "garbage", "endless", "link", "key"])
def test_a_journal_that_is_not_one(
    station: Station, camera: Camera, spoil: str, tmp_path: Path
) -> None:
    camera.record()
    file = camera.card / "journal.jsonl"
    data = file.read_bytes()
    file.unlink()
    match spoil:
        case "byte":
            file.write_bytes(data[:900] + b"~" + data[901:])
        case "line":
            file.write_bytes(data.partition(b"\n")[2])
        case "garbage":
            file.write_bytes(b"[" * 100_000)
        case "endless":
            with file.open("wb") as out:
                out.truncate(1 << 40)
        case "link":
            file.symlink_to("/dev/zero")
        case "key":
            thief = Camera(tmp_path / "thief", recipients=station.recipients)
            thief.key = device_key("thief")
            thief._journal = type(thief._journal)("cam07", thief.key, "boot")
            (thief.card / "journal.jsonl").unlink()
            thief.journal("boot")
            shutil.copy(thief.card / "journal.jsonl", file)
    report = take(station, camera)
    assert len(report.problems) == 1
    assert report.problems[0].startswith("journal.jsonl")
    assert report.exit_code == 1
    assert outcomes(report) == [("new", "ok", True)]  # a recording stands for itself


def test_a_torn_journal_is_no_matter(station: Station, camera: Camera) -> None:
    camera.record()
    with (camera.card / "journal.jsonl").open("ab") as file:
        file.write(b'{"dom":"bod')
    assert take(station, camera).exit_code == 0
    (kept,) = (station.path / "journals").iterdir()
    assert kept.read_bytes().endswith(b"}\n")


def test_hostile_cards(station: Station, camera: Camera, tmp_path: Path) -> None:
    whole = camera.record()
    recordings = camera.card / "recordings"
    (recordings / "cam07-000090-00000000").symlink_to(whole)
    (recordings / "..evil").mkdir()
    (recordings / "cam07-000091-00000000").touch()
    (recordings / "cam07-000092-00000000").mkdir()
    os.mkfifo(recordings / "cam07-000093-00000000")
    bad = Path(shutil.copytree(whole, recordings / "cam07-000094-00000000"))
    (bad / "00000003.segment.age").unlink()
    (bad / "00000003.segment.age").symlink_to("/etc/passwd")
    (bad / "pipe").touch()
    (bad / "deep/er").mkdir(parents=True)
    with (bad / "huge").open("wb") as file:
        file.truncate(1 << 40)
    (camera.card / "receipts").symlink_to(tmp_path)
    report = take(station, camera)
    by_name = {item.rec[6:12]: item for item in report.recordings}
    assert sorted(by_name) == ["000042", "000092", "000094"]
    assert by_name["000042"].verdict.integrity == "ok"
    assert "receipts is not a folder" in by_name["000042"].why
    assert by_name["000092"].verdict.provenance == "not signed"
    said = "\n".join(map(str, by_name["000094"].verdict.problems))
    for words in (
        "00000003.segment.age: it is a link and was not copied",
        "deep: it is a folder and was not copied",
        "huge: it has 1099511627776 bytes and was not copied",
        "pipe: it has no signed line",
        "not of this folder's recording",
    ):
        assert words in said
    assert not (station.path / by_name["000094"].path / "00000003.segment.age").exists()
    assert "4 things that are none were left alone: ..evil" in report.notes[0]
    assert {path.name for path in tmp_path.iterdir()} == {"station", "card"}


def test_a_ledger_that_cannot_be_told_from_the_stores(station: Station, camera: Camera) -> None:
    path = camera.record()
    take(station, camera)
    os.truncate(path / "ledger.jsonl", 1 << 40)
    report = take(station, camera)
    (one,) = report.findings
    assert (one.code, one.about) == ("not-copied", path.name)
    assert "longer than" in one.what
    assert (report.recordings, report.exit_code) == ([], 1)


def test_unsigned_files_come_along(station: Station, camera: Camera) -> None:
    path = camera.record(end="recovered", late=2, torn=b"x")
    (path / "unsigned/link").symlink_to("/etc/passwd")
    (item,) = take(station, camera).recordings
    kept = sorted(p.name for p in (station.path / item.path / "unsigned").iterdir())
    assert kept == ["00000005.note.age", "00000006.segment.age", "ledger.tail"]


def test_a_card_that_cannot_be_written(station: Station, camera: Camera) -> None:
    camera.record()
    (camera.card / "receipts").write_bytes(b"not a folder")
    (item,) = take(station, camera).recordings
    assert (item.outcome, item.receipt) == ("new", False)
    assert "The receipt lies in receipts/ only" in item.why
    (camera.card / "receipts").unlink()
    assert outcomes(take(station, camera)) == [("there already", "ok", True)]


def test_a_store_without_room(
    station: Station, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera.record()
    monkeypatch.setattr(Folder, "free_bytes", lambda _self: intake.MARGIN_BYTES + 1000)
    with pytest.raises(CardFull, match=r"The store has .* this recording needs"):
        take(station, camera)
    assert station.recordings() == []
    monkeypatch.undo()
    assert outcomes(take(station, camera)) == [("new", "ok", True)]


def test_a_copy_that_suffered_in_the_store_is_taken_again(station: Station, camera: Camera) -> None:
    path = camera.record()
    take(station, camera)
    (station.path / "recordings" / path.name / "00000003.segment.age").write_bytes(b"rot")
    assert station.verify(path.name).integrity == "not-ok"
    assert outcomes(take(station, camera)) == [("renewed", "ok", True)]
    assert station.verify(path.name).integrity == "ok"


def test_what_an_import_left_that_was_cut_short(station: Station, camera: Camera) -> None:
    rec = camera.record().name
    half = station.path / f"incoming/{rec}.0000/{rec}"
    half.mkdir(parents=True)
    (half / "ledger.jsonl").touch()
    assert outcomes(take(station, camera)) == [("new", "ok", True)]
    assert not list((station.path / "incoming").iterdir())


def test_one_import_at_a_time(station: Station, camera: Camera) -> None:
    camera.record()
    asked = []

    def watch(rec: str) -> Progress:
        with (station.path / "import.lock").open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        asked.append(rec)
        return lambda _done, _total: None

    station.import_card(camera.card, person="A", watch=watch)
    recordings = [item.rec for item in take(station, camera).recordings]
    assert asked == ["journal.jsonl", *recordings]


def test_not_a_card(station: Station, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be used: no such file"):
        station.import_card(tmp_path / "nowhere", person="A")
    (tmp_path / "empty").mkdir()
    report = station.import_card(tmp_path / "empty", person="A")
    assert "this is not a camera's card" in report.problems[0]
    assert report.exit_code == 1
