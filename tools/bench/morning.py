"""From a camera's word to an open board: how long, with how many cameras, and what a page costs.

All of it is the real thing on this machine: mosquitto, `bodycam-station serve`, so many cameras of
`bodycam-sim fleet` at the usual interval, and Chromium with the morning page open. One more camera,
spoken by the bench, changes its charge; the page notes when it shows that, by the same clock.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.bench.serving import Told

_PATIENCE_S = 180
_INTERVAL_S = 60
_PROBE = "aa-probe"
"""Its row is on the first page, whatever the others are called."""
_PASSWORD = "a morning that is measured"
_HASH = "0" * 64
# Notes when the page is live, by its own time, and each charge that the probe's row shows, by the
# time of day.
_NOTES = """
window.shown = {};
new MutationObserver(() => {
  if (!window.liveAt && document.querySelector("#live.on")) window.liveAt = performance.now();
  const row = document.getElementById("row-aa-probe");
  const charge = row && row.querySelector(".charge");
  const percent = charge && parseInt(charge.textContent);
  if (percent !== null && !(percent in window.shown)) window.shown[percent] = Date.now();
}).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
"""


def board(folder: str, cameras: str, samples: str) -> Told:
    """ms from publish to change, a page's bytes, ms until it is live, MiB of station and fleet."""
    from bodycam_station.board.access import Role
    from bodycam_station.board.accounts import Accounts
    from bodycam_station.demo.broker import broker, running
    from bodycam_station.fleet.store import FILE, Store
    from bodycam_station.station import Station

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    with Station.init(place / "station", "bench", person="bench") as station, broker(place) as at:
        store = Store.open(station.path / FILE)
        Accounts(store).add("bench", Role.MANAGER, _PASSWORD, 0)
        store.close()
        probe = _Probe(station, at)
        fleet_words = ["bodycam_sim.cli", "fleet", "--cameras", cameras, "--broker", at]
        fleet_words += ["--station", str(station.path), "--interval", str(_INTERVAL_S)]
        serve_words = ["bodycam_station.cli", "serve", "--broker", at, "--port", "0"]
        serve_words += ["--station", str(station.path)]
        with running([sys.executable, "-m", *fleet_words], place / "fleet.log") as fleet:
            _until(lambda: len(station.devices()) > int(cameras), "the cameras to be enrolled")
            with _serving([sys.executable, "-m", *serve_words]) as (process, url):
                probe.begin()
                _until(lambda: _heard(url) > int(cameras), "all cameras to be heard")
                told = _in_browser(url, probe, int(samples))
                told["station_mib"] = _mib(process.pid)
                told["fleet_mib"] = _mib(fleet.pid)
        probe.close()
    return told


def _in_browser(url: str, probe: "_Probe", samples: int) -> Told:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("chromium is missing: make setup-test installs it")
    dice = random.Random(1)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{url}/login")
        page.fill("#name", "bench")
        page.fill("#password", _PASSWORD)
        page.click("main form button")
        page.wait_for_selector("#live.on")
        page.add_init_script(_NOTES)
        live_ms, weights = [], []
        for _ in range(5):
            sizes: list[int] = []

            def weigh(answer: Any, sizes: list[int] = sizes) -> None:
                if "/live" not in answer.url:
                    sizes.append(len(answer.body()))

            # Nothing is kept from one load to the next: each weighs what the first one weighs.
            context = browser.new_context(storage_state=page.context.storage_state())
            fresh = context.new_page()
            fresh.add_init_script(_NOTES)
            fresh.on("response", weigh)
            fresh.goto(url)
            fresh.wait_for_function("() => window.liveAt")
            live_ms.append(float(fresh.evaluate("() => window.liveAt")))
            weights.append(sum(sizes))
            context.close()
        page.goto(url)
        page.wait_for_function("() => window.liveAt")
        changes = []
        for number in range(samples):
            time.sleep(0.3 + dice.random())  # at any point of whatever goes round
            percent = 21 + number % 79
            page.evaluate("() => { window.shown = {} }")
            published_ms = probe.says(percent)
            page.wait_for_function("percent => percent in window.shown", arg=percent)
            changes.append(float(page.evaluate(f"() => window.shown[{percent}]")) - published_ms)
        browser.close()
    return {"change_ms": changes, "live_ms": live_ms, "bytes": max(weights)}


class _Probe:
    """The camera that the bench speaks for."""

    def __init__(self, station: Any, at: str) -> None:
        from bodycam.evidence.enrolment import make_request
        from bodycam.evidence.keys import SoftwareKey
        from bodycam.messages.camera import Status

        key = SoftwareKey.from_seed(b"p" * 32)
        station.enroll(make_request(_PROBE, key, "software"), person="bench")
        self._port = int(at.rpartition(":")[2])
        self._status = Status(
            seq=0, session="s1", boot="b1", at_us=1, utc_ms=1, clock="ntp", clock_error_ms=1,
            recording=False, faults=(), battery_percent=100, charging=True, room_minutes=600,
            waiting=0, temperature_c=30, radio_dbm=-60, dock_test="passed", config_version=0,
            dropped=0, journal="", ledger="",
        )  # fmt: skip
        self._client: Any = None

    def begin(self) -> None:
        """Connect, and say what a camera says first."""
        from paho.mqtt.client import Client, MQTTv5
        from paho.mqtt.enums import CallbackAPIVersion

        from bodycam.messages.camera import State

        self._client = Client(CallbackAPIVersion.VERSION2, _PROBE, protocol=MQTTv5)
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        self._publish("state", State("docked", "b1", "s1").encode())
        self.says(100)

    def says(self, percent: int) -> float:
        """Another status; when it was published, in ms since 1970."""
        now_ms = time.time() * 1000
        self._status = replace(
            self._status,
            seq=self._status.seq + 1,
            at_us=self._status.at_us + 1_000_000,
            utc_ms=round(now_ms),
            battery_percent=percent,
        )
        self._publish("status", self._status.encode())
        return now_ms

    def close(self) -> None:
        """Go."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()

    def _publish(self, leaf: str, payload: bytes) -> None:
        self._client.publish(f"bodycam/v1/{_PROBE}/{leaf}", payload, qos=1, retain=True)


@contextmanager
def _serving(command: list[str]) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if " is at " not in line:
            raise RuntimeError("the station does not serve its board; its last words are above")
        yield process, line.partition(" is at ")[2].split()[0].rstrip("/")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _heard(url: str) -> int:
    """Cameras that were heard at least once."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    counts = {
        state: int(count)
        for state, count in re.findall(r'bodycam_cameras\{state="(\w+)"\} (\d+)', text)
    }
    return sum(count for state, count in counts.items() if state != "never")


def _mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _until(so: Callable[[], bool], what: str) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while not so():
        if time.monotonic() > until_s:
            raise RuntimeError(f"waited too long for {what}")
        time.sleep(0.25)
