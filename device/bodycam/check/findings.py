"""What a check says of a part."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bodycam.errors import BodycamError

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    part: str
    good: bool | None
    """None: it was not tested."""
    says: str
    figures: Figures = field(default_factory=dict)
    """What was measured, for scripts; units are in the names."""


def find(part: str, look: Callable[[], "str | tuple[str, Figures]"]) -> Finding:
    """Good with what `look` says; bad with the error that it raises."""
    try:
        said = look()
    except BodycamError as error:
        return Finding(part, False, str(error))
    says, figures = (said, {}) if isinstance(said, str) else said
    return Finding(part, True, says, figures)
