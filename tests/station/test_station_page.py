"""docs/station.md: every command that it shows is run, and says what the page says it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bodycam.evidence.enrolment import make_request, read_bundle
from bodycam_station.custody import FINDINGS
from bodycam_station.station import Station
from recordings import Camera, Dice, device_key

PAGE = Path(__file__).parents[2] / "docs" / "station.md"
CHANGING = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-11-26T07:30:00Z"),
    (r"\b(\d+\.\d) (kB|MB)\b", "42.0 kB"),
)
"""What differs from run to run, and what stands for it."""


def shown() -> list[tuple[str, str]]:
    """The page's commands, each with the output below it."""
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    found = []
    for block in blocks:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def steady(text: str) -> str:
    for pattern, stands in CHANGING:
        text = re.sub(pattern, stands, text)
    return text


@pytest.fixture
def morning(tmp_path: Path) -> Path:
    """A folder in which `srv/bodycam` is a station and `media/cam07` a card after a bad night."""
    with Station.init(
        tmp_path / "srv/bodycam", "utrecht", person="A. de Vries", random=Dice("station")
    ) as station:
        request = make_request("cam07", device_key("cam07"), "software")
        bundle = read_bundle(station.enroll(request, person="A. de Vries"))
    camera = Camera(tmp_path / "media/cam07", recipients=bundle.recipients)
    camera.record(sound=True)
    camera.record(end="recovered", late=1)
    taken = camera.record()
    shutil.rmtree(taken)
    camera.journal("shutdown")
    return tmp_path


def test_every_command_says_what_the_page_says(morning: Path) -> None:
    commands = shown()
    assert len(commands) >= 8
    tools = Path(sys.executable).parent
    for command, output in commands:
        done = subprocess.run(
            re.sub(r"(?<![\w.])/(srv|media)/", rf"{morning}/\1/", command),
            shell=True,
            cwd=morning,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
        )
        said = (done.stdout + done.stderr).replace(f"{morning}/", "/")
        assert steady(said) == steady(output), command


def test_every_verdict_is_explained() -> None:
    text = PAGE.read_text()
    for word in ("ok", "incomplete", "unfinished", "not-ok", "unknown", "not signed"):
        assert f"| `{word}` |" in text
    assert {"!", "-"} <= {line[2] for _, out in shown() for line in out.splitlines() if line[3:]}
    assert FINDINGS["missing"][2].format(device="cam07") in text
