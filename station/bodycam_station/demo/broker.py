"""A broker on the loopback that lives as long as the demo: mosquitto, else the one of a wheel."""

import importlib.util
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bodycam.errors import UsageError

WITHIN_S = 15.0
_SBIN = "/usr/sbin:/usr/local/sbin"
"""Where Debian puts mosquitto, which is not on everybody's path."""

_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
user root
max_packet_size 36864
max_queued_messages 10000
log_dest stdout
"""
_IOTCORE = """\
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 36864
max_inflight_count = 100
dynamic_filters = true
"""


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A running broker; its address. Raises UsageError where none can be started."""
    port = _free_port()
    with running(_command(folder, port), folder / "broker.log") as process:
        until_s = time.monotonic() + WITHIN_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until_s:
                raise UsageError(
                    "The broker does not start.", do=f"See {folder / 'broker.log'} for its words."
                )
            time.sleep(0.02)
        yield f"mqtt://127.0.0.1:{port}"


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A program beside us, ended with us; what it says goes to a file."""
    # So that it does not outlive us, whatever ends us; where there is no setpriv, most of the time.
    # A program that became another user would be let off: hence mosquitto stays who we are.
    tied = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603  our own words
            [*tied, *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _command(folder: Path, port: int) -> list[str]:
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SBIN)
    if mosquitto is not None:
        return [mosquitto, "-c", _written(folder / "mosquitto.conf", _MOSQUITTO, port)]
    if importlib.util.find_spec("iotcore") is not None:
        config = _written(folder / "iotcore.toml", _IOTCORE, port)
        return [sys.executable, "-m", "iotcore", "--config", config]
    raise UsageError(
        "There is no MQTT broker here.",
        do="Install one: sudo apt-get install mosquitto, or pip install iotcore.",
    )


def _written(path: Path, text: str, port: int) -> str:
    path.write_text(text.format(port=port))
    return str(path)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
