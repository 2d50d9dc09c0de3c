"""`bodycam check --record DIR`: a test recording by the recorder itself, into a folder of its own.

It is the whole road: warning, ring, seal, signature, by `bodycam run` with another card. It lies
beside the card and not on it, so that no test stands between an officer's recordings, and says
`check` where theirs have the wearer's token. Its journal begins anew: DIR is for `bodycam-station
verify`, and is not to be imported.
"""

import os
import signal
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from bodycam.check.findings import Finding, find
from bodycam.config import Config
from bodycam.errors import DeviceError, UsageError
from bodycam.pi.hardware import Hardware
from bodycam.recorder.intake import Intake
from bodycam.recorder.vault import SIGNATURE
from bodycam.rules.events import Effect, Event
from bodycam.rules.model import Model
from bodycam.run import run

WEARER = "check"
RING_S, PRESS_S, RECORD_S, HOLD_S = 3.0, 0.2, 3.0, 3.5
WARNED_WITHIN_S, STOPPED_WITHIN_S = 60.0, 180.0
"""A spoken warning takes its time, and so may what the policy keeps after a stop."""


def record(config: Config, hardware: Hardware, folder: Path) -> Finding:
    """Make a test recording. Raises UsageError where the folder is not a new one."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", do="Name a new folder.")
    return find("recording", lambda: _record(config, hardware, folder.absolute()))


def _record(config: Config, hardware: Hardware, folder: Path) -> str:
    card = folder / "card"
    try:
        card.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}.") from error
    paths = replace(config.paths, card=str(card), run=str(folder / "run"))
    # The memory in the body remembers the real card.
    power = replace(config.power, body_memory="none")
    hand = _Hand()
    code = run(
        replace(config, paths=paths, power=power),
        hardware,
        wearer=WEARER,
        watch=hand.watch,
        beside=hand.begin,
    )
    made = sorted((card / "recordings").iterdir()) if (card / "recordings").exists() else []
    closed = len(made) == 1 and (made[0] / SIGNATURE).exists()
    if code or not closed:
        raise DeviceError(
            hand.missed or "The recording was not closed; the recorder's last words are above.",
            do="Run bodycam check without --record.",
        )
    segments = len(list(made[0].glob("*.segment.age")))
    if not segments:
        raise DeviceError("It holds no picture.", do="Run bodycam check without --record.")
    return (
        f"{made[0].name} is closed, with {segments} segments; see whether the station opens it: "
        f"bodycam-station verify {made[0]} --station STATION (do not import it)"
    )


@dataclass(slots=True)
class _Hand:
    """Presses as an officer would, and ends the recorder when the recording is closed."""

    recording: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    missed: str = ""
    """What did not come about."""

    def watch(
        self, now: int, event: Event | None, model: Model, effects: tuple[Effect, ...]
    ) -> None:
        """See agent.Watch."""
        if model.keeping:
            self.recording.set()
        elif self.recording.is_set():
            self.over.set()

    def begin(self, intake: Intake) -> None:
        """Begin to press, on a thread of its own."""
        threading.Thread(target=self._press, args=(intake,), name="hand", daemon=True).start()

    def _press(self, intake: Intake) -> None:
        pause = threading.Event()

        def hold(seconds: float) -> None:
            intake.reports.edge("record", True, intake.clock.now_ns())
            pause.wait(seconds)
            intake.reports.edge("record", False, intake.clock.now_ns())

        pause.wait(RING_S)
        hold(PRESS_S)
        if self.recording.wait(WARNED_WITHIN_S):
            pause.wait(RECORD_S)
            hold(HOLD_S)
            self.over.wait(STOPPED_WITHIN_S)
        else:
            self.missed = "No recording began after the press."
        os.kill(os.getpid(), signal.SIGTERM)
