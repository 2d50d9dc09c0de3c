"""The recorder's process around a simulated camera: it says what it does, and does what it hears.

usage: python misbehaving_process.py CARD POWER_OFF

On its output, a line each: `recording`, `state STATE`, `fault NAME`, `over NAME`, `felt NAME`,
`light NAME`, `gap`, `failed ERROR`, `ran CODE`. On its input: `run COMMAND` runs a command beside
it, in the same file systems; `starve` leaves it no memory; `press` and `stop` are the wearer's.
"""

import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from bodycam.media.packets import SECOND
from bodycam.ports import Pattern
from bodycam.rules.events import Effect, Event, Note
from bodycam.rules.model import Model
from recorder.camera_process import Life


class Watched(Life):
    """Says what it does."""

    _state = ""
    _faults: frozenset[str] = frozenset()

    def __init__(self, folder: Path, power_off: Path) -> None:
        super().__init__(folder, power_off)
        self._hoard: list[bytes] = []

    def watch(
        self, now: int, event: Event | None, model: Model, effects: tuple[Effect, ...]
    ) -> None:
        if model.state.value != self._state:
            self._state = model.state.value
            self._say(f"state {self._state}")
        faults = frozenset(fault.value for fault in model.faults)
        for fault in sorted(faults - self._faults):
            self._say(f"fault {fault}")
        for fault in sorted(self._faults - faults):
            self._say(f"over {fault}")
        self._faults = faults
        if any(isinstance(effect, Note) and effect.kind == "gap" for effect in effects):
            self._say("gap")

    def vibrate(self, pattern: Pattern) -> None:
        self._say(f"felt {pattern.name}")

    def light(self, pattern: Pattern) -> None:
        self._say(f"light {pattern.name}")

    def obey(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        match word:
            case "run":
                done = subprocess.run(rest, shell=True, capture_output=True, text=True)
                self._say(f"ran {done.returncode} {done.stderr.strip()}")
            case "starve":
                self._starve()
            case "press" | "stop":
                self._hold(0.3 if word == "press" else 3.5)

    def _starve(self) -> None:
        """Take what memory there is, large pieces first, and keep it."""
        used = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used, used))
        for size in (1 << 20, 1 << 16, 1 << 12, 1 << 9, 1 << 6):
            with suppress(MemoryError):
                while True:
                    self._hoard.append(bytes(size))

    def _hold(self, seconds: float) -> None:
        now = self._clock.now_ns()
        self.reports.edge("record", True, now)
        time.sleep(seconds)
        self.reports.edge("record", False, now + round(seconds * SECOND))

    def _say(self, what: str) -> None:
        sys.stdout.write(f"{what}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    threading.stack_size(256 * 1024)  # what it needs is mapped before it is starved
    life = Watched(Path(sys.argv[1]), Path(sys.argv[2]))
    signal.signal(signal.SIGTERM, life.go_off)
    life.live()
    sys.exit(0 if life.recorder.stop() else 1)
