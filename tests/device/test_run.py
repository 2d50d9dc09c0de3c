"""`bodycam run`, whole, as a process: from power to a recording that the station opens."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bodycam.evidence.journal import read_journal
from bodycam.evidence.keys import SoftwareKey
from bodycam_station.station import Station
from device.life import PERSON, Home, Life
from streams import played

Start = Callable[..., Life]
WITHIN_S = 2.0
"""From being told to go off to the last signature."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def start(home: Home) -> Iterator[Start]:
    lives: list[Life] = []

    def start(**environment: str) -> Life:
        for life in lives:
            life.close()
        lives.append(Life(home, **environment))
        return lives[-1]

    yield start
    for life in lives:
        life.close()


def kinds(home: Home) -> list[str]:
    key = SoftwareKey.from_openssh((home.folder / "device.key").read_bytes())
    reading = read_journal((home.card / "journal.jsonl").read_bytes(), dev="cam07", key=key.public)
    assert reading.problem is None
    return [entry.kind for entry in reading.entries]


def films(home: Home) -> list[list[int]]:
    """The times of all pictures of each recording, in µs, by way of the station."""
    found = []
    with Station.open(home.station) as station:
        report = station.import_card(home.card, person=PERSON)
        assert report.problems == []
        for item in report.recordings:
            assert (item.verdict.integrity, item.opened, item.receipt) == ("ok", True, True)
            out = home.folder / f"{item.rec}.mp4"
            station.export(item.rec, out, person=PERSON)
            found.append([at_us for at_us, _ in played(out.read_bytes())])
    return found


def film(home: Home) -> list[int]:
    """The same of the only one."""
    (one,) = films(home)
    return one


def test_from_a_press_to_a_film_at_the_station(home: Home, start: Start) -> None:
    life = start()
    life.ready()
    assert life.status["state"] == "standby"
    life.record()
    life.until(lambda: home.segments >= 6)
    life.press(3.3)
    life.until(lambda: life.status["state"] == "after")
    assert life.status["ring_from_us"] > 0
    life.press()
    life.until(lambda: life.status["state"] == "recording")
    began_s = time.time()
    assert life.terminate() == 0, life.log
    assert home.closed_s - began_s < WITHIN_S
    assert "STOPPING=1\nSTATUS=Going off: stopped by the system" in life.told
    assert "WATCHDOG=1" in life.told
    assert not (home.folder / "run" / "power-off").exists()
    assert kinds(home)[0] == "boot"
    first, second = films(home)
    assert len(first) >= 6 * 15
    assert second


# ---- the order of the start ----------------------------------------------------------------------


def test_the_camera_is_begun_before_anything_slow_is_imported() -> None:
    """Where a first picture can be taken, neither cryptography nor a camera's library is loaded."""
    code = "import bodycam.cli, bodycam.run, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "bodycam.recorder.intake" in loaded
    assert "bodycam.pi.camera" in loaded
    assert not loaded & {"cryptography", "picamera2", "gpiozero", "av", "numpy", "asyncio"}
    assert not loaded & {"bodycam.recorder.vault", "bodycam.evidence.age", "bodycam.enrolled"}


@pytest.mark.parametrize("pin", [17, 27])
def test_a_contact_closed_at_boot_is_ignored_until_released(
    home: Home, start: Start, pin: int
) -> None:
    # A mocked pin is lifted by its pull-up: so this button is closed from the beginning.
    config = home.config.read_text()
    home.config.write_text(config + '[buttons]\nclosed = "high"\n')
    life = start()
    life.ready()
    for edge in ("down", "up", "down"):  # it bounces: still the contact of before
        life.say(f"{edge} 17")
        life.say(f"{edge} 27")
    time.sleep(0.5)  # a release is a length of time
    assert life.status["state"] == "standby"
    life.say(f"up {pin}")
    life.say(f"down {pin}")
    wanted = "warning" if pin == 17 else "warn only"
    life.until(lambda: life.status["state"] == wanted)
    assert life.terminate() == 0, life.log


def test_a_camera_that_starts_in_its_dock_sleeps(home: Home, start: Start) -> None:
    home.config.write_text(home.config.read_text().replace("pin = 6", 'pin = 6\ntrue = "high"'))
    life = start()
    life.ready()
    assert life.status["state"] == "docked"
    assert life.status["ring_from_us"] is None
    life.say("down 6")
    life.until(lambda: life.status["state"] == "standby")
    life.record()
    assert life.terminate() == 0


def test_one_camera_has_one_recorder(home: Home, start: Start) -> None:
    first = start()
    first.ready()
    second = Life(home)
    try:
        assert second.ended() == 1
        assert second.log == (
            "bodycam: The recorder is running already. "
            "Stop it first: sudo systemctl stop bodycam.service\n"
        )
    finally:
        second.close()
    assert first.terminate() == 0


# ---- what is missing or broken at the start ------------------------------------------------------


def test_without_a_card_it_tells_and_records_when_there_is_one(home: Home, start: Start) -> None:
    home.card.rmdir()
    life = start()
    life.ready()
    life.until(lambda: "card-failed" in life.status["faults"])
    assert "The card cannot be opened: There is no card at" in life.log
    life.press()
    life.until(lambda: life.status["state"] == "blocked")
    assert life.status["recording"]  # in memory, as far as that goes
    home.card.mkdir()
    life.until(lambda: home.segments >= 4)
    assert "card-failed" not in life.status["faults"]
    assert life.terminate() == 0, life.log
    assert "The card works." in life.log
    assert max(b - a for a, b in pairwise(film(home))) < 500_000
    assert {"boot", "card", "fault", "fault-cleared", "open", "close"} <= set(kinds(home))


def test_without_a_card_going_off_says_that_something_was_not_written(
    home: Home, start: Start
) -> None:
    home.card.rmdir()
    life = start()
    life.ready()
    life.until(lambda: "card-failed" in life.status["faults"])
    life.press()
    life.until(lambda: life.status["state"] == "blocked")
    assert life.terminate() == 1
    assert "Not everything was written" in life.log


def test_without_a_camera_it_tells_and_fills_the_ring_when_there_is_one(
    home: Home, start: Start
) -> None:
    life = start(UNPLUGGED="1")
    life.ready()  # systemd would end what never says so
    life.until(lambda: "camera-stalled" in life.status["faults"])
    assert "No camera is connected." in life.log
    life.say("plug")
    life.until(lambda: "camera-stalled" not in life.status["faults"])
    life.record()
    assert life.terminate() == 0, life.log


def test_a_microphone_that_vanishes_is_told_and_pictures_go_on(home: Home, start: Start) -> None:
    life = start()
    life.ready()
    life.record()
    life.say("mute")
    life.until(lambda: "sound-lost" in life.status["faults"])
    had = home.segments
    life.until(lambda: home.segments >= had + 2)
    assert life.terminate() == 0, life.log
    assert len(film(home)) > 60


def test_an_empty_battery_closes_the_recording_and_asks_to_be_switched_off(
    home: Home, start: Start
) -> None:
    life = start()
    life.ready()
    life.until(lambda: life.status.get("battery_percent") == 66)
    life.record()
    life.until(lambda: home.segments >= 2)
    life.say("empty")
    assert life.ended() == 0, life.log
    assert any("Going off: battery" in told for told in life.told)
    assert (home.folder / "run" / "power-off").exists()
    assert len(film(home)) >= 30


def test_the_lens_is_watched_by_a_process_of_its_own_that_ends_with_it(
    home: Home, start: Start
) -> None:
    life = start()
    life.until(lambda: any("lens_sight" in line for line in life.children().values()))
    (watching,) = (pid for pid, line in life.children().items() if "lens_sight" in line)
    assert life.terminate() == 0, life.log
    assert not Path(f"/proc/{watching}").exists()
    unwatched = home.config.read_text() + "[camera]\nlens_watch = false\n"
    home.config.write_text(unwatched)
    life = start()
    life.ready()
    life.record()
    assert not any("lens_sight" in line for line in life.children().values())
    assert life.terminate() == 0


# ---- what ends it --------------------------------------------------------------------------------


def test_an_error_that_nobody_foresaw_ends_it_with_the_recording_closed(
    home: Home, start: Start
) -> None:
    life = start()
    life.ready()
    life.record()
    life.until(lambda: home.segments >= 4)
    life.say("break")
    assert life.ended() == 1
    assert "ZeroDivisionError: nobody foresaw this" in life.log
    assert "Traceback" not in life.log
    assert len(film(home)) >= 60


@pytest.mark.parametrize(
    ("happens", "says"),
    [("hang", "was rebuilt 2 times and stays silent"), ("stick", "driver has not answered")],
)
def test_a_camera_that_does_not_come_back_ends_it_with_the_recording_closed(
    home: Home, start: Start, happens: str, says: str
) -> None:
    life = start()
    life.ready()
    life.record()
    life.until(lambda: home.segments >= 4)
    life.say(happens)
    assert life.ended() == 1
    assert says in life.log
    assert not (home.folder / "run" / "power-off").exists()
    assert len(film(home)) >= 60


# ---- the memory in the body ----------------------------------------------------------------------


def test_a_card_that_was_put_back_shows_at_the_next_start(home: Home, start: Start) -> None:
    life = start()
    life.ready()
    life.record()
    assert life.terminate() == 0
    shutil.copytree(home.card, home.folder / "copy")
    life = start()
    life.ready()
    assert "card-restored" not in life.status["faults"]
    life.record()
    assert life.terminate() == 0
    shutil.rmtree(home.card)
    (home.folder / "copy").rename(home.card)
    life = start()
    life.ready()
    life.until(lambda: "card-restored" in life.status["faults"])
    assert life.terminate() == 0
    boots = kinds(home)
    assert boots.count("card-restored") == 1
    # It stands before anything else of this start, and is told once.
    assert boots.index("card-restored") < len(boots) - 1 - boots[::-1].index("boot")
    life = start()
    life.ready()
    assert "card-restored" not in life.status["faults"]
    assert life.terminate() == 0
    assert kinds(home).count("card-restored") == 1
