"""A body put together from a configuration, and the recorder in it."""

import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin  # type: ignore[import-untyped]

from bodycam.config import Config, read_config
from bodycam.errors import ConfigError
from bodycam.pi import body, gauge, outputs
from bodycam.pi.body import Body
from bodycam.pi.buttons import ButtonWiring
from bodycam.pi.i2c import I2c
from bodycam.pi.parts import LightWiring
from bodycam.posix.card import PosixCard
from bodycam.posix.clock import PosixClock
from bodycam.recorder.assembly import Owner
from bodycam.recorder.intake import Intake
from bodycam.recorder.process import Recorder, Surroundings
from bodycam.rules.events import Fault
from bodycam.rules.policy import read_policy
from pi.chips import Max17048, on_bus
from pi.sinks import MadeUpSink
from recordings import Dice, device_key, recipient
from reported import Reported

HOUSE = Path(__file__).parent.parent.parent
TEXT = "U wordt gefilmd."


def configured(folder: Path, text: str = "") -> Config:
    path = folder / "bodycam.toml"
    path.write_text(f'[device]\nid = "cam07"\n{text}')
    return read_config(path)


# ---- configuration -------------------------------------------------------------------------------


def test_the_example_shows_every_default(tmp_path: Path) -> None:
    example = read_config(HOUSE / "config" / "bodycam.toml")
    assert example == configured(tmp_path)
    shown = (HOUSE / "config" / "bodycam.toml").read_text()
    for table in ("buttons", "lights", "buzzer", "vibration", "speaker", "dock", "power"):
        section = shown.split(f"[{table}]")[1].split("\n[")[0]
        for key in getattr(example, table).__slots__:
            assert re.search(rf"^{key} = ", section, re.MULTILINE), f"{table}.{key}"


def test_the_wiring_in_the_documentation_fits_together(tmp_path: Path) -> None:
    """The pins of docs/hardware.md are the defaults, or can all be used at once with them."""
    table = (HOUSE / "docs" / "hardware.md").read_text()
    rows = re.findall(r"\| (\d+) \| \d+ \| `(\w+)\.(\w+)` \|", table)
    assert len(rows) >= 9
    config = configured(tmp_path)
    for pin, section, key in rows:
        assert getattr(getattr(config, section), key) in (int(pin), -1), f"{section}.{key}"
    lines = "".join(f"[{s}]\n{k} = {p}\n" for p, s, k in rows if s in ("dock", "charger"))
    modules = 'gauge = "max17048"\nclock_module = "ds3231"\nbody_memory = "at24c32"\n'
    configured(tmp_path, f"{lines}[power]\n{modules}")


def test_what_is_not_fitted_is_none(tmp_path: Path) -> None:
    fittings = configured(
        tmp_path,
        '[buttons]\nfunction_pin = -1\npull = "none"\nclosed = "high"\n'
        '[lights]\nkind = "single"\ngreen_pin = -1\namber_pin = 7\non = "low"\n'
        "[buzzer]\npin = -1\n[vibration]\npin = -1\n",
    ).fittings
    assert fittings.buttons == (ButtonWiring("record", 17, "none", "high"),)
    assert fittings.light == LightWiring(red_pin=23, amber_pin=7, active_high=False)
    assert (fittings.buzzer, fittings.vibration, fittings.senses) == (None, None, ())
    assert (fittings.speaker, fittings.gauge, fittings.clock_module) == ("", False, False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[buzzer]\npin = 17\n", r":4: buzzer\.pin = 17 is the pin of buttons\.record_pin"),
        ("[dock]\npin = 23\n", r":4: dock\.pin = 23 is the pin of lights\.red_pin"),
        ("[dock]\npin = 28\n", r":4: dock\.pin = 28 is not allowed \(allowed: -1 to 27\)"),
        ("[buttons]\nrecord_pin = -1\n", r"record_pin = -1 is not allowed \(allowed: 0 to 27\)"),
        ("[lights]\nblue_pin = -1\n", r":4: lights\.blue_pin: an RGB LED needs three pins"),
        (
            '[power]\ngauge = "max17048"\n[dock]\npin = 2\n',
            r":6: dock\.pin = 2 is the pin of the I2C bus",
        ),
        ('[power]\ngauge = "max1704"\n', "allowed: one of none, max17048"),
        ("[light]\nred_pin = 1\n", r"did you mean lights\?"),
    ],
)
def test_pins_that_cannot_be_are_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        configured(tmp_path, text)


def test_a_pin_of_the_bus_is_free_where_nothing_is_on_it(tmp_path: Path) -> None:
    assert configured(tmp_path, "[dock]\npin = 2\n").dock.pin == 2


# ---- the body ------------------------------------------------------------------------------------

FULL = """
[speaker]
device = "made-up"
[dock]
pin = 6
[charger]
pin = 13
[power]
gauge = "max17048"
clock_module = "ds3231"
body_memory = "at24c32"
"""


@pytest.fixture
def pins() -> Iterator[Any]:
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()


Make = Callable[..., Body]


@pytest.fixture
def make(tmp_path: Path, pins: Any) -> Iterator[Make]:
    made: list[Body] = []

    def make(reports: Any, bus: I2c, text: str = FULL) -> Body:
        fittings = configured(tmp_path, text).fittings
        one = Body(
            fittings,
            reports,
            pins=pins,
            bus=bus,
            clock=body.make_clock(fittings),
            tell=lambda _: None,
            sink=lambda device: MadeUpSink(),
        )
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def test_all_that_is_fitted_works(make: Make, pins: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauge.Gauge, "every_s", 0.1)
    told = Reported()
    bus, _ = on_bus({gauge.ADDRESS: Max17048(66)})
    whole = make(told, bus)
    whole.start([TEXT])
    assert whole.outputs.fitted == ("speaker", "buzzer", "light")
    pins.pin(6).drive_low()
    told.wait_for(("docked", True))
    pins.pin(17).drive_low()
    whole.outputs.warn("speaker", 1, (TEXT,), 100)
    told.wait_for(("edge", "record", True), ("ended", "speaker", 1))
    assert ("fault", "clock-dead", True) in told.said  # this machine has none
    told.wait_for(("battery", 66))


def test_a_camera_that_starts_in_its_dock_is_not_docked_again(
    make: Make, pins: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorder is told at its start."""
    monkeypatch.setattr(gauge.Gauge, "every_s", 0.3)
    told, pulled = Reported(), pins.pin(6)
    whole = make(
        told,
        on_bus({gauge.ADDRESS: Max17048(66)})[0],
        FULL.replace("[charger]", 'true = "high"\n[charger]'),
    )
    assert pulled.state
    assert whole.dock.docked
    whole.start([])
    told.wait_for(("battery", 66))
    assert ("docked", True) not in told.said


def test_a_body_with_the_least_in_it_works(
    make: Make, pins: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "STROBE_MS", (10, 10, 10))
    told = Reported()
    whole = make(
        told,
        on_bus({})[0],
        '[lights]\nkind = "single"\ngreen_pin = -1\n[buzzer]\npin = -1\n[vibration]\npin = -1\n',
    )
    whole.start([TEXT])
    assert whole.outputs.fitted == ("light",)
    assert not whole.dock.docked
    whole.outputs.warn("light", 1, (), 100)
    told.wait_for(("ended", "light", 1))


def test_a_memory_is_there_where_it_is_fitted(tmp_path: Path) -> None:
    bus, _ = on_bus({})
    assert body.make_memory(configured(tmp_path, FULL).fittings, bus) is not None
    assert body.make_memory(configured(tmp_path).fittings, bus) is None


def test_the_rules_know_every_fault_that_the_hardware_tells() -> None:
    known = {fault.value for fault in Fault}
    told = set()
    for path in Path(body.__file__).parent.glob("*.py"):
        endings = "dead|broken|weak|hot|worn|stepped|restored|lost|stalled"
        told |= set(re.findall(rf'"([a-z]+-(?:{endings}))"', path.read_text()))
    assert {"gauge-dead", "button-broken", "power-weak", "too-hot"} <= told
    assert told | {"light-dead", "buzzer-dead"} <= known


# ---- with the real recorder ----------------------------------------------------------------------

POLICY = read_policy(
    f'name = "desk"\n[warning]\nlead_s = 0.3\ntext_nl = "{TEXT}"\n'.encode(), "desk.toml"
)


class Nothing:
    """A camera, a status and a host to whom nothing matters."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *words: None


def _failed(error: BaseException) -> None:
    raise error


class Worn:
    """A recorder in its body; `shown` is when the light first was red."""

    def __init__(self, folder: Path, make: Make, pins: Any) -> None:
        self.turns: list[str] = []
        self.shown_s: list[float] = []
        self.red = threading.Event()
        nothing: Any = Nothing()
        folder.mkdir()
        owner = Owner("cam07", device_key("cam07"), (recipient("station"), recipient("escrow")))
        around = Surroundings(
            lambda: PosixCard(folder), Dice("worn"), "boot", nothing, nothing, _failed, print
        )
        intake = Intake(POLICY, PosixClock())
        self.recorder = Recorder(intake, owner, around)
        self.body = make(intake.reports, on_bus({})[0], '[speaker]\ndevice = "made-up"\n')
        self.body.start([TEXT])
        red = pins.pin(23)
        change = red._change_state

        def changed(value: float) -> Any:
            if value and not self.red.is_set():
                self.shown_s.append(time.perf_counter())
                self.red.set()
            return change(value)

        red._change_state = changed
        self.pins = pins
        self.recorder.start(
            nothing,
            self.body.outputs,
            fitted=self.body.outputs.fitted,
            docked=self.body.dock.docked,
            record_closed=self.body.buttons.closed_at_start("record"),
            watch=self._turned,
        )

    def press_to_light_s(self) -> float:
        began_s = time.perf_counter()
        self.pins.pin(17).drive_low()
        assert self.red.wait(5)
        return self.shown_s[0] - began_s

    def stop(self) -> None:
        assert self.recorder.stop()
        self.body.close()

    def _turned(self, now: int, event: object, model: Any, effects: tuple[object, ...]) -> None:
        self.turns.append(model.state.value)


def test_a_press_warns_and_then_records(tmp_path: Path, make: Make, pins: Any) -> None:
    worn = Worn(tmp_path / "card", make, pins)
    assert worn.press_to_light_s() < 1
    pins.pin(17).drive_high()
    sink: Any = worn.body._speaker and worn.body._speaker._sink
    until(lambda: "recording" in worn.turns)
    assert worn.turns.index("warning") < worn.turns.index("recording")
    # The device was opened at the start, then came tone and text.
    assert sink.rates == [16_000, 16_000, 16_000]
    worn.stop()


@pytest.mark.proof
def test_the_light_answers_a_press_within_10_ms(tmp_path: Path, make: Make, pins: Any) -> None:
    """p99 of contact to light, through the whole recorder, on whatever machine this is."""
    taken_s = []
    for number in range(200):
        pins.reset()
        worn = Worn(tmp_path / str(number), make, pins)
        taken_s.append(worn.press_to_light_s())
        worn.stop()
    p50, p99 = (statistics.quantiles(taken_s, n=100)[index] * 1000 for index in (49, 98))
    print(f"contact to light: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    assert p99 <= 10


def until(holds: Callable[[], bool], within_s: float = 10) -> None:
    ticks = threading.Event()
    for _ in range(int(within_s * 1000)):
        if holds():
            return
        ticks.wait(0.001)
    raise AssertionError("it did not come about")
