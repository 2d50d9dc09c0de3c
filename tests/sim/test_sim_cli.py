"""`bodycam-sim` as people and scripts meet it: words, exit codes, and never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from bodycam_sim.cli import main
from bodycam_sim.overlay import read_counter
from films import FILM_FPS, FILM_PICTURES, film_luma
from scenarios import SCENARIOS, Recorded

POLICY = """
name = "tiny"
[warning]
lead_s = 0.5
[keep]
pre_record_s = 1
[video]
fps = 10
keyframe_interval_s = 0.5
"""
SCRIPT = """
about = "A few seconds."
seconds = 10
policy = "tiny.policy"
steps = ["2.0 record 0.2", "5.0 record 3.5"]
[picture]
width = 160
height = 90
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "tiny.policy").write_text(POLICY)
    (tmp_path / "tiny.toml").write_text(SCRIPT)
    return tmp_path / "tiny.toml"


def said(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """Exit code, output and errors of `bodycam-sim scenario WORDS`."""
    try:
        code = main(["scenario", *map(str, words)])
    except SystemExit as error:
        code = int(error.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_person_reads_the_transcript_then_the_film_and_the_verdict(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code, told, progress = said(capsys, script, "--out", out)
    assert code == 0
    transcript = (out / "transcript.txt").read_text()
    assert told.startswith(transcript)
    (mp4,) = (out / "films").glob("*.mp4")
    assert told.splitlines()[-1] == f"{mp4}: ok"
    assert all(line.startswith("bodycam-sim: ") for line in progress.splitlines())
    # A second run takes the place of the first.
    assert said(capsys, script, "--out", out)[:2] == (0, told)


def test_a_script_reads_one_json_object_with_exactly_these_keys(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told, _ = said(capsys, script, "--out", tmp_path / "out", "--json")
    fields = json.loads(told)
    assert code == 0
    assert [*fields] == ["scenario", "seed", "transcript", "recordings"]
    assert (fields["scenario"], fields["seed"]) == ("tiny", 1)
    (found,) = fields["recordings"]
    assert " ".join(found) == (
        "id path mp4 segments frames first_frame last_frame seconds pre_record_s warning "
        "integrity provenance anchoring"
    )
    recorded = Recorded(**found)
    assert recorded.warning == {"how": "warned", "at_s": 2.05}
    assert recorded.frames == 79
    for path in ("card", "station/identity.txt", "station/allowed_signers"):
        assert (tmp_path / "out" / path).exists()


def test_help_has_an_example_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    code, told, _ = said(capsys, "--help")
    assert code == 0
    example = told[told.index("example:") :].split()
    assert example[1:3] == ["bodycam-sim", "scenario"]
    assert (SCENARIOS.parents[1] / example[3]).is_file()


def test_wrong_words_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys)[0] == 2
    assert said(capsys, "a.toml", "--speed", "2")[0] == 2


def test_a_film_takes_the_place_of_the_street(
    script: Path, tmp_path: Path, film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text(SCRIPT.replace("160", "320").replace("90", "240"))
    code, told, _ = said(capsys, script, "--video", film, "--out", tmp_path / "out", "--json")
    assert code == 0
    (found,) = json.loads(told)["recordings"]
    recorded = Recorded(**found)
    assert recorded.mp4 is not None
    counters, lumas = [], []
    with av.open(recorded.mp4) as container:
        for picture in container.decode(video=0):
            gray = picture.to_ndarray()[:240, :320].astype(np.uint8)
            counters.append(read_counter(gray))
            lumas.append(float(gray[100:140, 140:180].mean()))
    assert counters == [*range(recorded.first_frame or 0, (recorded.last_frame or 0) + 1)]
    seen = [n * FILM_FPS // 10 % FILM_PICTURES for n in range(recorded.first_frame or 0, 999)]
    wanted = [film_luma(picture) for picture in seen[: len(counters)]]
    assert lumas == pytest.approx(wanted, abs=3)


@pytest.mark.parametrize(
    ("name", "content", "said_of_it"),
    [
        ("nothing.mp4", None, "There is no video file"),
        ("notes.mp4", b"no film\n" * 50, "cannot be read as video"),
    ],
)
def test_what_is_not_a_film_is_refused_before_anything_is_touched(
    script: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    said_of_it: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, told, err = said(capsys, script, "--video", tmp_path / name, "--out", tmp_path / "out")
    assert (code, told) == (2, "")
    assert said_of_it in err
    assert not (tmp_path / "out").exists()


def test_a_film_in_the_folder_that_is_emptied_is_refused(
    script: Path, tmp_path: Path, film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (out / "films").mkdir(parents=True)
    (out / "transcript.txt").write_text("")
    kept = film.rename(out / "films" / "film.mp4")
    code, _, err = said(capsys, script, "--video", kept, "--out", out)
    assert code == 2
    assert "which is emptied" in err
    assert kept.exists()


@pytest.mark.parametrize(
    ("change", "said_of_it"),
    [
        (("tiny.policy", "stern"), "there is no policy stern in "),
        (("seconds = 10", "seconds = ten"), "not a TOML file"),
        (("5.0 record 3.5", "5.0 jump 3.5"), '"5.0 jump 3.5" is not one'),
        (("height = 90", "height = 91"), "A picture of 160 x 91 has an odd side."),
    ],
)
def test_a_scenario_that_cannot_be_played_is_one_sentence(
    script: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    said_of_it: str,
) -> None:
    script.write_text(SCRIPT.replace(*change))
    code, told, err = said(capsys, script, "--out", tmp_path / "out")
    assert code in (1, 2)
    assert told == ""
    assert said_of_it in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_policy_that_is_refused_names_file_line_and_range(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "tiny.policy"
    policy.write_text(POLICY.replace("lead_s = 0.5", "lead_s = 9"))
    code, _, err = said(capsys, script, "--out", tmp_path / "out")
    assert code == 1
    assert f"{policy}:4: warning.lead_s = 9" in err
    assert "allowed: 0 to 5" in err


def test_without_a_folder_of_policies_it_says_how_to_name_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shift, none = SCENARIOS / "cancelled.toml", tmp_path / "none"
    code, _, err = said(capsys, shift, "--policies", none, "--out", tmp_path / "out")
    assert code == 2
    assert "Say with --policies where policies are." in err


def test_folders_that_cannot_be_used_are_refused_and_left_alone(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    precious = tmp_path / "precious"
    (precious / "card" / "recordings").mkdir(parents=True)
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "transcript.txt").write_text("")
    (mixed / "thesis.txt").write_text("mine")
    for out, said_of_it in (
        (file, "File exists"),
        (file / "out", "Not a directory"),
        (precious, "holds something that no scenario left there: card"),
        (mixed, "holds something that no scenario left there: thesis.txt"),
    ):
        code, told, err = said(capsys, script, "--out", out)
        assert (code, told) == (2, "")
        assert said_of_it in err
        assert err.count("\n") == 1
    assert file.read_text() == "mine"
    assert (precious / "card" / "recordings").is_dir()
    assert (mixed / "thesis.txt").read_text() == "mine"


def test_a_reader_that_has_gone_is_no_traceback(script: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = ["scenario", str(script), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "bodycam_sim.cli", *words],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert done.returncode == 1
    assert all(line.startswith("bodycam-sim: ") for line in done.stderr.splitlines())
