"""Databases for the tests of the fleet: SQLite and PostgreSQL, both the real thing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bodycam_station.fleet.schema import METADATA
from bodycam_station.fleet.store import Store
from postgres import postgres

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL for all tests of a run."""
    with postgres() as url:
        yield url


@pytest.fixture(params=KINDS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database in which nothing is: every test that asks for it is run on both kinds."""
    if request.param == "sqlite":
        return str(tmp_path / "fleet.db")
    url: str = request.getfixturevalue("postgres_url")
    return empty(url)


def empty(url: str) -> str:
    """The address of that PostgreSQL, with nothing left in it."""
    engine = _engine(url)
    with engine.begin() as db:
        db.execute(sa.text("DROP SCHEMA public CASCADE"))
        db.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database that is up to date, to copy."""
    path = tmp_path_factory.mktemp("made") / "fleet.db"
    Store.open(path).close()
    return path


@pytest.fixture(scope="session")
def made_database(postgres_url: str) -> str:
    """The address of a PostgreSQL database that is up to date, to clear."""
    engine = _engine(postgres_url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(sa.text("CREATE DATABASE made"))
    engine.dispose()
    url = sa.make_url(postgres_url).set(database="made").render_as_string(hide_password=False)
    Store.open(url).close()
    return url


@pytest.fixture(params=KINDS)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database that is up to date and holds nothing: made once, which takes a while."""
    if request.param == "sqlite":
        made: Path = request.getfixturevalue("made_file")
        shutil.copy(made, tmp_path / "fleet.db")
        return str(tmp_path / "fleet.db")
    url: str = request.getfixturevalue("made_database")
    engine = _engine(url)
    with engine.begin() as db:
        tables = ", ".join(METADATA.tables)
        db.execute(sa.text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return url


@pytest.fixture
def store(where: str) -> Iterator[Store]:
    """That database, open."""
    opened = Store.open(where)
    yield opened
    opened.close()


def _engine(url: str) -> sa.Engine:
    return sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
