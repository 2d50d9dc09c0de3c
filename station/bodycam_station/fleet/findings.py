"""What a fleet manager is told of a camera: one row a finding. The texts belong to the board.

A finding is an exception from a camera that can go out. Text keys are `finding.CODE` and `do.DO`;
`values` names what the texts may put in.
"""

from dataclasses import dataclass

from bodycam.messages.camera import RECORDER_SILENT

GRAVE, WARNING, NOTICE = "grave", "warning", "notice"
SEVERITIES = (GRAVE, WARNING, NOTICE)
"""The gravest first: the order in which findings are shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a finding means."""

    severity: str
    bars: bool
    """The camera cannot go out while it lasts."""
    do: str
    """Key of what to do."""
    values: tuple[str, ...] = ()
    """Names of what a text about it may put in."""
    alert: bool = True
    """It is told to the web hook, once it has lasted."""
    until_acknowledged: bool = False
    """It happened, and stands until a person has looked at it."""


MISSING = "missing"
LOST = "lost"
HANDOVER = "handover"
DOCK_TEST = "dock-test"
WILL_NOT_LAST = "will-not-last"
CLOCK = "clock"
KEY = "key"
RECIPIENTS = "recipients"
POLICY = "policy"
SOFTWARE = "software"
CONFIGURATION = "configuration"
FAULT = "fault"
ROLLBACK = "custody-rollback"
FORK = "custody-fork"
FORGED = "custody-forged"
GAP_NUMBER = "custody-gap-number"
GAP_OPEN = "custody-gap-open"
GAP_GONE = "custody-gap-gone"

FINDINGS: dict[str, Row] = {
    ROLLBACK: Row(GRAVE, True, "secure-card", ("seq", "known"), until_acknowledged=True),
    FORK: Row(GRAVE, True, "secure-card", ("seq",), until_acknowledged=True),
    FORGED: Row(GRAVE, True, "secure-card", ("seq",), until_acknowledged=True),
    GAP_GONE: Row(GRAVE, False, "find-recording", ("rec",)),
    GAP_OPEN: Row(WARNING, False, "import-card", ("rec",)),
    GAP_NUMBER: Row(WARNING, False, "import-card", ("number",)),
    KEY: Row(GRAVE, True, "enrol-again", ("is", "expected")),
    RECIPIENTS: Row(GRAVE, True, "enrol-again", ("is", "expected")),
    MISSING: Row(GRAVE, True, "find-camera"),
    LOST: Row(WARNING, True, "look-at-camera"),
    FAULT: Row(WARNING, False, "see-fault", ("fault",)),
    DOCK_TEST: Row(GRAVE, True, "test-again"),
    WILL_NOT_LAST: Row(WARNING, True, "charge", ("percent", "minutes", "shift_minutes")),
    HANDOVER: Row(WARNING, False, "hand-over", ("waiting",)),
    CLOCK: Row(WARNING, False, "set-clock", ("source", "off_s")),
    POLICY: Row(WARNING, False, "send-configuration", ("is", "expected")),
    CONFIGURATION: Row(NOTICE, False, "wait-standby", ("is", "expected"), alert=False),
    SOFTWARE: Row(NOTICE, False, "upgrade", ("is", "expected"), alert=False),
}
"""By code; a FAULT's severity, and whether it bars, stand in FAULTS.

`custody-rollback`: the card shows an older state than one seen before. `custody-fork`: it shows
another history. `custody-forged`: a line that the camera's key did not sign. `custody-gap-…`: a
recording was never heard of (number), was begun and never ended (open), or is no longer on the
camera and was never handed over (gone).
"""

FAULTS: dict[str, tuple[str, bool]] = {
    "camera-stalled": (GRAVE, True),
    "no-room": (GRAVE, True),
    "card-failed": (GRAVE, True),
    "card-stuck": (WARNING, False),
    "footage-dropped": (WARNING, False),
    "sound-lost": (WARNING, False),
    "speaker-dead": (GRAVE, True),
    "buzzer-dead": (WARNING, False),
    "light-dead": (GRAVE, True),
    "warning-failed": (GRAVE, True),
    "button-stuck": (GRAVE, True),
    "clock-unsynchronised": (NOTICE, False),
    "battery-low": (WARNING, False),
    "battery-critical": (GRAVE, True),
    "room-low": (NOTICE, False),
    "room-very-low": (WARNING, True),
    "button-broken": (GRAVE, True),
    "gauge-dead": (WARNING, True),
    "power-weak": (WARNING, False),
    "too-hot": (WARNING, False),
    "card-worn": (WARNING, False),
    "card-restored": (GRAVE, True),
    "clock-dead": (WARNING, False),
    "clock-stepped": (WARNING, False),
    "memory-dead": (WARNING, False),
    "lens-covered": (WARNING, False),
    "lens-dark": (NOTICE, False),
    "lens-upside-down": (WARNING, False),
    RECORDER_SILENT: (GRAVE, True),
}
"""Severity of a camera's faults, and whether one that has it can go out."""

UNKNOWN_FAULT = (WARNING, False)
"""Of a fault that this table does not know: a newer camera may say it."""


def severity(code: str, detail: str) -> str:
    """How grave a finding is; `detail` is a fault's name."""
    if code == FAULT:
        return FAULTS.get(detail, UNKNOWN_FAULT)[0]
    return FINDINGS[code].severity


def bars(code: str, detail: str) -> bool:
    """Whether a camera cannot go out while it lasts."""
    if code == FAULT:
        return FAULTS.get(detail, UNKNOWN_FAULT)[1]
    return FINDINGS[code].bars
