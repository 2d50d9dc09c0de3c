"""Every door against everybody: the table of the access, cell by cell."""

from pathlib import Path

import pytest

from board.served import PASSWORD, Served
from bodycam_station.board.access import DOORS, Door, Role

NOBODY = None
PEOPLE = (NOBODY, *Role)

# What the table must come to, written down again by hand.
MAY: dict[str, set[Role | None]] = {
    "morning": {Role.VIEWER, Role.MANAGER, Role.AUDITOR},
    "camera": {Role.VIEWER, Role.MANAGER, Role.AUDITOR},
    "alerts": {Role.VIEWER, Role.MANAGER, Role.AUDITOR},
    "live": {Role.VIEWER, Role.MANAGER, Role.AUDITOR},
    "fleet_csv": {Role.MANAGER, Role.AUDITOR},
    "audit": {Role.AUDITOR},
    "audit_csv": {Role.AUDITOR},
    "acknowledge": {Role.MANAGER},
    "command": {Role.MANAGER},
    "group": {Role.MANAGER},
    "log_out": {Role.VIEWER, Role.MANAGER, Role.AUDITOR},
    "log_in_page": {NOBODY, Role.VIEWER, Role.MANAGER, Role.AUDITOR},
    "log_in": {NOBODY, Role.VIEWER, Role.MANAGER, Role.AUDITOR},
    "preferences": {NOBODY, Role.VIEWER, Role.MANAGER, Role.AUDITOR},
}
FORMS: dict[str, dict[str, str]] = {
    "acknowledge": {"finding": "1", "note": "seen"},
    "command": {"command": "report"},
    "group": {"group": "Noord"},
    "log_in": {"name": "viewer", "password": PASSWORD},
    "preferences": {"language": "nl", "back": "/"},
}


def test_the_cells_below_are_all_cells() -> None:
    assert set(MAY) == {door.name for door in DOORS}


@pytest.mark.parametrize("role", PEOPLE, ids=lambda role: role or "nobody")
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_a_door_opens_to_whom_the_table_says(shared: Served, door: Door, role: Role | None) -> None:
    visitor = shared.client(role)
    path = door.path.format(device="cam05") + ("?page=/" if door.stream else "")
    if door.method == "POST":
        answer = visitor.post(path, **FORMS.get(door.name, {}))
    else:
        with visitor.client.stream("GET", path) as answer:
            if not door.stream:
                answer.read()
    if role in MAY[door.name]:
        assert answer.status_code in (200, 303)
        assert "why=again" not in answer.headers.get("location", "")
        return
    if role is NOBODY:
        if door.stream:
            assert answer.status_code == 401
        else:
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        return
    assert answer.status_code == 403
    line = shared.log(act="refused")[0]
    assert (line.person, line.note) == (role.value, f"{door.method} {path.partition('?')[0]}")


def test_nobody_acts_on_the_fleet_who_may_not(board: Served) -> None:
    for role in (None, Role.VIEWER, Role.AUDITOR):
        visitor = board.client(role)
        for name in ("acknowledge", "command", "group"):
            visitor.post(f"/cameras/cam18/{name}", **FORMS[name])
    assert board.fleet.given == []
    assert board.fleet.camera("cam18", 0).row.group == "Overvecht"
    assert all(one.acknowledged is None for one in board.fleet.camera("cam18", 0).row.findings)


@pytest.mark.parametrize("role", PEOPLE, ids=lambda role: role or "nobody")
def test_pages_offer_no_door_that_is_shut(shared: Served, role: Role | None) -> None:
    """What somebody may not do is not on the pages they see."""
    visitor = shared.client(role)
    pages = "".join(
        visitor.client.get(path, follow_redirects=True).text
        for path in ("/", "/cameras/cam18", "/alerts")
    )
    for name, sign in (
        ("fleet_csv", 'href="/fleet.csv"'),
        ("audit", 'href="/audit"'),
        ("acknowledge", "/acknowledge"),
        ("command", "/command"),
        ("group", "/group"),
        ("log_out", "/logout"),
    ):
        assert (sign in pages) == (role in MAY[name])


def test_another_way_into_a_door_is_refused(shared: Served) -> None:
    manager = shared.client(Role.MANAGER)
    assert manager.get("/cameras/cam05/command").status_code == 405
    assert manager.post("/audit.csv").status_code == 405
    assert manager.get("/no-such-page").status_code == 404
    assert manager.get("/cameras/cam99").status_code == 404


def test_the_table_for_people_is_the_table_of_the_code() -> None:
    text = (Path(__file__).parents[2] / "docs" / "board.md").read_text()
    shown = text.partition("<!-- doors -->\n\n")[2].partition("\n\n<!-- end -->")[0]
    rows = ["| | nobody | viewer | manager | auditor |", "|---|---|---|---|---|"]
    for door in DOORS:
        roles = door.roles if door.roles is not None else frozenset({NOBODY, *Role})
        cells = "".join(
            f" {'yes' if role in roles else ''} |".replace("  ", " ") for role in PEOPLE
        )
        rows.append(f"| `{door.method} {door.path}` |{cells}")
    assert shown == "\n".join(rows)
