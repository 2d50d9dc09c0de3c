"""The board over the real fleet and a real database: both sides mean the same by the port."""

from collections.abc import Iterator

import pytest
from tools.seeded import MIN_MS, NOW_MS, PASSWORD, seeded

from board.served import SETTINGS, Clock, Stage, Visitor
from board.test_live import opened
from board.test_pages import section, sheet, words
from bodycam.messages.camera import Result
from bodycam_station.board import live
from bodycam_station.board.accounts import Accounts
from bodycam_station.board.app import make_app
from bodycam_station.board.audit import Audit
from bodycam_station.board.frame import Board
from bodycam_station.board.live import Hub
from bodycam_station.fleet.service import FleetService
from bodycam_station.fleet.taking import Incoming


class Desk:
    """The board over the seeded fleet, and a manager who is logged in."""

    def __init__(self, stage: Stage, url: str, fleet: FleetService) -> None:
        self.fleet = fleet
        board = Board(SETTINGS, fleet, Accounts(fleet.store), Audit(fleet.store), Clock(NOW_MS))
        self.hub = Hub(fleet)
        stage.show(url, make_app(board, self.hub), self.hub)
        self.manager = Visitor.at(url)
        answer = self.manager.post("/login", key="", name="manager", password=PASSWORD)
        assert answer.status_code == 303


@pytest.fixture(scope="module")
def desk(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("seeded") / "station"
    with seeded(folder, 30 * MIN_MS) as fleet, stage.address() as url:
        one = Desk(stage, url, fleet)
        yield one
        one.manager.client.close()
        one.hub.close()


def test_the_morning_of_the_real_fleet(desk: Desk) -> None:
    page = desk.manager.get("/").text
    assert "21 can go out · 2 cannot · 1 missing" in words(page)
    assert "The card shows an older state than was seen before" in section(page, "cannot")
    assert "The speaker did not give the warning" in section(page, "cannot")
    assert "cam07" in section(page, "missing")
    assert "3 recordings have been on the camera for more than 24 hours" in section(page, "see")
    assert "The clock is 94 s off (source: clock module)" in section(page, "see")
    assert "Runs version 0.1.4, should be 0.2.0" in words(page)
    assert "Nieuwe kaart besteld, komt donderdag." in words(page)


@pytest.mark.parametrize("span", ["hours", "day", "week", "month"])
def test_a_camera_of_the_real_fleet(desk: Desk, span: str) -> None:
    text = words(desk.manager.get(f"/cameras/cam18?span={span}").text)
    assert "In the dock" in text
    assert "Now 100 %; lowest" in text
    assert "Command: Show yourself: Done" in text
    assert "Began: Card rolled back" in text
    assert "Started" in text


def test_a_command_of_the_real_fleet_is_seen_to_be_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BEAT_S", 60)  # only what the fleet tells makes the page look
    with opened(desk.manager, "/cameras/cam10") as stream:
        stream.next()
        answer = desk.manager.post("/cameras/cam10/command", command="report")
        assert answer.status_code == 303
        name, regions = stream.next("beat")
        while "commands" not in regions or "Sent" not in regions["commands"]:
            name, regions = stream.next("beat")
        given = desk.fleet.commands("cam10")[0]
        for outcome, shown in (("accepted", "Accepted"), ("done", "Done")):
            topic = f"bodycam/v1/cam10/res/{given.id}"
            said = Result("report", outcome).encode()
            desk.fleet.take([Incoming(topic, said, NOW_MS)])
            desk.fleet.tick(NOW_MS)
            name, regions = stream.next("beat")
            assert name == "regions"
            assert shown in regions["commands"]


def test_the_real_fleet_as_a_file(desk: Desk) -> None:
    rows = sheet(desk.manager.get("/fleet.csv").content)
    assert len(rows) == 25
    by_camera = {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    assert by_camera["cam07"]["fitness"] == "missing"
    assert by_camera["cam03"]["waiting"] == "3"


def test_a_custody_alarm_ends_when_somebody_has_looked_at_it(desk: Desk) -> None:
    found = {one.code: one for one in desk.fleet.view(NOW_MS).exceptions}
    finding = found["custody-rollback"]
    answer = desk.manager.post(
        "/cameras/cam18/acknowledge", finding=str(finding.id), note="Kaart in de kluis"
    )
    assert answer.headers["location"] == "/cameras/cam18?said=acknowledged"
    assert "Kaart in de kluis" in words(desk.manager.get("/cameras/cam18").text)
    assert "Card rolled back" not in section(desk.manager.get("/").text, "cannot")
    again = desk.manager.post(
        "/cameras/cam18/acknowledge", finding=str(finding.id), note="nog eens"
    )
    assert again.headers["location"] == "/cameras/cam18?said=gone"


def test_a_group_of_the_real_fleet(desk: Desk) -> None:
    assert desk.manager.post("/cameras/cam10/group", group="Binnenstad").status_code == 303
    assert "Binnenstad" in words(desk.manager.get("/?q=cam10").text)
