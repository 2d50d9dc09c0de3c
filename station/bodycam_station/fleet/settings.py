"""What a municipality sets for its fleet, in `fleet.toml` in the station's folder. All optional.

A key that is not known, or out of its range, is refused with its name: nothing is guessed.
"""

import tomllib
from dataclasses import dataclass, field, fields
from typing import Any

from bodycam.errors import ConfigError

FILE = "fleet.toml"


def within(least: float, most: float, default: float) -> Any:
    """A number of that range."""
    return field(default=default, metadata={"range": (least, most)})


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is a key of the file."""

    shift_minutes: int = within(30, 1440, 480)
    """A charge has to last so long."""
    full_charge_minutes: int = within(30, 2880, 600)
    """What a full charge is taken to last, of a camera whose use is not known yet."""
    stale_intervals: float = within(1.5, 20, 2.5)
    """A camera is stale after so many intervals without a status."""
    lost_grace_s: int = within(0, 300, 10)
    """A loss shows after so long: another connection of the same camera may take over."""
    lost_missing_minutes: int = within(1, 10080, 60)
    """A camera that went without a word is missing after so long."""
    offline_missing_minutes: int = within(1, 10080, 960)
    """One that said that it goes off is missing after so long."""
    handover_hours: int = within(1, 720, 24)
    """Footage is to be handed over within."""
    clock_most_s: int = within(1, 3600, 30)
    """A camera's clock may be off by so much."""
    expect_software: str = ""
    """The version that cameras should have; empty: any."""
    expect_policy: str = ""
    """SHA-256 of the policy that cameras should have; empty: any."""
    minutes_days: int = within(1, 60, 3)
    """The history keeps its minutes for so long,"""
    hours_days: int = within(7, 800, 90)
    """its hours,"""
    days_days: int = within(30, 4000, 800)
    """and its days."""
    moments_days: int = within(7, 4000, 90)
    """Events, states, findings that ended and commands are kept for so long."""
    alert_after_s: int = within(0, 3600, 60)
    """A finding is alerted when it has lasted for so long,"""
    alert_over_s: int = within(0, 7200, 300)
    """and is over when it has not come back for so long."""
    hook_url: str = ""
    """Where alerts are posted to; https, or http to this machine. Empty: nowhere."""
    hook_secret: str = ""
    """With which they are signed."""
    broker: str = "mqtt://127.0.0.1:1883"
    """mqtts://HOST:PORT; mqtt:// to this machine only."""
    broker_ca: str = ""
    """Files for mqtts, from the station's folder: whom to trust, and who we are."""
    broker_certificate: str = ""
    broker_key: str = ""
    broker_name: str = "bodycam-board"
    """Ours at the broker: the name in the certificate."""
    broker_share: str = ""
    """Stations that take messages in together give the same word here, and each another name."""
    database: str = ""
    """postgresql://…; empty: fleet.db in the station's folder."""


def read_settings(data: bytes) -> Settings:
    """Read `fleet.toml`; raises ConfigError that names the key and its range."""
    try:
        found = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{FILE} cannot be read: {error}.") from None
    known = {one.name: one for one in fields(Settings)}
    for name, value in found.items():
        if name not in known:
            raise ConfigError(
                f"{FILE} has a key that is not known: {name}.",
                do="Known are: " + ", ".join(known) + ".",
            )
        _check(name, value, known[name].metadata.get("range"), known[name].type is float)
    return Settings(**found)


def _check(name: str, value: object, bounds: tuple[float, float] | None, broken: bool) -> None:
    if bounds is None:
        if not isinstance(value, str):
            raise ConfigError(f"{FILE}: {name} must be text in quotes.")
        return
    whole = type(value) is int
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None or not (whole or broken) or not bounds[0] <= number <= bounds[1]:
        kind = "a number" if broken else "a whole number"
        raise ConfigError(f"{FILE}: {name} must be {kind} from {bounds[0]} to {bounds[1]}.")
