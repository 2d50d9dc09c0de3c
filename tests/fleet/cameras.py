"""Cameras as the station hears them: real journals and ledgers, and messages with any field set."""

import hashlib
from dataclasses import replace
from typing import Any

from bodycam.evidence.journal import Journal
from bodycam.evidence.keys import PublicKey
from bodycam.evidence.ledger import Ledger, rec_id
from bodycam.messages.camera import Event, Info, Result, State, Status
from bodycam.messages.forms import Message
from bodycam_station.fleet.taking import Incoming
from recordings import Dice, device_key, recipient

HASH = "0123456789abcdef" * 4
START_MS = 1_790_000_000_000
"""A morning in 2026."""
STATUS = Status(
    seq=0,
    session="s1",
    boot="b1",
    at_us=1_000_000,
    utc_ms=START_MS,
    clock="ntp",
    clock_error_ms=20,
    recording=False,
    faults=(),
    battery_percent=90,
    charging=False,
    room_minutes=600,
    waiting=0,
    temperature_c=31,
    radio_dbm=-60,
    dock_test="passed",
    config_version=0,
    dropped=0,
    journal="",
    ledger="",
)
INFO = Info("Zero 2 W", "0.1.0", ("speaker", "locate"), 60, HASH, HASH, HASH)


def keys(device: str) -> list[PublicKey]:
    """The registry's answer for these cameras."""
    return [device_key(device).public]


class Talking:
    """One camera. Its messages are `Incoming`; `at_ms` is when they come."""

    def __init__(self, device: str = "cam07", card: str = "card") -> None:
        self.device = device
        self.key = device_key(device)
        self.dice = Dice(f"{device} {card}")
        self.boots = self.sessions = self.statuses = 0
        self.counter = 41
        self.head = b""
        """The newest journal line."""
        self.ledger: Ledger | None = None
        self.ledger_line = b""
        self._seq, self._prev = 0, "0" * 64
        self.boot()

    def boot(self) -> Incoming:
        """The camera starts: a line in its journal, a new session."""
        self.boots += 1
        self.connect()
        return self.event("boot")

    def connect(self) -> Incoming:
        """A new session."""
        self.sessions += 1
        self.statuses = 0
        return self.state("online")

    @property
    def session(self) -> str:
        return f"s{self.sessions}"

    @property
    def boot_id(self) -> str:
        return f"b{self.boots}"

    def line(self, kind: str, *, rec: str | None = None, head: str | None = None) -> bytes:
        """Another line of the journal."""
        journal = Journal(self.device, self.key, self.boot_id, seq=self._seq, prev=self._prev)
        self.head = journal.line(kind, 1_000, self.dice(40), rec=rec, head=head)
        self._seq, self._prev = journal.seq, journal.head
        return self.head

    def image(self) -> tuple[int, str, bytes]:
        """The card as it is now, to bring back later."""
        return self._seq, self._prev, self.head

    def restore(self, image: tuple[int, str, bytes]) -> None:
        self._seq, self._prev, self.head = image

    def event(
        self, kind: str, *, rec: str | None = None, head: str | None = None, at_ms: int = START_MS
    ) -> Incoming:
        """Another line, and the message with it."""
        seq, line = self._seq, self.line(kind, rec=rec, head=head)
        return self.said_event(seq, line, at_ms)

    def said_event(self, seq: int, line: bytes, at_ms: int = START_MS) -> Incoming:
        text = line.decode().rstrip("\n")
        said = Event(hashlib.sha256(text.encode()).hexdigest(), seq, False, text)
        return self.incoming("event", said, at_ms)

    def status(self, at_ms: int = START_MS, **changes: Any) -> Incoming:
        """The next status; `changes` are its fields."""
        self.statuses += 1
        fields = {
            "seq": self.statuses,
            "session": self.session,
            "boot": self.boot_id,
            "utc_ms": at_ms,
            "journal": self.head.decode().rstrip("\n"),
            "ledger": self.ledger_line.decode().rstrip("\n"),
            "recording": self.ledger is not None,
            **changes,
        }
        return self.incoming("status", replace(STATUS, **fields), at_ms)

    def info(self, at_ms: int = START_MS, **changes: Any) -> Incoming:
        return self.incoming("info", replace(INFO, **changes), at_ms)

    def state(self, state: str, at_ms: int = START_MS, *, session: str = "") -> Incoming:
        return self.incoming("state", State(state, self.boot_id, session or self.session), at_ms)

    def result(self, command: str, name: str, outcome: str, at_ms: int = START_MS) -> Incoming:
        said = Result(name, outcome)
        return Incoming(f"bodycam/v1/{self.device}/res/{command}", said.encode(), at_ms)

    def incoming(self, leaf: str, said: Message, at_ms: int) -> Incoming:
        return Incoming(f"bodycam/v1/{self.device}/{leaf}", said.encode(), at_ms)

    # ---- recordings ------------------------------------------------------------------------------

    def begin(self, at_ms: int = START_MS) -> tuple[str, Incoming]:
        """A recording begins: its name, and the event."""
        self.counter += 1
        rec = rec_id(self.device, self.counter, self.dice(4))
        event = self.event("open", rec=rec, at_ms=at_ms)
        self.ledger, self.ledger_line = Ledger.open(
            rec=rec,
            device_id=self.device,
            device_key=self.key,
            recipients=" ".join(sorted(map(recipient, ("station", "escrow")))),
            policy_sha256=HASH,
            journal_sha256=hashlib.sha256(self.head.rstrip(b"\n")).hexdigest(),
            seed=self.dice(32),
        )
        return rec, event

    def keep(self, kind: str = "note") -> None:
        """Another object."""
        assert self.ledger is not None
        self.ledger_line = self.ledger.object(kind, 1000, self.dice(32).hex())

    def end(self, at_ms: int = START_MS) -> Incoming:
        """It is closed: the event."""
        assert self.ledger is not None
        rec = self.ledger.rec
        self.ledger.close()
        head, self.ledger, self.ledger_line = self.ledger.head, None, b""
        return self.event("close", rec=rec, head=head, at_ms=at_ms)
