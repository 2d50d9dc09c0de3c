"""The power button and an empty battery: recording, ledger and journal are closed within 2 s."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bodycam.evidence.journal import read_journal
from recorder.desk import DEVICE, KEY, assert_sound, reading

WITHIN_S = 2.0
TESTS = Path(__file__).parent.parent


@pytest.fixture
def camera(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A recorder process with a recording open and footage on its card."""
    (tmp_path / "card").mkdir()
    process = subprocess.Popen(
        [
            *(sys.executable, TESTS / "recorder" / "camera_process.py"),
            *(tmp_path / "card", tmp_path / "power-off"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert process.stdout
    assert process.stdout.readline() == "recording\n"
    yield process
    process.kill()
    process.communicate()


def by_the_system(camera: "subprocess.Popen[str]") -> None:
    camera.send_signal(signal.SIGTERM)


def by_the_battery(camera: "subprocess.Popen[str]") -> None:
    assert camera.stdin
    camera.stdin.write("empty\n")
    camera.stdin.flush()


@pytest.mark.parametrize(("end", "asks"), [(by_the_system, False), (by_the_battery, True)])
def test_all_is_closed_and_signed_within_two_seconds(
    camera: "subprocess.Popen[str]",
    tmp_path: Path,
    end: Callable[["subprocess.Popen[str]"], None],
    asks: bool,
) -> None:
    began = time.monotonic()
    end(camera)
    code = camera.wait(timeout=10)
    took_s = time.monotonic() - began
    assert camera.stdout
    assert camera.stdout.read() == ""
    assert code == 0
    assert took_s < WITHIN_S
    # Systemd is asked to switch the camera off only where it was not systemd that began it.
    assert (tmp_path / "power-off").exists() == asks

    (folder,) = (tmp_path / "card/recordings").iterdir()
    assert_sound(folder)
    assert reading(folder).end == "close"
    assert (folder / "ledger.jsonl.sig").exists()
    journal = read_journal(
        (tmp_path / "card/journal.jsonl").read_bytes(), dev=DEVICE, key=KEY.public
    )
    kinds = [entry.kind for entry in journal.entries]
    assert kinds.index("open") < kinds.index("close")
