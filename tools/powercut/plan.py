"""When the power goes: drawn from a seed, aimed at the moments in which the card is changed."""

from dataclasses import dataclass, field
from random import Random

from tools.bench.film import FPS
from tools.powercut import words
from tools.powercut.film import SECONDS
from tools.powercut.words import Said

RECOVERY, OPENING, GOP, CLOSING, ANY = "recovery", "opening", "GOP", "closing", "any"
MOMENTS = {RECOVERY: 4, OPENING: 5, GOP: 5, CLOSING: 4, ANY: 2}
"""With how often each is aimed at."""
_CHANGES = {RECOVERY: 8, OPENING: 10, GOP: 22, CLOSING: 8}
"""Aimed at is one of the first so many changes of the card in that moment."""
_DELAY_MS, _LONGEST_MS = 1.5, 15.0
"""On average and at most, where there is a delay at all: a change of the card takes about 1 ms."""
_LATEST_PICTURE = (SECONDS - 10) * FPS
HOLD_PICTURES = 4 * FPS
"""A contact that stops is held for 3 to 6 s."""


@dataclass(frozen=True, slots=True)
class Aim:
    """The power goes `delay_ms` after the card is about to be changed for the `nth` time."""

    moment: str
    nth: int
    """From 1 on; the number of a picture where the moment is `any`."""
    delay_ms: float


def draw(chance: Random, moment: str = "") -> Aim:
    """One aim: at this moment, or at one that is drawn as MOMENTS weighs them."""
    moment = moment or chance.choices(list(MOMENTS), list(MOMENTS.values()))[0]
    nth = chance.randrange(12 * FPS) if moment == ANY else 1 + chance.randrange(_CHANGES[moment])
    delay_ms = chance.choice([0.0, min(chance.expovariate(1 / _DELAY_MS), _LONGEST_MS)])
    return Aim(moment, nth, delay_ms)


def presses(chance: Random, aim: Aim) -> tuple[tuple[int, int, bool], ...]:
    """What the wearer does: start, stop, start again, see guest.Job."""
    start = FPS // 2 + chance.randrange(2 * FPS)
    stop = start + FPS + chance.randrange((1 if aim.moment == CLOSING else 4) * FPS)
    again = stop + HOLD_PICTURES + FPS
    return (
        (start, start + 3, False),
        (stop, stop + HOLD_PICTURES, True),
        (again, again + 3, False),
    )


@dataclass(slots=True)
class Moment:
    """Listens to the guest for the moment that is aimed at."""

    aim: Aim
    now: str = ""
    """Which moment the guest is in."""
    changes: int = 0
    passed: set[str] = field(default_factory=set)

    def has_come(self, said: Said) -> bool:
        """Whether it is now; at the latest when it is over, or the film is."""
        self._turn(said)
        if said.word == words.PICTURE:
            number = int(said.args[0])
            if number >= (self.aim.nth if self.aim.moment == ANY else _LATEST_PICTURE):
                return True
        if said.word == words.TOUCH and self.now == self.aim.moment:
            self.changes += 1
            return self.changes >= self.aim.nth
        return self.aim.moment in self.passed

    def _turn(self, said: Said) -> None:
        before = self.now
        if said.word == words.RECOVERING:
            self.now = RECOVERY
        elif said.word == words.RECOVERED and before == RECOVERY:
            self.now = ""
        elif said.word == words.PRESS:
            self.now = OPENING
        elif said.word == words.RELEASE:
            self.now = CLOSING
        elif said.word == words.CLOSED and before == CLOSING:
            self.now = ""
        elif self.now == OPENING and said.word == words.TOUCH and "segment" in said.args[1]:
            self.now = GOP
        if before and before != self.now:
            self.passed.add(before)
