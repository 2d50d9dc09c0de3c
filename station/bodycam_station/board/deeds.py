"""What is done: one function for each door that a form is sent to. Each act is logged first."""

from collections.abc import Mapping
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from bodycam.errors import UsageError
from bodycam.messages.commands import COMMANDS
from bodycam_station.board import limits
from bodycam_station.board.access import Role
from bodycam_station.board.accounts import WHOLE_S
from bodycam_station.board.frame import THEMES, Board, Page, Refusal, Visit
from bodycam_station.board.pages import LOCATE_S, why_not
from bodycam_station.board.texts import LANGUAGES
from bodycam_station.fleet.views import CameraRow

MOST_NOTE = 300
MOST_GROUP = 40
UNKNOWN_NAME = "unknown name"
"""In the log, of a log-in; no user can be called so."""
_YEAR_S = 365 * 86400


def log_in(board: Board, visit: Visit) -> Page | Response:
    """Name and password become a session."""
    name = visit.form.get("name", "").strip().lower()[:64]
    now_s = visit.now_ms / 1000
    keys = (
        (limits.LOG_IN_FROM, visit.address),
        (limits.LOG_IN_AS, f"{visit.address} {name}"),
        (limits.LOG_IN_NAME, name),
    )
    if wait_s := board.limiter.wait_s(keys, now_s):
        minutes = max(1, -(-int(wait_s) // 60))
        return Page(
            "login.html", {"error": "wait", "name": name, "minutes": minutes, "why": ""}, 429
        )
    board.limiter.count(keys, now_s)  # before the check: tries at the same moment count, too
    found = board.accounts.log_in(name, visit.form.get("password", ""), visit.now_ms)
    if found is None:
        # What is nobody's name may be a password that was typed into the wrong field.
        person = name if board.accounts.known(name) else UNKNOWN_NAME
        board.audit.add("log-in-failed", person=person, about=person, note=visit.address)
        return Page("login.html", {"error": "wrong", "name": name, "why": ""}, 401)
    token, role = found
    board.limiter.forget(keys)
    board.audit.add("log-in", person=name, role=role.value, note=visit.address)
    if visit.token:
        board.accounts.log_out(visit.token)
    answer = RedirectResponse("/", 303)
    _cookie(board, answer, session_cookie(board.settings.tls), token, WHOLE_S)
    return answer


def log_out(board: Board, visit: Visit) -> Response:
    """The session ends."""
    board.audit.add("log-out", person=visit.name, role=_role(visit))
    board.accounts.log_out(visit.token)
    answer = RedirectResponse("/login?why=out", 303)
    answer.delete_cookie(
        session_cookie(board.settings.tls), secure=board.settings.tls, httponly=True, samesite="lax"
    )
    # What the browser kept of the pages goes, too.
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def preferences(board: Board, visit: Visit) -> Response:
    """Language and colours, kept by the browser."""
    answer = RedirectResponse(_back(visit.form.get("back", "/")), 303)
    for name, allowed in (("language", LANGUAGES), ("theme", THEMES)):
        value = visit.form.get(name, "")
        if value in allowed:
            _cookie(board, answer, name, value, _YEAR_S)
    return answer


def acknowledge(board: Board, visit: Visit) -> Response:
    """A person has seen a finding."""
    row = _row(board, visit)
    note = _line(visit.form.get("note", ""), MOST_NOTE)
    number = visit.form.get("finding", "")
    finding = next((one for one in row.findings if one.id and str(one.id) == number), None)
    if finding is None:
        return _to(visit, row, "gone")
    what = ": ".join(part for part in (finding.code, finding.detail, note) if part)
    _log(board, visit, "acknowledge", row.id, what)
    try:
        board.fleet.acknowledge(finding.id, visit.name, note, visit.now_ms)
    except UsageError as error:
        _log(board, visit, "failed", row.id, error.what)
        return _to(visit, row, "gone")
    return _to(visit, row, "acknowledged")


def command(board: Board, visit: Visit) -> Response:
    """Ask something of a camera."""
    row = _row(board, visit)
    name = visit.form.get("command", "")
    if name not in COMMANDS:
        raise Refusal(400)
    if why_not(name, row, board.fleet.view(visit.now_ms).link):
        raise Refusal(409)
    arguments: Mapping[str, int] = {}
    if name == "locate":
        seconds = visit.form.get("seconds", "10")
        if seconds not in LOCATE_S:
            raise Refusal(400)
        arguments = {"seconds": int(seconds)}
    _log(board, visit, "command", row.id, name)
    try:
        board.fleet.command(row.id, name, arguments, visit.name, visit.now_ms)
    except UsageError as error:
        _log(board, visit, "failed", row.id, error.what)
        raise Refusal(409) from error
    return _to(visit, row, "sent", "commands")


def group(board: Board, visit: Visit) -> Response:
    """Put a camera into a group."""
    row = _row(board, visit)
    name = _line(visit.form.get("group", ""), MOST_GROUP, empty=True)
    _log(board, visit, "group", row.id, f"{row.group or '-'} > {name or '-'}")
    board.fleet.put_in_group(row.id, name, visit.name, visit.now_ms)
    return _to(visit, row, "grouped")


# ---- parts ---------------------------------------------------------------------------------------


def session_cookie(tls: bool) -> str:
    """The cookie's name: with `__Host-`, a browser takes it from this host by TLS only."""
    return "__Host-session" if tls else "session"


def _cookie(board: Board, answer: Response, name: str, value: str, max_age_s: int) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=max_age_s,
        secure=board.settings.tls,
        httponly=True,
        samesite="lax",
    )


def _row(board: Board, visit: Visit) -> CameraRow:
    try:
        return board.fleet.camera(visit.params["device"], visit.now_ms).row
    except UsageError:
        raise Refusal(404) from None


def _line(text: str, most: int, *, empty: bool = False) -> str:
    """One line of text as it was typed; refuses what is none."""
    line = " ".join(text.split())
    if len(line) > most:
        raise Refusal(413)
    if not (line or empty) or not line.isprintable():
        raise Refusal(400)
    return line


def _log(board: Board, visit: Visit, act: str, about: str, note: str) -> None:
    board.audit.add(act, person=visit.name, role=_role(visit), about=about, note=note)


def _role(visit: Visit) -> str:
    return visit.role.value if isinstance(visit.role, Role) else ""


def _to(visit: Visit, row: CameraRow, said: str, part: str = "") -> Response:
    """Back to the page where the form was."""
    page = "/" if visit.form.get("back") == "morning" else f"/cameras/{quote(row.id)}"
    return RedirectResponse(f"{page}?said={said}{'#' if part else ''}{part}", 303)


def _back(path: str) -> str:
    """A page of ours, whatever was sent."""
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if good and len(path) < 500 else "/"
