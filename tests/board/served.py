"""A board that runs: the real application on a real server and a real database, on loopback.

Behind its port stands a fleet in memory, so that a test says how the cameras are.
"""

import asyncio
import re
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bodycam_station.board.access import Role
from bodycam_station.board.accounts import Accounts
from bodycam_station.board.app import make_app
from bodycam_station.board.audit import Audit, Line, Wanted
from bodycam_station.board.frame import Board, Settings
from bodycam_station.board.live import Hub
from bodycam_station.board.server import Server, listening
from bodycam_station.fleet.store import Store
from fakes.fleet import MemoryFleet, a_morning

PASSWORD = "correct horse battery"
MORNING_MS = round(datetime(2026, 11, 26, 7, 12, tzinfo=UTC).timestamp() * 1000)
"""08:12 in Utrecht."""
SETTINGS = Settings("utrecht", ZoneInfo("Europe/Amsterdam"))


@dataclass
class Clock:
    """The board's time of day."""

    now_ms: int = MORNING_MS

    def __call__(self) -> int:
        return self.now_ms

    def pass_s(self, seconds: float) -> None:
        """Time goes by."""
        self.now_ms += round(seconds * 1000)


@dataclass
class Served:
    """A board that runs."""

    url: str
    fleet: MemoryFleet
    board: Board
    hub: Hub
    clock: Clock
    _stage: "Stage"
    _clients: list[httpx.Client] = field(default_factory=list)

    def client(self, role: Role | None = None, **headers: str) -> "Visitor":
        """A browser of somebody with that role, who is logged in; None: nobody."""
        visitor = Visitor.at(self.url, **headers)
        client = visitor.client
        self._clients.append(client)
        if role is not None:
            # Without the page: hashing takes its time, and most tests are not about it.
            found = self.board.accounts.log_in(role.value, PASSWORD, self.clock())
            assert found is not None
            client.cookies.set("session", found[0])
        return visitor

    def log(self, **wanted: str) -> list[Line]:
        """The audit log, the newest first."""
        return list(self.board.audit.page(Wanted(**wanted), 1)[0])

    @contextmanager
    def away(self) -> Iterator[None]:
        """The station does not answer, as long as the block lasts."""
        self.hub.close()
        with self._stage.showing_instead(self.url, _no_station):
            yield
        self.hub = Hub(self.fleet)
        self._stage.show(self.url, make_app(self.board, self.hub), self.hub)

    def close(self) -> None:
        """Clients first."""
        for client in self._clients:
            client.close()


@dataclass
class Visitor:
    """Somebody with a browser that runs no scripts."""

    client: httpx.Client

    @classmethod
    def at(cls, url: str, **headers: str) -> "Visitor":
        """Nobody yet, at this address."""
        given = {"Origin": url, "Accept-Language": "en", **headers}
        return cls(httpx.Client(base_url=url, headers=given, timeout=20))

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return self.client.get(path, headers=headers)

    def post(self, path: str, key: str | None = None, **fields: str) -> httpx.Response:
        """Send a form, with the key that pages give, or another one."""
        given = self.form_key() if key is None else key
        return self.client.post(path, data={"key": given, **fields})

    def form_key(self) -> str:
        """As a page has it; empty for somebody who is not logged in."""
        found = re.search(r'name="key" value="([^"]+)"', self.get("/alerts").text)
        return found[1] if found else ""


@cache
def _with_users() -> bytes:
    """A database with a user of each role; made once, because making one takes its time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.db"
        store = Store.open(path)
        for role in Role:
            Accounts(store).add(role.value, role, PASSWORD, MORNING_MS)
        store.close()
        return path.read_bytes()


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


async def _no_station(scope: Scope, receive: Receive, send: Send) -> None:
    """What a proxy says when nobody is behind it."""
    await PlainTextResponse("bad gateway", 502)(scope, receive, send)


async def _opened(hub: Hub) -> None:
    hub.open()


class _Nothing:
    def close(self) -> None:
        """Each board closes its own hub."""


class Stage:
    """One server for all tests of a run, with two ports: a board can be put behind each."""

    def __init__(self) -> None:
        self._apps: dict[int, ASGIApp] = {}
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self._free = [sock.getsockname()[1] for sock in self._sockets]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server = Server(self._app, _Nothing())
        self._thread = threading.Thread(
            target=self._server.run, args=(self._sockets,), name="boards"
        )
        self._thread.start()
        assert listening(self._server, 20)

    def close(self) -> None:
        """End the server, as a signal would."""
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()
        for sock in self._sockets:
            sock.close()

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._loop = asyncio.get_running_loop()
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await self._apps[scope["server"][1]](scope, receive, send)

    def show(self, url: str, app: ASGIApp, hub: Hub) -> None:
        """Put a board behind this address."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(_opened(hub), self._loop).result(20)
        self._apps[_port(url)] = app

    @contextmanager
    def showing_instead(self, url: str, app: ASGIApp) -> Iterator[None]:
        """Something else is behind this address, as long as the block lasts."""
        before = self._apps[_port(url)]
        self._apps[_port(url)] = app
        yield
        self._apps[_port(url)] = before

    @contextmanager
    def address(self) -> Iterator[str]:
        """A free address, as long as the block lasts."""
        port = self._free.pop()
        yield f"http://127.0.0.1:{port}"
        self._free.append(port)


@contextmanager
def served(
    stage: Stage, folder: Path, settings: Settings = SETTINGS, fleet: MemoryFleet | None = None
) -> Iterator[Served]:
    """A board with a user of each role, as long as the block lasts."""
    clock = Clock()
    (folder / "fleet.db").write_bytes(_with_users())
    store = Store.open(folder / "fleet.db")
    fleet = fleet or a_morning(clock())
    board = Board(settings, fleet, Accounts(store), Audit(store), clock)
    hub = Hub(fleet)
    try:
        with stage.address() as url:
            stage.show(url, make_app(board, hub), hub)
            one = Served(url, fleet, board, hub, clock, stage)
            try:
                yield one
            finally:
                one.hub.close()
                one.close()
    finally:
        store.close()
