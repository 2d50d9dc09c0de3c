"""A board for each test that changes it, and one for all that only look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser

from board.served import Served, Stage, served
from bodycam_station.board import passwords
from browser import chromium


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The server."""
    one = Stage()
    yield one
    one.close()


@pytest.fixture
def board(stage: Stage, tmp_path: Path) -> Iterator[Served]:
    """A board of one's own."""
    with served(stage, tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def shared(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A board that this file's tests share: they leave it as it was."""
    with served(stage, tmp_path_factory.mktemp("board")) as one:
        yield one


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One for all: there cannot be a second one in a process."""
    with chromium() as one:
        yield one


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Hashing that is to be slow is quick here; test_log_in.py holds the real one to its cost."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_hasher", hasher)
        patch.setattr(passwords, "_NOBODY", hasher.hash("nobody has this password"))
        yield
