"""The table of crash states that a run of the tests prints at its end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypedDict

from crash.states import HARMS

PROPERTY = "crash states"
"""Under this name a test reports what it laid out."""


class Row(TypedDict):
    """One situation of one test."""

    replayed: int
    cards: list[str]
    """A digest of each card."""
    harms: dict[str, int]
    """How many of them the cut had harmed in this way; there may be several."""


Rows = Mapping[str, Row]


def lines(tests: Iterable[Rows]) -> Iterator[str]:
    """A row for each situation; cards that came up in several count once in the last."""
    replayed: Counter[str] = Counter()
    harms: dict[str, Counter[str]] = {}
    cards: dict[str, set[str]] = {}
    for rows in tests:
        for what, row in rows.items():
            replayed[what] += row["replayed"]
            harms.setdefault(what, Counter()).update(row["harms"])
            cards.setdefault(what, set()).update(row["cards"])
    if not replayed:
        return
    yield _line("the power goes …", "replayed", "distinct", *HARMS)
    for what, count in replayed.items():
        yield _line(what, count, len(cards[what]), *(harms[what][harm] for harm in HARMS))
    everything = set[str]().union(*cards.values())
    total = [sum(found[harm] for found in harms.values()) for harm in HARMS]
    yield _line("all", replayed.total(), len(everything), *total)


def _line(what: str, *columns: object) -> str:
    return f"{what:<30}" + "".join(f"{column!s:>13}" for column in columns)
