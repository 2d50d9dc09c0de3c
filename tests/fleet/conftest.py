"""Databases for the tests of the fleet: SQLite and PostgreSQL, both the real thing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bodycam_station.fleet.store import Store
from postgres import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL for all tests of a run."""
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database: every test that asks for it is run on both."""
    if request.param == "sqlite":
        return str(tmp_path / "fleet.db")
    url: str = request.getfixturevalue("postgres_url")
    return empty(url)


def empty(url: str) -> str:
    """The address of that PostgreSQL, with nothing left in it."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as db:
        db.execute(sa.text("DROP SCHEMA public CASCADE"))
        db.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return url


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    """An empty database, brought up to date."""
    opened = Store.open(address)
    yield opened
    opened.close()
