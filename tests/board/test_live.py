"""The stream of changes, as a program reads it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from board.served import Served, Visitor
from bodycam_station.board import live
from bodycam_station.board.access import Role
from bodycam_station.board.limits import LOOK
from bodycam_station.fleet import findings
from bodycam_station.fleet.port import StorageError


class Stream:
    """Events of one open page."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self._lines = answer.iter_lines()

    def next(self, *but: str) -> tuple[str, Any]:
        """The next event of another kind than these."""
        name = ""
        for line in self._lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name not in but:
                return name, json.loads(line.removeprefix("data: "))
        return "end", None


@contextmanager
def opened(visitor: Visitor, page: str) -> Iterator[Stream]:
    with visitor.client.stream("GET", "/live", params={"page": page}) as answer:
        yield Stream(answer)


def test_a_change_comes_as_the_regions_that_changed(board: Served) -> None:
    viewer = board.client(Role.VIEWER)
    page = viewer.get("/").text
    with opened(viewer, "/") as stream:
        name, said = stream.next()
        assert name == "hello"
        assert f'data-mark="{said["mark"]}"' in page
        board.fleet.change("cam05", battery_percent=12)
        name, regions = stream.next("beat")
        assert (name, list(regions)) == ("regions", ["row-cam05"])
        assert "12&nbsp;%" in regions["row-cam05"]


def test_a_page_learns_that_something_changed_before_its_stream_began(board: Served) -> None:
    """Also what stands in no row, as the outcome of a command."""
    manager = board.client(Role.MANAGER)
    manager.post("/cameras/cam05/command", command="report")
    page = manager.get("/cameras/cam05").text
    board.fleet.answer(0, "done")
    with opened(manager, "/cameras/cam05") as stream:
        name, said = stream.next()
        assert name == "hello"
        assert f'data-mark="{said["mark"]}"' not in page


def test_what_comes_or_goes_makes_the_page_look_again(board: Served) -> None:
    with opened(board.client(Role.VIEWER), "/") as stream:
        stream.next()
        board.fleet.put("cam05", (findings.FAULT, "speaker-dead", 0))
        assert stream.next("beat")[0] == "again"


def test_a_stream_shows_what_its_page_shows(board: Served) -> None:
    with opened(board.client(Role.VIEWER), "/?show=missing&look=tiles") as stream:
        stream.next()
        board.fleet.change("cam05", battery_percent=12)  # not on that page
        board.fleet.change("cam07", battery_percent=11)
        name, regions = stream.next("beat")
        assert (name, list(regions)) == ("regions", ["tile-cam07"])


def test_a_cameras_page_hears_of_that_camera_only_and_is_logged_once(board: Served) -> None:
    viewer = board.client(Role.VIEWER)
    viewer.get("/cameras/cam05")
    with opened(viewer, "/cameras/cam05?span=week") as stream:
        stream.next()
        board.fleet.change("cam06", battery_percent=50)
        board.fleet.change("cam05", battery_percent=49)
        name, regions = stream.next("beat")
        assert name == "regions"
        assert "49&nbsp;%" in regions["facts"]
    assert len(board.log(act="view-camera")) == 1


def test_who_opens_only_the_stream_of_a_camera_looks_at_it_and_is_logged(board: Served) -> None:
    viewer, auditor = board.client(Role.VIEWER), board.client(Role.AUDITOR)
    viewer.get("/cameras/cam05")
    viewer.get("/cameras/cam06")
    board.clock.pass_s(LOOK.span_s + 1)
    viewer.get("/cameras/cam06")
    for visitor in (viewer, auditor):
        with opened(visitor, "/cameras/cam05") as stream:
            stream.next()
            board.fleet.change("cam05", battery_percent=49)
            assert stream.next("beat")[0] == "regions"
            board.fleet.change("cam05", battery_percent=50)
    seen = [(one.person, one.about) for one in board.log(act="view-camera")]
    assert seen[:2] == [("auditor", "cam05"), ("viewer", "cam05")]
    assert len(seen) == 5


def test_a_look_that_cannot_be_logged_shows_nothing_by_the_stream_either(
    board: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("The database does not answer: it is full.")

    monkeypatch.setattr(board.board.audit, "add", full)
    with opened(board.client(Role.VIEWER), "/cameras/cam05") as stream:
        assert stream.status == 503


def test_forms_that_come_by_the_stream_have_the_key_of_the_session(board: Served) -> None:
    manager = board.client(Role.MANAGER)
    with opened(manager, "/cameras/cam05") as stream:
        stream.next()
        board.fleet.put("cam05", state="docked")
        _, regions = stream.next("beat")
        assert manager.form_key() in regions["commands"]


def test_a_stream_ends_with_its_session(board: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_S", 0.02)
    monkeypatch.setattr(live, "LEASE_S", 0.05)
    with opened(board.client(Role.VIEWER), "/") as stream:
        stream.next()
        assert stream.next()[0] == "beat"
        board.board.accounts.remove("viewer")
        assert stream.next("beat")[0] == "end"


def test_an_open_page_does_not_keep_a_session_alive(board: Served) -> None:
    from bodycam_station.board.accounts import IDLE_S

    viewer = board.client(Role.VIEWER)
    board.clock.pass_s(IDLE_S - 60)
    with opened(viewer, "/") as stream:
        assert stream.next()[0] == "hello"
    board.clock.pass_s(120)
    with opened(viewer, "/") as stream:
        assert stream.status == 401


@pytest.mark.parametrize(
    "page",
    ["", "/audit", "/nowhere", "//evil.example/", "http://evil.example/", "/cameras/../audit"],
)
def test_only_pages_that_change_have_a_stream(shared: Served, page: str) -> None:
    with opened(shared.client(Role.AUDITOR), page) as stream:
        assert stream.status == 404


def test_a_stream_of_a_camera_that_does_not_exist_ends(shared: Served) -> None:
    with opened(shared.client(Role.VIEWER), "/cameras/cam99") as stream:
        assert stream.status == 404


def test_streams_are_bounded(board: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS", 1)
    viewer = board.client(Role.VIEWER)
    with opened(viewer, "/") as first:
        first.next()
        with opened(board.client(Role.MANAGER), "/") as second:
            assert second.status == 503
    with opened(viewer, "/") as third:
        assert third.next()[0] == "hello"


def test_one_session_does_not_have_all_streams(
    board: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_OF_SESSION", 1)
    viewer = board.client(Role.VIEWER)
    with opened(viewer, "/") as first:
        first.next()
        with opened(viewer, "/") as second:
            assert second.status == 503
        with opened(board.client(Role.VIEWER), "/") as third:
            assert third.next()[0] == "hello"


def test_many_changes_become_few_events(board: Served) -> None:
    with opened(board.client(Role.VIEWER), "/") as stream:
        stream.next()
        for percent in range(100):
            board.fleet.change("cam05", battery_percent=percent)
        seen = 0
        while True:
            _, regions = stream.next("beat")
            seen += 1
            if "99&nbsp;%" in regions["row-cam05"]:
                break
        assert seen <= 5
