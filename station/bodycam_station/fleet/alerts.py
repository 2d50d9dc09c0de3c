"""When a finding becomes an alert, and when that is over: pure. Flapping is one alert."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bodycam_station.fleet.findings import FINDINGS
from bodycam_station.fleet.settings import Settings

Key = tuple[str, str, str]
"""Camera, code, detail."""

MAX_TRIES = 10
_FIRST_MS, _MOST_MS = 10_000, 3_600_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What to tell now."""

    raised: tuple[Key, ...]
    over: tuple[Key, ...]


def decide(
    active: Collection[Key],
    lasting: Mapping[Key, int],
    cleared: Mapping[Key, int],
    now_ms: int,
    settings: Settings,
) -> Decision:
    """Which alerts begin and end.

    `lasting` has the findings that last and nobody has acknowledged, since when; `cleared` when
    those of the active alerts ended last. A finding that only a person can end is told at once.
    """
    raised = [
        key
        for key, since_ms in lasting.items()
        if key not in active
        and FINDINGS[key[1]].alert
        and (
            FINDINGS[key[1]].until_acknowledged
            or now_ms - since_ms >= settings.alert_after_s * 1000
        )
    ]
    over = [
        key
        for key in active
        if key in cleared and now_ms - cleared[key] >= settings.alert_over_s * 1000
    ]
    return Decision(tuple(sorted(raised)), tuple(sorted(over)))


def next_try_ms(tries: int, now_ms: int) -> int | None:
    """When to try again after so many tries; None: give up."""
    if tries >= MAX_TRIES:
        return None
    return now_ms + min(_FIRST_MS << (tries - 1), _MOST_MS)
