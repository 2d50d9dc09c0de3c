from pathlib import Path

import pytest

from films import write_film


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """The film of films.py."""
    write_film(tmp_path / "film.mp4")
    return tmp_path / "film.mp4"
