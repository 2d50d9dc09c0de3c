"""The link over a real broker that comes, goes, hangs and lies."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bodycam.evidence.desired import Desired, sign_desired
from bodycam.link import connection as connection_room
from bodycam.link.connection import Address
from bodycam.link.process import BackOff
from bodycam.ports import WallTime
from brokers import Mosquitto, free_port
from link.desk import STATION_KEY
from link.running import Running
from observer import Observer
from recordings import recipient


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as broker:
        yield broker


def camera(folder: Path, port: int) -> Running:
    folder.mkdir(exist_ok=True)
    return Running(folder, Address("127.0.0.1", port, None))


def until(condition: Any, what: str, within_s: float = 30) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        time.sleep(0.01)


def test_a_whole_connection_from_birth_to_goodbye(broker: Mosquitto, tmp_path: Path) -> None:
    with Observer(broker.port) as fleet:
        with camera(tmp_path / "cam", broker.port) as cam:
            digests = cam.writes("boot", "open", "act", "close")
            fleet.until(lambda: len(fleet.of("event")) == 3, "three events")
            fleet.until(lambda: fleet.of("status"), "a status")
            assert [event.id for event in fleet.of("event")] == [digests[i] for i in (0, 1, 3)]
        fleet.until(lambda: fleet.of("state")[-1].state == "offline", "goodbye")
        assert [state.state for state in fleet.of("state")] == ["online", "offline"]
        with Observer(broker.port, name="later") as later:
            later.until(lambda: len(later.seen) == 3, "what is retained")
            assert {one.leaf for one in later.seen} == {"state", "info", "status"}


def test_a_connection_that_ends_without_goodbye_is_lost_with_its_session(
    broker: Mosquitto, tmp_path: Path
) -> None:
    with Observer(broker.port) as fleet, camera(tmp_path / "cam", broker.port) as cam:
        fleet.until(lambda: fleet.of("state"), "online")
        (born,) = fleet.of("state")
        cam.process.ending.set()
        cam.connections[0].close()  # as when the process is killed
        fleet.until(lambda: fleet.of("state")[-1].state == "lost", "the will")
        assert fleet.of("state")[-1].session == born.session


def test_a_command_is_answered_over_the_broker(broker: Mosquitto, tmp_path: Path) -> None:
    with Observer(broker.port) as fleet, camera(tmp_path / "cam", broker.port) as cam:
        fleet.until(lambda: fleet.of("status"), "a status")
        until_ms = cam.process.sides.clock.wall().utc_ns // 1_000_000 + 20_000
        command = json.dumps({"id": "c1", "until_ms": until_ms, "seconds": 5}).encode()
        fleet.say("bodycam/v1/cam07/cmd/locate", command, retained=True)
        fleet.say("bodycam/v1/cam07/cmd/locate", command)
        fleet.until(lambda: fleet.of("res"), "accepted")
        cam.says(answers=[{"id": "c1", "outcome": "done", "why": ""}])
        fleet.until(lambda: len(fleet.of("res")) == 2, "done")
        assert [result.outcome for result in fleet.of("res")] == ["accepted", "done"]
        assert len(cam.recorder.asked) == 1


def test_a_retained_command_does_not_reach_a_camera_that_connects(
    broker: Mosquitto, tmp_path: Path
) -> None:
    with Observer(broker.port) as fleet:
        until_ms = time.time_ns() // 1_000_000 + 20_000
        command = json.dumps({"id": "c1", "until_ms": until_ms}).encode()
        fleet.say("bodycam/v1/cam07/cmd/report", command, retained=True)
        with camera(tmp_path / "cam", broker.port) as cam:
            fleet.until(lambda: fleet.of("status"), "a status")
            cam.says(not_handed_over=1)
            fleet.until(lambda: fleet.of("status")[-1].waiting == 1, "another status")
            assert fleet.of("status")[-1].dropped == 1
            assert fleet.of("res") == []


def test_what_is_not_for_now_is_dropped_and_counted_over_a_real_broker(
    broker: Mosquitto, tmp_path: Path
) -> None:
    def body(id_: str, seconds_left: int = 20, **more: object) -> bytes:
        until_ms = time.time_ns() // 1_000_000 + seconds_left * 1000
        return json.dumps({"id": id_, "until_ms": until_ms, **more}).encode()

    recipients = tuple(sorted((recipient("station"), recipient("escrow"))))
    older = sign_desired(Desired("utrecht", "cam07", 4, b"x", recipients), STATION_KEY)
    root = "bodycam/v1/cam07"
    with Observer(broker.port) as fleet, camera(tmp_path / "cam", broker.port) as cam:
        # The clock of the desk is set, so what a command says of its end counts.
        cam.process.sides.clock.wall = lambda: WallTime(time.time_ns(), "ntp", 1)  # type: ignore[method-assign]
        cam.says(config_version=5)
        # Before the link has seen that, an older configuration would be news to it.
        known = lambda: [one.config_version for one in fleet.of("status")][-1:] == [5]  # noqa: E731
        fleet.until(known, "a status with what is in force")
        fleet.say(f"{root}/cmd/report", body("good"))
        fleet.until(lambda: fleet.of("res"), "an answer to the one that is good")
        dropped = [
            ("cmd/report", body("good"), 20),  # repeated
            ("cmd/report", body("expired", -1), 20),
            ("cmd/report", body("too-long", 90), 20),
            ("cmd/report", body("forever"), None),
            ("cmd/report", body("longer-than-30-s"), 60),
            ("cmd/record", body("unknown"), 20),
            ("cmd/locate", body("misshapen"), 20),
            ("cmd/report", b"{", 20),
            ("cmd/report", body("oversized") + b" " * 2000, 20),
            ("desired", older.partition(b"\n")[0], None),  # unsigned
            ("desired", older, None),
        ]
        for leaf, payload, expires_s in dropped:
            fleet.say(f"{root}/{leaf}", payload, expires_s=expires_s)
        fleet.say(f"{root}/cmd/report", body("last"))
        fleet.until(lambda: len(fleet.of("res")) == 2, "an answer to the last one")
        cam.says(not_handed_over=1)
        fleet.until(lambda: fleet.of("status")[-1].waiting == 1, "another status")
        assert fleet.of("status")[-1].dropped == len(dropped)
        assert (len(fleet.of("res")), cam.recorder.asked, cam.recorder.left) == (2, [], {})


# ---- a broker that is not there, or not one ------------------------------------------------------


def test_after_a_time_without_broker_the_journal_is_complete_and_the_status_is_the_newest(
    broker: Mosquitto, tmp_path: Path
) -> None:
    with camera(tmp_path / "cam", broker.port) as cam:
        with Observer(broker.port) as fleet:
            digests = cam.writes("boot")
            fleet.until(lambda: fleet.of("event"), "the first event")
        broker.kill()
        digests += cam.writes("open", "close", "fault")
        for waiting in range(1, 6):
            cam.says(not_handed_over=waiting)
        until(lambda: any("Trying again" in said for said in cam.told), "an attempt that failed")
        broker.start()
        with Observer(broker.port) as fleet:
            fleet.until(lambda: len({e.id for e in fleet.of("event")}) >= 3, "what was missed")
            fleet.until(lambda: fleet.of("status"), "a status")
            sent = [event.id for event in fleet.of("event")]
            assert sent[-3:] == digests[1:]
            assert fleet.of("status")[-1].waiting == 5


def test_a_black_hole_is_noticed_by_what_it_does_not_acknowledge(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_room, "ACKNOWLEDGED_WITHIN_NS", 500_000_000)
    with Observer(broker.port) as fleet, camera(tmp_path / "cam", broker.port) as cam:
        fleet.until(lambda: fleet.of("status"), "a status")
        broker.signal(signal.SIGSTOP)
        (digest,) = cam.writes("fault")
        assert cam.connections[0].client.is_connected()
        until(lambda: any("acknowledges nothing" in said for said in cam.told), "noticed")
        broker.signal(signal.SIGCONT)
        fleet.until(lambda: digest in [e.id for e in fleet.of("event")], "the event after all")
        until(lambda: len(cam.connections) >= 2, "another connection")


def test_an_error_in_a_callback_ends_one_connection_and_nothing_else(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Observer(broker.port) as fleet, camera(tmp_path / "cam", broker.port) as cam:
        fleet.until(lambda: fleet.of("status"), "a status")
        broken = [RuntimeError("nobody foresaw this")]
        link = cam.connections[0]._link
        heard = link.heard

        def fail(*words: Any) -> None:
            if broken:
                raise broken.pop()
            heard(*words)

        monkeypatch.setattr(link, "heard", fail)
        fleet.say("bodycam/v1/cam07/cmd/report", b"{}")
        fleet.until(lambda: len({s.session for s in fleet.of("status")}) == 2, "another session")
        assert any("nobody foresaw this" in said for said in cam.told)
        assert cam.alive


@contextmanager
def liar(answer: bytes, *, then_close: bool = False) -> Iterator[int]:
    """Something that listens where the broker should be, and says the same to everybody."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    ending = threading.Event()
    taken: list[socket.socket] = []

    def serve() -> None:
        while not ending.is_set():
            try:
                one, _ = server.accept()
            except TimeoutError:
                continue
            taken.append(one)
            try:
                one.sendall(answer)
            except OSError:
                continue
            if then_close:
                one.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        ending.set()
        thread.join()
        for one in taken:
            one.close()
        server.close()


ACCEPTED = bytes([0x20, 3, 0, 0, 0])
LIES = {
    "nothing": (b"", "does not answer"),
    "rubbish": (os.urandom(4096), "Trying again"),
    "another protocol": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "Trying again"),
    "no": (bytes([0x20, 3, 0, 0x87, 0]), "refuses us: Not authorized"),
    "a packet without end": (b"\x30\xff\xff\xff\x7f" + b"x" * 200_000, "more than it was told"),
    "acknowledgements of nothing": (ACCEPTED + b"\x40\x02\x00\x07" * 500, "does not answer"),
    "a command before it is asked": (
        ACCEPTED + b"\x30\x21\x00\x1dbodycam/v1/cam07/cmd/\xff\xfflocate\x00",
        "does not answer",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_who_is_no_broker_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    monkeypatch.setattr(connection_room, "CONNECT_WITHIN_S", 0.5)
    answer, why = LIES[lie]
    with liar(answer) as port, camera(tmp_path / "cam", port) as cam:
        until(lambda: len(cam.connections) >= 2, "another attempt")
        assert any(why in said for said in cam.told), cam.told
        assert cam.alive


def test_who_hangs_up_at_once_is_tried_again(tmp_path: Path) -> None:
    with liar(b"", then_close=True) as port, camera(tmp_path / "cam", port) as cam:
        until(lambda: len(cam.connections) >= 2, "another attempt")
        assert cam.alive


def test_a_flood_costs_little(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Observer(broker.port) as fleet, camera(tmp_path / "cam", broker.port) as cam:
        fleet.until(lambda: fleet.of("status"), "a status")
        heard = 0
        link = cam.connections[0]._link
        before = link.heard

        def count(*words: Any) -> None:
            nonlocal heard
            heard += 1
            before(*words)

        monkeypatch.setattr(link, "heard", count)
        began = time.monotonic()
        for number in range(3000):
            fleet.client.publish(f"bodycam/v1/cam07/cmd/x{'abcdefgh'[number % 8]}", b"{}", 0)
        until(lambda: heard > 60, "some of it")
        took_s = time.monotonic() - began
        assert heard <= (took_s + 1) * (connection_room.HEARD_A_SECOND + 25)
        (digest,) = cam.writes("fault")
        fleet.until(lambda: digest in [e.id for e in fleet.of("event")], "an event all the same")


# ---- waiting -------------------------------------------------------------------------------------


def test_waits_grow_from_one_second_to_a_minute_and_differ() -> None:
    for byte, share in ((b"\0", 0.0), (b"\xff", 1.0)):
        wait = BackOff(lambda count, byte=byte: byte * count)  # type: ignore[misc]
        waits = [wait.next_s() for _ in range(12)]
        top = [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60]
        assert waits == pytest.approx([1 + (most - 1) * share for most in top])
        wait.reset()
        assert wait.next_s() <= 2


def test_nobody_listens(tmp_path: Path) -> None:
    with camera(tmp_path / "cam", free_port()) as cam:
        until(lambda: len(cam.connections) >= 2, "another attempt")
        assert any("cannot be reached" in said for said in cam.told)
