from collections.abc import Callable
from pathlib import Path

import pytest

from films import write_film
from scenarios import Shift, play, shared_folder


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """The film of films.py."""
    write_film(tmp_path / "film.mp4")
    return tmp_path / "film.mp4"


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Shift]:
    """Plays a scenario of the house, once in a test run."""
    shared = shared_folder(tmp_path_factory)
    return lambda name: play(name, shared)
