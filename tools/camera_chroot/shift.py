"""A shift of 30 s of recording in the chroot: the whole recorder on the real libcamera.

Reads /shift (policy.toml, device.key, bundle.json), writes the card to /shift/card, and says on its
last line, as JSON, what happened.
"""

import json
import math
import os
import sys
import threading
import time
from array import array
from pathlib import Path
from typing import Any

from tools.camera_chroot import virtual_camera

virtual_camera.plug_in()

from bodycam.evidence.enrolment import read_bundle  # noqa: E402
from bodycam.evidence.keys import SoftwareKey  # noqa: E402
from bodycam.pi.camera import Deliver, PiCamera  # noqa: E402
from bodycam.pi.picam import CameraSettings, PicameraSession  # noqa: E402
from bodycam.pi.sound import Block, PiMicrophone, SoundSettings  # noqa: E402
from bodycam.ports import Pattern, Reports  # noqa: E402
from bodycam.posix.card import PosixCard  # noqa: E402
from bodycam.posix.clock import PosixClock  # noqa: E402
from bodycam.posix.status import StatusFile  # noqa: E402
from bodycam.recorder.assembly import Owner  # noqa: E402
from bodycam.recorder.process import Recorder, Surroundings  # noqa: E402
from bodycam.rules.model import Model  # noqa: E402
from bodycam.rules.policy import read_policy  # noqa: E402

SHIFT = Path("/shift")
RECORD_S, HANG_AT_S, HANG_S, HOLD_S = 30, 10, 6, 4
CLOCK = PosixClock()
PROBLEMS: list[str] = []


class _Tone:
    """A microphone that hears a tone, block after block in real time."""

    def __init__(self) -> None:
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


class _Outputs:
    """Plays everything at once and perfectly; remembers what the wearer felt."""

    reports: Reports

    def __init__(self) -> None:
        self.felt: list[str] = []
        self.warned = 0

    def light(self, pattern: Pattern) -> None:
        pass

    def vibrate(self, pattern: Pattern) -> None:
        self.felt.append(pattern.name)

    def warn(self, output: str, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        self.warned += 1
        self.reports.warning_started(output, token, CLOCK.now_ns())
        self.reports.warning_ended(output, token, CLOCK.now_ns())

    def hush(self) -> None:
        pass

    def say(self, text: str) -> None:
        pass


class _Host:
    """Counts the turns of the control road."""

    turns = 0

    def alive(self) -> None:
        self.turns += 1

    def power_off(self, reason: str) -> None:
        PROBLEMS.append(f"power off: {reason}")


def _say(what: str) -> None:
    print(f"{time.monotonic() - BEGUN_S:6.1f} s  {what}", flush=True)


BEGUN_S = time.monotonic()


def _main() -> int:
    """The shift, from waking to the end."""
    policy = read_policy((SHIFT / "policy.toml").read_bytes(), "policy.toml")
    bundle = read_bundle((SHIFT / "bundle.json").read_bytes())
    key = SoftwareKey.from_openssh((SHIFT / "device.key").read_bytes())
    outputs, host = _Outputs(), _Host()
    around = Surroundings(
        PosixCard(SHIFT / "card"),
        CLOCK,
        os.urandom,
        Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        StatusFile(SHIFT / "status.json"),
        host,
        lambda error: PROBLEMS.append(repr(error)),
    )
    owner = Owner(bundle.device, key, bundle.recipients, station_key=bundle.station_key)
    recorder = Recorder(policy, owner, around)
    outputs.reports = recorder.reports
    settings = CameraSettings(
        policy.video.width,
        policy.video.height,
        policy.video.fps,
        policy.video.bitrate_kbps * 1000,
        round(policy.video.keyframe_interval_s * policy.video.fps),
        "libav",
        4,
        640,
        360,
    )
    opened: list[PicameraSession] = []

    def open_session(deliver: Deliver) -> PicameraSession:
        session = PicameraSession(settings, deliver, _say)
        opened.append(session)
        _say("the camera runs")
        return session

    camera = PiCamera(
        open_session,
        recorder.reports,
        now_ns=CLOCK.now_ns,
        keyframe_interval_ns=policy.keyframe_interval_ns,
        gave_up=PROBLEMS.append,
        tell=_say,
        microphone=PiMicrophone(
            _Tone, recorder.reports, SoundSettings(), now_ns=CLOCK.now_ns, tell=_say
        ),
    )
    states: list[str] = []

    def watch(now: int, event: Any, model: Model, effects: Any) -> None:
        if not states or states[-1] != model.state.value:
            states.append(model.state.value)
            _say(f"state {model.state.value}, faults {sorted(f.value for f in model.faults)}")

    recorder.start(camera, outputs, fitted=("speaker",), watch=watch)

    def button(closed: bool) -> None:
        recorder.reports.edge("record", closed, CLOCK.now_ns())

    time.sleep(6)
    luma = camera.luma(2)
    _say("RECORD")
    button(True)
    time.sleep(0.2)
    button(False)
    time.sleep(policy.lead_ns / 1e9 + HANG_AT_S)
    _say(f"the sensor hangs for {HANG_S} s")
    virtual_camera.hung.set()
    time.sleep(HANG_S)
    virtual_camera.hung.clear()
    time.sleep(RECORD_S - HANG_AT_S - HANG_S)
    _say("RECORD is held")
    button(True)
    time.sleep(HOLD_S)
    button(False)
    time.sleep(2)
    stopped = recorder.stop()
    closed = camera.close()
    print(
        json.dumps(
            {
                "stopped": stopped,
                "closed": closed,
                "sessions": len(opened),
                "states": states,
                "felt": outputs.felt,
                "warned": outputs.warned,
                "luma": luma and [luma.width, luma.height, len(luma.data)],
                "turns": host.turns,
                "threads": [thread.name for thread in threading.enumerate()],
                "problems": PROBLEMS,
            }
        )
    )
    return 0


sys.exit(_main())
