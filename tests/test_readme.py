"""The README shows what is so."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_transcript_shown_is_the_one_that_the_scenario_gives() -> None:
    shown = README.split("```\n")[1]
    approved = (ROOT / "tests/sim/transcripts/escalation.txt").read_text()
    assert shown == approved


def test_every_file_that_is_named_exists() -> None:
    named = [part.split(")")[0] for part in README.split("](")[1:]]
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_script_that_checks_without_our_software_is_shown_and_is_one_screen() -> None:
    script = (ROOT / "docs/verify.sh").read_text()
    assert f"```sh\n{script}```" in README
    lines = script.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
