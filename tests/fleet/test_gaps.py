"""Recordings that are nowhere. A shift is written as `42+ 42. 43+`: begun, closed, begun."""

import pytest

from bodycam_station.fleet.custody import MAX_GAPS, Heard, gaps, oldest_unstored_ms

MINUTE_MS = 60_000
ENDS = {".": "close", "r": "recovered", "v": "void", "x": "deleted"}


def heard(script: str) -> list[Heard]:
    """What was heard, a minute apart; `42s` is in the store."""
    found: dict[int, dict[str, object]] = {}
    for minute, word in enumerate(script.split()):
        number, what = int(word[:-1]), word[-1]
        one = found.setdefault(
            number, {"opened_ms": None, "ended": "", "ended_ms": None, "stored_ms": None}
        )
        if what == "+":
            one["opened_ms"] = minute * MINUTE_MS
        elif what == "s":
            one["stored_ms"] = minute * MINUTE_MS
        else:
            one |= {"ended": ENDS[what], "ended_ms": minute * MINUTE_MS}
    return [
        Heard(rec=f"cam07-{number:06d}-00000000", counter=number, **fields)  # type: ignore[arg-type]
        for number, fields in found.items()
    ]


def look(
    script: str, after_minutes: int, *, recording: bool = False, waiting: int | None = 1
) -> str:
    """The gaps, so long after the beginning; a status has just come."""
    at_ms = after_minutes * MINUTE_MS
    found = gaps(heard(script), recording=recording, waiting=waiting, status_ms=at_ms, now_ms=at_ms)
    return " ".join(f"{one.code.rpartition('-')[2]}:{_number(one.detail)}" for one in found)


def _number(detail: str) -> int:
    """Of a recording, or the number itself."""
    return int(detail.split("-")[1] if "-" in detail else detail)


@pytest.mark.parametrize(
    ("script", "after", "found"),
    [
        ("42+ 42. 43+ 43.", 100, ""),
        ("42+", 15, ""),
        ("42+", 16, "open:42"),
        ("42+ 42r", 100, ""),
        ("42+ 42v", 100, ""),
        ("42+ 42s", 100, ""),
        ("42+ 42. 42x", 100, "gone:42"),
        ("42+ 42. 42s 42x", 100, ""),
        ("42+ 42. 44+ 44.", 61, ""),
        ("42+ 42. 44+ 44.", 63, "number:43"),
        ("42+ 42. 44+ 44. 43s", 100, ""),
        ("42+ 42. 44+ 44. 43+ 43.", 100, ""),  # it was only late
        ("42+ 42. 1+ 1. 2+ 2.", 100, ""),
        ("10s 20s 42+ 42.", 100, ""),
    ],
)
def test_a_gap_shows_once_it_has_had_its_time(script: str, after: int, found: str) -> None:
    assert look(script, after) == found


def test_what_is_being_recorded_is_no_gap() -> None:
    assert look("42+", 500, recording=True) == ""


def test_what_is_neither_waiting_nor_here_is_gone() -> None:
    assert look("42+ 42.", 11, waiting=0) == ""
    assert look("42+ 42.", 12, waiting=0) == "gone:42"
    assert look("42+ 42.", 12, waiting=None) == ""
    assert look("42+ 42. 42s", 12, waiting=0) == ""


def test_a_thousand_gaps_are_twenty() -> None:
    assert len(look("1+ 9999+", 500, recording=True).split()) == MAX_GAPS


def test_hand_over_counts_from_the_oldest_that_nobody_has() -> None:
    assert oldest_unstored_ms(heard("42+ 42. 43+ 43. 42s")) == 3 * MINUTE_MS
    assert oldest_unstored_ms(heard("42+ 42. 42s 43+")) is None
