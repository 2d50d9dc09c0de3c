"""CSV: read back as it was, and nothing in it computes."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam_station.board.sheet import Cell, as_csv


def back(data: bytes) -> list[list[str]]:
    text = data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1",
        "=HYPERLINK(\"http://x\",\"y\")", "＝1", "＋1", "－1", "＠x",
    ],
)  # fmt: skip
def test_a_formula_becomes_text(cell: str) -> None:
    assert back(as_csv(["head"], [[cell]]))[1] == [f"'{cell}"]


def test_text_and_numbers_stay_as_they_are() -> None:
    row: list[Cell] = ["cam07", "Zuid, „oost“", 'a "quote"', "a\nline", -5, 3.5, None]
    assert back(as_csv(["a"], [row]))[1] == [
        *("cam07", "Zuid, „oost“", 'a "quote"', "a\nline", "-5", "3.5", ""),
    ]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_whatever_was_typed_comes_back_or_has_one_apostrophe(cell: str) -> None:
    found = back(as_csv(["head"], [["before", cell, "after"]]))[1]
    assert found[0] == "before"
    assert found[2] == "after"
    assert found[1] in (cell, f"'{cell}")
    assert not found[1].lstrip().startswith(("=", "+", "-", "@"))
