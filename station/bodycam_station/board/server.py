"""uvicorn as we run it: no proxy is believed, and open pages do not keep it from ending.

Whoever says nothing, or only half of what they want, is hung up on: else a few hundred of them,
whom nobody had to let in, would keep everybody else out.
"""

import asyncio
import socket
import ssl
import time
from typing import Protocol

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

WHOLE_WITHIN_S = 10.0
"""A request, head and form, has to be whole so soon after the connection or the answer before."""
MOST_FROM = 300
"""Connections from one address: more than one board has open pages, and not all of them."""
_MOST_AT_ONCE = 500
_GRACE_S = 5


class Closing(Protocol):
    """What has open pages."""

    def close(self) -> None:
        """End their streams."""


class _Connection(H11Protocol):
    """uvicorn's, with an end to its patience."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, unless too many are from there."""
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        if sum(_host(one) == host for one in self.connections) > MOST_FROM:
            transport.abort()
            return
        self._mind()

    def data_received(self, data: bytes) -> None:
        """Some more of a request."""
        super().data_received(data)
        self._mind()

    def on_response_complete(self) -> None:
        """The next request may come."""
        super().on_response_complete()
        self._mind()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._forget()
        super().connection_lost(exc)

    def _mind(self) -> None:
        """The time runs as long as a request is not whole; more of it does not prolong it."""
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._forget()
        elif self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(WHOLE_WITHIN_S, self.transport.abort)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _host(connection: object) -> str:
    client = connection.client if isinstance(connection, H11Protocol) else None
    return client[0] if client else ""


class Server(uvicorn.Server):
    """Serves until it is told to exit."""

    def __init__(self, app: ASGIApp, hub: Closing, context: ssl.SSLContext | None = None) -> None:
        self._hub = hub
        super().__init__(
            uvicorn.Config(
                app,
                interface="asgi3",
                http=_Connection,
                ws="none",
                loop="asyncio",
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=_MOST_AT_ONCE,
                timeout_graceful_shutdown=_GRACE_S,
                ssl_context_factory=None if context is None else lambda _config, _usual: context,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams first: a page that stays open would keep its connection."""
        self._hub.close()
        await super().shutdown(sockets)


def listening(server: Server, most_s: float) -> bool:
    """Wait until it serves; whether it does."""
    until_s = time.monotonic() + most_s
    while not server.started and time.monotonic() < until_s:
        time.sleep(0.01)
    return server.started
