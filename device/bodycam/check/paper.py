"""What can be told without the camera's hardware: policy, enrolment, card, clock, network."""

import os
from collections.abc import Iterator
from pathlib import Path

from bodycam import enrolled
from bodycam.check.findings import Finding, find
from bodycam.config import MIB, Config, load_policy
from bodycam.errors import ConfigError
from bodycam.evidence.age import X25519
from bodycam.pi.body import make_clock
from bodycam.posix.card import PosixCard
from bodycam.recorder.assembly import make_sealer, nominal_bytes, reserve_bytes

_SOURCES = {"ntp": "set from the network", "rtc": "set from the clock module"}


def look(config: Config) -> Iterator[Finding]:
    """Look at one part after the other; nothing is changed."""
    yield find("policy", lambda: _policy(config))
    yield find("enrolment", lambda: _enrolment(config))
    yield find("card", lambda: _card(config))
    yield find("clock", lambda: _clock(config))
    if config.link.host and not config.link.plaintext:
        yield find("network", lambda: _network(config))


def _policy(config: Config) -> str:
    policy = load_policy(config)
    keep = policy.keep
    return (
        f"{policy.name}: warns {policy.warning.lead_s:g} s before recording, keeps "
        f"{keep.pre_record_s:g} s from before the press, needs "
        f"{-(-policy.budget_bytes // MIB)} MiB of memory"
    )


def _enrolment(config: Config) -> str:
    owner = enrolled.owner(config)
    sealer = make_sealer(load_policy(config), owner, os.urandom)
    kind = "" if sealer.kind == X25519 else f" with {sealer.kind} keys"
    by = f", by configuration {owner.config_version}" if owner.config_version else ""
    return f"{owner.device}, sealed to {len(owner.recipients)} recipients{kind}{by}"


def _card(config: Config) -> str:
    free = PosixCard(Path(config.paths.card)).free_bytes()
    policy = load_policy(config)
    minutes = max(0, free - reserve_bytes(policy)) // nominal_bytes(policy, 60_000_000_000)
    if not minutes:
        raise ConfigError(
            f"{config.paths.card}: no room for footage.", do="Hand recordings over to the station."
        )
    return f"room for {minutes} minutes of footage"


def _network(config: Config) -> str:
    until = enrolled.certified_until(config)
    link = config.link
    return f"reports to {link.host}:{link.port}, certified until {until:%Y-%m-%d}"


def _clock(config: Config) -> str:
    source = make_clock(config.fittings).wall().source
    if source not in _SOURCES:
        raise ConfigError(
            "The clock has not been set since the camera was switched on.",
            do="Put it into its dock, or check the network time service.",
        )
    return _SOURCES[source]
