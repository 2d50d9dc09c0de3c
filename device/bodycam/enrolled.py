"""The camera's side of enrolment: its key, its request, the bundle that makes it a station's."""

import base64
import hashlib
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bodycam.config import (
    Config,
    bundle_bytes,
    desired_bytes,
    fit_policy,
    key_bytes,
    read_file,
)
from bodycam.errors import BodycamError, ConfigError, EvidenceError, UsageError
from bodycam.evidence.age import Sealer
from bodycam.evidence.desired import Desired, read_desired
from bodycam.evidence.enrolment import Bundle, make_request, read_bundle
from bodycam.evidence.keys import ES256, PublicKey, SoftwareKey
from bodycam.recorder.assembly import Owner, make_sealer


def request(config: Config, out: Path) -> bool:
    """Write the request that a station enrols; True where the key had to be made first.

    The key for the network is made with it, where it is missing: another process will hold it.
    """
    _must_be_free(out)
    path = config.key_path
    made = not path.exists()
    if made:
        key = SoftwareKey.from_seed(os.urandom(32))
        _write(path, key.to_openssh(), 0o600)
    else:
        key = _key(config)
    tls = _tls_point(config.tls_key_path, make=True)
    _write(out, make_request(config.device.id, key, "software", tls), 0o644)
    return made


def fingerprint(config: Config) -> str:
    """The device key as `ssh-keygen -l` shows it."""
    digest = hashlib.sha256(_key(config).public.blob()).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def accept(config: Config, bundle_path: Path) -> Bundle:
    """Take a station's answer, if it is for this camera and can be sealed to."""
    data = read_file(bundle_path, "the bundle")
    bundle = _checked(config, _key(config), data, bundle_path)
    _write(Path(config.paths.bundle), data, 0o644, replace=True)
    desired = desired_bytes(config)
    if desired is not None:
        try:
            read_desired(desired, bundle.station_key, bundle.device)
        except EvidenceError:  # it was another station's
            Path(config.paths.desired).unlink()
    return bundle


def owner(config: Config) -> Owner:
    """Whose camera this is; ConfigError where it is not enrolled."""
    key = _key(config)
    bundle = _checked(config, key, bundle_bytes(config), Path(config.paths.bundle))
    enrolled = Owner(config.device.id, key, bundle.recipients, station_key=bundle.station_key)
    data = desired_bytes(config)
    if data is None:
        return enrolled
    desired = usable(config, data, enrolled)
    return replace(enrolled, recipients=desired.recipients, config_version=desired.version)


def usable(config: Config, data: bytes, whose: Owner) -> Desired:
    """A configuration that the station signed for this camera, and that it can use.

    Raises ConfigError or EvidenceError.
    """
    assert whose.station_key is not None  # the bundle gave it
    try:
        desired = read_desired(data, whose.station_key, whose.device)
    except EvidenceError as error:
        raise ConfigError(
            f"{config.paths.desired}: not a configuration of this camera's station: {error.what}",
            do="Remove it: then the policy's file and the bundle count again.",
        ) from error
    policy = fit_policy(config, desired.policy, f"configuration {desired.version} (policy)")
    make_sealer(policy, replace(whose, recipients=desired.recipients), os.urandom)
    return desired


def reporter(config: Config) -> Bundle:
    """The bundle as the link reads it, which must not see the device key; else ConfigError."""
    path = Path(config.paths.bundle)
    try:
        bundle = read_bundle(bundle_bytes(config))
    except EvidenceError as error:
        raise ConfigError(f"{path}: not a bundle that can be used: {error.what}") from error
    if bundle.device != config.device.id:
        raise ConfigError(f"{path}: this bundle is for {bundle.device}.")
    return bundle


def certified_until(config: Config) -> datetime:
    """How long the network certificate of this camera holds; ConfigError where it has none."""
    from cryptography import x509  # the recorder does without it

    papers = reporter(config).papers
    if papers is None:
        raise ConfigError(
            f"{config.paths.bundle}: this camera has no certificate for a network.",
            do="Enrol it again.",
        )
    certificate = x509.load_der_x509_certificate(papers.certificate)
    key = certificate.public_key()
    point = _tls_point(config.tls_key_path, make=False)
    if not isinstance(key, ec.EllipticCurvePublicKey) or _point(key) != point:
        raise ConfigError(
            f"{config.tls_key_path}: this TLS key and the bundle's certificate do not belong "
            "together.",
            do="Enrol this camera again.",
        )
    return certificate.not_valid_after_utc


def _tls_point(path: Path, *, make: bool) -> PublicKey:
    """The public half of the key for the network; where it is missing, it may be made."""
    if make and not path.exists():
        new = ec.generate_private_key(ec.SECP256R1())
        pem = new.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write(path, pem, 0o600)
    try:
        key = serialization.load_pem_private_key(read_file(path, "the TLS key"), password=None)
    except ValueError as error:
        raise ConfigError(f"{path}: not a TLS key.", do="Remove it, and enrol again.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path}: not a P-256 key.", do="Remove it, and enrol again.")
    return _point(key.public_key())


def _point(key: ec.EllipticCurvePublicKey) -> PublicKey:
    return PublicKey(
        ES256,
        key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
    )


def _key(config: Config) -> SoftwareKey:
    try:
        return SoftwareKey.from_openssh(key_bytes(config))
    except EvidenceError as error:
        raise ConfigError(f"{config.key_path}: not a device key: {error.what}") from error


def _checked(config: Config, key: SoftwareKey, data: bytes, path: Path) -> Bundle:
    """A bundle that is for this camera and its key; a trial is sealed to its recipients."""
    try:
        bundle = read_bundle(data)
        Sealer(bundle.recipients, os.urandom).seal([b"trial"])
    except BodycamError as error:
        what = f"{path}: not a bundle that can be used: {error.what}"
        raise ConfigError(what, do=error.do) from error
    if bundle.device != config.device.id or bundle.public != key.public:
        raise ConfigError(
            f"{path}: this bundle is for {bundle.device} with another key or name.",
            do="Enrol this camera with its own request.",
        )
    if len(bundle.recipients) < 2:
        raise ConfigError(
            f"{path}: the bundle has one recipient; station and escrow are two.",
            do="Enrol again with a station that has an escrow.",
        )
    return bundle


def _must_be_free(path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path} exists already.", do="Choose another name, or remove it.")


def _write(path: Path, data: bytes, mode: int, *, replace: bool = False) -> None:
    """A new file, whole or not at all; an existing one only where it is to be replaced."""
    if not replace:
        _must_be_free(path)
    new = path.with_name(f".{path.name}.new")
    try:
        new.unlink(missing_ok=True)
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
