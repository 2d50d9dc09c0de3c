"""Who may open which door: one table of routes and roles. Nothing else decides it."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a user is here for."""

    VIEWER = "viewer"
    """Sees how the cameras are."""
    MANAGER = "manager"
    """Sees it, and acts: acknowledges, groups, sends commands."""
    AUDITOR = "auditor"
    """Sees it, and who did and saw what; acts on nothing."""


ALL = frozenset(Role)
MANAGER = frozenset({Role.MANAGER})
AUDITOR = frozenset({Role.AUDITOR})
TAKES_AWAY = frozenset({Role.MANAGER, Role.AUDITOR})
"""May carry data out of the board as a file."""


@dataclass(frozen=True, slots=True)
class Door:
    """A route."""

    name: str
    """Of the function behind it."""
    method: str
    path: str
    roles: frozenset[Role] | None
    """None: also somebody who has not logged in."""
    stream: bool = False
    """It is an event stream, which stays open."""


DOORS: tuple[Door, ...] = (
    Door("morning", "GET", "/", ALL),
    Door("camera", "GET", "/cameras/{device}", ALL),
    Door("alerts", "GET", "/alerts", ALL),
    Door("live", "GET", "/live", ALL, stream=True),
    Door("fleet_csv", "GET", "/fleet.csv", TAKES_AWAY),
    Door("audit", "GET", "/audit", AUDITOR),
    Door("audit_csv", "GET", "/audit.csv", AUDITOR),
    Door("acknowledge", "POST", "/cameras/{device}/acknowledge", MANAGER),
    Door("command", "POST", "/cameras/{device}/command", MANAGER),
    Door("group", "POST", "/cameras/{device}/group", MANAGER),
    Door("log_out", "POST", "/logout", ALL),
    Door("log_in_page", "GET", "/login", None),
    Door("log_in", "POST", "/login", None),
    Door("preferences", "POST", "/preferences", None),
)
"""In the order in which they are tried. What is not here does not exist."""

MACHINES = ("/healthz", "/metrics")
"""For programs: without a user, but only from this machine or with the token."""
