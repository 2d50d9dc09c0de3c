"""Scenario files: what is read, and what is refused with a sentence that helps."""

from pathlib import Path

import pytest

from bodycam.errors import ConfigError
from bodycam_sim.scenario import STEPS, Step, read_scenario
from scenarios import SCENARIOS

HEAD = 'about = "A shift."\nseconds = 100\n'


def read(tmp_path: Path, text: str) -> tuple[Step, ...]:
    path = tmp_path / "shift.toml"
    path.write_text(text)
    return read_scenario(path).steps


def test_every_kind_of_step(tmp_path: Path) -> None:
    given = {"seconds": " 2.5", "minutes": " 5", "percent": " 7", "output": " buzzer", "": ""}
    lines = [
        f'"{90 - n} {what}{given[kind.takes]}"' for n, (what, kind) in enumerate(STEPS.items())
    ]
    steps = read(tmp_path, f"{HEAD}steps = [{', '.join(lines)}]")
    assert [step.what for step in steps] == [*reversed(STEPS)]
    assert [step.at_s for step in steps] == sorted(step.at_s for step in steps)
    told = {step.what: step.told for step in steps}
    assert told["record"] == "RECORD is pressed for 2.5 s."
    assert told["card-has-room"] == "The card has room for 5 min of footage."
    assert told["output-dies"] == "The buzzer is broken."
    assert told["power-cut"] == "The power is cut."


def test_the_scenarios_of_the_house_use_every_kind_of_step() -> None:
    used = {step.what for path in SCENARIOS.glob("*.toml") for step in read_scenario(path).steps}
    assert used == {*STEPS}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seconds = 10", "about is missing"),
        ('about = "x"\nseconds = 0', "(allowed: 1 to 172800)"),
        ('about = "x"\nseconds = "10"', "seconds = '10'"),
        ('about = "x\\u0000"\nseconds = 10', "a line of at most 300 characters"),
        (
            HEAD + "secnds = 4",
            "shift.toml:3: secnds is not a key that exists (did you mean seconds",
        ),
        (
            HEAD + "[picture]\nwidth = 100",
            "picture.width = 100 is not allowed (allowed: 160 to 1920)",
        ),
        (HEAD + "steps = [", "not a TOML file"),
        (HEAD + 'steps = "1 record 2"', "steps"),
        (HEAD + 'steps = ["1.0 press 2"]', '"1.0 press 2" is not one'),
        (HEAD + 'steps = ["record 2"]', '"record 2" is not one'),
        (HEAD + 'steps = ["1 record"]', "What can happen: record SECONDS, function SECONDS, dock"),
        (HEAD + 'steps = ["1 power-cut now"]', '"1 power-cut now" is not one'),
        (HEAD + 'steps = ["# 1 record 1"]', "is not one"),
        (HEAD + 'steps = ["soon record 1"]', "says soon seconds (allowed: 0 to 172800)"),
        (HEAD + 'steps = ["nan record 1"]', "says nan seconds"),
        (HEAD + 'steps = ["1 record inf"]', "says inf seconds (allowed: 0.05 to 172800)"),
        (HEAD + 'steps = ["1 record 0.01"]', "says 0.01 seconds"),
        (HEAD + 'steps = ["1 battery 101"]', "says 101 percent (allowed: 0 to 100)"),
        (HEAD + 'steps = ["1 output-dies siren"]', "siren. Write speaker, buzzer, light."),
        (HEAD + 'steps = ["100.5 dock"]', "a step at 100.5 s comes after the end at 100 s"),
        (HEAD + 'steps = ["5 record 2", "1 record 4.5"]', "at 5 s record is still pressed"),
        (HEAD + 'steps = ["1 function 2", "2 function 1"]', "at 2 s function is still pressed"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value)
    assert str(tmp_path / "shift.toml") in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_bytes(b"#" * 100_000)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name, said in (
        ("nothing.toml", "No such file"),
        (".", "Is a directory"),
        ("long.toml", "larger than"),
        ("bytes.toml", "bytes.toml:?1?: not"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_scenario(tmp_path / name)
