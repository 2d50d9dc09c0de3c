"""A camera as its link sees it: a status, a journal, and somebody who hears what is asked.

Journal and ledgers are the product's own, signed and sealed; pictures there are none: an object is
a few bytes of chance. What the link asks of the world stands in ports.py.
"""

import hashlib
import json
import shutil
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bodycam.errors import EvidenceError, MessageError
from bodycam.evidence import sshsig
from bodycam.evidence.age import Sealer
from bodycam.evidence.desired import read_desired
from bodycam.evidence.journal import Journal
from bodycam.evidence.keys import PublicKey, SoftwareKey
from bodycam.evidence.ledger import Ledger, object_name, rec_id
from bodycam.evidence.lines import ZERO
from bodycam.media.boxes import box
from bodycam.messages.local import Answer, Ask
from bodycam.ports import Clock, Look, Random

SEGMENT_EVERY_S = 5.0
"""Of an open recording, an object is added so often: enough for a witness."""
FULL_ROOM_MINUTES = 480
DRAIN_PERCENT_H, CHARGE_PERCENT_H = 9.0, 45.0
REMEMBERED_ANSWERS = 8
MAX_WAITING = 50
"""Recordings on one card: then it takes no more until they are handed over."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What enrolment gave the camera."""

    device: str
    key: SoftwareKey
    station_key: PublicKey
    recipients: tuple[str, ...]
    policy_sha256: str


@dataclass(slots=True)
class _Recording:
    rec: str
    ledger: Ledger
    lines: list[bytes]
    objects: dict[str, bytes]
    opened_s: float
    minutes: float = 0.0


@dataclass(slots=True)
class Sealed:
    """A recording that lies on the card, closed."""

    rec: str
    ledger: bytes
    objects: Mapping[str, bytes]


@dataclass(slots=True)
class SimulatedCamera:
    """One camera. Implements ports.RecorderSide, Followed and Notebook for its link.

    `advance` moves the fleet's time; everything else happens at that time.
    """

    keys: Keys
    clock: Clock
    random: Random
    drain: float = 1.0
    """How fast the battery empties, against the usual."""
    docked: bool = True
    paused: bool = False
    powered: bool = True
    frozen: bool = False
    """The recorder hangs: its status stays as it was."""
    battery: float = 100.0
    faults: set[str] = field(default_factory=set)
    waiting: list[Sealed] = field(default_factory=list)
    boot: str = ""
    config_version: int = 0
    located: int = 0
    """How often it has been made to show itself."""
    rebooting: bool = False
    """It was told to start anew; whoever runs it does so."""
    _lines: bytearray = field(default_factory=bytearray)
    _identity: int = 1
    _last: str = ""
    _counter: int = 0
    _used_minutes: float = 0.0
    _recording: _Recording | None = None
    _answers: deque[Answer] = field(default_factory=lambda: deque(maxlen=REMEMBERED_ANSWERS))
    _note: bytes | None = None
    _frozen_status: Mapping[str, object] | None = None
    _now_s: float = 0.0
    _journal: Journal | None = None
    _policy: str = ""
    _recipients: tuple[str, ...] = ()
    _sealer: Sealer | None = None

    def __post_init__(self) -> None:
        self._policy, self._recipients = self.keys.policy_sha256, self.keys.recipients
        self.start()

    # ---- its life --------------------------------------------------------------------------------

    def start(self) -> None:
        """Switch on: another boot; the journal goes on. What was open has been closed."""
        self.stop()
        self.boot = self.random(16).hex()
        seq, head = (self._journal.seq, self._journal.head) if self._journal else (0, ZERO)
        self._journal = Journal(self.keys.device, self.keys.key, self.boot, seq=seq, prev=head)
        self._sealer = Sealer(self._recipients, self.random)
        self.powered, self.frozen, self.rebooting = True, False, False
        self._log("boot")

    def off(self) -> None:
        """Switch off, or the battery is empty."""
        self.stop()
        self.powered = False
        self._log("shutdown")

    def advance(self, now_s: float) -> None:
        """Let the fleet's time pass."""
        hours = max(0.0, now_s - self._now_s) / 3600
        self._now_s = now_s
        if self.docked:
            self.battery = min(100.0, self.battery + hours * CHARGE_PERCENT_H)
        elif self.powered:
            self.battery = max(0.0, self.battery - hours * DRAIN_PERCENT_H * self.drain)
        if self.powered:
            self._threshold("battery-low", 20, 25)
            self._threshold("battery-critical", 4, 8)
        if self._recording is not None:
            self._grow(self._recording)

    def undock(self) -> None:
        """Out onto the street."""
        self.docked = False

    def dock(self) -> None:
        """Back into the dock."""
        self.stop()
        self.docked, self.paused = True, False

    def pause(self, paused: bool) -> None:
        """Privacy pause, or its end."""
        if not self.docked and self._recording is None:
            self.paused = paused
            self._log("act")

    def record(self) -> None:
        """The officer warned, and footage is kept."""
        if not self.powered or self._recording or len(self.waiting) >= MAX_WAITING:
            return
        self.paused = False
        self._counter += 1
        rec = rec_id(self.keys.device, self._counter, self.random(4))
        head = self._log("open", rec=rec)
        ledger, line = Ledger.open(
            rec=rec,
            device_id=self.keys.device,
            device_key=self.keys.key,
            recipients=self._seal.recipients,
            policy_sha256=self._policy,
            journal_sha256=head,
            seed=self.random(32),
        )
        self._recording = recording = _Recording(rec, ledger, [line], {}, self._now_s)
        for kind in ("warning", "init"):
            self._add(recording, kind)

    def stop(self) -> None:
        """The officer stopped, or the camera was docked or goes off."""
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.lines.append(recording.ledger.close())
            self._log("close", rec=recording.rec, head=recording.ledger.head)
            ledger = b"".join(recording.lines)
            self.waiting.append(Sealed(recording.rec, ledger, recording.objects))

    def fault(self, name: str) -> None:
        """Something is wrong."""
        if name not in self.faults:
            self.faults.add(name)
            self._log("fault")

    def mended(self, name: str) -> None:
        """It is well again."""
        if name in self.faults:
            self.faults.discard(name)
            self._log("fault-cleared")

    def freeze(self) -> None:
        """The recorder hangs: nothing new is said."""
        self._frozen_status = self._status()
        self.frozen = True

    def thaw(self) -> None:
        """It goes on."""
        self.frozen = False

    def roll_back(self, lines: int) -> None:
        """Somebody puts an older copy of the card in: the last lines of the journal are gone."""
        kept = bytes(self._lines).splitlines(keepends=True)[:-lines]
        self._lines = bytearray(b"".join(kept))
        self._identity += 1
        self._note = None
        seq = len(kept)
        head = hashlib.sha256(kept[-1].removesuffix(b"\n")).hexdigest() if kept else ZERO
        self._journal = Journal(self.keys.device, self.keys.key, self.boot, seq=seq, prev=head)
        self._last = kept[-1].decode().removesuffix("\n") if kept else ""
        self.start()

    # ---- handing over ----------------------------------------------------------------------------

    def put_card(self, folder: Path) -> list[str]:
        """Write the card as a station would find it; the recordings that lie there."""
        (folder / "recordings").mkdir(parents=True)
        (folder / "journal.jsonl").write_bytes(self._lines)
        for one in self.waiting:
            place = folder / "recordings" / one.rec
            place.mkdir()
            (place / "ledger.jsonl").write_bytes(one.ledger)
            signature = sshsig.sign(self.keys.key, "bodycam-recording", one.ledger)
            (place / "ledger.jsonl.sig").write_text(signature)
            for name, data in one.objects.items():
                (place / name).write_bytes(data)
        return [one.rec for one in self.waiting]

    def signed_for(self, recs: list[str]) -> None:
        """A station gave receipts for these: they leave the card."""
        for one in [one for one in self.waiting if one.rec in recs]:
            self._log("receipt", rec=one.rec)
            self._log("deleted", rec=one.rec)
            self.waiting.remove(one)
        if not self.waiting:
            self._used_minutes = 0.0

    # ---- ports.RecorderSide ----------------------------------------------------------------------

    def status(self) -> Mapping[str, object] | None:
        """See ports.RecorderSide."""
        if not self.powered:
            return None
        return self._frozen_status if self.frozen else self._status()

    def leave(self, name: str, data: bytes) -> None:
        """See ports.RecorderSide."""
        if name != "desired":
            return
        try:
            desired = read_desired(data, self.keys.station_key, self.keys.device)
        except EvidenceError:
            return
        if desired.version > self.config_version and self._recording is None:
            self.config_version = desired.version
            self._policy = desired.policy_sha256
            self._recipients = desired.recipients
            self._sealer = Sealer(desired.recipients, self.random)
            self._log("config")

    def ask(self, datagram: bytes) -> None:
        """See ports.RecorderSide."""
        try:
            ask = Ask.decode(datagram)
        except MessageError:
            return
        if ask.what == "locate":
            refused = self._recording is not None
            self.located += not refused
            self._answers.append(
                Answer(ask.id, "refused", "It is recording.") if refused else Answer(ask.id, "done")
            )
        elif ask.what == "reboot":
            self.rebooting = self.docked
            self._answers.append(Answer(ask.id, "done" if self.docked else "refused"))

    # ---- ports.Followed and ports.Notebook -------------------------------------------------------

    def look(self) -> Look | None:
        """See ports.Followed."""
        return Look(self._identity, len(self._lines))

    def read(self, offset: int, limit: int) -> bytes:
        """See ports.Followed."""
        return bytes(self._lines[offset : offset + limit])

    def load(self) -> bytes | None:
        """See ports.Notebook."""
        return self._note

    def save(self, data: bytes) -> None:
        """See ports.Notebook."""
        self._note = data

    # ---- what outlasts the program ---------------------------------------------------------------

    def keep(self, folder: Path) -> None:
        """Put the card into a folder, so that the camera goes on the next time."""
        new = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        self.stop()
        self.put_card(new)
        state = {"counter": self._counter, "config": self.config_version}
        (new / "state.json").write_text(json.dumps(state))
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)

    def go_on(self, folder: Path) -> None:
        """Take the card that `keep` left; nothing where there is none."""
        if not folder.is_dir():
            return
        state = json.loads((folder / "state.json").read_text())
        self._counter, self.config_version = state["counter"], state["config"]
        self._lines = bytearray((folder / "journal.jsonl").read_bytes())
        lines = bytes(self._lines).splitlines()
        head = hashlib.sha256(lines[-1]).hexdigest()
        self._journal = Journal(
            self.keys.device, self.keys.key, self.boot, seq=len(lines), prev=head
        )
        for place in sorted((folder / "recordings").iterdir()):
            objects = {path.name: path.read_bytes() for path in place.glob("*.age")}
            self.waiting.append(Sealed(place.name, (place / "ledger.jsonl").read_bytes(), objects))
        self.start()

    # ---- inside ----------------------------------------------------------------------------------

    @property
    def recording(self) -> str:
        """The recording that is open; empty where none is."""
        return "" if self._recording is None else self._recording.rec

    @property
    def _seal(self) -> Sealer:
        assert self._sealer is not None  # since `start`
        return self._sealer

    def _log(self, kind: str, *, rec: str | None = None, head: str | None = None) -> str:
        assert self._journal is not None  # since `start`
        body = self._seal.seal([b'{"v":1}'])
        at_us = self.clock.now_ns() // 1000
        line = self._journal.line(kind, at_us, body, rec=rec, head=head)
        self._lines += line
        self._last = line.decode("ascii").removesuffix("\n")
        return self._journal.head

    def _add(self, recording: _Recording, kind: str) -> None:
        sealed = bytes(self._seal.seal(self._plain(kind)))
        name = object_name(recording.ledger.seq, kind)
        digest = hashlib.sha256(sealed).hexdigest()
        recording.lines.append(recording.ledger.object(kind, len(sealed), digest))
        recording.objects[name] = sealed

    def _plain(self, kind: str) -> list[bytes]:
        """An object that looks like what it is said to be, from outside."""
        if kind == "warning":
            return [b'{"v":1,"how":"warned","simulated":true}']
        if kind == "init":
            return [box(b"ftyp", b"isom", bytes(4))]
        return [box(b"moof", self.random(16)), box(b"mdat", self.random(32))]

    def _grow(self, recording: _Recording) -> None:
        """As many objects as belong there by now; after a leap of time not all of them."""
        due = int((self._now_s - recording.opened_s) / SEGMENT_EVERY_S) + 2
        for _ in range(min(200, due - len(recording.objects))):
            self._add(recording, "segment")
        minutes = (self._now_s - recording.opened_s) / 60
        self._used_minutes += minutes - recording.minutes
        recording.minutes = minutes

    def _threshold(self, fault: str, raised_at: int, cleared_at: int) -> None:
        if self.battery <= raised_at:
            self.fault(fault)
        elif self.battery >= cleared_at:
            self.mended(fault)

    def _status(self) -> Mapping[str, object]:
        wall = self.clock.wall()
        recording = self._recording
        state = "docked" if self.docked else "paused" if self.paused else "standby"
        return {
            "state": "recording" if recording else state,
            "boot": self.boot,
            "at_us": self.clock.now_ns() // 1000,
            "utc_ms": wall.utc_ns // 1_000_000,
            "clock": "none" if "clock-unsynchronised" in self.faults else "ntp",
            "clock_error_ms": None if "clock-unsynchronised" in self.faults else 40,
            "recording": recording is not None,
            "faults": sorted(self.faults),
            "battery_percent": round(self.battery),
            "charging": self.docked,
            "room_minutes": max(0, round(FULL_ROOM_MINUTES - self._used_minutes)),
            "not_handed_over": len(self.waiting),
            "temperature_c": 34 if self.docked else 44 + 8 * (recording is not None),
            "dock_test": "failed" if self.docked and self._broken else "passed",
            "config_version": self.config_version,
            "dropped": 0,
            "journal": self._last,
            "ledger": recording.lines[-1].decode().removesuffix("\n") if recording else "",
            "policy": self._policy,
            "recipients": hashlib.sha256(" ".join(self._recipients).encode()).hexdigest(),
            "answers": [
                {"id": one.id, "outcome": one.outcome, "why": one.why} for one in self._answers
            ],
        }

    @property
    def _broken(self) -> bool:
        return bool(self.faults & {"speaker-dead", "light-dead", "button-broken", "gauge-dead"})


ACTS: dict[str, Callable[[SimulatedCamera, str], object]] = {
    "undock": lambda camera, _: camera.undock(),
    "dock": lambda camera, _: camera.dock(),
    "record": lambda camera, _: camera.record(),
    "stop": lambda camera, _: camera.stop(),
    "pause": lambda camera, _: camera.pause(True),
    "resume": lambda camera, _: camera.pause(False),
    "fault": lambda camera, name: camera.fault(name),
    "mended": lambda camera, name: camera.mended(name),
    "freeze": lambda camera, _: camera.freeze(),
    "thaw": lambda camera, _: camera.thaw(),
    "battery": lambda camera, percent: setattr(camera, "battery", float(percent)),
    "drain": lambda camera, factor: setattr(camera, "drain", float(factor)),
}
"""What an act of `day.py` does to a camera; `off`, `on`, `reboot`, `unheard`, `heard`, `hang`,
`go-on`, `roll-back` and `hand-over` are its host's."""
