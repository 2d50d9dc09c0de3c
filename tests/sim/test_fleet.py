"""The simulated fleet at a real broker: the product's link in each camera, chains that verify."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bodycam.evidence import bech32
from bodycam.evidence.journal import JournalReader
from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.lines import Line
from bodycam.link.connection import Address
from bodycam.messages.commands import Locate
from bodycam.posix.clock import PosixClock
from bodycam_sim.cli import main
from bodycam_sim.fleet.camera import ACTS, Keys, SimulatedCamera
from bodycam_sim.fleet.command import HOST_ACTS
from bodycam_sim.fleet.crowd import Crowd, Member, connected
from bodycam_sim.fleet.day import DAY_S, Act, plan
from bodycam_station.station import Station
from brokers import Mosquitto
from observer import Observer

WITHIN_S = 30
RECIPIENTS = tuple(bech32.encode("age", bytes([n]) * 32) for n in (5, 6))
STATION_KEY = SoftwareKey.from_seed(b"s" * 32)


# ---- days ----------------------------------------------------------------------------------------


def days() -> Iterator[list[Act]]:
    for number in range(200):
        yield plan(7, number, 0)


def test_a_day_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert [*days()] == [*days()]
    assert len({tuple(day) for day in days()}) > 100
    assert plan(7, 1, 0) != plan(8, 1, 0)


def test_a_day_goes_on_in_time_and_asks_only_for_what_can_happen() -> None:
    known = {*ACTS, *HOST_ACTS}
    for acts in days():
        assert acts == sorted(acts)
        assert {act.what for act in acts} <= known
        assert all(0 <= act.at_s < DAY_S for act in acts)


def test_most_cameras_go_out_and_few_record() -> None:
    out = [acts for acts in days() if any(act.what == "undock" for act in acts)]
    recordings = sum(act.what == "record" for acts in days() for act in acts)
    assert 130 < len(out) < 190
    assert 0.1 < recordings / len(out) < 1.5


# ---- at a broker ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


def keys(device: str) -> Keys:
    key = SoftwareKey.from_seed(hashlib.sha256(device.encode()).digest())
    return Keys(device, key, STATION_KEY.public, RECIPIENTS, "0" * 64)


class Street:
    """A crowd that is turned by hand, and somebody at the broker."""

    def __init__(self, broker: Mosquitto, observer: Observer, *devices: str) -> None:
        self.observer = observer
        self.crowd = Crowd(PosixClock(), os.urandom, interval_s=1)
        address = Address("127.0.0.1", broker.port, None)
        for device in devices:
            camera = SimulatedCamera(keys(device), PosixClock(), os.urandom)
            self.crowd.add(camera, address)
        self.members = [*self.crowd.members.values()]

    def until(self, condition: Callable[[], object], what: str) -> None:
        end_s = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < end_s, f"not within {WITHIN_S} s: {what}"
            self.crowd.turn(0.02)

    def all_there(self) -> None:
        self.until(lambda: connected(self.members) == len(self.members), "all are connected")
        self.until(lambda: all(self.states(one.id) for one in self.members), "all have said so")

    def states(self, device: str) -> list[str]:
        return [state.state for state in self.observer.of("state", device)]

    def newest(self, device: str) -> "Line | None":
        statuses = self.observer.of("status", device)
        return Line.parse(statuses[-1].journal.encode()) if statuses else None


@pytest.fixture
def street(broker: Mosquitto, request: pytest.FixtureRequest) -> Iterator[Street]:
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    with Observer(broker.port, name=f"observer-{name}") as observer:
        street = Street(broker, observer, *(f"{name}-{number}" for number in range(3)))
        street.all_there()
        yield street
        street.crowd.close("The test is over.")


def test_each_tells_of_itself_and_its_journal_is_one_chain(street: Street) -> None:
    first: Member = street.members[0]
    street.crowd.act(first.id, Act(0, "undock"))
    street.crowd.act(first.id, Act(0, "record"))
    street.crowd.advance(60)
    street.crowd.act(first.id, Act(0, "stop"))
    street.crowd.act(first.id, Act(0, "fault", "lens-covered"))

    def told() -> bool:
        statuses = street.observer.of("status", first.id)
        return bool(statuses) and statuses[-1].faults == ("lens-covered",)

    street.until(told, "the fault is in the status")
    wanted = ["boot", "open", "close", "fault"]
    street.until(lambda: len(street.observer.of("event", first.id)) >= len(wanted), "events")
    reader = JournalReader(first.id, first.camera.keys.key.public)
    kinds = [
        reader.take(event.line.encode() + b"\n").kind
        for event in street.observer.of("event", first.id)
    ]
    assert kinds == wanted
    assert street.observer.of("status", first.id)[-1].waiting == 1
    info = street.observer.of("info", first.id)[-1]
    assert info.key == hashlib.sha256(first.camera.keys.key.public.blob()).hexdigest()
    for member in street.members[1:]:
        assert street.states(member.id)[0] == "docked"


def test_the_witness_sees_a_recording_grow(street: Street) -> None:
    first = street.members[0]
    street.crowd.act(first.id, Act(0, "record"))
    seen: list[int] = []
    for now_s in (60, 120):
        street.crowd.advance(now_s)

        def grown(least: int = seen[-1] if seen else 0) -> bool:
            lines = [s.ledger for s in street.observer.of("status", first.id) if s.ledger]
            seq = Line.parse(lines[-1].encode()).fields["seq"] if lines else 0
            return isinstance(seq, int) and seq > least

        street.until(grown, "the ledger's newest line is told")
        newest = Line.parse(
            next(
                s for s in reversed(street.observer.of("status", first.id)) if s.ledger
            ).ledger.encode()
        )
        seen.append(int(newest.fields["seq"]))
    assert seen[1] > seen[0] > 10


def test_a_dead_spot_is_a_loss_and_then_another_session(street: Street) -> None:
    first = street.members[0]
    street.crowd.act(first.id, Act(0, "unheard"))
    street.until(lambda: street.states(first.id)[-1] == "lost", "the will is executed")
    lost = street.observer.of("state", first.id)[-1]
    street.crowd.act(first.id, Act(0, "heard"))
    street.until(lambda: street.states(first.id)[-1] == "docked", "it is back")
    back = street.observer.of("state", first.id)[-1]
    assert lost.boot == back.boot
    assert lost.session != back.session


def test_off_is_no_loss_and_on_is_another_boot(street: Street) -> None:
    first = street.members[0]
    before = street.observer.of("state", first.id)[-1].boot
    street.crowd.act(first.id, Act(0, "off", "It was switched off."))
    street.until(lambda: street.states(first.id)[-1] == "offline", "it says goodbye")
    street.crowd.act(first.id, Act(0, "on"))
    street.until(lambda: street.states(first.id)[-1] == "docked", "it is back")
    assert street.observer.of("state", first.id)[-1].boot != before
    assert "lost" not in street.states(first.id)


def test_a_frozen_camera_says_that_its_recorder_is_silent_no_sooner_than_it_may(
    street: Street,
) -> None:
    first = street.members[0]
    street.crowd.act(first.id, Act(0, "freeze"))
    street.until(lambda: len(street.observer.of("status", first.id)) > 1, "a status")
    at_us = {status.at_us for status in street.observer.of("status", first.id)[1:]}
    assert len(at_us) == 1


def test_commands_are_carried_out_or_refused(street: Street) -> None:
    first, second = street.members[:2]
    street.crowd.act(second.id, Act(0, "record"))
    for member in (first, second):
        until_ms = int(time.time() * 1000) + 20_000
        order = Locate(f"find-{member.id}", until_ms, 5).encode()
        street.observer.say(f"bodycam/v1/{member.id}/cmd/locate", order)
    street.until(lambda: len(street.observer.of("res", first.id)) == 2, "accepted, then done")
    street.until(lambda: len(street.observer.of("res", second.id)) == 2, "accepted, then refused")
    assert [r.outcome for r in street.observer.of("res", first.id)] == ["accepted", "done"]
    assert street.observer.of("res", second.id)[-1].why == "It is recording."
    assert first.camera.located == 1
    assert second.camera.located == 0


def test_an_older_card_shows_an_older_journal(street: Street) -> None:
    first = street.members[0]
    for name in ("too-hot", "sound-lost", "power-weak"):
        street.crowd.act(first.id, Act(0, "fault", name))

    def shows(seq: int) -> Callable[[], bool]:
        return lambda: (line := street.newest(first.id)) is not None and line.fields["seq"] == seq

    street.until(shows(3), "all is told")
    newest = street.newest(first.id)
    street.crowd.act(first.id, Act(0, "roll-back", "3"))
    street.until(shows(1), "the older journal has gone on with a boot")
    line = street.newest(first.id)
    assert line is not None
    assert newest is not None
    assert line.digest != newest.digest


# ---- the command ---------------------------------------------------------------------------------


def test_cards_are_carried_to_the_station_and_come_back_empty(
    broker: Mosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "station"
    Station.init(folder, "utrecht", person="tester").close()
    script = tmp_path / "script"
    script.write_text("0 cam01 undock\n0 cam01 record  # a press\n0.4 cam01 stop\n0.6 cam01 dock\n")
    arguments = ["fleet", "--cameras", "2", "--broker", f"mqtt://127.0.0.1:{broker.port}"]
    arguments += ["--station", str(folder), "--script", str(script), "--quiet-days"]
    arguments += ["--speed", "100", "--seconds", "1.2", "--state", str(tmp_path / "cards")]
    assert main(arguments) == 0
    assert "cam01: dock" in capsys.readouterr().err
    with Station.open(folder) as station:
        assert [device.device for device in station.devices()] == ["cam01", "cam02"]
        (rec,) = station.recordings()
        verdict = station.verify(rec)
        assert (verdict.integrity, verdict.provenance) == ("ok", "known")
    kept = tmp_path / "cards" / "cam01"
    assert not [*(kept / "recordings").iterdir()]
    kinds = [json.loads(line)["kind"] for line in (kept / "journal.jsonl").read_text().splitlines()]
    assert kinds == ["boot", "open", "close", "receipt", "deleted"]

    # The next time the cameras go on where they were: another boot of the same journal.
    assert main(arguments) == 0
    raw = (kept / "journal.jsonl").read_bytes().splitlines(keepends=True)
    with Station.open(folder) as station:
        reader = JournalReader("cam01", station.devices()[0].keys[-1].public)
    assert [reader.take(line).kind for line in raw].count("boot") == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--cameras", "0"], "from 1 to 20000"),
        (["--speed", "-1"], "speed must be from 0.1 to 1000"),
        (["--seconds", "nan"], "must be from 0 to"),
        (["--interval", "0"], "from 1 to 3600"),
        ([], "No camera was ever connected"),
        (["--broker", "http://127.0.0.1"], "is not a broker's address"),
        (["--broker", "mqtt://127.0.0.1:99999"], "is not a broker's address"),
        (["--broker", "mqtt://192.0.2.1"], "is not this machine"),
        (["--start", "noon"], "is not a time of day"),
        (["--script", "nowhere"], "cannot be read"),
        (["--station", "nowhere"], "nowhere"),
    ],
)
def test_what_it_refuses_it_says_in_a_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["fleet", "--cameras", "1", "--broker", "mqtt://127.0.0.1:1", "--seconds", "0.1"]
    assert main([*given, *arguments]) != 0
    said = capsys.readouterr().err
    assert says in said.splitlines()[-1]
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0 cam01", "a step is"),
        ("x cam01 dock", "a step is"),
        ("0 cam01 fly", "acts are"),
        ("0 cam99 dock", "no camera"),
    ],
)
def test_a_script_is_refused_with_its_line(
    line: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script"
    script.write_text(f"# first\n{line}\n")
    given = ["fleet", "--cameras", "1", "--broker", "mqtt://127.0.0.1:1", "--script", str(script)]
    assert main(given) != 0
    assert says in capsys.readouterr().err
