"""Logging in, sessions and their end."""

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters

from board.served import PASSWORD, SETTINGS, Clock, Served, Stage, Visitor, served
from bodycam.errors import UsageError
from bodycam_station.board import passwords
from bodycam_station.board.access import Role
from bodycam_station.board.accounts import IDLE_S, MOST_SESSIONS, WHOLE_S, Accounts
from bodycam_station.board.limits import LOG_IN_AS, LOG_IN_FROM
from bodycam_station.fleet.store import Store


def log_in(visitor: Visitor, name: str = "manager", password: str = PASSWORD) -> int:
    return visitor.post("/login", key="", name=name, password=password).status_code


def test_a_user_comes_in_and_goes(board: Served) -> None:
    visitor = board.client()
    assert visitor.get("/").headers["location"] == "/login"
    answer = visitor.post("/login", key="", name=" Manager ", password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert f"max-age={WHOLE_S}" in cookie
    assert "can go out" in visitor.get("/").text
    token = visitor.client.cookies["session"]
    assert visitor.post("/logout").headers["location"] == "/login?why=out"
    assert "session" not in visitor.client.cookies
    visitor.client.cookies.set("session", token)
    assert visitor.get("/").headers["location"] == "/login?why=again"
    assert [line.act for line in board.log(person="manager")] == ["log-out", "log-in"]


def test_under_tls_the_cookie_is_for_this_host_alone(stage: Stage, tmp_path: Path) -> None:
    with served(stage, tmp_path, replace(SETTINGS, tls=True)) as board:
        answer = board.client().post("/login", key="", name="viewer", password=PASSWORD)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie
    assert "domain" not in cookie.lower()
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    ("name", "password"),
    [("manager", "wrong"), ("nobody", PASSWORD), ("", ""), ("manager", ""), ("x" * 500, "y" * 500)],
)
def test_who_is_not_let_in_learns_nothing(board: Served, name: str, password: str) -> None:
    answer = board.client().post("/login", key="", name=name, password=password)
    assert answer.status_code == 401
    assert "The user name or the password is not right" in answer.text
    assert "set-cookie" not in answer.headers
    assert password == "" or password not in answer.text
    assert board.log(act="log-in-failed")[0].note == "127.0.0.1"


def test_a_name_that_is_nobodys_is_not_logged(board: Served) -> None:
    """It may be a password that was typed into the wrong field."""
    for name in ("manager", PASSWORD):
        board.client().post("/login", key="", name=name, password="wrong")
    log = [(one.person, one.about) for one in board.log(act="log-in-failed")]
    assert log == [("unknown name", "unknown name"), ("manager", "manager")]


def test_an_unknown_user_costs_the_same_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: one hash is checked in each case, with the same parameters."""
    checked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override] # noqa: A002
            checked.append(str(hash))
            return bool(super().verify(hash, password))

    store = Store.open(tmp_path / "fleet.db")
    accounts = Accounts(store)
    accounts.add("known", Role.VIEWER, PASSWORD, 0)
    monkeypatch.setattr(passwords, "_hasher", Counting(1, 8, 1))
    assert accounts.log_in("known", "wrong", 0) is None
    assert accounts.log_in("unknown", "wrong", 0) is None
    assert accounts.log_in("known", "x" * 10_000, 0) is None
    store.close()
    assert len(checked) == 3
    assert len({str(extract_parameters(one)) for one in checked}) == 1


def test_hashing_is_as_slow_as_it_has_to_be() -> None:
    """The least that OWASP asks of Argon2id: 19 MiB and two passes; ours is above that."""
    usual = PasswordHasher()
    assert (usual.memory_cost, usual.time_cost) >= (19 * 1024, 2)
    start_s = time.thread_time()
    kept = usual.hash(PASSWORD)
    assert time.thread_time() - start_s > 0.005
    assert kept.startswith("$argon2id$")


def test_trying_often_is_stopped_also_with_the_right_password(board: Served) -> None:
    visitor = board.client()
    codes = [log_in(visitor, password="wrong") for _ in range(LOG_IN_AS.count)]
    assert codes == [401] * LOG_IN_AS.count
    answer = visitor.post("/login", key="", name="manager", password=PASSWORD)
    assert answer.status_code == 429
    assert "Try again in 5 min" in answer.text
    assert log_in(visitor, name="viewer") == 303  # others of the same office are not shut out
    board.clock.pass_s(LOG_IN_AS.span_s + 1)
    assert log_in(board.client()) == 303


def test_trying_many_names_from_one_place_is_stopped(board: Served) -> None:
    visitor = board.client()
    codes = [log_in(visitor, f"guess{n}", "wrong") for n in range(LOG_IN_FROM.count + 1)]
    assert codes == [401] * LOG_IN_FROM.count + [429]


def test_a_session_that_is_not_used_ends(board: Served) -> None:
    visitor = board.client(Role.VIEWER)
    board.clock.pass_s(IDLE_S - 60)
    assert visitor.get("/").status_code == 200
    board.clock.pass_s(IDLE_S - 60)
    assert visitor.get("/").status_code == 200
    board.clock.pass_s(IDLE_S + 1)
    assert visitor.get("/").headers["location"] == "/login?why=again"
    assert "Your session has ended" in visitor.get("/login?why=again").text


def test_a_session_ends_with_the_day_however_much_it_is_used(board: Served) -> None:
    visitor = board.client(Role.VIEWER)
    for _ in range(WHOLE_S // 3600):
        assert visitor.get("/").status_code == 200
        board.clock.pass_s(3600)
    assert visitor.get("/").status_code == 303


def test_who_is_removed_or_gets_another_password_is_out_at_once(board: Served) -> None:
    viewer, manager = board.client(Role.VIEWER), board.client(Role.MANAGER)
    board.board.accounts.remove("viewer")
    board.board.accounts.set_password("manager", "another long password")
    assert viewer.get("/").status_code == 303
    assert manager.get("/").status_code == 303
    assert log_in(manager, password="another long password") == 303


def test_what_the_table_keeps_opens_nothing(stage: Stage, tmp_path: Path) -> None:
    with served(stage, tmp_path) as board:
        visitor = board.client(Role.MANAGER)
        token = visitor.client.cookies["session"]
        key = visitor.form_key()
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
        assert token != key
    assert token.encode() not in (tmp_path / "fleet.db").read_bytes()
    assert PASSWORD.encode() not in (tmp_path / "fleet.db").read_bytes()


def test_a_user_has_a_bounded_number_of_sessions(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "fleet.db")
    accounts, clock = Accounts(store), Clock()
    accounts.add("ann", Role.VIEWER, PASSWORD, clock())
    tokens = []
    for _ in range(MOST_SESSIONS + 2):
        clock.pass_s(1)
        found = accounts.log_in("ann", PASSWORD, clock())
        assert found is not None
        tokens.append(found[0])
    alive = [accounts.session(token, clock()) is not None for token in tokens]
    store.close()
    assert alive == [False, False] + [True] * MOST_SESSIONS


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [
        ("Ann", PASSWORD, "user name"),
        ("an n", PASSWORD, "user name"),
        ("", PASSWORD, "user name"),
        ("ann", "short", "at least 12"),
        ("ann", "x" * 300, "at most 256"),
        ("viewer", PASSWORD, "already"),
    ],
)
def test_an_unusable_user_is_refused_with_a_sentence(
    shared: Served, name: str, password: str, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        shared.board.accounts.add(name, Role.VIEWER, password, 0)
    assert [user.name for user in shared.board.accounts.users()] == ["auditor", "manager", "viewer"]
