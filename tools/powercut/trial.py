"""One card through a series of cuts, and then at rest."""

import itertools
import os
import random
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tools.bench.film import FPS
from tools.powercut import film, image, plan, uml, words
from tools.powercut.guest import PRE_RECORD_S, UNSYNCED, Job
from tools.powercut.judge import Judge, Look, Promises, whole
from tools.powercut.plan import Aim, Moment
from tools.powercut.words import Said

from bodycam.evidence.keys import SoftwareKey
from bodycam_station.age_reader import X25519Identity
from bodycam_station.registry import DeviceKey, Registry

HOUSE = Path(__file__).parents[2]
DEVICE, WEARER = "cam07", "w-93b1d0e477a2"
MOUNTS = {
    "as on a Pi": "defaults,noatime",
    "harsh": "noatime,data=writeback,noauto_da_alloc,commit=300",
}
"""Raspberry Pi OS mounts with the first (so data=ordered, commit=5, barriers, auto_da_alloc); the
second lets ext4 keep as little as it may of what nobody synced."""


@dataclass(slots=True)
class Cut:
    """What one cut came to."""

    moment: str
    """What was aimed at; empty where the power was not cut."""
    mount: str
    nth: int = 0
    delay_ms: float = 0.0
    recordings: int = 0
    """Begun in this life."""
    promised: int = 0
    """Objects promised in this life."""
    gone: int = 0
    """Promised objects, of this or an earlier life, that are not there."""
    lost: list[str] = field(default_factory=list)
    """Promises of any kind that are not kept, each told once a card."""
    wrong: list[str] = field(default_factory=list)
    """What no power cut explains, each told once a card."""
    verdicts: dict[str, int] = field(default_factory=dict)
    """Of the card, just after the cut."""
    keeping: bool = False
    """Footage was being kept when the power went."""
    lost_s: float | None = None
    """Footage kept since the recording began that is not on the card; None: none was kept."""
    ring_s: float = 0.0
    """Footage from before the recording began that was not yet on the card: lost with the ring."""
    filling_ms: int | None = None
    """From the start of the process to the first picture in the ring."""
    unsynced: int = 0
    survived: int = 0
    """Files that nobody synced, and those of them that are whole."""


@dataclass(slots=True)
class Heard:
    """What the guest said in one life."""

    promises: Promises
    before: int
    """Objects promised in earlier lives."""
    newest: int = -1
    """The picture that came last."""
    pressed: int = 0
    """The newest picture at the press."""
    begun: int | None = None
    """The newest picture when the recording that is open began."""
    until: int | None = None
    """The newest picture when it was stopped."""
    keeping: bool = False
    filling_ms: int | None = None
    unsynced: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    """Recordings of earlier lives."""

    def take(self, said: Said) -> None:
        """Note it."""
        self.promises.take(said)
        if said.word == words.PICTURE:
            self.newest = int(said.args[0])
        elif said.word == words.PRESS:
            self.pressed = self.newest
        elif said.word == words.BEGIN:
            self.begun, self.until, self.keeping = self.newest, None, True
        elif said.word == words.UNTIL:
            self.until = self.newest
        elif said.word == words.CLOSED:
            self.keeping = self.until is None and self.begun is not None and self.keeping
        elif said.word == words.FILLING:
            self.filling_ms = int(said.args[0])
        elif said.word == words.UNSYNCED:
            self.unsynced.append(said.args[0])
        elif said.word == words.FAILED:
            self.failed.append(" ".join(said.args))


class Trial:
    """A new card with a new camera's keys."""

    def __init__(self, folder: Path, films: Path, seed: str, mount: str, broken: str = "") -> None:
        """`folder` is empty and takes the image; `films` keeps film and sound for the next run."""
        self._folder = folder
        self._film, self._sound = film.made(films), film.sound(films)
        self._chance = random.Random(seed)
        self._mount = mount
        self._broken = broken
        station, escrow = (X25519Identity(os.urandom(32)) for _ in range(2))
        self._recipients = (station.recipient, escrow.recipient)
        self._seed = os.urandom(32)
        public = SoftwareKey.from_seed(self._seed).public
        registry = Registry([DeviceKey(DEVICE, public, "software")])
        self._judge = Judge(registry, station)
        self._promises = Promises()
        self._told: set[str] = set()
        self._gone: set[tuple[str, int]] = set()
        self._lives = 0
        self.image = folder / "card.img"
        (folder / "skeleton").mkdir()
        image.make(self.image, folder / "skeleton")

    def cut(self, aim: Aim) -> Cut:
        """Boot, cut at that moment, look at the card."""
        heard = self._heard()
        machine = self._boot(plan.presses(self._chance, aim))
        moment = Moment(aim)
        try:
            for said in machine.listen():
                heard.take(said)
                if said.word == words.FAILED or moment.has_come(said):
                    break
            if aim.delay_ms:
                time.sleep(aim.delay_ms / 1000)
        finally:
            for said in machine.cut():
                heard.take(said)
        cut = Cut(aim.moment, self._mount, aim.nth, aim.delay_ms)
        return self._look(cut, heard, at_rest=False)

    def rest(self) -> Cut:
        """Boot once more, let it recover and go off in order, look at the card."""
        heard = self._heard()
        machine = self._boot(())
        try:
            for said in machine.listen():
                heard.take(said)
                if said.word in (words.FAILED, words.OFF):
                    break
        finally:
            for said in machine.cut():
                heard.take(said)
        return self._look(Cut("", self._mount), heard, at_rest=True)

    # ---- inside ----------------------------------------------------------------------------------

    def _heard(self) -> Heard:
        known = self._promises.recordings()
        return Heard(self._promises, self._promises.objects(), known=known)

    def _boot(self, presses: tuple[tuple[int, int, bool], ...]) -> uml.Machine:
        self._lives += 1
        mount, job = self._folder / "mount", self._folder / "job.json"
        Job(
            life=self._lives,
            card=str(mount / image.CARD),
            control=str(mount / image.CONTROL),
            film=str(self._film),
            sound=str(self._sound),
            device=DEVICE,
            seed=self._seed.hex(),
            recipients=self._recipients,
            wearer=WEARER,
            presses=presses,
            broken=self._broken,
        ).write(job)
        return uml.Machine(
            self._folder,
            self.image,
            [sys.executable, "-B", "-m", "tools.powercut.guest", str(job)],
            house=HOUSE,
            environment={"PATH": os.environ["PATH"]},
            options=MOUNTS[self._mount],
        )

    def _look(self, cut: Cut, heard: Heard, *, at_rest: bool) -> Cut:
        out = self._folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        image.take_out(self.image, out)
        card = out / image.CARD
        look = self._judge.look(card, self._promises, at_rest=at_rest)
        new = sorted(self._promises.recordings() - heard.known)
        cut.recordings = len(new)
        cut.promised = self._promises.objects() - heard.before
        cut.gone = len(look.gone - self._gone)
        cut.lost, cut.wrong = look.lost, look.wrong
        cut.wrong += [f"the recorder failed: {what}" for what in heard.failed]
        for verdict in look.verdicts.values():
            cut.verdicts[verdict] = cut.verdicts.get(verdict, 0) + 1
        cut.filling_ms, cut.unsynced = heard.filling_ms, len(heard.unsynced)
        control = out / image.CONTROL
        cut.survived = sum(_is_whole(control / name) for name in heard.unsynced)
        cut.keeping = heard.keeping
        last = self._last_picture(cut, card, look, new)
        if heard.keeping and heard.begun is not None:
            newest = heard.newest if heard.until is None else heard.until
            cut.lost_s = max(0, newest - max(last, heard.begun)) / FPS
            ring = max(0, heard.pressed - PRE_RECORD_S * FPS)
            cut.ring_s = max(0, heard.begun - max(last, ring)) / FPS
        self._gone |= look.gone
        cut.lost = [what for what in cut.lost if what not in self._told]
        cut.wrong = [what for what in cut.wrong if what not in self._told]
        self._told |= {*cut.lost, *cut.wrong}
        return cut

    def _last_picture(self, cut: Cut, card: Path, look: Look, new: list[str]) -> int:
        """The number of the last picture that was found of this life; -1: none."""
        last = -1
        for rec in new:
            numbers = self._judge.pictures(card, look, rec)
            if not whole(numbers):
                cut.wrong.append(f"{rec}: pictures are missing in the middle: {_jumps(numbers)}")
            last = max([last, *(n for n in numbers if n is not None)])
        return last


def _is_whole(path: Path) -> bool:
    return path.exists() and path.read_bytes() == UNSYNCED


def _jumps(numbers: list[int | None]) -> str:
    pairs = itertools.pairwise(numbers)
    return ", ".join(f"{a} -> {b}" for a, b in pairs if a is None or b != a + 1)
