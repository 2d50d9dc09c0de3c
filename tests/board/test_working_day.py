"""A working day, nothing made up but the cameras' world: broker, station, database, board, browser.

24 cameras are enrolled. 23 of them report with the product's own link to a real mosquitto; the
board is `bodycam-station serve` as a process, looked at by a real Chromium.
"""

import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from bodycam.posix.clock import PosixClock
from bodycam_sim.fleet.command import Wish, broker_address, cameras
from bodycam_sim.fleet.crowd import Crowd
from bodycam_sim.fleet.day import Act
from bodycam_station.board.access import Role
from bodycam_station.board.accounts import Accounts
from bodycam_station.fleet.store import FILE as DATABASE
from bodycam_station.fleet.store import Store
from bodycam_station.station import Station
from brokers import Mosquitto
from browser import page_in

PASSWORD = "correct horse battery"
WITHIN_MS = 30_000
SETTINGS = "lost_grace_s = 1\nalert_after_s = 1\nalert_over_s = 1\n"
"""So that a day has time in a minute."""


class Street(threading.Thread):
    """Runs the cameras on a thread of its own, and lets things happen to them."""

    def __init__(self, broker: str, station: Path) -> None:
        super().__init__(name="street", daemon=True)
        self._crowd = Crowd(PosixClock(), os.urandom, interval_s=1)
        self._todo: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._ended = False
        for camera in cameras(Wish(24, broker, station=str(station))):
            if camera.keys.device != "cam24":  # nobody has heard of it yet
                self._crowd.add(camera, broker_address(broker))

    def run(self) -> None:
        while not self._ended:
            self._crowd.turn(0.02)
            while not self._todo.empty():
                self._todo.get_nowait()()  # type: ignore[misc]
        self._crowd.close("The day is over.")

    def act(self, device: str, what: str, detail: str = "") -> None:
        self._todo.put(lambda: self._crowd.act(device, Act(0, what, detail)))

    def passes(self, seconds: float) -> None:
        """Let the fleet's time pass: batteries charge, recordings grow."""
        self._todo.put(lambda: self._crowd.advance(seconds))

    def end(self) -> None:
        self._ended = True
        self.join(20)


@dataclass(frozen=True)
class Day:
    street: Street
    page: Page

    def case(self, device: str, part: str = "cannot") -> Locator:
        return self.page.locator(f"#case-{part}-{device}")

    def morning(self, can: int, cannot: int, missing: int) -> None:
        line = rf"{can}\s*can go out\s*·\s*{cannot}\s*cannot\s*·\s*{missing}\s*missing"
        heading = self.page.get_by_role("heading", level=1)
        expect(heading).to_have_text(re.compile(line), timeout=WITHIN_MS)


@contextlib.contextmanager
def served(station: Path, broker: str) -> Iterator[str]:
    """The board as a process; its address."""
    command = [sys.executable, "-m", "bodycam_station.cli", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--station", str(station), "--broker", broker],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found
        yield found[0]
    finally:
        process.terminate()
        process.wait(20)
        process.communicate()


@pytest.fixture
def day(tmp_path: Path, browser: Browser) -> Iterator[Day]:
    station = tmp_path / "station"
    Station.init(station, "utrecht", person="tester").close()
    (station / "fleet.toml").write_text(SETTINGS)
    with contextlib.closing(Store.open(station / DATABASE)) as store:
        Accounts(store).add("devries", Role.MANAGER, PASSWORD, time.time_ns() // 1_000_000)
    with Mosquitto(tmp_path / "broker") as running:
        broker = f"mqtt://127.0.0.1:{running.port}"
        street = Street(broker, station)
        street.start()
        try:
            with (
                served(station, broker) as url,
                page_in(browser, base_url=url) as page,
            ):
                page.goto("/")
                page.get_by_label("User name").fill("devries")
                page.get_by_label("Password").fill(PASSWORD)
                page.get_by_role("button", name="Log in").click()
                yield Day(street, page)
        finally:
            street.end()


def test_a_working_day(day: Day) -> None:
    street, page = day.street, day.page

    # The morning: one was broken yesterday, one is nowhere.
    street.act("cam03", "fault", "speaker-dead")
    day.morning(can=22, cannot=1, missing=1)
    expect(day.case("cam03")).to_contain_text("The speaker did not give the warning")
    expect(day.case("cam24", "missing")).to_contain_text("Not heard")

    # The fleet manager has it repaired, and says so.
    speaker = day.case("cam03").locator("li", has_text="speaker")
    speaker.get_by_text("Acknowledge").click()
    page.keyboard.type("To the workshop")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is noted that you have seen it.")).to_be_visible()
    page.evaluate("() => { window.mark = 1 }")

    # An early shift goes out; a battery was not charged.
    for device in ("cam05", "cam07", "cam11"):
        street.act(device, "undock")
    street.act("cam11", "battery", "15")
    street.passes(60)
    expect(day.case("cam11", "see")).to_contain_text("The battery is low", timeout=WITHIN_MS)

    alerts = page.context.new_page()
    alerts.goto("/alerts")
    battery = alerts.locator("tr", has_text="cam11").filter(has_text="The battery is low")
    expect(battery).to_be_visible()

    # Somebody puts an old copy of a card into a camera: its newest lines are gone.
    street.act("cam07", "fault", "too-hot")
    expect(day.case("cam07", "see")).to_contain_text("hot", timeout=WITHIN_MS)
    street.act("cam07", "mended", "too-hot")
    expect(day.case("cam07", "see")).to_have_count(0, timeout=WITHIN_MS)
    street.act("cam07", "roll-back", "2")
    day.morning(can=21, cannot=2, missing=1)
    expect(day.case("cam07")).to_contain_text("Take the card out")

    # A camera hangs: first it is stale, and when its connection ends, lost.
    street.act("cam14", "hang")
    row = page.locator("#fleet tbody tr", has_text="cam14")
    expect(row).to_contain_text("Silent", timeout=WITHIN_MS)
    street.act("cam14", "unheard")
    expect(row).to_contain_text("Lost", timeout=WITHIN_MS)
    day.morning(can=20, cannot=3, missing=1)
    expect(day.case("cam14")).to_contain_text("Went without a word")
    assert page.evaluate("() => window.mark === 1"), "all that came without a reload"

    # It comes back, the battery is charged, and the morning line is right again.
    street.act("cam14", "go-on")
    street.act("cam14", "heard")
    street.act("cam11", "battery", "90")
    street.passes(120)
    expect(day.case("cam11", "see")).to_have_count(0, timeout=WITHIN_MS)
    expect(row).to_contain_text("In the dock", timeout=WITHIN_MS)
    day.morning(can=21, cannot=2, missing=1)

    # The alert about the battery has gone from the page that stood open.
    expect(battery).to_have_count(0, timeout=WITHIN_MS)

    # Where is camera 5? It shows itself.
    page.goto("/cameras/cam05")
    page.get_by_role("button", name="Show yourself").click()
    sent = page.get_by_role("list", name="Commands sent").locator("li").first
    expect(sent).to_contain_text("Done", timeout=WITHIN_MS)
