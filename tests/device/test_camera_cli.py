"""`bodycam` at the desk of whoever sets cameras up: enrolment, check, and what is refused."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.backends.openssl import backend

from bodycam import enrolled
from bodycam.cli import main
from bodycam.config import read_config
from bodycam.errors import ConfigError
from bodycam.pi.hardware import Hardware
from bodycam_station.station import Station
from fakes.hardware import bare, silent

HOUSE = Path(__file__).parents[2]
POLICIES = HOUSE / "config" / "policies"


@dataclass
class Desk:
    """A camera's folder, and the command line in it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    hardware: Hardware = field(default_factory=bare)

    @property
    def config(self) -> Path:
        return self.folder / "bodycam.toml"

    def run(self, *words: str | Path) -> tuple[int, str, str]:
        """Exit code, output, errors."""
        try:
            code = main([*map(str, words), "--config", str(self.config)], self.hardware)
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = self.capsys.readouterr()
        return code, out, err

    def refused(self, *words: str | Path) -> str:
        """The one sentence with which something is refused."""
        code, out, err = self.run(*words)
        assert code in (1, 2)
        assert out == ""
        assert err.startswith("bodycam: ")
        assert err.count("\n") == 1
        return err

    def parts(self) -> dict[str, tuple[bool | None, str]]:
        """What `check --json` says of each part."""
        code, out, _ = self.run("check", "--json")
        said = json.loads(out)
        assert code == (0 if said["good"] else 1)
        return {part["part"]: (part["good"], part["says"]) for part in said["parts"]}


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """cam07 before its enrolment."""
    return make(tmp_path / "cam07", capsys)


def make(folder: Path, capsys: pytest.CaptureFixture[str], device: str = "cam07") -> Desk:
    (folder / "card").mkdir(parents=True)
    (folder / "policy.toml").write_bytes((POLICIES / "default.toml").read_bytes())
    (folder / "bodycam.toml").write_text(f"""
[device]
id = "{device}"

[paths]
card = "{folder}/card"
run = "{folder}"
policy = "{folder}/policy.toml"
key = "{folder}/device.key"
bundle = "{folder}/bundle.json"

[memory]
footage_mib = 160

[link]
key = "{folder}/tls.key"
""")
    return Desk(folder, capsys)


Enrolled = Callable[[Desk], Path]


@pytest.fixture
def station(tmp_path: Path) -> Enrolled:
    """Takes a camera's request to the station; gives the bundle's path."""
    return stationed(tmp_path / "station")


def stationed(folder: Path, *, post_quantum: bool = False) -> Enrolled:
    with Station.init(folder, "utrecht", person="A. de Vries", post_quantum=post_quantum):
        pass

    def enroll(desk: Desk) -> Path:
        request = desk.folder / "request"
        if not request.exists():
            assert desk.run("enroll", "--out", request)[0] == 0
        with Station.open(folder) as opened:
            bundle = opened.enroll(request.read_bytes(), person="A. de Vries")
        path = desk.folder / "from-the-station"
        path.write_bytes(bundle)
        return path

    return enroll


# ---- enrolment -----------------------------------------------------------------------------------


def test_a_camera_becomes_a_stations(desk: Desk, station: Enrolled) -> None:
    code, out, _ = desk.run("enroll", "--out", desk.folder / "request")
    assert code == 0
    key = desk.folder / "device.key"
    assert "must not leave this camera" in out
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    shown = subprocess.run(["ssh-keygen", "-l", "-f", key], capture_output=True, text=True)
    assert shown.stdout.split()[1] in out

    assert stat.S_IMODE((desk.folder / "tls.key").stat().st_mode) == 0o600

    code, out, _ = desk.run("enroll", "--accept", station(desk))
    assert code == 0
    assert "cam07 belongs to the station utrecht; recordings are sealed to 2 recipients." in out
    owner = enrolled.owner(read_config(desk.config))
    assert (owner.device, len(owner.recipients)) == ("cam07", 2)
    assert desk.parts()["enrolment"] == (True, "cam07, sealed to 2 recipients")


def test_a_second_request_is_made_with_the_same_key(desk: Desk) -> None:
    desk.run("enroll", "--out", desk.folder / "one")
    key = (desk.folder / "device.key").read_bytes()
    code, out, _ = desk.run("enroll", "--out", desk.folder / "two")
    assert code == 0
    assert "was made" not in out
    assert (desk.folder / "device.key").read_bytes() == key
    assert (desk.folder / "two").read_bytes() == (desk.folder / "one").read_bytes()


def test_nothing_is_made_where_the_request_cannot_be_written(desk: Desk) -> None:
    (desk.folder / "taken").write_text("mine")
    assert "taken exists already" in desk.refused("enroll", "--out", desk.folder / "taken")
    assert (desk.folder / "taken").read_text() == "mine"
    assert not (desk.folder / "device.key").exists()
    said = desk.refused("enroll", "--out", desk.folder / "nowhere" / "request")
    assert "cannot be written: No such file or directory" in said


def test_a_key_that_is_none_is_refused(desk: Desk) -> None:
    (desk.folder / "device.key").write_text("a secret")
    assert "device.key: not a device key" in desk.refused("enroll", "--out", desk.folder / "r")


def test_the_key_may_be_a_credential_of_systemd(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = desk.config.read_text().replace(f'key = "{desk.folder}/device.key"', "")
    desk.config.write_text(config)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "sealed"))
    assert read_config(desk.config).key_path == tmp_path / "sealed" / "device.key"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert read_config(desk.config).key_path == Path("device.key")


def test_a_bundle_for_another_camera_is_refused(
    desk: Desk, station: Enrolled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.run("enroll", "--out", desk.folder / "request")
    other = make(tmp_path / "cam08", capsys, "cam08")
    bundle = station(other)
    assert "this bundle is for cam08" in desk.refused("enroll", "--accept", bundle)
    assert not (desk.folder / "bundle.json").exists()


@pytest.mark.parametrize("change", ["cut", "changed", "empty"])
def test_a_bundle_that_does_not_hold_is_refused(desk: Desk, station: Enrolled, change: str) -> None:
    bundle = station(desk)
    data = bundle.read_bytes()
    bundle.write_bytes(
        {"cut": data[:-30], "changed": data.replace(b"utrecht", b"utrechx"), "empty": b""}[change]
    )
    assert "not a bundle that can be used" in desk.refused("enroll", "--accept", bundle)
    assert not (desk.folder / "bundle.json").exists()


def test_a_camera_that_is_not_enrolled_says_how_to_become_so(desk: Desk) -> None:
    desk.run("enroll", "--out", desk.folder / "request")
    good, said = desk.parts()["enrolment"]
    assert not good
    assert "this camera is not enrolled. Run bodycam enroll --out REQUEST" in said


# ---- check ---------------------------------------------------------------------------------------


def test_check_speaks_part_by_part(desk: Desk, station: Enrolled) -> None:
    desk.run("enroll", "--accept", station(desk))
    parts = desk.parts()
    assert parts["policy"][0]
    assert parts["policy"][1].startswith(
        "default: warns 2 s before recording, keeps 30 s from before the press, needs "
    )
    assert parts["card"][0]
    assert "minutes of footage" in parts["card"][1]
    code, out, _ = desk.run("check")
    assert code == 1  # there is no camera
    lines = out.splitlines()
    assert len(lines) == len(parts)
    words = {True: "good", False: "BAD", None: "--"}
    for line, (part, (good, _)) in zip(lines, parts.items(), strict=True):
        assert line.split()[:2] == [words[good], part]


def test_check_names_what_is_bad_and_goes_on(desk: Desk) -> None:
    (desk.folder / "card").rmdir()
    (desk.folder / "policy.toml").write_text("name = 'x'\n[warning]\nlead = 2\n")
    parts = desk.parts()
    assert not any(parts[part][0] for part in ("policy", "enrolment", "card"))
    assert "policy.toml:3: warning.lead is not a key that exists" in parts["policy"][1]
    assert "There is no card at" in parts["card"][1]


def test_a_policy_that_does_not_fit_the_memory_is_refused(desk: Desk) -> None:
    small = desk.config.read_text().replace("footage_mib = 160", "footage_mib = 8")
    desk.config.write_text(small)
    good, said = desk.parts()["policy"]
    assert not good
    assert "needs 27 MiB of memory for footage, and memory.footage_mib allows 8" in said


def test_a_policy_over_30_s_asks_for_its_privacy_assessment(desk: Desk) -> None:
    policy = (desk.folder / "policy.toml").read_text()
    (desk.folder / "policy.toml").write_text(
        policy.replace("pre_record_s = 30 ", "pre_record_s = 31 ")
    )
    good, said = desk.parts()["policy"]
    assert not good
    assert "asks for the reference of the privacy assessment" in said


def test_the_keys_are_of_the_kind_that_the_policy_asks_for(
    desk: Desk, station: Enrolled, tmp_path: Path
) -> None:
    policy = desk.folder / "policy.toml"
    text = {"x25519": policy.read_text()}
    text["post-quantum"] = text["x25519"].replace('kind = "x25519"      ', 'kind = "post-quantum"')
    assert text["post-quantum"] != text["x25519"]
    stations = {"x25519": station, "post-quantum": stationed(tmp_path / "pq", post_quantum=True)}
    for has, enroll in stations.items():
        assert desk.run("enroll", "--accept", enroll(desk))[0] == 0
        for asks in stations:
            policy.write_text(text[asks])
            good, said = desk.parts()["enrolment"]
            assert good == (asks == has)
            assert ("with post-quantum keys" in said) == (has == "post-quantum")
            if not good:
                assert f"asks for {asks} keys, and this camera was enrolled with {has} keys" in said


def test_a_camera_whose_library_lacks_such_keys_says_so(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = stationed(tmp_path / "pq", post_quantum=True)(desk)
    desk.run("enroll", "--accept", bundle)
    monkeypatch.setattr(backend, "mlkem_supported", lambda: False)
    good, said = desk.parts()["enrolment"]
    assert not good
    assert "no post-quantum keys. Install cryptography 48 or later." in said
    assert "no post-quantum keys" in desk.refused("enroll", "--accept", bundle)
    desk.hardware = silent()
    monkeypatch.setattr("bodycam.run.forbid_core_dumps", lambda: None)  # it is not our process
    assert "no post-quantum keys" in desk.refused("run")


def test_check_says_whether_it_can_report(desk: Desk, station: Enrolled) -> None:
    assert "network" not in desk.parts()
    desk.config.write_text(desk.config.read_text() + 'host = "broker.example.org"\n')
    desk.run("enroll", "--accept", station(desk))
    good, says = desk.parts()["network"]
    assert good
    assert re.fullmatch(
        r"reports to broker.example.org:8883, certified until \d{4}-\d\d-\d\d", says
    )
    (desk.folder / "tls.key").unlink()
    assert desk.parts()["network"][0] is False
    desk.run("enroll", "--out", desk.folder / "another")  # with another key
    assert desk.parts()["network"][0] is False
    assert "do not belong together" in desk.parts()["network"][1]


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "link", "check", "enroll --out request"])
def test_nothing_starts_half_configured(desk: Desk, command: str) -> None:
    text = desk.config.read_text()
    for change, said in (
        (("id =", "ident ="), "device.ident is not a key that exists"),
        (("footage_mib = 160", "footage_mib = 4"), "allowed: 8 to 4096"),
        (("footage_mib = 160", 'footage_mib = "160"'), "memory.footage_mib = '160'"),
        (('id = "cam07"', 'id = "Cam 7"'), "1 to 64 of a-z, 0-9 and -"),
        (("[memory]", "[memory"), "not a TOML file"),
    ):
        desk.config.write_text(text.replace(*change))
        refused = desk.refused(*command.split())
        assert said in refused
        assert str(desk.config) in refused
    desk.config.unlink()
    assert "the configuration cannot be read: No such file" in desk.refused(*command.split())


def test_the_processes_want_an_enrolled_camera(desk: Desk) -> None:
    assert "device.key: the device key cannot be read" in desk.refused("run")
    assert "this camera is not enrolled" in desk.refused("link")


def test_a_configuration_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="longer than"):
        read_config(Path("/dev/zero"))
    with pytest.raises(ConfigError, match="Is a directory"):
        read_config(tmp_path)


def test_the_example_configuration_is_valid() -> None:
    assert read_config(HOUSE / "config" / "bodycam.toml").device.id == "cam07"


# ---- words ---------------------------------------------------------------------------------------


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for command in ("run", "link", "check", "enroll"):
        assert f"\n    {command} " in told
        with pytest.raises(SystemExit) as done:
            main([command, "--help"])
        assert done.value.code == 0
        assert f"example:\n  bodycam {command} " in capsys.readouterr().out


def test_wrong_words_are_wrong_usage(desk: Desk) -> None:
    assert desk.run("enroll")[0] == 2
    assert desk.run("enroll", "--out", "a", "--accept", "b")[0] == 2
    assert desk.run("fly")[0] == 2


def test_a_reader_that_has_gone_is_no_traceback(desk: Desk) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "bodycam.cli", "check", "--config", str(desk.config)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
