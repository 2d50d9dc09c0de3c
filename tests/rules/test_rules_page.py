"""docs/rules.md says what the tables say."""

from pathlib import Path

import pytest
from tools import draw_rules

from bodycam.rules.model import State, Trigger
from bodycam.rules.table import TABLE


def test_the_page_is_drawn_from_the_tables() -> None:
    kept = draw_rules.PAGE.read_text()
    assert kept == draw_rules.page(kept), "run python tools/draw_rules.py --write"


def test_every_drawing_is_on_the_page() -> None:
    text = draw_rules.PAGE.read_text()
    assert [text.count(f"<!-- drawn: {name} -->") for name in draw_rules.DRAWN] == [1] * 8


def test_every_transition_is_in_the_diagram() -> None:
    drawn = draw_rules.diagram()
    for state, row in TABLE.items():
        for trigger, cell in row.items():
            if cell is not None and cell.to not in (None, State.OFF):
                assert any(
                    line.startswith(f"    {state.name.lower()} --> {cell.to.name.lower()}: ")
                    and trigger.value in line
                    for line in drawn.splitlines()
                )


def test_every_cell_says_what_it_does() -> None:
    told = draw_rules.cells()
    for trigger in Trigger:
        assert f"| {trigger.value} | " in told
    assert "|  |" not in told.replace("|  |\n", "|\n")


def test_a_stale_part_is_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "rules.md"
    page.write_text("before\n<!-- drawn: gauges -->\nold\n<!-- end -->\nafter\n")
    monkeypatch.setattr(draw_rules, "PAGE", page)
    monkeypatch.setattr("sys.argv", ["draw_rules.py", "--write"])
    assert draw_rules.main() == 0
    assert page.read_text() == (
        f"before\n<!-- drawn: gauges -->\n\n{draw_rules.gauges()}\n\n<!-- end -->\nafter\n"
    )


def test_the_tool_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["draw_rules.py"])
    assert draw_rules.main() == 0
    assert capsys.readouterr().out == draw_rules.PAGE.read_text()
    monkeypatch.setattr("sys.argv", ["draw_rules.py", "--wrong"])
    assert draw_rules.main() == 1
    assert "usage" in capsys.readouterr().out
