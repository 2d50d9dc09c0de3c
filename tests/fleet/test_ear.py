"""The ear at a real broker: nothing is acknowledged that is not written, so nothing is lost."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from bodycam.messages.commands import Locate, Report
from bodycam_station.fleet.broker import Address
from bodycam_station.fleet.ear import BATCH, Ear
from bodycam_station.fleet.outbox import Outgoing
from bodycam_station.fleet.port import StorageError
from bodycam_station.fleet.schema import JOURNAL
from bodycam_station.fleet.service import FleetService, wall_ms
from bodycam_station.fleet.settings import Settings
from bodycam_station.fleet.store import Store
from bodycam_station.fleet.taking import Incoming
from brokers import Mosquitto
from fleet.cameras import Talking
from fleet.conftest import empty
from fleet.test_service import Desk, key_hash
from observer import Observer

PATIENCE_S = 30
CONF = Path(__file__).parents[2] / "config" / "mosquitto" / "bodycam.conf"
LIMITS = [line for line in CONF.read_text().splitlines() if line.startswith("max_")]
ROOM = "\n".join(["allow_anonymous true", *LIMITS, ""])
"""A broker with the limits of the one that we recommend."""


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.01)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker", ROOM) as made:
        yield made


class Shelf:
    """Stands for the database: takes messages, or breaks."""

    def __init__(self) -> None:
        self.batches: list[list[Incoming]] = []
        self.broken = False
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.out: list[Outgoing] = []
        self.said: list[str] = []

    def take(self, batch: Sequence[Incoming]) -> None:
        self.entered.set()
        assert self.gate.wait(PATIENCE_S)
        if self.broken:
            raise StorageError("The database does not answer: it is broken.")
        self.batches.append([*batch])

    def due(self, now_ms: int) -> Sequence[Outgoing]:
        return [one for one in self.out if one.command not in self.said]

    def sent(self, out: Outgoing, now_ms: int) -> None:
        self.said.append(out.command)

    @property
    def payloads(self) -> list[bytes]:
        return [one.payload for batch in self.batches for one in batch]


@contextmanager
def listening(broker: Mosquitto, shelf: Shelf) -> Iterator[Ear]:
    address = Address("127.0.0.1", broker.port)
    ear = Ear(address, "station", shelf.take, shelf, wall_ms, random=lambda: 0.0, least_s=0.05)
    ear.start()
    try:
        yield ear
    finally:
        shelf.gate.set()
        ear.stop()


def speaking(broker: Mosquitto) -> Observer:
    """Somebody who says what no camera would: numbers. They hear what cameras are told."""
    return Observer(broker.port, topics="bodycam/v1/+/cmd/+")


def numbers(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(start, start + count)]


def say(observer: Observer, payloads: Sequence[bytes]) -> None:
    said = [observer.client.publish("bodycam/v1/cam07/event", one, 1) for one in payloads]
    said[-1].wait_for_publish(PATIENCE_S)


def test_what_is_said_is_heard_in_its_order(broker: Mosquitto) -> None:
    shelf = Shelf()
    with listening(broker, shelf) as ear, speaking(broker) as observer:
        until(lambda: ear.view.connected, "the ear is there")
        say(observer, numbers(2000))
        until(lambda: len(shelf.payloads) == 2000, "all is heard")
        assert shelf.payloads == numbers(2000)
        assert max(map(len, shelf.batches)) <= BATCH


def test_what_was_not_written_when_the_station_died_comes_again(broker: Mosquitto) -> None:
    first, second = Shelf(), Shelf()
    with speaking(broker) as observer:
        with listening(broker, first) as ear:
            until(lambda: ear.view.connected, "the ear is there")
            say(observer, numbers(300))
            until(lambda: len(first.payloads) == 300, "all is written")
            first.gate.clear()
            first.broken = True  # it hangs in the middle of a batch, and then is gone
            first.entered.clear()
            say(observer, numbers(300, 300))
            assert first.entered.wait(PATIENCE_S)
        say(observer, numbers(100, 600))  # nobody listens
        with listening(broker, second):
            until(lambda: len(set(second.payloads)) >= 400, "the rest comes")
    assert sorted(set(first.payloads + second.payloads), key=int) == numbers(700)
    assert second.payloads[-400:] == numbers(400, 300)


def test_a_night_without_the_station_is_kept_by_the_broker(broker: Mosquitto) -> None:
    shelf = Shelf()
    with speaking(broker) as observer:
        with listening(broker, shelf) as ear:
            until(lambda: ear.view.connected, "the ear is there")
        say(observer, numbers(3000))
        with listening(broker, shelf):
            until(lambda: len(shelf.payloads) >= 3000, "all comes")
    assert shelf.payloads == numbers(3000)


def test_a_database_that_breaks_loses_nothing(broker: Mosquitto) -> None:
    shelf = Shelf()
    with listening(broker, shelf) as ear, speaking(broker) as observer:
        until(lambda: ear.view.connected, "the ear is there")
        shelf.broken = True
        say(observer, numbers(50))
        until(lambda: not ear.view.connected, "it has noticed")
        assert "it is broken" in ear.view.why
        shelf.broken = False
        until(lambda: len(shelf.payloads) >= 50, "it comes again")
        assert shelf.payloads[-50:] == numbers(50)


def test_a_broker_that_is_killed_and_comes_back_is_heard_again(broker: Mosquitto) -> None:
    shelf = Shelf()
    with listening(broker, shelf) as ear:
        until(lambda: ear.view.connected, "the ear is there")
        broker.kill()
        until(lambda: not ear.view.connected, "it has noticed")
        broker.start()
        until(lambda: ear.view.connected, "it is back")
        with speaking(broker) as observer:
            say(observer, numbers(3))
            until(lambda: shelf.payloads == numbers(3), "it hears")


def test_a_broker_that_answers_nothing_does_not_hold_up_the_end(broker: Mosquitto) -> None:
    shelf = Shelf()
    broker.signal(signal.SIGSTOP)
    with listening(broker, shelf) as ear:
        assert not ear.view.connected
        began = time.monotonic()
    assert time.monotonic() - began < 15
    broker.signal(signal.SIGCONT)


def test_what_is_to_be_said_is_said_once_and_noted_when_the_broker_has_it(
    broker: Mosquitto,
) -> None:
    shelf = Shelf()
    with listening(broker, shelf) as ear, speaking(broker) as observer:
        until(lambda: ear.view.connected, "the ear is there")
        for name in ("c1", "c2"):
            topic = "bodycam/v1/cam07/cmd/report"
            payload = Report(name, 1_790_000_000_000).encode()
            shelf.out.append(Outgoing(topic, payload, False, 20, command=name))
        ear.poke()
        until(lambda: shelf.said == ["c1", "c2"], "both are noted")
        until(lambda: len(observer.seen) == 2, "both are seen")
    assert len(observer.seen) == 2


def test_a_station_from_message_to_view(broker: Mosquitto, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "fleet.db")
    with closing(FleetService(Desk(), store)) as fleet, speaking(broker) as observer:
        changed = threading.Event()
        fleet.subscribe(lambda change: changed.set() if "cam07" in change.cameras else None)
        fleet.start(Address("127.0.0.1", broker.port))
        camera = Talking()
        now_ms = wall_ms()
        until(lambda: not fleet.healthy(now_ms), "it is well")
        changed.clear()
        for one in (
            camera.state("docked"),
            camera.info(key=key_hash("cam07")),
            camera.status(now_ms),
        ):
            observer.say(one.topic, one.payload, expires_s=None, retained=True)
        assert changed.wait(PATIENCE_S)
        until(lambda: fleet.view(wall_ms()).can_go_out == ("cam07",), "it can go out")
        given = fleet.command("cam07", "locate", {"seconds": 3}, "A. de Vries", wall_ms())
        topic = "bodycam/v1/cam07/cmd/locate"
        observer.until(
            lambda: [one.topic for one in observer.seen] == [topic], "the command is heard"
        )
        said = Locate.decode(observer.seen[-1].payload)
        assert (said.id, said.seconds) == (given.id, 3)
        answer = camera.result(given.id, "locate", "done")
        observer.say(answer.topic, answer.payload)
        until(lambda: fleet.commands()[0].outcome == "done", "it is done")
        observer.say("bodycam/v1/spy/status", b"{}")
        until(lambda: fleet.view(wall_ms()).refused.misshapen == 1, "it is counted")


def test_a_camera_that_spoke_before_it_was_enrolled_is_known_at_once(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """It was a stranger when it said that it is docked, and it does not say it again."""
    desk = Desk(devices_known=["cam07"])
    store = Store.open(tmp_path / "fleet.db")
    with closing(FleetService(desk, store)) as fleet, speaking(broker) as observer:
        fleet.start(Address("127.0.0.1", broker.port))
        until(lambda: not fleet.healthy(wall_ms()), "it is well")
        camera = Talking("cam08")
        for one in (
            camera.state("docked"),
            camera.info(key=key_hash("cam08")),
            camera.status(wall_ms()),
        ):
            observer.say(one.topic, one.payload, expires_s=None, retained=True)
        until(lambda: fleet.view(wall_ms()).refused.unknown == 3, "it is a stranger")
        desk.devices_known.append("cam08")
        fleet.sync_registry(wall_ms())
        until(lambda: fleet.view(wall_ms()).can_go_out == ("cam08",), "it can go out")
        row = fleet.camera("cam08", wall_ms()).row
        assert (row.state, row.model) == ("docked", "Zero 2 W")
        assert fleet.view(wall_ms()).link.connected


def test_two_stations_share_what_comes_and_nothing_is_lost_or_alarmed(
    broker: Mosquitto, postgres_url: str
) -> None:
    url = empty(postgres_url)
    with speaking(broker) as observer, ExitStack() as stack:
        fleets = []
        for name in ("board-1", "board-2"):
            settings = Settings(broker_name=name, broker_share="boards")
            fleet = FleetService(Desk(), Store.open(url), settings)
            stack.enter_context(closing(fleet))
            fleet.start(Address("127.0.0.1", broker.port))
            fleets.append(fleet)
        until(lambda: not any(one.healthy(wall_ms()) for one in fleets), "both are well")
        cameras = [Talking(one) for one in ("cam07", "cam08")]
        said: list[Incoming] = []
        for camera in cameras:
            said += [camera.state("online"), camera.info(key=key_hash(camera.device))]
        for number in range(200):
            for camera in cameras:
                said += [camera.event("fault"), camera.status(wall_ms(), temperature_c=number % 60)]
        for one in said:
            observer.client.publish(one.topic, one.payload, 1)
        last = 200

        def heard() -> bool:
            with fleets[0].store.read() as db:
                return db.execute(sa.select(sa.func.max(JOURNAL.c.seq))).scalar() == last

        until(heard, "the last line is there")

        def whole() -> bool:
            with fleets[0].store.read() as db:
                count = sa.select(sa.func.count()).select_from(JOURNAL)
                return db.execute(count).scalar() == 2 * last

        until(whole, "all lines are there")
        assert all(one.metrics(wall_ms()).count("custody") == 0 for one in fleets)
        views = [one.view(wall_ms() + 2000) for one in fleets]
        assert views[0].can_go_out == views[1].can_go_out == ("cam07", "cam08")
