"""From what is known of a camera to what a fleet manager is shown. Pure: `now` is passed in.

First comes the state, then what is wrong, then whether the camera can go out: a camera is missing
if it has not been heard for too long, cannot go out if something bars it, and can otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bodycam.messages.camera import Info, Status
from bodycam_station.fleet import findings
from bodycam_station.fleet.findings import FINDINGS, SEVERITIES
from bodycam_station.fleet.known import Known
from bodycam_station.fleet.settings import Settings
from bodycam_station.fleet.views import (
    CAN,
    CANNOT,
    DOCKED,
    GONE,
    LOST,
    NEVER,
    OFFLINE,
    STALE,
    CameraRow,
    Finding,
)

INTERVAL_S = 60
"""Of a camera that has not said its own."""
_FAR_MS = 2**62


@dataclass(frozen=True, slots=True)
class Expected:
    """What a camera should have, as the station knows it; empty: anything."""

    key: str = ""
    """SHA-256 of the device key."""
    recipients: str = ""
    config_version: int | None = None
    """Of the configuration that was last sent; None: none was."""


@dataclass(frozen=True, slots=True)
class Ears:
    """How the station itself hears: what it could not hear is no camera's fault."""

    since_ms: int = 0
    """Connected to the broker since then."""
    until_ms: int | None = None
    """Not connected any more since then."""


@dataclass(frozen=True, slots=True)
class Subject:
    """All that is known of a camera when it is judged."""

    known: Known
    info: Info | None
    status: Status | None
    expected: Expected
    group: str = ""
    enrolled_ms: int = 0
    drain: float | None = None
    """Percent of charge an hour, over the last weeks; None: not known."""
    open: tuple[Finding, ...] = ()
    """Findings that are written down and last."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong now."""

    code: str
    detail: str = ""
    since_ms: int | None = None
    """None: since it was first seen."""
    values: Mapping[str, str | int] = field(default_factory=dict)


JUDGED = frozenset(
    {
        *(findings.MISSING, findings.LOST, findings.DOCK_TEST, findings.WILL_NOT_LAST),
        *(findings.CLOCK, findings.KEY, findings.RECIPIENTS, findings.POLICY),
        *(findings.SOFTWARE, findings.CONFIGURATION, findings.FAULT),
    }
)
"""Codes that come and go with what `conditions` finds; the others are of the witness."""


def state_of(subject: Subject, now_ms: int, ears: Ears, settings: Settings) -> tuple[str, int]:
    """The state that is shown, and since when."""
    known = subject.known
    state, since_ms = known.state, known.state_ms
    if state == NEVER:
        return NEVER, subject.enrolled_ms
    if state == LOST:
        if now_ms - since_ms >= settings.lost_grace_s * 1000:
            return LOST, since_ms
        state = known.before
        if state in (NEVER, LOST):
            return LOST, since_ms
    if state == OFFLINE:
        return OFFLINE, since_ms
    interval_s = subject.info.interval_s if subject.info else INTERVAL_S
    patience_ms = int(interval_s * settings.stale_intervals * 1000)
    seen_ms = max(known.status_ms or since_ms, ears.since_ms)
    if (ears.until_ms or now_ms) - seen_ms > patience_ms:
        return STALE, seen_ms + patience_ms
    return state, since_ms


def fresh_until_ms(subject: Subject, now_ms: int, ears: Ears, settings: Settings) -> int:
    """Before this moment the camera is shown as it is shown now, unless it says something.

    It may be too early, never too late: a fleet of thousands is not judged anew every second.
    """
    known = subject.known
    interval_s = subject.info.interval_s if subject.info else INTERVAL_S
    patience_ms = int(interval_s * settings.stale_intervals * 1000)
    lost_ms, offline_ms = (
        minutes * 60_000
        for minutes in (settings.lost_missing_minutes, settings.offline_missing_minutes)
    )
    heard_ms = known.heard_ms or known.state_ms
    moments = (
        known.state_ms + settings.lost_grace_s * 1000,
        max(known.status_ms or known.state_ms, ears.since_ms) + patience_ms + 1,
        heard_ms + lost_ms + 1,
        max(heard_ms, ears.since_ms) + lost_ms + 1,
        heard_ms + offline_ms + 1,
    )
    return min((moment for moment in moments if moment > now_ms), default=_FAR_MS)


def lasts_minutes(subject: Subject, settings: Settings) -> int | None:
    """How long the charge lasts at this camera's usual use."""
    percent = subject.known.battery_percent
    if percent is None:
        return None
    if subject.drain is None or subject.drain <= 0:
        return percent * settings.full_charge_minutes // 100
    return int(percent / subject.drain * 60)


def conditions(
    subject: Subject, state: str, now_ms: int, ears: Ears, settings: Settings
) -> list[Condition]:
    """What is wrong with a camera now, but for custody and hand-over."""
    found = [*_whereabouts(subject, state, now_ms, ears, settings)]
    info, status, expected = subject.info, subject.status, subject.expected
    if info is not None:
        for code, said, wanted in (
            (findings.KEY, info.key, expected.key),
            (findings.RECIPIENTS, info.recipients, expected.recipients),
            (findings.POLICY, info.policy, settings.expect_policy),
            (findings.SOFTWARE, info.software, settings.expect_software),
        ):
            if wanted and said != wanted:
                found.append(Condition(code, values={"is": said, "expected": wanted}))
    if status is None:
        return found
    if expected.config_version is not None and status.config_version != expected.config_version:
        values = {"is": status.config_version, "expected": expected.config_version}
        found.append(Condition(findings.CONFIGURATION, values=values))
    found += [
        Condition(findings.FAULT, name, values={"fault": name}) for name in sorted(status.faults)
    ]
    if status.dock_test == "failed":
        found.append(Condition(findings.DOCK_TEST))
    found += _clock(subject, status, settings)
    # On the street nobody can charge it: there the camera's own battery faults speak.
    minutes = lasts_minutes(subject, settings)
    at_rest = subject.known.state in (DOCKED, OFFLINE)
    if at_rest and minutes is not None and minutes < settings.shift_minutes:
        values = {
            "percent": subject.known.battery_percent or 0,
            "minutes": minutes,
            "shift_minutes": settings.shift_minutes,
        }
        found.append(Condition(findings.WILL_NOT_LAST, values=values))
    return found


def _whereabouts(
    subject: Subject, state: str, now_ms: int, ears: Ears, settings: Settings
) -> Iterable[Condition]:
    known = subject.known
    if state == NEVER:
        yield Condition(findings.MISSING, since_ms=subject.enrolled_ms)
        return
    if state not in (STALE, LOST, OFFLINE):
        return
    heard_ms = known.heard_ms or known.state_ms
    unheard_ms = (ears.until_ms or now_ms) - max(heard_ms, ears.since_ms if state == STALE else 0)
    minutes = (
        settings.offline_missing_minutes if state == OFFLINE else settings.lost_missing_minutes
    )
    if unheard_ms > minutes * 60_000:
        yield Condition(findings.MISSING, since_ms=heard_ms)
    elif state == LOST:
        yield Condition(findings.LOST, since_ms=known.state_ms)


def _clock(subject: Subject, status: Status, settings: Settings) -> Iterable[Condition]:
    most_ms = settings.clock_most_s * 1000
    off_ms = subject.known.clock_off_ms
    doubtful = status.clock_error_ms is not None and status.clock_error_ms > most_ms
    off = off_ms is not None and abs(off_ms) > most_ms
    if status.clock == "none" or doubtful or off:
        values: dict[str, str | int] = {"source": status.clock}
        if off_ms is not None:
            values["off_s"] = round(off_ms / 1000)
        yield Condition(findings.CLOCK, values=values)


def found_in(subject: Subject, now: Sequence[Condition], now_ms: int) -> tuple[Finding, ...]:
    """All findings of a camera, the gravest first: what is wrong now, and what custody knows."""
    written = {(one.code, one.detail): one for one in subject.open}
    found = [one for one in subject.open if one.code not in JUDGED]
    for one in now:
        known = written.get((one.code, one.detail))
        since_ms = one.since_ms
        if since_ms is None:
            since_ms = known.since_ms if known else now_ms
        found.append(
            Finding(
                id=known.id if known else 0,
                camera=subject.known.device,
                code=one.code,
                detail=one.detail,
                severity=findings.severity(one.code, one.detail),
                bars=findings.bars(one.code, one.detail),
                since_ms=since_ms,
                do=FINDINGS[one.code].do,
                values=one.values,
                acknowledged=known.acknowledged if known else None,
            )
        )
    return tuple(sorted(found, key=order))


def order(finding: Finding) -> tuple[bool, int, int, str, str, str]:
    """Findings as they are listed: the gravest and oldest first, what was acknowledged last."""
    return (
        finding.acknowledged is not None,
        SEVERITIES.index(finding.severity),
        finding.since_ms,
        finding.camera,
        finding.code,
        finding.detail,
    )


def fitness(found: Sequence[Finding]) -> str:
    """Whether a camera with these findings can go out."""
    if any(one.code == findings.MISSING for one in found):
        return GONE
    return CANNOT if any(one.bars for one in found) else CAN


def row_of(subject: Subject, now_ms: int, ears: Ears, settings: Settings) -> CameraRow:
    """A camera as it is shown."""
    known, info, status = subject.known, subject.info, subject.status
    state, since_ms = state_of(subject, now_ms, ears, settings)
    found = found_in(subject, conditions(subject, state, now_ms, ears, settings), now_ms)
    row = {}
    if status is not None:
        row = {
            "room_minutes": status.room_minutes,
            "waiting": status.waiting,
            "temperature_c": status.temperature_c,
            "radio_dbm": status.radio_dbm,
        }
    return CameraRow(
        id=known.device,
        group=subject.group,
        state=state,
        since_ms=since_ms,
        heard_ms=known.heard_ms,
        fitness=fitness(found),
        findings=found,
        # What was said before it went is no news of what it does now.
        recording=bool(status and status.recording and state not in (LOST, OFFLINE, NEVER)),
        battery_percent=known.battery_percent,
        charging=known.charging,
        lasts_minutes=lasts_minutes(subject, settings),
        clock=status.clock if status else "none",
        clock_off_ms=known.clock_off_ms,
        model=info.model if info else "",
        software=info.software if info else "",
        interval_s=info.interval_s if info else None,
        capabilities=info.capabilities if info else (),
        **row,
    )
