"""What a camera says to its fleet and hears from it: short steps, no thread, no socket.

A session begins before each connection, because the broker is given the camera's will then. After
the connection stands, everything that is retained is said anew; then what changes, and the journal.
Messages in flight are few, and forgotten only when the broker has acknowledged them.
"""

import base64
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from bodycam.errors import BodycamError, DeviceError, EvidenceError, MessageError
from bodycam.evidence.desired import read_desired
from bodycam.evidence.keys import PublicKey
from bodycam.link import reading
from bodycam.link.gate import Gate, Heard
from bodycam.link.outbox import Item, Outbox
from bodycam.messages.camera import Event, Info, Result, State
from bodycam.messages.commands import Command, Locate, Rebirth, Reboot, Report
from bodycam.messages.forms import Message
from bodycam.messages.local import DESIRED, Ask
from bodycam.messages.topics import MAX_PAYLOAD_BYTES, TOPICS, Address, read_topic
from bodycam.ports import Broker, Clock, Followed, Notebook, Random, RecorderSide

SECOND = 1_000_000_000
MAX_FLYING = 20
"""Messages that the broker has not acknowledged."""
LOOK_NS = SECOND // 2
"""The recorder's status file is looked at so often."""
CALM_NS = 2 * SECOND
"""Between two statuses, however much changes."""
WITNESS_NS = 10 * SECOND
"""While it records, the newest line of the ledger is told so often."""
ANSWER_WITHIN_NS = 10 * SECOND
"""A recorder that has not answered within this has failed to."""
REBOOT_EVERY_NS = 3600 * SECOND
AGAIN_NS = 60 * SECOND
"""A configuration that is not in force yet is shown to the recorder so often."""
RESULT_EXPIRES_S = 60
MAX_ASKED = 16

LOST = "The connection was lost."


@dataclass(frozen=True, slots=True)
class About:
    """Which camera this is."""

    device: str
    boot: str
    model: str
    software: str
    capabilities: tuple[str, ...]
    interval_s: int
    key_sha256: str
    """Of the device key, as in `info`."""
    station_key: PublicKey
    """Signs configurations."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What the link stands between."""

    recorder: RecorderSide
    journal: Followed
    notebook: Notebook
    clock: Clock
    random: Random
    radio: Callable[[], int | None]
    """dBm, where that is known."""
    tell: Callable[[str], None]
    """Takes a sentence for the log."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker is to say when the connection is lost."""

    topic: str
    payload: bytes


@dataclass(slots=True)
class _Asked:
    """A command that the recorder is to carry out."""

    name: str
    by_ns: int


@dataclass(slots=True)
class _Flying:
    """A message that is not acknowledged yet."""

    since_ns: int
    item: Item | None = None
    """Of the outbox."""
    status: bool = False


class Link:
    """One camera's. Everything is called from one thread; times are CLOCK_BOOTTIME nanoseconds."""

    def __init__(self, about: About, sides: Sides) -> None:
        self._about = about
        self._sides = sides
        self.gate = Gate()
        self._outbox = Outbox(sides.journal, sides.notebook, about.device, sides.tell)
        self._broker: Broker | None = None
        self._flying: dict[int, _Flying] = {}
        self._session = ""
        self._since_us = 0
        """When this connection began."""
        self._seq = 0
        self._said: reading.Said | None = None
        self._look_ns = 0
        self._state: tuple[str, str] | None = None
        self._info: Info | None = None
        self._told: tuple[object, ...] = ()
        self._told_ns: int | None = None
        """When the last status was said in this session; None: it is to be said now."""
        self._results: deque[tuple[str, Result]] = deque(maxlen=MAX_FLYING)
        self._asked: OrderedDict[str, _Asked] = OrderedDict()
        self._reboot_ns: int | None = None
        self._desired: tuple[int, bytes] | None = None
        self._shown_ns: int | None = None
        self._complained = ""

    # ---- the connection --------------------------------------------------------------------------

    def begin(self, now_ns: int) -> Will:
        """A session begins; the will is for the connection that is about to be made."""
        self._session = base64.b32encode(self._sides.random(10)).decode("ascii").lower()
        self._seq = 0
        self._look(now_ns)
        return Will(self._topic("state"), self._state_message("lost", LOST).encode())

    def connected(self, broker: Broker, now_ns: int) -> None:
        """The broker has taken us in."""
        self._broker = broker
        self._since_us = now_ns // 1000
        self._flying.clear()
        self._results.clear()
        self._outbox.rewind()
        self._rebirth()

    def disconnected(self) -> None:
        """What the broker has not acknowledged will be said again, as far as it still counts."""
        self._broker = None
        self._flying.clear()
        self._outbox.rewind()
        self._outbox.save_now()

    def end(self, reason: str, now_ns: int) -> None:
        """Say goodbye: this is no loss."""
        if self._broker is not None:
            self._publish("state", self._state_message("offline", reason), now_ns)
        self._outbox.save_now()

    def waiting_ns(self, now_ns: int) -> int:
        """For how long the oldest message has been waiting for its acknowledgement."""
        return max((now_ns - one.since_ns for one in self._flying.values()), default=0)

    @property
    def idle(self) -> bool:
        """Whether everything that was said has been acknowledged."""
        return not self._flying

    def acknowledged(self, number: int) -> None:
        """The broker has a message."""
        flying = self._flying.pop(number, None)
        if flying is not None and flying.item is not None:
            self._outbox.done(flying.item)

    # ---- what is said ----------------------------------------------------------------------------

    def step(self, now_ns: int) -> None:
        """Look at recorder and journal, and say what is to be said. Raises DeviceError."""
        if now_ns - self._look_ns >= LOOK_NS:
            self._look(now_ns)
            self._hear_answers(now_ns)
        self._show_desired(now_ns)
        if self._broker is not None:
            self._say_state(now_ns)
            self._say_status(now_ns)
            self._say_results(now_ns)
            self._say_events(now_ns)
        self._outbox.save(now_ns)

    def _look(self, now_ns: int) -> None:
        self._look_ns = now_ns
        try:
            self._said = self._sides.recorder.status()
        except DeviceError as error:
            self._complain(str(error))
            self._said = None

    def _rebirth(self) -> None:
        self._state = self._info = self._told_ns = None

    def _say_state(self, now_ns: int) -> None:
        state = reading.state(self._said, now_ns)
        if state != self._state and self._publish("state", self._state_message(*state), now_ns):
            self._state = state
        info = self._make_info()
        if info is not None and info != self._info and self._publish("info", info, now_ns):
            self._info = info

    def _make_info(self) -> Info | None:
        said, about = self._said, self._about
        if said is None:
            return None
        try:
            return Info(
                model=about.model,
                software=about.software,
                capabilities=about.capabilities,
                interval_s=about.interval_s,
                policy=str(said.get("policy")),
                key=about.key_sha256,
                recipients=str(said.get("recipients")),
            )
        except MessageError as error:
            self._complain(str(error))
            return None

    def _say_status(self, now_ns: int) -> None:
        """The newest only: one is in flight at a time, and none is kept for later."""
        said = self._said
        if said is None or any(one.status for one in self._flying.values()):
            return
        telling = reading.telling(said, now_ns)
        if not self._status_due(said, telling, now_ns):
            return
        where = reading.Where(self._seq, self._session, self.gate.dropped, self._sides.radio())
        try:
            status = reading.status(said, where, now_ns)
        except MessageError as error:
            self._complain(str(error))
            return
        if self._publish("status", status, now_ns, status=True):
            self._seq += 1
            self._told, self._told_ns = telling, now_ns

    def _status_due(self, said: reading.Said, telling: tuple[object, ...], now_ns: int) -> bool:
        if self._told_ns is None:
            return True
        age_ns = now_ns - self._told_ns
        every_ns = self._about.interval_s * SECOND
        if said.get("recording") is True:
            every_ns = min(every_ns, WITNESS_NS)
        return age_ns >= every_ns or (telling != self._told and age_ns >= CALM_NS)

    def _say_results(self, now_ns: int) -> None:
        while self._results:
            command_id, result = self._results[0]
            address = Address(self._about.device, "res", command_id)
            if not self._send(address, result, now_ns, expires_s=RESULT_EXPIRES_S):
                return
            self._results.popleft()

    def _say_events(self, now_ns: int) -> None:
        newest = reading.newest_line(self._said)
        while len(self._flying) < MAX_FLYING and (item := self._outbox.take(newest)) is not None:
            historical = item.boot != self._about.boot or item.t_us < self._since_us
            event = Event(item.digest, item.seq, historical, item.text)
            self._publish("event", event, now_ns, item=item)

    def _state_message(self, state: str, reason: str) -> State:
        return State(state, self._about.boot, self._session, reason)

    def _topic(self, leaf: str) -> str:
        return Address(self._about.device, leaf, "").topic

    def _publish(
        self,
        leaf: str,
        message: Message,
        now_ns: int,
        *,
        item: Item | None = None,
        status: bool = False,
    ) -> bool:
        address = Address(self._about.device, leaf, "")
        return self._send(address, message, now_ns, item=item, status=status)

    def _send(
        self,
        address: Address,
        message: Message,
        now_ns: int,
        *,
        item: Item | None = None,
        status: bool = False,
        expires_s: int = 0,
    ) -> bool:
        """False where too much is in flight. Raises DeviceError."""
        if self._broker is None or len(self._flying) >= MAX_FLYING:
            return False
        number = self._broker.publish(
            address.topic,
            message.encode(),
            retained=TOPICS[address.leaf].retained,
            expires_s=expires_s,
        )
        self._flying[number] = _Flying(now_ns, item, status)
        return True

    def _complain(self, sentence: str) -> None:
        """Once for each thing that is wrong, not at every step."""
        if sentence != self._complained:
            self._complained = sentence
            self._sides.tell(sentence)

    # ---- what is heard ---------------------------------------------------------------------------

    def heard(self, heard: Heard, now_ns: int) -> None:
        """A message came in. Never raises: what is not understood is dropped and counted."""
        try:
            address = read_topic(heard.topic)
        except MessageError:
            self.gate.drop()
            return
        if address.device != self._about.device or len(heard.payload) > MAX_PAYLOAD_BYTES:
            self.gate.drop()
        elif address.leaf == "cmd":
            wall = self._sides.clock.wall()
            command = self.gate.judge(address.name, heard, now_ns, wall)
            if command is not None:
                self._obey(address.name, command, now_ns)
        elif address.leaf == "desired":
            self._hear_desired(heard.payload)
        else:
            self.gate.drop()

    def _obey(self, name: str, command: Command, now_ns: int) -> None:
        match command:
            case Report():
                self._told_ns = None
                self._answer(command.id, name, "done")
            case Rebirth():
                self._rebirth()
                self._answer(command.id, name, "done")
            case Locate(seconds=seconds):
                self._pass_on(Ask(command.id, "locate", seconds), name, now_ns)
            case Reboot():
                self._reboot(Ask(command.id, "reboot"), name, now_ns)

    def _reboot(self, ask: Ask, name: str, now_ns: int) -> None:
        if reading.state(self._said, now_ns)[0] != "docked":
            self._answer(ask.id, name, "refused", "It is not in its dock.")
        elif self._reboot_ns is not None and now_ns - self._reboot_ns < REBOOT_EVERY_NS:
            self._answer(ask.id, name, "refused", "It was told so within the last hour.")
        else:
            self._reboot_ns = now_ns
            self._pass_on(ask, name, now_ns)

    def _pass_on(self, ask: Ask, name: str, now_ns: int) -> None:
        if reading.silent(self._said, now_ns):
            self._answer(ask.id, name, "failed", "The recorder does not answer.")
            return
        try:
            self._sides.recorder.ask(ask.encode())
        except DeviceError as error:
            self._answer(ask.id, name, "failed", error.what)
            return
        self._asked[ask.id] = _Asked(name, now_ns + ANSWER_WITHIN_NS)
        if len(self._asked) > MAX_ASKED:
            self._asked.popitem(last=False)
        self._answer(ask.id, name, "accepted")

    def _hear_answers(self, now_ns: int) -> None:
        for answer in reading.answers(self._said) if self._said is not None else ():
            asked = self._asked.pop(answer.id, None)
            if asked is not None:
                self._answer(answer.id, asked.name, answer.outcome, answer.why)
        for late in [id_ for id_, asked in self._asked.items() if now_ns >= asked.by_ns]:
            name = self._asked.pop(late).name
            self._answer(late, name, "failed", "The recorder did not answer.")

    def _answer(self, command_id: str, name: str, outcome: str, why: str = "") -> None:
        plain = "".join(c if " " <= c <= "~" else "?" for c in why)[:200]
        self._results.append((command_id, Result(name, outcome, plain)))

    # ---- configuration ---------------------------------------------------------------------------

    def _hear_desired(self, payload: bytes) -> None:
        """Look at its signature before the recorder is bothered; it checks all of it itself."""
        about = self._about
        if not payload:
            return  # somebody has taken the retained message away
        try:
            desired = read_desired(payload, about.station_key, about.device)
        except EvidenceError:
            self.gate.drop()
            return
        newest = self._desired[0] if self._desired is not None else 0
        in_force = reading.count(self._said, "config_version")
        if desired.version < max(newest, in_force):
            self.gate.drop()
        elif desired.version > in_force:
            self._desired = desired.version, payload
            self._shown_ns = None

    def _show_desired(self, now_ns: int) -> None:
        """Until it is in force: the recorder takes it when it may, or never saw it."""
        if self._desired is None or self._said is None or reading.silent(self._said, now_ns):
            return
        version, payload = self._desired
        if reading.count(self._said, "config_version") >= version:
            self._desired = None
        elif self._shown_ns is None or now_ns - self._shown_ns >= AGAIN_NS:
            self._shown_ns = now_ns
            recorder = self._sides.recorder
            try:
                recorder.leave(DESIRED, payload)
                recorder.ask(Ask(f"config-{version}", "look", file=DESIRED).encode())
            except BodycamError as error:
                self._complain(str(error))
