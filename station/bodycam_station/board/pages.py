"""What is shown: one function for each door that is opened to look."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from bodycam.errors import UsageError
from bodycam.messages.commands import COMMANDS
from bodycam_station.board import audit as log
from bodycam_station.board import charts, limits
from bodycam_station.board import morning as order
from bodycam_station.board.frame import Board, Page, Refusal, Visit, sayings
from bodycam_station.board.sheet import as_csv
from bodycam_station.fleet.views import (
    DOCKED,
    ONLINE,
    PAUSED,
    SPANS,
    STALE,
    CameraRow,
    CameraView,
    History,
    Link,
    Moment,
)

SAID = ("acknowledged", "gone", "sent", "grouped")
"""What a page can confirm of an act that led to it."""
LOCATE_S = ("10", "30", "60")
"""How long a camera can be asked to show itself."""
STALE_INTERVALS = 2.5
"""A camera that is silent for longer leaves a gap in its history."""
HEARS = (ONLINE, STALE, PAUSED, DOCKED)
_HIDDEN_MOMENTS = ("journal.open", "journal.close")
"""When recordings were made is evidence, not a measure of anybody: the time line leaves it out."""


def morning(board: Board, visit: Visit) -> Page:
    """The first line, the exceptions, the fleet."""
    view = board.fleet.view(visit.now_ms)
    wanted = order.Filter.read(visit.query)
    said = sayings(board, visit)
    return Page(
        "morning.html",
        {
            "view": view,
            "cases": order.cases(view),
            "most": order.MOST_CASES,
            "wanted": wanted,
            "shows": order.SHOWS,
            "looks": order.LOOKS,
            "listing": order.listing(view, wanted, said.what),
            "shares": order.shares(view),
            "said": _said(visit),
        },
        live=True,
    )


def camera(board: Board, visit: Visit) -> Page:
    """A camera's own page."""
    device = visit.params["device"]
    span = visit.query.get("span", "day")
    if span not in SPANS:
        span = "day"
    fleet = board.fleet.view(visit.now_ms)
    try:
        view = board.fleet.camera(device, visit.now_ms)
        history = board.fleet.history(device, span, visit.now_ms)
    except UsageError:
        raise Refusal(404) from None
    if not visit.live and visit.role is not None:
        board.audit.add(
            "view-camera", person=visit.name, role=visit.role.value, about=device, note=span
        )
        board.limiter.count(look_keys(visit), visit.now_ms / 1000)
    return Page(
        "camera.html",
        {
            "view": view,
            "row": view.row,
            "link": fleet.link,
            "groups": sorted({one.group for one in fleet.cameras if one.group}),
            "span": span,
            "spans": SPANS,
            "history": history,
            "charts": _charts(history, view.row.interval_s or 0),
            "offers": _offers(view, fleet.link),
            "locate_s": LOCATE_S,
            "timeline": [one for one in view.timeline if _shown(one)][:100],
            "on_camera": [one for one in view.recordings if _on_camera(one.ended, one.stored_ms)],
            "said": _said(visit),
        },
        live=True,
    )


def look_keys(visit: Visit) -> Sequence[tuple[limits.Limit, str]]:
    """By which a look of this session at this camera is known again for a while."""
    return ((limits.LOOK, f"{visit.token} {visit.params['device']}"),)


def alerts(board: Board, visit: Visit) -> Page:
    """Every exception in one table, the newest commands, and how the station hears of cameras."""
    view = board.fleet.view(visit.now_ms)
    return Page(
        "alerts.html",
        {
            "view": view,
            "found": view.exceptions[:300],
            "commands": board.fleet.commands(most=20),
        },
        live=True,
    )


def fleet_csv(board: Board, visit: Visit) -> Response:
    """The fleet as a file."""
    board.audit.add("take-fleet", person=visit.name, role=str(visit.role))
    head, *rows = board.fleet.rows(visit.now_ms)
    return _file(as_csv(head, rows), "fleet.csv")


def audit(board: Board, visit: Visit) -> Page:
    """Who did and saw what."""
    wanted = _wanted(visit)
    number = visit.query.get("page", "1")
    page = int(number) if number.isdecimal() and 0 < len(number) < 7 and int(number) else 1
    board.audit.add("view-audit", person=visit.name, role=str(visit.role), note=_asked(wanted))
    lines, total = board.audit.page(wanted, page)
    return Page(
        "audit.html",
        {
            "lines": lines,
            "total": total,
            "page": page,
            "pages": max(1, -(-total // log.PAGE)),
            "wanted": wanted,
            "acts": log.ACTS,
        },
    )


def audit_csv(board: Board, visit: Visit) -> Response:
    """The log as a file."""
    wanted = _wanted(visit)
    board.audit.add("take-audit", person=visit.name, role=str(visit.role), note=_asked(wanted))
    say = sayings(board, visit)
    rows = (
        (one.id, say.utc(one.at_ms), one.person, one.role, one.act, one.about, one.note)
        for one in board.audit.all(wanted)
    )
    return _file(
        as_csv(("number", "utc", "person", "role", "act", "about", "note"), rows), "audit.csv"
    )


def log_in_page(board: Board, visit: Visit) -> Page | Response:
    """Name and password."""
    if visit.session is not None:
        return RedirectResponse("/", 303)
    why = visit.query.get("why", "")
    return Page(
        "login.html", {"error": "", "name": "", "why": why if why in ("again", "out") else ""}
    )


# ---- parts ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """A command that may be given, or why not now."""

    name: str
    because: str
    """Key of the reason why it cannot be given now; empty: it can."""


def _offers(view: CameraView, link: Link) -> Sequence[Offer]:
    known = view.row.capabilities
    names = [name for name in COMMANDS if not known or name in known]
    return [Offer(name, why_not(name, view.row, link)) for name in names]


def why_not(name: str, row: CameraRow, link: Link) -> str:
    """Key of why this command cannot be given now; empty where it can."""
    if not link.connected:
        return "command.no.link"
    if row.state not in HEARS:
        return "command.no.away"
    if name == "reboot" and row.state != DOCKED:
        return "command.no.dock"
    if name == "locate" and row.recording:
        return "command.no.recording"
    return ""


_KINDS = (
    ("battery", (0.0, 100.0)),
    ("room", None),
    ("temperature", None),
    ("radio", (-100.0, -30.0)),
)


def _charts(history: History, interval_s: int) -> Sequence[tuple[str, charts.Chart | None]]:
    readings: dict[str, list[tuple[int, float | None, float | None]]] = {
        "battery": [(p.at_ms, p.battery_percent, p.battery_least) for p in history.points],
        "room": [(p.at_ms, _hours(p.room_minutes), _hours(p.room_least)) for p in history.points],
        "temperature": [(p.at_ms, p.temperature_c, p.temperature_most) for p in history.points],
        "radio": [(p.at_ms, p.radio_dbm, p.radio_least) for p in history.points],
    }
    return [
        (
            kind,
            charts.draw(
                [charts.Reading(*one) for one in readings[kind]],
                history.from_ms,
                history.to_ms,
                history.step_s * 1000,
                bounds,
                apart_ms=round(STALE_INTERVALS * interval_s * 1000),
            ),
        )
        for kind, bounds in _KINDS
    ]


def _hours(minutes: float | None) -> float | None:
    return None if minutes is None else minutes / 60


def _shown(moment: Moment) -> bool:
    return moment.kind not in _HIDDEN_MOMENTS


def _on_camera(ended: str, stored_ms: int | None) -> bool:
    return stored_ms is None and ended not in ("void", "deleted")


def _said(visit: Visit) -> str:
    said = visit.query.get("said", "")
    return said if said in SAID else ""


def _wanted(visit: Visit) -> log.Wanted:
    act = visit.query.get("act", "")
    return log.Wanted(
        visit.query.get("person", "").strip()[:64],
        act if act in log.ACTS else "",
        visit.query.get("about", "").strip()[:128],
    )


def _asked(wanted: log.Wanted) -> str:
    return " ".join(one for one in (wanted.person, wanted.act, wanted.about) if one)


def _file(data: bytes, name: str) -> Response:
    return Response(
        data,
        media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
