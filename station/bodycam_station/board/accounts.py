"""Users and their sessions, in the database.

A browser holds a random token; the table holds its SHA-256. A session ends when it has not been
used for IDLE_S, in any case after WHOLE_S, and at once when its user is removed or gets another
password.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from bodycam.errors import UsageError
from bodycam_station.board import passwords
from bodycam_station.board.access import Role
from bodycam_station.board.tables import SESSIONS, USERS
from bodycam_station.fleet.store import Store

IDLE_S = 2 * 3600
WHOLE_S = 12 * 3600
"""A shift, and something."""
MOST_SESSIONS = 10
"""Of one user; the one unused for longest ends."""
_TOUCH_MS = 60_000
"""Uses of a session are written down no more often."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in."""

    name: str
    role: Role
    added_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in."""

    name: str
    role: Role
    form_key: str
    """Is in every form, and in no address: who has it was shown the page."""
    ends_ms: int
    """If nothing more comes."""


class Accounts:
    """Users and sessions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # ---- users -----------------------------------------------------------------------------------

    def add(self, name: str, role: Role, password: str, now_ms: int) -> None:
        """A new user; raises UsageError for an unusable name or password, or one that exists."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                "That cannot be a user name.", do="Use a-z, 0-9, dot, - and _, at most 64."
            )
        values = {
            "name": name,
            "role": role.value,
            "password": passwords.hashed(password),
            "added_ms": now_ms,
        }
        with self._store.write() as connection:
            if connection.execute(select(USERS.c.name).where(USERS.c.name == name)).first():
                raise UsageError(
                    f"There is a user {name} already.", do="Use another name, or remove that one."
                )
            connection.execute(insert(USERS).values(values))

    def set_password(self, name: str, password: str) -> None:
        """Another password, which ends the user's sessions; raises UsageError."""
        kept = passwords.hashed(password)
        with self._store.write() as connection:
            done = connection.execute(
                update(USERS).where(USERS.c.name == name).values(password=kept)
            )
            if not done.rowcount:
                raise _nobody(name)
            connection.execute(delete(SESSIONS).where(SESSIONS.c.name == name))

    def remove(self, name: str) -> None:
        """A user and all sessions; raises UsageError."""
        with self._store.write() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.name == name))
            if not connection.execute(delete(USERS).where(USERS.c.name == name)).rowcount:
                raise _nobody(name)

    def users(self) -> tuple[User, ...]:
        """Everybody, by name."""
        with self._store.read() as connection:
            found = connection.execute(select(USERS).order_by(USERS.c.name)).all()
        return tuple(User(row.name, Role(row.role), row.added_ms) for row in found)

    def known(self, name: str) -> bool:
        """Whether there is a user of that name."""
        with self._store.read() as connection:
            found = connection.execute(select(USERS.c.name).where(USERS.c.name == name)).first()
        return found is not None

    # ---- sessions --------------------------------------------------------------------------------

    def log_in(self, name: str, password: str, now_ms: int) -> tuple[str, Role] | None:
        """A token for the browser and the user's role; None where name or password is wrong.

        It takes as long for a user who does not exist.
        """
        with self._store.read() as connection:
            user = connection.execute(select(USERS).where(USERS.c.name == name)).first()
        if not passwords.fits(password, user.password if user else None) or user is None:
            return None
        token = secrets.token_urlsafe(32)
        values = {
            "token": _digest(token),
            "name": name,
            "form_key": secrets.token_urlsafe(32),
            "begun_ms": now_ms,
            "seen_ms": now_ms,
        }
        with self._store.write() as connection:
            connection.execute(
                delete(SESSIONS).where(
                    (SESSIONS.c.seen_ms <= now_ms - IDLE_S * 1000)
                    | (SESSIONS.c.begun_ms <= now_ms - WHOLE_S * 1000)
                )
            )
            newest = connection.execute(
                select(SESSIONS.c.token)
                .where(SESSIONS.c.name == name)
                .order_by(SESSIONS.c.seen_ms.desc())
                .offset(MOST_SESSIONS - 1)
            ).scalars()
            connection.execute(delete(SESSIONS).where(SESSIONS.c.token.in_(newest.all())))
            connection.execute(insert(SESSIONS).values(values))
        return token, Role(user.role)

    def session(self, token: str, now_ms: int, *, use: bool = True) -> Session | None:
        """Whose token this is, with the role that the user has now; None where nobody's.

        With `use` the session is in use: its idle time begins anew.
        """
        if not _TOKEN.fullmatch(token):
            return None
        digest = _digest(token)
        with self._store.read() as connection:
            found = connection.execute(
                select(SESSIONS, USERS.c.role)
                .join(USERS, USERS.c.name == SESSIONS.c.name)
                .where(SESSIONS.c.token == digest)
            ).first()
        if found is None:
            return None
        ends_ms = min(found.seen_ms + IDLE_S * 1000, found.begun_ms + WHOLE_S * 1000)
        if now_ms >= ends_ms:
            return None
        if use and now_ms - found.seen_ms >= _TOUCH_MS:
            with self._store.write() as connection:
                connection.execute(
                    update(SESSIONS).where(SESSIONS.c.token == digest).values(seen_ms=now_ms)
                )
        return Session(found.name, Role(found.role), found.form_key, ends_ms)

    def log_out(self, token: str) -> None:
        """End a session."""
        with self._store.write() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.token == _digest(token)))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _nobody(name: str) -> UsageError:
    return UsageError(f"There is no user {name}.", do="See: bodycam-station user list")
