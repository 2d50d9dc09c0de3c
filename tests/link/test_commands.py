"""What is let in of what the network says, and what becomes of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from bodycam.link.gate import Heard
from link.desk import NOW_MS, SECOND, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.connect()
    desk.settle()
    return desk


def body(id_: str = "c1", until_ms: int = NOW_MS + 20_000, **more: object) -> bytes:
    return json.dumps({"id": id_, "until_ms": until_ms, **more}).encode()


def give(
    desk: Desk,
    name: str,
    payload: bytes,
    *,
    device: str = "cam07",
    retained: bool = False,
    expires_s: int | None = 20,
) -> None:
    heard = Heard(f"bodycam/v1/{device}/cmd/{name}", payload, retained, expires_s)
    desk.link.heard(heard, desk.clock.now)
    desk.step()
    desk.acknowledge()


def results(desk: Desk) -> list[tuple[str, str, str]]:
    found = [one for one in desk.broker.published if one.leaf == "res"]
    assert all(one.expires_s == 60 and not one.retained for one in found)
    return [(one.topic.rpartition("/")[2], one.message.outcome, one.message.why) for one in found]


def test_report_says_the_status_now(desk: Desk) -> None:
    before = len(desk.broker.of("status"))
    give(desk, "report", body())
    assert results(desk) == [("c1", "done", "")]
    assert len(desk.broker.of("status")) == before + 1


def test_rebirth_says_everything_anew(desk: Desk) -> None:
    before = len(desk.broker.published)
    give(desk, "rebirth", body())
    leaves = [one.leaf for one in desk.broker.published[before:]]
    assert leaves == ["state", "info", "status", "res"]


def test_locate_is_the_recorders_and_so_is_the_answer(desk: Desk) -> None:
    give(desk, "locate", body(seconds=7))
    asked = {"id": "c1", "what": "locate", "seconds": 7, "file": ""}
    assert desk.recorder.asked == [asked]
    desk.says(answers=[{"id": "c0", "outcome": "done", "why": ""}, "nonsense", {"id": 7}])
    desk.step()
    desk.says(answers=[{"id": "c1", "outcome": "refused", "why": "It is recording."}])
    desk.step(times=3)
    assert results(desk) == [("c1", "accepted", ""), ("c1", "refused", "It is recording.")]


def test_a_recorder_that_does_not_answer_has_failed(desk: Desk) -> None:
    give(desk, "locate", body(seconds=7))
    desk.step(times=30)
    assert results(desk)[1:] == [("c1", "failed", "The recorder did not answer.")]
    desk.recorder.deaf = True
    give(desk, "locate", body("c2", seconds=7))
    assert results(desk)[2:] == [
        ("c2", "failed", "The recorder does not take it: Connection refused.")
    ]
    desk.recorder.deaf = False
    desk.clock.now += 40 * SECOND
    heard = Heard("bodycam/v1/cam07/cmd/locate", body("c3", NOW_MS + 70_000, seconds=7), False, 9)
    desk.link.heard(heard, desk.clock.now)
    desk.link.step(desk.clock.now)
    assert results(desk)[3:] == [("c3", "failed", "The recorder does not answer.")]


def test_reboot_only_in_the_dock_and_once_an_hour(desk: Desk) -> None:
    give(desk, "reboot", body("c1"))
    desk.says(state="docked")
    desk.step()
    give(desk, "reboot", body("c2"))
    give(desk, "reboot", body("c3"))
    assert [(one["id"], one["what"]) for one in desk.recorder.asked] == [("c2", "reboot")]
    assert [(id_, outcome) for id_, outcome, _ in results(desk)] == [
        ("c1", "refused"),
        ("c2", "accepted"),
        ("c3", "refused"),
    ]
    desk.step(3600)
    until_ms = NOW_MS + 3_620_000
    give(desk, "reboot", body("c4", until_ms))
    assert desk.recorder.asked[-1]["id"] == "c4"


DROPPED: list[tuple[str, str, dict[str, Any]]] = [
    ("retained", "report", {"retained": True}),
    ("without an expiry", "report", {"expires_s": None}),
    ("with a long expiry", "report", {"expires_s": 31}),
    ("expired", "report", {"payload": body(until_ms=NOW_MS - 1)}),
    ("of this very moment", "report", {"payload": body(until_ms=NOW_MS)}),
    ("valid too long", "report", {"payload": body(until_ms=NOW_MS + 60_000)}),
    ("unknown", "record", {}),
    ("another one's", "report", {"device": "cam08"}),
    ("empty", "report", {"payload": b""}),
    ("not JSON", "report", {"payload": b"{"}),
    ("misshapen", "report", {"payload": body(seconds=3)}),
    ("without its arguments", "locate", {}),
    ("out of bounds", "locate", {"payload": body(seconds=61)}),
    ("oversized", "report", {"payload": body("c" * 64) + b" " * 1024}),
    ("huge", "report", {"payload": b"x" * 40_000}),
]


@pytest.mark.parametrize(("why", "name", "how"), DROPPED, ids=[row[0] for row in DROPPED])
def test_what_is_not_a_command_for_now_is_dropped_and_counted(
    desk: Desk, why: str, name: str, how: dict[str, Any]
) -> None:
    how = {"payload": body(), **how}
    give(desk, name, how.pop("payload"), **how)
    assert desk.link.gate.dropped == 1
    assert results(desk) == []
    assert desk.recorder.asked == []
    desk.step(60)
    assert desk.broker.of("status")[-1].dropped == 1


def test_a_repeated_command_is_dropped_whatever_it_asks(desk: Desk) -> None:
    give(desk, "report", body())
    give(desk, "rebirth", body())
    give(desk, "report", body())
    assert [outcome for _, outcome, _ in results(desk)] == ["done"]
    assert desk.link.gate.dropped == 2


def test_topics_that_are_not_ours_are_dropped(desk: Desk) -> None:
    for topic in (
        "",
        "bodycam/v1/cam07/state",
        "bodycam/v1/cam07/cmd",
        "x",
        "bodycam/v1/cam07/res/c",
    ):
        desk.link.heard(Heard(topic, body()), desk.clock.now)
    assert desk.link.gate.dropped == 5


def test_a_flood_is_dropped_and_takes_no_memory(desk: Desk) -> None:
    for number in range(20_000):
        heard = Heard("bodycam/v1/cam07/cmd/locate", body(f"c{number}", seconds=1), False, 20)
        desk.link.heard(heard, desk.clock.now)
    assert len(desk.recorder.asked) == 10
    assert desk.link.gate.dropped == 19_990
    assert len(desk.link.gate._ids) == 10
    desk.step(11)
    desk.settle()
    give(desk, "report", body("after", NOW_MS + 30_000))
    assert ("after", "done", "") in results(desk)


def test_a_camera_that_does_not_know_the_time_goes_by_the_broker(desk: Desk) -> None:
    desk.clock.source = "none"
    give(desk, "report", body(until_ms=1))
    give(desk, "report", body("c2", until_ms=1), expires_s=None)
    assert [id_ for id_, _, _ in results(desk)] == ["c1"]


def test_what_the_recorder_dropped_counts_too(desk: Desk) -> None:
    desk.says(dropped=3)
    give(desk, "nonsense", body())
    desk.step(60)
    assert desk.broker.of("status")[-1].dropped == 4
