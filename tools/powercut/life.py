"""The product's recorder in the guest: loaded while the ring fills, as `bodycam run` does it."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tools.powercut import words
from tools.powercut.broken import BROKEN, READABLE
from tools.powercut.words import Voice

from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.lines import Line
from bodycam.ports import Buffer, Pattern
from bodycam.posix.card import PosixCard
from bodycam.recorder.assembly import Owner
from bodycam.recorder.intake import Intake
from bodycam.recorder.process import Recorder, Surroundings
from bodycam.rules import events
from bodycam.rules.events import Effect, Event
from bodycam.rules.model import Model

if TYPE_CHECKING:
    from tools.powercut.guest import Job, Scene


class TellingCard(PosixCard):
    """The product's card; says what it is about to change, and every line when it is durable."""

    def __init__(self, root: Path, voice: Voice) -> None:
        super().__init__(root)
        self._voice = voice

    def create_all(self, files: Iterable[tuple[str, Buffer]]) -> None:
        """See ports.Card."""
        super().create_all(map(self._touched, files))

    def _touched(self, file: tuple[str, Buffer]) -> tuple[str, Buffer]:
        self._voice.say(words.TOUCH, "create", file[0])
        return file

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
    """The recorder; implements the ports that are not card or clock."""

    def __init__(self, job: "Job", voice: Voice, intake: Intake, scene: "Scene") -> None:
        """Breaks the product first where the job says so."""
        if job.broken:
            (BROKEN | READABLE)[job.broken]()
        self._voice = voice
        self._clock = intake.clock
        self._reports = intake.reports
        self._scene = scene
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
        self._recorder = Recorder(intake, owner, around)

    def live(self) -> None:
        """Until the power goes, or everything that was asked for has been done."""
        self._voice.say(words.RECOVERING)
        self._recorder.start(self, self, watch=self._watch)
        self._scene.opened = lambda: self._recorder.opened
        self._scene.wait()
        self._recorder.stop()

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
        self._scene.closed.set()

    def reboot(self, reason: str) -> None:
        """See ports.Host."""

    def begin_again(self, reason: str) -> None:
        """See ports.Host."""

    def publish(self, fields: Mapping[str, object]) -> None:
        """See ports.Status."""

    def wake(self) -> None:
        """See ports.Camera; it is awake."""

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
