"""Open pages stay up to date: server-sent events that carry the regions which have changed.

Each open page is rendered anew when the fleet tells of a change, no more often than PAUSE_S; what
differs is sent. Where regions came or went the page is told to fetch itself again.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from bodycam.errors import BodycamError
from bodycam_station.board.frame import Refusal, mark_of
from bodycam_station.fleet.port import Fleet
from bodycam_station.fleet.views import Change

PAUSE_S = 0.4
"""Between two looks of the same page: many changes become one."""
BEAT_S = 5.0
"""A page that hears nothing for longer than twice this says that it is not live."""
LEASE_S = 30.0
"""So often a stream asks whether its session still holds."""
MOST_STREAMS = 200
MOST_OF_SESSION = 20
"""Open pages of one who is logged in: the others have theirs."""

Regions = dict[str, str]


@dataclass(eq=False, slots=True)
class _Ear:
    """What one stream has heard of and not looked at yet."""

    cameras: frozenset[str] | None
    session: str = ""
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Hub:
    """Passes the fleet's changes, which come in its own threads, to the streams of one loop."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._ears: set[_Ear] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: Callable[[], None] | None = None
        self.closing = False

    def open(self) -> None:
        """Begin to listen; within the loop of the streams."""
        self._loop = asyncio.get_running_loop()
        self._end = self._fleet.subscribe(self._told)

    def close(self) -> None:
        """End all streams, so that the server need not wait for them; from any thread."""
        self.closing = True
        if self._end is not None:
            self._end()
            self._end = None
        self._post(self._wake, None)

    def full(self, session: str) -> bool:
        """No further stream can be opened, or none of this session."""
        of_session = sum(ear.session == session for ear in self._ears)
        return len(self._ears) >= MOST_STREAMS or of_session >= MOST_OF_SESSION

    async def stream(
        self,
        shown: Regions,
        look: Callable[[], Regions],
        holds: Callable[[], bool],
        cameras: frozenset[str] | None,
        session: str,
    ) -> AsyncIterator[bytes]:
        """The events of one page. `look` renders its regions; `shown` is the first look.

        The first event has the mark of that look: a page that shows something else, because things
        changed before the stream began, knows by it.
        """
        ear = _Ear(cameras, session)
        self._ears.add(ear)
        ear.woken.set()  # something may have changed since the first look
        try:
            yield _event("hello", {"mark": mark_of(shown), "beat_s": BEAT_S})
            loop = asyncio.get_running_loop()
            lease = loop.time() + LEASE_S
            while not self.closing:
                # It looks without being told, too: some of what it shows changes with time alone.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ear.woken.wait(), BEAT_S)
                if self.closing:
                    return
                if loop.time() >= lease:
                    if not await run_in_threadpool(holds):
                        return
                    lease = loop.time() + LEASE_S
                ear.woken.clear()
                now = await run_in_threadpool(look)
                if list(now) != list(shown):
                    yield _event("again", {})
                elif changed := {one: html for one, html in now.items() if shown[one] != html}:
                    yield _event("regions", changed)
                else:
                    yield _event("beat", {})
                shown = now
                await asyncio.sleep(PAUSE_S)
        except (BodycamError, Refusal):
            return  # the page says that it is not live, and connects again
        finally:
            self._ears.discard(ear)

    def _told(self, change: Change) -> None:
        self._post(self._wake, change)

    def _post(self, call: Callable[[Change | None], None], change: Change | None) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(call, change)
        except RuntimeError:
            self._loop = None  # the loop has ended

    def _wake(self, change: Change | None) -> None:
        for ear in self._ears:
            if (
                change is None
                or not change.cameras
                or ear.cameras is None
                or ear.cameras & change.cameras
            ):
                ear.woken.set()


def _event(name: str, data: object) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode()
