"""docs/verify.sh: stock tools come to the same verdicts, without a line of our software."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs/verify.sh"
VECTORS = ROOT / "tests/vectors"
EXPECTED = json.loads((VECTORS / "expected.json").read_text())
TOOLS = ("sh", "sha256sum", "age", "ssh-keygen", "openssl", "ffprobe")
STRICTER = {
    # A power cut explains these; plain shell does not weigh that, and says no.
    "unfinished-never-written",
    "unfinished-torn-line",
    "unfinished-torn-closing-signature",
    "unfinished-without-closing-signature",
}


POST_QUANTUM = {"ok-pq"}
"""Needs age 1.3 or later: tests/station/test_post_quantum.py."""


def run(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["sh", SCRIPT, *words], capture_output=True, text=True)


def on(name: str, *more: str | Path) -> "subprocess.CompletedProcess[str]":
    return run(VECTORS / name, VECTORS / "allowed_signers", VECTORS / "identity.txt", *more)


def test_the_tools_are_there() -> None:
    assert [tool for tool in TOOLS if shutil.which(tool) is None] == []


def test_it_fits_on_a_screen() -> None:
    lines = SCRIPT.read_text().splitlines()
    assert len(lines) <= 55
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", sorted({*EXPECTED} - POST_QUANTUM))
def test_the_same_verdict(name: str) -> None:
    done = on(name)
    print(done.stdout, done.stderr)
    assert done.returncode == (1 if name in STRICTER else EXPECTED[name]["exit"])


def test_what_it_says_and_keeps(tmp_path: Path) -> None:
    done = on("ok", tmp_path / "film.mp4")
    said = done.stdout.splitlines()
    assert said[0].startswith('Good "bodycam-recording" signature for cam07')
    assert said[1:] == ["stream,h264,10", "stream,aac,3", "OK: 7 lines, 5 objects."]
    assert (tmp_path / "film.mp4").read_bytes() == (VECTORS / "film.mp4").read_bytes()
    assert (on("incomplete").stdout.splitlines()[-1], on("incomplete").returncode) == (
        "Whole up to a power cut.",
        3,
    )


def test_a_hostile_ledger_runs_nothing(tmp_path: Path) -> None:
    shutil.copytree(VECTORS / "ok", tmp_path / "rec")
    ledger = tmp_path / "rec/ledger.jsonl"
    text = ledger.read_text()
    for evil in ("x/touch evil/e;s/", "$(touch evil)", "`touch evil`", "../evil", "."):
        ledger.write_text(text.replace('"device":"cam07"', f'"device":"{evil}"'))
        done = run(tmp_path / "rec", VECTORS / "allowed_signers", VECTORS / "identity.txt")
        assert done.returncode == 1
        assert not (tmp_path / "rec/evil").exists()
