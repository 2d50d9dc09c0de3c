"""What runs in the guest: the real recorder on a real card, around a film and a scripted wearer.

python -m tools.powercut.guest JOB

It says on its console what `words.py` lists. With no press in its script it recovers what it finds,
fills its ring, goes off in order, and ends.
"""

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from tools.bench.film import FPS, SMALL, Film
from tools.powercut import words
from tools.powercut.broken import BROKEN, READABLE
from tools.powercut.words import Voice

from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.lines import Line
from bodycam.media.packets import SECOND
from bodycam.ports import Buffer, Pattern
from bodycam.posix.card import PosixCard
from bodycam.posix.clock import PosixClock
from bodycam.recorder.assembly import Owner
from bodycam.recorder.intake import Intake
from bodycam.recorder.process import Recorder, Surroundings
from bodycam.rules import events
from bodycam.rules.events import Effect, Event
from bodycam.rules.model import Model
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


class TellingCard(PosixCard):
    """The product's card; says what it is about to change, and every line when it is durable."""

    def __init__(self, root: Path, voice: Voice) -> None:
        super().__init__(root)
        self._voice = voice

    def create(self, path: str, data: Buffer) -> None:
        """See ports.Card."""
        self._voice.say(words.TOUCH, "create", path)
        super().create(path, data)

    def append(self, path: str, data: Buffer) -> None:
        """See ports.Card."""
        self._voice.say(words.TOUCH, "append", path)
        super().append(path, data)
        for raw in bytes(data).splitlines(keepends=True):
            fields = Line.parse(raw).fields
            digest = hashlib.sha256(raw.removesuffix(b"\n")).hexdigest()
            self._voice.say(words.DURABLE, path, fields["seq"], fields["kind"], digest)

    def sync_folder(self, path: str) -> None:
        """See ports.Card."""
        self._voice.say(words.TOUCH, "sync_folder", path)
        super().sync_folder(path)

    def make_folder(self, path: str) -> None:
        """See ports.Card."""
        self._voice.say(words.TOUCH, "make_folder", path)
        super().make_folder(path)

    def move(self, source: str, target: str) -> None:
        """See ports.Card."""
        self._voice.say(words.TOUCH, "move", source)
        super().move(source, target)

    def truncate(self, path: str, size: int) -> None:
        """See ports.Card."""
        self._voice.say(words.TOUCH, "truncate", path)
        super().truncate(path, size)

    def remove(self, path: str) -> None:
        """See ports.Card."""
        self._voice.say(words.TOUCH, "remove", path)
        super().remove(path)


class Life:
    """The camera from power on; implements the ports that are not card or clock."""

    def __init__(self, job: Job, voice: Voice) -> None:
        self._job = job
        self._voice = voice
        self._clock = PosixClock()
        self._awake = threading.Event()
        self._closed = threading.Event()
        voice.say(words.RECOVERING)
        around = Surroundings(
            open_card=lambda: TellingCard(Path(job.card), voice),
            random=os.urandom,
            boot=f"life-{job.life}",
            status=self,
            host=self,
            failed=self._failed,
            tell=lambda _: None,
        )
        owner = Owner(
            job.device, SoftwareKey.from_seed(bytes.fromhex(job.seed)), job.recipients, job.wearer
        )
        intake = Intake(read_policy(POLICY, "powercut.toml"), self._clock)
        self._reports = intake.reports
        self._recorder = Recorder(intake, owner, around)

    def live(self, began_ns: int) -> None:
        """Until the power goes, or everything that was asked for has been done."""
        self._recorder.start(self, self, watch=self._watch)
        self._awake.wait()
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
                self._voice.say(words.FILLING, (self._clock.now_ns() - began_ns) // 1_000_000)
            self._voice.say(words.PICTURE, number)
            if self._recorder.opened and not recovered:
                recovered = True
                self._voice.say(words.RECOVERED)
            self._wear(number)
            if self._closed.is_set():
                break
        self._recorder.stop()

    def _heard(self, start_ns: int) -> Iterator[tuple[int, bytes]]:
        """The sound's frames, each with the time of its first sample."""
        frames = Film(SMALL, Path(self._job.sound)).pictures()
        for number, (_, data) in zip(count(), frames, strict=False):
            yield start_ns + number * SAMPLES * SECOND // SOUND_HZ, data

    def _wear(self, number: int) -> None:
        """What the wearer does at this picture, and the file that nobody syncs."""
        reports, now_ns = self._reports, self._clock.now_ns()
        if not self._job.presses and number >= _ENOUGH and self._recorder.opened:
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

    def _watch(
        self, now: int, event: Event | None, model: Model, effects: tuple[Effect, ...]
    ) -> None:
        if isinstance(event, events.RecordingSaved):
            self._voice.say(words.CLOSED, event.rec)
        for effect in effects:
            if isinstance(effect, events.Begin):
                self._voice.say(words.BEGIN)
            elif isinstance(effect, events.Until):
                self._voice.say(words.UNTIL)

    def _failed(self, error: BaseException) -> None:
        self._voice.say(words.FAILED, type(error).__name__, error)

    # ---- ports -----------------------------------------------------------------------------------

    def alive(self) -> None:
        """See ports.Host."""

    def power_off(self, reason: str) -> None:
        """See ports.Host."""
        self._closed.set()

    def publish(self, fields: Mapping[str, object]) -> None:
        """See ports.Status."""

    def wake(self) -> None:
        """See ports.Camera."""
        self._awake.set()

    def sleep(self) -> None:
        """See ports.Camera."""

    def force_keyframe(self) -> None:
        """See ports.Camera; the next one comes within a second."""

    def restart(self) -> None:
        """See ports.Camera."""

    def light(self, pattern: Pattern) -> None:
        """See ports.Outputs."""

    def vibrate(self, pattern: Pattern) -> None:
        """See ports.Outputs."""

    def warn(self, output: str, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        """See ports.Outputs; given at once."""
        self._reports.warning_started(output, token, self._clock.now_ns())
        self._reports.warning_ended(output, token, self._clock.now_ns())

    def hush(self) -> None:
        """See ports.Outputs."""

    def say(self, text: str) -> None:
        """See ports.Outputs."""


def process_began_ns() -> int:
    """When this process was started, on the clock of the camera, to 10 ms."""
    after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(after_name[19]) * SECOND // os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Live."""
    voice = Voice()
    try:
        job = Job.read(Path(sys.argv[1]))
        if job.broken:
            (BROKEN | READABLE)[job.broken]()
        Life(job, voice).live(process_began_ns())
    except BaseException as error:
        voice.say(words.FAILED, type(error).__name__, error)
        raise


if __name__ == "__main__":
    main()
