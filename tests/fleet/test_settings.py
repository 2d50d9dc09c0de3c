"""fleet.toml: what is there is taken, and what is not understood is refused by its name."""

import dataclasses

import pytest

from bodycam.errors import ConfigError
from bodycam_station.fleet.settings import Settings, read_settings


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
