"""A process as systemd starts it: the real recorder on a real card, around a simulated camera.

usage: python camera_process.py CARD POWER_OFF

It presses its own button, says `recording` when footage is on the card, and then runs until it
is told to go off: by SIGTERM, or by a battery that is empty where its input says `empty`.
"""

import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from bodycam.media.packets import SECOND
from bodycam.ports import Pattern
from bodycam.posix.card import PosixCard
from bodycam.posix.clock import PosixClock
from bodycam.posix.systemd import Systemd
from bodycam.recorder.intake import Intake
from bodycam.recorder.process import Recorder, Surroundings
from bodycam.rules.events import Effect, Event
from bodycam.rules.model import Model
from bodycam.rules.policy import read_policy
from recorder.desk import OWNER
from streams import FRAME_NS, film

POLICY = b"""name = "quick"
[warning]
lead_s = 0
[keep]
[wearer]
[video]
[sound]
recorded = false
"""


class Life:
    """The simulated camera and outputs, and the status."""

    def __init__(self, folder: Path, power_off: Path) -> None:
        self.host = Systemd(power_off)
        self._clock = PosixClock()
        around = Surroundings(
            open_card=lambda: PosixCard(folder),
            random=os.urandom,
            boot="1" * 32,
            status=self,
            host=self.host,
            failed=lambda error: print(f"failed {error!r}", flush=True),
            tell=lambda what: print(what, flush=True),
        )
        self._folder = folder
        intake = Intake(read_policy(POLICY, "quick.toml"), self._clock)
        self.reports = intake.reports
        self.recorder = Recorder(intake, OWNER, around)

    def live(self) -> None:
        """Until everything is closed."""
        reports, clock = self.reports, self._clock
        self.recorder.start(self, self, watch=self.watch)
        threading.Thread(target=self._hear, daemon=True).start()
        pictures = film("IPPPPPPPPP" * 2, width=64, height=36)
        number = 0
        told = False
        while not self.host.closed.wait(FRAME_NS / SECOND):
            picture = pictures[number % len(pictures)]
            reports.picture(clock.now_ns(), picture.data, picture.key)
            number += 1
            if number == 20:
                reports.edge("record", True, clock.now_ns())
                reports.edge("record", False, clock.now_ns())
            if not told and any(self._folder.glob("recordings/*/*.segment.age")):
                told = True
                print("recording", flush=True)

    def go_off(self, *_: object) -> None:
        """What SIGTERM does."""
        self.host.stopping = True
        self.reports.shut_down("stopped by the system", self._clock.now_ns())

    def _hear(self) -> None:
        for line in sys.stdin:
            self.obey(line.strip())

    def obey(self, line: str) -> None:
        """What its input says."""
        if line == "empty":
            self.reports.battery(1, self._clock.now_ns())

    def watch(
        self, now: int, event: Event | None, model: Model, effects: tuple[Effect, ...]
    ) -> None:
        """Nobody watches."""

    # ---- ports -----------------------------------------------------------------------------------

    def publish(self, fields: Mapping[str, object]) -> None:
        """Nobody reads it."""

    def wake(self) -> None:
        """It is awake."""

    def sleep(self) -> None:
        """Nobody asks."""

    def force_keyframe(self) -> None:
        """The next one comes soon."""

    def restart(self) -> None:
        """Nobody asks."""

    def light(self, pattern: Pattern) -> None:
        """Nobody looks."""

    def vibrate(self, pattern: Pattern) -> None:
        """Nobody feels."""

    def warn(self, output: str, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        """It is given at once."""
        self.reports.warning_started(output, token, self._clock.now_ns())

    def hush(self) -> None:
        """It is over."""

    def say(self, text: str) -> None:
        """Nobody listens."""


if __name__ == "__main__":
    life = Life(Path(sys.argv[1]), Path(sys.argv[2]))
    signal.signal(signal.SIGTERM, life.go_off)
    life.live()
    sys.exit(0 if life.recorder.stop() else 1)
