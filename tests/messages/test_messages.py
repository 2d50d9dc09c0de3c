"""Messages: what is well formed comes back as it was; everything else is refused, with a reason."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bodycam.errors import MessageError
from bodycam.messages.camera import EVENT_KINDS, Event, Info, Result, State, Status
from bodycam.messages.commands import COMMANDS, MAX_AGE_MS, Locate, Reboot
from bodycam.messages.forms import Message
from bodycam.messages.local import Answer, Ask
from bodycam.messages.topics import (
    COMMAND_EXPIRY_S,
    MAX_PAYLOAD_BYTES,
    TOPICS,
    Address,
    from_cameras,
    read_topic,
    to_camera,
)

DOCS = Path(__file__).parents[2] / "docs"

HASH = "0123456789abcdef" * 4
STATUS = Status(
    seq=3,
    session="s1",
    boot="b1",
    at_us=1_000_000,
    utc_ms=1_790_000_000_000,
    clock="ntp",
    clock_error_ms=None,
    recording=False,
    faults=("battery-low", "clock-unsynchronised"),
    battery_percent=18,
    charging=None,
    room_minutes=240,
    waiting=2,
    temperature_c=41,
    radio_dbm=-60,
    dock_test="passed",
    config_version=0,
    dropped=0,
    journal='{"dom":"bodycam-journal-1"}',
    ledger="",
)
MADE: list[Message] = [
    State("online", "b1", "s1"),
    Info("Zero 2 W", "0.1.0", ("speaker", "locate"), 60, HASH, HASH, HASH),
    STATUS,
    Event(HASH, 7, True, '{"dom":"bodycam-journal-1"}'),
    Result("locate", "refused", "It is recording."),
    Locate("c1", 1_790_000_000_000, 10),
    Reboot("c2", 1_790_000_000_000),
]


@pytest.mark.parametrize("message", MADE, ids=lambda m: type(m).__name__)
def test_what_was_said_is_understood(message: Message) -> None:
    assert type(message).decode(message.encode()) == message


@pytest.mark.parametrize("message", MADE, ids=lambda m: type(m).__name__)
def test_the_schema_allows_what_the_code_makes(message: Message) -> None:
    schema = type(message).schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(message.encode()))


WRONG: list[tuple[str, object]] = [
    ("seq", -1),
    ("seq", True),
    ("seq", 1.0),
    ("seq", 2**53),
    ("recording", 1),
    ("clock", "sundial"),
    ("battery_percent", 101),
    ("faults", "battery-low"),
    ("faults", ["A"]),
    ("faults", ["a", "a"]),
    ("faults", [f"f{n}" for n in range(49)]),
    ("session", "No Good"),
    ("session", "x\n"),
    ("journal", "x"),
    ("journal", "{" + "a" * 8192 + "}"),
    ("waiting", "many"),
    ("dropped", [1]),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_out_of_bounds_is_refused_and_named(name: str, value: object) -> None:
    fields = json.loads(STATUS.encode()) | {name: value}
    with pytest.raises(MessageError, match=rf"Status: {name} must"):
        Status.decode(json.dumps(fields).encode())


# JSON Schema knows no difference between 1 and 1.0, and Python's `$` allows a newline after it.
BEYOND_SCHEMA = [("seq", float), ("session", str)]


@pytest.mark.parametrize(
    ("name", "value"), [w for w in WRONG if (w[0], type(w[1])) not in BEYOND_SCHEMA]
)
def test_the_schema_refuses_the_same(name: str, value: object) -> None:
    fields = json.loads(STATUS.encode()) | {name: value}
    assert not Draft202012Validator(Status.schema()).is_valid(fields)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{",
        b"[" * 900,
        b'{"state":"online"}',
        b'{"state":"online","boot":"b","session":"s","reason":"","more":1}',
        b'{"state":"online","state":"lost","boot":"b","session":"s","reason":""}',
        b'{"state":NaN,"boot":"b","session":"s","reason":""}',
        b'{"state":"online","boot":"b","session":"s","reason":"' + b"x" * 1000 + b'"}',
    ],
)
def test_what_is_no_state_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        State.decode(data)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_do_worse_than_be_refused(data: bytes) -> None:
    for message in MADE:
        with pytest.raises(MessageError):
            type(message).decode(data)


def test_a_message_that_would_be_too_long_is_not_made() -> None:
    """JSON writes a quotation mark as two characters, so text within its bounds may be too much."""

    def long(letters: int) -> Status:
        line = "{" + '"' * 6_000 + "}"
        ledger = "{" + '"' * 5_000 + "a" * letters + "}"
        return dataclasses.replace(STATUS, journal=line, ledger=ledger)

    room = 24 * 1024 - len(long(0).encode())
    assert len(long(room).encode()) == 24 * 1024
    assert Status.decode(long(room).encode()) == long(room)
    with pytest.raises(MessageError, match="Status would be longer than 24576 bytes"):
        long(room + 1).encode()


LONGEST: list[tuple[Message, int]] = [
    (State("online", "b1", "s1"), 1024),
    (MADE[1], 4096),
    (STATUS, 24 * 1024),
    (MADE[3], 20 * 1024),
    (MADE[4], 1024),
    (MADE[5], 1024),
    (Ask("a1", "look"), 512),
]


@pytest.mark.parametrize(("message", "limit"), LONGEST, ids=[type(m).__name__ for m, _ in LONGEST])
def test_a_message_is_read_up_to_its_limit(message: Message, limit: int) -> None:
    data = message.encode()
    assert type(message).decode(data.ljust(limit)) == message
    with pytest.raises(MessageError, match=rf"is longer than {limit} bytes\.$"):
        type(message).decode(data.ljust(limit + 1))


def test_no_message_of_a_topic_is_longer_than_what_a_broker_is_told_to_take() -> None:
    forms = [row.form for row in TOPICS.values() if row.form is not None]
    assert max(form.MAX_BYTES for form in forms) <= MAX_PAYLOAD_BYTES


SAID = [
    (Status, {"recording": 1}, "Status: recording must be true or false."),
    (Status, {"clock": "sun"}, "Status: clock must be one of ntp, rtc, station, none."),
    (Status, {"seq": -1}, "Status: seq must be an integer from 0 to 9007199254740991."),
    (Status, {"radio_dbm": 1}, "Status: radio_dbm must be an integer from -120 to 0, or null."),
    (Status, {"faults": ["a", "a"]}, "Status: faults must not name anything twice."),
    (Status, {"faults": "a"}, "Status: faults must be a list of at most 48."),
    (
        Status,
        {"faults": ["A"]},
        "Status: faults must be a list whose members each "
        "must be text like [a-z][a-z0-9-]{0,31}, at most 32 characters.",
    ),
]


@pytest.mark.parametrize(("form", "wrong", "says"), SAID, ids=[says for _, _, says in SAID])
def test_a_refusal_says_what_would_be_right(
    form: type[Message], wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(MessageError) as refused:
        form.decode(json.dumps(json.loads(STATUS.encode()) | wrong).encode())
    assert str(refused.value) == says
    with pytest.raises(MessageError) as not_made:
        dataclasses.replace(STATUS, **wrong)
    assert str(not_made.value) == says


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "it is not JSON"),
        (b'{"state":NaN}', "NaN is not a number"),
        (b'{"state":-Infinity}', "-Infinity is not a number"),
        (b'{"state":"online","state":"lost"}', "a key is there twice"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(MessageError) as refused:
        State.decode(data)
    assert str(refused.value) == f"State cannot be read: {why}."


def test_a_list_is_held_as_a_tuple() -> None:
    made = dataclasses.replace(STATUS, faults=["battery-low"])  # type: ignore[arg-type]
    assert made.faults == ("battery-low",)
    assert Status.decode(made.encode()).faults == ("battery-low",)


WIRE: list[tuple[Message, str]] = [
    (State("lost", "b1", "s1"), '{"state":"lost","boot":"b1","session":"s1","reason":""}'),
    (Result("report", "done"), '{"command":"report","outcome":"done","why":""}'),
    (Locate("c1", 5), '{"id":"c1","until_ms":5,"seconds":10}'),
    (Ask("a1", "reboot"), '{"id":"a1","what":"reboot","seconds":0,"file":""}'),
    (Ask("a1", "locate", 60), '{"id":"a1","what":"locate","seconds":60,"file":""}'),
    (
        Ask("a1", "look", file="desired"),
        '{"id":"a1","what":"look","seconds":0,"file":"desired"}',
    ),
    (Answer("a1", "accepted"), '{"id":"a1","outcome":"accepted","why":""}'),
]


@pytest.mark.parametrize(("message", "text"), WIRE, ids=[text for _, text in WIRE])
def test_a_message_on_the_wire(message: Message, text: str) -> None:
    assert message.encode() == text.encode()
    assert type(message).decode(text.encode()) == message


@pytest.mark.parametrize(
    "wrong", [{"seconds": 61}, {"seconds": -1}, {"what": "record"}, {"file": "/etc/passwd"}]
)
def test_the_recorder_takes_no_other_question(wrong: dict[str, Any]) -> None:
    with pytest.raises(MessageError):
        Ask.decode(json.dumps(json.loads(Ask("a1", "look").encode()) | wrong).encode())


def test_what_becomes_known_of_the_journal_is_never_what_the_wearer_did() -> None:
    """And all of it is in the journal's table in docs/format.md."""
    section = (DOCS / "format.md").read_text().split("\n## The journal\n")[1].split("\n## ")[0]
    written = set(re.findall(r"`([a-z-]+)`", section))
    assert written >= EVENT_KINDS
    assert "act" not in EVENT_KINDS


def test_a_command_is_for_half_a_minute_however_it_is_counted() -> None:
    assert MAX_AGE_MS == COMMAND_EXPIRY_S * 1000


def test_every_topic_is_read_back() -> None:
    for leaf, row in TOPICS.items():
        name = "c1" if leaf == "res" else ""
        kind, _, command = leaf.partition("/")
        address = Address("cam07", kind, command or name)
        assert read_topic(address.topic) == address
        assert row.by in ("camera", "station", "manager")


@pytest.mark.parametrize(
    "topic",
    [
        "bodycam/v1/cam07",
        "bodycam/v1/cam07/state/x",
        "bodycam/v1/Cam07/state",
        "bodycam/v1/+/state",
        "bodycam/v1/cam07/cmd",
        "bodycam/v1/cam07/cmd/a/b",
        "bodycam/v2/cam07/state",
        "x/bodycam/v1/cam07/state",
        "bodycam/v1/cam07/state\n",
        "bodycam/v1/" + "a" * 65 + "/state",
    ],
)
def test_a_topic_that_is_not_ours_is_refused(topic: str) -> None:
    with pytest.raises(MessageError):
        read_topic(topic)


def test_what_is_subscribed_to_covers_what_is_published() -> None:
    assert set(from_cameras()) == {
        *(f"bodycam/v1/+/{leaf}" for leaf in ("state", "info", "status", "event")),
        "bodycam/v1/+/res/+",
    }
    assert to_camera("cam07") == ("bodycam/v1/cam07/desired", "bodycam/v1/cam07/cmd/+")
    assert set(COMMANDS) == {"locate", "report", "rebirth", "reboot"}
