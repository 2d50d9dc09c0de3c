"""A real mosquitto on the loopback, started and stopped by a test, by its process id."""

import getpass
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE_S = 20


class Mosquitto:
    """A broker with a configuration of its own. Use with `with`."""

    def __init__(self, folder: Path, lines: str = "allow_anonymous true\n") -> None:
        """`lines` is what the configuration says beside the listener."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self._lines = lines
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        conf = self.folder / "mosquitto.conf"
        # Started by root it would become somebody who may not look into pytest's folders.
        me = f"user {getpass.getuser()}\n"
        conf.write_text(f"listener {self.port} 127.0.0.1\nlog_dest stdout\n{me}{self._lines}")
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["mosquitto", "-c", conf], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                alive = self._process.poll() is None and time.monotonic() < end
                assert alive, f"mosquitto did not start:\n{self.log}"
                time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(PATIENCE_S)
            self._process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def signal(self, how: signal.Signals) -> None:
        """SIGSTOP makes it a black hole; SIGHUP lets it read its certificates again."""
        assert self._process is not None
        self._process.send_signal(how)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
