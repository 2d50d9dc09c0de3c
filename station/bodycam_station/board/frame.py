"""What stands around every page: the board's parts, a visit, and how a page becomes HTML.

A page is made of regions, which an open browser gets anew when they change; see live.py.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bodycam_station.board.access import DOORS, Role
from bodycam_station.board.accounts import Accounts, Session
from bodycam_station.board.audit import Audit
from bodycam_station.board.limits import Limiter
from bodycam_station.board.say import Sayings
from bodycam_station.board.texts import LANGUAGES, Language, Words
from bodycam_station.fleet.port import Fleet

THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class Settings:
    """What whoever runs the board decides."""

    station: str
    """Its name, as it is shown."""
    zone: tzinfo
    language: Language = "nl"
    """Where a browser asks for none that the board speaks."""
    tls: bool = False
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "::1"})
    """Names under which it is called; a request for another one is refused."""
    token: str = ""
    """Opens /healthz and /metrics from elsewhere; empty: only this machine may ask."""


@dataclass(frozen=True, slots=True)
class Board:
    """What all doors share."""

    settings: Settings
    fleet: Fleet
    accounts: Accounts
    audit: Audit
    now_ms: Callable[[], int]
    limiter: Limiter = field(default_factory=Limiter)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, after everything that stands before a door has let it in."""

    path: str
    query: Mapping[str, str]
    params: Mapping[str, str]
    """What the door's path leaves open."""
    form: Mapping[str, str]
    address: str
    language: Language
    theme: str
    now_ms: int
    session: Session | None
    token: str = ""
    """Of the session."""
    live: bool = False
    """Not a person who opens the page, but an open page that is brought up to date."""

    @property
    def role(self) -> Role | None:
        """Of who visits."""
        return self.session.role if self.session else None

    @property
    def name(self) -> str:
        """Of who visits."""
        return self.session.name if self.session else ""

    @property
    def words(self) -> Words:
        """The texts in the visitor's language."""
        return Words(self.language)


@dataclass(frozen=True, slots=True)
class Page:
    """What a door answers with: a template and what it shows."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    live: bool = False
    """It shows what changes by itself, and is brought up to date while it is open."""


class Refusal(Exception):
    """A visit that is not let in: `key` names the error's texts."""

    def __init__(self, status: int, key: str = "") -> None:
        super().__init__(status, key)
        self.status = status
        self.key = key or str(status)


_BLANKS = re.compile(r"\s*\n\s*")
"""Line breaks and indents of the templates: they are for who reads those, not for browsers."""


class _Regions:
    """The regions of one rendering, by id, in order."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def __call__(
        self, name: str, tag: str = "div", classes: str = "", *, caller: Callable[[], Markup]
    ) -> Markup:
        """What the template's call block holds, as a region."""
        kind = Markup(' class="{}"').format(classes) if classes else ""
        html = Markup('<{0} id="{1}" data-region{2}>{3}</{0}>').format(
            tag,
            name,
            kind,
            caller(),
        )
        self.found[name] = _BLANKS.sub("\n", html)
        return html

    def mark(self) -> str:
        """Of all regions so far."""
        return mark_of(self.found)


def mark_of(regions: Mapping[str, str]) -> str:
    """Tells whether two renderings of a page show the same."""
    return hashlib.sha256("\0".join([*regions, *regions.values()]).encode()).hexdigest()[:16]


def sayings(board: Board, visit: Visit) -> Sayings:
    """Figures, moments and findings in the visitor's words."""
    now = datetime.fromtimestamp(visit.now_ms / 1000, UTC)
    return Sayings(visit.words, now, board.settings.zone)


def rendered(board: Board, visit: Visit, page: Page) -> tuple[str, dict[str, str]]:
    """A page as HTML, and its regions by id."""
    regions = _Regions()
    html = (
        _environment()
        .get_template(page.template)
        .render(
            **page.context,
            t=visit.words,
            say=sayings(board, visit),
            visit=visit,
            settings=board.settings,
            may=lambda door: _may(visit.role, door),
            live=page.live,
            mark=regions.mark,
            region=regions,
            asset=asset,
            languages=LANGUAGES,
            themes=THEMES,
        )
    )
    return _BLANKS.sub("\n", html), regions.found


@cache
def _doors() -> Mapping[str, frozenset[Role] | None]:
    return {door.name: door.roles for door in DOORS}


def _may(role: Role | None, door: str) -> bool:
    roles = _doors()[door]
    return roles is None or role in roles


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("bodycam_station.board"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


# ---- assets --------------------------------------------------------------------------------------

_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@cache
def assets() -> Mapping[str, tuple[bytes, str]]:
    """Content and media type of what pages refer to, by a name that changes with the content."""
    found = {}
    for file in files("bodycam_station.board").joinpath("static").iterdir():
        stem, _, ending = file.name.rpartition(".")
        data = file.read_bytes()
        mark = hashlib.sha256(data).hexdigest()[:12]
        found[f"{stem}-{mark}.{ending}"] = (data, _KINDS[ending])
    return found


@cache
def asset(name: str) -> str:
    """The address of an asset."""
    stem, _, ending = name.rpartition(".")
    return next(
        f"/static/{one}"
        for one in assets()
        if one.startswith(f"{stem}-") and one.endswith(f".{ending}")
    )
