"""The database: SQLite in the station's folder, or PostgreSQL by its address.

At start it is brought up to date by the migrations in this package. SQLite runs with a write-ahead
log and syncs at every commit: what was committed survives a power cut. One writes at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bodycam_station.fleet.port import StorageError

FILE = "fleet.db"
BUSY_S = 10
"""How long a writer waits for another one."""
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-32768",  # 32 MiB: a thousand cameras and their minutes
    "wal_autocheckpoint=4000",  # pages: the log goes into the file every 16 MiB, not every 4
)
_POSTGRES = {
    "connect_timeout": BUSY_S,
    "tcp_user_timeout": 30_000,  # ms: a server that went without a word
    "options": "-c lock_timeout=30s -c statement_timeout=5min",
}
"""Nothing waits for ever."""
_LOCK = 7_402_391_250
"""Of the migrations in PostgreSQL, so that two processes that start together take turns."""


class Store:
    """An open database. Its engine is for the board's tables, too."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use `open`."""
        self.engine = engine
        self._writing = engine.execution_options(writing=True)

    @classmethod
    def open(cls, where: str | Path) -> "Store":
        """A file, or `postgresql://…`; it is made, or brought up to date. Raises StorageError."""
        engine = _engine(where)
        store = cls(engine)
        try:
            with store.write() as db:
                _upgrade(db)
        except BaseException:
            engine.dispose()
            raise
        return store

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database. Raises StorageError."""
        with _as_ours(), self.engine.connect() as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction, durable at the end, or undone by an exception. Raises StorageError."""
        with _as_ours(), self._writing.begin() as db:
            yield db


def upsert(db: sa.Connection, table: sa.Table) -> Any:
    """An insert that can say what to do on a conflict, in the database's own dialect."""
    if db.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


class Many:
    """A statement for many rows, compiled once: SQLAlchemy looks at each value of each row else.

    So the values must be what the driver takes: no JSON, no enums.
    """

    def __init__(
        self, names: Sequence[str], make: Callable[[sa.Connection], sa.Executable]
    ) -> None:
        """`names` are the statement's parameters, in the order in which rows give them."""
        self._names = names
        self._make = make
        self._compiled: dict[str, tuple[str, Callable[[Sequence[Any]], Any]]] = {}

    def execute(self, db: sa.Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Run it for all rows."""
        dialect = db.dialect
        if dialect.name not in self._compiled:
            compiled: Any = self._make(db).compile(dialect=dialect)  # type: ignore[attr-defined]
            if dialect.positional:
                places = [self._names.index(name) for name in compiled.positiontup]
                self._compiled[dialect.name] = str(compiled), itemgetter(*places)
            else:
                self._compiled[dialect.name] = str(compiled), self._by_name
        text, arrange = self._compiled[dialect.name]
        db.exec_driver_sql(text, [arrange(row) for row in rows])

    def _by_name(self, row: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(self._names, row, strict=True))


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise StorageError("The database has no connection free.") from error
    except sa.exc.DBAPIError as error:
        # Below DatabaseError, but for OperationalError, are mistakes of ours: those are shown.
        known = (sa.exc.OperationalError, sa.exc.InterfaceError)
        if not isinstance(error, known) and type(error) is not sa.exc.DatabaseError:
            raise
        why = str(error.orig).strip().splitlines() or [""]
        raise StorageError(
            f"The database does not answer: {why[0].rstrip('.')}.",
            do="See whether it runs, and whether there is room on its disk.",
        ) from error


def _engine(where: str | Path) -> sa.Engine:
    if isinstance(where, str) and where.startswith(("postgresql://", "postgresql+psycopg://")):
        try:
            url = sa.make_url(where).set(drivername="postgresql+psycopg")
        except sa.exc.ArgumentError:
            raise StorageError("The database's address is not well formed.") from None
        return sa.create_engine(url, pool_pre_ping=True, connect_args=_POSTGRES)
    if "://" in str(where):
        raise StorageError("The database's address is none of postgresql:// or a file.")
    url = sa.URL.create("sqlite", database=str(where))
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_S, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _opened(dbapi: Any, _: object) -> None:
        dbapi.isolation_level = None  # we say BEGIN ourselves, and which
        for pragma in _PRAGMAS:
            dbapi.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begun(db: sa.Connection) -> None:
        # A writer that had begun as a reader could not wait for another one: it would fail.
        writing = db.get_execution_options().get("writing")
        db.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _upgrade(db: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    if db.dialect.name == "postgresql":
        db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = db
    from alembic.util import CommandError

    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StorageError(
            f"The database is of another version of this program: {error}",
            do="Use the newest version of bodycam-station.",
        ) from None
