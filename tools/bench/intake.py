"""How many statuses a second the station takes in durably, against a subscriber that only counts.

Both drain the same queue of a real mosquitto, QoS 1: 1,000 cameras, each with a key and a signed
journal line of its own. Ours is the whole station: each message is validated, its lines checked,
written and synced before it is acknowledged, while the fleet is judged beside it. The cameras are
known when it begins: it is no morning on which all of them are heard for the first time.
"""

import hashlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench.serving import Told

_PATIENCE_S = 120
_HASH = "0" * 64
_CONF = """\
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 0
"""


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """The port of a mosquitto that lasts as long as the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    conf = folder / "mosquitto.conf"
    conf.write_text(_CONF.format(port=port))
    process = subprocess.Popen(["mosquitto", "-c", conf], stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _answers(port), "mosquitto to start")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE_S)


def bare(folder: str, cameras: str, each: str) -> Told:
    """Messages a second of a subscriber that only counts."""
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    wanted = int(cameras) * int(each)
    with broker(Path(folder)) as port:
        _subscribe_and_leave(port, "counter")
        _publish(port, Film(int(cameras), int(each)))
        times: list[float] = []
        client = Client(CallbackAPIVersion.VERSION2, "counter", protocol=MQTTv5)
        client.on_message = lambda *_: times.append(time.monotonic())
        began, cpu_s = time.monotonic(), time.process_time()
        client.connect("127.0.0.1", port, clean_start=False, properties=_session())
        while len(times) < wanted:
            client.loop(1)
            _patient(began)
        cpu_s = time.process_time() - cpu_s
        client.disconnect()
    return {"rate": wanted / (times[-1] - began), "cpu_us": cpu_s / wanted * 1e6}


def station(folder: str, cameras: str, each: str, database: str = "") -> Told:
    """Messages a second that the station has taken in when the last one is durable."""
    from bodycam_station.fleet.broker import Address
    from bodycam_station.fleet.service import FleetService, wall_ms
    from bodycam_station.fleet.store import Store
    from bodycam_station.fleet.taking import Incoming

    count, wanted = int(cameras), int(cameras) * int(each)
    film = Film(count, int(each))
    place = Path(folder)
    with ExitStack() as stack:
        port = stack.enter_context(broker(place))
        fresh = stack.enter_context(_fresh(database)) if database else place / "fleet.db"
        fleet = FleetService(film, Store.open(fresh))
        at_ms = wall_ms()
        fleet.take([Incoming(topic, payload, at_ms) for topic, payload in film.births()])
        fleet.tick(wall_ms())
        _subscribe_and_leave(port, fleet.settings.broker_name)
        _publish(port, film)
        done = threading.Event()
        take, taken = fleet.take, 0

        def counted(batch: Sequence[Any]) -> None:
            nonlocal taken
            take(batch)
            taken += len(batch)
            if taken >= wanted:
                done.set()

        fleet.take = counted  # type: ignore[method-assign]
        began, cpu_s = time.monotonic(), time.process_time()
        fleet.start(Address("127.0.0.1", port))
        if not done.wait(_PATIENCE_S):
            raise RuntimeError(f"only {taken} of {wanted} were taken in: {fleet.healthy(0)}")
        took_s, cpu_s = time.monotonic() - began, time.process_time() - cpu_s
        view = fleet.view(wall_ms())
        mib = _rss_mib()
        fleet.close()
    if view.refused.unknown or view.refused.misshapen or view.refused.repeated:
        raise RuntimeError(f"something was not taken in: {view.refused}")
    return {"rate": wanted / took_s, "cpu_us": cpu_s / wanted * 1e6, "mib": mib}


def judging(folder: str, cameras: str) -> Told:
    """CPU ms of a turn of the keeper: after all cameras spoke, and after none did."""
    from bodycam_station.fleet.service import FleetService, wall_ms
    from bodycam_station.fleet.store import Store
    from bodycam_station.fleet.taking import Incoming

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    film = Film(int(cameras), 1)
    fleet = FleetService(film, Store.open(place / "fleet.db"))
    at_ms = wall_ms()
    fleet.take([Incoming(topic, payload, at_ms) for topic, payload in film.births()])
    for turn in range(3):
        fleet.tick(at_ms + turn * 1000)
    fleet.take([Incoming(topic, payload, at_ms + 4000) for topic, payload in film.messages()])
    busy_ms = _turn_ms(fleet, at_ms + 5000)
    idle_ms = min(_turn_ms(fleet, at_ms + 20_000 + turn * 1000) for turn in range(5))
    fleet.close()
    return {"busy_ms": busy_ms, "idle_ms": idle_ms}


def _turn_ms(fleet: Any, now_ms: int) -> float:
    began_s = time.process_time()
    fleet.tick(now_ms)
    return (time.process_time() - began_s) * 1000


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def _fresh(database: str) -> Iterator[str]:
    """An empty database of its own on a PostgreSQL server, dropped at the end."""
    import sqlalchemy as sa

    url = sa.make_url(database).set(drivername="postgresql+psycopg")
    name = f"bodycam_bench_{os.getpid()}"
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as db:
        db.execute(sa.text(f"CREATE DATABASE {name}"))
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            db.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@dataclass(frozen=True)
class Enrolled:
    """A camera of the registry."""

    device: str
    keys: Sequence[Any]


class Film:
    """What so many cameras say, each so often; and the station that knows them."""

    name = "bench"
    recipients = ()

    def __init__(self, cameras: int, each: int) -> None:
        from bodycam.evidence.keys import SoftwareKey

        self.each = each
        self._lines: dict[str, str] = {}
        self.keys = {
            f"cam{number:05}": SoftwareKey.from_seed(hashlib.sha256(b"%d" % number).digest())
            for number in range(cameras)
        }

    def devices(self) -> Sequence[Enrolled]:
        """See service.Home."""
        from bodycam_station.registry import DeviceKey

        return [
            Enrolled(device, [DeviceKey(device, key.public, "software")])
            for device, key in self.keys.items()
        ]

    def recordings(self) -> Sequence[str]:
        """See service.Home."""
        return ()

    def remember(self, device: str, heads: Sequence[Any]) -> None:
        """See service.Home."""

    def births(self) -> Iterator[tuple[str, bytes]]:
        """What cameras say first."""
        from bodycam.messages.camera import Info, State

        for device, key in self.keys.items():
            of_key = hashlib.sha256(key.public.blob()).hexdigest()
            root = f"bodycam/v1/{device}"
            yield f"{root}/state", State("docked", "b1", "s1").encode()
            yield f"{root}/info", Info("desk", "0.1.0", (), 60, _HASH, of_key, _HASH).encode()
            yield f"{root}/status", self._status(device, 0)

    def messages(self) -> Iterator[tuple[str, bytes]]:
        """Topic and payload, in turn from all cameras."""
        for seq in range(1, self.each + 1):
            for device in self.keys:
                yield f"bodycam/v1/{device}/status", self._status(device, seq)

    def _status(self, device: str, seq: int) -> bytes:
        from bodycam.messages.camera import Status

        return Status(
            seq=seq,
            session="s1",
            boot="b1",
            at_us=1_000_000 * seq,
            utc_ms=time.time_ns() // 1_000_000,
            clock="ntp",
            clock_error_ms=20,
            recording=False,
            faults=(),
            battery_percent=99 - seq % 10,
            charging=False,
            room_minutes=600,
            waiting=0,
            temperature_c=31,
            radio_dbm=-60,
            dock_test="passed",
            config_version=0,
            dropped=0,
            journal=self._line(device),
            ledger="",
        ).encode()

    def _line(self, device: str) -> str:
        from bodycam.evidence.journal import Journal

        if device not in self._lines:
            journal = Journal(device, self.keys[device], "b1")
            self._lines[device] = journal.line("boot", 1, bytes(300)).decode().rstrip("\n")
        return self._lines[device]


def _session() -> Any:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    wants: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    wants.SessionExpiryInterval = 3600
    return wants


def _subscribe_and_leave(port: int, name: str) -> None:
    """A session, so that the broker keeps what comes."""
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    from bodycam.messages.topics import from_cameras

    ready: list[object] = []
    client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTv5)

    def connected(*_: Any) -> None:
        client.subscribe([(topic, 1) for topic in from_cameras()])

    client.on_connect = connected
    client.on_subscribe = lambda *_: ready.append(None)
    client.connect("127.0.0.1", port, clean_start=False, properties=_session())
    began = time.monotonic()
    while not ready:
        client.loop(0.1)
        _patient(began)
    client.disconnect()
    client.loop(0.1)


def _publish(port: int, film: Film) -> None:
    """Everything into the broker's queue."""
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, "cameras", protocol=MQTTv5)
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    told = [client.publish(topic, payload, 1) for topic, payload in film.messages()]
    for one in told:
        one.wait_for_publish(_PATIENCE_S)
    client.disconnect()
    client.loop_stop()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _until(condition: Any, what: str) -> None:
    began = time.monotonic()
    while not condition():
        _patient(began, what)
        time.sleep(0.02)


def _patient(began: float, what: str = "the messages") -> None:
    if time.monotonic() - began > _PATIENCE_S:
        raise RuntimeError(f"waited {_PATIENCE_S} s for {what}")
