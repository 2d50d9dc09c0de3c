"""Scenario files: a scripted shift as a small TOML file.

A step is a line such as `"60.0 record 0.2"`: seconds since the world began, what happens, and for
how long or how much. `STEPS` lists what can happen.
"""

from dataclasses import dataclass, field
from pathlib import Path

from bodycam.errors import ConfigError
from bodycam.rules.settings import Range, load, setting

_TEXT = Range(pattern=r"[^\n]{1,300}", shown="a line of at most 300 characters")
_STEP = Range(pattern=r"[^\n]{1,120}", shown='a line such as "60.0 record 0.2"')

STEPS: dict[str, tuple[str, ...]] = {
    "record": ("seconds",),
    "function": ("seconds",),
    "dock": (),
    "undock": (),
    "camera-stalls": ("seconds",),
    "microphone-stalls": ("seconds",),
    "card-stalls": ("seconds",),
    "card-has-room": ("minutes",),
    "output-dies": ("output",),
    "output-is-silent": ("output",),
    "battery": ("percent",),
    "clock-is-lost": (),
    "power-button": (),
    "power-cut": (),
    "power-on": (),
}
"""What can happen, with what it is told: the simulator's part of the language."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something happens."""

    at_s: float
    what: str
    amount: float = 0
    """Seconds, minutes or percent."""
    output: str = ""
    """Which output, where the step is about one."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the simulated camera delivers; the rest follows the policy."""

    width: int = setting(Range(160, 1920), 640)
    height: int = setting(Range(90, 1080), 360)
    kbps: int = setting(Range(100, 20_000), 1200)
    night: bool = setting(Range(choices=(True, False)), False)


@dataclass(frozen=True, slots=True)
class _File:
    about: str = setting(_TEXT)
    seconds: float = setting(Range(1, 48 * 3600))
    policy: str = setting(_TEXT, "default")
    seed: int = setting(Range(0, 2**31), 1)
    docked: bool = setting(Range(choices=(True, False)), False)
    room_minutes: int = setting(Range(0, 100_000), 480)
    steps: tuple[str, ...] = setting(_STEP, ())
    picture: Picture = field(default_factory=Picture)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scripted shift."""

    name: str
    about: str
    policy: str
    seed: int
    seconds: float
    docked: bool
    room_minutes: int
    steps: tuple[Step, ...]
    picture: Picture


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file; ConfigError says what is refused, where."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error
    file = load(_File, data, str(path))
    steps = tuple(_step(text, path) for text in file.steps)
    late = [step for step in steps if step.at_s > file.seconds]
    if late:
        raise ConfigError(
            f"{path}: a step at {late[0].at_s:g} s comes after the end, {file.seconds:g} s."
        )
    return Scenario(
        path.stem,
        file.about,
        file.policy,
        file.seed,
        file.seconds,
        file.docked,
        file.room_minutes,
        tuple(sorted(steps, key=lambda step: step.at_s)),
        file.picture,
    )


def _step(text: str, path: Path) -> Step:
    words = text.split("#")[0].split()
    refused = ConfigError(
        f'{path}: the step "{text}" is not one.',
        do="Write seconds, what happens, and how much, for example "
        '"60.0 record 0.2". What can happen: ' + ", ".join(STEPS) + ".",
    )
    if len(words) < 2 or words[1] not in STEPS or len(words) != 2 + len(STEPS[words[1]]):
        raise refused
    try:
        at_s = float(words[0])
        if STEPS[words[1]] == ("output",):
            if words[2] not in ("speaker", "buzzer", "light"):
                raise refused
            return Step(at_s, words[1], output=words[2])
        amount = float(words[2]) if len(words) > 2 else 0
    except ValueError as error:
        raise refused from error
    if not (0 <= at_s <= 48 * 3600 and 0 <= amount <= 100_000):
        raise refused
    return Step(at_s, words[1], amount)
