"""The database: made and brought up to date at start, alike on both kinds."""

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bodycam_station.board import tables  # noqa: F401  # its tables are of the same schema
from bodycam_station.fleet.port import StorageError
from bodycam_station.fleet.schema import CAMERAS, METADATA, SPELLS
from bodycam_station.fleet.store import Store


def enrol(store: Store, *devices: str) -> None:
    with store.write() as db:
        db.execute(CAMERAS.insert(), [{"device": one, "enrolled_ms": 1} for one in devices])


def test_the_migrations_make_what_the_schema_says(store: Store) -> None:
    with store.read() as db:
        assert compare_metadata(MigrationContext.configure(db), METADATA) == []


def test_a_second_start_finds_everything_as_it_was(address: str) -> None:
    first = Store.open(address)
    enrol(first, "cam07")
    first.close()
    second = Store.open(address)
    with second.read() as db:
        assert db.execute(sa.select(CAMERAS.c.device)).scalars().all() == ["cam07"]
    second.close()


def test_a_database_of_a_newer_version_is_refused_with_a_sentence(address: str) -> None:
    store = Store.open(address)
    with store.write() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StorageError, match="another version"):
        Store.open(address)


def test_what_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        enrol(store, "cam07", "cam08", "cam07")
    with store.read() as db:
        assert db.execute(sa.select(sa.func.count()).select_from(CAMERAS)).scalar() == 0


def test_nothing_is_written_about_a_camera_that_is_not_there(store: Store) -> None:
    spell = {"device": "cam99", "code": "clock", "said": {}, "raised_ms": 1}
    with pytest.raises(sa.exc.IntegrityError), store.write() as db:
        db.execute(SPELLS.insert(), spell)


def test_a_finding_lasts_once_and_may_come_back(store: Store) -> None:
    enrol(store, "cam07")
    spell = {"device": "cam07", "code": "clock", "said": {}, "raised_ms": 1}
    with store.write() as db:
        db.execute(SPELLS.insert(), {**spell, "cleared_ms": 5})
        db.execute(SPELLS.insert(), spell)
    with pytest.raises(sa.exc.IntegrityError), store.write() as db:
        db.execute(SPELLS.insert(), spell)


def test_two_writers_wait_for_each_other(store: Store) -> None:
    enrol(store, "cam07")

    def count_up() -> None:
        for _ in range(25):
            with store.write() as db:
                row = db.execute(sa.select(CAMERAS.c.epoch).with_for_update()).scalar_one()
                db.execute(CAMERAS.update().values(epoch=row + 1))

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.read() as db:
        assert db.execute(sa.select(CAMERAS.c.epoch)).scalar_one() == 75


def test_a_lock_that_nobody_gives_back_is_not_waited_for_for_ever(
    made_database: str,
) -> None:
    store = Store.open(made_database)
    with store.read() as db:
        said = {
            name: db.execute(sa.text(f"SHOW {name}")).scalar()
            for name in ("lock_timeout", "statement_timeout")
        }
    store.close()
    assert said == {"lock_timeout": "30s", "statement_timeout": "5min"}


def test_sqlite_syncs_every_commit_and_holds_its_references(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "fleet.db")
    with store.read() as db:
        said = {
            name: db.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    store.close()
    assert said == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("address", ["postgresql://nobody@127.0.0.1:1/none", "mysql://x/y"])
def test_a_database_that_is_not_there_is_one_sentence(address: str) -> None:
    with pytest.raises(StorageError) as raised:
        Store.open(address)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("SELECT * FROM sqlite_master")
    with pytest.raises(StorageError):
        Store.open(path)
