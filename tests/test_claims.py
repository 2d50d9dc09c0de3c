"""What a page claims is held by a test that is there."""

from pathlib import Path

import pytest
from tools.claims import missing, named, section

HOUSE = Path(__file__).parents[1]
PAGES = ["docs/threats.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    text = (HOUSE / page).read_text()
    assert len(named(text)) > 20
    assert missing(text) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_claim_of_a_page_names_what_holds_it(page: str) -> None:
    claims = [line for line in (HOUSE / page).read_text().splitlines() if line.startswith("| no")]
    assert len(claims) > 20
    assert [line for line in claims if not named(line)] == []


def test_a_test_that_is_not_there_is_noticed() -> None:
    text = "`tests/test_claims.py::test_nowhere` `tests/nowhere.py::test_a`"
    assert missing(text) == ["tests/test_claims.py::test_nowhere", "tests/nowhere.py::test_a"]


def test_a_section_is_found_by_a_word_of_its_heading() -> None:
    text = "# Page\n\n## The finder\na\n## The thief\nb\n"
    assert section(text, "thief") == "## The thief\nb\n"
    assert section(text, "") == text
