"""Where and how the board is served: `board.toml` in the station's folder. All optional.

Without it the board is at http://127.0.0.1:8420, for this machine only. Elsewhere it is served by
TLS, or not at all.
"""

import ipaddress
import re
import ssl
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bodycam.errors import ConfigError
from bodycam_station.board.frame import Settings
from bodycam_station.board.texts import LANGUAGES, known_language
from bodycam_station.files import keep_secret, read_settings_file, shown

FILE = "board.toml"
PORT = 8420
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_LEAST_TOKEN = 20
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Config:
    """Each field is a key of the file."""

    address: str = "127.0.0.1"
    """To listen on; `0.0.0.0` and `::` are all of this machine."""
    port: int = PORT
    names: tuple[str, ...] = ()
    """Under which browsers call it, for example `bodycams.gemeente.example`."""
    certificate: str = ""
    """Files in PEM, from the station's folder: its chain, and its key."""
    key: str = ""
    language: str = "nl"
    """Where a browser asks for none that the board speaks."""
    zone: str = "Europe/Amsterdam"
    token: str = ""
    """With which programs may ask /healthz and /metrics from elsewhere; empty: only from here."""

    @property
    def tls(self) -> bool:
        """It is served by TLS."""
        return bool(self.certificate)

    @property
    def here(self) -> bool:
        """It is for this machine only."""
        return ipaddress.ip_address(self.address).is_loopback

    def settings(self, station: str) -> Settings:
        """The same for the board itself."""
        return Settings(
            station=station,
            zone=ZoneInfo(self.zone),
            language=known_language(self.language) or "nl",
            tls=self.tls,
            hosts=_HERE | {self.address} | set(self.names),
            token=self.token,
        )

    def check(self, folder: Path) -> None:
        """Raises ConfigError where it must not be served like this."""
        if not self.here and not self.tls:
            raise ConfigError(
                f"On {self.address} the board would send passwords in the clear.",
                do=f"Give certificate and key in {FILE}, or use address 127.0.0.1.",
            )
        if not self.here and not self.names:
            raise ConfigError(
                f"{FILE} does not say under which name browsers call the board.",
                do='Give it, for example: names = ["bodycams.example.org"]',
            )
        if self.tls:
            self.context(folder)

    def context(self, folder: Path) -> ssl.SSLContext:
        """For TLS; raises ConfigError where certificate or key cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(folder / self.certificate, folder / self.key)
        except (OSError, ssl.SSLError) as error:
            why = str(error.strerror or error.reason if isinstance(error, ssl.SSLError) else error)
            raise ConfigError(
                f"{shown(self.certificate)} and {shown(self.key)} cannot be used for TLS: {why}.",
                do=f"Correct certificate and key in {FILE}.",
            ) from None
        return context


def config_of(folder: Path) -> Config:
    """The one in a station's folder; raises ConfigError where it cannot be used."""
    data = read_settings_file(folder / FILE)
    if data is None:
        return Config()
    config = read_config(data)
    if config.token:
        keep_secret(folder / FILE, "a token")
    return config


def read_config(data: bytes) -> Config:
    """Read `board.toml`; raises ConfigError that names the key."""
    try:
        found = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{FILE} cannot be read: {error}.") from None
    known = [one.name for one in fields(Config)]
    for name in found:
        if name not in known:
            raise ConfigError(
                f"{FILE} has a key that is not known: {name}.",
                do="Known are: " + ", ".join(known) + ".",
            )
    names = found.get("names", [])
    if not isinstance(names, list) or not all(
        isinstance(one, str) and _NAME.fullmatch(one) for one in names
    ):
        raise ConfigError(f"{FILE}: names must be a list of host names.")
    for name, value in found.items():
        wanted = int if name == "port" else list if name == "names" else str
        if type(value) is not wanted:
            kind = "a whole number" if wanted is int else "text in quotes"
            raise ConfigError(f"{FILE}: {name} must be {kind}.")
    return checked(replace(Config(**found), names=tuple(names)))


def checked(config: Config) -> Config:
    """The same, if every field is in its form; raises ConfigError."""
    try:
        ipaddress.ip_address(config.address)
    except ValueError:
        raise ConfigError(f"{FILE}: address must be an IP address, as 127.0.0.1.") from None
    if not 0 <= config.port <= 65535:
        raise ConfigError(f"{FILE}: port must be from 0 to 65535.")
    if bool(config.certificate) != bool(config.key):
        raise ConfigError(f"{FILE}: certificate and key go together.")
    if config.language not in LANGUAGES:
        raise ConfigError(f"{FILE}: language must be one of " + ", ".join(LANGUAGES) + ".")
    if config.token and len(config.token) < _LEAST_TOKEN:
        raise ConfigError(f"{FILE}: token must have at least {_LEAST_TOKEN} letters.")
    try:
        ZoneInfo(config.zone)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ConfigError(f"{FILE}: there is no time zone {shown(config.zone)}.") from None
    return config
