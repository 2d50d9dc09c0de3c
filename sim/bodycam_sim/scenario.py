"""Scenario files: a scripted shift as a small TOML file.

A step is a line such as `"60.0 record 0.2"`: seconds since the world began, what happens, and for
how long or how much. `STEPS` lists what can happen.
"""

from dataclasses import dataclass, field
from pathlib import Path

from bodycam.errors import ConfigError
from bodycam.rules.events import Output
from bodycam.rules.settings import MAX_BYTES, Range, load, setting

_LONGEST_S = 48 * 3600
_TEXT = Range(pattern=r"[^\0-\x1f]{1,300}", shown="a line of at most 300 characters")
_STEP = Range(pattern=r"[^\0-\x1f]{1,120}", shown='a line such as "60.0 record 0.2"')
_TRUE_OR_FALSE = Range(choices=(True, False))
SETTLED_S = 0.05
"""A contact that is shorter, or follows another one sooner, is only its own bouncing."""

_AMOUNTS = {
    "seconds": Range(SETTLED_S, _LONGEST_S),
    "minutes": Range(0, 100_000),
    "percent": Range(0, 100),
}
_OUTPUTS = tuple(output.value for output in Output)


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of STEPS."""

    takes: str
    """`seconds`, `minutes`, `percent`, `output`, or nothing."""
    told: str
    """A sentence for the transcript, with {} for what it takes."""


STEPS: dict[str, Kind] = {
    "record": Kind("seconds", "RECORD is pressed for {} s."),
    "function": Kind("seconds", "FUNCTION is pressed for {} s."),
    "dock": Kind("", "The camera is put into its dock."),
    "undock": Kind("", "The camera is taken out of its dock."),
    "camera-stalls": Kind("seconds", "The camera delivers no pictures for {} s."),
    "microphone-stalls": Kind("seconds", "The microphone delivers no sound for {} s."),
    "card-stalls": Kind("seconds", "The card does not answer for {} s."),
    "card-writes-take": Kind("seconds", "Everything that the card is to keep takes {} s."),
    "card-fails": Kind("seconds", "The card refuses to be written, with errors, for {} s."),
    "card-is-read-only": Kind("seconds", "The card is read-only for {} s."),
    "card-is-taken-out": Kind("seconds", "The card is taken out for {} s."),
    "hand-over": Kind("", "The station takes over what is on the card, and leaves its receipts."),
    "clock-jumps": Kind("seconds", "The time of day jumps ahead by {} s."),
    "card-has-room": Kind("minutes", "The card has room for {} min of footage."),
    "output-dies": Kind("output", "The {} is broken."),
    "output-is-silent": Kind("output", "The {} no longer answers."),
    "battery": Kind("percent", "The battery is at {} %."),
    "clock-is-lost": Kind("", "The clock is no longer synchronised."),
    "power-button": Kind("", "The power button is pressed."),
    "power-cut": Kind("", "The power is cut."),
    "power-on": Kind("", "The power is back."),
}
"""What can happen."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something happens."""

    at_s: float
    what: str
    amount: float = 0
    """Seconds, minutes or percent."""
    output: str = ""
    """Which output, where the step is about one."""

    @property
    def told(self) -> str:
        """In words."""
        return STEPS[self.what].told.format(self.output or f"{self.amount:g}")


@dataclass(frozen=True, slots=True)
class Picture:
    """What the simulated camera delivers; the rest follows the policy."""

    width: int = setting(Range(160, 1920), 640)
    height: int = setting(Range(90, 1080), 360)
    kbps: int = setting(Range(100, 20_000), 1200)
    night: bool = setting(_TRUE_OR_FALSE, False)


@dataclass(frozen=True, slots=True)
class _File:
    about: str = setting(_TEXT)
    seconds: float = setting(Range(1, _LONGEST_S))
    policy: str = setting(_TEXT, "default")
    seed: int = setting(Range(0, 2**31), 1)
    docked: bool = setting(_TRUE_OR_FALSE, False)
    room_minutes: int = setting(Range(0, 100_000), 480)
    steps: tuple[str, ...] = setting(_STEP, ())
    picture: Picture = field(default_factory=Picture)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scripted shift."""

    name: str
    about: str
    policy: str
    """The name of one of ours, or a path beside the scenario's file."""
    seed: int
    seconds: float
    docked: bool
    room_minutes: int
    steps: tuple[Step, ...]
    """In order of time."""
    picture: Picture


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file; ConfigError says what is refused, where."""
    file = load(_File, read_file(path), str(path))
    steps = sorted((_step(text, path) for text in file.steps), key=lambda step: step.at_s)
    if steps and steps[-1].at_s > file.seconds:
        raise ConfigError(
            f"{path}: a step at {steps[-1].at_s:g} s comes after the end at {file.seconds:g} s.",
            do="Make seconds greater.",
        )
    for button in ("record", "function"):
        free_s = 0.0
        for step in (step for step in steps if step.what == button):
            if step.at_s < free_s:
                raise ConfigError(
                    f"{path}: at {step.at_s:g} s {button} is still pressed from before.",
                    do=f"Leave at least {SETTLED_S:g} s between two contacts.",
                )
            free_s = step.at_s + step.amount + SETTLED_S
    return Scenario(
        path.stem,
        file.about,
        file.policy,
        file.seed,
        file.seconds,
        file.docked,
        file.room_minutes,
        tuple(steps),
        file.picture,
    )


def read_file(path: Path) -> bytes:
    """A scenario's or policy's bytes; ConfigError where they cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}.", do="Check the path."
        ) from error


def _step(text: str, path: Path) -> Step:
    place = f'{path}: the step "{text}"'
    words = text.split("#")[0].split()
    kind = STEPS.get(words[1]) if len(words) > 1 else None
    if kind is None or len(words) != 2 + bool(kind.takes):
        raise ConfigError(
            f"{place} is not one.",
            do="Write seconds, what happens, and how much, for example "
            '"60.0 record 0.2". What can happen: ' + ", ".join(map(_usage, STEPS)) + ".",
        )
    at_s = _number(words[0], Range(0, _LONGEST_S), "seconds", place)
    if kind.takes != "output":
        allowed = _AMOUNTS.get(kind.takes)
        amount = _number(words[2], allowed, kind.takes, place) if allowed else 0
        return Step(at_s, words[1], amount)
    if words[2] not in _OUTPUTS:
        raise ConfigError(
            f"{place} names no output: {words[2]}.", do=f"Write {', '.join(_OUTPUTS)}."
        )
    return Step(at_s, words[1], output=words[2])


def _number(word: str, allowed: Range, what: str, place: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = float("nan")
    if not allowed.holds(number):
        raise ConfigError(f"{place} says {word} {what} (allowed: {allowed}).")
    return number


def _usage(what: str) -> str:
    return f"{what} {STEPS[what].takes.upper()}".strip()
