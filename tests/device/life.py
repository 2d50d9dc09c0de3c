"""A camera's folder, its station, and `bodycam run` in it as a process that a test talks to."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bodycam.cli import main
from bodycam_station.station import Station

TESTS = Path(__file__).parents[1]
PERSON = "A. de Vries"
PATIENCE_S = 30

POLICY = """
name = "quick"
[warning]
lead_s = 0.3
[keep]
pre_record_s = 2
[wearer]
[video]
width = 320
height = 180
bitrate_kbps = 400
keyframe_interval_s = 0.5
[sound]
"""
CONFIG = """
[device]
id = "cam07"
[paths]
card = "{folder}/card"
run = "{folder}/run"
policy = "{folder}/policy.toml"
key = "{folder}/device.key"
bundle = "{folder}/bundle.json"
desired = "{folder}/desired"
[link]
host = "127.0.0.1"
port = {port}
plaintext = true
interval_s = 5
interface = "none"
state = "{folder}/link"
run = "{folder}/link"
[speaker]
device = "made-up"
[microphone]
device = "made-up"
[dock]
pin = 6
[power]
gauge = "max17048"
body_memory = "at24c32"
"""


class Home:
    """What a camera has on its disk, enrolled at a station beside it."""

    def __init__(self, folder: Path, broker: int = 1) -> None:
        """`broker` is the port, on the loopback, of the one that its link reports to."""
        self.folder = folder
        self.card = folder / "card"
        self.config = folder / "bodycam.toml"
        self.station = folder / "station"
        self.card.mkdir(parents=True)
        (folder / "link").mkdir()
        (folder / "policy.toml").write_text(POLICY)
        self.config.write_text(CONFIG.format(folder=folder, port=broker))
        with Station.init(self.station, "utrecht", person=PERSON) as station:
            assert main(["enroll", "--config", str(self.config), "--out", str(folder / "req")]) == 0
            bundle = station.enroll((folder / "req").read_bytes(), person=PERSON)
        (folder / "bundle").write_bytes(bundle)
        accept = ["enroll", "--config", str(self.config), "--accept", str(folder / "bundle")]
        assert main(accept) == 0

    @property
    def recordings(self) -> list[Path]:
        folder = self.card / "recordings"
        return sorted(folder.iterdir()) if folder.exists() else []

    @property
    def closed_s(self) -> float:
        """When the last signature over a ledger was made."""
        return max(path.stat().st_mtime for path in self.card.glob("recordings/*/ledger.jsonl.sig"))

    @property
    def segments(self) -> int:
        """Durable GOPs on the card."""
        return len(list(self.card.glob("recordings/*/*.segment.age")))


class Life:
    """One process of `bodycam run`; what it tells systemd, its status and its words."""

    def __init__(self, home: Home, **environment: str) -> None:
        self.home = home
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager = f"bodycam-test-{os.urandom(8).hex()}"
        self._manager.bind(f"\0{manager}")
        self._manager.setblocking(False)
        self.told: list[str] = []
        self._log = (home.folder / f"log-{manager}").open("w+")
        self.process = subprocess.Popen(
            [
                *(sys.executable, TESTS / "device" / "run_process.py"),
                *(home.config, home.folder / "eeprom"),
            ],
            stdin=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=home.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(TESTS),
                "NOTIFY_SOCKET": f"@{manager}",
                **environment,
            },
        )

    # ---- what the test does ----------------------------------------------------------------------

    def say(self, line: str) -> None:
        """See run_process.Hands."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def press(self, held_s: float = 0.2) -> None:
        """RECORD, for so long."""
        self.say("down 17")
        time.sleep(held_s)  # a hold is a length of time
        self.say("up 17")

    def record(self) -> None:
        """Press, and wait until footage is kept."""
        self.press()
        self.until(lambda: self.status["state"] == "recording")

    def terminate(self) -> int:
        """What systemd does to stop it; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def close(self) -> None:
        """No process is left behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._log.close()
        self._manager.close()

    # ---- what the test sees ----------------------------------------------------------------------

    @property
    def status(self) -> dict[str, Any]:
        path = self.home.folder / "run" / "status.json"
        found: dict[str, Any] = {"state": "", "faults": []}
        if path.exists():
            found |= json.loads(path.read_text())
        return found

    @property
    def log(self) -> str:
        return Path(self._log.name).read_text()

    def children(self) -> dict[int, str]:
        """The processes that it has started, and their command lines."""
        found = {}
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for pid in map(int, task.read_text().split()):
                with suppress(OSError):  # it has ended meanwhile
                    found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        return found

    def until(self, holds: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Wait for a condition, hearing what systemd is told meanwhile."""
        end_s = time.monotonic() + within_s
        while not holds():
            self._hear()
            running = self.process.poll() is None
            assert running, f"it ended with {self.process.returncode}: {self.log}"
            assert time.monotonic() < end_s, f"not within {within_s} s: {self.status} {self.log}"
            time.sleep(0.01)

    def ready(self) -> None:
        """Until systemd has been told that it runs."""
        self.until(lambda: "READY=1" in self.told)

    def ended(self) -> int:
        """The exit code, when it has ended."""
        end_s = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < end_s, f"it does not end: {self.status} {self.log}"
            self._hear()  # a socket holds few datagrams, and what does not fit is lost
            time.sleep(0.01)
        self._hear()
        code: int = self.process.returncode
        return code

    def _hear(self) -> None:
        while True:
            try:
                self.told.append(self._manager.recv(1000).decode())
            except BlockingIOError:
                return
