"""What every implementation of ports.Outputs owes the recorder."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin  # type: ignore[import-untyped]

from bodycam.pi import outputs
from bodycam.pi.clips import SOUNDS, Clips
from bodycam.pi.outputs import PiOutputs
from bodycam.pi.parts import (
    Buzzer,
    BuzzerWiring,
    LightWiring,
    SingleLights,
    Vibration,
    VibrationWiring,
)
from bodycam.pi.speaker import Speaker
from bodycam.ports import Outputs, Pattern
from bodycam_sim.host import Heap
from bodycam_sim.outputs import SimOutputs
from pi.sinks import MadeUpSink
from reported import Reported

TEXT = "U wordt gefilmd."
OUTPUTS = ("speaker", "buzzer", "light")


@dataclass
class Subject:
    """Outputs of some kind, and how time passes for them."""

    outputs: Outputs
    told: Reported
    wait_for: Callable[..., None]
    now_ns: Callable[[], int]
    broken: set[str] = field(default_factory=set)
    """Outputs named here fail from now on."""


@pytest.fixture(params=["sim", "pi"])
def subject(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    monkeypatch.setattr(outputs, "BUZZ_MS", (40, 40, 40))  # so that a test does not last long
    monkeypatch.setattr(outputs, "STROBE_MS", (40, 40, 40))
    yield from (_sim() if request.param == "sim" else _pi())


def _sim() -> Iterator[Subject]:
    heap, told, broken = Heap(), Reported(), set[str]()
    made = SimOutputs(heap, told, lambda _: None, dead=broken, silent=(), boot_ns=0)

    def wait_for(*wanted: tuple[object, ...]) -> None:
        while not all(one in told.said for one in wanted):
            assert heap.next_ns() is not None, told.said
            heap.happen()

    yield Subject(made, told, wait_for, lambda: heap.now_ns, broken)


class Breakable:
    """Makes a switch or a sink fail when the test says so."""

    def __init__(self, broken: set[str]) -> None:
        self.broken = broken

    def switch(self, name: str, inner: Callable[[bool], None]) -> Callable[[bool], None]:
        def switch(on: bool) -> None:
            if name in self.broken:
                raise OSError("the pin is gone")
            inner(on)

        return switch


def _pi() -> Iterator[Subject]:
    pins, told, broken = MockFactory(pin_class=MockPWMPin), Reported(), set[str]()
    breakable = Breakable(broken)
    light = SingleLights(LightWiring(red_pin=22, green_pin=23), pins)
    red = breakable.switch("light", light.switch("red"))
    light.switch = lambda colour: red  # type: ignore[method-assign]
    buzzer = Buzzer(BuzzerWiring(12), pins)
    buzzer.switch = breakable.switch("buzzer", buzzer.switch)

    class Sink(MadeUpSink):
        def begin(self, rate_hz: int) -> None:
            self.gone = "speaker" in broken
            super().begin(rate_hz)

    speaker = Speaker(Sink(), Clips([SOUNDS]), told, lambda _: None)
    speaker.start([TEXT])
    made = PiOutputs(
        told,
        light=light,
        buzzer=buzzer,
        vibration=Vibration(VibrationWiring(13), pins),
        speaker=speaker,
        tell=lambda _: None,
    )
    yield Subject(
        made,
        told,
        told.wait_for,
        lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        broken,
    )
    made.close()
    pins.reset()


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_warning_is_acknowledged_and_then_ends(subject: Subject, output: str) -> None:
    before_ns = subject.now_ns()
    subject.outputs.warn(output, 7, (TEXT,) if output == "speaker" else (), 100)
    subject.wait_for(("started", output, 7), ("ended", output, 7))
    assert subject.told.said == [("started", output, 7), ("ended", output, 7)]
    started_ns, ended_ns = subject.told.times_ns
    assert before_ns <= started_ns < ended_ns <= subject.now_ns()


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_that_is_dead_says_so_in_time(subject: Subject, output: str) -> None:
    subject.broken.add(output)
    before_ns = subject.now_ns()
    subject.outputs.warn(output, 8, (), 100)
    subject.wait_for(("failed", output, 8))
    at_ns = subject.told.times_ns[subject.told.said.index(("failed", output, 8))]
    # The rules try the next output after half a second, whatever this one says.
    assert at_ns - before_ns < 500_000_000
    assert ("started", output, 8) not in subject.told.said


@pytest.mark.parametrize("output", OUTPUTS)
def test_nothing_is_told_of_a_warning_that_was_hushed(subject: Subject, output: str) -> None:
    subject.outputs.warn(output, 1, (TEXT,), 100)
    subject.wait_for(("started", output, 1))
    subject.outputs.hush()
    subject.outputs.warn(output, 2, (), 100)
    subject.wait_for(("ended", output, 2))
    assert ("ended", output, 1) not in subject.told.said
    assert not [said for said in subject.told.said if said[0] == "failed"]


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_that_is_well_again_warns_again(subject: Subject, output: str) -> None:
    subject.broken.add(output)
    subject.outputs.warn(output, 1, (), 100)
    subject.wait_for(("failed", output, 1))
    subject.broken.clear()
    subject.outputs.warn(output, 2, (), 100)
    subject.wait_for(("started", output, 2), ("ended", output, 2))


def test_no_call_waits_or_raises(subject: Subject) -> None:
    subject.broken.update(OUTPUTS)
    began_s = time.monotonic()
    for token in range(20):
        subject.outputs.light(Pattern("recording", (900, 100), "red"))
        subject.outputs.vibrate(Pattern("started", (120, 120, 120)))
        subject.outputs.say("De kaart is vol.")
        subject.outputs.say("Nobody has made a sound for this.")
        for output in OUTPUTS:
            subject.outputs.warn(output, token, (), 60)
        subject.outputs.hush()
    assert time.monotonic() - began_s < 1


def test_what_is_hushed_twice_or_never_began_is_nothing(subject: Subject) -> None:
    subject.outputs.hush()
    subject.outputs.hush()
    assert subject.told.said == []
