"""A station with one camera, for the tests of what a station does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bodycam.evidence.enrolment import make_request
from bodycam_station.station import Station
from recordings import Camera, Dice, device_key


class Clock:
    """The time of day, a second later at every look."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 14, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """A station that knows cam07."""
    made = Station.init(
        tmp_path / "station", "utrecht", person="A. de Vries", now=Clock(), random=Dice("station")
    )
    with made:
        made.enroll(make_request("cam07", device_key("cam07"), "software"), person="A. de Vries")
        yield made


@pytest.fixture
def camera(station: Station, tmp_path: Path) -> Camera:
    """cam07, which seals to that station."""
    return Camera(tmp_path / "card", recipients=station.recipients)
