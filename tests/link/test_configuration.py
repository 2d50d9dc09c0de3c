"""What the link makes of the configuration that the station wants: it only carries it."""

import json
from pathlib import Path

import pytest

from bodycam.evidence.desired import Desired, sign_desired
from bodycam.link.gate import Heard
from link.desk import STATION_KEY, Desk
from recordings import device_key, recipient

RECIPIENTS = tuple(sorted((recipient("station"), recipient("escrow"))))


def document(version: int = 3, device: str = "cam07", station: str = "station") -> bytes:
    wanted = Desired("utrecht", device, version, b"policy", RECIPIENTS)
    return sign_desired(wanted, STATION_KEY if station == "station" else device_key(station))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.connect()
    desk.settle()
    return desk


def hear(desk: Desk, payload: bytes) -> None:
    desk.link.heard(Heard("bodycam/v1/cam07/desired", payload, retained=True), desk.clock.now)
    desk.step()
    desk.acknowledge()


def looks(desk: Desk) -> list[str]:
    return [ask["id"] for ask in desk.recorder.asked if ask["what"] == "look"]


def test_it_is_shown_to_the_recorder_until_it_is_in_force(desk: Desk) -> None:
    hear(desk, document())
    assert desk.recorder.left["desired"] == document()
    assert desk.recorder.asked == [
        {"id": "config-3", "what": "look", "seconds": 0, "file": "desired"}
    ]
    desk.step(1, times=59)
    assert len(looks(desk)) == 1
    desk.step(1, times=2)
    assert len(looks(desk)) == 2
    desk.says(config_version=3)
    desk.settle()
    desk.step(1, times=200)
    assert len(looks(desk)) == 2
    assert desk.broker.of("status")[-1].config_version == 3
    hear(desk, document())  # as at each connection: it is retained
    assert len(looks(desk)) == 2
    assert desk.link.gate.dropped == 0


def test_a_newer_one_takes_its_place(desk: Desk) -> None:
    hear(desk, document(3))
    hear(desk, document(5))
    assert looks(desk) == ["config-3", "config-5"]
    assert desk.recorder.left["desired"] == document(5)


def test_a_recorder_that_does_not_answer_is_not_bothered(desk: Desk) -> None:
    desk.clock.now += 60_000_000_000
    desk.link.heard(Heard("bodycam/v1/cam07/desired", document()), desk.clock.now)
    desk.link.step(desk.clock.now)
    assert looks(desk) == []
    desk.recorder.deaf = True
    desk.step()
    assert any("does not take it" in said for said in desk.told)
    desk.recorder.deaf = False
    desk.step(61)
    assert looks(desk) == ["config-3"]


BAD = {
    "unsigned": document().partition(b"\n")[0],
    "changed": document().replace(b'"version":3', b'"version":9'),
    "another camera's": document(device="cam08"),
    "another station's": document(station="elsewhere"),
    "older": document(1),
    "nothing like it": json.dumps({"version": 9}).encode(),
    "long": b"x" * 32_000,
    "endless": b"x" * 40_000,
}


@pytest.mark.parametrize("why", BAD)
def test_what_is_not_the_stations_newer_word_is_dropped_and_counted(desk: Desk, why: str) -> None:
    desk.says(config_version=2)
    desk.step()
    hear(desk, BAD[why])
    assert desk.recorder.left == {}
    assert desk.link.gate.dropped == 1
    desk.step(60)
    assert desk.broker.of("status")[-1].dropped == 1


def test_one_that_is_taken_away_is_no_word_at_all(desk: Desk) -> None:
    hear(desk, b"")
    assert desk.recorder.left == {}
    assert desk.link.gate.dropped == 0
