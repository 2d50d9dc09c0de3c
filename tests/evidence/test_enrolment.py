"""Requests and bundles: what was signed comes back, and nothing else is read."""

import subprocess
from pathlib import Path

import pytest

from bodycam.errors import EvidenceError, LineError, SignatureError
from bodycam.evidence import sshsig
from bodycam.evidence.enrolment import (
    BUNDLE_NAMESPACE,
    MAX_BYTES,
    REQUEST_NAMESPACE,
    Bundle,
    Papers,
    Request,
    make_bundle,
    make_request,
    read_bundle,
    read_request,
)
from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.lines import encode
from evidence.made import CHIP, DEVICE, OTHER, RECIPIENTS


@pytest.mark.parametrize(("key", "storage"), [(DEVICE, "software"), (CHIP, "hardware")])
def test_there_and_back(key: SoftwareKey, storage: str) -> None:
    request = read_request(make_request("cam07", key, storage))
    assert request == Request("cam07", key.public, storage)
    recipients = RECIPIENTS.split()
    bundle = make_bundle(request, "utrecht", OTHER, recipients[::-1])
    assert read_bundle(bundle) == Bundle(
        "cam07", key.public, "utrecht", OTHER.public, tuple(sorted(recipients))
    )


def test_stock_tools_check_both(tmp_path: Path) -> None:
    request = make_request("cam07", CHIP, "hardware")
    bundle = make_bundle(read_request(request), "utrecht", OTHER, RECIPIENTS.split())
    for data, name, key, namespace in (
        (request, "cam07", CHIP, REQUEST_NAMESPACE),
        (bundle, "utrecht", OTHER, BUNDLE_NAMESPACE),
    ):
        (tmp_path / "document").write_bytes(data)
        (tmp_path / "signers").write_text(f"{name} {key.public.openssh()}\n")
        done = subprocess.run(
            f"tail -n +2 document > sig && head -n 1 document | "
            f"ssh-keygen -Y verify -f signers -I {name} -n {namespace} -s sig",
            shell=True,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout[:4]) == (0, "Good"), done.stderr


def test_no_changed_byte_is_read() -> None:
    request = make_request("cam07", DEVICE, "software")
    bundle = make_bundle(read_request(request), "utrecht", OTHER, RECIPIENTS.split())
    for data, read in ((request, read_request), (bundle, read_bundle)):
        for at in range(len(data)):
            for mask in (1, 0x20, 0x80):
                spoiled = bytearray(data)
                spoiled[at] ^= mask
                with pytest.raises(EvidenceError):
                    read(bytes(spoiled))
        for cut in range(len(data)):
            with pytest.raises(EvidenceError):
                read(data[:cut])


def resigned(data: bytes, old: bytes, new: bytes, key: SoftwareKey, namespace: str) -> bytes:
    """A document that says something else, with a good signature."""
    line = data.partition(b"\n")[0].replace(old, new) + b"\n"
    assert line not in data
    return line + sshsig.sign(key, namespace, line).encode()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"v":2', b'"v":1', "version"),
        (b'"v":2', b'"v":"2"', "v is not"),
        (b'"cam07"', b'"../x"', "device"),
        (b'"software"', b'"somewhere"', "storage"),
        (b'"ed25519"', b'"es256"', "algorithm"),
        (b'"ed25519"', b'"rsa"', "alg"),
        (b"AAAAC3", b"AAAAC4", "public key"),
        (b'"device"', b'"divice"', "keys"),
    ],
)
def test_signed_nonsense_is_refused(old: bytes, new: bytes, why: str) -> None:
    request = make_request("cam07", DEVICE, "software")
    with pytest.raises(EvidenceError, match=why):
        read_request(resigned(request, old, new, DEVICE, REQUEST_NAMESPACE))


def test_one_recipient_is_too_few() -> None:
    request = read_request(make_request("cam07", DEVICE, "software"))
    with pytest.raises(LineError, match="recipients"):
        make_bundle(request, "utrecht", OTHER, RECIPIENTS.split()[:1])


def test_a_request_is_no_bundle() -> None:
    request = make_request("cam07", DEVICE, "software")
    with pytest.raises(LineError):
        read_bundle(request)
    bundle = make_bundle(read_request(request), "utrecht", OTHER, RECIPIENTS.split())
    with pytest.raises(LineError):
        read_request(bundle)
    line = bundle.partition(b"\n")[0] + b"\n"
    with pytest.raises(SignatureError):  # the right key for another purpose
        read_bundle(line + sshsig.sign(OTHER, REQUEST_NAMESPACE, line).encode())


def test_what_is_long_is_not_read() -> None:
    with pytest.raises(EvidenceError, match="longer than"):
        read_request(b"x" * (MAX_BYTES + 1))
    with pytest.raises(EvidenceError, match="longer than"):
        read_request(encode({"v": 1}) + b"\n" + b"x" * MAX_BYTES)


# ---- the key for the network ---------------------------------------------------------------------

TLS = SoftwareKey.from_seed(b"t" * 32, "es256").public
PAPERS = Papers(b"certificate", b"authority")


def test_a_request_names_the_key_for_the_network_and_the_bundle_certifies_it() -> None:
    request = read_request(make_request("cam07", DEVICE, "software", TLS))
    assert request.tls == TLS
    bundle = make_bundle(request, "utrecht", OTHER, RECIPIENTS.split(), PAPERS)
    assert read_bundle(bundle).papers == PAPERS
    without = read_request(make_request("cam07", DEVICE, "software"))
    assert without.tls is None
    assert read_bundle(make_bundle(without, "utrecht", OTHER, RECIPIENTS.split())).papers is None


def test_the_key_for_the_network_is_never_the_device_key_nor_of_another_kind() -> None:
    with pytest.raises(LineError, match="is the device key"):
        read_request(make_request("cam07", CHIP, "hardware", CHIP.public))
    with pytest.raises(LineError, match="not on P-256"):
        read_request(make_request("cam07", DEVICE, "software", OTHER.public))


@pytest.mark.parametrize("papers", [Papers(b"x", b""), Papers(b"", b"x")])
def test_half_of_the_papers_is_none(papers: Papers) -> None:
    request = read_request(make_request("cam07", DEVICE, "software", TLS))
    with pytest.raises(LineError, match="missing"):
        read_bundle(make_bundle(request, "utrecht", OTHER, RECIPIENTS.split(), papers))
