"""What a camera says to its fleet, step by step, over a broker that acknowledges when told to."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from bodycam.errors import DeviceError
from bodycam.link.link import MAX_FLYING
from bodycam.messages.camera import RECORDER_SILENT
from link.desk import ABOUT, SECOND, Desk, opened


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# ---- sessions ------------------------------------------------------------------------------------


def test_a_connection_begins_with_all_that_is_retained(desk: Desk) -> None:
    will = desk.connect()
    desk.step()
    assert [one.leaf for one in desk.broker.published] == ["state", "info", "status"]
    assert all(one.retained for one in desk.broker.published)
    (state,), (info,), (status,) = (desk.broker.of(leaf) for leaf in ("state", "info", "status"))
    assert (state.state, state.reason) == ("online", "")
    assert (will.state, will.session, will.boot) == ("lost", state.session, state.boot)
    assert status.session == state.session
    assert (info.model, info.interval_s, info.policy) == ("desk", 60, "0123456789abcdef" * 4)
    assert (status.battery_percent, status.radio_dbm, status.clock_error_ms) == (80, -60, 40)


def test_every_session_has_another_name_and_counts_from_zero(desk: Desk) -> None:
    desk.connect()
    desk.settle()
    desk.step(60)
    first = desk.broker.of("status")
    assert [status.seq for status in first] == [0, 1]
    desk.link.disconnected()
    desk.connect()
    desk.step()
    (again,) = desk.broker.of("status")
    assert again.seq == 0
    assert again.session != first[0].session


@pytest.mark.parametrize(
    ("recorder", "word"),
    [("standby", "online"), ("recording", "online"), ("paused", "paused"), ("docked", "docked")],
)
def test_the_state_is_the_recorders(desk: Desk, recorder: str, word: str) -> None:
    desk.connect()
    desk.says(state=recorder)
    desk.step()
    assert [state.state for state in desk.broker.of("state")] == [word]


def test_goodbye_is_no_loss(desk: Desk) -> None:
    desk.connect()
    desk.settle()
    desk.link.end("The link was stopped.", desk.clock.now)
    last = desk.broker.of("state")[-1]
    assert (last.state, last.reason) == ("offline", "The link was stopped.")


def test_a_recorder_that_is_silent_is_told(desk: Desk) -> None:
    desk.connect()
    desk.settle()
    spoke_us = desk.recorder.said["at_us"] if desk.recorder.said else 0
    desk.clock.now += 31 * SECOND
    desk.link.step(desk.clock.now)
    state, status = desk.broker.of("state")[-1], desk.broker.of("status")[-1]
    assert (state.state, state.reason) == ("online", "The recorder does not answer.")
    assert status.faults == (RECORDER_SILENT,)
    assert status.at_us == spoke_us
    desk.step(3)
    assert desk.broker.of("state")[-1].reason == ""


def test_without_any_word_of_the_recorder_there_is_a_state_and_no_status(desk: Desk) -> None:
    desk.recorder.said = None
    desk.connect()
    desk.step()
    assert [one.leaf for one in desk.broker.published] == ["state"]


def test_a_status_that_breaks_the_contract_is_not_passed_on_and_said_once(desk: Desk) -> None:
    desk.connect()
    desk.says(battery_percent=101)
    desk.step(times=5)
    assert desk.broker.of("status") == []
    assert len([said for said in desk.told if "battery_percent" in said]) == 1
    desk.says(battery_percent=100)
    desk.step()
    assert len(desk.broker.of("status")) == 1


# ---- status --------------------------------------------------------------------------------------


def test_status_comes_at_the_interval(desk: Desk) -> None:
    desk.connect()
    for _ in range(125):
        desk.step(1)
        desk.acknowledge()
    assert [status.seq for status in desk.broker.of("status")] == [0, 1, 2]


def test_a_change_is_told_at_once_and_many_changes_are_few_statuses(desk: Desk) -> None:
    desk.connect()
    desk.settle()
    for number in range(40):
        desk.says(not_handed_over=number)
        desk.step()
        desk.acknowledge()
    told = desk.broker.of("status")
    assert len(told) == pytest.approx(10, abs=1)
    desk.settle(2)
    assert desk.broker.of("status")[-1].waiting == 39


def test_what_the_recorder_does_not_know_is_not_told_as_none_waiting(desk: Desk) -> None:
    desk.connect()
    desk.says(not_handed_over=None)
    desk.step()
    assert desk.broker.of("status")[-1].waiting is None


def test_while_it_records_the_ledgers_newest_line_is_told_every_ten_seconds(desk: Desk) -> None:
    desk.connect()
    desk.settle()
    before = len(desk.broker.of("status"))
    for second in range(60):
        desk.says(recording=True, ledger=json.dumps({"line": second}))
        desk.step(1)
        desk.acknowledge()
    told = desk.broker.of("status")[before:]
    assert len(told) >= 6
    seconds = [json.loads(status.ledger)["line"] for status in told]
    assert max(b - a for a, b in pairwise(seconds)) <= 10


def test_statuses_do_not_queue_and_the_newest_is_said_after_a_time_without_network(
    desk: Desk,
) -> None:
    desk.connect()
    desk.step()
    for number in range(30):  # the broker acknowledges nothing
        desk.says(not_handed_over=number)
        desk.step(5)
    assert len(desk.broker.of("status")) == 1
    desk.link.disconnected()
    desk.says(not_handed_over=77)
    desk.step(600)
    desk.connect()
    desk.step()
    assert [status.waiting for status in desk.broker.of("status")] == [77]


# ---- the journal ---------------------------------------------------------------------------------


def test_what_happens_becomes_events_and_what_the_wearer_did_does_not(desk: Desk) -> None:
    desk.writes("boot")
    desk.clock.now += SECOND
    desk.connect()
    desk.writes("open", "act", "device", "writer", "close", "fault")
    desk.settle()
    events = desk.broker.of("event")
    fields = [opened(event.line) for event in events]
    assert [one["kind"] for one in fields] == ["boot", "open", "close", "fault"]
    assert [event.seq for event in events] == [one["seq"] for one in fields] == [0, 1, 5, 6]
    assert [event.historical for event in events] == [True, False, False, False]


def test_lines_of_another_boot_are_historical_however_late_in_it(desk: Desk) -> None:
    desk.connect()
    desk.clock.now += 1000 * SECOND
    desk.writes("shutdown", boot="boot-1")
    desk.writes("boot")
    desk.settle()
    assert [event.historical for event in desk.broker.of("event")] == [True, False]


def test_at_most_twenty_are_in_flight(desk: Desk) -> None:
    desk.writes(*["fault"] * 50)
    desk.connect()
    desk.step(times=20)
    assert len(desk.broker.published) == MAX_FLYING
    sizes = []
    while len(desk.broker.of("event")) < 50:
        desk.acknowledge()
        before = len(desk.broker.published)
        desk.step()
        sizes.append(len(desk.broker.published) - before)
    assert max(sizes) <= MAX_FLYING
    seqs = [event.seq for event in desk.broker.of("event")]
    assert seqs == list(range(50))


def test_what_was_not_acknowledged_is_sent_again_and_nothing_else(desk: Desk) -> None:
    digests = desk.writes(*["fault"] * 10)
    desk.connect()
    desk.step()
    by_line = {one.message.id: one.number for one in desk.broker.published if one.leaf == "event"}
    for line in (*digests[:4], digests[6]):
        desk.link.acknowledged(by_line[line])
    desk.link.disconnected()
    desk.connect()
    desk.settle()
    assert [event.id for event in desk.broker.of("event")] == digests[4:]


def test_a_restart_goes_on_where_it_was(desk: Desk) -> None:
    first = desk.writes("boot", "open", "close")
    desk.connect()
    desk.settle()
    assert [event.id for event in desk.broker.of("event")] == first
    desk.link.disconnected()
    desk.start()
    second = desk.writes("open")
    desk.connect()
    desk.settle()
    assert [event.id for event in desk.broker.of("event")] == second
    assert desk.told == []


def test_the_place_is_kept_while_it_runs_too(desk: Desk) -> None:
    desk.writes("boot", "open", "close")
    desk.connect()
    desk.settle(5)
    desk.step(6)
    desk.start()  # the process was killed: nobody said `disconnected`
    desk.connect()
    desk.settle()
    assert desk.broker.of("event") == []


@pytest.mark.parametrize("damage", [b"", b"{", b'{"v":1}', b'{"v":2,"offset":0,"head":"x"}', b"[]"])
def test_a_place_that_is_not_readable_is_the_beginning(desk: Desk, damage: bytes) -> None:
    digests = desk.writes("boot", "open")
    (desk.folder / "cursor.json").write_bytes(damage)
    desk.start()
    desk.connect()
    desk.settle()
    assert [event.id for event in desk.broker.of("event")] == digests
    assert len(desk.told) == 1


def test_a_journal_that_was_set_aside_is_followed_from_its_beginning(desk: Desk) -> None:
    desk.writes("boot", "open", "close", "fault")
    desk.connect()
    desk.settle()
    desk.path.rename(desk.folder / "aside.jsonl")
    desk.step()
    desk.journal = type(desk.journal)("cam07", desk.journal._sign.__self__, "boot-2")  # type: ignore[attr-defined]
    digests = desk.writes("journal-cut", "boot")
    before = len(desk.broker.of("event"))
    desk.settle()
    assert [event.id for event in desk.broker.of("event")[before:]] == digests


@pytest.mark.parametrize("first", ["journal-cut", "boot"])
def test_a_journal_that_is_longer_than_the_place_and_another_is_noticed(
    desk: Desk, first: str
) -> None:
    """Also where a line of it ends at the very place."""
    desk.writes("boot")
    desk.connect()
    desk.settle(6)
    desk.link.disconnected()
    desk.path.unlink()
    desk.journal = type(desk.journal)("cam07", desk.journal._sign.__self__, "boot-2")  # type: ignore[attr-defined]
    desk.clock.now += SECOND
    digests = desk.writes(first, "boot", "fault")
    desk.start()
    desk.connect()
    desk.settle()
    assert [event.id for event in desk.broker.of("event")] == digests
    assert any("another one" in said for said in desk.told)


def test_a_line_that_is_not_durable_yet_is_not_told(desk: Desk) -> None:
    """It may be gone after a power cut, and the station would take that for another card."""
    desk.writes("boot")
    durable = desk.recorder.said["journal"] if desk.recorder.said else ""
    digests = desk.writes("open", "close")
    newest = desk.recorder.said["journal"] if desk.recorder.said else ""
    desk.says(journal=durable)
    desk.connect()
    desk.settle()
    assert [opened(event.line)["kind"] for event in desk.broker.of("event")] == ["boot"]
    desk.says(journal="")
    desk.settle()
    assert len(desk.broker.of("event")) == 1
    desk.says(journal=newest)
    desk.settle()
    assert [event.id for event in desk.broker.of("event")[1:]] == digests


def test_a_torn_line_waits_for_its_end(desk: Desk) -> None:
    (digest,) = desk.writes("boot")
    whole = desk.path.read_bytes()
    desk.path.write_bytes(whole[:-30])
    desk.connect()
    desk.settle()
    assert desk.broker.of("event") == []
    with desk.path.open("ab") as file:
        file.write(whole[-30:])
    desk.settle()
    assert [event.id for event in desk.broker.of("event")] == [digest]


@pytest.mark.parametrize(
    "spoiled", [b"x\n", b"\n", b'{"dom":"other"}\n', b"\xff" * 9000 + b"\n", b"y" * 200_000 + b"\n"]
)
def test_what_is_no_line_does_not_hold_up_the_next(desk: Desk, spoiled: bytes) -> None:
    desk.writes("boot")
    with desk.path.open("ab") as file:
        file.write(spoiled)
    desk.writes("open", "close")
    desk.connect()
    desk.settle()
    kinds = [opened(event.line)["kind"] for event in desk.broker.of("event")]
    assert kinds == ["boot", "open", "close"]


def test_a_journal_that_is_no_file_is_none(desk: Desk) -> None:
    desk.path.mkdir()
    desk.connect()
    desk.settle()
    assert desk.broker.of("event") == []
    desk.path.rmdir()
    desk.path.symlink_to("/etc/passwd")
    desk.settle()
    assert desk.broker.of("event") == []


def test_a_connection_that_breaks_while_something_is_said_is_told_to_the_host(desk: Desk) -> None:
    desk.writes("boot")
    desk.connect()
    desk.broker.gone = True
    with pytest.raises(DeviceError):
        desk.step()


def test_how_long_the_oldest_waits(desk: Desk) -> None:
    desk.connect()
    assert (desk.link.waiting_ns(desk.clock.now), desk.link.idle) == (0, True)
    desk.step()
    began = desk.clock.now
    desk.step(7)
    assert desk.link.waiting_ns(desk.clock.now) == desk.clock.now - began
    assert not desk.link.idle
    desk.acknowledge()
    assert desk.link.idle
    assert ABOUT.interval_s == 60
