"""A contact to its cue while nothing reports, and while a link reports to a broker that means ill.

The recorder is measured in this process. The link is a process of its own, with the niceness that
its unit gives it; so is the broker, which floods it with commands, and on a real camera would not
share its processor at all: it has whatever the others leave.
"""

import hashlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.bench.children import HOUSE
from tools.bench.film import film_at
from tools.bench.latency import idle
from tools.bench.rig import Recorder
from tools.bench.serving import Told

from bodycam.evidence.keys import SoftwareKey
from bodycam.link.connection import Address
from bodycam.link.link import About, Sides
from bodycam.link.process import Process
from bodycam.messages.commands import Locate
from bodycam.posix.beside import ASKS, STATUS, FollowedFile, NotebookFile, RecorderBeside
from bodycam.posix.clock import PosixClock
from bodycam.posix.status import StatusFile

COMMANDS_A_SECOND = 10_000
_EVERY_S = 0.05
_NICE_OF_LINK, _NICE_OF_BROKER = 10, 19
_WAIT_S = 30


def contact(film_name: str, film_path: str, folder: str, presses: str, when: str) -> Told:
    """ms from a contact's stamp to its cues, and how many commands were thrown at the link.

    `when`: `quiet`, with neither link nor broker, or `hostile`.
    """
    card = Path(folder)
    beside = card.with_name(f"{card.name}-beside")
    beside.mkdir(parents=True, exist_ok=True)
    status = StatusFile(beside / STATUS)
    film = film_at(film_name, film_path)
    with Recorder(film, card, status=status) as it:
        it.pass_time(it.policy.keep.pre_record_s + 2)
        if when == "quiet":
            return {"ms": idle(it, int(presses), random.Random(presses)), "commands": 0}
        with _ill_will(card, beside) as commands:
            before = commands()
            found_ms = idle(it, int(presses), random.Random(presses))
            return {"ms": found_ms, "commands": commands() - before}


@contextmanager
def _ill_will(card: Path, beside: Path) -> Iterator[Callable[[], int]]:
    """A broker and a link that it floods; gives a look at how many commands were sent."""
    words = [sys.executable, "-m", "tools.bench.hostile"]
    broker = subprocess.Popen(
        [*words, "broker"], cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    link = None
    try:
        assert broker.stdout is not None
        port = broker.stdout.readline().strip()
        link = subprocess.Popen(
            [*words, "link", port, str(card), str(beside)], cwd=HOUSE, stderr=subprocess.DEVNULL
        )

        def commands() -> int:
            assert broker.stdin is not None
            assert broker.stdout is not None
            broker.stdin.write("\n")
            broker.stdin.flush()
            return int(broker.stdout.readline())

        until_s = time.monotonic() + _WAIT_S
        while commands() == 0:
            if time.monotonic() > until_s:
                raise RuntimeError("the link did not connect to the broker")
            time.sleep(0.05)
        yield commands
    finally:
        for process in (link, broker):
            if process is not None:
                process.kill()
                process.wait()
        for stream in (broker.stdin, broker.stdout):
            if stream is not None:
                stream.close()


# ---- the link ------------------------------------------------------------------------------------


def _run_link(port: str, card: str, beside: str) -> None:
    """What `bodycam link` runs, for a recorder that has no enrolment."""
    os.nice(_NICE_OF_LINK)
    key = SoftwareKey.from_seed(bytes(32)).public
    folder = Path(beside)
    about = About(
        device="bench",
        boot="bench",
        model="bench",
        software="bench",
        capabilities=("light",),
        interval_s=5,
        key_sha256=hashlib.sha256(key.blob()).hexdigest(),
        station_key=key,
    )
    sides = Sides(
        recorder=RecorderBeside(folder / STATUS, folder / ASKS, folder),
        journal=FollowedFile(Path(card) / "journal.jsonl"),
        notebook=NotebookFile(folder / "place.json"),
        clock=PosixClock(),
        random=os.urandom,
        radio=lambda: None,
        tell=lambda said: print(said, file=sys.stderr),
    )
    Process(about, sides, Address("127.0.0.1", int(port), None)).run()


# ---- the broker ----------------------------------------------------------------------------------


class _Broker:
    """As much of MQTT 5 as it takes to be believed, acknowledgements included; then the flood."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.sent = 0
        """Commands so far."""

    def serve(self) -> None:
        while True:
            one, _ = self._server.accept()
            threading.Thread(target=self._listen, args=(one,), daemon=True).start()

    def _listen(self, one: socket.socket) -> None:
        file = one.makefile("rb")
        try:
            while first := file.read(1):
                body = file.read(_length(file.read))
                match first[0] >> 4:
                    case 1:
                        one.sendall(b"\x20\x03\x00\x00\x00")
                    case 8:
                        one.sendall(b"\x90\x05" + body[:2] + b"\x00\x01\x01")
                        threading.Thread(target=self._flood, args=(one,), daemon=True).start()
                    case 3:
                        after = 2 + int.from_bytes(body[:2], "big")
                        one.sendall(b"\x40\x02" + body[after : after + 2])
                    case 12:
                        one.sendall(b"\xd0\x00")
        except OSError:
            return

    def _flood(self, one: socket.socket) -> None:
        """So many commands a second, each another one, as fast as they are taken."""
        batch = int(COMMANDS_A_SECOND * _EVERY_S)
        try:
            while True:
                began_s = time.monotonic()
                one.sendall(b"".join(_command(self.sent + n) for n in range(batch)))
                self.sent += batch
                time.sleep(max(0.0, _EVERY_S - (time.monotonic() - began_s)))
        except OSError:
            return


def _command(number: int) -> bytes:
    topic = b"bodycam/v1/bench/cmd/locate"
    until_ms = time.time_ns() // 1_000_000 + 20_000
    payload = Locate(f"f{number}", until_ms, 10).encode()
    expiry = b"\x05\x02" + (20).to_bytes(4, "big")
    body = len(topic).to_bytes(2, "big") + topic + expiry + payload
    return b"\x30" + _encoded(len(body)) + body


def _length(read: Callable[[int], bytes]) -> int:
    found = shift = 0
    while True:
        byte = read(1)[0]
        found |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return found


def _encoded(length: int) -> bytes:
    found = bytearray()
    while True:
        length, byte = length >> 7, length & 127
        found.append(byte | (128 if length else 0))
        if not length:
            return bytes(found)


def _run_broker() -> None:
    """Says its port, then for each line of its input how many commands it has sent."""
    os.nice(_NICE_OF_BROKER)
    broker = _Broker()
    threading.Thread(target=broker.serve, daemon=True).start()
    print(broker.port, flush=True)
    for _ in sys.stdin:
        print(broker.sent, flush=True)


if __name__ == "__main__":
    _run_broker() if sys.argv[1] == "broker" else _run_link(*sys.argv[2:])
