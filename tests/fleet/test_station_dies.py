"""The station is killed in the middle of a flood, again and again: no line of a journal is lost."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from bodycam_station.fleet.schema import JOURNAL
from bodycam_station.fleet.store import Store
from brokers import Mosquitto
from fleet.cameras import Talking
from fleet.test_ear import ROOM, until
from observer import Observer

HERE = Path(__file__).parent
EVENTS = 1600
DEATHS = 2


@contextmanager
def station(port: int, database: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, str(HERE / "station_process.py"), str(port), str(database)]
    environment = {"PYTHONPATH": f"{HERE.parent}"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        assert any(line == "ready\n" or line[:1].isdigit() for line in process.stdout)
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def lines(database: Path) -> list[int]:
    store = Store.open(database)
    try:
        with store.read() as db:
            return [*db.execute(sa.select(JOURNAL.c.seq).order_by(JOURNAL.c.seq)).scalars()]
    finally:
        store.close()


def test_no_line_is_lost_and_none_is_there_twice(tmp_path: Path) -> None:
    database = tmp_path / "fleet.db"
    camera = Talking()
    events = [camera.event("fault") for _ in range(EVENTS)]
    with Mosquitto(tmp_path / "broker", ROOM) as broker, Observer(broker.port) as observer:
        with station(broker.port, database):
            pass  # its session at the broker begins
        said = iter(events)
        for _ in range(DEATHS):
            with station(broker.port, database) as process:
                for _ in range(EVENTS // DEATHS):
                    one = next(said)
                    observer.client.publish(one.topic, one.payload, 1)
                assert process.stdout is not None
                # One batch is written; the next ones are on their way.
                assert process.stdout.readline().strip().isdigit()
        with station(broker.port, database):
            until(lambda: len(lines(database)) >= EVENTS, "the rest comes")
    assert lines(database) == list(range(1, EVENTS + 1))
