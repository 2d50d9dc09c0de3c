"""`bodycam check` with hardware in a test's hands and a wearer who answers as the test says."""

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bodycam.check import parts, power, trial, walk, wearer
from bodycam.check.findings import Finding
from bodycam.cli import main
from bodycam.config import read_config
from bodycam.errors import DeviceError
from bodycam.pi.camera import CameraSettings, Deliver, Luma
from bodycam.pi.hardware import Hardware
from bodycam.pi.sound import Block, SoundSettings
from bodycam.posix.lock import Lock
from device.life import TESTS, Home, Life
from fakes.hardware import SilentSession, bare, silent, whole
from pi.chips import MadeUpBus, Max17048
from pi.sinks import MadeUpSink
from streams import film

FPS = 30


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk has no time to lose."""
    monkeypatch.setattr(parts, "PICTURES_S", 0.5)
    monkeypatch.setattr(parts, "BEGINS_WITHIN_S", 2.0)
    monkeypatch.setattr(parts, "LISTEN_S", 0.1)
    monkeypatch.setattr(wearer, "PRESS_WITHIN_S", 1.0)
    monkeypatch.setattr(wearer, "LET_GO_WITHIN_S", 1.0)


def found(
    home: Home, hardware: Hardware, person: wearer.Wearer | None = None
) -> dict[str, Finding]:
    """By the part's name."""
    return {one.part: one for one in walk.look(read_config(home.config), hardware, person)}


# ---- camera and lens -----------------------------------------------------------------------------


class Filmed(SilentSession):
    """A camera whose pictures are a real film, each at its time, changed as a test says."""

    change: Callable[[int, bytes, bool], tuple[bytes, bool] | None]

    def __init__(
        self, settings: CameraSettings, deliver: Deliver, tell: Callable[[str], None]
    ) -> None:
        import threading

        self._ending = threading.Event()
        self._deliver = deliver
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def luma(self, wait_s: float) -> Luma | None:
        return Luma(2, 2, b"\x80" * 4)

    def close(self) -> None:
        self._ending.set()
        self._thread.join()

    def _play(self) -> None:
        pictures = film("I" + "P" * 14, width=64, height=36)
        for number in range(10_000):
            if self._ending.wait(1 / FPS):
                return
            one = pictures[number % len(pictures)]
            changed = self.change(number, one.data, one.key)
            if changed is not None:
                self._deliver(time.clock_gettime_ns(time.CLOCK_BOOTTIME), *changed)


class Sight:
    """The lens watch's other process."""

    def __init__(self, *seen: str) -> None:
        self._seen = frozenset(seen)
        self.closed = False

    def look(self, luma: Luma) -> frozenset[str]:
        return self._seen

    def close(self) -> None:
        self.closed = True


def filmed(
    change: Callable[[int, bytes, bool], tuple[bytes, bool] | None] = lambda n, data, key: (
        data,
        key,
    ),
    sight: Sight | None = None,
) -> Hardware:
    kind = type("Changed", (Filmed,), {"change": staticmethod(change)})
    return replace(silent(), camera=kind, looker=lambda: sight or Sight())


def camera(home: Home, hardware: Hardware) -> dict[str, Finding]:
    config = read_config(home.config)
    from bodycam.config import load_policy

    return {
        one.part: one
        for one in parts.camera_and_lens(load_policy(config), config.fittings, hardware)
    }


def test_a_camera_that_delivers_as_the_policy_says(home: Home) -> None:
    sight = Sight()
    seen = camera(home, filmed(sight=sight))
    assert seen["camera"].good, seen["camera"].says
    assert "pictures a second of 320 x 180, a keyframe every 0.5 s" in seen["camera"].says
    assert 25 < seen["camera"].figures["pictures_per_s"] < 35
    assert seen["lens"].good
    assert sight.closed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        # Keyframes without SPS and PPS: nothing that was kept could be played.
        (lambda n, data, key: (data[data.rindex(b"\0\0\1") :], key), "without SPS and PPS"),
        (lambda n, data, key: (data, key) if n % 3 == 0 else None, "Only "),
        (lambda n, data, key: (data, n == 0), "The encoder made 1 keyframes"),
        (lambda n, data, key: None, "It delivers no picture."),
    ],
)
def test_what_a_camera_delivers_is_looked_at(
    home: Home, change: Callable[[int, bytes, bool], Any], says: str
) -> None:
    seen = camera(home, filmed(change))
    assert seen["camera"].good is False
    assert says in seen["camera"].says
    assert seen["lens"].good is None


def test_a_camera_that_is_missing_says_what_to_do(home: Home) -> None:
    seen = camera(home, bare())
    assert (seen["camera"].good, seen["camera"].says) == (False, "No camera is connected.")


def test_a_covered_lens_is_seen(home: Home) -> None:
    seen = camera(home, filmed(sight=Sight("covered")))
    assert (seen["lens"].good, seen["lens"].says) == (
        False,
        "The picture is covered. Clear the lens, or turn the camera.",
    )


# ---- microphone, chips, card ---------------------------------------------------------------------


class Heard:
    def __init__(self, level: int) -> None:
        self._level = level

    def __call__(self, device: str, settings: SoundSettings) -> "Heard":
        return self

    def read(self) -> Block:
        sample = self._level.to_bytes(2, "little", signed=True)
        return Block(sample * 512 + (-self._level).to_bytes(2, "little", signed=True) * 512, 0)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("level", "good"), [(3000, True), (20, True), (0, False)])
def test_a_microphone_that_hears_nothing_at_all_is_broken(
    home: Home, level: int, good: bool
) -> None:
    seen = found(home, replace(bare(), microphone=Heard(level)))["microphone"]
    assert seen.good is good
    assert ("delivers silence" in seen.says) is not good


def test_sound_that_is_wanted_needs_a_microphone(home: Home) -> None:
    home.config.write_text(home.config.read_text().replace('[microphone]\ndevice = "made-up"', ""))
    seen = found(home, bare())["microphone"]
    assert seen.good is False
    assert "no microphone is fitted. Set microphone.device" in seen.says


def test_without_sound_nobody_listens(home: Home) -> None:
    policy = home.folder / "policy.toml"
    policy.write_text(policy.read_text() + "recorded = false\n")
    assert "microphone" not in found(home, bare())


def test_chips_are_read_and_their_absence_is_said(home: Home) -> None:
    made, *_ = whole(home.folder / "eeprom")
    seen = found(home, replace(bare(), bus=made.bus))
    assert seen["gauge"].says == "66 % at 3.95 V"
    assert seen["body-memory"].says == "is new"
    seen = found(home, bare())
    for part in ("gauge", "body-memory"):
        assert seen[part].good is False
        assert "Check the wiring" in seen[part].says


def test_a_gauge_that_answers_nonsense_is_bad(home: Home) -> None:
    bus = MadeUpBus({0x36: Max17048(percent=255, millivolts=100)})
    seen = found(home, replace(bare(), bus=bus.open))["gauge"]
    assert seen.good is False
    assert "answers nonsense" in seen.says


def test_the_card_is_written_measured_and_left_as_it_was(home: Home) -> None:
    seen = found(home, bare())["card-speed"]
    assert seen.good, seen.says
    assert seen.figures["mb_per_s"] > seen.figures["needed_mb_per_s"]
    assert list(home.card.iterdir()) == []


def test_a_card_that_is_too_slow_is_bad(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SPARE", 1e9)
    seen = found(home, bare())["card-speed"]
    assert seen.good is False
    assert seen.says.startswith("Too slow: ")
    assert list(home.card.iterdir()) == []


def test_a_policy_that_is_refused_ends_it_there(home: Home) -> None:
    (home.folder / "policy.toml").write_text("name = 7\n")
    seen = found(home, bare())
    assert seen["parts"] == Finding("parts", None, "not tested: first the policy must be mended")
    assert "camera" not in seen


# ---- with a wearer -------------------------------------------------------------------------------


@dataclass
class Person:
    """Presses what he is told to, and answers."""

    pins: Any
    sees: Callable[[str], bool] = lambda question: True
    presses: bool = True
    lets_go: bool = True
    chatters: bool = False
    told: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def tell(self, what: str) -> None:
        self.told.append(what)
        pin = self.pins.pin(17 if "RECORD" in what else 27)
        if self.presses:
            for _ in range(80 if self.chatters else 1):
                pin.drive_low()
                if self.lets_go:
                    pin.drive_high()

    def ask(self, question: str) -> bool:
        self.asked.append(question)
        return self.sees(question)


def with_wearer(home: Home, **more: Any) -> tuple[dict[str, Finding], Person]:
    hardware = bare()
    person = Person(hardware.pins(), **more)
    return found(home, hardware, person), person


def test_every_part_is_pressed_seen_heard_and_felt(home: Home) -> None:
    seen, person = with_wearer(home)
    for part in ("record", "function", "light", "buzzer", "vibration", "speaker"):
        assert seen[part].good, seen[part].says
    assert person.told == [f"Press {name} and let it go." for name in ("RECORD", "FUNCTION")]
    assert seen["record"].says == "seen after 0.0 s"
    assert person.asked == [
        *(f"Does the light blink {colour}?" for colour in ("green", "amber", "red")),
        "Is it off now?",
        "Does the buzzer sound?",
        "Did you feel three long buzzes?",
        "Did you hear a tone?",
    ]


def test_each_colour_was_really_shown(home: Home) -> None:
    hardware = bare()
    pins = hardware.pins()
    shown = []

    def look(question: str) -> bool:
        if "blink" in question:
            shown.append(tuple(bool(pins.pin(pin).state) for pin in (23, 24, 25)))
        return True

    found(home, hardware, Person(pins, sees=look))
    assert shown == [(False, True, False), (True, True, False), (True, False, False)]


@pytest.mark.parametrize(
    ("part", "question", "says"),
    [
        ("light", "amber", "The light does not show amber."),
        ("light", "off", "The light does not go off."),
        ("buzzer", "buzzer", "The buzzer is not heard."),
        ("vibration", "feel", "The vibration is not felt."),
        ("speaker", "tone", "The speaker is not heard."),
    ],
)
def test_what_is_not_seen_heard_or_felt_is_bad(
    home: Home, part: str, question: str, says: str
) -> None:
    seen, _ = with_wearer(home, sees=lambda asked: question not in asked)
    assert seen[part].good is False
    assert seen[part].says.startswith(says)
    others = [one for one in ("light", "buzzer", "vibration", "speaker") if one != part]
    assert all(seen[one].good for one in others)


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ({"presses": False}, "RECORD was not seen within 1 s. See to its wiring."),
        ({"lets_go": False}, "RECORD was pressed and never let go. See what holds it."),
        ({"chatters": True}, "RECORD chatters. See to its wiring: a contact is loose."),
    ],
)
def test_a_button_that_is_dead_stuck_or_loose_is_bad(
    home: Home, person: dict[str, bool], says: str
) -> None:
    seen, _ = with_wearer(home, **person)
    assert (seen["record"].good, seen["record"].says) == (False, says)


def test_a_button_that_is_pressed_from_the_beginning_is_bad(home: Home) -> None:
    home.config.write_text(home.config.read_text() + '[buttons]\nclosed = "high"\n')
    seen, _ = with_wearer(home)
    assert "RECORD is pressed, and nobody presses it" in seen["pins"].says
    assert seen["record"].says.startswith("RECORD is pressed all the time.")


def test_a_speaker_whose_device_is_gone_is_bad(home: Home) -> None:
    sink = MadeUpSink()
    sink.gone = True
    hardware = replace(bare(), sink=lambda device: sink)
    seen = found(home, hardware, Person(hardware.pins()))["speaker"]
    assert seen.good is False
    assert "The device is gone." in seen.says


def test_pins_that_cannot_be_reached_are_one_finding(home: Home) -> None:
    def none() -> Any:
        raise DeviceError("The pins cannot be reached.")

    seen = found(home, replace(bare(), pins=none), Person(None))
    assert (seen["pins"].good, seen["pins"].says) == (False, "The pins cannot be reached.")
    assert seen["light"].good is None


# ---- at the command line -------------------------------------------------------------------------


def test_without_a_terminal_it_says_what_was_not_tested(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--json", "--config", str(home.config)], filmed()) == 1
    said = json.loads(capsys.readouterr().out)
    by_part = {part["part"]: part for part in said["parts"]}
    assert said["good"] is False  # the chips do not answer
    assert by_part["camera"]["good"] is True
    for part in ("record", "function", "light", "buzzer", "vibration", "speaker"):
        assert by_part[part]["good"] is None
        assert by_part[part]["says"].startswith("not tested: somebody must look")


def test_while_the_recorder_runs_the_hardware_is_its_own(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    with Lock(home.folder / "run", DeviceError("taken")):
        assert main(["check", "--config", str(home.config)], bare()) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "The recorder is running" in err
    assert "sudo systemctl stop bodycam.service" in err


@pytest.fixture
def terminal(home: Home) -> Iterator["Terminal"]:
    made = Terminal(home)
    yield made
    made.close()


class Terminal:
    """A real terminal with a person before it."""

    def __init__(self, home: Home) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [
                *(sys.executable, TESTS / "device" / "check_process.py"),
                *(home.config, home.folder / "eeprom"),
            ],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        os.close(theirs)
        self.shown = ""

    def answer_all(self, answers: dict[str, list[str]]) -> int:
        """Type an answer whenever a question is on the last line; the exit code."""
        end_s = time.monotonic() + 60
        answered = 0
        while self.process.poll() is None:
            assert time.monotonic() < end_s, self.shown
            self._read()
            if self.shown.endswith("[y/n] ") and len(self.shown) > answered:
                question = self.shown.rpartition("\n")[2]
                typed = next((a.pop(0) for word, a in answers.items() if word in question), "y")
                os.write(self._ours, f"{typed}\n".encode())
                answered = len(self.shown) + len(typed) + 2
        self._read()
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # as Linux ends a terminal
            while select.select([self._ours], [], [], 0.05)[0]:
                data = os.read(self._ours, 4096)
                if not data:
                    return
                self.shown += data.decode().replace("\r", "")


def test_at_a_terminal_the_wearer_is_asked(terminal: Terminal) -> None:
    code = terminal.answer_all({"feel": ["perhaps", "no"]})
    assert code == 1, terminal.shown
    lines = terminal.shown.splitlines()
    assert any("Press RECORD and let it go." in line for line in lines)
    by_part = {line.split()[1]: line for line in lines if line[:4] in ("good", "BAD ", "--  ")}
    assert by_part["record"].startswith("good  record        seen after ")
    assert by_part["light"].startswith("good")
    assert by_part["vibration"] == (
        "BAD   vibration     The vibration is not felt. See [vibration] and its wiring."
    )
    assert terminal.shown.count("Did you feel") == 2  # "perhaps" is no answer


# ---- from power to ring --------------------------------------------------------------------------


def booted(home: Home, **status: Any) -> Finding:
    (home.folder / "run").mkdir(exist_ok=True)
    (home.folder / "run" / "status.json").write_text(json.dumps(status))
    return power.measure(read_config(home.config))


def test_the_time_from_power_to_ring_is_told_against_its_target(home: Home) -> None:
    seen = booted(home, began_us=8_000_000, ring_from_us=12_345_678)
    assert seen.good
    assert seen.says.startswith("the ring fills 12.3 s after the kernel began, 4.3 s of them")
    assert seen.figures == {"kernel_to_process_s": 8.0, "kernel_to_ring_s": 12.345678}
    assert booted(home, began_us=8_000_000, ring_from_us=16_000_000).says.startswith("Slow: ")


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"began_us": 900_000_000, "ring_from_us": 903_000_000}, "not by switching on"),
        ({"began_us": 8_000_000, "ring_from_us": None}, "No picture reached the ring by itself"),
        ({"state": "standby"}, "does not say how it began"),
    ],
)
def test_what_cannot_be_told_is_said(home: Home, status: dict[str, Any], says: str) -> None:
    seen = booted(home, **status)
    assert seen.good is False
    assert says in seen.says


def test_without_a_recorder_there_is_nothing_to_measure(home: Home) -> None:
    assert "Start it: sudo systemctl start" in power.measure(read_config(home.config)).says


def test_the_running_recorder_is_measured(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    life = Life(home)
    try:
        life.ready()
        life.until(lambda: life.status.get("ring_from_us"))
        main(["check", "--boot", "--json", "--config", str(home.config)], bare())
        (part,) = json.loads(capsys.readouterr().out.splitlines()[-1])["parts"]
        assert part["part"] == "boot"
        status = life.status
        assert 0 < status["ring_from_us"] - status["began_us"] < 30_000_000
        assert life.terminate() == 0
    finally:
        life.close()


# ---- a test recording ----------------------------------------------------------------------------


def test_a_test_recording_is_made_beside_the_card_and_opened_by_the_station(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bodycam_station.station import Station

    done = subprocess.run(
        [
            *(sys.executable, TESTS / "device" / "check_process.py"),
            *(home.config, home.folder / "eeprom", "--record", home.folder / "trial"),
        ],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (home.folder / "trial" / "card" / "recordings").iterdir()
    assert done.stdout.startswith(f"good  recording     {folder.name} is closed, with ")
    assert not (home.card / "journal.jsonl").exists()
    assert not (home.folder / "eeprom").exists()  # what the body remembers is the real card's
    assert not (home.folder / "trial" / "run" / "power-off").exists()
    with Station.open(home.station) as station:
        verdict = station.verify(folder)
        assert (verdict.integrity, verdict.provenance) == ("ok", "known")
        assert verdict.anchoring == "not anchored"
        warning = station.warning(folder)
    assert (warning["wearer"], warning["how"]) == ("check", "warned")


def test_a_folder_that_is_not_new_is_refused(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["check", "--record", str(home.station), "--config", str(home.config)]
    assert main(words, bare()) == 2
    assert "is not empty. Name a new folder." in capsys.readouterr().err


def test_without_a_camera_a_test_recording_is_worth_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is opened, as that of an officer would be, but no picture ever comes."""
    monkeypatch.setattr("bodycam.run.forbid_core_dumps", lambda: None)  # it is not our process
    monkeypatch.setattr(trial, "RING_S", 0.1)
    monkeypatch.setattr(trial, "RECORD_S", 0.1)
    words = ["check", "--record", str(home.folder / "trial"), "--config", str(home.config)]
    assert main(words, bare()) == 1
    assert "BAD   recording     It holds no picture." in capsys.readouterr().out
