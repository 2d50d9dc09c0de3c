"""The camera's configuration: read once, into frozen values; what is not known is refused."""

import os
from dataclasses import dataclass
from pathlib import Path

from bodycam.errors import ConfigError
from bodycam.rules.settings import Range, load, setting

_PATH = Range(pattern=r"[^\0\n]{1,400}", shown="a path")
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


@dataclass(frozen=True, slots=True)
class Memory:
    """What footage may take."""

    footage_mib: int = setting(Range(8, 4096), 160)


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration file."""

    device: Device
    paths: Paths
    memory: Memory

    @property
    def key_path(self) -> Path:
        """The device key: a path, or the name of a credential that systemd has unsealed."""
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        if credentials and "/" not in self.paths.key:
            return Path(credentials) / self.paths.key
        return Path(self.paths.key)


def read_config(path: Path) -> Config:
    """Read a configuration file; ConfigError names file, line, key and what is allowed."""
    return load(Config, read_file(path, "the configuration"), str(path))


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
