"""docs/faults.md says what happens, and names for each fault a test in which it does."""

from pathlib import Path

import pytest
from tools import draw_faults
from tools.claims import missing, named

from bodycam.rules import events
from bodycam.rules.events import Fault
from bodycam.rules.faults import FAULTS
from bodycam_station.fleet import findings

TEXT = draw_faults.PAGE.read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells below a heading, without the table's head."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_page_is_drawn_from_the_rules() -> None:
    assert draw_faults.page(TEXT) == TEXT, "run python tools/draw_faults.py --write"


def test_every_fault_has_a_row_and_no_cell_is_empty() -> None:
    found = rows("Every fault")
    assert [row[0].split("**")[1] for row in found] == [fault.value for fault in Fault]
    for row in found:
        assert len(row) == 6
        assert all(row), row
        assert named(row[-1]), row


def test_every_misbehaviour_has_all_its_cells_and_a_test() -> None:
    found = [*rows("Cards that misbehave"), *rows("Processes that misbehave")]
    assert len(found) >= 14
    for row in found:
        assert len(row) == 5
        assert all(row), row
        assert named(row[-1]), row


def test_every_test_that_is_named_is_there() -> None:
    assert len(named(TEXT)) > 40
    assert missing(TEXT) == []


@pytest.mark.parametrize("fault", Fault)
def test_what_happens_is_in_evidence_and_journal_and_told_to_the_fleet(fault: Fault) -> None:
    """The columns that are the same for all of them."""
    kinds = [note.kind for note in draw_faults.kept(fault)]
    assert kinds[0] == "fault"
    assert "fault-cleared" in kinds
    logs = [e for e in draw_faults.in_standby(fault) if isinstance(e, events.Log)]
    assert (logs[0].kind, logs[0].details) == ("fault", (("fault", fault.value),))
    assert fault.value in findings.FAULTS
    # Whatever keeps footage from the card is felt as not recording where it is wanted.
    if FAULTS[fault].bars or FAULTS[fault].blind:
        assert "**not** recording" not in draw_faults.cue(draw_faults.in_a_recording(fault), "")
        assert "not recording" in draw_faults.cue(draw_faults.in_a_recording(fault), "")


def test_a_stale_page_is_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "faults.md"
    page.write_text("before\n<!-- drawn: faults -->\nold\n<!-- end -->\nafter\n")
    monkeypatch.setattr(draw_faults, "PAGE", page)
    monkeypatch.setattr("sys.argv", ["draw_faults.py", "--write"])
    assert draw_faults.main() == 0
    drawn = f"before\n<!-- drawn: faults -->\n\n{draw_faults.table()}\n\n<!-- end -->\nafter\n"
    assert page.read_text() == drawn
