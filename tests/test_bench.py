"""The bench goes on working: a moment's run of all its parts, whatever the figures are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tools.bench.__main__ import PARTS
from tools.bench.report import Mark, Row, of_samples, percentile, table

HOUSE = Path(__file__).parent.parent


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.bench", *words]
    return subprocess.run(command, cwd=HOUSE, capture_output=True, text=True)


def test_every_part_gives_its_figures(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    done = bench("--smoke", "--rounds", "1", "--out", str(out))
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert {row["part"] for row in found["rows"]} == set(PARTS)
    for row in found["rows"]:
        assert row["what"] in done.stdout
        # picamera2 is the one thing that need not be here.
        assert (row["figure"] is None) == ("picamera2 is not" in row["note"]), row
        assert row["result"] == ("not measured" if row["figure"] is None else "")
    assert found["machine"]["cores"] >= 1


@pytest.mark.parametrize("words", [("--only", "xyz"), ("--rounds", "0"), ("--rounds", "many")])
def test_words_that_do_not_fit_are_refused(words: tuple[str, str]) -> None:
    assert bench(*words).returncode == 2


def test_a_figure_is_held_against_its_mark() -> None:
    assert [Mark(most=1.6).kept(figure) for figure in (1.6, 1.61)] == [True, False]
    assert [Mark(least=20).kept(figure) for figure in (20, 19.9)] == [True, False]
    missed = Row("a", "what", "ms", 1.7, (1.5, 1.9), Mark(most=1.6))
    unknown = Row("a", "else", "ms", None, note="why not")
    text = table([missed, unknown], judged=True)
    assert "MISSED" in text.splitlines()[1]
    assert "not measured" in text.splitlines()[2]
    assert "why not" in text
    assert "MISSED" not in table([missed], judged=False)


def test_percentiles_are_samples_and_pooled_over_the_rounds() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2
    assert percentile([float(n) for n in range(1, 201)], 99) == 198
    row = of_samples("b", "time", "ms", [[1.0, 1.0, 1.0], [1.0, 1.0, 9.0]], 99)
    assert (row.figure, row.rounds) == (9, (1, 9))


def test_the_bench_locks_what_it_installs() -> None:
    lock = (HOUSE / "tools" / "bench" / "requirements.txt").read_text()
    assert "://" not in lock
    for entry in lock.replace("\\\n", " ").splitlines():
        assert "==" in entry
        assert "--hash=sha256:" in entry
