"""The agent between the rules, the footage and ports that say what was asked of them."""

from collections.abc import Mapping

import pytest

from bodycam.errors import DeviceError
from bodycam.media.packets import SECOND, Gop, Packet, Track
from bodycam.media.ring import SETTLE_NS, End
from bodycam.ports import Pattern
from bodycam.recorder.agent import Agent, Ports
from bodycam.recorder.footage import Begin, Footage, Item, ring_policy
from bodycam.recorder.writer import Progress, WriterWatch
from bodycam.rules.events import (
    Button,
    Docked,
    Edge,
    Event,
    Fault,
    FaultRaised,
    FootageDropped,
    How,
    Log,
    Note,
    Output,
    ShutDown,
    WarningStarted,
)
from bodycam.rules.model import Model, State
from bodycam.rules.policy import read_policy
from recorder.desk import DeskClock
from streams import START_NS

STEP_NS = SECOND // 20
FRAME_NS = SECOND // 10
DELAY_NS = SECOND // 10
"""From a picture to its packet."""


def policy_file(**tables: str) -> bytes:
    text = 'name = "agent"\n'
    for table in ("warning", "keep", "wearer", "video", "sound"):
        text += f"[{table}]\n{tables.get(table, '')}\n"
    return text.encode()


class Refusing:
    """A port that writes down what it was asked, and refuses what it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses: set[str] = set()

    def ask(self, what: str) -> None:
        self.asked.append(what)
        if what.split(" ")[0] in self.refuses:
            raise DeviceError(f"{what} is broken.")


class FakeCamera(Refusing):
    def wake(self) -> None:
        self.ask("wake")

    def sleep(self) -> None:
        self.ask("sleep")

    def force_keyframe(self) -> None:
        self.ask("force_keyframe")

    def restart(self) -> None:
        self.ask("restart")


class FakeOutputs(Refusing):
    def light(self, pattern: Pattern) -> None:
        self.ask(f"light {pattern.name}")

    def vibrate(self, pattern: Pattern) -> None:
        self.ask(f"vibrate {pattern.name}")

    def warn(self, output: str, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        self.ask(f"warn {output} {token} {volume_percent}%")

    def hush(self) -> None:
        self.ask("hush")

    def say(self, text: str) -> None:
        self.ask(f"say {text}")


class FakeHost(Refusing):
    def alive(self) -> None:
        self.ask("alive")

    def power_off(self, reason: str) -> None:
        self.ask(f"power_off {reason}")

    def reboot(self, reason: str) -> None:
        self.ask(f"reboot {reason}")

    def begin_again(self, reason: str) -> None:
        self.ask(f"begin again {reason}")


class FakeStatus(Refusing):
    def __init__(self) -> None:
        super().__init__()
        self.fields: list[Mapping[str, object]] = []

    def publish(self, fields: Mapping[str, object]) -> None:
        self.ask("publish")
        self.fields.append(fields)


class Bench:
    """An agent whose camera takes a picture every 0.1 s, a keyframe every second."""

    def __init__(self, *, docked: bool = False, **tables: str) -> None:
        tables = {"video": "fps = 10", "sound": "recorded = false"} | tables
        self.policy = read_policy(policy_file(**tables), "agent.toml")
        self.clock = DeskClock()
        self.camera, self.outputs = FakeCamera(), FakeOutputs()
        self.host, self.status = FakeHost(), FakeStatus()
        self.dropped: list[FootageDropped] = []
        self.footage = Footage(ring_policy(self.policy), self.dropped.append)
        self.writer = WriterWatch()
        self.turns: list[tuple[Event | None, Model]] = []
        ports = Ports(self.camera, self.outputs, self.status, self.host, self.clock)
        self.agent = Agent(
            self.policy,
            self.footage,
            ports,
            self.writer,
            watch=lambda _, event, model, __: self.turns.append((event, model)),
        )
        self.pictures = 0
        self.sees = self.hears = True
        self.keyframes = True
        self.logs: list[Log] = []
        self.items: list[Item] = []
        self.agent.start(self.now, docked=docked)

    @property
    def now(self) -> int:
        return self.clock.now

    @property
    def model(self) -> Model:
        assert self.agent.model is not None
        return self.agent.model

    def state(self) -> State:
        return self.model.state

    def run(self, seconds: float) -> "Bench":
        """Let time pass: pictures and sound arrive, and the agent is stepped when it is due."""
        for _ in range(round(seconds * SECOND / STEP_NS)):
            self.clock.now += STEP_NS
            if (self.now - START_NS) % FRAME_NS == 0:
                self._deliver(self.now - DELAY_NS)
            if self.agent.due_ns() <= self.now:
                self.agent.tick(self.now)
        return self

    def _deliver(self, taken_ns: int) -> None:
        if self.sees:
            key = self.keyframes and self.pictures % 10 == 0
            self.footage.append(Packet(Track.VIDEO, taken_ns, b"p" * 100, key))
            self.pictures += 1
        if self.hears:
            self.footage.append(Packet(Track.SOUND, taken_ns, b"s"))

    def tell(self, event: Event) -> "Bench":
        self.agent.handle(event, self.now)
        return self

    def press(self, seconds: float = 0.2) -> "Bench":
        self.tell(Edge(Button.RECORD, closed=True)).run(seconds)
        return self.tell(Edge(Button.RECORD, closed=False))

    def record(self) -> "Bench":
        """Press, and let the speaker play the warning to the end of the lead time."""
        self.press()
        self.tell(WarningStarted(Output.SPEAKER, self.model.tokens)).run(2.1)
        assert self.state() is State.RECORDING
        return self

    def write(self) -> "Bench":
        """Be the writer: everything is durable."""
        logs, items = self.footage.take(1000)
        self.footage.settle([item for item in items if isinstance(item, Gop)])
        self.footage.done()
        self.logs += logs
        self.items += items
        return self

    def kept(self) -> str:
        """What the writer was given: b(egin), g(op), n(ote), e(nd)."""
        letters = {Begin: "b", Gop: "g", Note: "n", End: "e"}
        return "".join(letters[type(item)] for item in self.write().items)


# ---- what is asked of the ports ------------------------------------------------------------------


def test_at_start_the_camera_wakes_and_the_boot_is_logged() -> None:
    bench = Bench().run(0.1)
    assert bench.camera.asked == ["wake"]
    assert bench.outputs.asked == ["light standby"]
    assert [log.kind for log in bench.write().logs] == ["boot"]


def test_in_the_dock_it_sleeps() -> None:
    bench = Bench(docked=True).run(10)
    assert bench.camera.asked == ["sleep"]
    assert not bench.model.faults
    assert bench.footage.oldest_ns is None


def test_from_a_press_to_a_closed_recording() -> None:
    bench = Bench().run(40).press()
    assert bench.outputs.asked[-2:] == ["warn speaker 1 100%", "light warning"]
    bench.tell(WarningStarted(Output.SPEAKER, 1)).run(2)
    assert "vibrate started" in bench.outputs.asked
    assert bench.outputs.asked[-1] == "light recording"
    bench.run(5).press(4).run(1)
    assert bench.state() is State.AFTER
    assert bench.outputs.asked[-1] == "light standby"
    gops = bench.kept().count("g")
    assert bench.kept() == "b" + "g" * gops + "e"
    first = next(item for item in bench.items if isinstance(item, Gop))
    begin = bench.items[0]
    assert isinstance(begin, Begin)
    from_ns = begin.warned.pressed_ns - 30 * SECOND
    assert from_ns - SECOND < first.start_ns <= from_ns


def test_a_press_is_taken_at_the_time_of_its_source() -> None:
    bench = Bench().run(40)
    stamp = bench.now + SECOND // 50
    bench.clock.now += SECOND // 5  # the control road was held up
    bench.agent.handle(Edge(Button.RECORD, closed=True), stamp)
    assert bench.model.warning is not None
    assert bench.model.warning.pressed_ns == stamp


@pytest.mark.parametrize(("hour", "percent"), [(12, 100), (21, 100), (22, 60), (3, 60), (7, 100)])
def test_the_warning_is_as_loud_as_the_hour_allows(hour: int, percent: int) -> None:
    bench = Bench().run(1)
    utc_s = bench.clock.wall().utc_ns // SECOND
    bench.clock.utc_offset_s = (hour * 3600 - utc_s % 86400) % 86400 + 60
    bench.press()
    assert bench.outputs.asked[-2] == f"warn speaker 1 {percent}%"


def test_a_cancelled_warning_is_hushed_and_nothing_is_kept() -> None:
    bench = Bench().run(5).press(0.2).run(0.3)
    bench.tell(Edge(Button.FUNCTION, closed=True)).run(1.2)
    assert "hush" in bench.outputs.asked
    assert bench.state() is State.STANDBY
    assert bench.run(3).kept() == ""


def test_faults_are_spoken_in_the_dock() -> None:
    bench = Bench().run(1).tell(FaultRaised(Fault.BATTERY_LOW)).tell(Docked(True))
    assert bench.outputs.asked[-1].startswith(("say", "light"))
    assert sum(said.startswith("say ") for said in bench.outputs.asked) == 1


def test_a_port_that_refuses_stops_neither_the_others_nor_the_recording() -> None:
    bench = Bench().run(5)
    bench.outputs.refuses = {"light", "vibrate"}
    bench.camera.refuses = {"force_keyframe"}
    bench.record().run(1)
    assert bench.kept()[0] == "b"
    refused = [dict(log.details) for log in bench.logs if log.kind == "device"]
    assert {"asked": "Light", "error": "light warning is broken."} in refused
    assert {"asked": "Vibrate", "error": "vibrate started is broken."} in refused


def test_a_speaker_that_refuses_is_followed_by_the_buzzer_at_once() -> None:
    bench = Bench().run(1)
    bench.outputs.refuses = {"warn"}
    bench.press(0.1)
    warned = [said.rsplit(" ", 1)[0] for said in bench.outputs.asked if said.startswith("warn")]
    assert warned == ["warn speaker 1", "warn buzzer 1", "warn light 1"]
    assert Fault.WARNING_FAILED in bench.model.faults
    assert bench.kept()[0] == "b"
    begin = bench.items[0]
    assert isinstance(begin, Begin)
    assert begin.warned.how is How.UNHEARD


# ---- camera, microphone, card, clock -------------------------------------------------------------


def test_a_silent_camera_is_a_fault_and_its_last_pictures_are_kept() -> None:
    bench = Bench().run(5).record().write()
    bench.sees = False
    bench.items.clear()
    bench.run(1.5)
    assert bench.kept() == ""
    bench.run(1)
    assert Fault.CAMERA_STALLED in bench.model.faults
    assert bench.camera.asked[-1] == "restart"
    last = [item for item in bench.write().items if isinstance(item, Gop)][-1]
    assert last.video[-1].t_ns == bench.footage.newest_ns
    bench.run(5)
    assert bench.camera.asked.count("restart") == 2
    bench.sees, bench.pictures = True, 0
    bench.run(0.5)
    assert Fault.CAMERA_STALLED not in bench.model.faults


def test_the_evidence_says_from_when_to_when_there_are_no_pictures() -> None:
    bench = Bench().run(5).record().write()
    bench.sees = False
    last_ns = bench.footage.newest_ns
    assert last_ns is not None
    bench.run(7)
    bench.sees, bench.pictures = True, 5  # half a second without the keyframe that is needed
    bench.run(2)
    (gap,) = [item for item in bench.write().items if isinstance(item, Note) and item.kind == "gap"]
    first_ns = [item for item in bench.items if isinstance(item, Gop)][-1].start_ns
    words = dict(gap.details)
    assert words["from_us"] == last_ns // 1000 + 100_000
    assert words["to_us"] == first_ns // 1000
    assert words["why"] == "camera"
    assert words["pictures"] == pytest.approx((first_ns - last_ns) / FRAME_NS - 1, abs=0.01)


def test_pictures_that_were_missed_while_nobody_looked_are_in_the_evidence() -> None:
    """The process stood still; when it goes on, so does the camera, before the first look."""
    bench = Bench().run(5).record().write()
    last_ns = bench.footage.newest_ns
    assert last_ns is not None
    bench.clock.now += 4 * SECOND
    bench.pictures = 0
    bench._deliver(bench.now - DELAY_NS)
    bench.outputs.asked.clear()
    bench.run(1)
    (gap,) = [item for item in bench.write().items if isinstance(item, Note) and item.kind == "gap"]
    words = dict(gap.details)
    assert words["from_us"] == last_ns // 1000 + 100_000
    assert words["to_us"] == (last_ns + 4 * SECOND) // 1000
    assert "vibrate fault" in bench.outputs.asked
    assert "restart" not in bench.camera.asked
    assert Fault.CAMERA_STALLED not in bench.model.faults


def test_while_the_camera_stalls_sound_is_kept_and_the_light_says_so() -> None:
    """People are recorded all the same, and the first picture that comes is kept, too."""
    bench = Bench(sound="recorded = true").run(5).record().write()
    bench.sees = False
    silent_ns = bench.now
    bench.run(6)
    assert bench.model.blind
    bench.sees, bench.pictures = True, 0
    first_ns = bench.now
    bench.run(2)
    lights = [asked for asked in bench.outputs.asked if asked.startswith("light ")]
    assert lights == ["light standby", "light warning", "light recording"]
    gops = [item for item in bench.write().items if isinstance(item, Gop)]
    assert any(first_ns < packet.t_ns < first_ns + SECOND // 5 for packet in gops[-1].video)
    heard = [packet.t_ns for gop in gops for packet in gop.sound]
    assert sum(silent_ns + SECOND < at_ns < first_ns - SECOND for at_ns in heard) >= 35


def test_a_camera_that_was_stalled_is_well_only_when_it_delivers_again() -> None:
    bench = Bench().run(1)
    bench.sees = False
    bench.run(3).tell(Docked(True)).run(5)
    assert Fault.CAMERA_STALLED in bench.model.faults
    bench.tell(Docked(False)).run(1)
    assert bench.camera.asked[-1] == "wake"
    assert Fault.CAMERA_STALLED in bench.model.faults
    bench.sees = True
    bench.run(0.5)
    assert Fault.CAMERA_STALLED not in bench.model.faults


def test_a_camera_that_wakes_has_time_for_its_first_picture() -> None:
    bench = Bench(docked=True).run(60)
    bench.sees = False
    bench.tell(Docked(False)).run(1.9)
    assert Fault.CAMERA_STALLED not in bench.model.faults
    bench.run(0.5)
    assert Fault.CAMERA_STALLED in bench.model.faults


def test_a_camera_without_keyframes_is_asked_for_one_until_it_gives_it() -> None:
    bench = Bench().run(5)
    assert "force_keyframe" not in bench.camera.asked
    bench.keyframes = False
    bench.run(3)
    assert "force_keyframe" in bench.camera.asked
    bench.keyframes, bench.pictures = True, 0
    bench.run(0.5)
    bench.camera.asked.clear()
    bench.run(1)
    assert bench.camera.asked == []


def test_a_silent_microphone_is_a_fault_only_where_sound_is_recorded() -> None:
    for recorded, there in (("true", True), ("false", False)):
        bench = Bench(sound=f"recorded = {recorded}").run(1)
        bench.hears = False
        bench.run(3)
        assert (Fault.SOUND_LOST in bench.model.faults) is there
        bench.hears = True
        bench.run(0.5)
        assert Fault.SOUND_LOST not in bench.model.faults


def test_a_stalled_camera_says_nothing_of_the_microphone() -> None:
    bench = Bench(sound="recorded = true").run(1)
    bench.sees = bench.hears = False
    bench.run(4)
    assert Fault.CAMERA_STALLED in bench.model.faults
    assert Fault.SOUND_LOST not in bench.model.faults


def test_a_card_that_does_not_answer_is_a_fault_until_it_does() -> None:
    bench = Bench().run(1)
    bench.writer.busy_since_ns = bench.now
    bench.run(5)
    assert Fault.CARD_STUCK not in bench.model.faults
    bench.run(0.5)
    assert Fault.CARD_STUCK in bench.model.faults
    bench.writer.busy_since_ns = None
    bench.run(0.3)
    assert Fault.CARD_STUCK not in bench.model.faults


def test_a_clock_that_nobody_set_is_a_fault() -> None:
    bench = Bench().run(1)
    bench.clock.source = "none"
    bench.run(0.3)
    assert Fault.CLOCK_UNSYNCHRONISED in bench.model.faults


def test_a_flood_of_events_does_not_hide_a_silent_camera() -> None:
    bench = Bench().run(1)
    for _ in range(60):
        bench.clock.now += STEP_NS
        bench.tell(Edge(Button.FUNCTION, closed=False))
    assert Fault.CAMERA_STALLED in bench.model.faults


# ---- a stop and a press too late -----------------------------------------------------------------


def test_a_press_within_post_record_goes_on_in_the_same_recording() -> None:
    bench = Bench(keep="post_record_s = 5").run(5).record().run(1).press(4).run(1)
    assert bench.state() is State.STOPPING
    bench.press().run(1)
    assert bench.state() is State.RECORDING
    assert bench.kept().count("b") == 1
    assert "e" not in bench.kept()


def test_a_press_that_comes_too_late_for_the_footage_goes_on_in_a_linked_recording() -> None:
    bench = Bench(keep="post_record_s = 1").run(5).record().run(1).press(4).run(0.5)
    stamp = bench.now
    bench.footage.tick(stamp + 2 * SECOND)  # the control road was held up, the camera was not
    bench.agent.handle(Edge(Button.RECORD, closed=True), stamp)
    bench.run(2)
    assert bench.state() is State.RECORDING
    assert bench.kept().replace("n", "").replace("g", "") == "beb"
    begin = [item for item in bench.items if isinstance(item, Begin)][-1]
    assert begin.warned.how is How.CONTINUED


# ---- going off -----------------------------------------------------------------------------------


def test_going_off_keeps_the_last_pictures_and_waits_until_they_are_saved() -> None:
    bench = Bench().run(5).record().run(1).tell(ShutDown("power button"))
    asked_ns = bench.now
    bench.writer.busy_since_ns = bench.now
    bench.run(1)
    assert bench.host.asked == []
    assert bench.kept()[-1] == "e"
    last = [item for item in bench.items if isinstance(item, Gop)][-1]
    assert last.video[-1].t_ns == asked_ns
    bench.run(0.5)
    assert bench.host.asked == []
    bench.writer.busy_since_ns = None
    bench.run(0.3)
    assert bench.host.asked == ["power_off power button"]
    bench.run(5)
    assert len(bench.host.asked) == 1


def test_the_end_is_cut_as_soon_as_the_last_pictures_must_have_come() -> None:
    bench = Bench().run(5).record()
    while bench.agent.due_ns() != bench.now + STEP_NS:
        bench.run(0.05)
    bench.tell(ShutDown("battery")).run(0.05)
    bench.clock.now += SETTLE_NS - STEP_NS
    bench.tell(Edge(Button.FUNCTION, closed=False))
    assert bench.kept()[-1] == "e"


def test_a_card_that_does_not_answer_does_not_keep_it_on_for_more_than_two_seconds() -> None:
    bench = Bench().run(5).record().tell(ShutDown("battery"))
    bench.run(1.9)
    assert bench.host.asked == []
    bench.run(0.1)
    assert bench.host.asked == ["power_off battery"]


def test_what_the_writer_has_in_its_hands_is_waited_for() -> None:
    bench = Bench().run(5).record().tell(ShutDown("power button")).run(0.5)
    bench.footage.take(1000)
    bench.run(0.5)
    assert bench.host.asked == []
    bench.footage.done()
    bench.run(0.3)
    assert bench.host.asked == ["power_off power button"]


def test_a_camera_that_is_not_switched_off_is_asked_again_but_not_all_the_time() -> None:
    bench = Bench().run(5).tell(ShutDown("battery"))
    bench.host.refuses = {"power_off"}
    bench.write().run(1.9)
    assert bench.host.asked == ["power_off battery"]
    bench.run(0.6)
    assert bench.host.asked == ["power_off battery"] * 2


# ---- status --------------------------------------------------------------------------------------


def test_the_status_says_how_the_camera_is() -> None:
    bench = Bench().run(35)
    assert bench.status.fields[0]["ring_ms"] == 0
    fields = bench.status.fields[-1]
    assert fields["state"] == "standby"
    assert fields["recording"] is False
    assert fields["rec"] == ""
    assert fields["policy"] == bench.policy.sha256
    assert 30_000 <= int(str(fields["ring_ms"])) <= 32_000
    bench.writer.progress = Progress("cam07-000001-00000000", 7, "ab" * 32, bench.now)
    bench.record()
    fields = bench.status.fields[-1]
    assert fields["state"] == "recording"
    assert (fields["rec"], fields["rec_seq"]) == ("cam07-000001-00000000", 7)
    bench.tell(FaultRaised(Fault.BATTERY_LOW))
    assert bench.status.fields[-1]["faults"] == ["battery-low"]


def test_the_status_is_told_again_every_ten_seconds() -> None:
    bench = Bench().run(1)
    before = len(bench.status.fields)
    bench.run(20)
    assert len(bench.status.fields) == before + 2


def test_a_status_that_nobody_takes_stops_nothing() -> None:
    bench = Bench().run(1)
    bench.status.refuses = {"publish"}
    bench.record()
    assert bench.kept()[0] == "b"


def test_every_turn_is_watched_with_its_event() -> None:
    bench = Bench().run(1)
    bench.tell(FaultRaised(Fault.BATTERY_LOW))
    event, model = bench.turns[-1]
    assert event == FaultRaised(Fault.BATTERY_LOW)
    assert model is bench.model
