"""The fleet as one object: it hears, keeps, judges and tells. See port.py for what it answers.

Three threads beside those that ask: the ear takes messages in; the keeper judges after a change and
once a second, and does what is to be done again and again; the third posts alerts.
"""

import contextlib
import hashlib
import random as dice
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from bodycam.errors import BodycamError, UsageError
from bodycam.evidence.keys import PublicKey
from bodycam_station.fleet import hook, keeping, pages
from bodycam_station.fleet.broker import Address
from bodycam_station.fleet.ear import Ear
from bodycam_station.fleet.findings import FINDINGS
from bodycam_station.fleet.judge import Ears, Subject, fresh_until_ms, order, row_of
from bodycam_station.fleet.metrics import metrics
from bodycam_station.fleet.outbox import Outbox
from bodycam_station.fleet.port import StorageError, Told
from bodycam_station.fleet.roster import Roster, finding_of
from bodycam_station.fleet.schema import CAMERAS, SPELLS
from bodycam_station.fleet.settings import Settings
from bodycam_station.fleet.settings_file import settings_of
from bodycam_station.fleet.store import FILE as DATABASE
from bodycam_station.fleet.store import Store
from bodycam_station.fleet.taking import Incoming, Taking, Tally
from bodycam_station.fleet.views import (
    CAN,
    CANNOT,
    GONE,
    CameraRow,
    CameraView,
    Change,
    CommandView,
    Finding,
    FleetView,
    Head,
    History,
    Link,
)
from bodycam_station.registry import DeviceKey
from bodycam_station.witness import Head as WitnessHead

CALM_S, CALM_MOST_S = 0.2, 2.0
"""The fleet is judged again after a change, but not more often than this,"""
CALM_TIMES = 20
"""and not before so many times as long as the last time took: a big fleet leaves time to hear."""
TURN_S = 1.0
GAPS_EVERY_MS = 30_000
ROLL_EVERY_MS = 5 * 60_000
FORGET_EVERY_MS = 6 * 3_600_000
HOOK_EVERY_S = 2.0
MAX_TEXT = 500


class Device(Protocol):
    """A camera as the station knows it."""

    @property
    def device(self) -> str:
        """Its id."""

    @property
    def keys(self) -> Sequence[DeviceKey]:
        """The oldest first."""


class Home(Protocol):
    """What the fleet needs of its station; bodycam_station.station.Station is one."""

    @property
    def name(self) -> str:
        """Of the station."""

    @property
    def recipients(self) -> tuple[str, ...]:
        """To whom cameras seal."""

    def devices(self) -> Sequence[Device]:
        """All cameras."""

    def recordings(self) -> Sequence[str]:
        """The names of what is in the store."""

    def remember(self, device: str, heads: Sequence[WitnessHead]) -> None:
        """Take heads into the witness."""


def wall_ms() -> int:
    """UTC since 1970."""
    return time.time_ns() // 1_000_000


class FleetService:
    """Implements port.Fleet. Use with `contextlib.closing`, or close it."""

    def __init__(
        self,
        home: Home,
        store: Store,
        settings: Settings | None = None,
        *,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        """Nothing runs yet: `start` begins; tests call `take` and `tick` instead.

        Raises ConfigError where the settings' web hook cannot be one.
        """
        self._home, self.store = home, store
        self.settings = settings or Settings()
        self._now_ms = now_ms
        self._post = hook.poster(self.settings)
        self._keys: dict[str, tuple[PublicKey, ...]] = {}
        self._registry: object = None
        self._tally = Tally()
        self._taking = Taking(store, self._keys_of, self._tally)
        self._taken = 0
        self._failed: dict[str, str] = {}
        """By thread: what went wrong at its last turn."""
        self.outbox = Outbox(store)
        self._roster = Roster(store, self._recipients)
        self._judging = threading.RLock()
        self._rows: dict[str, CameraRow] = {}
        self._fresh: dict[str, tuple[Subject, Ears, int]] = {}
        """By what each row was judged, and until when it holds."""
        self._judged_ms = 0
        self._view: FleetView | None = None
        self._version = 0
        self._dirty = threading.Event()
        self._dirty.set()
        self._stopping = threading.Event()
        self._told: list[Told] = []
        self._ear: Ear | None = None
        self._threads: list[threading.Thread] = []
        start_ms = now_ms()
        self._link = Link(connected=False, since_ms=start_ms, why="Nobody is listening.")
        self._gaps_ms = self._forgot_ms = 0
        self._rolled_ms: int | None = None
        self.sync_registry(start_ms)

    # ---- running ---------------------------------------------------------------------------------

    def start(self, address: Address) -> None:
        """Listen to a broker, and run."""
        self._ear = Ear(
            address,
            self.settings.broker_name,
            self.take,
            self.outbox,
            self._now_ms,
            share=self.settings.broker_share,
            random=dice.SystemRandom().random,
        )
        self._threads = [threading.Thread(target=self._keep, name="keeper", daemon=True)]
        if self._post is not None:
            self._threads.append(threading.Thread(target=self._alert, name="hook", daemon=True))
        for thread in self._threads:
            thread.start()
        self._ear.start()

    def close(self) -> None:
        """End it all."""
        if self._ear is not None:
            self._ear.stop()
        self._stopping.set()
        self._dirty.set()
        for thread in self._threads:
            thread.join()
        self.store.close()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._dirty.wait(TURN_S)
            began_s = time.thread_time()
            self._guarded(lambda: self.tick(self._now_ms()))
            busy_s = time.thread_time() - began_s
            self._stopping.wait(min(max(CALM_S, CALM_TIMES * busy_s), CALM_MOST_S))

    def _alert(self) -> None:
        while not self._stopping.wait(HOOK_EVERY_S):
            self._guarded(lambda: self.deliver(self._now_ms()))

    def _guarded(self, work: Callable[[], object]) -> None:
        """What goes wrong is shown by `healthy`; the thread goes on."""
        name = threading.current_thread().name
        try:
            work()
        except BodycamError as error:
            self._failed[name] = str(error)
        except Exception as error:  # noqa: BLE001  a mistake of ours must not end the board
            self._failed[name] = f"The fleet's {name} failed: {error!r}."
        else:
            self._failed.pop(name, None)

    # ---- what comes in ---------------------------------------------------------------------------

    def take(self, batch: Sequence[Incoming]) -> None:
        """Take messages in, durable at return. Raises StorageError, and then nothing was taken."""
        try:
            changed = self._taking.take(batch)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001  one message that nobody foresaw stops no other
            if len(batch) == 1:
                self._tally.refuse("", f"A message could not be kept: {error!r}", batch[0].at_ms)
                return
            for one in batch:
                self.take([one])
            return
        self._taken += len(batch)
        if changed:
            self._dirty.set()
        if answered := {one.topic.split("/")[2] for one in batch if "/res/" in one.topic}:
            self._tell(frozenset(answered))  # what became of a command stands in no row

    def _keys_of(self, device: str) -> Sequence[PublicKey]:
        return self._keys.get(device, ())

    def _recipients(self) -> str:
        """As cameras report it: the SHA-256 of the recipients, sorted and joined by a space."""
        listed = " ".join(sorted(self._home.recipients))
        return hashlib.sha256(listed.encode()).hexdigest() if listed else ""

    # ---- what is done again and again ------------------------------------------------------------

    def tick(self, now_ms: int) -> None:
        """One turn of the keeper: judge, write down, tell. Raises BodycamError."""
        changed = set(self.outbox.time_out(now_ms))
        if self._gaps_ms == 0 or now_ms - self._gaps_ms >= GAPS_EVERY_MS:
            self._gaps_ms = now_ms
            self.sync_registry(now_ms)
            self.look_at_recordings(now_ms)
        with self._judging:
            self._judge(now_ms)
            rows = [*self._rows.values()]
            wrote = keeping.write_findings(self.store, rows)
            wrote |= keeping.clear_findings(self.store, self._roster.subjects, rows, now_ms)
            if wrote:
                self._judge(now_ms)
        hook.note_alerts(self.store, self.settings, now_ms, deliver=self._post is not None)
        self._keep_history(now_ms)
        if changed:
            self._tell(frozenset(changed))

    def sync_registry(self, now_ms: int) -> None:
        """Take enrolled cameras into the database, and revoked ones out of the fleet."""
        devices = self._home.devices()
        found = [(one.device, one.keys[-1]) for one in devices]
        if found == self._registry:
            return
        with self.store.write() as db:
            known = {
                row.device: row
                for row in db.execute(
                    sa.select(CAMERAS.c.device, CAMERAS.c.key, CAMERAS.c.revoked).with_for_update()
                )
            }
            for device, key in found:
                values: dict[str, Any] = {
                    "key": hashlib.sha256(key.public.blob()).hexdigest(),
                    "revoked": key.revoked is not None,
                }
                row = known.get(device)
                if row is None:
                    new = {"device": device, "enrolled_ms": now_ms, "touched_ms": now_ms}
                    db.execute(CAMERAS.insert(), {**new, **values})
                elif (row.key, row.revoked) != (values["key"], values["revoked"]):
                    here = CAMERAS.c.device == device
                    db.execute(CAMERAS.update().where(here).values(**values, touched_ms=now_ms))
        before = {device for device, keys in self._keys.items() if keys}
        self._keys = {
            one.device: tuple(key.public for key in reversed(one.keys) if key.revoked is None)
            for one in devices
        }
        self._registry = found
        if self._ear is not None and {one for one, keys in self._keys.items() if keys} - before:
            self._ear.listen_anew()  # what they said until now was a stranger's

    def look_at_recordings(self, now_ms: int) -> None:
        """What is in the store, what is nowhere, and what the witness has not been told."""
        keeping.note_stored(self.store, self._home.recordings(), now_ms)
        with self._judging:
            self._roster.refresh(now_ms)
            subjects = dict(self._roster.subjects)
        keeping.look_for_gaps(self.store, subjects, self.settings, now_ms)
        for device, told in keeping.heads_for_witness(self.store, now_ms).items():
            self._home.remember(device, [head for head, _ in told])
            keeping.witnessed(self.store, told, now_ms)

    def _keep_history(self, now_ms: int) -> None:
        if self._rolled_ms is None or now_ms - self._rolled_ms >= ROLL_EVERY_MS:
            keeping.roll_up(self.store)
            keeping.work_out_drain(self.store, now_ms)
            self._rolled_ms = now_ms
        if now_ms - self._forgot_ms >= FORGET_EVERY_MS:
            keeping.forget(self.store, self.settings, now_ms)
            self._forgot_ms = now_ms

    def deliver(self, now_ms: int) -> int:
        """Post the alerts that are due; how many. Raises StorageError."""
        if self._post is None:
            return 0
        secret = self.settings.hook_secret
        return hook.deliver(self.store, self._post, self._home.name, secret, now_ms)

    # ---- judging ---------------------------------------------------------------------------------

    def _judge(self, now_ms: int) -> None:
        self._dirty.clear()
        self._roster.refresh(now_ms)
        link = self._ear.view if self._ear is not None else self._link
        ears = Ears(link.since_ms, None if link.connected else link.since_ms)
        if self._ear is None:
            ears = Ears()  # somebody else listens, or a test speaks
        subjects = self._roster.subjects
        before, back = self._rows, now_ms < self._judged_ms
        self._judged_ms = now_ms
        self._rows, changed = {}, before.keys() - subjects.keys()
        for device in sorted(subjects):
            subject, old = subjects[device], before.get(device)
            by = self._fresh.get(device)
            holds = by is not None and by[0] is subject and by[1] == ears and now_ms < by[2]
            if old is not None and holds and not back:
                self._rows[device] = old
                continue
            until_ms = fresh_until_ms(subject, now_ms, ears, self.settings)
            self._fresh[device] = subject, ears, until_ms
            row = self._rows[device] = row_of(subject, now_ms, ears, self.settings)
            if row != old:
                changed.add(device)
        if changed or self._view is None:
            self._version += bool(changed)
            self._view = self._make_view(now_ms, link)
        else:
            refused = self._tally.view()
            self._view = replace(self._view, now_ms=now_ms, link=link, refused=refused)
        if changed:
            self._tell(frozenset(changed))

    def _make_view(self, now_ms: int, link: Link) -> FleetView:
        rows = tuple(self._rows.values())
        by_fitness = {
            fitness: tuple(row.id for row in rows if row.fitness == fitness)
            for fitness in (CAN, CANNOT, GONE)
        }
        return FleetView(
            now_ms=now_ms,
            version=self._version,
            can_go_out=by_fitness[CAN],
            cannot=by_fitness[CANNOT],
            missing=by_fitness[GONE],
            exceptions=tuple(sorted((f for row in rows for f in row.findings), key=order)),
            cameras=rows,
            link=link,
            refused=self._tally.view(),
        )

    def _look_again(self) -> None:
        """Whoever changed something sees it at once."""
        with self._judging:
            self._view = None
        self._dirty.set()

    def _tell(self, cameras: frozenset[str]) -> None:
        for told in [*self._told]:
            told(Change(self._version, cameras))

    # ---- what the board asks ---------------------------------------------------------------------

    def view(self, now_ms: int) -> FleetView:
        """See port.Fleet."""
        with self._judging:
            old = self._view
            age_ms = -1 if old is None else now_ms - old.now_ms
            calm_ms = CALM_S * 1000 if self._dirty.is_set() else TURN_S * 1000
            if not 0 <= age_ms < calm_ms:
                self._judge(now_ms)
            assert self._view is not None
            return self._view

    def camera(self, camera: str, now_ms: int) -> CameraView:
        """See port.Fleet."""
        self.view(now_ms)
        with self._judging:
            row, subject = self._rows.get(camera), self._roster.subjects.get(camera)
        if row is None or subject is None:
            raise UsageError(f"There is no camera {camera!r}.")
        known, info, status = subject.known, subject.info, subject.status
        commands = self.outbox.commands(camera)
        grace_ms = self.settings.lost_grace_s * 1000
        with self.store.read() as db:
            found = pages.spells(db, camera)
            heads = pages.heads(db, camera)
            recordings = pages.recordings(db, camera)
            timeline = pages.timeline(db, camera, found, commands, grace_ms)
        if known.journal_ms is not None:
            newest = Head(
                "journal", known.journal_seq, known.journal_digest, known.journal_ms, checked=True
            )
            heads = (newest, *heads)
        return CameraView(
            row=row,
            boot=known.boot,
            session=known.session,
            reason=known.reason,
            policy=info.policy if info else "",
            key=info.key if info else "",
            recipients=info.recipients if info else "",
            config_version=status.config_version if status else None,
            desired_version=subject.expected.config_version,
            dock_test=status.dock_test if status else "none",
            dropped=status.dropped if status else 0,
            heads=heads,
            recordings=recordings,
            spells=found,
            commands=commands,
            timeline=timeline,
        )

    def history(self, camera: str, span: str, now_ms: int) -> History:
        """See port.Fleet."""
        self._known(camera, now_ms)
        return pages.history(self.store, camera, span, now_ms)

    def acknowledge(self, finding: int, person: str, note: str, now_ms: int) -> Finding:
        """See port.Fleet."""
        note = _one_line(note, "A note")
        person = _one_line(person, "A person's name")
        with self.store.write() as db:
            spell = db.execute(
                sa.select(SPELLS).where(SPELLS.c.id == finding).with_for_update()
            ).one_or_none()
            if spell is None or spell.cleared_ms is not None or spell.code not in FINDINGS:
                raise UsageError("This is not known, or is over already.")
            values: dict[str, Any] = {"person": person, "note": note, "acknowledged_ms": now_ms}
            if FINDINGS[spell.code].until_acknowledged:
                values["cleared_ms"] = now_ms
            here = SPELLS.c.id == finding
            db.execute(SPELLS.update().where(here).values(values))
            touched = CAMERAS.c.device == spell.device
            db.execute(CAMERAS.update().where(touched).values(touched_ms=now_ms))
            spell = db.execute(sa.select(SPELLS).where(here)).one()
        self._look_again()
        return finding_of(spell)

    def command(
        self, camera: str, name: str, arguments: Mapping[str, int], person: str, now_ms: int
    ) -> CommandView:
        """See port.Fleet."""
        person = _one_line(person, "A person's name")
        number = secrets.token_hex(8)
        given = self.outbox.give(camera, name, arguments, person, number, now_ms)
        if self._ear is not None:
            self._ear.poke()
        self._tell(frozenset({camera}))
        return given

    def commands(self, camera: str = "", most: int = 50) -> tuple[CommandView, ...]:
        """See port.Fleet."""
        return self.outbox.commands(camera, most)

    def put_in_group(self, camera: str, group: str, person: str, now_ms: int) -> None:
        """See port.Fleet. Who did it is for the board's log."""
        group = _one_line(group, "A group", most=64) if group.strip() else ""
        self._known(camera, now_ms)
        with self.store.write() as db:
            here = CAMERAS.c.device == camera
            db.execute(CAMERAS.update().where(here).values(in_group=group, touched_ms=now_ms))
        self._look_again()

    def desire(self, camera: str, version: int, document: bytes, now_ms: int) -> None:
        """Send a camera a configuration that the station signed (evidence/desired.py).

        UsageError unless the version is greater than the one that was sent last.
        """
        self._known(camera, now_ms)
        self.outbox.desire(camera, version, document, now_ms)
        if self._ear is not None:
            self._ear.poke()
        self._look_again()

    def rows(self, now_ms: int) -> Iterator[tuple[str, ...]]:
        """See port.Fleet."""
        yield (
            *("camera", "group", "fitness", "state", "since", "heard", "exceptions"),
            *("battery_percent", "charging", "lasts_minutes", "room_minutes", "waiting"),
            *("temperature_c", "radio_dbm", "clock", "model", "software"),
        )
        for row in self.view(now_ms).cameras:
            found = " ".join(f"{one.code}:{one.detail}".rstrip(":") for one in row.findings)
            yield tuple(
                "" if value is None else str(value)
                for value in (
                    *(row.id, row.group, row.fitness, row.state),
                    *(_stamp(row.since_ms), _stamp(row.heard_ms), found),
                    *(row.battery_percent, row.charging, row.lasts_minutes, row.room_minutes),
                    *(row.waiting, row.temperature_c, row.radio_dbm, row.clock),
                    *(row.model, row.software),
                )
            )

    def metrics(self, now_ms: int) -> str:
        """See port.Fleet."""
        return metrics(self.view(now_ms), {"messages_taken": self._taken})

    def healthy(self, now_ms: int) -> str:
        """See port.Fleet."""
        try:
            with self.store.read() as db:
                db.execute(sa.select(sa.literal(1)))
        except StorageError as error:
            return str(error)
        if self._ear is not None and not self._ear.view.connected:
            return self._ear.view.why
        return next(iter([*self._failed.values()]), "")

    def subscribe(self, told: Told) -> Callable[[], None]:
        """See port.Fleet."""
        self._told.append(told)

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._told.remove(told)

        return end

    def _known(self, camera: str, now_ms: int) -> None:
        self.view(now_ms)
        if camera not in self._rows:
            raise UsageError(f"There is no camera {camera!r}.")


def open_fleet(home: Home, folder: Path, *, now_ms: Callable[[], int] = wall_ms) -> FleetService:
    """The fleet of a station's folder, by its `fleet.toml`; `start` it with `broker_of`.

    Raises ConfigError and StorageError.
    """
    settings = settings_of(folder)
    store = Store.open(settings.database or folder / DATABASE)
    return FleetService(home, store, settings, now_ms=now_ms)


def _one_line(text: str, what: str, most: int = MAX_TEXT) -> str:
    text = text.strip()
    if not text or len(text) > most or not text.isprintable():
        raise UsageError(f"{what} must be one line of 1 to {most} letters.")
    return text


def _stamp(at_ms: int | None) -> str:
    if at_ms is None:
        return ""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))
