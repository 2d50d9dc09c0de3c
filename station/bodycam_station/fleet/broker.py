"""Where the broker is, and how it is spoken with: by TLS, or in the clear on this machine."""

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from bodycam.errors import ConfigError
from bodycam_station.fleet.settings import FILE, Settings


@dataclass(frozen=True, slots=True)
class Address:
    """A broker."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    """None only on the loopback."""


def broker_of(settings: Settings, folder: Path) -> Address:
    """The broker of the settings, its files taken from the station's folder. Raises ConfigError."""
    wrong = ConfigError(f"{FILE}: broker must be mqtts://HOST:PORT.")
    try:
        parts = urlsplit(settings.broker)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    beside = parts.path.strip("/") or parts.query or parts.username
    if not host or parts.scheme not in ("mqtt", "mqtts") or beside:
        raise wrong
    if parts.scheme == "mqtt":
        if not is_loopback(host):
            raise ConfigError(
                f"{FILE}: broker is spoken with in the clear on this machine only.",
                do="Use mqtts:// and give broker_ca, broker_certificate and broker_key.",
            )
        return Address(host, port or 1883)
    named = (settings.broker_ca, settings.broker_certificate, settings.broker_key)
    if not all(named):
        raise ConfigError(
            f"{FILE}: mqtts:// needs broker_ca, broker_certificate and broker_key.",
        )
    ca, certificate, key = (str(folder / name) for name in named)
    try:
        tls = ssl.create_default_context(cafile=ca)
        tls.load_cert_chain(certificate, key)
    except OSError as error:
        raise ConfigError(f"{FILE}: the broker's certificates cannot be read: {error}.") from None
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    return Address(host, port or 8883, tls)


def is_loopback(host: str) -> bool:
    """Whether nothing leaves this machine on the way to a host."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
