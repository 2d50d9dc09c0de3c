"""Who says only half of what they want does not keep others out."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from board.served import Served
from bodycam_station.board import live, server
from bodycam_station.board.access import Role

HALF = b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HALF_FORM = (
    b"POST /login HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname=ann"
)
PATIENCE_S = 20


@contextmanager
def connected(board: Served, said: bytes, address: str = "127.0.0.1") -> Iterator[socket.socket]:
    """Somebody who has said that, and nothing more; from an address of loopback."""
    host, _, port = board.url.removeprefix("http://").partition(":")
    with socket.create_connection(
        (host, int(port)), timeout=PATIENCE_S, source_address=(address, 0)
    ) as sock:
        sock.sendall(said)
        yield sock


def hung_up(sock: socket.socket) -> bool:
    """Whether the other side ends it, without a word, within PATIENCE_S."""
    try:
        return sock.recv(1000) == b""
    except ConnectionResetError:
        return True


def ask(board: Served, address: str) -> int:
    """What somebody from there is answered; 0: nothing."""
    with httpx.Client(
        transport=httpx.HTTPTransport(local_address=address), timeout=PATIENCE_S
    ) as client:
        try:
            return client.get(f"{board.url}/login").status_code
        except httpx.TransportError:
            return 0


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("form", [False, True])
def test_half_a_request_is_hung_up_on(
    board: Served, monkeypatch: pytest.MonkeyPatch, form: bool
) -> None:
    monkeypatch.setattr(server, "WHOLE_WITHIN_S", 0.3)
    host = board.url.removeprefix("http://").encode()
    with connected(board, HALF_FORM % (host, host) if form else HALF) as sock:
        assert hung_up(sock)


def test_more_of_it_now_and_then_does_not_help(
    board: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "WHOLE_WITHIN_S", 0.5)
    with connected(board, HALF) as sock:

        def refused() -> bool:
            try:
                sock.sendall(b"X-Slow: 1\r\n")
            except (ConnectionResetError, BrokenPipeError):
                return True
            return False

        until(refused)


def test_after_an_answer_half_a_request_is_hung_up_on_as_well(
    board: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "WHOLE_WITHIN_S", 0.3)
    with connected(board, HALF + b"\r\n" + HALF) as sock:
        said = b""
        while chunk := _chunk(sock):
            said += chunk
        assert said.startswith(b"HTTP/1.1 ")


def _chunk(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65536)
    except ConnectionResetError:
        return b""


def test_an_open_page_is_no_half_request(board: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WHOLE_WITHIN_S", 0.2)
    monkeypatch.setattr(live, "BEAT_S", 0.01)
    viewer = board.client(Role.VIEWER)
    with viewer.client.stream("GET", "/live", params={"page": "/"}) as stream:
        events = (line for line in stream.iter_lines() if line.startswith("event: "))
        # Between two beats is more time than a request may take.
        assert [next(events) for _ in range(4)] == ["event: hello", *["event: beat"] * 3]


def test_one_machine_cannot_take_all_connections(board: Served) -> None:
    """More than the server takes in all: others are answered meanwhile, and soon these, too."""
    with ExitStack() as stack:
        for _ in range(server.MOST_FROM + 210):
            try:
                stack.enter_context(connected(board, HALF))
            except OSError:  # hung up on before it was said
                continue
        assert ask(board, "127.0.0.2") == 200
        assert ask(board, "127.0.0.1") == 0
    until(lambda: ask(board, "127.0.0.1") == 200)
