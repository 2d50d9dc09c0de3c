"""A shift of 30 s of recording in the chroot: `bodycam run` itself on the real libcamera.

Reads /shift (config.toml and what it names), writes the card to /shift/card, and says on its last
line, as JSON, what happened. Pins are gpiozero's mocked ones, which the shift presses; speaker and
microphone are made up; all else is the product's own.
"""

import json
import math
import os
import signal
import sys
import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.camera_chroot import virtual_camera

virtual_camera.plug_in()

from gpiozero.pins.mock import MockFactory, MockPWMPin  # type: ignore[import-untyped]  # noqa: E402

from bodycam.config import read_config  # noqa: E402
from bodycam.pi.camera import CameraSettings, Deliver, Luma, Session  # noqa: E402
from bodycam.pi.hardware import Hardware, open_camera  # noqa: E402
from bodycam.pi.sound import Block, SoundSettings  # noqa: E402
from bodycam.posix.clock import PosixClock  # noqa: E402
from bodycam.rules.model import Model  # noqa: E402
from bodycam.run import run  # noqa: E402

SHIFT = Path("/shift")
RECORD_PIN = 17
RECORD_S, HANG_AT_S, HANG_S, HOLD_S = 30, 10, 6, 4
CLOCK = PosixClock()
BEGUN_S = time.monotonic()


def _say(what: str) -> None:
    print(f"{time.monotonic() - BEGUN_S:6.1f} s  {what}", flush=True)


class _Tone:
    """A microphone that hears a tone, block after block in real time."""

    def __init__(self, device: str, settings: SoundSettings) -> None:
        self._count, self._begun_ns = 0, CLOCK.now_ns()

    def read(self) -> Block:
        self._count += 1024
        end_ns = self._begun_ns + self._count * 10**9 // 48_000
        time.sleep(max(0, (end_ns - CLOCK.now_ns()) / 1e9))
        numbers = range(self._count - 1024, self._count)
        waves = (math.sin(n * 440 * math.tau / 48_000) for n in numbers)
        return Block(array("h", (round(8000 * wave) for wave in waves)).tobytes(), end_ns)

    def close(self) -> None:
        pass


class _Sink:
    """A speaker that plays at once what it is given."""

    def __init__(self, device: str) -> None:
        self._given = 0

    def begin(self, rate_hz: int) -> None:
        self._given = 0

    def write(self, data: memoryview) -> int:
        self._given += len(data)
        return len(data)

    def heard(self) -> int:
        return self._given

    def end(self) -> None:
        pass

    def close(self) -> None:
        pass


class _Shift:
    """What the wearer does, and what is seen of it."""

    def __init__(self) -> None:
        self.pins = MockFactory(pin_class=MockPWMPin)
        self.states: list[str] = []
        self.warned = 0
        self.sessions = 0
        self.luma: list[int] = []
        self.turns = 0
        self.hardware = Hardware(
            pins=lambda: self.pins,
            sink=_Sink,
            microphone=_Tone,
            camera=self._open,
            looker=lambda: self,
        )

    # ---- hardware --------------------------------------------------------------------------------

    def _open(
        self, settings: CameraSettings, deliver: Deliver, tell: Callable[[str], None]
    ) -> Session:
        """The virtual camera has one small picture: 640 x 360."""
        fitting = replace(settings, luma_width=640, luma_height=360)
        session = open_camera(fitting, deliver, tell)
        self.sessions += 1
        _say("the camera runs")
        return session

    def look(self, luma: Luma) -> frozenset[str]:
        """The lens watch's other process, which needs OpenCV."""
        self.luma = [luma.width, luma.height, len(luma.data)]
        return frozenset()

    def close(self) -> None:
        """See lens.Looker."""

    # ---- the wearer ------------------------------------------------------------------------------

    def watch(self, now: int, event: Any, model: Model, effects: tuple[Any, ...]) -> None:
        """Every turn of the control road that did something."""
        self.turns += 1
        self.warned += sum(type(effect).__name__ == "Warn" for effect in effects)
        if not self.states or self.states[-1] != model.state.value:
            self.states.append(model.state.value)
            _say(f"state {model.state.value}, faults {sorted(f.value for f in model.faults)}")

    def wear(self) -> None:
        """Press, wait, stop, and switch off as systemd does."""
        time.sleep(8)
        _say("RECORD")
        self._hold(0.2)
        time.sleep(2 + HANG_AT_S)
        _say(f"the sensor hangs for {HANG_S} s")
        virtual_camera.hung.set()
        time.sleep(HANG_S)
        virtual_camera.hung.clear()
        time.sleep(RECORD_S - HANG_AT_S - HANG_S)
        _say("RECORD is held")
        self._hold(HOLD_S)
        time.sleep(2)
        _say("SIGTERM")
        os.kill(os.getpid(), signal.SIGTERM)

    def _hold(self, seconds: float) -> None:
        pin = self.pins.pin(RECORD_PIN)
        pin.drive_low()
        time.sleep(seconds)
        pin.drive_high()


def _main() -> int:
    """The shift, from power to the end."""
    shift = _Shift()
    threading.Thread(target=shift.wear, daemon=True).start()
    code = run(read_config(SHIFT / "config.toml"), shift.hardware, watch=shift.watch)
    print(
        json.dumps(
            {
                "code": code,
                "sessions": shift.sessions,
                "states": shift.states,
                "warned": shift.warned,
                "luma": shift.luma,
                "turns": shift.turns,
                "status": json.loads((SHIFT / "run/status.json").read_text()),
            }
        ),
        flush=True,
    )
    return 0


sys.exit(_main())
