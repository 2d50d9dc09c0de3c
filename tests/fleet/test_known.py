"""Sessions, wills and statuses: what a camera says, in whatever order the broker brings it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam.messages.camera import State, Status
from bodycam_station.fleet.known import Known, is_news, take_state, take_status
from fleet.cameras import START_MS, STATUS

MINUTE_MS = 60_000


def hear(script: str, known: Known | None = None) -> Known:
    """A camera after a script: `online:s1 status:s1/4 lost:s1`, a second apart; `~` is retained."""
    known = known or Known("cam07")
    for second, word in enumerate(script.split()):
        at_ms = START_MS + second * 1000
        what, _, session = word.lstrip("~").partition(":")
        retained = word.startswith("~")
        if what == "status":
            session, _, seq = session.partition("/")
            said = replace(STATUS, session=session, seq=int(seq))
            if is_news(known, said):
                known, _ = take_status(known, said, at_ms, retained=retained)
        else:
            known = take_state(known, State(what, "b1", session), at_ms, retained=retained)
    return known


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ("online:s1", "online"),
        ("online:s1 lost:s1", "lost"),
        ("online:s1 online:s2 lost:s1", "online"),  # taken over: the will comes afterwards
        ("online:s1 lost:s1 online:s2", "online"),  # … or before
        ("online:s1 online:s2 lost:s1 lost:s2", "lost"),
        ("online:s2 lost:s1", "online"),  # of a session that was over before we listened
        ("online:s1 online:s2 docked:s1", "online"),  # the replaced session has nothing to say
        ("online:s1 paused:s1 docked:s1", "docked"),
        ("online:s1 offline:s1", "offline"),
        ("~lost:s1", "lost"),
        ("~lost:s2 ~status:s1/9", "lost"),  # the station's first look: what the broker kept
        ("~lost:s1 status:s2/1", "online"),  # its state did not come, but it speaks
        ("online:s1 lost:s1 status:s1/1", "lost"),
        ("docked:s1 status:s1/1 status:s1/2", "docked"),
    ],
)
def test_the_newest_session_says_how_it_is(script: str, state: str) -> None:
    assert hear(script).state == state


def test_what_comes_again_changes_nothing() -> None:
    script = "online:s1 status:s1/1 status:s1/2 lost:s1 online:s2 status:s2/1"
    once = hear(script)
    again = hear("online:s1 status:s1/1 status:s1/2 lost:s1 online:s2 status:s2/1", once)
    assert again._replace(heard_ms=once.heard_ms) == once


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20))
def test_a_sessions_statuses_only_go_on(seqs: list[int]) -> None:
    known = Known("cam07")
    taken = []
    for seq in seqs:
        said = replace(STATUS, seq=seq)
        if is_news(known, said):
            known, _ = take_status(known, said, START_MS)
            taken.append(seq)
    assert taken == sorted(set(taken))
    assert taken[-1] == max(seqs)


def test_sessions_are_forgotten_in_their_order_and_the_newest_never() -> None:
    known = hear(" ".join(f"online:s{n}" for n in range(30)))
    assert known.session == "s29"
    assert known.sessions == "s26 -1 s27 -1 s28 -1 s29 -1"


def test_a_will_is_no_sign_of_life() -> None:
    assert hear("online:s1 lost:s1").heard_ms == START_MS


def status(minute: int, percent: int | None, charging: bool | None = False) -> Status:
    return replace(STATUS, seq=minute, battery_percent=percent, charging=charging)


def drained(*statuses: tuple[int, Status]) -> tuple[int, int]:
    """Percent and minutes of discharge that so many statuses add up to."""
    known, percent, ms = Known("cam07"), 0, 0
    for minute, said in statuses:
        known, sample = take_status(known, said, START_MS + minute * MINUTE_MS)
        percent += sample.drained_percent
        ms += sample.drained_ms
    return percent, ms // MINUTE_MS


def test_discharge_is_added_up_only_while_nothing_charges() -> None:
    assert drained((0, status(0, 90)), (5, status(1, 88)), (10, status(2, 85))) == (5, 10)
    assert drained((0, status(0, 90)), (5, status(1, 95, True)), (10, status(2, 94))) == (0, 0)
    assert drained((0, status(0, 90)), (5, status(1, None)), (10, status(2, 80))) == (0, 0)
    assert drained((0, status(0, 90)), (500, status(1, 20))) == (0, 0)


def test_a_clock_is_compared_only_when_the_message_did_not_wait() -> None:
    said = replace(STATUS, utc_ms=START_MS)
    late = START_MS + 50_000
    assert take_status(Known("c"), said, late)[0].clock_off_ms == -50_000
    assert take_status(Known("c"), said, late, timely=False)[0].clock_off_ms is None
    assert take_status(Known("c"), said, late, retained=True)[0].clock_off_ms is None


def test_waiting_counts_from_when_it_began() -> None:
    known = Known("cam07")
    seen = []
    for minute, waiting in enumerate((0, 1, None, 3, 0, None, 2)):
        said = replace(STATUS, seq=minute, waiting=waiting)
        known, _ = take_status(known, said, START_MS + minute)
        seen.append(None if known.waiting_since_ms is None else known.waiting_since_ms - START_MS)
    assert seen == [None, 1, 1, 1, None, None, 6]
