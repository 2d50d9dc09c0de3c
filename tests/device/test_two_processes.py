"""A camera's two processes and a broker, all real: what is told, asked, and not noticed.

`bodycam run` on made-up hardware, `bodycam link` beside it, mosquitto on the loopback.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bodycam.evidence.journal import read_journal
from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.lines import Line
from bodycam_station.station import Station
from brokers import Mosquitto
from device.life import PERSON, POLICY, Home, Life
from observer import Observer
from streams import played

DOCK = 6


@dataclass
class Pair:
    """The camera, and the broker that it reports to."""

    home: Home
    broker: Mosquitto
    life: Life
    pictures: Path
    """The times of all pictures that the camera delivered to the recorder, in ns."""
    link: subprocess.Popen[bytes]

    def restart(self) -> None:
        """What systemd does when the recorder has ended."""
        self.life.close()
        self.life = Life(self.home)
        self.life.ready()

    def close(self) -> None:
        self.life.close()
        self.link.kill()
        self.link.wait()
        self.broker.kill()

    @property
    def device_key(self) -> SoftwareKey:
        return SoftwareKey.from_openssh((self.home.folder / "device.key").read_bytes())


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    broker = Mosquitto(tmp_path / "broker")
    home = Home(tmp_path / "cam", broker.port)
    words = [sys.executable, "-m", "bodycam.cli", "link", "--config", str(home.config)]
    with (tmp_path / "link.log").open("w") as log:
        link = subprocess.Popen(words, stderr=log)
    pictures = tmp_path / "pictures"
    made = Pair(home, broker, Life(home, PICTURES=str(pictures)), pictures, link)
    try:
        yield made
    finally:
        made.close()


def command(id_: str, **more: object) -> bytes:
    until_ms = time.time_ns() // 1_000_000 + 20_000
    return json.dumps({"id": id_, "until_ms": until_ms, **more}).encode()


def test_what_is_told_and_what_is_asked(pair: Pair) -> None:
    pair.broker.start()
    with Observer(pair.broker.port) as fleet:
        pair.life.ready()
        fleet.until(lambda: fleet.of("event"), "the boot's line")
        fleet.until(lambda: fleet.of("status"), "a status")
        fleet.until(lambda: fleet.of("status")[-1].waiting is not None, "a look at the card")
        (info,) = fleet.of("info")
        status = fleet.of("status")[-1]
        assert info.policy == pair.life.status["policy"]
        assert (status.recording, status.waiting, status.config_version) == (False, 0, 0)
        Line.parse(status.journal.encode()).verify(pair.device_key.public)

        fleet.say("bodycam/v1/cam07/cmd/locate", command("c1", seconds=1))

        def outcomes() -> list[str]:
            return [result.outcome for result in fleet.of("res")]

        fleet.until(lambda: outcomes() == ["accepted", "done"], "located")

        pair.life.record()
        fleet.until(lambda: fleet.of("status")[-1].ledger, "the ledger's newest line")
        ledger = Line.parse(fleet.of("status")[-1].ledger.encode())
        (recording,) = pair.home.recordings
        assert ledger.fields["rec"] == recording.name
        fleet.say("bodycam/v1/cam07/cmd/locate", command("c2", seconds=1))
        fleet.until(lambda: outcomes()[2:] == ["accepted", "refused"], "refused")
        fleet.say("bodycam/v1/cam07/cmd/reboot", command("c3"))
        fleet.until(lambda: outcomes()[4:] == ["refused"], "refused, too")
        assert pair.life.status["state"] == "recording"
        pair.life.press(3.3)
        fleet.until(lambda: not fleet.of("status")[-1].recording, "the end of it")

        def kinds() -> list[object]:
            return [Line.parse(e.line.encode()).fields["kind"] for e in fleet.of("event")]

        fleet.until(lambda: "close" in kinds(), "its last line")
        assert kinds()[0] == "boot"
        assert [kind for kind in kinds() if kind in ("open", "close")] == ["open", "close"]
        assert "act" not in kinds()
    assert pair.life.terminate() == 0


def test_a_configuration_comes_into_force_in_the_dock(pair: Pair) -> None:
    pair.broker.start()
    pair.life.ready()
    with Observer(pair.broker.port) as fleet, Station.open(pair.home.station) as station:
        fleet.until(lambda: fleet.of("status"), "a status")

        def wants(policy: str) -> bytes:
            station.configure("cam07", policy.encode(), person=PERSON)
            data = station.desired("cam07") or b""
            fleet.say("bodycam/v1/cam07/desired", data, expires_s=None, retained=True)
            return data

        first = wants(POLICY.replace("pre_record_s = 2", "pre_record_s = 3"))
        second = wants(POLICY.replace("pre_record_s = 2", "pre_record_s = 1"))
        fleet.say("bodycam/v1/cam07/desired", second.partition(b"\n")[0], expires_s=None)
        fleet.say("bodycam/v1/cam07/desired", first, expires_s=None)
        before = pair.life.status["policy"]
        pair.life.say(f"down {DOCK}")
        assert pair.life.ended() == 0, pair.life.log
        told = "STATUS=Beginning anew: configuration 2 comes into force"
        assert any(told in said for said in pair.life.told)
        assert not (pair.home.folder / "run" / "power-off").exists()
        pair.restart()
        pair.life.until(lambda: pair.life.status.get("config_version") == 2)
        assert pair.life.status["policy"] not in ("", before)
        fleet.until(lambda: fleet.of("status")[-1].config_version == 2, "told")
        assert fleet.of("info")[-1].policy == pair.life.status["policy"]
        # Older, and unsigned: dropped, and counted.
        assert fleet.of("status")[-1].dropped == 2
        journal = (pair.home.card / "journal.jsonl").read_bytes()
        reading = read_journal(journal, dev="cam07", key=pair.device_key.public)
        assert "config" in [entry.kind for entry in reading.entries]
        # One that this camera cannot use is refused by the recorder, and it goes on.
        wants(POLICY.replace("bitrate_kbps = 400", "bitrate_kbps = 40000"))
        wants("nonsense")
        pair.life.until(lambda: pair.life.status.get("dropped", 0) >= 1)
        assert pair.life.process.poll() is None


# ---- a broker that is not there, or means ill ----------------------------------------------------


def flood(port: int, ending: threading.Event) -> None:
    """10,000 commands a second, as far as the broker takes them."""
    with Observer(port, name="flood", topics="none") as sender:
        number = 0
        while not ending.is_set():
            began = time.monotonic()
            for _ in range(500):
                number += 1
                payload = command(f"f{number}", seconds=9)
                sender.client.publish("bodycam/v1/cam07/cmd/locate", payload)
            ending.wait(max(0.0, 0.05 - (time.monotonic() - began)))


def test_the_recorder_does_not_notice_the_broker(pair: Pair) -> None:
    """Not one picture is missing, whatever happens at the other end of the link."""
    life, broker = pair.life, pair.broker
    life.ready()  # and the broker is absent
    life.record()
    seen = pair.home.segments

    def go_on(segments: int = 3) -> None:
        nonlocal seen
        seen = pair.home.segments
        life.until(lambda: pair.home.segments >= seen + segments)

    go_on()
    broker.start()
    with Observer(broker.port) as fleet:
        fleet.until(lambda: fleet.of("status"), "a status")
    go_on()
    broker.kill()
    go_on()
    broker.start()
    with Observer(broker.port) as fleet:
        fleet.until(lambda: fleet.of("status"), "a status")
    broker.signal(signal.SIGSTOP)  # a black hole
    go_on(5)
    broker.signal(signal.SIGCONT)
    ending = threading.Event()
    flooding = threading.Thread(target=flood, args=(broker.port, ending))
    flooding.start()
    try:
        go_on(6)
        assert life.status["state"] == "recording"
    finally:
        ending.set()
        flooding.join()
    broker.kill()
    with liar(broker.port):
        go_on()
    life.press(3.3)
    life.until(lambda: life.status["state"] == "after")
    assert life.status["faults"] == [] or set(life.status["faults"]) <= {"clock-unsynchronised"}
    assert pair.link.poll() is None
    assert life.terminate() == 0, life.log
    with Station.open(pair.home.station) as station:
        (item,) = station.import_card(pair.home.card, person=PERSON).recordings
        assert item.verdict.integrity == "ok"
        out = pair.home.folder / "film.mp4"
        station.export(item.rec, out, person=PERSON)
    kept = [at_us for at_us, _ in played(out.read_bytes())]
    taken = [int(line) // 1000 for line in pair.pictures.read_text().split()]
    assert len(kept) > 20 * 15
    assert any(same(kept, taken[n : n + len(kept)]) for n in range(len(taken) - len(kept) + 1))


def same(kept: list[int], taken: list[int]) -> bool:
    """Whether a film is exactly these pictures: the times in it begin with the first one."""
    return all(abs(at_us - (us - taken[0])) <= 1 for at_us, us in zip(kept, taken, strict=True))


class liar:  # noqa: N801  it reads like a sentence where it is used
    """Answers everybody with rubbish, at the broker's port."""

    def __init__(self, port: int) -> None:

        self._server = socket.create_server(("127.0.0.1", port))
        self._server.settimeout(0.1)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                one, _ = self._server.accept()
            except TimeoutError:
                continue
            with one:
                one.sendall(os.urandom(100_000))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: Any) -> None:
        self._ending.set()
        self._thread.join()
        self._server.close()
