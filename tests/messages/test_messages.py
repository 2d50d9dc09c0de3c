"""Messages: what is well formed comes back as it was; everything else is refused, with a reason."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bodycam.errors import MessageError
from bodycam.messages.camera import Event, Info, Result, State, Status
from bodycam.messages.commands import COMMANDS, Locate, Reboot
from bodycam.messages.forms import Message
from bodycam.messages.topics import TOPICS, Address, from_cameras, read_topic, to_camera

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
    ("waiting", None),
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
    line = "{" + "a" * 8000 + "}"
    long = dataclasses.replace(STATUS, journal=line, ledger=line)
    assert len(long.encode()) > 16_000
    fields: dict[str, Any] = {"capabilities": tuple("c" * 30 + str(n) for n in range(32))}
    assert len(dataclasses.replace(MADE[1], **fields).encode()) < Info.MAX_BYTES  # type: ignore[type-var]


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
