"""What may be asked of the recorder, by whoever writes to its socket, and what it does then."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bodycam.errors import ConfigError, DeviceError, EvidenceError
from bodycam.evidence.desired import Desired, read_desired, sign_desired
from bodycam.media.packets import SECOND
from bodycam.messages.local import DESIRED, Ask
from bodycam.recorder.agent import Agent, Ports
from bodycam.recorder.footage import Footage, ring_policy
from bodycam.recorder.requests import A_SECOND, Requests
from bodycam.recorder.service import Service
from bodycam.recorder.writer import WriterWatch
from bodycam.rules import asked
from bodycam.rules.events import (
    Button,
    Docked,
    Edge,
    Event,
    Fault,
    FaultRaised,
    Output,
    WarningStarted,
)
from bodycam.rules.model import WARNED, State, light
from recorder.desk import POLICY, DeskClock
from recorder.test_agent import FakeCamera, FakeHost, FakeOutputs, FakeStatus
from recordings import device_key, recipient
from streams import film

STATION = device_key("station")
RECIPIENTS = tuple(sorted((recipient("station"), recipient("escrow"))))
HOUR = 3600 * SECOND
PICTURE = film("I", width=64, height=36)[0]


def document(version: int = 1, *, device: str = "cam07", policy: bytes = b"x = 1") -> bytes:
    return sign_desired(Desired("utrecht", device, version, policy, RECIPIENTS), STATION)


@dataclass
class Camera:
    """An agent with a service, stepped by hand."""

    dock_fitted: bool = True
    docked: bool = False
    start_ns: int = 2 * HOUR
    left: dict[str, bytes] = field(default_factory=dict)
    kept: list[bytes] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    refuses: Exception | None = None

    def __post_init__(self) -> None:
        self.clock = DeskClock(self.start_ns)
        self.requests = Requests(
            clock=self.clock,
            version=0,
            look=self.look,
            check=self.check,
            keep=self.kept.append,
            tell=self.told.append,
        )
        self.outputs, self.host, self.status = FakeOutputs(), FakeHost(), FakeStatus()
        self.footage = Footage(ring_policy(POLICY), lambda event: None)
        ports = Ports(FakeCamera(), self.outputs, self.status, self.host, self.clock)
        self.service = Service(self.requests, dock_fitted=self.dock_fitted)
        self.agent = Agent(POLICY, self.footage, ports, WriterWatch(), service=self.service)
        self.agent.start(self.clock.now, docked=self.docked)

    def look(self, name: str) -> bytes:
        if name not in self.left:
            raise DeviceError(f"{name}: No such file.")
        return self.left[name]

    def check(self, data: bytes) -> Desired:
        if self.refuses is not None:
            raise self.refuses
        return read_desired(data, STATION.public, "cam07")

    # ---- what happens ----------------------------------------------------------------------------

    def ask(self, what: str, id_: str = "c1", **more: Any) -> None:
        self.requests.take(Ask(id_, what, **more).encode())
        self.step()

    def wants(self, data: bytes) -> None:
        self.left[DESIRED] = data
        self.ask("look", "config-1", file=DESIRED)

    def handle(self, event: Event) -> None:
        self.agent.handle(event, self.clock.now)

    def step(self, seconds: float = 0) -> None:
        """Time passes in steps as the control road takes them."""
        end = self.clock.now + round(seconds * SECOND)
        while True:
            if not self.docked:
                self.footage.append(replace(PICTURE, t_ns=self.clock.now))
            self.agent.tick(self.clock.now)
            if self.clock.now >= end:
                return
            self.clock.now = min(end, self.clock.now + SECOND // 4)

    def press(self) -> None:
        self.handle(Edge(Button.RECORD, True))
        assert self.agent.model is not None
        self.handle(WarningStarted(Output.SPEAKER, self.agent.model.tokens))

    # ---- what is seen ----------------------------------------------------------------------------

    @property
    def answers(self) -> list[tuple[object, object, object]]:
        listed: Any = self.status.fields[-1]["answers"]
        return [(one["id"], one["outcome"], one["why"]) for one in listed]

    @property
    def state(self) -> State:
        assert self.agent.model is not None
        return self.agent.model.state

    def shown(self, name: str) -> int:
        return sum(one.startswith(name) for one in self.outputs.asked)

    @property
    def logged(self) -> list[Mapping[str, object]]:
        logs, _ = self.footage.take(8, 0)
        return [{"kind": log.kind, **dict(log.details)} for log in logs]


# ---- locate --------------------------------------------------------------------------------------


def test_it_shows_itself_for_so_long_and_then_shows_what_is_so_again() -> None:
    camera = Camera()
    camera.ask("locate", seconds=5)
    assert camera.outputs.asked[-2:] == ["light locate", "vibrate locate"]
    camera.step(4.75)
    assert camera.shown("vibrate locate") == 3
    assert camera.answers == []
    camera.step(0.5)
    assert camera.outputs.asked[-1] == "light standby"
    assert camera.answers == [("c1", "done", "")]
    camera.step(5)
    assert camera.shown("vibrate locate") == 3


def test_while_it_warns_or_records_it_does_not_show_itself() -> None:
    camera = Camera()
    camera.press()
    assert camera.state is State.WARNING
    camera.ask("locate", seconds=5)
    assert camera.shown("light locate") == camera.shown("vibrate locate") == 0
    assert camera.answers == [("c1", "refused", "It is warning or recording.")]
    for state in State:
        why = asked.why_not_locate(machine_in(camera, state))
        assert bool(why) == (state in WARNED or state is State.OFF)


def machine_in(camera: Camera, state: State) -> Any:
    assert camera.agent.model is not None
    return replace(camera.agent.model, state=state)


def test_a_press_ends_it_at_once_and_the_light_says_what_is_so() -> None:
    camera = Camera()
    camera.ask("locate", seconds=60)
    camera.press()
    assert [one for one in camera.outputs.asked if one.startswith("light")][-1] == "light warning"
    camera.step(10)
    assert [one for one in camera.outputs.asked if one.startswith("light")][-1] == "light recording"
    assert camera.shown("vibrate locate") == 1
    assert [outcome for _, outcome, _ in camera.answers] == ["refused"]


def test_after_it_has_shown_itself_it_rests_for_a_minute_whoever_asks() -> None:
    camera = Camera()
    camera.ask("locate", "c1", seconds=5)
    camera.ask("locate", "c2", seconds=5)
    camera.step(64)
    camera.ask("locate", "c3", seconds=5)
    assert camera.shown("light locate") == 1
    camera.step(2)
    camera.ask("locate", "c4", seconds=5)
    camera.step(6)
    assert camera.shown("light locate") == 2
    rests = "It has just shown itself: a minute must pass."
    assert camera.answers == [
        ("c2", "refused", rests),
        ("c1", "done", ""),
        ("c3", "refused", rests),
        ("c4", "done", ""),
    ]


def test_a_fault_and_a_privacy_pause_are_not_hidden_by_it() -> None:
    camera = Camera()
    camera.handle(FaultRaised(Fault.LENS_COVERED))
    camera.ask("locate", seconds=5)
    camera.step(6)
    lights = [one for one in camera.outputs.asked if one.startswith("light")]
    assert {*lights[lights.index("light fault") :]} == {"light fault"}
    assert camera.shown("vibrate locate") == 3
    model = camera.agent.model
    assert model is not None
    shown = {
        state: light(replace(model, state=state, faults=frozenset()), locating=True).name
        for state in State
    }
    seen = {state for state, name in shown.items() if name == "locate"}
    assert seen & {State.STANDBY, State.DOCKED} == {State.STANDBY, State.DOCKED}
    assert not seen & {*WARNED, State.PAUSED, State.OFF}


def test_a_light_that_refuses_is_told_and_ends_nothing() -> None:
    camera = Camera()
    camera.outputs.refuses = {"light"}
    camera.ask("locate", seconds=5)
    camera.outputs.refuses = set()
    camera.press()
    assert camera.state is State.WARNING
    assert any(log["kind"] == "device" for log in camera.logged)


# ---- reboot --------------------------------------------------------------------------------------


def test_it_starts_anew_in_its_dock_only_and_not_in_its_first_hour() -> None:
    camera = Camera()
    camera.ask("reboot", "c1")
    assert camera.answers == [("c1", "refused", "It is not in its dock.")]
    assert camera.state is State.STANDBY
    young = Camera(docked=True, start_ns=HOUR - SECOND)
    young.ask("reboot", "c1")
    assert young.answers == [("c1", "refused", "It was started within the last hour.")]
    young.step(2)
    young.ask("reboot", "c2")
    young.ask("reboot", "c3")
    young.step(5)
    asked_for = [one for one in young.host.asked if one != "alive"]
    assert asked_for == ["reboot a manager asked for a new start"]
    assert ("c2", "done", "") in young.answers


# ---- configuration -------------------------------------------------------------------------------


def test_in_the_dock_a_newer_configuration_is_journalled_and_the_recorder_begins_anew() -> None:
    camera = Camera(docked=True)
    camera.wants(document(3))
    assert camera.kept == [document(3)]
    config = [log for log in camera.logged if log["kind"] == "config"]
    assert [log["version"] for log in config] == [3]
    camera.step(5)
    asked_for = [one for one in camera.host.asked if one != "alive"]
    assert asked_for == ["begin again configuration 3 comes into force"]
    assert camera.service.configured


def test_out_of_the_dock_it_waits_for_it() -> None:
    camera = Camera()
    camera.wants(document(3))
    camera.step(60)
    assert not camera.service.configured
    camera.handle(Docked(True))
    camera.step(5)
    assert camera.service.configured
    assert camera.state is State.OFF


def test_where_no_dock_is_fitted_standby_is_enough_and_nothing_else_is() -> None:
    camera = Camera(dock_fitted=False)
    camera.press()
    camera.wants(document(3))
    camera.step(20)
    assert camera.state is State.RECORDING
    assert not camera.service.configured
    for state in State:
        may = asked.may_configure(machine_in(camera, state), dock_fitted=False)
        assert may == (state in (State.STANDBY, State.DOCKED))
    idle = Camera(dock_fitted=False)
    idle.wants(document(3))
    assert idle.state is State.OFF


REFUSED = {
    "unsigned": document(3).partition(b"\n")[0] + b"\n",
    "changed": document(3).replace(b'"version":3', b'"version":4'),
    "another camera's": document(3, device="cam08"),
    "another station's": sign_desired(
        Desired("utrecht", "cam07", 3, b"x = 1", RECIPIENTS), device_key("elsewhere")
    ),
    "older": document(1),
    "long": b"x" * 60_000,
    "empty": b"",
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_the_stations_newer_word_is_dropped_and_counted(why: str) -> None:
    camera = Camera(docked=True)
    camera.requests.version = 2
    camera.wants(REFUSED[why])
    camera.step(11)
    assert camera.kept == []
    assert camera.state is State.DOCKED
    assert camera.requests.dropped == 1
    assert camera.status.fields[-1]["config_version"] == 2
    assert camera.status.fields[-1]["dropped"] == 1
    assert len(camera.told) == 1


def test_what_is_in_force_or_waiting_already_is_no_news() -> None:
    camera = Camera()
    camera.requests.version = 2
    camera.wants(document(2))
    camera.wants(document(5))
    camera.wants(document(5))
    camera.wants(document(4))
    assert (len(camera.kept), camera.requests.dropped) == (1, 1)
    assert camera.requests.wanted is not None
    assert camera.requests.wanted.version == 5


@pytest.mark.parametrize(
    "error", [ConfigError("It does not fit."), EvidenceError("No."), KeyError()]
)
def test_what_this_camera_cannot_use_is_not_kept(error: Exception) -> None:
    camera = Camera(docked=True)
    camera.refuses = error
    camera.wants(document(3))
    assert camera.kept == []
    assert camera.requests.dropped == 1
    camera.ask("locate", seconds=1)
    assert camera.shown("light locate") == 1


# ---- the dock ------------------------------------------------------------------------------------


def test_in_its_dock_it_says_whether_it_could_go_out() -> None:
    camera = Camera()

    def said_after(s: float) -> object:
        camera.step(s)
        return camera.status.fields[-1]["dock_test"]

    assert said_after(60) == "none"
    camera.handle(Docked(True))
    assert said_after(15) == "none"
    assert said_after(15) == "passed"
    camera.handle(FaultRaised(Fault.SPEAKER_DEAD))
    assert said_after(1) == "failed"
    camera.handle(Docked(False))
    assert said_after(1) == "none"
    camera.handle(Docked(True))
    assert said_after(15) == "none"
    assert said_after(15) == "failed"


# ---- whoever writes to the socket ----------------------------------------------------------------


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"{",
        b"x" * 513,
        b'{"id":"c1","what":"record","seconds":0,"file":""}',
        b'{"id":"c1","what":"look","seconds":0,"file":"../../etc/shadow"}',
        b'{"id":"c1","what":"look","seconds":0,"file":""}',
        b'{"id":"c1","what":"locate","seconds":9999,"file":""}',
        b'{"id":"c1","what":"locate"}',
    ],
)
def test_what_is_no_request_is_dropped_and_counted(datagram: bytes) -> None:
    camera = Camera()
    assert camera.requests.take(datagram)
    camera.step(1)
    assert camera.requests.dropped == 1
    assert camera.shown("light locate") == 0


def test_a_flood_is_dropped_and_holds_the_sender_up() -> None:
    camera = Camera()
    taken = [camera.requests.take(Ask(f"c{n}", "locate", 1).encode()) for n in range(1000)]
    assert taken == [True] * A_SECOND + [False] * (1000 - A_SECOND)
    assert camera.requests.dropped == 1000 - A_SECOND
    camera.step(62)
    camera.ask("locate", "after", seconds=1)
    camera.step(2)
    assert ("after", "done", "") in camera.answers


def test_without_a_service_nothing_can_be_asked(tmp_path: Path) -> None:
    outputs, status = FakeOutputs(), FakeStatus()
    clock = DeskClock()
    ports = Ports(FakeCamera(), outputs, status, FakeHost(), clock)
    agent = Agent(POLICY, Footage(ring_policy(POLICY), lambda event: None), ports, WriterWatch())
    agent.start(clock.now)
    assert "answers" not in status.fields[-1]
