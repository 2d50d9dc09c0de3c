"""Batches into the database: durable, once, whatever comes again; and what the witness says."""

from typing import Any

import pytest
import sqlalchemy as sa

from bodycam.evidence.chain import Chain
from bodycam.evidence.ledger import DOM as LEDGER_DOM
from bodycam.evidence.lines import digest
from bodycam_station.fleet.schema import (
    CAMERAS,
    COMMANDS,
    HEADS,
    HISTORY,
    JOURNAL,
    RECORDINGS,
    SPELLS,
    STATES,
)
from bodycam_station.fleet.store import Store
from bodycam_station.fleet.taking import Incoming, Taking, Tally
from fleet.cameras import START_MS, Talking, keys
from recordings import device_key

MINUTE_MS = 60_000


class Station:
    """A database with cam07 and cam08, and what comes in."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.tally = Tally()
        self.taking = Taking(store, keys, self.tally)
        with store.write() as db:
            known = [{"device": one, "enrolled_ms": 1} for one in ("cam07", "cam08")]
            db.execute(CAMERAS.insert(), known)

    def hear(self, *messages: Incoming) -> frozenset[str]:
        return self.taking.take(messages)

    def rows(self, table: sa.Table, *names: str) -> list[Any]:
        with self.store.read() as db:
            wanted = sa.select(*(table.c[name] for name in names)).order_by(
                *(table.c[name] for name in names)
            )
            return [row[0] if len(names) == 1 else tuple(row) for row in db.execute(wanted)]

    def alarms(self) -> list[str]:
        return [f"{code} {detail}".strip() for code, detail in self.rows(SPELLS, "code", "detail")]

    def everything(self) -> list[list[Any]]:
        tables = (CAMERAS, HEADS, HISTORY, JOURNAL, RECORDINGS, SPELLS, STATES)
        names = [
            [c.name for c in t.c if c.name not in ("id", "touched_ms", "said")] for t in tables
        ]
        return [self.rows(t, *n) for t, n in zip(tables, names, strict=True)]


@pytest.fixture
def station(store: Store) -> Station:
    return Station(store)


# ---- taken in ------------------------------------------------------------------------------------


def test_a_batch_of_everything_is_written(station: Station) -> None:
    camera = Talking()
    rec, opened = camera.begin()
    changed = station.hear(
        camera.state("online"), camera.info(), opened, camera.status(START_MS + 1)
    )
    assert changed == {"cam07"}
    row = station.rows(CAMERAS, "device", "state", "session", "battery_percent", "journal_seq")[0]
    assert row == ("cam07", "online", "s1", 90, 1)
    assert station.rows(JOURNAL, "seq", "kind", "rec") == [(1, "open", rec)]
    assert station.rows(RECORDINGS, "rec", "counter", "opened_ms") == [(rec, 42, START_MS)]
    assert station.rows(HEADS, "rec", "seq", "checked") == [(rec, 0, True)]
    assert station.rows(STATES, "state") == ["online"]
    assert station.alarms() == []


def test_taking_a_batch_twice_is_taking_it_once(station: Station) -> None:
    camera, other = Talking(), Talking("cam08")
    _, opened = camera.begin()
    batch = [
        *(camera.state("online"), camera.info(), opened, camera.status(), camera.status()),
        *(other.state("docked"), other.status(), camera.end(), camera.status()),
    ]
    station.hear(*batch)
    once = station.everything()
    station.hear(*batch)
    assert station.everything() == once
    assert station.tally.repeated == 6


def test_one_message_at_a_time_is_the_same_as_one_batch(store: Store) -> None:
    def shift() -> list[Incoming]:
        camera = Talking()
        _, opened = camera.begin()
        camera.keep("warning")
        some = [camera.state("online"), opened, camera.status(), camera.end(), camera.status()]
        return [*some, camera.state("lost"), camera.boot(), camera.state("online"), camera.status()]

    whole = Station(store)
    whole.hear(*shift())
    expected = whole.everything()
    with store.write() as db:
        for table in (CAMERAS, HEADS, HISTORY, JOURNAL, RECORDINGS, SPELLS, STATES):
            db.execute(table.delete())
    single = Station(store)
    for message in shift():
        single.hear(message)
    assert single.everything() == expected


def test_minutes_add_up_within_a_batch_and_over_batches(station: Station) -> None:
    camera = Talking()
    at = START_MS - START_MS % MINUTE_MS
    station.hear(
        camera.status(at, battery_percent=90), camera.status(at + 20_000, battery_percent=80)
    )
    station.hear(camera.status(at + 40_000, battery_percent=None, radio_dbm=None))
    station.hear(camera.status(at + MINUTE_MS, battery_percent=70))
    names = ("at_ms", "count", "battery_sum", "battery_count", "battery_least", "battery_most")
    assert station.rows(HISTORY, *names) == [
        (at, 3, 170, 2, 80, 90),
        (at + MINUTE_MS, 1, 70, 1, 70, 70),
    ]
    assert station.rows(HISTORY, "radio_count", "drained_percent") == [(1, 0), (2, 10)]


def test_a_measure_that_came_later_is_the_least_and_the_most(station: Station) -> None:
    camera = Talking()
    station.hear(camera.status(battery_percent=None))
    station.hear(camera.status(battery_percent=50))
    assert station.rows(HISTORY, "battery_least", "battery_most") == [(50, 50)]


# ---- not taken in --------------------------------------------------------------------------------


def test_strangers_are_counted_and_named_but_never_written(station: Station) -> None:
    for number in range(70):
        station.hear(Talking("cam07", card="x").status(), Talking(f"spy{number}").status())
    view = station.tally.view()
    assert (view.unknown, len(view.strangers)) == (70, 50)
    assert view.strangers[-1] == ("spy69", 1, START_MS)
    assert set(station.rows(CAMERAS, "device")) == {"cam07", "cam08"}


def test_a_revoked_camera_is_a_stranger(station: Station) -> None:
    with station.store.write() as db:
        db.execute(CAMERAS.update().where(CAMERAS.c.device == "cam07").values(revoked=True))
    station.hear(Talking().status())
    assert station.tally.view().strangers == (("cam07", 1, START_MS),)


def misshapen(camera: Talking) -> dict[str, Incoming]:
    good = camera.status()
    other = Talking("cam08")
    line = camera.head.decode().rstrip("\n")
    cut = line[:-3]
    return {
        "no JSON": good._replace(payload=b"{"),
        "a key too many": good._replace(payload=good.payload[:-1] + b',"x":1}'),
        "too long": good._replace(payload=b" " * 40_000),
        "not ours": good._replace(topic="homeassistant/cam07/status"),
        "a topic of the station": good._replace(topic="bodycam/v1/cam07/desired"),
        "a line that is none": camera.status(journal=cut + "}"),
        "a line of another camera": camera.status(journal=other.head.decode().rstrip("\n")),
        "a ledger that is none": camera.status(ledger='{"rec":"x"}'),
        "an event about another line": camera.said_event(17, camera.head),
        "an act, which is nobody's business": camera.event("act"),
    }


def test_what_is_not_in_its_form_is_counted_and_changes_nothing(station: Station) -> None:
    camera = Talking()
    station.hear(camera.state("online"))
    before = station.everything()
    wrong = misshapen(camera)
    for number, (what, message) in enumerate(wrong.items(), 1):
        station.hear(message)
        assert station.tally.misshapen == number, what
        assert station.everything() == before, what
    assert station.tally.view().misshapen_from == (("cam07", len(wrong) - 1, START_MS),)
    assert station.tally.view().last != ""


def test_a_bad_message_takes_no_good_one_with_it(station: Station) -> None:
    camera, other = Talking(), Talking("cam08")
    bad = camera.status()._replace(payload=b"\xff")
    assert station.hear(other.status(), bad, camera.status()) == {"cam07", "cam08"}


# ---- commands ------------------------------------------------------------------------------------


def test_a_result_is_for_the_command_that_was_given_to_this_camera(station: Station) -> None:
    given = {"device": "cam07", "name": "locate", "arguments": {}, "person": "A", "given_ms": 1}
    with station.store.write() as db:
        for name in ("c1", "c2"):
            row = {"id": name, **given, "until_ms": 2, "outcome": "pending", "outcome_ms": 1}
            db.execute(COMMANDS.insert(), row)
    camera = Talking()
    station.hear(
        Talking("cam08").result("c1", "locate", "done"),
        camera.result("c1", "reboot", "done"),
        camera.result("c9", "locate", "done"),
    )
    assert station.rows(COMMANDS, "id", "outcome") == [("c1", "pending"), ("c2", "pending")]
    station.hear(camera.result("c1", "locate", "accepted"), camera.result("c1", "locate", "done"))
    station.hear(camera.result("c1", "locate", "failed"), camera.result("c2", "locate", "refused"))
    assert station.rows(COMMANDS, "id", "outcome") == [("c1", "done"), ("c2", "refused")]


# ---- the witness ---------------------------------------------------------------------------------


def working_day(station: Station) -> tuple[Talking, tuple[int, str, bytes]]:
    """A camera that was heard, and its card as it was in the middle of that."""
    camera = Talking()
    station.hear(camera.state("online"), camera.status())
    image = camera.image()
    _, opened = camera.begin()
    station.hear(opened, camera.status())
    station.hear(camera.end(), camera.status())
    camera.line("act")
    station.hear(camera.status())
    return camera, image


def test_a_camera_that_restarts_is_not_alarmed(station: Station) -> None:
    camera, _ = working_day(station)
    for _ in range(3):
        station.hear(camera.state("lost"), camera.boot(), camera.state("online"), camera.status())
        station.hear(camera.connect(), camera.status())
    assert station.alarms() == []


def test_a_card_that_was_rolled_back_is_alarmed_once(station: Station) -> None:
    camera, image = working_day(station)
    camera.restore(image)
    station.hear(camera.boot(), camera.status())
    assert station.alarms() == ["custody-fork"]  # its boot line stands where an opening stood
    with station.store.write() as db:
        db.execute(SPELLS.update().values(cleared_ms=START_MS))
    station.hear(camera.status(), camera.event("fault"), camera.status(), camera.boot())
    assert station.alarms() == ["custody-fork"]


def test_a_card_that_was_rolled_back_by_an_act_is_alarmed_by_its_number(station: Station) -> None:
    camera = Talking()
    station.hear(camera.status())
    image = camera.image()
    for _ in range(5):
        camera.line("act")
    station.hear(camera.status())
    camera.restore(image)
    camera.line("act")
    camera.connect()
    station.hear(camera.status())
    assert station.alarms() == ["custody-rollback"]
    assert station.rows(SPELLS, "device", "raised_ms") == [("cam07", START_MS)]


@pytest.mark.parametrize("lines", range(12))
def test_a_card_that_was_swapped_is_alarmed_however_long_it_is(
    station: Station, lines: int
) -> None:
    camera, _ = working_day(station)
    other = Talking(card="another")
    for _ in range(lines):
        other.line("act")
    other.sessions = camera.sessions
    station.hear(other.boot(), other.status())
    # A longer one that skips what we know cannot be told from a camera that did much unheard.
    assert (station.alarms() != []) == (lines <= 3)


def test_the_old_card_that_comes_back_is_alarmed_again(station: Station) -> None:
    camera = Talking()
    station.hear(*(camera.event("fault") for _ in range(6)), camera.status())
    new = Talking(card="another")
    new.sessions = camera.sessions
    station.hear(new.boot(), new.status(), new.event("fault"), new.status())
    assert station.alarms() == ["custody-fork"]
    with station.store.write() as db:  # a person looked at it
        db.execute(SPELLS.update().values(cleared_ms=START_MS))
    camera.sessions = new.sessions
    station.hear(camera.boot(), camera.status(), camera.event("fault"), camera.status())
    assert station.alarms() == ["custody-fork", "custody-fork"]


def test_after_an_alarm_the_camera_is_held_to_what_it_shows_now(station: Station) -> None:
    camera, image = working_day(station)
    camera.restore(image)
    camera.boots += 1
    camera.connect()
    line = camera.event("boot")
    station.hear(camera.status(), line, camera.event("fault"), camera.status())
    with station.store.write() as db:
        db.execute(SPELLS.update().values(cleared_ms=START_MS))
    for _ in range(3):
        station.hear(camera.event("fault"), camera.status(), camera.boot(), camera.status())
    assert len(station.alarms()) == 1


def test_a_line_that_came_before_its_alarm_is_of_the_new_history(station: Station) -> None:
    camera = Talking()
    station.hear(camera.status())
    image = camera.image()
    for _ in range(5):
        camera.line("act")
    station.hear(camera.status())
    camera.restore(image)
    station.hear(camera.boot(), camera.status())
    assert station.alarms() == ["custody-rollback"]
    with station.store.write() as db:
        db.execute(SPELLS.update().values(cleared_ms=START_MS))
    station.hear(camera.event("fault"), camera.status(), camera.event("fault"), camera.status())
    assert station.alarms() == ["custody-rollback"]


def test_lines_that_no_key_of_the_camera_signed_are_alarmed(station: Station) -> None:
    camera = Talking()
    camera.key = device_key("thief")
    camera.line("boot")
    station.hear(camera.status())
    assert station.alarms() == ["custody-forged"]
    assert station.rows(CAMERAS, "device", "journal_seq")[0] == ("cam07", -1)


def test_a_ledger_goes_on_or_is_alarmed(station: Station) -> None:
    camera = Talking()
    rec, opened = camera.begin()
    station.hear(opened, camera.status())
    first = camera.ledger_line
    camera.keep("warning")
    station.hear(camera.status())
    camera.keep("init")
    station.hear(camera.status())
    assert station.alarms() == []
    assert station.rows(HEADS, "seq", "checked") == [(2, True)]
    station.hear(camera.status(ledger=first.decode().rstrip("\n")))
    assert station.alarms() == [f"custody-rollback {rec}"]
    assert station.rows(HEADS, "seq", "checked") == [(2, True)]


def text(line: bytes) -> str:
    return line.decode().rstrip("\n")


def test_what_was_seen_of_a_recording_is_not_given_up_for_its_first_line(station: Station) -> None:
    """The station came in the middle of it; then somebody says the first line again."""
    camera = Talking()
    rec, opened = camera.begin()
    first = text(camera.ledger_line)
    camera.keep("warning")
    camera.keep("init")
    station.hear(opened, camera.status())
    assert station.rows(HEADS, "seq", "checked") == [(2, False)]
    newest = text(camera.ledger_line)
    station.hear(camera.status(ledger=first))
    assert station.rows(HEADS, "seq", "checked", "line") == [(2, True, newest)]
    assert station.alarms() == [f"custody-rollback {rec}"]


def test_a_line_that_nobody_could_check_does_not_outlast_the_first_one(station: Station) -> None:
    camera = Talking()
    rec, opened = camera.begin()
    first = text(camera.ledger_line)
    camera.keep("warning")
    made_up = text(camera.ledger_line).replace('"seq":1,', '"seq":900,')
    station.hear(opened, camera.status(ledger=made_up), camera.status(ledger=first))
    assert station.alarms() == [f"custody-forged {rec}"]
    station.hear(camera.status())
    assert station.rows(HEADS, "seq", "checked") == [(1, True)]


def test_a_line_of_the_same_number_does_not_take_the_place_of_the_one_that_was_seen(
    station: Station,
) -> None:
    camera = Talking()
    rec, opened = camera.begin()
    camera.keep("warning")
    seen = text(camera.ledger_line)
    station.hear(opened, camera.status())
    assert seen.replace('"len":1000', '"len":2000') != seen
    station.hear(camera.status(ledger=seen.replace('"len":1000', '"len":2000')))
    assert station.alarms() == [f"custody-fork {rec}"]
    assert station.rows(HEADS, "line") == [seen]


def test_nothing_that_nobody_can_check_comes_after_the_line_of_a_recovery(
    station: Station,
) -> None:
    """That one is signed by the camera itself, and it is the last."""
    camera = Talking()
    rec, opened = camera.begin()
    head = digest(text(camera.ledger_line).encode())
    chain = Chain(LEDGER_DOM, ("rec", rec), seq=1, head=head)
    recovered = text(chain.add("recovered", {"objects": 0}, camera.key.sign))
    camera.keep("warning")
    later = text(camera.ledger_line).replace('"seq":1,', '"seq":900,')
    station.hear(opened, camera.status(ledger=recovered), camera.status(ledger=later))
    assert station.alarms() == [f"custody-forged {rec}"]
    assert station.rows(HEADS, "line", "checked") == [(recovered, True)]


def test_a_ledger_line_is_checked_once_its_first_line_was_seen(station: Station) -> None:
    camera = Talking()
    _, opened = camera.begin()
    camera.keep("warning")
    station.hear(opened, camera.status())
    assert station.rows(HEADS, "seq", "checked") == [(1, False)]
    other = Talking("cam08")
    _, opened = other.begin()
    station.hear(opened, other.status())
    other.keep("warning")
    line = other.ledger_line.replace(b'"len":1000', b'"len":2000').decode().rstrip("\n")
    station.hear(other.status(ledger=line))
    assert [alarm.split()[0] for alarm in station.alarms()] == ["custody-forged"]
