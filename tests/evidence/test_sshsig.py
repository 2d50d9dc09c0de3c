import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bodycam.errors import SignatureError
from bodycam.evidence import sshsig
from bodycam.evidence.keys import ED25519, SoftwareKey
from evidence.made import CHIP, DEVICE, OTHER

BOTH = pytest.mark.parametrize("key", [DEVICE, CHIP], ids=["ed25519", "es256"])
NAMESPACE = "bodycam-recording"
MESSAGE = b"the ledger\n" * 100


def stock_accepts(armored: str, key: SoftwareKey, namespace: str, folder: Path) -> bool:
    (folder / "signers").write_text(f'cam07 namespaces="bodycam-*" {key.public.openssh()}\n')
    (folder / "sig").write_text(armored)
    command = f"ssh-keygen -Y verify -f signers -I cam07 -n {namespace} -s sig"
    result = subprocess.run(command.split(), cwd=folder, input=MESSAGE, capture_output=True)
    return result.returncode == 0


@BOTH
def test_ssh_keygen_accepts_it(key: SoftwareKey, tmp_path: Path) -> None:
    armored = sshsig.sign(key, NAMESPACE, MESSAGE)
    assert stock_accepts(armored, key, NAMESPACE, tmp_path)
    assert not stock_accepts(armored, key, "bodycam-receipt", tmp_path)
    assert not stock_accepts(armored, OTHER, NAMESPACE, tmp_path)


@BOTH
def test_what_ssh_keygen_signs_is_accepted(key: SoftwareKey, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(key.to_openssh())
    file.chmod(0o600)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(file), "-n", NAMESPACE]
    for number in range(4):
        message = MESSAGE + bytes([number])
        stock = subprocess.run(command, input=message, capture_output=True, check=True).stdout
        sshsig.verify(stock, key.public, NAMESPACE, message)
        # OpenSSH's ECDSA is not deterministic.
        assert key.alg != ED25519 or stock.decode() == sshsig.sign(key, NAMESPACE, message)


@BOTH
def test_signatures_of_every_length(key: SoftwareKey) -> None:
    # r and s are numbers without leading zeros there, and with one before a high bit.
    lengths = set()
    for number in range(300):
        message = number.to_bytes(2, "big")
        armored = sshsig.sign(key, NAMESPACE, message)
        sshsig.verify(armored, key.public, NAMESPACE, memoryview(message))
        lengths.add(len(armored))
    assert (len(lengths) > 1) == (key is CHIP)


@BOTH
def test_anything_else_is_refused(key: SoftwareKey) -> None:
    armored = sshsig.sign(key, NAMESPACE, MESSAGE)
    for public, namespace, message in [
        (OTHER.public, NAMESPACE, MESSAGE),
        (key.public, "bodycam-receipt", MESSAGE),
        (key.public, NAMESPACE, MESSAGE + b"x"),
        (key.public, NAMESPACE, b""),
    ]:
        with pytest.raises(SignatureError):
            sshsig.verify(armored, public, namespace, message)


@BOTH
def test_every_changed_byte_of_the_armour_is_refused(key: SoftwareKey) -> None:
    armored = sshsig.sign(key, NAMESPACE, MESSAGE).encode()
    sshsig.verify(armored, key.public, NAMESPACE, MESSAGE)
    for at in range(len(armored)):
        for change in (0x01, 0x04, 0x20, 0x80):
            changed = bytearray(armored)
            changed[at] ^= change
            with pytest.raises(SignatureError):
                sshsig.verify(bytes(changed), key.public, NAMESPACE, MESSAGE)


@BOTH
def test_every_dropped_or_doubled_byte_of_the_armour_is_refused(key: SoftwareKey) -> None:
    armored = sshsig.sign(key, NAMESPACE, MESSAGE)
    changed = {armored[:at] + armored[at + 1 :] for at in range(len(armored))}
    changed |= {armored[:at] + armored[at:][:1] + armored[at:] for at in range(len(armored))}
    changed |= {armored[:at] for at in range(len(armored))}
    for text in changed:
        with pytest.raises(SignatureError):
            sshsig.verify(text, key.public, NAMESPACE, MESSAGE)


def test_a_file_that_is_too_long_is_not_even_looked_at() -> None:
    with pytest.raises(SignatureError, match="too long"):
        sshsig.verify(b"x" * 5000, DEVICE.public, NAMESPACE, MESSAGE)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text * 2,
        lambda text: text + "\n",
        lambda text: text + "x" * 5000,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", ""),
        lambda text: " " + text,
        lambda text: text.upper(),
        lambda text: "é" + text,
        lambda text: text.replace("SSH SIGNATURE", "PGP SIGNATURE"),
        lambda text: text.replace("=", ""),
        lambda text: "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
    ],
)
@BOTH
def test_hostile_files(change: Callable[[str], str], key: SoftwareKey) -> None:
    with pytest.raises(SignatureError):
        sshsig.verify(change(sshsig.sign(key, NAMESPACE, MESSAGE)), key.public, NAMESPACE, MESSAGE)
