"""What happens to a camera in a day: drawn from the seed, the camera's number and the day. Pure.

Times are seconds since midnight in the fleet's own time, which may run faster than ours.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

DAY_S = 24 * 3600
HOUR_S = 3600
SHIFTS_S = ((7 * HOUR_S, 15 * HOUR_S), (14 * HOUR_S, 22 * HOUR_S), (17 * HOUR_S, 25 * HOUR_S))
"""Early, late, evening and a part of the night."""
FAULTS_S = {
    "lens-covered": (20, 240),
    "too-hot": (300, 1800),
    "sound-lost": (60, 900),
    "clock-unsynchronised": (120, 1200),
    "power-weak": (30, 300),
}
"""Faults that come and go on a shift, and how long they last."""
BROKEN = ("speaker-dead", "light-dead", "gauge-dead", "button-broken")
"""Faults that a camera has the whole day, until somebody mends it."""


@dataclass(frozen=True, slots=True, order=True)
class Act:
    """Something that happens to a camera."""

    at_s: float
    what: str
    """`undock`, `dock`, `record`, `stop`, `pause`, `resume`, `fault`, `mended`, `unheard` (the
    radio is gone), `heard`, `off`, `on`; a script has others beside."""
    detail: str = ""
    """A fault's name; the seconds of what ends by itself."""


def plan(seed: int, number: int, day: int) -> list[Act]:
    """A camera's acts of one day, in order of time."""
    chance = random.Random(f"{seed} {number} {day}")  # noqa: S311  a made-up world
    acts = [*_shift(chance)] if chance.random() < 0.8 else []
    if chance.random() < 0.04:
        acts += _spell(0, DAY_S - 1, chance.choice(BROKEN))
    return sorted(act for act in acts if act.at_s < DAY_S)


def _shift(chance: random.Random) -> Iterator[Act]:
    begins, ends = chance.choice(SHIFTS_S)
    begins += chance.randint(-900, 300)
    ends += chance.randint(-600, 1800)
    yield Act(begins, "undock")
    yield Act(ends, "dock")
    for _ in range(_count(chance, 0.5)):
        at_s = chance.uniform(begins + 300, ends - 600)
        yield Act(at_s, "record")
        yield Act(at_s + chance.uniform(45, 420), "stop")
    for _ in range(_count(chance, 1.0)):
        at_s = chance.uniform(begins + 1800, ends - 2400)
        yield Act(at_s, "pause")
        yield Act(at_s + chance.uniform(300, 1500), "resume")
    for _ in range(_count(chance, 0.7)):
        name = chance.choice(list(FAULTS_S))
        at_s = chance.uniform(begins, ends - 300)
        yield from _spell(at_s, at_s + chance.uniform(*FAULTS_S[name]), name)
    for _ in range(_count(chance, 1.5)):
        at_s = chance.uniform(begins, ends - 300)
        yield Act(at_s, "unheard")
        yield Act(at_s + chance.uniform(20, 240), "heard")
    if chance.random() < 0.02:
        yield Act(chance.uniform(begins, ends), "off", "It was switched off.")
        yield Act(ends + 1, "on")


def _spell(from_s: float, to_s: float, fault: str) -> list[Act]:
    return [Act(from_s, "fault", fault), Act(to_s, "mended", fault)]


def _count(chance: random.Random, mean: float) -> int:
    """How often something rare happens, at most four times."""
    count = 0
    while count < 4 and chance.random() < mean / (count + 1 + mean):
        count += 1
    return count
