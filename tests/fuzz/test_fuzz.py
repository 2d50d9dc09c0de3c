"""Readers of strangers' bytes: every seed, everything that was ever found, and both spoilt."""

import random

import pytest

from fuzz.targets import TARGETS, Target, spoilt

SPOILT = 3000
"""Spoilt inputs a target. `make fuzz` makes as many as its time allows."""


@pytest.fixture(params=sorted(TARGETS))
def target(request: pytest.FixtureRequest) -> Target:
    return TARGETS[request.param]


def test_the_good_inputs_are_good(target: Target) -> None:
    taken = [target.run(data) for data in target.made()]
    assert any(taken)


def test_spoilt_inputs_are_refused_in_words_or_read_as_promised(
    target: Target, pytestconfig: pytest.Config
) -> None:
    seeds = list(target.seeds())
    chance = random.Random(f"{target.name} {pytestconfig.getoption('--hypothesis-seed')}")
    for number in range(SPOILT):
        seed = seeds[number % len(seeds)]
        data = spoilt(seed, chance)
        try:
            target.run(data)
        except BaseException as error:
            error.add_note(f"make fuzz TARGET={target.name}; the input: {data[:2000].hex()}")
            raise


def test_what_was_found_stays_found(target: Target) -> None:
    for data in target.seeds():
        target.run(data)
