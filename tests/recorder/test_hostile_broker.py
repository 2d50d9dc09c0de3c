"""The wearer's contact is answered as fast as ever while a broker floods the link.

In its short form; `make bench ONLY=i` measures the difference exactly.
"""

from pathlib import Path

import pytest
from tools.bench.film import SMALL
from tools.bench.filming import make
from tools.bench.hostile import contact
from tools.bench.report import percentile

PRESSES = 100


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    made = make(SMALL, tmp_path_factory.mktemp("film"))
    return SMALL.name, str(made.path)


def test_a_flood_of_commands_does_not_delay_a_cue(film: tuple[str, str], tmp_path: Path) -> None:
    told = contact(*film, str(tmp_path / "card"), str(PRESSES), "hostile")
    assert len(told["ms"]) == PRESSES
    assert told["commands"] >= 100  # they come in batches, as fast as the link lets them
    assert percentile(told["ms"], 99) < 50
