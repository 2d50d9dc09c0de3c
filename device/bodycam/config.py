"""The camera's configuration: read once, into frozen values; what is not known is refused."""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from bodycam.errors import ConfigError
from bodycam.pi.buttons import ButtonWiring
from bodycam.pi.dock import SenseWiring
from bodycam.pi.fittings import Fittings
from bodycam.pi.parts import BuzzerWiring, LightWiring, VibrationWiring
from bodycam.rules.policy import Policy, read_policy
from bodycam.rules.settings import Range, line_of, load, setting

MIB = 1024 * 1024

_PATH = Range(pattern=r"[^\0\n]{1,400}", shown="a path")
_PIN = Range(-1, 27)
"""A BCM number; -1 where nothing is fitted."""
_LEVEL = Range(choices=("low", "high"))
_ALSA = Range(pattern=r"[\w:=,.@-]{0,100}", shown="a name of ALSA's, or empty")
_PULL = Range(choices=("up", "down", "none"))
_REMOVE = "Remove it: then the policy's file and the bundle count again."
I2C_PINS = (2, 3)
"""Of bus 1."""
DEVICE = Range(pattern=r"[a-z0-9-]{1,64}", shown="1 to 64 of a-z, 0-9 and -")


@dataclass(frozen=True, slots=True)
class Device:
    """Which camera this is."""

    id: str = setting(DEVICE)


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things lie."""

    card: str = setting(_PATH, "/var/lib/bodycam/card")
    run: str = setting(_PATH, "/run/bodycam")
    policy: str = setting(_PATH, "/etc/bodycam/policy.toml")
    key: str = setting(_PATH, "device.key")
    bundle: str = setting(_PATH, "/etc/bodycam/bundle.json")
    desired: str = setting(_PATH, "/var/lib/bodycam/desired")


@dataclass(frozen=True, slots=True)
class LinkTable:
    """The broker, and what the link process keeps."""

    host: str = setting(
        Range(pattern=r"[A-Za-z0-9.:-]{0,253}", shown="a host's name or address, or empty"), ""
    )
    """Empty: this camera reports to nobody."""
    port: int = setting(Range(1, 65535), 8883)
    key: str = setting(_PATH, "tls.key")
    plaintext: bool = setting(Range(choices=(True, False)), False)
    """Without TLS: only to the loopback."""
    interval_s: int = setting(Range(5, 3600), 60)
    interface: str = setting(Range(pattern=r"[A-Za-z0-9._-]{1,15}", shown="a name"), "wlan0")
    state: str = setting(_PATH, "/var/lib/bodycam-link")
    run: str = setting(_PATH, "/run/bodycam-link")


@dataclass(frozen=True, slots=True)
class Memory:
    """What footage may take."""

    footage_mib: int = setting(Range(8, 4096), 160)


@dataclass(frozen=True, slots=True)
class ButtonTable:
    """The wearer's buttons."""

    record_pin: int = setting(Range(0, 27), 17)
    function_pin: int = setting(_PIN, 27)
    pull: str = setting(_PULL, "up")
    closed: str = setting(_LEVEL, "low")
    """The level of a pressed button."""


@dataclass(frozen=True, slots=True)
class LightTable:
    """The public light."""

    kind: str = setting(Range(choices=("rgb", "single")), "rgb")
    red_pin: int = setting(Range(0, 27), 23)
    green_pin: int = setting(_PIN, 24)
    blue_pin: int = setting(_PIN, 25)
    """Of an RGB LED."""
    amber_pin: int = setting(_PIN, -1)
    """Of single LEDs."""
    on: str = setting(_LEVEL, "high")
    brightness_percent: int = setting(Range(5, 100), 100)


@dataclass(frozen=True, slots=True)
class BuzzerTable:
    """The buzzer."""

    pin: int = setting(_PIN, 5)
    frequency_hz: int = setting(Range(0, 8000), 0)
    """Of a passive one; 0: an active one, with a tone of its own."""
    on: str = setting(_LEVEL, "high")


@dataclass(frozen=True, slots=True)
class VibrationTable:
    """The motor that the wearer feels."""

    pin: int = setting(_PIN, 12)
    strength_percent: int = setting(Range(20, 100), 100)
    on: str = setting(_LEVEL, "high")


@dataclass(frozen=True, slots=True)
class SpeakerTable:
    """The speaker."""

    device: str = setting(_ALSA, "")
    sounds: str = setting(_PATH, "/etc/bodycam/sounds")


@dataclass(frozen=True, slots=True)
class MicrophoneTable:
    """The microphone."""

    device: str = setting(_ALSA, "")


@dataclass(frozen=True, slots=True)
class CameraTable:
    """The camera; what it delivers is in the policy."""

    encoder: str = setting(Range(choices=("auto", "v4l2", "libav")), "auto")
    lens_watch: bool = setting(Range(choices=(True, False)), True)


@dataclass(frozen=True, slots=True)
class SenseTable:
    """A pin whose level says something: the dock's or the charger's."""

    pin: int = setting(_PIN, -1)
    pull: str = setting(_PULL, "up")
    true: str = setting(_LEVEL, "low")


@dataclass(frozen=True, slots=True)
class PowerTable:
    """Gauges and modules."""

    i2c_bus: int = setting(Range(0, 20), 1)
    gauge: str = setting(Range(choices=("none", "max17048")), "none")
    clock_module: str = setting(Range(choices=("none", "ds3231")), "none")
    body_memory: str = setting(Range(choices=("none", "at24c32")), "none")
    hot_c: int = setting(Range(50, 85), 80)


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration file."""

    device: Device
    paths: Paths
    memory: Memory
    buttons: ButtonTable
    lights: LightTable
    buzzer: BuzzerTable
    vibration: VibrationTable
    speaker: SpeakerTable
    microphone: MicrophoneTable
    camera: CameraTable
    dock: SenseTable
    charger: SenseTable
    power: PowerTable
    link: LinkTable

    @property
    def fittings(self) -> Fittings:
        """What the adapters are told."""
        buttons, lights, power = self.buttons, self.lights, self.power
        buzzer, vibration = self.buzzer, self.vibration
        rgb = lights.kind == "rgb"
        return Fittings(
            buttons=tuple(
                ButtonWiring(name, pin, buttons.pull, buttons.closed)
                for name, pin in (
                    ("record", buttons.record_pin),
                    ("function", buttons.function_pin),
                )
                if pin >= 0
            ),
            light=LightWiring(
                red_pin=lights.red_pin,
                green_pin=_fitted(lights.green_pin),
                blue_pin=_fitted(lights.blue_pin) if rgb else None,
                amber_pin=None if rgb else _fitted(lights.amber_pin),
                active_high=lights.on == "high",
                brightness_percent=lights.brightness_percent,
            ),
            buzzer=BuzzerWiring(buzzer.pin, buzzer.frequency_hz, buzzer.on == "high")
            if buzzer.pin >= 0
            else None,
            vibration=VibrationWiring(
                vibration.pin, vibration.strength_percent, vibration.on == "high"
            )
            if vibration.pin >= 0
            else None,
            senses=tuple(
                SenseWiring(name, table.pin, table.pull, table.true)
                for name, table in (("docked", self.dock), ("charging", self.charger))
                if table.pin >= 0
            ),
            speaker=self.speaker.device,
            sounds=self.speaker.sounds,
            microphone=self.microphone.device,
            encoder="" if self.camera.encoder == "auto" else self.camera.encoder,
            lens_watch=self.camera.lens_watch,
            i2c_bus=power.i2c_bus,
            gauge=power.gauge != "none",
            clock_module=power.clock_module != "none",
            body_memory=power.body_memory != "none",
            hot_c=power.hot_c,
        )

    @property
    def key_path(self) -> Path:
        """The device key: a path, or the name of a credential that systemd has unsealed."""
        return _credential(self.paths.key)

    @property
    def tls_key_path(self) -> Path:
        """The link's key, in the same way; where there is no path, it lies beside the other."""
        name = self.link.key
        return _credential(name if "/" in name else str(Path(self.paths.key).with_name(name)))

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What is fitted, in the words of the topic `info`."""
        power, fitted = self.power, self.fittings
        found = {
            "function-button": len(fitted.buttons) > 1,
            "buzzer": fitted.buzzer is not None,
            "vibration": fitted.vibration is not None,
            "speaker": bool(fitted.speaker),
            "dock": self.dock.pin >= 0,
            "charger": self.charger.pin >= 0,
            "gauge": power.gauge != "none",
            "clock-module": power.clock_module != "none",
            "body-memory": power.body_memory != "none",
        }
        return tuple(sorted(name for name, there in found.items() if there))


def read_config(path: Path) -> Config:
    """Read a configuration file; ConfigError names file, line, key and what is allowed."""
    data = read_file(path, "the configuration")
    config = load(Config, data, str(path))
    _check_pins(config, data.decode(), str(path))
    return config


def load_policy(config: Config) -> Policy:
    """The policy in force, if it fits the memory that footage may take. Raises ConfigError.

    What the station has asked for since wins over the file. Its signature was checked before it was
    put there, and `enrolled.owner` checks it again: here that would take too long.
    """
    desired = desired_bytes(config)
    if desired is None:
        path = Path(config.paths.policy)
        return fit_policy(config, read_file(path, "the policy"), str(path))
    name = f"{config.paths.desired} (policy)"
    try:
        data = base64.b64decode(json.loads(desired.partition(b"\n")[0])["policy"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{config.paths.desired}: not a configuration.", do=_REMOVE) from error
    return fit_policy(config, data, name)


def desired_bytes(config: Config) -> bytes | None:
    """The configuration that the station asked for and that is in force; None where none is."""
    path = Path(config.paths.desired)
    return read_file(path, "the configuration") if path.exists() else None


def fit_policy(config: Config, data: bytes, path: str) -> Policy:
    """The policy of a file called `path`, if it fits. Raises ConfigError."""
    policy = read_policy(data, path)
    need, have = policy.budget_bytes, config.memory.footage_mib * MIB
    if need > have:
        raise ConfigError(
            f"{path}: this policy needs {-(-need // MIB)} MiB of memory for footage, and "
            f"memory.footage_mib allows {config.memory.footage_mib}.",
            do="Lower keep.pre_record_s or video.bitrate_kbps, or allow more.",
        )
    return policy


def key_bytes(config: Config) -> bytes:
    """The device key's file. Raises ConfigError."""
    return read_file(config.key_path, "the device key")


def bundle_bytes(config: Config) -> bytes:
    """The station's answer at enrolment. Raises ConfigError where this camera is not enrolled."""
    path = Path(config.paths.bundle)
    if not path.exists():
        raise ConfigError(
            f"{path}: there is no bundle: this camera is not enrolled.",
            do="Run bodycam enroll --out REQUEST, take the request to the station, "
            "and accept its answer.",
        )
    return read_file(path, "the bundle")


def _credential(name: str) -> Path:
    """A path, or the name of a credential that systemd has unsealed."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(credentials) / name if credentials and "/" not in name else Path(name)


def _fitted(pin: int) -> int | None:
    return None if pin < 0 else pin


def _check_pins(config: Config, text: str, name: str) -> None:
    """No pin twice, none that the I2C bus has, and three for an RGB LED."""
    lights, power = config.lights, config.power
    wanted = [("buttons", "record_pin"), ("buttons", "function_pin")]
    wanted += [("lights", "red_pin"), ("lights", "green_pin")]
    wanted += [("lights", "blue_pin" if lights.kind == "rgb" else "amber_pin")]
    wanted += [(table, "pin") for table in ("buzzer", "vibration", "dock", "charger")]
    on_bus = power.i2c_bus == 1 and (power.gauge, power.body_memory) != ("none", "none")
    taken = dict.fromkeys(I2C_PINS, "the I2C bus") if on_bus else {}
    for table, key in wanted:
        pin = getattr(getattr(config, table), key)
        place = f"{name}:{line_of(text, (table, key))}: {table}.{key}"
        if pin in taken:
            raise ConfigError(f"{place} = {pin} is the pin of {taken[pin]}.")
        if pin >= 0:
            taken[pin] = f"{table}.{key}"
        elif lights.kind == "rgb" and table == "lights":
            raise ConfigError(
                f"{place}: an RGB LED needs three pins.", do='Or set lights.kind = "single".'
            )


def read_file(path: Path, what: str, limit: int = 64 * 1024) -> bytes:
    """The bytes of a small file; ConfigError where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: {what} cannot be read: {error.strerror}.", do="Check path and rights."
        ) from error
    if len(data) > limit:
        raise ConfigError(f"{path}: {what} is longer than {limit} bytes, which none is.")
    return data
