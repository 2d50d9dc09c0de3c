"""The table of what a fleet manager is told: whole, and in step with what cameras can say."""

from bodycam.messages.camera import FAULT as FAULT_NAME
from bodycam.messages.camera import RECORDER_SILENT
from bodycam.rules.events import Fault
from bodycam.rules.faults import FAULTS as CAMERA_FAULTS
from bodycam_station.fleet.findings import (
    FAULT,
    FAULTS,
    FINDINGS,
    SEVERITIES,
    bars,
    severity,
)


def test_every_fault_of_a_camera_has_its_severity() -> None:
    assert set(FAULTS) == {fault.value for fault in Fault} | {RECORDER_SILENT}
    assert bars(FAULT, RECORDER_SILENT)


def test_a_camera_that_cannot_record_or_see_cannot_go_out() -> None:
    hopeless = {f.value for f, row in CAMERA_FAULTS.items() if row.bars or row.blind}
    assert hopeless
    assert all(bars(FAULT, name) for name in hopeless)


def test_a_fault_that_is_not_known_is_a_warning_and_holds_nobody_up() -> None:
    assert (severity(FAULT, "new-in-2031"), bars(FAULT, "new-in-2031")) == ("warning", False)


def test_every_severity_is_one_of_three_and_every_code_is_a_word() -> None:
    said = [row.severity for row in FINDINGS.values()] + [grade for grade, _ in FAULTS.values()]
    assert set(said) == set(SEVERITIES)
    assert [code for code in FINDINGS if FAULT_NAME.fault(code)] == []
