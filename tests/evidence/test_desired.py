"""A configuration, signed: what was made is read, and nothing else is."""

import subprocess
from pathlib import Path

import pytest

from bodycam.errors import EvidenceError, LineError
from bodycam.evidence import sshsig
from bodycam.evidence.desired import (
    MAX_DESIRED_BYTES,
    NAMESPACE,
    Desired,
    read_desired,
    sign_desired,
)
from recordings import device_key, recipient

STATION = device_key("station")
RECIPIENTS = tuple(sorted((recipient("station"), recipient("escrow"))))
POLICY = Path("config/policies/default.toml").read_bytes()
WANTED = Desired("utrecht", "cam07", 7, POLICY, RECIPIENTS)


def test_what_was_signed_is_read() -> None:
    assert read_desired(sign_desired(WANTED, STATION), STATION.public, "cam07") == WANTED


def test_post_quantum_recipients_and_a_long_policy_fit() -> None:
    long = Desired(
        "utrecht", "cam07", 1, b"x" * 10_000, ("age1pq" + "a" * 1953, "age1pq" + "b" * 1953)
    )
    data = sign_desired(long, STATION)
    assert len(data) <= MAX_DESIRED_BYTES
    assert read_desired(data, STATION.public, "cam07") == long


def test_stock_tools_check_it(tmp_path: Path) -> None:
    (tmp_path / "document").write_bytes(sign_desired(WANTED, STATION))
    (tmp_path / "signers").write_text(f"utrecht {STATION.public.openssh()}\n")
    done = subprocess.run(
        "tail -n +2 document > sig && head -n 1 document | "
        f"ssh-keygen -Y verify -f signers -I utrecht -n {NAMESPACE} -s sig",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout[:4]) == (0, "Good"), done.stderr


def test_no_changed_byte_is_read() -> None:
    data = sign_desired(Desired("utrecht", "cam07", 7, b"x", RECIPIENTS), STATION)
    for at in range(len(data)):
        spoiled = bytearray(data)
        spoiled[at] ^= 1
        with pytest.raises(EvidenceError):
            read_desired(bytes(spoiled), STATION.public, "cam07")
        with pytest.raises(EvidenceError):
            read_desired(data[:at], STATION.public, "cam07")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":2'),
        (b'"version":7', b'"version":0'),
        (b'"version":7', b'"version":"7"'),
        (b'"cam07"', b'"cam08"'),
        (b'"device"', b'"divice"'),
        (b'"policy":"', b'"policy":"?'),
        (b" age1", b" "),
    ],
)
def test_signed_nonsense_is_refused(old: bytes, new: bytes) -> None:
    line = sign_desired(WANTED, STATION).partition(b"\n")[0].replace(old, new) + b"\n"
    data = line + sshsig.sign(STATION, NAMESPACE, line).encode()
    with pytest.raises(EvidenceError):
        read_desired(data, STATION.public, "cam07")


def test_it_is_of_one_station_and_one_purpose() -> None:
    data = sign_desired(WANTED, STATION)
    with pytest.raises(EvidenceError):
        read_desired(data, device_key("elsewhere").public, "cam07")
    line = data.partition(b"\n")[0] + b"\n"
    with pytest.raises(EvidenceError):
        read_desired(
            line + sshsig.sign(STATION, "bodycam-receipt", line).encode(), STATION.public, "cam07"
        )


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"recipients": RECIPIENTS[::-1]},
        {"recipients": RECIPIENTS[:1]},
        {"recipients": (RECIPIENTS[0], RECIPIENTS[0])},
        {"device": "Cam 7"},
        {"policy": b""},
    ],
)
def test_what_is_not_well_formed_is_not_made(change: dict[str, object]) -> None:
    fields = {
        "station": "utrecht",
        "device": "cam07",
        "version": 7,
        "policy": POLICY,
        "recipients": RECIPIENTS,
    }
    with pytest.raises(LineError):
        Desired(**{**fields, **change})  # type: ignore[arg-type]


def test_a_policy_without_end_is_not_signed() -> None:
    with pytest.raises(LineError, match="longer than"):
        sign_desired(Desired("utrecht", "cam07", 1, b"x" * 20_000, RECIPIENTS), STATION)
