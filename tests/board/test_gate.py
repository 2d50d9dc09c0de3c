"""What stands before every door: host, origin, form key, size, rate, headers, assets."""

import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from board.served import SETTINGS, Served, Stage, served
from bodycam_station.board.access import DOORS, Role
from bodycam_station.board.limits import ACTS

ACT = "/cameras/cam05/group"


def group_of(board: Served, camera: str = "cam05") -> str:
    return board.fleet.camera(camera, 0).row.group


def test_an_act_needs_the_key_of_its_session(board: Served) -> None:
    manager = board.client(Role.MANAGER)
    other = board.client(Role.MANAGER).form_key()
    assert other != manager.form_key()
    for key in ("", "x", other):
        answer = manager.post(ACT, key=key, group="West")
        assert answer.status_code == 403
        assert "This form is no longer valid" in answer.text
    assert group_of(board) == "Noord"
    assert manager.post(ACT, group="West").status_code == 303
    assert group_of(board) == "West"


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", "http://127.0.0.1:1"])
def test_an_act_comes_from_our_own_pages(board: Served, origin: str) -> None:
    manager = board.client(Role.MANAGER)
    key = manager.form_key()
    if origin:
        manager.client.headers["Origin"] = origin
    else:
        del manager.client.headers["Origin"]
    assert manager.post(ACT, key=key, group="West").status_code == 403
    assert manager.post("/login", name="manager", password="x").status_code == 403
    assert group_of(board) == "Noord"


def test_a_request_for_another_host_is_refused(shared: Served) -> None:
    """A name that somebody else has pointed at this machine opens nothing."""
    visitor = shared.client(Role.VIEWER)
    for host in ("evil.example", "127.0.0.1.evil.example", ""):
        assert visitor.get("/", Host=host).status_code == 400
        assert visitor.get("/healthz", Host=host).status_code == 400
    assert visitor.get("/", Host="localhost").status_code == 200


def test_what_is_too_long_or_no_form_is_refused(board: Served) -> None:
    manager = board.client(Role.MANAGER)
    key = manager.form_key()
    assert manager.post(ACT, group="x" * 20_000).status_code == 413
    assert manager.post(ACT, group="x" * 41).status_code == 413
    assert manager.post(ACT, group="\x07bell").status_code == 400
    for kind, data in (
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/json", b'{"group":"West"}'),
        ("application/x-www-form-urlencoded", b"key=%ff%fe"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=%d" % n for n in range(50))),
    ):
        answer = manager.client.post(ACT, content=data, headers={"Content-Type": kind})
        assert answer.status_code == 400
    assert manager.get("/?q=" + "x" * 3000).status_code == 400
    assert manager.post(ACT, key=key, group="West").status_code == 303
    assert group_of(board) == "West"


def test_acts_are_limited_and_time_frees_them(board: Served) -> None:
    manager = board.client(Role.MANAGER)
    key = manager.form_key()
    codes = [manager.post(ACT, key=key, group="West").status_code for _ in range(ACTS.count + 1)]
    assert codes == [303] * ACTS.count + [429]
    assert board.client(Role.VIEWER).get("/").status_code == 200
    board.clock.pass_s(ACTS.span_s + 1)
    assert manager.post(ACT, key=key, group="West").status_code == 303


@pytest.mark.parametrize("path", ["/", "/login", "/no-such-page", "/static/x.css", "/healthz"])
def test_every_answer_tells_browsers_what_they_may(shared: Served, path: str) -> None:
    headers = shared.client(Role.MANAGER).get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert "strict-transport-security" not in headers  # without TLS it would say nothing


def test_no_page_has_script_or_style_in_it(shared: Served) -> None:
    auditor, manager = shared.client(Role.AUDITOR), shared.client(Role.MANAGER)
    for visitor, path in (
        (manager, "/"),
        (manager, "/?look=tiles"),
        (manager, "/cameras/cam18"),
        (manager, "/alerts"),
        (auditor, "/audit"),
        (manager, "/no-such-page"),
        (shared.client(), "/login"),
    ):
        text = visitor.get(path).text
        assert "</html>" in text
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", text) == []
        assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", text))
        assert re.findall(r'(?:src|href|action)="(?:https?:)?//', text) == []


def test_assets_are_kept_by_browsers_because_their_names_change(shared: Served) -> None:
    visitor = shared.client()
    names = re.findall(r'"(/static/[^"]+)"', visitor.get("/login").text)
    assert [name.rpartition(".")[2] for name in names] == ["svg", "css", "js"]
    for name in names:
        answer = visitor.get(name)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert visitor.get("/static/board.css").status_code == 404
    assert visitor.get("/static/../app.py").status_code == 404


def test_a_broken_database_is_a_sentence_and_mends_itself(board: Served) -> None:
    viewer = board.client(Role.VIEWER)
    board.fleet.broken = True
    answer = viewer.get("/")
    assert answer.status_code == 503
    assert "Try again in a minute" in answer.text
    assert viewer.get("/healthz").status_code == 503
    board.fleet.broken = False
    assert viewer.get("/").status_code == 200


def test_a_mistake_of_ours_is_a_sentence_without_its_inside(
    board: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(now_ms: int) -> None:
        raise ZeroDivisionError("secret inside")

    viewer = board.client(Role.VIEWER)
    monkeypatch.setattr(board.fleet, "view", fails)
    answer = viewer.get("/")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


# ---- machines ------------------------------------------------------------------------------------


def test_health_and_metrics_are_open_to_this_machine(board: Served) -> None:
    visitor = board.client()
    assert visitor.get("/healthz").text == "ok\n"
    assert "bodycam_cameras 24" in visitor.get("/metrics").text
    board.fleet.unwell = "The broker is gone."
    answer = visitor.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "The broker is gone.\n")


def test_with_a_token_only_who_has_it_may_ask(stage: Stage, tmp_path: Path) -> None:
    token = "a" * 30
    with served(stage, tmp_path, replace(SETTINGS, token=token)) as board:
        visitor = board.client()
        for path in ("/healthz", "/metrics"):
            assert visitor.get(path).status_code == 401
            assert visitor.get(path, Authorization="Bearer wrong").status_code == 401
            assert visitor.get(path, Authorization=f"Bearer {token}").status_code == 200
        assert visitor.get("/", Authorization=f"Bearer {token}").status_code == 303


def test_no_door_is_open_without_a_line_in_the_table(shared: Served) -> None:
    known = {door.path for door in DOORS} | {
        "/healthz",
        "/metrics",
        "/static/{name}",
        "/favicon.ico",
    }
    from bodycam_station.board.app import make_app

    app = make_app(shared.board, shared.hub)
    assert {getattr(route, "path", "") for route in app.routes} == known


def test_head_and_options_open_nothing_more(shared: Served) -> None:
    with httpx.Client(base_url=shared.url) as client:
        assert client.options("/audit").status_code == 405
        assert client.head("/audit").status_code == 303
