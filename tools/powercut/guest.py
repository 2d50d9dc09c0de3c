"""What runs in the guest: the real recorder on a real card, around a film and a scripted wearer.

python -m tools.powercut.guest JOB

It says on its console what `words.py` lists. With no press in its script it recovers what it finds,
fills its ring, goes off in order, and ends.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from tools.bench.film import FPS, SMALL, Film
from tools.powercut import words
from tools.powercut.words import Voice

from bodycam.media.packets import SECOND
from bodycam.ports import Clock, Reports
from bodycam.posix.clock import PosixClock
from bodycam.recorder.intake import Intake
from bodycam.rules.policy import read_policy

UNSYNCED = b"nobody syncs this" * 4096
"""What a control file holds: whole after a cut, it says that the cut was none."""
PRE_RECORD_S = 5
SAMPLES, SOUND_HZ = 1024, 48_000
"""In a frame of sound; a second."""
_ENOUGH = FPS // 2
"""Pictures in the ring, where there is nothing to be recorded."""
POLICY = (
    b"""name = "powercut-desk"
[warning]
lead_s = 0.3
[keep]
pre_record_s = %d
[wearer]
[video]
width = 640
height = 360
bitrate_kbps = 2000
[sound]
"""
    % PRE_RECORD_S
)


@dataclass(frozen=True, slots=True)
class Job:
    """What the host asks of one life of the guest."""

    life: int
    """Its number on this card."""
    card: str
    control: str
    film: str
    sound: str
    device: str
    seed: str
    """Of the device key, in hexadecimal."""
    recipients: tuple[str, ...]
    wearer: str
    presses: tuple[tuple[int, int, bool], ...]
    """RECORD contacts: closed at this picture, opened at that one, and whether it is to stop."""
    broken: str = ""
    """Which fault the product is to have; empty: none."""

    def write(self, path: Path) -> None:
        """For the guest to read."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "Job":
        """As `write` left it."""
        fields = json.loads(path.read_text())
        fields["recipients"] = tuple(fields["recipients"])
        fields["presses"] = tuple(tuple(press) for press in fields["presses"])
        return cls(**fields)


class Scene:
    """What camera and wearer do, on the camera's thread."""

    def __init__(self, job: Job, voice: Voice, reports: Reports, clock: Clock) -> None:
        self._job = job
        self._voice = voice
        self._reports = reports
        self._clock = clock
        self.closed = threading.Event()
        """Everything is closed: no more is filmed."""
        self.opened: Callable[[], bool] = lambda: False
        """Whether the card has been opened, and what a cut had left has been recovered."""
        self._thread = threading.Thread(target=self._film, name="camera", daemon=True)

    def start(self) -> None:
        """The first picture is taken now."""
        self._thread.start()

    def wait(self) -> None:
        """Until it is over."""
        self._thread.join()

    def _film(self) -> None:
        reports, start_ns = self._reports, self._clock.now_ns()
        recovered = False
        pictures = Film(SMALL, Path(self._job.film)).pictures()
        heard = self._heard(start_ns)
        t_ns, frame = next(heard)
        for number, (key, data) in zip(count(), pictures, strict=False):
            taken_ns = start_ns + number * SECOND // FPS
            time.sleep(max(0, taken_ns - self._clock.now_ns()) / SECOND)
            while t_ns < taken_ns:
                reports.sound(t_ns, frame)
                t_ns, frame = next(heard)
            reports.picture(taken_ns, data, key)
            if number == 0:
                took_ns = self._clock.now_ns() - process_began_ns()
                self._voice.say(words.FILLING, took_ns // 1_000_000)
            self._voice.say(words.PICTURE, number)
            if self.opened() and not recovered:
                recovered = True
                self._voice.say(words.RECOVERED)
            self._wear(number)
            if self.closed.is_set():
                return

    def _heard(self, start_ns: int) -> Iterator[tuple[int, bytes]]:
        """The sound's frames, each with the time of its first sample."""
        frames = Film(SMALL, Path(self._job.sound)).pictures()
        for number, (_, data) in zip(count(), frames, strict=False):
            yield start_ns + number * SAMPLES * SECOND // SOUND_HZ, data

    def _wear(self, number: int) -> None:
        """What the wearer does at this picture, and the file that nobody syncs."""
        reports, now_ns = self._reports, self._clock.now_ns()
        if not self._job.presses and number >= _ENOUGH and self.opened():
            reports.shut_down("that was all", now_ns)
        for closed_at, opened_at, stops in self._job.presses:
            if number == closed_at:
                reports.edge("record", True, now_ns)
                if not stops:
                    self._voice.say(words.PRESS)
            if number == opened_at:
                reports.edge("record", False, now_ns)
                if stops:
                    self._voice.say(words.RELEASE)
        if number % FPS == FPS // 2:
            name = f"{self._job.life}-{number}"
            (Path(self._job.control) / name).write_bytes(UNSYNCED)
            self._voice.say(words.UNSYNCED, name)


def process_began_ns() -> int:
    """When this process was started, on the clock of the camera, to 10 ms."""
    after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(after_name[19]) * SECOND // os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Live: first the ring and the camera, then all that takes long to load."""
    voice = Voice()
    try:
        job = Job.read(Path(sys.argv[1]))
        clock = PosixClock()
        intake = Intake(read_policy(POLICY, "powercut.toml"), clock)
        scene = Scene(job, voice, intake.reports, clock)
        scene.start()
        from tools.powercut.life import Life

        Life(job, voice, intake, scene).live()
    except BaseException as error:
        voice.say(words.FAILED, type(error).__name__, error)
        raise


if __name__ == "__main__":
    main()
