"""A camera's two processes at a desk: what the recorder leaves, and a link that reads it.

The journal is real, signed by a device key; what the recorder would write into its status file is
written by hand.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bodycam.errors import DeviceError
from bodycam.evidence.journal import Journal
from bodycam.evidence.lines import Line
from bodycam.link.link import About, Link, Sides
from bodycam.messages.camera import State
from bodycam.messages.commands import COMMANDS
from bodycam.messages.topics import TOPICS, read_topic
from bodycam.ports import WallTime
from bodycam.posix.beside import FollowedFile, NotebookFile
from recordings import device_key

DEVICE = "cam07"
KEY = device_key(DEVICE)
STATION_KEY = device_key("station")
BOOT = "boot-2"
SECOND = 1_000_000_000
START_NS = 5_000 * SECOND
NOW_MS = 1_790_000_000_000
HASH = "0123456789abcdef" * 4

ABOUT = About(
    device=DEVICE,
    boot=BOOT,
    model="desk",
    software="0.1.0",
    capabilities=("light", "locate", "speaker"),
    interval_s=60,
    key_sha256=hashlib.sha256(KEY.public.blob()).hexdigest(),
    station_key=STATION_KEY.public,
)


@dataclass
class DeskClock:
    now: int = START_NS
    source: str = "ntp"

    def now_ns(self) -> int:
        return self.now

    def wall(self) -> WallTime:
        return WallTime(NOW_MS * 1_000_000 + self.now - START_NS, self.source, 40)


@dataclass
class Recorder:
    """The recorder's side: its status, and what it was asked."""

    said: dict[str, Any] | None = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    left: dict[str, bytes] = field(default_factory=dict)
    deaf: bool = False

    def status(self) -> Mapping[str, object] | None:
        return self.said

    def leave(self, name: str, data: bytes) -> None:
        self.left[name] = data

    def ask(self, datagram: bytes) -> None:
        if self.deaf:
            raise DeviceError("The recorder does not take it: Connection refused.")
        assert len(datagram) <= 512
        self.asked.append(json.loads(datagram))


@dataclass(frozen=True)
class Published:
    topic: str
    payload: bytes
    retained: bool
    expires_s: int
    number: int

    @property
    def leaf(self) -> str:
        return read_topic(self.topic).leaf

    @property
    def message(self) -> Any:
        return understood(self.topic, self.payload)


class FakeBroker:
    """ports.Broker: takes everything; acknowledges when it is told to."""

    def __init__(self) -> None:
        self.published: list[Published] = []
        self.gone = False

    def publish(self, topic: str, payload: bytes, *, retained: bool, expires_s: int = 0) -> int:
        if self.gone:
            raise DeviceError("The connection was lost.")
        number = len(self.published) + 1
        self.published.append(Published(topic, payload, retained, expires_s, number))
        return number

    def of(self, leaf: str) -> list[Any]:
        return [one.message for one in self.published if one.leaf == leaf]


class Desk:
    """A link that is stepped by hand, with a journal that is written by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = DeskClock()
        self.recorder = Recorder()
        self.told: list[str] = []
        self.journal = Journal(DEVICE, KEY, BOOT)
        self.path = folder / "journal.jsonl"
        self.broker = FakeBroker()
        self.acknowledged = 0
        self.says(state="standby")
        self.link = self.start()

    def start(self) -> Link:
        """The link's process begins, or begins again."""
        self.link = Link(
            ABOUT,
            Sides(
                recorder=self.recorder,
                journal=FollowedFile(self.path),
                notebook=NotebookFile(self.folder / "cursor.json"),
                clock=self.clock,
                random=os.urandom,
                radio=lambda: -60,
                tell=self.told.append,
            ),
        )
        return self.link

    def says(self, **fields: object) -> None:
        self.recorder.said = said(self.clock.now, **{**(self.recorder.said or {}), **fields})

    def writes(self, *kinds: str, boot: str = BOOT) -> list[str]:
        """Lines into the journal; their digests."""
        if boot != BOOT:
            journal = Journal(DEVICE, KEY, boot, seq=self.journal.seq, prev=self.journal.head)
        else:
            journal = self.journal
        lines = []
        for kind in kinds:
            about = {"rec": "cam07-000042-9f3c21d8"} if kind in ("open", "close") else {}
            lines.append(journal.line(kind, self.clock.now // 1000, b"sealed", **about))
        self.journal = Journal(DEVICE, KEY, BOOT, seq=journal.seq, prev=journal.head)
        with self.path.open("ab") as file:
            file.write(b"".join(lines))
        self.says(journal=lines[-1].decode().rstrip())
        return [Line.parse(line).digest for line in lines]

    def connect(self) -> State:
        """A new connection stands; its will."""
        self.broker = FakeBroker()
        self.acknowledged = 0
        will = self.link.begin(self.clock.now)
        self.link.connected(self.broker, self.clock.now)
        return State.decode(will.payload)

    def step(self, seconds: float = 0.5, times: int = 1) -> None:
        """Time passes, the recorder stays alive, the link takes its steps."""
        for _ in range(times):
            self.clock.now += round(seconds * SECOND)
            if self.recorder.said is not None:
                self.recorder.said["at_us"] = self.clock.now // 1000
            self.link.step(self.clock.now)

    def acknowledge(self) -> None:
        """All that was published so far."""
        for one in self.broker.published[self.acknowledged :]:
            self.link.acknowledged(one.number)
        self.acknowledged = len(self.broker.published)

    def settle(self, seconds: float = 0.5) -> None:
        """Step and acknowledge until nothing more is said."""
        before = -1
        while len(self.broker.published) != before:
            before = len(self.broker.published)
            self.step(seconds)
            self.acknowledge()


def said(now_ns: int, **changes: object) -> dict[str, Any]:
    """What the recorder's status file says."""
    return {
        "state": "standby",
        "boot": BOOT,
        "at_us": now_ns // 1000,
        "utc_ms": NOW_MS,
        "clock": "ntp",
        "clock_error_ms": 40,
        "recording": False,
        "faults": [],
        "battery_percent": 80,
        "charging": None,
        "room_minutes": 240,
        "not_handed_over": 0,
        "temperature_c": 41,
        "dock_test": "none",
        "config_version": 0,
        "policy": HASH,
        "recipients": HASH,
        "journal": "",
        "ledger": "",
        "dropped": 0,
        "answers": [],
        **changes,
    }


def understood(topic: str, payload: bytes) -> Any:
    """A message as the station reads it."""
    address = read_topic(topic)
    if address.leaf == "cmd":
        return COMMANDS[address.name].decode(payload)
    form = TOPICS[address.leaf].form
    assert form is not None
    return form.decode(payload)


def opened(line: str) -> dict[str, Any]:
    """A journal line's fields, its signature checked."""
    parsed = Line.parse(line.encode())
    parsed.verify(KEY.public)
    return parsed.fields | {"body": base64.b64decode(str(parsed.fields["body"]))}
