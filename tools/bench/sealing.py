"""What the kind of keys costs: sealing a GOP to two recipients, in time and in bytes."""

import os
import time

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from tools.bench.serving import Told

from bodycam.evidence import bech32
from bodycam.evidence.age import POST_QUANTUM, X25519, Sealer

GOP_BYTES = 1_000_000
"""Of a second at 8 Mbit/s."""


def seal(objects: str) -> Told:
    """By kind: ms for each of so many objects, in turn, and the bytes that one has more."""
    sealers = {kind: Sealer(_recipients(kind), os.urandom) for kind in (X25519, POST_QUANTUM)}
    gop = os.urandom(GOP_BYTES)
    took_ms: dict[str, list[float]] = {kind: [] for kind in sealers}
    more: dict[str, int] = {}
    for _ in range(int(objects)):
        for kind, sealer in sealers.items():
            began_ns = time.perf_counter_ns()
            sealed = sealer.seal([gop])
            took_ms[kind].append((time.perf_counter_ns() - began_ns) / 1e6)
            more[kind] = len(sealed) - GOP_BYTES
    return {"ms": took_ms, "bytes": more}


def _recipients(kind: str) -> list[str]:
    """Two that nobody has the secret keys of."""
    found = []
    for _ in range(2):
        public = X25519PrivateKey.generate().public_key().public_bytes_raw()
        if kind == POST_QUANTUM:
            public = MLKEM768PrivateKey.generate().public_key().public_bytes_raw() + public
        found.append(bech32.encode("age" if kind == X25519 else "age1pq", public))
    return found
