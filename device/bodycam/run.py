"""`bodycam run`: the recorder's process, put together from its configuration.

The order is the point of this file. First the ring and the camera, so that pictures are being kept
ready before anything slow has been imported; then lights and buttons; then, while the ring fills,
the rest: cryptography, keys, the card. What the wearer does meanwhile waits with its time.

The process ends in good order when it is told to (SIGTERM, the battery), and otherwise only when a
new one is the last resort; it ends with 1 then, and what it was recording is closed before.
"""

import hashlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING

from bodycam.config import Config, bundle_bytes, key_bytes, load_policy
from bodycam.errors import DeviceError
from bodycam.pi.body import Body, make_clock, make_memory
from bodycam.pi.camera import CameraSettings, PiCamera, buffer_count, encoder_of
from bodycam.pi.fittings import Fittings
from bodycam.pi.hardware import PI, Hardware
from bodycam.pi.i2c import I2c
from bodycam.pi.sound import PiMicrophone, SoundSettings
from bodycam.posix.beside import ASKS, STATUS, NotebookFile, put_in_place, read_left
from bodycam.posix.dumps import forbid_core_dumps
from bodycam.posix.lock import Lock
from bodycam.posix.status import StatusFile
from bodycam.posix.systemd import POWER_OFF, Systemd
from bodycam.recorder.intake import Intake
from bodycam.rules.policy import Policy

if TYPE_CHECKING:
    from bodycam.posix.datagrams import AskSocket
    from bodycam.recorder.agent import Watch
    from bodycam.recorder.assembly import Owner
    from bodycam.recorder.process import Recorder
    from bodycam.recorder.service import Service

LOADS_WITHIN_S = 10.0
"""The camera's library is waited for so long; then the rest is imported beside it."""
READY_WITHIN_S = 5.0
"""systemd is told that it runs when the ring fills, and without a camera after so long."""
LOOK_S = 0.1
"""How often the start is looked at; later on only whether the control road still runs."""
LOOK_LATER_S = 1.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
END_WITHIN_S = 1.0
"""What has been closed ends so fast; a driver that hangs is not waited for."""


def run(
    config: Config,
    hardware: Hardware = PI,
    *,
    wearer: str = "",
    watch: "Watch" = lambda *_: None,
    beside: Callable[[Intake], None] = lambda _: None,
) -> int:
    """Record until told to go off; the exit code. Raises ConfigError and DeviceError at start.

    `wearer` is a token for the evidence; `watch` is told of every turn of the control road;
    `beside` is called once the recorder has started, and begins what else reports to it.
    """
    folder = Path(config.paths.run)
    running = DeviceError(
        "The recorder is running already.", do="Stop it first: sudo systemctl stop bodycam.service"
    )
    with Lock(folder, running), ExitStack() as life:
        return _Process(config, hardware, life).live(wearer, watch, beside)


class _Process:
    """The parts, in the order in which they are needed."""

    def __init__(self, config: Config, hardware: Hardware, life: ExitStack) -> None:
        """Nothing is imported here that takes long. Parts are closed by `life`, last ones first."""
        self._config = config
        self._fittings = config.fittings
        self._hardware = hardware
        self._life = life
        self._code = 0
        self._boot = BOOT_ID.read_text().strip()
        self._loaded = Event()
        self._policy = load_policy(config)
        for read in (key_bytes, bundle_bytes):
            read(config)  # without them it need not begin; what they say is looked at later
        self._clock = make_clock(self._fittings)
        self._host = Systemd(Path(config.paths.run) / POWER_OFF.name)
        life.callback(self._host.close)
        self._intake = Intake(self._policy, self._clock)
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.signal(number, lambda *_: self._end("stopped by the system"))
            life.callback(signal.signal, number, before)
        forbid_core_dumps()  # from here on there is footage in this process
        self._camera = self._make_camera()
        life.push(self._close_camera)
        self._bus = I2c(self._fittings.i2c_bus, hardware.bus)
        life.callback(self._bus.close)
        self._body = Body(
            self._fittings,
            self._intake.reports,
            pins=hardware.pins(),
            bus=self._bus,
            clock=self._clock,
            tell=tell,
            sink=hardware.sink,
        )
        life.callback(self._body.close)
        self._docked = self._body.dock.docked
        self._status = _Status(
            StatusFile(Path(config.paths.run) / STATUS),
            lambda: self._body.health.readings,
            process_began_ns(),
        )

    def live(self, wearer: str, watch: "Watch", beside: Callable[[Intake], None]) -> int:
        """From the first picture to the last line; the exit code."""
        if not self._docked:
            self._camera.wake()
        self._body.start(self._policy.warning.texts)
        self._loaded.wait(LOADS_WITHIN_S)
        whose = self._whose(wearer)
        recorder = self._make_recorder(whose)
        asks, service = self._make_service(whose)
        body, buttons = self._body, self._body.buttons
        recorder.start(
            self._camera,
            body.outputs,
            fitted=body.outputs.fitted,
            docked=self._docked,
            record_closed=buttons.closed_at_start("record"),
            function_closed=buttons.closed_at_start("function"),
            watch=watch,
            service=service,
        )
        asks.start()
        self._life.callback(asks.close)
        try:
            beside(self._intake)
            self._wait(recorder)
        finally:
            closed = recorder.stop(END_WITHIN_S)
        if service.configured and not self._come_into_force():
            return 1
        return self._code if closed and recorder.wait(0) is None else 1

    # ---- the end ---------------------------------------------------------------------------------

    def _wait(self, recorder: "Recorder") -> None:
        """Until all is closed, or the control road has ended by an error of its own."""
        late_ns = self._clock.now_ns() + round(READY_WITHIN_S * 1e9)
        ready = seen = False
        while recorder.wait(0) is None:
            if self._host.closed.wait(LOOK_LATER_S if ready and seen else LOOK_S):
                return
            newest_ns = self._intake.footage.newest_ns
            if newest_ns is not None and not seen:
                seen = True
                if not self._docked:
                    self._status.ring_from_ns = newest_ns
                self._watch_the_lens()
            if not ready and (seen or self._docked or self._clock.now_ns() > late_ns):
                ready = True
                self._host.ready()

    def _watch_the_lens(self) -> None:
        from bodycam.pi.lens import LensWatch

        if self._fittings.lens_watch:
            reports, looker = self._intake.reports, self._hardware.looker
            lens = LensWatch(self._camera.luma, reports, tell=tell, start_looker=looker)
            self._life.callback(lens.stop)
            lens.start()

    def _end(self, why: str) -> None:
        """Close everything and end; systemd itself decides what follows."""
        self._host.stopping = True
        self._intake.reports.shut_down(why, self._clock.now_ns())

    def _gave_up(self, why: str) -> None:
        """Only a new process can bring the camera back."""
        self._code = 1
        self._end(why)

    def _close_camera(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """A driver that hangs keeps threads that nothing ends: then the process goes without."""
        self._loaded.wait(LOADS_WITHIN_S)
        if not self._camera.close(END_WITHIN_S):
            tell(f"bodycam: {error}" if error else "The camera's driver does not let go.")
            sys.stdout.flush()
            os._exit(1)

    # ---- parts -----------------------------------------------------------------------------------

    def _make_camera(self) -> PiCamera:
        policy, hardware, microphone = self._policy, self._hardware, None
        if policy.sound.recorded and self._fittings.microphone:
            microphone = make_microphone(self._fittings, hardware, self._intake)

        def prepare() -> None:
            try:
                hardware.load_camera()
            finally:
                self._loaded.set()

        return PiCamera(
            lambda deliver: hardware.camera(
                camera_settings(policy, self._fittings, hardware), deliver, tell
            ),
            self._intake.reports,
            now_ns=self._clock.now_ns,
            keyframe_interval_ns=policy.keyframe_interval_ns,
            gave_up=self._gave_up,
            tell=tell,
            prepare=prepare,
            microphone=microphone,
            patience=hardware.patience,
        )

    def _whose(self, wearer: str) -> "Owner":
        """What is slow to import is imported here and below, while the ring fills."""
        from bodycam.enrolled import owner

        whose = replace(owner(self._config), wearer=wearer)
        recipients = hashlib.sha256(" ".join(sorted(whose.recipients)).encode()).hexdigest()
        self._status.standing |= {"recipients": recipients, "boot": self._boot}
        return whose

    def _make_service(self, whose: "Owner") -> tuple["AskSocket", "Service"]:
        """The way of the link to us, and what it may ask."""
        from bodycam.enrolled import usable
        from bodycam.evidence.desired import MAX_DESIRED_BYTES
        from bodycam.posix.datagrams import AskSocket
        from bodycam.recorder.requests import Requests
        from bodycam.recorder.service import Service

        config = self._config
        requests = Requests(
            clock=self._clock,
            version=whose.config_version,
            look=lambda name: read_left(Path(config.link.run) / name, MAX_DESIRED_BYTES),
            check=lambda data: usable(config, data, whose),
            keep=NotebookFile(self._next_desired, 0o640).save,
            tell=tell,
        )
        asks = AskSocket(Path(config.paths.run) / ASKS, requests.take)
        return asks, Service(requests, dock_fitted=config.dock.pin >= 0)

    @property
    def _next_desired(self) -> Path:
        """Where a configuration waits to come into force."""
        return Path(f"{self._config.paths.desired}.next")

    def _come_into_force(self) -> bool:
        """What was agreed on is what the next start reads; False where that cannot be."""
        try:
            put_in_place(self._next_desired, Path(self._config.paths.desired))
        except OSError as error:
            tell(f"{self._config.paths.desired}: {error.strerror}: the configuration stays.")
            return False
        return True

    def _make_recorder(self, whose: "Owner") -> "Recorder":
        from bodycam.posix.card import PosixCard
        from bodycam.recorder.assembly import make_sealer
        from bodycam.recorder.body_memory import MemoryKeeper
        from bodycam.recorder.process import Recorder, Surroundings

        memory = make_memory(self._fittings, self._bus)
        around = Surroundings(
            open_card=lambda: PosixCard(Path(self._config.paths.card)),
            random=os.urandom,
            boot=self._boot,
            status=self._status,
            host=self._host,
            failed=tell_failure,
            tell=tell,
            memory=MemoryKeeper(memory, self._intake.events.post, tell) if memory else None,
        )
        make_sealer(self._policy, whose, os.urandom)  # a camera that cannot seal does not start
        return Recorder(self._intake, whose, around)


def camera_settings(policy: Policy, fittings: Fittings, hardware: Hardware) -> CameraSettings:
    """What the camera is to deliver. Raises DeviceError for a model that nobody knows."""
    video = policy.video
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return CameraSettings(
        width=video.width,
        height=video.height,
        fps=video.fps,
        bitrate_bps=video.bitrate_kbps * 1000,
        keyframe_every=max(1, round(video.keyframe_interval_s * video.fps)),
        encoder=fittings.encoder or encoder_of(hardware.model()),
        buffers=buffer_count(memory_bytes),
    )


def make_microphone(fittings: Fittings, hardware: Hardware, intake: Intake) -> PiMicrophone:
    """What sleeps and wakes with the camera."""
    settings = SoundSettings()
    return PiMicrophone(
        lambda: hardware.microphone(fittings.microphone, settings),
        intake.reports,
        settings,
        now_ns=intake.clock.now_ns,
        tell=tell,
    )


def tell(what: str) -> None:
    """A sentence for the system's log."""
    print(what, file=sys.stderr, flush=True)


def tell_failure(error: BaseException) -> None:
    """What nobody foresaw, and where, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    tell(f"Unforeseen{at}: {type(error).__name__}: {error}")


def process_began_ns() -> int:
    """When the kernel began this process, by the boot clock (to 10 ms)."""
    # The second field is the program's name in brackets, which may hold anything.
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class _Status:
    """Implements ports.Status: what the agent says, and what the body has read of itself."""

    file: StatusFile
    readings: Callable[[], Mapping[str, object]]
    began_ns: int
    """When this process began."""
    ring_from_ns: int | None = None
    """The first picture since this process began; None also where it began in its dock."""
    standing: dict[str, object] = field(default_factory=dict)
    """What does not change while this process runs."""

    def publish(self, fields: Mapping[str, object]) -> None:
        """See ports.Status."""
        ring_us = None if self.ring_from_ns is None else self.ring_from_ns // 1000
        start = {"began_us": self.began_ns // 1000, "ring_from_us": ring_us}
        self.file.publish({**self.readings(), **self.standing, **fields, **start})
