"""The order of the morning: which cases come first, and which cameras a filter shows. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bodycam_station.fleet import findings
from bodycam_station.fleet.views import (
    CAN,
    CANNOT,
    GONE,
    ONLINE,
    PAUSED,
    STALE,
    CameraRow,
    Finding,
    FleetView,
)

MOST_CASES = 20
"""Cards in a part of the page; what is beyond is in the list of all cameras."""
PAGE = 50
"""Cameras on a page of the list."""
OUT = (ONLINE, STALE, PAUSED)
SHOWS = ("all", CAN, CANNOT, GONE, "out")
LOOKS = ("table", "tiles")
NO_GROUP = "-"


@dataclass(frozen=True, slots=True)
class Case:
    """A camera, and what is to be said of it here."""

    row: CameraRow
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """All exceptions, each in one place."""

    cannot: tuple[Case, ...]
    missing: tuple[Case, ...]
    see: tuple[Case, ...]
    """Can go out, but somebody must see to them."""
    small: tuple[Case, ...]
    """Only for information."""
    seen: tuple[Case, ...]
    """Can go out, and somebody is at it."""


def cases(view: FleetView) -> Cases:
    """Sort the cameras that have findings: what is open before what is seen, the gravest first."""
    cannot: list[Case] = []
    missing: list[Case] = []
    see: list[Case] = []
    small: list[Case] = []
    seen: list[Case] = []
    for row in view.cameras:
        if not row.findings:
            continue
        if row.fitness != CAN:
            (missing if row.fitness == GONE else cannot).append(Case(row, row.findings))
            continue
        fresh = [one for one in row.findings if one.acknowledged is None]
        for place, found in (
            (see, [one for one in fresh if one.severity != findings.NOTICE]),
            (small, [one for one in fresh if one.severity == findings.NOTICE]),
            (seen, [one for one in row.findings if one.acknowledged is not None]),
        ):
            if found:
                place.append(Case(row, tuple(found)))
    places = (cannot, missing, see, small, seen)
    return Cases(*(tuple(sorted(one, key=_urgency)) for one in places))


_RANKS = {code: rank for rank, code in enumerate(findings.FINDINGS)}


def _urgency(case: Case) -> tuple[bool, tuple[int, int], int, str]:
    seen = all(one.acknowledged is not None for one in case.findings)
    worst = min(
        (findings.SEVERITIES.index(one.severity), _RANKS[one.code]) for one in case.findings
    )
    return seen, worst, min(one.since_ms for one in case.findings), case.row.id


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cameras the list shows, and how."""

    text: str = ""
    show: str = "all"
    group: str = ""
    """Empty: all; `-`: those in none."""
    look: str = "table"
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filter":
        """From a query; what is not understood is as if it were not there."""
        show, look = query.get("show", "all"), query.get("look", "table")
        page = query.get("page", "1")
        return cls(
            query.get("q", "").strip()[:100],
            show if show in SHOWS else "all",
            query.get("group", "")[:64],
            look if look in LOOKS else "table",
            int(page) if page.isdecimal() and 0 < len(page) < 6 else 1,
        )

    def query(self, **changed: str | int) -> str:
        """As a query that leads to another page of the list; only what differs from the usual."""
        from urllib.parse import urlencode

        other = replace(self, **changed)  # type: ignore[arg-type]  # the fields' own names
        usual = Filter()
        fields = {
            "q": other.text,
            "show": other.show,
            "group": other.group,
            "look": other.look,
            "page": other.page,
        }
        given = {"q": usual.text, "show": usual.show, "group": "", "look": usual.look, "page": 1}
        said = {name: value for name, value in fields.items() if value != given[name]}
        return f"/?{urlencode(said)}#fleet" if said else "/#fleet"

    @property
    def active(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.text or self.group or self.show != "all")


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list of cameras."""

    rows: tuple[CameraRow, ...]
    total: int
    """Cameras that match, on all pages."""
    page: int
    pages: int
    groups: tuple[str, ...]
    """Of the whole fleet."""


def listing(view: FleetView, wanted: Filter, said: Callable[[Finding], str]) -> Listing:
    """The cameras that a filter asks for; `said` gives a finding's text, which is searched too."""
    text = wanted.text.casefold()

    def matches(row: CameraRow) -> bool:
        if wanted.show == "out":
            if row.state not in OUT:
                return False
        elif wanted.show not in ("all", row.fitness):
            return False
        if wanted.group and row.group != ("" if wanted.group == NO_GROUP else wanted.group):
            return False
        return not text or any(
            text in one.casefold()
            for one in (row.id, row.group, row.software, *map(said, row.findings))
        )

    found = [row for row in view.cameras if matches(row)]
    pages = max(1, -(-len(found) // PAGE))
    page = min(wanted.page, pages)
    return Listing(
        tuple(found[(page - 1) * PAGE : page * PAGE]),
        len(found),
        page,
        pages,
        tuple(sorted({row.group for row in view.cameras if row.group}, key=str.casefold)),
    )


def shares(view: FleetView, width: int = 1000) -> Sequence[tuple[str, float, float]]:
    """The three numbers as a bar: fitness, where it begins and how long it is."""
    counts = ((CAN, len(view.can_go_out)), (CANNOT, len(view.cannot)), (GONE, len(view.missing)))
    total = sum(count for _, count in counts) or 1
    found, at = [], 0.0
    for fitness, count in counts:
        length = width * count / total
        if count:
            found.append((fitness, round(at, 1), round(length, 1)))
        at += length
    return found
