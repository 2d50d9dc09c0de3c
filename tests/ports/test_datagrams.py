"""The socket at which the recorder is asked."""

import socket
import threading
import time
from pathlib import Path

import pytest

from bodycam.errors import DeviceError
from bodycam.posix.datagrams import MAX_BYTES, AskSocket


def test_datagrams_arrive_and_the_group_may_send(tmp_path: Path) -> None:
    heard: list[bytes] = []
    arrived = threading.Event()

    def take(datagram: bytes) -> bool:
        heard.append(datagram)
        if len(heard) == 3:
            arrived.set()
        return True

    path = tmp_path / "asks"
    path.write_text("what a killed process left")
    asks = AskSocket(path, take)
    asks.start()
    assert path.stat().st_mode & 0o777 == 0o660
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        for datagram in (b"one", b"", b"x" * 5000):
            link.sendto(datagram, str(path))
        assert arrived.wait(10)
    # What is too long is cut, and no longer what was sent: nobody can read it as anything.
    assert heard == [b"one", b"", b"x" * (MAX_BYTES + 1)]
    asks.close()
    assert not path.exists()


def test_who_sends_too_much_waits(tmp_path: Path) -> None:
    count = 0

    def take(datagram: bytes) -> bool:
        nonlocal count
        count += 1
        return False

    asks = AskSocket(tmp_path / "asks", take)
    asks.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.settimeout(0.05)
        end = time.monotonic() + 1
        refused = 0
        while time.monotonic() < end:
            try:
                link.sendto(b"x", str(tmp_path / "asks"))
            except TimeoutError:
                refused += 1
    assert count <= 7
    assert refused
    asks.close()


def test_where_it_cannot_be_made_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="No such file"):
        AskSocket(tmp_path / "gone" / "asks", lambda datagram: True)
    asks = AskSocket(tmp_path / "asks", lambda datagram: True)
    asks.close()  # although it never listened
