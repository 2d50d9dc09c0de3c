"""The board as an ASGI application: everything that stands before a door, and the doors.

A request passes, in this order: host, door, size, origin (for acts), session, role, form key,
rate. Then the function behind the door runs in a thread; it may wait for the database.
"""

import hmac
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bodycam_station.board import deeds, limits, pages
from bodycam_station.board.access import DOORS, Door
from bodycam_station.board.frame import (
    THEMES,
    Board,
    Page,
    Refusal,
    Visit,
    assets,
    rendered,
)
from bodycam_station.board.live import Hub, Regions
from bodycam_station.board.texts import known_language, preferred
from bodycam_station.fleet.port import StorageError

MOST_FORM_BYTES = 16 * 1024
MOST_QUERY = 2000
_MOST_FIELDS = 20
_LOG = logging.getLogger("bodycam_station.board")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_HSTS = "max-age=31536000"

Shown = Callable[[Board, Visit], Page | Response]


def _behind(door: Door) -> Shown:
    found: Shown = getattr(deeds if door.method == "POST" else pages, door.name)
    return found


LIVE = ("morning", "camera", "alerts")
"""Pages that are brought up to date while they are open."""


def make_app(board: Board, hub: Hub) -> Starlette:
    """The application; the hub listens as long as it runs."""

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        hub.open()
        yield
        hub.close()

    gate = _Gate(board, hub)
    routes = [Route(door.path, gate.opener(door), methods=[door.method]) for door in DOORS]
    routes += [
        Route("/healthz", gate.healthz, methods=["GET"]),
        Route("/metrics", gate.metrics, methods=["GET"]),
        Route("/static/{name}", gate.static, methods=["GET"]),
        Route("/favicon.ico", gate.icon, methods=["GET"]),
    ]
    app = Starlette(
        routes=routes,
        lifespan=living,
        exception_handlers={HTTPException: gate.no_door, Exception: gate.broken},
    )
    app.add_middleware(_Headers, tls=board.settings.tls)
    return app


class _Headers:
    """Puts what browsers must know of our pages onto every answer."""

    def __init__(self, app: ASGIApp, tls: bool) -> None:
        self._app = app
        self._headers = _HEADERS | ({"Strict-Transport-Security": _HSTS} if tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in self._headers.items()
                    ),
                    *([] if b"cache-control" in given else [(b"cache-control", b"no-store")]),
                ]
            await send(message)

        await self._app(scope, receive, sent)


class _Gate:
    """Lets requests in, or says why not."""

    def __init__(self, board: Board, hub: Hub) -> None:
        self._board = board
        self._hub = hub
        self._settings = board.settings
        self._live = [(compile_path(door.path), door) for door in DOORS if door.name in LIVE]

    # ---- doors -----------------------------------------------------------------------------------

    def opener(self, door: Door) -> Callable[[Request], Any]:
        """What Starlette calls for a door."""

        async def opened(request: Request) -> Response:
            visit = self._visitor(request)
            try:
                visit = await self._let_in(request, door, visit)
                if door.stream:
                    return await self._stream(visit)
                return await run_in_threadpool(self._answer, _behind(door), visit)
            except Refusal as refusal:
                return await run_in_threadpool(self._refused, request, visit, refusal)
            except StorageError:
                _LOG.exception("the database does not answer")
                return await run_in_threadpool(self._refused, request, visit, Refusal(503))

        return opened

    def _answer(self, shown: Shown, visit: Visit) -> Response:
        answer = shown(self._board, visit)
        if isinstance(answer, Response):
            return answer
        return HTMLResponse(rendered(self._board, visit, answer)[0], answer.status)

    def _visitor(self, request: Request) -> Visit:
        """Who comes, as far as the request says; nothing of it is believed yet."""
        cookies = request.cookies
        language = (
            known_language(cookies.get("language", ""))
            or preferred(request.headers.get("accept-language", "")[:200])
            or self._settings.language
        )
        theme = cookies.get("theme", "auto")
        query = request.url.query
        return Visit(
            path=request.url.path + (f"?{query}" if query else ""),
            query=dict(request.query_params),
            params={name: str(value) for name, value in request.path_params.items()},
            form={},
            address=request.client.host if request.client else "",
            language=language,
            theme=theme if theme in THEMES else "auto",
            now_ms=self._board.now_ms(),
            session=None,
            token=cookies.get(deeds.session_cookie(self._settings.tls), ""),
        )

    async def _let_in(self, request: Request, door: Door, visit: Visit) -> Visit:
        """Raises Refusal where the visit must not go on."""
        self._check_host(request)
        if len(request.url.query) > MOST_QUERY:
            raise Refusal(400)
        act = door.method == "POST"
        if act:
            self._check_origin(request)
            visit = replace(visit, form=await _form(request))
        if visit.token:
            session = await run_in_threadpool(
                self._board.accounts.session, visit.token, visit.now_ms, use=not door.stream
            )
            visit = replace(visit, session=session)
        if door.roles is None:
            return visit
        if visit.session is None:
            raise Refusal(401)
        if visit.session.role not in door.roles:
            await run_in_threadpool(
                self._board.audit.add,
                "refused",
                person=visit.name,
                role=visit.session.role.value,
                note=f"{door.method} {request.url.path}",
            )
            raise Refusal(403)
        if act:
            if not hmac.compare_digest(
                visit.form.get("key", "").encode(), visit.session.form_key.encode()
            ):
                raise Refusal(403, "csrf")
            keys = ((limits.ACTS, visit.name),)
            if self._board.limiter.wait_s(keys, visit.now_ms / 1000):
                raise Refusal(429)
            self._board.limiter.count(keys, visit.now_ms / 1000)
        return visit

    def _check_host(self, request: Request) -> None:
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname
        if name not in self._settings.hosts:
            raise Refusal(400)

    def _check_origin(self, request: Request) -> None:
        """An act comes from a page of ours: browsers say so with every form, also before log-in."""
        origin = urlsplit(request.headers.get("origin", "")).netloc
        if not origin or origin != request.headers.get("host"):
            raise Refusal(403, "csrf")

    # ---- the stream ------------------------------------------------------------------------------

    async def _stream(self, visit: Visit) -> Response:
        if self._hub.full(visit.token):
            raise Refusal(503)
        page, wanted = self._page_of(visit)
        cameras = frozenset({wanted.params["device"]}) if "device" in wanted.params else None

        def look(live: bool = True) -> Regions:
            now = replace(wanted, now_ms=self._board.now_ms(), live=live)
            answer = page(self._board, now)
            if not isinstance(answer, Page):
                raise TypeError("a live page answers with a page")
            return rendered(self._board, now, answer)[1]

        def first() -> Regions:
            """Whoever opens only the stream looks at the page, too, and that is logged."""
            keys = pages.look_keys(wanted) if cameras else ()
            return look(live=self._board.limiter.wait_s(keys, visit.now_ms / 1000) > 0)

        def holds() -> bool:
            now_ms = self._board.now_ms()
            session = self._board.accounts.session(visit.token, now_ms, use=False)
            return session is not None and session.role == visit.role

        return StreamingResponse(
            self._hub.stream(await run_in_threadpool(first), look, holds, cameras, visit.token),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    def _page_of(self, visit: Visit) -> tuple[Shown, Visit]:
        """The page that a stream is for: `page` is its address."""
        address = urlsplit(visit.query.get("page", ""))
        for (pattern, _, _), door in self._live:
            found = pattern.match(address.path)
            if found and not address.netloc:
                query = dict(parse_qsl(address.query, max_num_fields=_MOST_FIELDS))
                return _behind(door), replace(
                    visit,
                    path=visit.query["page"],
                    query=query,
                    params=found.groupdict(),
                    live=True,
                )
        raise Refusal(404)

    # ---- refusals --------------------------------------------------------------------------------

    def _refused(self, request: Request, visit: Visit, refusal: Refusal) -> Response:
        if refusal.status == 401:
            if request.url.path == "/live":
                return PlainTextResponse("", 401)
            return RedirectResponse("/login?why=again" if visit.token else "/login", 303)
        page = Page("error.html", {"key": refusal.key, "status": refusal.status}, refusal.status)
        return HTMLResponse(rendered(self._board, visit, page)[0], refusal.status)

    async def no_door(self, request: Request, error: Exception) -> Response:
        """There is no such page, or not in this way."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        known = status if status in (404, 405) else 400
        return await self._plainly(request, Refusal(known))

    async def broken(self, request: Request, error: Exception) -> Response:
        """A mistake of ours: the log has it all, the visitor a sentence."""
        _LOG.error("".join(traceback.format_exception(error)))
        return await self._plainly(request, Refusal(500))

    async def _plainly(self, request: Request, refusal: Refusal) -> Response:
        visit = self._visitor(request)
        if visit.token and refusal.status != 500:
            try:
                session = await run_in_threadpool(
                    self._board.accounts.session, visit.token, visit.now_ms
                )
            except StorageError:
                session = None
            visit = replace(visit, session=session)
        return await run_in_threadpool(self._refused, request, visit, refusal)

    # ---- machines --------------------------------------------------------------------------------

    async def healthz(self, request: Request) -> Response:
        """`ok`, or what is wrong in one sentence."""
        if (refused := self._machine(request)) is not None:
            return refused
        try:
            wrong = await run_in_threadpool(self._board.fleet.healthy, self._board.now_ms())
        except StorageError as error:
            wrong = error.what
        return PlainTextResponse(f"{wrong or 'ok'}\n", 503 if wrong else 200)

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        if (refused := self._machine(request)) is not None:
            return refused
        try:
            text = await run_in_threadpool(self._board.fleet.metrics, self._board.now_ms())
        except StorageError as error:
            return PlainTextResponse(f"{error.what}\n", 503)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    def _machine(self, request: Request) -> Response | None:
        """None where the program may ask; else the answer."""
        try:
            self._check_host(request)
        except Refusal:
            return PlainTextResponse("That is not a name of this board.\n", 400)
        token = self._settings.token
        if token:
            given = request.headers.get("authorization", "")
            if hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
                return None
        elif request.client is not None and request.client.host in ("127.0.0.1", "::1"):
            return None
        return PlainTextResponse(
            "Only from this machine, or with the token.\n",
            401,
            headers={"WWW-Authenticate": "Bearer"},
        )

    # ---- assets ----------------------------------------------------------------------------------

    async def static(self, request: Request) -> Response:
        """Style, script, icon: kept by browsers, because the name changes with the content."""
        found = assets().get(request.path_params["name"])
        if found is None:
            return await self._plainly(request, Refusal(404))
        data, kind = found
        return Response(
            data, media_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"}
        )

    async def icon(self, request: Request) -> Response:
        """What browsers ask for without being told."""
        return Response(status_code=204)


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a form; raises Refusal where it is too long or not one."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refusal(400)
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > MOST_FORM_BYTES:
                raise Refusal(413)
    except ClientDisconnect:
        raise Refusal(400) from None  # nobody is there to read it
    try:
        return dict(
            parse_qsl(
                data.decode(),
                keep_blank_values=True,
                strict_parsing=bool(data),
                max_num_fields=_MOST_FIELDS,
                errors="strict",
            )
        )
    except ValueError:
        raise Refusal(400) from None
