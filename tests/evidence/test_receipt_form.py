import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bodycam.errors import LineError, SignatureError
from bodycam.evidence import sshsig
from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.receipts import NAMESPACE, Receipt, sign_receipt, verify_receipt
from evidence.made import CHIP, DEVICE, OTHER, REC

STATION = OTHER
RECEIPT = Receipt(
    station="utrecht-1",
    device="cam07",
    rec=REC,
    ledger_sha256="cd" * 32,
    objects=5,
    sealed_bytes=123_456_789,
    verdict="ok",
)
BYTES = RECEIPT.encode()


def test_a_receipt_is_one_line_of_json() -> None:
    assert BYTES.decode() == (
        '{"v":1,"station":"utrecht-1","device":"cam07","rec":"cam07-000042-9f3c21d8",'
        f'"ledger_sha256":"{"cd" * 32}","objects":5,"bytes":123456789,"verdict":"ok",'
        '"opened":true}\n'
    )
    assert json.dumps(json.loads(BYTES), separators=(",", ":")) + "\n" == BYTES.decode()
    assert Receipt.decode(BYTES) == RECEIPT


@pytest.mark.parametrize("key", [STATION, CHIP], ids=["ed25519", "es256"])
def test_a_signed_receipt(key: SoftwareKey) -> None:
    data, armored = sign_receipt(RECEIPT, key)
    assert verify_receipt(data, armored, key.public) == RECEIPT
    assert verify_receipt(data, armored.encode(), key.public) == RECEIPT
    with pytest.raises(SignatureError):
        verify_receipt(data, armored, DEVICE.public)
    with pytest.raises(SignatureError):
        verify_receipt(replace(RECEIPT, objects=4).encode(), armored, key.public)
    with pytest.raises(SignatureError):
        verify_receipt(data, sshsig.sign(key, "bodycam-export", data), key.public)


def test_ssh_keygen_checks_a_receipt(tmp_path: Path) -> None:
    data, armored = sign_receipt(RECEIPT, STATION)
    (tmp_path / "signers").write_text(f"utrecht-1 {STATION.public.openssh()}\n")
    (tmp_path / "sig").write_text(armored)
    command = f"ssh-keygen -Y verify -f signers -I utrecht-1 -n {NAMESPACE} -s sig"
    subprocess.run(command.split(), cwd=tmp_path, input=data, check=True, capture_output=True)


def test_a_signed_file_that_is_no_receipt() -> None:
    for data in (b"", b"{}\n", BYTES * 2):
        with pytest.raises(LineError):
            verify_receipt(data, sshsig.sign(STATION, NAMESPACE, data), STATION.public)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"opened":true', b'"opened":false'),
        (b'"opened":true', b'"opened":1'),
        (b',"opened":true', b""),
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":"1"'),
        (b'"v":1,', b""),
        (b'"v":1,', b'"v":1,"v":1,'),
        (b'"ok"', b'"not-ok"'),
        (b'"ok"', b'"OK"'),
        (b"utrecht-1", b"Utrecht"),
        (b'"cam07"', b'"cam08"'),
        (REC.encode(), b"../../etc"),
        (b"cdcd", b"CDCD"),
        (b'"objects":5', b'"objects":-5'),
        (b'"objects":5', b'"objects":05'),
        (b'"objects":5', b'"objects": 5'),
        (b"\n", b""),
        (b"\n", b"\n\n"),
        (b"{", b"["),
    ],
)
def test_what_is_not_a_receipt(old: bytes, new: bytes) -> None:
    assert old in BYTES
    with pytest.raises(LineError):
        Receipt.decode(BYTES.replace(old, new, 1))


def test_a_receipt_that_ends_before_it_says_opened() -> None:
    with pytest.raises(LineError, match="opened"):
        Receipt.decode(BYTES.removesuffix(b',"opened":true}\n'))


@pytest.mark.parametrize(
    "wrong",
    [
        {"station": ""},
        {"device": "cam08"},
        {"rec": "cam08-000042-9f3c21d8"},
        {"ledger_sha256": "x"},
        {"verdict": "not-ok"},
        {"objects": "5"},
    ],
    ids=repr,
)
def test_what_cannot_be_said(wrong: dict[str, str]) -> None:
    with pytest.raises(LineError):
        replace(RECEIPT, **wrong)  # type: ignore[arg-type]
