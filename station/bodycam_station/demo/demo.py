"""`bodycam-station serve --demo`: a made-up station whose board can be used at once.

The simulated cameras are a program of their own, `bodycam-sim fleet`: the station knows nothing of
the simulator but its command line.
"""

import argparse
import importlib.util
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bodycam.errors import UsageError
from bodycam_station.board import serve as board
from bodycam_station.board.access import Role
from bodycam_station.board.accounts import Accounts
from bodycam_station.demo.broker import broker, running
from bodycam_station.files import shown
from bodycam_station.fleet.store import FILE as DATABASE
from bodycam_station.fleet.store import Store
from bodycam_station.station import Station

CAMERAS = 24
MOST_CAMERAS = 1000
NAME = "demo"
PERSON = "demo"
START, SPEED, INTERVAL_S = "06:50", 20, 5
"""The fleet's day begins before the early shift, and an hour of it takes three minutes."""
ENROLLED_WITHIN_S = 60.0
SETTINGS = """\
# Of the demo: what takes an hour at a municipality takes some minutes here.
lost_missing_minutes = 2
alert_after_s = 5
alert_over_s = 10
"""
SCRIPT = """\
2 cam03 fault speaker-dead
3 cam11 battery 17
4 cam18 fault clock-unsynchronised
6 cam07 undock
7 cam07 record
20 cam07 stop
25 cam09 undock
26 cam09 unheard
30 cam05 fault too-hot
31 cam05 mended too-hot
34 cam05 roll-back 2
60 cam14 freeze
"""
"""Trouble for the board to show; the rest comes with the days that the simulator draws."""


def serve(args: argparse.Namespace) -> int:
    """Until it is told to end. Raises UsageError where something that it needs is not here."""
    cameras = args.cameras or CAMERAS
    if not CAMERAS <= cameras <= MOST_CAMERAS:
        raise UsageError(f"The demo has {CAMERAS} to {MOST_CAMERAS} cameras.")
    if importlib.util.find_spec("bodycam_sim") is None:
        raise UsageError(
            "The simulated cameras are not installed.", do="Install bodycam with its extra sim."
        )
    with (
        _folder(args.station) as folder,
        Station.init(folder / "station", NAME, person=PERSON) as station,
        broker(folder) as address,
    ):
        (station.path / "fleet.toml").write_text(SETTINGS)
        (folder / "script").write_text(SCRIPT)
        password = _make_user(station.path)
        log = folder / "cameras.log"
        with running(_fleet(folder, station, address, cameras), log) as fleet:
            _wait(lambda: len(station.devices()) >= cameras, fleet, log)
            print(f"{cameras} simulated cameras report; it is {START} and time flies there.")
            print(f"Log in as {NAME} with the password {password}", flush=True)
            args.broker = address
            return board.serve(station, args)


def _wait(enrolled: Callable[[], bool], fleet: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until all are enrolled, so that the board knows each from its first word on."""
    until_s = time.monotonic() + ENROLLED_WITHIN_S
    while not enrolled():
        if fleet.poll() is not None or time.monotonic() > until_s:
            last = (log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1]
            raise UsageError(f"The simulated cameras do not start: {last}")
        time.sleep(0.1)


def _make_user(station: Path) -> str:
    """A manager; the password that was drawn for him."""
    password = secrets.token_urlsafe(9)
    with closing(Store.open(station / DATABASE)) as store:
        Accounts(store).add(NAME, Role.MANAGER, password, board.now_ms())
    return password


def _fleet(folder: Path, station: Station, address: str, cameras: int) -> list[str]:
    command = [sys.executable, "-m", "bodycam_sim.cli", "fleet", "--cameras", str(cameras)]
    command += ["--broker", address, "--station", str(station.path)]
    command += ["--script", str(folder / "script"), "--interval", str(INTERVAL_S)]
    return [*command, "--start", START, "--speed", str(SPEED)]


@contextmanager
def _folder(given: str | None) -> Iterator[Path]:
    """A folder for all of it: the one that was named, or one that goes away again."""
    if given:
        path = Path(given)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(
                f"{shown(given)} is not empty.", do="The demo makes a station of its own."
            )
        path.mkdir(parents=True, exist_ok=True)
        yield path
        return
    path = Path(tempfile.mkdtemp(prefix="bodycam-demo-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
