"""The audit log: who did what, and who looked at what; each line is written before it is done."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, insert, select

from bodycam_station.board.tables import AUDIT
from bodycam_station.fleet.store import Store

ACTS = (
    "log-in", "log-in-failed", "log-out", "refused",
    "view-camera", "view-audit", "take-fleet", "take-audit",
    "acknowledge", "command", "group", "failed",
    "user-add", "user-remove", "user-password",
)  # fmt: skip
"""`failed`: what the line before it says was not done. `refused`: the role did not allow it."""
KEPT_DAYS = 730
PAGE = 100
_DAY_MS = 86_400_000
_MOST_NOTE = 500
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """One line."""

    id: int
    at_ms: int
    person: str
    role: str
    act: str
    about: str
    """A camera, a user, or empty."""
    note: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the log is asked for; empty means everything."""

    person: str = ""
    act: str = ""
    about: str = ""

    def where(self) -> tuple[ColumnElement[bool], ...]:
        """The same for the database."""
        asked = (
            (AUDIT.c.person, self.person),
            (AUDIT.c.act, self.act),
            (AUDIT.c.about, self.about),
        )
        return tuple(column == value for column, value in asked if value)


class Audit:
    """The log in the database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tidied_ms = 0

    def add(
        self, act: str, *, person: str, role: str = "", about: str = "", note: str = ""
    ) -> None:
        """Write a line; raises StorageError, and then the act must not be done."""
        if act not in ACTS:
            raise ValueError(f"the act {act} is not in the table")
        now_ms = time.time_ns() // 1_000_000
        line = {
            "at_ms": now_ms,
            "person": person[:64],
            "role": role,
            "act": act,
            "about": about[:128],
            "note": note[:_MOST_NOTE],
        }
        with self._store.write() as connection:
            connection.execute(insert(AUDIT).values(line))
        if now_ms - self._tidied_ms >= _DAY_MS:
            self.tidy(now_ms)

    def page(self, wanted: Wanted, number: int) -> tuple[tuple[Line, ...], int]:
        """A page of the log, the newest first, and how many lines there are of these in all."""
        where = wanted.where()
        with self._store.read() as connection:
            total = connection.execute(select(func.count()).select_from(AUDIT).where(*where))
            found = connection.execute(
                select(AUDIT)
                .where(*where)
                .order_by(AUDIT.c.id.desc())
                .limit(PAGE)
                .offset(PAGE * (number - 1))
            )
            return tuple(Line(**row) for row in found.mappings()), int(total.scalar_one())

    def all(self, wanted: Wanted) -> Iterator[Line]:
        """Every line of these, the oldest first."""
        after, where = 0, wanted.where()
        while True:
            with self._store.read() as connection:
                found = connection.execute(
                    select(AUDIT)
                    .where(AUDIT.c.id > after, *where)
                    .order_by(AUDIT.c.id)
                    .limit(_AT_ONCE)
                )
                lines = [Line(**row) for row in found.mappings()]
            yield from lines
            if len(lines) < _AT_ONCE:
                return
            after = lines[-1].id

    def tidy(self, now_ms: int) -> None:
        """Forget what is older than KEPT_DAYS; `add` does it once a day."""
        with self._store.write() as connection:
            old = now_ms - KEPT_DAYS * _DAY_MS
            connection.execute(delete(AUDIT).where(AUDIT.c.at_ms < old))
        self._tidied_ms = now_ms
