"""The command line as scripts and people meet it: words, exit codes, and never a traceback."""

import errno
import getpass
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.backends.openssl import backend

from bodycam.evidence.enrolment import make_request, read_bundle
from bodycam_station import commands
from bodycam_station.cli import _parser, main
from bodycam_station.progress import Progress
from recordings import Camera, device_key


class Desk:
    """Runs commands in a folder and keeps what they print."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, line: str) -> int:
        """Its exit code."""
        try:
            code = main(shlex.split(line))
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        self.out, self.err = self._capsys.readouterr()
        assert "Traceback" not in self.err
        return code

    def json(self, line: str, code: int = 0) -> Any:
        assert self(f"{line} --json") == code, self.err
        return json.loads(self.out)


@pytest.fixture
def desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BODYCAM_STATION", "station")
    monkeypatch.setattr(getpass, "getuser", lambda: "devries")
    return Desk(tmp_path, capsys)


@pytest.fixture
def camera(desk: Desk) -> Camera:
    """cam07, enrolled at the station in the folder `station`."""
    assert desk("init station --name utrecht") == 0
    Path("request").write_bytes(make_request("cam07", device_key("cam07"), "software"))
    assert desk("enroll request --out bundle") == 0
    bundle = read_bundle(Path("bundle").read_bytes())
    return Camera(Path("card"), recipients=bundle.recipients)


def test_the_whole_way(desk: Desk, camera: Camera) -> None:
    assert "SHA256:" in desk.out
    assert "bodycam enroll --accept bundle" in desk.out
    rec = camera.record(sound=True).name
    assert desk("import card") == 0
    assert desk.out == (
        f"Card of cam07: 1 recording.\n  {rec}: ok, new. The receipt is on the card.\n"
    )
    assert desk(f"verify station/recordings/{rec} --station station") == 0
    assert desk.out.startswith(
        f"{rec}: ok\n  known: cam07, software key\n  anchored to line 7 of 7"
    )
    assert desk(f"label {rec} --reason 'threat, case 1187'") == 0
    assert desk(f"label {rec} --reason 'kept for the judge' --person 'B. Bakker'") == 0
    assert desk.out == f"{rec} has its label, beside 1 earlier.\n"
    assert desk(f"export {rec} --out x.mp4 --form 2026-118") == 0
    assert desk.out.startswith("Wrote x.mp4: 0.5 s, 15 pictures.\nHand over with it x.json and x")
    assert desk(f"check-export x.mp4 x.json {rec}") == 0
    assert desk.out.startswith("x.mp4, x.json and the sealed recording agree.\n")
    assert desk("log") == 0
    assert [line.split()[2] for line in desk.out.splitlines()[:-1]] == (
        ["init", "enroll", "import", "receipt", "label", "label", "export"]
    )
    assert "B. Bakker: kept for the judge" in desk.out
    assert desk("devices") == 0
    assert desk.out.startswith("cam07  in use, key in software, enrolled ")


def test_a_whole_card(desk: Desk, camera: Camera) -> None:
    """One line on all of it, then what is not as it should be, each with what to do."""
    whole, cut, gone = camera.record(), camera.record(end="recovered"), camera.record()
    assert desk("verify card --station station") == 3
    assert desk.out.startswith("Card of cam07: 3 recordings (1 incomplete, 2 ok); nothing wrong.\n")
    shutil.rmtree(gone)
    broken = camera.record()
    (broken / "00000003.segment.age").unlink()
    assert desk("verify card --station station") == 1
    assert desk.out == (
        "Card of cam07: 3 recordings (1 incomplete, 1 not-ok, 1 ok); 2 wrong.\n"
        f"  ! {gone.name}: it was begun, and it is neither here, nor in the store, nor deleted "
        "against a receipt.\n"
        "      Ask who had this card since, and look for another card of cam07.\n"
        f"  - {cut.name}: incomplete\n"
        "      Nothing: it is whole up to a power cut.\n"
        f"  ! {broken.name}: not-ok\n"
        "      00000003.segment.age: is missing\n"
        "      Keep card and camera as they are; import sets a copy aside for who looks into it.\n"
        f"    {whole.name}: ok\n"
    )
    assert desk("verify card --signers station/allowed_signers") == 1
    assert desk.out.count("\n    Not judged without --station: ") == 3
    shutil.rmtree(broken)
    last = camera.record(end=None)
    assert desk(f"verify card {whole} --station station") == 1
    assert "(1 incomplete, 1 ok, 1 unfinished); 2 wrong, 1 to be settled.\n" in desk.out
    assert f"  - {last.name}: unfinished\n" in desk.out
    assert f"\n{whole.name}: ok\n" in desk.out


def test_a_whole_card_for_scripts(desk: Desk, camera: Camera) -> None:
    rec, gone = camera.record().name, camera.record()
    found = desk.json("verify card --station station")
    assert (found["recordings"], len(found["cards"])) == ([], 1)
    (card,) = found["cards"]
    assert [*card] == ["path", "device", "recordings", "findings", "notes", "unjudged"]
    assert (card["path"], card["device"], card["findings"]) == ("card", "cam07", [])
    assert [(one["path"], one["integrity"]) for one in card["recordings"]] == [
        (rec, "ok"), (gone.name, "ok"),
    ]  # fmt: skip
    shutil.rmtree(gone)
    (card,) = desk.json("verify card --signers station/allowed_signers", 1)["cards"]
    (finding,) = card["findings"]
    assert [*finding] == ["code", "about", "what", "do", "weight"]
    assert (finding["code"], finding["about"], finding["weight"]) == ("missing", gone.name, "wrong")
    assert len(card["unjudged"]) == 3
    imported = desk.json("import card", 1)
    assert imported["missing"] == [gone.name]
    assert [one["code"] for one in imported["findings"]] == ["missing"]


def test_json_for_scripts(desk: Desk, camera: Camera) -> None:
    rec = camera.record().name
    (item,) = desk.json("import card")["recordings"]
    assert (item["rec"], item["receipt"], item["verdict"]["integrity"]) == (rec, True, "ok")
    (found,) = desk.json(f"verify card/recordings/{rec} --station station")["recordings"]
    assert {
        "path", "rec", "device", "integrity", "provenance", "key", "anchoring", "anchored_seq",
        "last_seq", "ledger_sha256", "objects", "bytes", "problems", "notes",
    } == set(found)  # fmt: skip
    assert desk.json(f"export {rec} --out x.mp4")["frames"] == 15
    assert desk.json(f"check-export x.mp4 x.json {rec}") | {"notes": 0} == (
        {"problems": [], "notes": 0, "signer": "known"}
    )
    assert desk.json("devices")["devices"][0]["state"] == "in use"
    assert desk.json("log")["acts"][-1]["act"] == "export"


@pytest.mark.parametrize(
    ("end", "late", "code", "word"),
    [("close", 0, 0, "ok"), ("recovered", 1, 3, "incomplete"), (None, 1, 3, "unfinished")],
)
def test_exit_codes_of_verify(
    desk: Desk, camera: Camera, end: str | None, late: int, code: int, word: str
) -> None:
    path = camera.record(end=end, late=late)
    for trust in ("--station station", "--signers station/allowed_signers"):
        assert desk(f"verify {path} {trust}") == code
        assert desk.out.startswith(f"{path.name}: {word}\n")
    assert desk(f"verify {path}") == 1
    assert "Nobody's key was given to trust" in desk.err
    (path / "00000003.segment.age").unlink()
    other = camera.record()
    assert desk(f"verify {other} {path} --station station") == 1
    assert "! 00000003.segment.age: is missing" in desk.out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "usage:"),
        ("verify", "usage:"),
        ("verify nowhere", "There is no nowhere."),
        ("verify station --station nowhere", "nowhere is not a station's folder"),
        ("verify station --station station --signers x", "not allowed with"),
        ("verify station --signers nowhere", "nowhere is missing"),
        ("import nowhere", "nowhere cannot be used: no such file"),
        ("import card --station nowhere", "nowhere cannot be used"),
        ("import card --station card", "not a station's folder"),
        ("label cam07-000042-00000000 --reason x", "There is no recording"),
        ("export cam07-000042-00000000 --out x.mp4", "There is no recording"),
        ("revoke cam09 --reason x", "No camera cam09 is enrolled"),
        ("revoke cam07 --reason ''", "A reason must be one line"),
        ("init station", "station is not empty"),
        ("init other --name 'Ü 1'", "cannot be a station's name"),
        ("init request", "cannot be made: file exists"),
        ("enroll request --out bundle", "bundle exists already"),
    ],
)
def test_wrong_usage(desk: Desk, camera: Camera, line: str, why: str) -> None:
    code = desk(line)
    assert code == (1 if "signers nowhere" in line else 2)
    assert why in desk.err
    assert desk.out == ""
    if "usage" not in desk.err:
        assert desk.err.startswith("bodycam-station: ")
        assert desk.err.count("\n") == 1


def test_bad_files_get_a_sentence(desk: Desk, camera: Camera) -> None:
    Path("garbage").write_bytes(b"\xff{[" * 1000)
    os.mkfifo("pipe")
    for name, why in (("garbage", "strict form"), ("pipe", "pipe is a pipe, not a file")):
        assert desk(f"enroll {name} --out new") == 1
        assert why in desk.err
        assert not Path("new").exists()
        assert desk(f"verify {name} --station station") == 1
        assert f"! the folder: {name} is not a folder" in desk.out
    Path("link").symlink_to("nowhere")
    assert desk("verify link") == 1


def test_revoked(desk: Desk, camera: Camera) -> None:
    seen, unseen = camera.record(), camera.record()
    shutil.move(unseen, "kept")
    Path("card/journal.jsonl").unlink()
    assert desk("import card") == 1
    assert "! journal.jsonl: is missing.\n" in desk.out
    assert desk("revoke cam07 --reason 'stolen'") == 0
    assert desk("devices") == 0
    assert "cam07  revoked, key in software, revoked 2" in desk.out
    assert desk(f"verify {seen} --station station") == 0
    assert desk("verify kept --station station") == 1
    assert "was revoked" in desk.out
    assert desk("verify kept --signers station/allowed_signers") == 1
    assert desk("revoke cam07 --reason 'stolen'") == 2


def test_what_an_import_reports(desk: Desk, camera: Camera) -> None:
    broken, gone, cut = camera.record(), camera.record(), camera.record(end=None, late=2)
    for file in broken.glob("0*"):
        file.write_bytes(b"x")
    shutil.rmtree(gone)
    Path("card/recordings/notes.txt").touch()
    assert desk("import card") == 1
    assert desk.out == (
        "Card of cam07: 2 recordings.\n"
        f"  {broken.name}: not-ok, set aside. It is not ok, so the camera keeps it.\n"
        + "".join(
            f"    ! {file.name}: it has 1 bytes, and {size} were signed\n"
            for file, size in zip(sorted(broken.glob("0*")), _signed(broken), strict=True)
        )
        + f"  {cut.name}: unfinished, new. It is unfinished: put the card back, let the camera "
        "start once, and import again.\n"
        "    2 objects after the last good line: the power was cut before they were signed.\n"
        f"  ! {gone.name}: it was begun, and it is neither here, nor in the store, nor deleted "
        "against a receipt.\n"
        "      Ask who had this card since, and look for another card of cam07.\n"
        "  1 thing that is no recording was left alone: notes.txt\n"
    )


def _signed(path: Path) -> list[int]:
    lines = (path / "ledger.jsonl").read_text().splitlines()
    return [json.loads(line)["len"] for line in lines if '"len"' in line]


def test_many_problems_are_cut_short_in_words_only(desk: Desk, camera: Camera) -> None:
    path = camera.record()
    for n in range(30):
        (path / f"junk{n:02}").touch()
    assert desk(f"verify {path} --station station") == 1
    assert desk.out.count("!") == 21
    assert "! and 10 more; --json lists them" in desk.out
    (found,) = desk.json(f"verify {path} --station station", 1)["recordings"]
    assert len(found["problems"]) == 30


def test_an_export_of_what_is_not_ok(desk: Desk, camera: Camera) -> None:
    path = camera.record()
    (path / "00000003.segment.age").unlink()
    assert desk(f"export {path} --out x.mp4") == 2
    assert "--despite REASON" in desk.err
    assert desk(f"export {path} --out x.mp4 --despite 'the judge asks'") == 0
    assert "Left out, because" in desk.out
    Path("x.mp4").write_bytes(b"spoilt")
    assert desk(f"check-export x.mp4 x.json {path}") == 1
    assert "x.mp4 is not the file that the JSON describes." in desk.out


def test_checking_an_export_without_the_station(desk: Desk, camera: Camera) -> None:
    path = camera.record()
    assert desk(f"export {path} --out x.mp4") == 0
    shutil.copy("station/allowed_signers", "signers")
    line = f"check-export x.mp4 x.json {path} --signers signers"
    assert desk(line) == 0
    assert "rests on the station's signature" in desk.out
    Path("signers").write_text("")
    assert desk(line) == 1
    assert "It is of a station that is not known here." in desk.out


def test_a_store_whose_key_is_another(desk: Desk, camera: Camera) -> None:
    Path("station/signing.key").write_bytes(device_key("x").to_openssh())
    assert desk("devices") == 1
    assert "signing.key is not the key of this station" in desk.err
    Path("station/signing.key").unlink()
    assert desk("devices") == 1


def test_a_person_must_be_known(
    desk: Desk, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("uid 1187")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert desk("revoke cam07 --reason lost") == 2
    assert "--person NAME" in desk.err


def test_stock_tools_open_what_init_makes(desk: Desk, camera: Camera) -> None:
    path = camera.record()
    for identity in ("station/identity.txt", "station/escrow/identity.txt"):
        done = subprocess.run(
            ["age", "-d", "-i", identity, path / "00000001.warning.age"], capture_output=True
        )
        assert json.loads(done.stdout)["how"] == "warned"
        assert Path(identity).stat().st_mode & 0o777 == 0o600
    shown = subprocess.run(
        shlex.split(
            "openssl x509 -in station/ca.pem -noout -subject -ext basicConstraints,keyUsage"
        ),
        capture_output=True,
        text=True,
    )
    assert "bodycam station utrecht" in shown.stdout
    assert "CA:TRUE, pathlen:0" in shown.stdout
    key = subprocess.run(
        ["openssl", "pkey", "-in", "station/ca.key", "-check"], capture_output=True
    )
    assert b"valid" in key.stdout + key.stderr


def test_a_post_quantum_station_says_what_it_asks_of_others(desk: Desk) -> None:
    assert desk("init pq --post-quantum") == 0
    assert 'kind = "post-quantum" under [sealing]' in desk.out
    assert "Stock tools open such recordings from age 1.3 on." in desk.out
    for identity in ("pq/identity.txt", "pq/escrow/identity.txt"):
        assert Path(identity).read_text().splitlines()[-1].startswith("AGE-SECRET-KEY-PQ-1")
    recipients = json.loads(Path("pq/station.json").read_text())["recipients"]
    assert [text[:7] for text in recipients] == ["age1pq1"] * 2
    assert desk("init plain") == 0
    assert "post-quantum" not in desk.out


def test_a_post_quantum_station_needs_a_library_that_has_such_keys(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "mlkem_supported", lambda: False)
    assert desk("init pq --post-quantum") == 1
    assert "no post-quantum keys. Install cryptography 48 or later." in desk.err
    assert list(Path("pq").iterdir()) == []


def _commands() -> dict[str, Any]:
    (choices,) = [a.choices for a in _parser()._actions if a.choices]
    assert isinstance(choices, dict)
    return choices


@pytest.mark.parametrize("name", _commands())
def test_every_help_has_an_example_that_parses(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    example = capsys.readouterr().out.partition("example:\n")[2].strip()
    words = shlex.split(example)
    assert words[:2] == ["bodycam-station", name]
    _parser().parse_args(words[1:])


def test_as_a_process(desk: Desk, camera: Camera) -> None:
    """Output that cannot be encoded, a reader that goes away: no traceback."""
    path = camera.record()
    (path / os.fsdecode(b"\xff\x1b[2J")).touch()
    run = [sys.executable, "-m", "bodycam_station.cli"]
    done = subprocess.run(
        [*run, "verify", path, "--station", "station"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\\udcff\\x1b[2J" in done.stdout
    for n in range(20):
        shutil.copytree(path, f"copy {n}")
    gone = subprocess.run(
        f"{shlex.join(run)} verify copy* --json --station station | head -c 1",
        shell=True,
        capture_output=True,
    )
    assert gone.stderr == b""


def test_progress_speaks_after_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    out = io.StringIO()
    progress = Progress("cam07", out)
    progress(1, 100)
    assert out.getvalue() == ""
    now += 2
    progress(50_000_000, 100_000_000)
    progress(51_000_000, 100_000_000)
    now += 1
    progress(75_000_000, 100_000_000)
    progress.end()
    assert out.getvalue() == "cam07: 50 % of 100 MB\ncam07: 75 % of 100 MB\n"
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    live = Progress("cam07", terminal)
    now += 2
    live(1, 0)
    live.end()
    assert terminal.getvalue() == "cam07: 0 % of 0 MB\r\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("manager anna --out file", "file cannot be used: file exists"),
        ("manager anna --out file/under", "file/under cannot be used: not a directory"),
        ("manager anna --out /proc/self", "cannot be used"),
        ("manager anna --out here", "There is a folder anna.key in here"),
        ("broker --host localhost --out file/under", "file/under cannot be used"),
        ("enroll other --out file/bundle", "file is not a folder"),
        ("enroll other --out nowhere/bundle", "nowhere cannot be used: no such file"),
        ("config cam07 --policy policy --out nowhere/desired", "nowhere cannot be used"),
    ],
)
def test_nothing_is_issued_for_a_folder_that_cannot_be_used(
    desk: Desk, camera: Camera, line: str, why: str
) -> None:
    """A key that cannot be written is lost, and the certificate before it is revoked already."""
    Path("other").write_bytes(make_request("cam08", device_key("cam08"), "software"))
    Path("policy").write_bytes(b"# a policy\n")
    Path("file").write_bytes(b"")
    Path("here/anna.key").mkdir(parents=True)
    assert desk("log --json") == 0
    before = desk.out
    assert desk(line) in (1, 2)
    assert why in desk.err
    assert desk.err.count("\n") == 1
    assert desk("log --json") == 0
    assert desk.out == before
    assert [one.name for one in Path("here").iterdir()] == ["anna.key"]


def test_what_the_system_refuses_is_one_sentence(
    desk: Desk, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "/srv/\x07bodycam")

    monkeypatch.setattr(commands, "devices", refused)
    assert desk("devices") == 1
    assert desk.err == "bodycam-station: /srv/\\x07bodycam: permission denied.\n"
