import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bodycam.errors import EvidenceError, SignatureError
from bodycam.evidence.keys import ED25519, ES256, PublicKey, SoftwareKey
from evidence.made import CHIP, DEVICE, OTHER

BOTH = pytest.mark.parametrize("key", [DEVICE, CHIP], ids=["ed25519", "es256"])


@BOTH
def test_signatures(key: SoftwareKey) -> None:
    signature = key.sign(b"data")
    assert len(signature) == 64
    assert signature == key.sign(b"data"), "deterministic"
    key.public.verify(signature, b"data")
    key.public.verify(signature, memoryview(b"data"))
    for bad, data in [
        (signature, b"other"),
        (signature[:-1], b"data"),
        (signature + b"\0", b"data"),
        (b"", b"data"),
        (bytes(64), b"data"),
        (b"\xff" * 64, b"data"),
        (OTHER.sign(b"data"), b"data"),
    ]:
        with pytest.raises(SignatureError):
            key.public.verify(bad, data)


@BOTH
def test_openssl_checks_a_signature(key: SoftwareKey, tmp_path: Path) -> None:
    signature = key.sign(b"data")
    if key.alg == ES256:
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        signature = encode_dss_signature(r, s)
    (tmp_path / "key.pem").write_text(key.public.pem())
    (tmp_path / "sig").write_bytes(signature)
    (tmp_path / "data").write_bytes(b"data")
    command = "openssl pkeyutl -verify -rawin -pubin -inkey key.pem -sigfile sig -in data"
    words = command.split() + (["-digest", "sha256"] if key.alg == ES256 else [])
    assert subprocess.run(words, cwd=tmp_path, stdout=subprocess.DEVNULL).returncode == 0
    (tmp_path / "data").write_bytes(b"other")
    assert subprocess.run(words, cwd=tmp_path, stdout=subprocess.DEVNULL).returncode == 1


@BOTH
def test_a_signature_of_a_small_r_keeps_its_length(key: SoftwareKey) -> None:
    # About one signature in 128 has a leading zero in r or s; these are known to be among them.
    signatures = [key.sign(number.to_bytes(2, "big")) for number in (202, 410)]
    assert {len(signature) for signature in signatures} == {64}
    assert any(0 in (signature[0], signature[32]) for signature in signatures)
    for number, signature in zip((202, 410), signatures, strict=True):
        key.public.verify(signature, number.to_bytes(2, "big"))


def test_a_number_has_all_its_zeros() -> None:
    signature, data = CHIP.sign((410).to_bytes(2, "big")), (410).to_bytes(2, "big")
    at = signature[0] and 32
    assert signature[at] == 0
    CHIP.public.verify(signature, data)
    with pytest.raises(SignatureError):
        CHIP.public.verify(signature[:at] + signature[at + 1 :], data)
    with pytest.raises(SignatureError):
        CHIP.public.verify(signature[:32] + b"\0" + signature[32:], data)


@BOTH
def test_key_files(key: SoftwareKey, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(key.to_openssh())
    file.chmod(0o600)
    stock = subprocess.run(["ssh-keygen", "-y", "-f", file], capture_output=True, check=True)
    assert stock.stdout.decode().strip() == key.public.openssh()
    read = SoftwareKey.from_openssh(file.read_bytes())
    assert (read.public, read.alg) == (key.public, key.alg)
    assert read.sign(b"x") == key.sign(b"x")


@pytest.mark.parametrize(
    ("words", "alg"), [("-t ed25519", ED25519), ("-t ecdsa -b 256", ES256)], ids=[ED25519, ES256]
)
def test_keys_that_ssh_keygen_made(words: str, alg: str, tmp_path: Path) -> None:
    command = ["ssh-keygen", "-q", *words.split(), "-N", "", "-C", "a comment", "-f", "key"]
    subprocess.run(command, cwd=tmp_path, check=True)
    key = SoftwareKey.from_openssh((tmp_path / "key").read_bytes())
    assert key.alg == alg
    assert PublicKey.from_openssh((tmp_path / "key.pub").read_text()) == key.public


def openssh(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption(),
    )


def test_key_files_that_are_refused(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(locked)]
    subprocess.run(command, check=True)
    good = DEVICE.to_openssh()
    for data in (
        b"",
        b"garbage",
        good[:-60],
        good + b"x" * 20_000,
        good.replace(b"b3BlbnNzaC1r", b"b3BlbnNzaC1s"),
        locked.read_bytes(),
        openssh(rsa.generate_private_key(65537, 1024)),
        openssh(ec.generate_private_key(ec.SECP384R1())),
    ):
        with pytest.raises(EvidenceError, match="not a signing key"):
            SoftwareKey.from_openssh(data)


@BOTH
def test_public_keys_as_text(key: SoftwareKey) -> None:
    text = key.public.openssh()
    for written in (text, text + " a comment, of words", text + "\n"):
        assert PublicKey.from_openssh(written) == key.public


ED = DEVICE.public.openssh()
EC = CHIP.public.openssh()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-rsa AAAA",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 A",
        "ssh-ed25519 é",
        ED[:-1],
        ED + "AAAA",
        ED[:-2] + "!" + ED[-2:],
        ED.replace("AAAAC3", "AAAAC2"),
        ED.replace("ssh-ed25519", "ecdsa-sha2-nistp256"),
        EC.replace("ecdsa-sha2-nistp256", "ssh-ed25519"),
        EC[:-3] + "AA=",
    ],
)
def test_public_keys_that_are_refused(text: str) -> None:
    with pytest.raises(EvidenceError):
        PublicKey.from_openssh(text)


@pytest.mark.parametrize(
    ("alg", "data"),
    [
        (ED25519, b""),
        (ED25519, bytes(33)),
        (ES256, bytes(65)),
        (ES256, b"\4" + bytes(64)),
        (ES256, b"\2" + CHIP.public.data[1:33]),
        ("rsa", bytes(32)),
        ("", b""),
    ],
)
def test_public_keys_that_are_not_well_formed(alg: str, data: bytes) -> None:
    with pytest.raises(EvidenceError, match="not well formed"):
        PublicKey(alg, data)


@pytest.mark.parametrize(("seed", "alg"), [(bytes(31), ED25519), (bytes(32), "rsa")])
def test_seeds_that_are_refused(seed: bytes, alg: str) -> None:
    with pytest.raises(EvidenceError):
        SoftwareKey.from_seed(seed, alg)


def test_seeds_give_the_same_keys_for_ever() -> None:
    # RFC 8032, test 1; and our own derivation for P-256.
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert SoftwareKey.from_seed(seed).public.data.hex() == public
    point = (
        "043b9f6bbe2eaf81f3c28ac8119b7c00176cb518c079dcd74868f9b6b3661f3c31"
        "cb558fc2891af8c7ba47967db32bfb7ecd231f2850a93dbf1b5790477d186400"
    )
    assert SoftwareKey.from_seed(seed, ES256).public.data.hex() == point
