"""What is to be said to cameras: commands and configurations, from the database to the broker.

The database is the queue, so that whoever gives a command and whoever holds the connection need not
be one process, and a restart loses nothing that still counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from bodycam.errors import MessageError, UsageError
from bodycam.messages.commands import COMMANDS as NAMES
from bodycam.messages.commands import MAX_AGE_MS
from bodycam.messages.topics import COMMAND_EXPIRY_S, Address
from bodycam_station.fleet.schema import CAMERAS, COMMANDS, DESIRED
from bodycam_station.fleet.store import Store, upsert
from bodycam_station.fleet.views import (
    ACCEPTED,
    LOST,
    NEVER,
    OFFLINE,
    PENDING,
    TIMED_OUT,
    CommandView,
)

ANSWER_WITHIN_MS = 15_000
"""After a command has expired, no answer to it is waited for longer than this."""
DONE_WITHIN_MS = 120_000
"""After `accepted`."""
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish."""

    topic: str
    payload: bytes
    retained: bool
    expires_s: int
    """0: never."""
    command: str = ""
    device: str = ""
    version: int = 0


class Outbox:
    """Several processes may use it at the same time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def give(
        self,
        device: str,
        name: str,
        arguments: Mapping[str, int],
        person: str,
        command_id: str,
        now_ms: int,
    ) -> CommandView:
        """Write a command down, to be sent; raises UsageError, StorageError."""
        until_ms = now_ms + MAX_AGE_MS
        form = NAMES.get(name)
        if form is None:
            known = ", ".join(NAMES)
            raise UsageError(f"There is no command {name!r}.", do=f"There are: {known}.")
        try:
            form(command_id, until_ms, **arguments)
        except (MessageError, TypeError) as error:
            raise UsageError(f"The command {name} is not well formed: {error}") from None
        row = {
            "id": command_id,
            "device": device,
            "name": name,
            "arguments": dict(arguments),
            "person": person,
            "given_ms": now_ms,
            "until_ms": until_ms,
            "outcome": PENDING,
            "outcome_ms": now_ms,
        }
        with self._store.write() as db:
            state = db.execute(
                sa.select(CAMERAS.c.state).where(CAMERAS.c.device == device, ~CAMERAS.c.revoked)
            ).scalar_one_or_none()
            if state is None:
                raise UsageError(f"There is no camera {device}.")
            if state in (OFFLINE, LOST, NEVER):
                raise UsageError(f"{device} cannot hear it now: it is not connected.")
            db.execute(COMMANDS.insert(), row)
        return CommandView(
            command_id, device, name, dict(arguments), person, now_ms, PENDING, now_ms
        )

    def desire(self, device: str, version: int, payload: bytes, now_ms: int) -> None:
        """A signed configuration for a camera; raises UsageError unless its version is greater."""
        with self._store.write() as db:
            known = db.execute(
                sa.select(DESIRED.c.version).where(DESIRED.c.device == device).with_for_update()
            ).scalar_one_or_none()
            if known is not None and version <= known:
                raise UsageError(f"{device} was sent version {known} of its configuration already.")
            new = {"version": version, "payload": payload, "given_ms": now_ms, "sent_ms": None}
            insert = upsert(db, DESIRED).values(device=device, **new)
            db.execute(insert.on_conflict_do_update(index_elements=["device"], set_=new))

    def due(self, now_ms: int) -> list[Outgoing]:
        """What has not been sent and still counts, the oldest first."""
        found = []
        with self._store.read() as db:
            commands = db.execute(
                sa.select(COMMANDS)
                .where(
                    COMMANDS.c.sent_ms.is_(None),
                    COMMANDS.c.outcome == PENDING,
                    COMMANDS.c.until_ms > now_ms,
                )
                .order_by(COMMANDS.c.given_ms)
                .limit(_AT_ONCE)
            )
            for row in commands:
                said = NAMES[row.name](row.id, row.until_ms, **row.arguments)
                expires_s = min(COMMAND_EXPIRY_S, max(1, (row.until_ms - now_ms) // 1000))
                found.append(
                    Outgoing(
                        Address(row.device, "cmd", row.name).topic,
                        said.encode(),
                        retained=False,
                        expires_s=expires_s,
                        command=row.id,
                    )
                )
            configurations = db.execute(
                sa.select(DESIRED)
                .where(DESIRED.c.sent_ms.is_(None))
                .order_by(DESIRED.c.given_ms)
                .limit(_AT_ONCE)
            )
            found += [
                Outgoing(
                    Address(row.device, "desired", "").topic,
                    row.payload,
                    retained=True,
                    expires_s=0,
                    device=row.device,
                    version=row.version,
                )
                for row in configurations
            ]
        return found

    def sent(self, out: Outgoing, now_ms: int) -> None:
        """The broker has it."""
        with self._store.write() as db:
            if out.command:
                here = COMMANDS.c.id == out.command
                db.execute(COMMANDS.update().where(here).values(sent_ms=now_ms))
            else:
                there = DESIRED.c.device == out.device, DESIRED.c.version == out.version
                db.execute(DESIRED.update().where(*there).values(sent_ms=now_ms))

    def time_out(self, now_ms: int) -> frozenset[str]:
        """End the commands that nobody will answer any more; the cameras that they were for."""
        late = sa.or_(
            sa.and_(COMMANDS.c.outcome == PENDING, COMMANDS.c.until_ms < now_ms - ANSWER_WITHIN_MS),
            sa.and_(
                COMMANDS.c.outcome == ACCEPTED, COMMANDS.c.outcome_ms < now_ms - DONE_WITHIN_MS
            ),
        )
        with self._store.read() as db:
            devices = frozenset(db.execute(sa.select(COMMANDS.c.device).where(late)).scalars())
        if devices:
            with self._store.write() as db:
                db.execute(
                    COMMANDS.update().where(late).values(outcome=TIMED_OUT, outcome_ms=now_ms)
                )
        return devices

    def commands(self, device: str = "", most: int = 50) -> tuple[CommandView, ...]:
        """The newest of one camera, or of all."""
        wanted = sa.select(COMMANDS).order_by(COMMANDS.c.given_ms.desc(), COMMANDS.c.id)
        if device:
            wanted = wanted.where(COMMANDS.c.device == device)
        with self._store.read() as db:
            return tuple(
                CommandView(
                    id=row.id,
                    camera=row.device,
                    name=row.name,
                    arguments=row.arguments,
                    person=row.person,
                    given_ms=row.given_ms,
                    outcome=row.outcome,
                    outcome_ms=row.outcome_ms,
                    why=row.why,
                )
                for row in db.execute(wanted.limit(most))
            )
