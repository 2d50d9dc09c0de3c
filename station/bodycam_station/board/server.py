"""uvicorn as we run it: no proxy is believed, and open pages do not keep it from ending."""

import socket
import ssl
import time
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp

_MOST_AT_ONCE = 500
_GRACE_S = 5


class Closing(Protocol):
    """What has open pages."""

    def close(self) -> None:
        """End their streams."""


class Server(uvicorn.Server):
    """Serves until it is told to exit."""

    def __init__(self, app: ASGIApp, hub: Closing, context: ssl.SSLContext | None = None) -> None:
        self._hub = hub
        super().__init__(
            uvicorn.Config(
                app,
                interface="asgi3",
                http="h11",
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
