"""Moments as people say them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bodycam_station.board.texts import Language
from bodycam_station.board.times import day, moment, precise

UTRECHT = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 26, 7, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "dutch", "english"),
    [
        (datetime(2026, 11, 26, 6, 58, tzinfo=UTC), "07:58", "07:58"),
        (datetime(2026, 11, 25, 23, 1, tzinfo=UTC), "00:01", "00:01"),
        (datetime(2026, 11, 25, 22, 59, tzinfo=UTC), "gisteren 23:59", "yesterday 23:59"),
        (datetime(2026, 11, 3, 15, 0, tzinfo=UTC), "3 nov. 16:00", "3 Nov 16:00"),
        (datetime(2026, 7, 3, 15, 0, tzinfo=UTC), "3 juli 17:00", "3 Jul 17:00"),
        (datetime(2025, 12, 31, 12, 0, tzinfo=UTC), "31 dec. 2025", "31 Dec 2025"),
        (datetime(2026, 11, 26, 23, 30, tzinfo=UTC), "27 nov. 00:30", "27 Nov 00:30"),
    ],
)
def test_a_moment_is_as_short_as_it_is_clear(at: datetime, dutch: str, english: str) -> None:
    languages: tuple[Language, Language] = ("nl", "en")
    assert [moment(at, NOW, UTRECHT, one) for one in languages] == [dutch, english]


def test_logs_have_all_of_it() -> None:
    assert precise(NOW, UTRECHT) == "2026-11-26 08:12:00"
    assert day(NOW, UTRECHT, "en") == "Thursday 26 November 2026"
    assert day(NOW, UTRECHT, "nl") == "donderdag 26 november 2026"
