"""Keys and a small ledger that the tests of this room share. Nothing here is random."""

import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bodycam.evidence import bech32
from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.ledger import Ledger, rec_id

DEVICE = SoftwareKey.from_seed(b"device" + bytes(26))
OTHER = SoftwareKey.from_seed(b"other" + bytes(27))
CHIP = SoftwareKey.from_seed(b"device" + bytes(26), "es256")
SEED = b"recording" + bytes(23)
REC = rec_id("cam07", 42, bytes.fromhex("9f3c21d8"))
KIND_OF = {"w": "warning", "i": "init", "s": "segment", "n": "note"}
POLICY = hashlib.sha256(b"policy").hexdigest()
JOURNAL = hashlib.sha256(b"journal").hexdigest()


def stream(seed: str) -> Callable[[int], bytes]:
    """A source of bytes that differ at every call and are the same in every run."""
    calls = 0

    def random(count: int) -> bytes:
        nonlocal calls
        calls += 1
        return hashlib.shake_256(f"{seed} {calls}".encode()).digest(count)

    return random


def identity(name: str) -> tuple[str, str]:
    """The secret and the public text of an age key pair."""
    secret = hashlib.sha256(name.encode()).digest()
    public = X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    return bech32.encode("AGE-SECRET-KEY-", secret), bech32.encode("age", public)


RECIPIENTS = " ".join(sorted(identity(name)[1] for name in ("station", "escrow")))


def opened(
    *,
    rec: str = REC,
    device_id: str = "cam07",
    device_key: SoftwareKey = DEVICE,
    recipients: str = RECIPIENTS,
    policy_sha256: str = POLICY,
    seed: bytes = SEED,
) -> tuple[Ledger, bytes]:
    """A ledger that has just been opened, and its line 0."""
    return Ledger.open(
        rec=rec,
        device_id=device_id,
        device_key=device_key,
        recipients=recipients,
        policy_sha256=policy_sha256,
        journal_sha256=JOURNAL,
        seed=seed,
    )


def lines(
    kinds: str, *, seed: bytes = SEED, device_key: SoftwareKey = DEVICE, close: bool = False
) -> list[bytes]:
    """A ledger with one object for each letter of `kinds`: w, i, s, n."""
    ledger, line = opened(seed=seed, device_key=device_key)
    result = [line]
    for number, letter in enumerate(kinds):
        sha256 = hashlib.sha256(seed + bytes([number])).hexdigest()
        result.append(ledger.object(KIND_OF[letter], 1000 + number, sha256))
    if close:
        result.append(ledger.close())
    return result
