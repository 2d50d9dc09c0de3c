"""How the link proves who it is, and what it accepts as the broker.

TLS 1.2 or later, a certificate of the station's authority for the very host that was called, and
our own certificate. The secret key must be readable by nobody but this process's user.
"""

import os
import ssl
from base64 import encodebytes
from pathlib import Path

from bodycam.errors import ConfigError
from bodycam.evidence.enrolment import Papers
from bodycam.link.connection import Address

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def plain_address(host: str, port: int) -> Address:
    """Without TLS; raises ConfigError for any host but this machine."""
    if host not in LOOPBACK:
        raise ConfigError(
            f"link.plaintext: {host} is not this machine, and no network may overhear this.",
            do="Set link.plaintext = false.",
        )
    return Address(host, port, None)


def address(host: str, port: int, papers: Papers, key: Path, folder: Path) -> Address:
    """With TLS. The certificate is put into `folder` for the library that wants a file.

    Raises ConfigError.
    """
    _must_be_ours_alone(key)
    own = folder / "certificate.pem"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it checks certificate and host name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        own.write_bytes(pem(papers.certificate))
        context.load_verify_locations(cadata=papers.authority)
        context.load_cert_chain(own, key)
    except ssl.SSLError as error:
        raise ConfigError(
            f"{key}: this TLS key and the bundle's certificate do not belong together: {error}.",
            do="Enrol this camera again.",
        ) from error
    except OSError as error:
        raise ConfigError(f"{own}: {error.strerror}.") from error
    return Address(host, port, context)


def pem(der: bytes) -> bytes:
    """A certificate as files have it."""
    return b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"


def _must_be_ours_alone(key: Path) -> None:
    try:
        found = key.stat()
    except OSError as error:
        raise ConfigError(
            f"{key}: the TLS key cannot be read: {error.strerror}.", do="Enrol this camera again."
        ) from error
    # What systemd has unsealed for this service alone shows the group's bit: it stands for a list.
    lent = os.environ.get("CREDENTIALS_DIRECTORY")
    allowed = 0o440 if lent and key.parent == Path(lent) else 0o600
    if found.st_mode & 0o777 & ~allowed:
        raise ConfigError(
            f"{key}: others can read this key.", do=f"chmod 600 {key}, and think of a new one."
        )
