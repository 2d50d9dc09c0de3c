"""`serve --demo`: one command, and a fleet manager's morning is there; Ctrl-C, and it is gone."""

import importlib.util
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bodycam.errors import UsageError
from bodycam.messages.camera import State
from bodycam_station.cli import main
from bodycam_station.demo.broker import broker, running
from bodycam_station.demo.demo import CAMERAS, NAME
from observer import Observer

WITHIN_S = 90


@pytest.fixture
def demo(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "bodycam_station.cli", "serve", "--demo", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--station", str(tmp_path / "demo")], stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def test_a_morning_with_one_command(demo: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert demo.stdout
    said = "".join(demo.stdout.readline() for _ in range(3))
    address = re.search(r"http://127\.0\.0\.1:\d+", said)
    password = re.search(r"with the password (\S+)", said)
    assert address, said
    assert password, said
    url = address[0]
    with httpx.Client(base_url=url, headers={"Origin": url, "Accept-Language": "en"}) as client:
        client.post("/login", data={"name": NAME, "password": password[1]})
        end_s = time.monotonic() + WITHIN_S
        morning, counts = "", [0]
        while sum(counts) != CAMERAS or counts[0] < CAMERAS / 2 or "speaker" not in morning:
            assert time.monotonic() < end_s, counts
            time.sleep(0.1)
            morning = client.get("/").text
            counts = [int(n) for n in re.findall(r"<b>(\d+)</b> (?:can|miss)", morning)]
        assert client.get("/cameras/cam03").status_code == 200

    demo.send_signal(signal.SIGINT)
    assert demo.wait(20) == 130
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True)
    assert left.stdout.split() == []


def test_nothing_outlives_it_however_it_ends(demo: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert demo.stdout
    assert "cameras report" in demo.stdout.readline()
    demo.kill()
    demo.wait()
    end_s = time.monotonic() + WITHIN_S
    while subprocess.run(["pgrep", "-f", str(tmp_path)], stdout=subprocess.DEVNULL).returncode == 0:
        assert time.monotonic() < end_s
        time.sleep(0.1)


@pytest.mark.parametrize("kind", ["mosquitto", "a wheel"])
def test_a_broker_of_either_kind(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "a wheel":
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with broker(tmp_path) as address:
        port = int(address.rpartition(":")[2])
        assert address == f"mqtt://127.0.0.1:{port}"
        state = State("docked", "b1", "s1")
        with Observer(port) as observer:
            observer.say("bodycam/v1/cam07/state", state.encode(), retained=True)
            observer.until(lambda: observer.of("state"), "the message comes back")
        with Observer(port, name="later") as later:
            later.until(lambda: later.of("state") == [state], "it was retained")


def test_without_any_broker_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(UsageError, match="apt-get install mosquitto"), broker(tmp_path):
        pass


def test_a_broker_that_does_not_start_names_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mosquitto.conf").mkdir()
    monkeypatch.setattr(
        "bodycam_station.demo.broker._written", lambda *_: str(tmp_path / "mosquitto.conf")
    )
    with pytest.raises(UsageError, match=r"broker\.log"), broker(tmp_path):
        pass


def test_a_program_beside_us_ends_with_us(tmp_path: Path) -> None:
    with running(["sleep", "1000"], tmp_path / "log") as process:
        assert process.poll() is None
    assert process.poll() is not None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--demo", "--cameras", "3"], "24 to 1000 cameras"),
        (["--cameras", "30"], "--cameras is for the demo"),
    ],
)
def test_what_it_refuses(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *arguments, "--station", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


def test_a_folder_that_is_used_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").touch()
    assert main(["serve", "--demo", "--station", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
