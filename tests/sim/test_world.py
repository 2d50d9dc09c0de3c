"""The simulated world as a whole: the same every time, and honest about power and card."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bodycam_sim.host import Heap
from bodycam_sim.run import run
from scenarios import POLICIES, Recorded

TINY_POLICY = """
name = "tiny"
[warning]
lead_s = 0.5
[keep]
pre_record_s = 1
[video]
fps = 10
keyframe_interval_s = 0.5
"""
TINY = """
about = "A few seconds, with a power cut in a write."
seconds = 15
policy = "tiny.policy"
steps = ["2.0 record 0.2", "5.09 power-cut", "6.0 power-on", "9.0 record 0.2", "10.0 record 3.5"]
[picture]
width = {width}
height = {height}
kbps = {kbps}
"""


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "tiny.policy").write_text(TINY_POLICY)
    (folder / "tiny.toml").write_text(text)
    return folder / "tiny.toml"


def tiny(steps: str, seconds: int = 15) -> str:
    small = TINY.format(width=160, height=90, kbps=100)
    head, _, picture = small.partition("steps = ")
    return (
        head.replace("seconds = 15", f"seconds = {seconds}")
        + f"steps = [{steps}]\n"
        + picture[picture.index("[picture]") :]
    )


def played(tmp_path: Path, text: str, *, workers: int = 0) -> tuple[str, list[Recorded]]:
    """The transcript and what was recorded."""
    result = run(
        write(tmp_path / "script", text), tmp_path / "out", policies=POLICIES, workers=workers
    )
    recordings = result.fields["recordings"]
    assert isinstance(recordings, list)
    return result.text, [Recorded(**one) for one in recordings]


# ---- the same every time -------------------------------------------------------------------------


def test_another_process_with_workers_and_other_pictures_tells_the_same(tmp_path: Path) -> None:
    told, _ = played(tmp_path, TINY.format(width=160, height=90, kbps=100))
    script = write(tmp_path / "other", TINY.format(width=480, height=270, kbps=2000))
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "bodycam_sim.cli",
        "scenario",
        script,
        "--out",
    ]
    subprocess.run([*command, tmp_path / "again"], check=True, capture_output=True)
    assert (tmp_path / "again" / "transcript.txt").read_text() == told
    assert "integrity   incomplete" in told
    assert "integrity   ok" in told


def test_another_seed_is_another_world(tmp_path: Path) -> None:
    text = TINY.format(width=160, height=90, kbps=100)
    one, _ = played(tmp_path / "1", text)
    other, _ = played(tmp_path / "2", "seed = 2\n" + text)
    assert one.replace("seed 1", "") != other.replace("seed 2", "")


def test_what_happens_at_one_time_happens_in_the_order_in_which_it_was_said() -> None:
    heap, seen = Heap(), list[tuple[int, str]]()

    def say(what: str) -> Callable[[], None]:
        return lambda: seen.append((heap.now_ns, what))

    heap.at(5, say("c"))
    heap.at(3, say("a"))
    heap.at(3, lambda: heap.at(1, say("late")))  # 1 has passed: now
    heap.at(3, say("b"))
    while heap.next_ns() is not None:
        heap.happen()
    assert seen == [(3, "a"), (3, "b"), (3, "late"), (5, "c")]


# ---- power and card ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cut_s", "integrity"),
    [
        (2.56, "not-ok"),  # the folder is there, its first line is not: void
        (2.58, "incomplete"),
        (2.65, "incomplete"),
        (4.56, "incomplete"),
        (7.99, "incomplete"),
        (8.4, "ok"),
    ],
)
def test_wherever_the_power_goes_what_was_safe_is_there(
    tmp_path: Path, cut_s: float, integrity: str
) -> None:
    steps = f'"2.0 record 0.2", "4.3 record 3.2", "{cut_s} power-cut", "9.0 power-on"'
    told, (recorded,) = played(tmp_path, tiny(steps, 12))
    assert recorded.integrity == integrity
    assert ("closed, signed and safe on the card" in told) == (integrity == "ok")
    safe = re.findall(r"safe on the card reaches to picture (\d+)", told)
    assert len(safe) == (cut_s > 2.6 and integrity == "incomplete")
    last = recorded.last_frame or -1
    assert last >= int([*safe, -1][0])
    assert last < cut_s * 10
    assert "missing" not in told.replace("none missing", "")


def test_a_power_cut_during_the_warning_leaves_nothing(tmp_path: Path) -> None:
    told, recordings = played(tmp_path, tiny('"2.0 record 0.2", "2.02 power-cut"', 4))
    assert recordings == []
    assert "Nothing was recorded." in told


def test_the_card_answers_nothing_after_the_power_has_gone(tmp_path: Path) -> None:
    """It closes within 2 s, whether or not the card has answered: what was asked is not there."""
    steps = '"2.0 record 0.2", "4.0 card-stalls 20", "5.0 power-button", "9.0 power-on"'
    told, (recorded,) = played(tmp_path, tiny(steps, 12))
    assert recorded.integrity == "incomplete"
    assert recorded.last_frame is not None
    assert recorded.last_frame < 40
    assert "The camera is off. What is safe on the card reaches to picture" in told


def test_a_power_cut_in_the_middle_of_the_recovery_is_recovered_too(tmp_path: Path) -> None:
    steps = '"2.0 record 0.2", "4.57 power-cut", "5.0 power-on", "5.01 power-cut", "6.0 power-on"'
    told, (recorded,) = played(tmp_path, tiny(steps, 8))
    assert recorded.integrity == "incomplete"
    assert told.count("was left open") == 1


def test_what_the_wearer_does_without_power_counts_for_nothing(tmp_path: Path) -> None:
    steps = '"2.0 power-cut", "3.0 record 0.2", "4.0 record 4", "5.0 power-on", "9.0 record 0.2"'
    told, (recorded,) = played(tmp_path, tiny(steps, 12))
    # The contact that is closed at boot does not stop or begin anything either.
    assert recorded.pre_record_s == pytest.approx(1, abs=0.6)
    assert [line[:9].strip() for line in told.splitlines() if "is to warn" in line] == ["9.000"]
    assert recorded.integrity == "unfinished"
