"""What a recorder refuses to be put together from; nothing is on the card then."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.backends.openssl import backend

from bodycam.errors import BodycamError, ConfigError, SealError
from bodycam.evidence.age import POST_QUANTUM, X25519
from bodycam.recorder.assembly import nominal_bytes, open_vault, reserve_bytes
from bodycam.recorder.writer import BATCH_GOPS
from bodycam.rules.policy import SealingPolicy
from recorder.desk import OWNER, POLICY, Desk, DeskClock
from recordings import recipient

NAMES = ("station", "escrow")
KEYS = {
    X25519: tuple(recipient(name) for name in NAMES),
    POST_QUANTUM: tuple(recipient(name, post_quantum=True) for name in NAMES),
}
KINDS = (X25519, POST_QUANTUM)


def start(card: Path, *, asks: str, has: tuple[str, ...]) -> None:
    open_vault(
        Desk(card).card(),
        replace(POLICY, sealing=SealingPolicy(asks)),
        replace(OWNER, recipients=has),
        clock=DeskClock(),
        random=os.urandom,
        boot="boot-1",
    )


def refused(card: Path, error: type[BodycamError], *, asks: str, has: tuple[str, ...]) -> str:
    with pytest.raises(error) as caught:
        start(card, asks=asks, has=has)
    assert [*card.iterdir()] == []
    return str(caught.value)


@pytest.mark.parametrize("asks", KINDS)
@pytest.mark.parametrize("has", KINDS)
def test_keys_of_the_kind_that_the_policy_asks_for_or_none(
    asks: str, has: str, tmp_path: Path
) -> None:
    if asks == has:
        start(tmp_path, asks=asks, has=KEYS[has])
        assert (tmp_path / "recordings").is_dir()
    else:
        said = refused(tmp_path, ConfigError, asks=asks, has=KEYS[has])
        assert f"asks for {asks} keys, and this camera was enrolled with {has} keys." in said


@pytest.mark.parametrize(("kbps", "keyframe_s"), [(100, 0.5), (4000, 1), (20_000, 4)])
def test_the_reserve_takes_a_batch_whatever_the_policy(kbps: int, keyframe_s: float) -> None:
    """Footage is refused when the reserve is left: what was begun before that has room in it."""
    video = replace(POLICY.video, bitrate_kbps=kbps, keyframe_interval_s=keyframe_s)
    policy = replace(POLICY, video=video)
    batch = nominal_bytes(policy, BATCH_GOPS * policy.keyframe_interval_ns)
    assert reserve_bytes(policy) >= max(32 << 20, 2 * batch + (16 << 20))


@pytest.mark.parametrize("asks", KINDS)
def test_keys_of_both_kinds_are_never_mixed(asks: str, tmp_path: Path) -> None:
    mixed = (KEYS[X25519][0], KEYS[POST_QUANTUM][1])
    assert "cannot be mixed" in refused(tmp_path, SealError, asks=asks, has=mixed)


def test_a_library_without_post_quantum_keys_ends_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "mlkem_supported", lambda: False)
    said = refused(tmp_path, SealError, asks=POST_QUANTUM, has=KEYS[POST_QUANTUM])
    assert said.endswith("has no post-quantum keys. Install cryptography 48 or later.")
