"""The kernel's clocks, and the status file that the other process reads."""

import json
import time
from pathlib import Path

import pytest

from bodycam.errors import DeviceError
from bodycam.posix import clock
from bodycam.posix.clock import PosixClock
from bodycam.posix.status import StatusFile

# ---- clock ---------------------------------------------------------------------------------------


def test_the_clock_is_the_one_of_the_cameras_time_stamps() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    now = PosixClock().now_ns()
    assert before <= now <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def test_the_time_of_day_is_of_nobody_until_the_network_has_set_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clock, "SYNCHRONISED", tmp_path / "synchronized")
    before = time.time_ns()
    wall = PosixClock().wall()
    assert before <= wall.utc_ns <= time.time_ns()
    assert (wall.source, wall.error_ms) == ("none", -1)
    assert wall.utc_offset_s == time.localtime().tm_gmtoff
    (tmp_path / "synchronized").touch()
    assert PosixClock().wall().source == "ntp"


# ---- status --------------------------------------------------------------------------------------


def test_the_newest_status_takes_the_place_of_the_last(tmp_path: Path) -> None:
    status = StatusFile(tmp_path / "status.json")
    status.publish({"state": "standby", "faults": []})
    status.publish({"state": "recording", "faults": ["battery-low"]})
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]
    text = (tmp_path / "status.json").read_text()
    assert json.loads(text) == {"state": "recording", "faults": ["battery-low"]}
    assert text.endswith("\n")


def test_a_status_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    status = StatusFile(tmp_path / "gone" / "status.json")
    with pytest.raises(DeviceError, match=r"gone/status\.json"):
        status.publish({})
