"""fleet.toml: what is there is taken, and what is not understood is refused by its name."""

import dataclasses
from pathlib import Path

import pytest

from bodycam.errors import ConfigError
from bodycam_station.fleet.findings import FINDINGS
from bodycam_station.fleet.settings import Settings, read_settings

PAGE = Path(__file__).parents[2] / "docs" / "fleet.md"


def test_an_empty_file_is_the_defaults() -> None:
    assert read_settings(b"") == Settings()


def test_what_it_says_is_taken() -> None:
    said = read_settings(b'shift_minutes = 600\nstale_intervals = 3\nhook_url = "https://x/y"\n')
    assert (said.shift_minutes, said.stale_intervals, said.hook_url) == (600, 3, "https://x/y")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("shift_minuts = 600", "not known: shift_minuts"),
        ("shift_minutes = 29", "shift_minutes must be a whole number from 30 to 1440"),
        ("shift_minutes = 1441", "from 30 to 1440"),
        ("shift_minutes = 480.0", "whole number"),
        ("shift_minutes = true", "whole number"),
        ("stale_intervals = 1", "stale_intervals must be a number from 1.5 to 20"),
        ("hook_url = 7", "hook_url must be text"),
        ("hook_url = ", "cannot be read"),
    ],
)
def test_what_is_not_understood_is_refused(line: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read_settings(line.encode())


def test_every_default_is_within_its_range() -> None:
    for one in dataclasses.fields(Settings):
        bounds = one.metadata.get("range")
        if bounds is None:
            assert one.type is str, one.name
        else:
            assert bounds[0] <= one.default <= bounds[1], one.name


def test_the_page_lists_every_key_with_its_range_and_its_default() -> None:
    rows = []
    for one in dataclasses.fields(Settings):
        bounds = one.metadata.get("range")
        spread = f" {bounds[0]} – {bounds[1]} " if bounds else " "
        default = f" {one.default} " if one.default != "" else " "
        rows.append(f"| `{one.name}` |{spread}|{default}|")
    listed = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    settings = listed[len(listed) - len(rows) :]
    assert [line[: len(row)] for line, row in zip(settings, rows, strict=True)] == rows


def test_the_page_lists_every_alarm_of_the_witness() -> None:
    listed = [line.split("`")[1] for line in PAGE.read_text().splitlines() if line[:3] == "| `"]
    alarms = {code for code in FINDINGS if code.startswith("custody-")}
    assert {one for one in listed if one.startswith("custody-")} == alarms
