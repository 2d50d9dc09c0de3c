"""Alerts: flapping is one, a hook that is down is tried again, and nobody is named in them."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import sqlalchemy as sa

from bodycam.errors import ConfigError
from bodycam_station.fleet.alerts import MAX_TRIES, decide, next_try_ms
from bodycam_station.fleet.hook import poster
from bodycam_station.fleet.schema import ALERTS, DELIVERIES
from bodycam_station.fleet.settings import Settings
from bodycam_station.fleet.store import Store
from fleet.test_service import Morning

LOW = ("cam07", "fault", "battery-low")
FORK = ("cam07", "custody-fork", "")
SETTINGS = Settings(alert_after_s=60, alert_over_s=300)


@pytest.mark.parametrize(
    ("active", "lasting", "cleared", "at_s", "raised", "over"),
    [
        ([], {LOW: 0}, {}, 59, [], []),
        ([], {LOW: 0}, {}, 60, [LOW], []),
        ([], {FORK: 0}, {}, 0, [FORK], []),  # only a person ends it: at once
        ([LOW], {LOW: 0}, {}, 9000, [], []),
        ([LOW], {}, {LOW: 0}, 299, [], []),
        ([LOW], {}, {LOW: 0}, 300, [], [LOW]),
        ([], {("cam07", "software", ""): 0}, {}, 9000, [], []),  # a notice that alerts nobody
    ],
)
def test_an_alert_begins_late_and_ends_later(
    active: list[Any],
    lasting: dict[Any, int],
    cleared: dict[Any, int],
    at_s: int,
    raised: list[Any],
    over: list[Any],
) -> None:
    said = decide(active, lasting, cleared, at_s * 1000, SETTINGS)
    assert (list(said.raised), list(said.over)) == (raised, over)


def test_tries_are_further_and_further_apart_and_end() -> None:
    waits = [next_try_ms(tries, 0) for tries in range(1, MAX_TRIES + 1)]
    assert waits[:4] == [10_000, 20_000, 40_000, 80_000]
    assert waits[-1] is None
    assert max(wait for wait in waits if wait) <= 3_600_000


class Hook:
    """A web hook that answers what it is told to."""

    def __init__(self) -> None:
        self.status = 204
        self.got: list[tuple[dict[str, str], bytes]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((dict(self.headers), body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                """Says nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/in?x=1"

    @property
    def alerts(self) -> list[str]:
        return [
            f"{one['what']} {one['camera']} {one['code']} {one['detail']}".strip()
            for _, body in self.got
            for one in json.loads(body)["alerts"]
        ]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


def morning_with(store: Store, hook: Hook) -> Morning:
    return Morning(store, Settings(hook_url=hook.url, hook_secret="whisper"))


def test_a_battery_alert_and_its_clearing_with_flapping_between(store: Store, hook: Hook) -> None:
    morning = morning_with(store, hook)
    morning.all_well(state="online")
    camera = morning.cameras["cam07"]

    def minute(*faults: str) -> None:
        morning.now_ms += 60_000
        morning.fleet.take([camera.status(morning.now_ms, faults=faults)])
        for other in ("cam08", "cam09"):
            morning.fleet.take([morning.cameras[other].status(morning.now_ms)])
        morning.tick()
        morning.fleet.deliver(morning.now_ms)

    minute("battery-low")
    assert hook.alerts == []
    for faults in (["battery-low"], [], ["battery-low"], [], ["battery-low"], [], [], [], []):
        minute(*faults)
    assert hook.alerts == ["raised cam07 fault battery-low"]
    minute()
    minute()
    assert hook.alerts == ["raised cam07 fault battery-low", "over cam07 fault battery-low"]


def test_what_somebody_has_seen_in_time_is_no_alert(store: Store, hook: Hook) -> None:
    morning = morning_with(store, hook)
    morning.all_well(state="online")
    camera = morning.cameras["cam07"]
    morning.fleet.take([camera.status(morning.now_ms, faults=("speaker-dead",))])
    morning.tick()
    (found,) = morning.fleet.view(morning.now_ms).exceptions
    morning.fleet.acknowledge(found.id, "A. de Vries", "on my bench", morning.now_ms)
    morning.now_ms += 61_000
    morning.tick()
    assert morning.fleet.deliver(morning.now_ms) == 0


def test_what_is_posted_is_signed_and_names_nobody(store: Store, hook: Hook) -> None:
    morning = morning_with(store, hook)
    morning.all_well(state="online")
    camera = morning.cameras["cam07"]
    morning.fleet.take([camera.status(morning.now_ms, faults=("speaker-dead",))])
    morning.tick()
    morning.now_ms += 60_000
    morning.tick()
    assert morning.fleet.deliver(morning.now_ms) == 1
    ((headers, body),) = hook.got
    seconds, mac = (part.partition("=")[2] for part in headers["X-Bodycam-Signature"].split(","))
    expected = hmac.new(b"whisper", f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert mac == expected
    assert json.loads(body)["alerts"][0].keys() == {
        *("id", "what", "camera", "code", "detail", "severity", "at")
    }


def test_a_hook_that_is_down_gets_it_later_and_not_for_ever(store: Store, hook: Hook) -> None:
    morning = morning_with(store, hook)
    morning.tick()  # three cameras that were never heard: missing
    morning.now_ms += 60_000
    morning.tick()
    hook.status = 500
    assert morning.fleet.deliver(morning.now_ms) == 3
    assert morning.fleet.deliver(morning.now_ms + 9_000) == 0
    hook.status = 200
    assert morning.fleet.deliver(morning.now_ms + 10_000) == 3
    assert morning.fleet.deliver(morning.now_ms + 99_000) == 0
    with store.write() as db:
        db.execute(DELIVERIES.update().values(due_ms=morning.now_ms, delivered_ms=None, tries=0))
    hook.status = 503
    tries = 0
    while morning.fleet.deliver(morning.now_ms):
        tries += 1
        morning.now_ms += 3_600_000
        assert tries <= MAX_TRIES
    assert tries == MAX_TRIES
    with store.read() as db:
        said = set(db.execute(sa.select(DELIVERIES.c.why)).scalars())
    assert said == {"The web hook answered 503."}


def test_a_thousand_alerts_go_in_messages_of_fifty(store: Store, hook: Hook) -> None:
    morning = Morning(store, Settings(hook_url=hook.url))
    morning.desk.devices_known += [f"cam1{n:02}" for n in range(100)]
    morning.desk.devices_known += [f"cam2{n:02}" for n in range(17)]
    morning.tick()
    morning.now_ms += 60_000
    morning.tick()
    sizes = []
    while count := morning.fleet.deliver(morning.now_ms):
        sizes.append(count)
    assert sizes == [50, 50, 20]
    assert "X-Bodycam-Signature" not in hook.got[0][0]


def test_without_a_hook_alerts_are_kept_and_nothing_is_posted(store: Store) -> None:
    morning = Morning(store)
    morning.tick()
    morning.now_ms += 60_000
    morning.tick()
    assert morning.fleet.deliver(morning.now_ms) == 0
    with store.read() as db:
        assert db.execute(sa.select(sa.func.count()).select_from(ALERTS)).scalar() == 3
        assert db.execute(sa.select(sa.func.count()).select_from(DELIVERIES)).scalar() == 0


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "ftp://127.0.0.1/", "https://", "x", "http://[::1"]
)
def test_a_hook_in_the_clear_is_only_on_this_machine(url: str) -> None:
    with pytest.raises(ConfigError, match="hook_url"):
        poster(Settings(hook_url=url))


def test_a_hook_that_is_not_there_is_a_sentence() -> None:
    post = poster(Settings(hook_url="http://127.0.0.1:1/x"))
    assert post is not None
    assert "cannot be reached" in post(b"{}", {})
