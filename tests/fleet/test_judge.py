"""The judgement: which cameras can go out, and what is wrong with the others."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam_station.fleet.judge import Ears, Expected, Subject, fresh_until_ms, row_of
from bodycam_station.fleet.known import Known
from bodycam_station.fleet.settings import Settings
from bodycam_station.fleet.views import Acknowledgement, CameraRow, Finding
from fleet.cameras import HASH, INFO, START_MS, STATUS

OTHER = "f" * 64
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
SETTINGS = Settings()
EARS = Ears(since_ms=START_MS - HOUR_MS)


def subject(
    state: str = "docked",
    *,
    known: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    info: dict[str, Any] | None = None,
    expected: Expected | None = None,
    **changes: Any,
) -> Subject:
    """A camera in good order in its dock, heard just now, with something changed."""
    said = replace(STATUS, **(status or {}))
    made = Known(
        "cam07",
        state=state,
        state_ms=START_MS,
        before="docked",
        heard_ms=START_MS,
        status_ms=START_MS,
        battery_percent=said.battery_percent,
        charging=said.charging,
        clock_off_ms=100,
    )
    return Subject(
        known=made._replace(**(known or {})),
        info=replace(INFO, **(info or {})),
        status=said,
        expected=expected or Expected(),
        enrolled_ms=START_MS - HOUR_MS,
        **changes,
    )


def look(
    one: Subject, after_s: float = 0, *, ears: Ears = EARS, settings: Settings = SETTINGS
) -> CameraRow:
    return row_of(one, START_MS + int(after_s * 1000), ears, settings)


def codes(row: CameraRow) -> list[str]:
    return [one.code for one in row.findings]


def test_a_camera_in_good_order_can_go_out() -> None:
    row = look(subject())
    assert (row.state, row.fitness, row.findings) == ("docked", "can", ())


@pytest.mark.parametrize("state", ["online", "docked", "paused"])
def test_it_is_stale_after_two_and_a_half_intervals(state: str) -> None:
    one = subject(state)
    assert look(one, 150).state == state
    stale = look(one, 151)
    assert (stale.state, stale.since_ms) == ("stale", START_MS + 150_000)
    assert look(replace(one, info=replace(INFO, interval_s=600)), 151).state == state


def test_what_the_station_could_not_hear_is_no_cameras_fault() -> None:
    online = subject("online")
    deaf = replace(EARS, until_ms=START_MS + 60_000)
    assert look(online, 9 * 3600, ears=deaf).state == "online"
    back = Ears(since_ms=START_MS + 8 * HOUR_MS)
    assert look(online, 8 * 3600 + 100, ears=back).state == "online"
    assert look(online, 8 * 3600 + 200, ears=back).state == "stale"
    assert look(online, 8 * 3600 + 200, ears=back).fitness == "can"


@pytest.mark.parametrize(
    ("state", "minutes", "fitness", "found"),
    [
        ("lost", 5, "cannot", ["lost"]),
        ("lost", 59, "cannot", ["lost"]),
        ("lost", 61, "missing", ["missing"]),
        ("online", 61, "missing", ["missing"]),
        ("offline", 61, "can", []),
        ("offline", 15 * 60, "can", []),
        ("offline", 16 * 60 + 1, "missing", ["missing"]),
    ],
)
def test_it_is_missing_when_it_was_not_heard_for_too_long(
    state: str, minutes: int, fitness: str, found: list[str]
) -> None:
    row = look(subject(state), minutes * 60)
    assert (row.fitness, codes(row)) == (fitness, found)
    if found == ["missing"]:
        assert row.findings[0].since_ms == START_MS


def test_a_camera_that_was_never_heard_is_missing_since_it_was_enrolled() -> None:
    row = look(Subject(Known("cam07"), None, None, Expected(), enrolled_ms=START_MS - 5))
    assert (row.state, row.fitness, row.findings[0].since_ms) == ("never", "missing", START_MS - 5)


def test_a_loss_shows_when_nobody_took_over() -> None:
    lost = subject("lost", known={"before": "online"})
    assert look(lost, 9).state == "online"
    assert look(lost, 10).state == "lost"


@pytest.mark.parametrize(
    ("changes", "code", "fitness"),
    [
        ({"status": {"dock_test": "failed"}}, "dock-test", "cannot"),
        ({"status": {"clock": "none"}}, "clock", "can"),
        ({"status": {"clock_error_ms": 31_000}}, "clock", "can"),
        ({"known": {"clock_off_ms": -31_000}}, "clock", "can"),
        ({"status": {"battery_percent": 70}}, "will-not-last", "cannot"),
        ({"drain": 12.0}, "will-not-last", "cannot"),
        ({"expected": Expected(key=OTHER)}, "key", "cannot"),
        ({"expected": Expected(recipients=OTHER)}, "recipients", "cannot"),
        ({"expected": Expected(config_version=3)}, "configuration", "can"),
        ({"status": {"faults": ("camera-stalled",)}}, "fault", "cannot"),
        ({"status": {"faults": ("lens-dark",)}}, "fault", "can"),
        ({"status": {"faults": ("new-in-2031",)}}, "fault", "can"),
    ],
)
def test_what_is_wrong_is_found(changes: dict[str, Any], code: str, fitness: str) -> None:
    row = look(subject(**changes))
    assert (codes(row), row.fitness) == ([code], fitness)


def test_each_edge_is_still_good() -> None:
    edges = subject(
        status={"clock_error_ms": 30_000, "battery_percent": 80},
        known={"clock_off_ms": 30_000},
        drain=10.0,
        expected=Expected(key=HASH, recipients=HASH, config_version=0),
    )
    settings = Settings(expect_policy=HASH, expect_software="0.1.0")
    assert look(edges, settings=settings).findings == ()


def test_drift_of_policy_and_software_is_told_and_bars_nothing() -> None:
    row = look(subject(), settings=Settings(expect_policy=OTHER, expect_software="0.2.0"))
    assert (codes(row), row.fitness) == (["policy", "software"], "can")
    assert row.findings[1].values == {"is": "0.1.0", "expected": "0.2.0"}


def test_on_the_street_a_battery_need_not_last_a_whole_shift() -> None:
    assert look(subject("online", status={"battery_percent": 40})).findings == ()
    assert look(subject("offline", status={"battery_percent": 40})).fitness == "cannot"


def test_how_long_a_charge_lasts_follows_its_own_use() -> None:
    assert look(subject(status={"battery_percent": 50})).lasts_minutes == 300
    assert look(subject(status={"battery_percent": 50}, drain=25.0)).lasts_minutes == 120
    assert look(subject(status={"battery_percent": None})).lasts_minutes is None


def written(code: str, detail: str = "", **changes: Any) -> Finding:
    return replace(
        Finding(7, "cam07", code, detail, "grave", True, START_MS - 5 * MINUTE_MS, "do"), **changes
    )


def test_a_finding_that_lasts_keeps_its_beginning_and_who_saw_it() -> None:
    seen = Acknowledgement("A. de Vries", "ordered a new one", START_MS)
    known = written("fault", "speaker-dead", acknowledged=seen)
    row = look(subject(status={"faults": ("speaker-dead", "room-low")}, open=(known,)))
    assert [(one.detail, one.id) for one in row.findings] == [("room-low", 0), ("speaker-dead", 7)]
    assert row.findings[1].since_ms == known.since_ms
    assert row.findings[1].acknowledged == seen


def test_what_was_written_of_a_fault_that_is_over_is_not_shown() -> None:
    assert look(subject(open=(written("fault", "speaker-dead"),))).findings == ()


def test_a_custody_alarm_stands_whatever_the_camera_says() -> None:
    row = look(subject(open=(written("custody-rollback"),)))
    assert (codes(row), row.fitness) == (["custody-rollback"], "cannot")


@given(
    state=st.sampled_from(["online", "docked", "paused", "offline", "lost"]),
    before=st.sampled_from(["online", "docked", "lost", "never"]),
    heard_s=st.integers(-4000, 0),
    since_s=st.integers(-4000, 4000),
    at_s=st.integers(0, 70_000),
    later=st.floats(0, 1, exclude_max=True),
)
def test_a_row_holds_as_long_as_it_is_said_to(
    state: str, before: str, heard_s: int, since_s: int, at_s: int, later: float
) -> None:
    one = subject(
        state,
        known={
            "before": before,
            "state_ms": START_MS + heard_s * 500,
            "heard_ms": START_MS + heard_s * 1000,
            "status_ms": START_MS + heard_s * 1000,
        },
    )
    ears = Ears(since_ms=START_MS + since_s * 1000)
    now_ms = START_MS + at_s * 1000
    until_ms = fresh_until_ms(one, now_ms, ears, SETTINGS)
    assert now_ms < until_ms
    last_ms = min(until_ms - 1, now_ms + 100 * HOUR_MS)
    for then_ms in (now_ms + int((last_ms - now_ms) * later), last_ms):
        then = row_of(one, then_ms, ears, SETTINGS)
        now = row_of(one, now_ms, ears, SETTINGS)
        assert (then.state, then.fitness, codes(then)) == (now.state, now.fitness, codes(now))


def test_a_camera_that_went_is_not_shown_as_recording() -> None:
    assert look(subject("online", status={"recording": True})).recording
    assert not look(subject("lost", status={"recording": True}), 60).recording
