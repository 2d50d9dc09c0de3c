"""The parts that need nobody to look: each is used as the recorder uses it, and measured."""

import math
import time
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from bodycam.check.findings import Figures, Finding, find
from bodycam.check.heard import Heard, Picture
from bodycam.config import MIB, Config
from bodycam.errors import CardFull, ConfigError, DeviceError
from bodycam.media.h264 import parameter_sets
from bodycam.media.packets import SECOND
from bodycam.pi.camera import PiCamera
from bodycam.pi.clock import ClockModule
from bodycam.pi.eeprom import Eeprom
from bodycam.pi.fittings import Fittings
from bodycam.pi.gauge import Gauge
from bodycam.pi.hardware import Hardware
from bodycam.pi.health import Finding as Reading
from bodycam.pi.i2c import I2c
from bodycam.pi.sound import SoundSettings
from bodycam.pi.vitals import Supply, Temperature
from bodycam.posix.card import PosixCard
from bodycam.recorder.assembly import nominal_bytes, reserve_bytes
from bodycam.rules.policy import Policy
from bodycam.run import camera_settings

PICTURES_S = 2.0
"""The camera is looked at for so long."""
BEGINS_WITHIN_S = 20.0
WRITES, WRITE_BYTES = 8, MIB
"""What is written to the card and removed again: about a second of footage each time."""
SPARE = 2
"""The card must be so many times as fast as footage comes."""
LISTEN_S = 1.0
QUIET_DB = -85.0
"""A microphone that is connected hears more noise than this, relative to its full scale."""
READINGS = 3
_FULL_SCALE = 32768


# ---- the card ------------------------------------------------------------------------------------


def card_speed(config: Config, policy: Policy) -> Finding:
    """Write as the recorder does, each file made durable; all are removed again."""
    return find("card-speed", lambda: _card_speed(Path(config.paths.card), policy))


def _card_speed(folder: Path, policy: Policy) -> tuple[str, Figures]:
    card = PosixCard(folder)
    if card.free_bytes() < reserve_bytes(policy) + WRITES * WRITE_BYTES:
        raise CardFull("There is no room to try how fast it writes.", do="Hand recordings over.")
    data = memoryview(bytes(range(256)) * (WRITE_BYTES // 256))
    took_s, written = [], []
    try:
        for number in range(WRITES):
            name = f"check-{number}.tmp"
            begun_s = time.monotonic()
            written.append(name)
            card.create(name, data)
            card.sync_folder(".")
            took_s.append(time.monotonic() - begun_s)
    finally:
        for name in written:
            if card.exists(name):
                card.remove(name)
    mb_s = WRITES * WRITE_BYTES / 1e6 / sum(took_s)
    needed = nominal_bytes(policy, SECOND) / 1e6
    figures = {"mb_per_s": mb_s, "longest_ms": max(took_s) * 1000, "needed_mb_per_s": needed}
    says = (
        f"{mb_s:.1f} MB/s made durable, 1 MB in at most {max(took_s) * 1000:.0f} ms; "
        f"footage needs {needed:.2f}"
    )
    if mb_s < SPARE * needed:
        raise ConfigError(f"Too slow: {says}.", do="Use a card of class A2.")
    return says, figures


# ---- camera and lens -----------------------------------------------------------------------------


def camera_and_lens(policy: Policy, fittings: Fittings, hardware: Hardware) -> Iterator[Finding]:
    """Open the camera as the recorder does, look at what it delivers, and through its lens."""
    heard = Heard()
    camera = PiCamera(
        lambda deliver: hardware.camera(
            camera_settings(policy, fittings, hardware), deliver, heard.tell
        ),
        heard,
        now_ns=lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        keyframe_interval_ns=policy.keyframe_interval_ns,
        gave_up=heard.tell,
        tell=heard.tell,
        prepare=hardware.load_camera,
    )
    try:
        camera.wake()
        delivers = find("camera", lambda: _pictures(policy, heard))
        yield delivers
        if not fittings.lens_watch:
            return
        if delivers.good:
            yield find("lens", lambda: _lens(camera, hardware))
        else:
            yield Finding("lens", None, "first the camera must deliver pictures")
    finally:
        camera.close()


def _pictures(policy: Policy, heard: Heard) -> tuple[str, Figures]:
    enough = round((PICTURES_S + 2 * policy.video.keyframe_interval_s) * policy.video.fps)
    taken = heard.pictures
    if not heard.until(lambda: bool(taken or heard.said), BEGINS_WITHIN_S) or not taken:
        why = heard.said[-1] if heard.said else "It delivers no picture."
        raise DeviceError(why, do="" if heard.said else "See that its cable is seated.")
    heard.until(lambda: len(taken) >= enough, 3 * enough / policy.video.fps)
    pictures = taken[:enough]
    passed_s = (pictures[-1].t_ns - pictures[0].t_ns) / SECOND
    fps = (len(pictures) - 1) / passed_s if passed_s else 0.0
    _check_keyframes(pictures, policy)
    figures = {"pictures_per_s": fps, "keyframes": sum(picture.key for picture in pictures)}
    video = policy.video
    says = f"{fps:.1f} pictures a second of {video.width} x {video.height}"
    if fps < 0.9 * video.fps:
        raise DeviceError(
            f"Only {says}; the policy wants {video.fps}.", do="Lower video.width or video.fps."
        )
    return f"{says}, a keyframe every {video.keyframe_interval_s:g} s", figures


def _check_keyframes(pictures: list[Picture], policy: Policy) -> None:
    """Each can be the beginning of a film: SPS and PPS come with it. Raises StreamError."""
    keys = [picture for picture in pictures if picture.key]
    for picture in keys:
        parameter_sets([picture.data])
    span_s = (pictures[-1].t_ns - pictures[0].t_ns) / SECOND
    if len(keys) < span_s / policy.video.keyframe_interval_s / 2:
        raise DeviceError(
            f"The encoder made {len(keys)} keyframes in {span_s:.0f} s.",
            do="Name the other one in camera.encoder.",
        )


def _lens(camera: PiCamera, hardware: Hardware) -> str:
    luma = camera.luma(2)
    if luma is None:
        raise DeviceError("The lens watch gets no small picture.")
    with closing(hardware.looker()) as looker:
        seen = looker.look(luma)
    if seen:
        raise DeviceError(
            f"The picture is {' and '.join(sorted(seen))}.",
            do="Clear the lens, or turn the camera.",
        )
    return "neither covered nor dark nor upside down"


# ---- microphone ----------------------------------------------------------------------------------


def microphone(policy: Policy, fittings: Fittings, hardware: Hardware) -> Finding | None:
    """Listen for a second; None where no sound is wanted."""
    if not policy.sound.recorded:
        return None
    return find("microphone", lambda: _microphone(fittings, hardware))


def _microphone(fittings: Fittings, hardware: Hardware) -> tuple[str, Figures]:
    if not fittings.microphone:
        raise ConfigError(
            "The policy records sound, and no microphone is fitted.",
            do="Set microphone.device, or sound.recorded = false in the policy.",
        )
    settings = SoundSettings()
    samples = array("h")
    with closing(hardware.microphone(fittings.microphone, settings)) as source:
        while len(samples) < LISTEN_S * settings.rate_hz * settings.channels:
            samples.frombytes(source.read().samples)
    level_db = _decibel(math.sqrt(sum(one * one for one in samples) / len(samples)))
    peak_db = _decibel(max(abs(one) for one in samples))
    if level_db < QUIET_DB:
        raise DeviceError(
            f"The microphone {fittings.microphone} delivers silence.", do="See to its cable."
        )
    return (
        f"hears {level_db:.0f} dB, at most {peak_db:.0f} dB, of full scale",
        {"level_db": level_db, "peak_db": peak_db},
    )


def _decibel(amplitude: float) -> float:
    return 20 * math.log10(max(amplitude, 0.1) / _FULL_SCALE)


# ---- gauges and modules --------------------------------------------------------------------------


class _Reader(Protocol):
    def read(self) -> Reading: ...


def small_parts(fittings: Fittings, bus: I2c) -> Iterator[Finding]:
    """Those that are fitted, and what the board itself tells."""
    if fittings.gauge:
        yield find("gauge", lambda: _gauge(Gauge(bus)))
    if fittings.clock_module:
        yield find("clock-module", _clock_module)
    if fittings.body_memory:
        yield find("body-memory", lambda: _memory(Eeprom(bus)))
    yield _told("supply", Supply(), "power-weak", "The supply voltage is too low.")
    yield _told("temperature", Temperature(fittings.hot_c), "too-hot", "The processor is too hot.")


def _gauge(gauge: Gauge) -> tuple[str, Figures]:
    for _ in range(READINGS):  # the first is believed when the second agrees
        values = gauge.read().values
        if values:
            percent, millivolts = int(values["battery_percent"]), int(values["battery_mv"])
            return (
                f"{percent} % at {millivolts / 1000:.2f} V",
                {"battery_percent": percent, "battery_mv": millivolts},
            )
    raise DeviceError("The battery gauge gives another answer each time.", do="See to its wiring.")


def _clock_module() -> str:
    seconds, set_it = ClockModule().seconds()
    told = time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))
    return f"says {told} UTC" + (", and set the clock" if set_it else "")


def _memory(memory: Eeprom) -> str:
    mark = memory.read()
    return "is new" if mark is None else f"remembers the journal at line {mark.seq}"


def _told(part: str, reader: _Reader, fault: str, wrong: str) -> Finding:
    """What the kernel may tell; many machines do not."""
    try:
        reading = reader.read()
    except DeviceError as error:
        return Finding(part, None, str(error))
    if reading.faults.get(fault):
        return Finding(part, False, wrong)
    degrees = reading.values.get("temperature_c")
    return Finding(part, True, "enough" if degrees is None else f"{degrees} °C")
