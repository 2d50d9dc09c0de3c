"""The fleet as a whole, without a network: what comes in, what the board is shown, what is done."""

import csv
import hashlib
import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from bodycam.errors import UsageError
from bodycam.evidence.keys import PublicKey
from bodycam_station.fleet.port import Fleet, StorageError
from bodycam_station.fleet.service import FleetService
from bodycam_station.fleet.settings import Settings
from bodycam_station.fleet.store import Store
from bodycam_station.fleet.views import Change
from bodycam_station.registry import DeviceKey, Revocation
from bodycam_station.witness import Head
from fleet.cameras import HASH, START_MS, Talking
from recordings import device_key

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@dataclass
class Enrolled:
    device: str
    keys: Sequence[DeviceKey]


@dataclass
class Desk:
    """A station's folder, as far as the fleet asks it."""

    devices_known: list[str] = field(default_factory=lambda: ["cam07", "cam08", "cam09"])
    revoked: set[str] = field(default_factory=set)
    renewed: dict[str, PublicKey] = field(default_factory=dict)
    """Cameras whose first key was revoked, and their new one."""
    stored: list[str] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    name: str = "utrecht"
    recipients: tuple[str, ...] = ()

    def devices(self) -> Sequence[Enrolled]:
        return [Enrolled(one, self._keys(one)) for one in self.devices_known]

    def _keys(self, device: str) -> list[DeviceKey]:
        gone = Revocation("2026-11-23T14:05:09Z", "A", "lost")
        new = self.renewed.get(device)
        revoked = gone if device in self.revoked or new else None
        first = DeviceKey(device, device_key(device).public, "software", revoked=revoked)
        return [first, DeviceKey(device, new, "software")] if new else [first]

    def recordings(self) -> Sequence[str]:
        return self.stored

    def remember(self, device: str, heads: Sequence[Head]) -> None:
        assert all(head.rec.startswith(device) for head in heads)
        self.heads += heads


def key_hash(device: str) -> str:
    return hashlib.sha256(device_key(device).public.blob()).hexdigest()


class Morning:
    """A fleet of three, and its clock."""

    def __init__(self, store: Store, settings: Settings | None = None) -> None:
        self.now_ms = START_MS
        self.desk = Desk()
        self.fleet = FleetService(self.desk, store, settings, now_ms=lambda: self.now_ms)
        self.cameras = {one: Talking(one) for one in self.desk.devices_known}

    def all_well(self, *devices: str, state: str = "docked") -> None:
        """These cameras are there, in good order."""
        for one in devices or [*self.cameras]:
            camera = self.cameras[one]
            self.fleet.take(
                [
                    camera.state(state, self.now_ms),
                    camera.info(self.now_ms, key=key_hash(one)),
                    camera.status(self.now_ms),
                ]
            )

    def after(self, minutes: float) -> None:
        self.now_ms += int(minutes * MINUTE_MS)
        self.tick()

    def tick(self) -> None:
        self.fleet.tick(self.now_ms)

    @property
    def line(self) -> str:
        """The morning line."""
        view = self.fleet.view(self.now_ms)
        return f"{len(view.can_go_out)} {len(view.cannot)} {len(view.missing)}"

    @property
    def exceptions(self) -> list[str]:
        view = self.fleet.view(self.now_ms)
        return [f"{one.camera} {one.code} {one.detail}".strip() for one in view.exceptions]


@pytest.fixture
def morning(store: Store) -> Morning:
    return Morning(store)


def test_the_morning_line(morning: Morning) -> None:
    assert morning.line == "0 0 3"
    morning.all_well()
    morning.tick()
    assert (morning.line, morning.exceptions) == ("3 0 0", [])
    camera = morning.cameras["cam08"]
    morning.fleet.take([camera.status(morning.now_ms, faults=("speaker-dead", "room-low"))])
    morning.after(1)
    assert morning.line == "2 1 0"
    assert morning.exceptions == ["cam08 fault speaker-dead", "cam08 fault room-low"]
    assert isinstance(morning.fleet, Fleet)


def test_a_camera_goes_stale_and_lost_and_missing_and_comes_back(morning: Morning) -> None:
    morning.all_well(state="online")
    states = []

    def look() -> None:
        morning.tick()
        row = morning.fleet.view(morning.now_ms).cameras[0]
        states.append(f"{row.state} {row.fitness}")

    look()
    morning.after(3)
    look()
    camera = morning.cameras["cam07"]
    morning.fleet.take([camera.state("lost", morning.now_ms)])
    look()
    morning.after(1)
    look()
    morning.after(61)
    look()
    morning.fleet.take([camera.boot(), camera.state("online"), camera.status(morning.now_ms)])
    look()
    assert states == [
        "online can",
        "stale can",
        "stale can",
        "lost cannot",
        "lost missing",
        "online can",
    ]


def test_a_finding_is_written_with_its_beginning_and_its_end(morning: Morning) -> None:
    morning.all_well()
    camera = morning.cameras["cam07"]
    morning.fleet.take([camera.status(morning.now_ms, dock_test="failed")])
    morning.tick()
    began_ms = morning.now_ms
    morning.after(5)
    morning.fleet.take([camera.status(morning.now_ms, dock_test="failed")])
    morning.tick()
    (found,) = morning.fleet.view(morning.now_ms).cameras[0].findings
    assert (found.since_ms, found.id > 0) == (began_ms, True)
    morning.fleet.take([camera.status(morning.now_ms, dock_test="passed")])
    morning.tick()
    page = morning.fleet.camera("cam07", morning.now_ms)
    ended = [one for one in page.spells if one.finding.code == "dock-test"]
    assert [(one.finding.since_ms, one.cleared_ms) for one in ended] == [(began_ms, morning.now_ms)]
    kinds = [one.kind for one in page.timeline]
    assert "raised.dock-test" in kinds
    assert "cleared.dock-test" in kinds


def test_a_fault_is_acknowledged_with_a_note_and_goes_on_barring(morning: Morning) -> None:
    morning.all_well()
    camera = morning.cameras["cam07"]
    morning.fleet.take([camera.status(morning.now_ms, faults=("speaker-dead",))])
    morning.tick()
    (found,) = morning.fleet.view(morning.now_ms).cameras[0].findings
    with pytest.raises(UsageError, match="note"):
        morning.fleet.acknowledge(found.id, "A. de Vries", "  ", morning.now_ms)
    seen = morning.fleet.acknowledge(found.id, "A. de Vries", "new one ordered", morning.now_ms)
    assert seen.acknowledged is not None
    (shown,) = morning.fleet.view(morning.now_ms).cameras[0].findings
    assert shown.acknowledged is not None
    assert (shown.acknowledged.person, shown.acknowledged.note) == (
        "A. de Vries",
        "new one ordered",
    )
    assert morning.line == "2 1 0"
    with pytest.raises(UsageError, match="not known"):
        morning.fleet.acknowledge(9999, "A", "x", morning.now_ms)


def test_a_custody_alarm_stands_until_somebody_looked(morning: Morning) -> None:
    morning.all_well()
    camera = morning.cameras["cam07"]
    image = camera.image()
    morning.fleet.take([camera.event("fault"), camera.status(morning.now_ms)])
    camera.restore(image)
    morning.fleet.take([camera.boot(), camera.state("docked"), camera.status(morning.now_ms)])
    morning.tick()
    assert morning.exceptions == ["cam07 custody-fork"]
    assert morning.line == "2 1 0"
    found = morning.fleet.view(morning.now_ms).exceptions[0]
    morning.fleet.acknowledge(found.id, "A. de Vries", "a new card, by me", morning.now_ms)
    morning.tick()
    assert (morning.exceptions, morning.line) == ([], "3 0 0")


def test_footage_is_to_be_handed_over_in_a_day(morning: Morning) -> None:
    morning.all_well()
    camera = morning.cameras["cam07"]
    rec, opened = camera.begin(morning.now_ms)
    morning.fleet.take([opened, camera.end(morning.now_ms), camera.status(waiting=1)])
    for _ in range(23):
        morning.after(60)
        morning.all_well("cam08", "cam09")
        morning.fleet.take([camera.status(morning.now_ms, waiting=1)])
    morning.after(58)
    morning.all_well("cam08", "cam09")
    morning.fleet.take([camera.status(morning.now_ms, waiting=1)])
    assert morning.exceptions == []
    morning.after(3)
    assert morning.exceptions == ["cam07 handover"]
    assert morning.fleet.view(morning.now_ms).exceptions[0].since_ms == START_MS
    morning.desk.stored = [rec]
    morning.fleet.take([camera.status(morning.now_ms, waiting=0)])
    morning.after(1)
    assert morning.exceptions == []
    (known,) = morning.fleet.camera("cam07", morning.now_ms).recordings
    assert (known.rec, known.ended, known.stored_ms is not None) == (rec, "close", True)


def test_a_recording_that_is_nowhere_is_alarmed_until_it_is_found(morning: Morning) -> None:
    morning.all_well()
    camera = morning.cameras["cam07"]
    rec, opened = camera.begin(morning.now_ms)
    morning.fleet.take([opened, camera.end(morning.now_ms), camera.status(waiting=1)])
    morning.after(20)
    morning.fleet.take([camera.status(morning.now_ms, waiting=0)])
    morning.after(1)
    assert f"cam07 custody-gap-gone {rec}" in morning.exceptions
    morning.desk.stored = [rec]
    morning.after(1)
    assert not any("gap" in one for one in morning.exceptions)


def test_a_camera_that_does_not_know_what_waits_neither_raises_nor_ends_anything(
    morning: Morning,
) -> None:
    morning.all_well()
    camera = morning.cameras["cam07"]
    rec, opened = camera.begin(morning.now_ms)
    morning.fleet.take([opened, camera.end(morning.now_ms), camera.status(waiting=None)])
    for _ in range(25):  # it goes on recording, and cannot look at its card
        morning.after(60)
        morning.all_well("cam08", "cam09")
        morning.fleet.take([camera.status(morning.now_ms, waiting=None)])
    morning.after(1)
    assert morning.exceptions == []
    morning.fleet.take([camera.status(morning.now_ms, waiting=1)])
    morning.after(1)
    assert morning.exceptions == ["cam07 handover"]
    morning.fleet.take([camera.status(morning.now_ms, waiting=None)])  # it starts again
    morning.after(1)
    assert morning.exceptions == ["cam07 handover"]
    morning.fleet.take([camera.status(morning.now_ms, waiting=0)])
    morning.after(1)
    assert morning.exceptions == [f"cam07 custody-gap-gone {rec}"]
    morning.fleet.take([camera.status(morning.now_ms, waiting=None)])
    morning.after(1)
    assert morning.exceptions == [f"cam07 custody-gap-gone {rec}"]


def test_the_witness_is_told_what_was_seen(morning: Morning) -> None:
    morning.all_well()
    camera = morning.cameras["cam07"]
    rec, opened = camera.begin(morning.now_ms)
    camera.keep("warning")
    morning.fleet.take([opened, camera.status(morning.now_ms)])
    morning.after(2)
    (unchecked,) = morning.desk.heads
    assert (unchecked.rec, unchecked.by) == (rec, "network")
    assert unchecked.line.encode() + b"\n" == camera.ledger_line
    morning.fleet.take([camera.end(morning.now_ms), camera.status(morning.now_ms)])
    morning.after(2)
    morning.after(2)
    assert len(morning.desk.heads) == 2
    assert morning.desk.heads[1].line == ""  # the camera's own key signed the journal


def test_a_revoked_camera_leaves_the_fleet_and_a_new_one_comes(morning: Morning) -> None:
    morning.all_well()
    morning.desk.revoked.add("cam09")
    morning.desk.devices_known.append("cam10")
    morning.after(1)
    assert [row.id for row in morning.fleet.view(morning.now_ms).cameras] == [
        *("cam07", "cam08", "cam10")
    ]
    morning.fleet.take([morning.cameras["cam09"].status(morning.now_ms)])
    assert morning.fleet.view(morning.now_ms + 5000).refused.unknown == 1


def test_a_key_that_was_revoked_signs_no_more(morning: Morning) -> None:
    morning.all_well()
    morning.desk.renewed["cam07"] = device_key("cam07 anew").public
    morning.after(1)
    camera = morning.cameras["cam07"]
    camera.line("boot")
    morning.fleet.take([camera.status(morning.now_ms)])
    morning.after(1)
    assert "cam07 custody-forged" in morning.exceptions


def test_subscribers_are_told_what_changed(morning: Morning) -> None:
    told: list[Change] = []
    morning.all_well()
    morning.tick()
    end = morning.fleet.subscribe(told.append)
    morning.tick()
    assert told == []
    camera = morning.cameras["cam08"]
    morning.fleet.take([camera.status(morning.now_ms, battery_percent=88)])
    morning.tick()
    assert [one.cameras for one in told] == [{"cam08"}]
    assert morning.fleet.view(morning.now_ms).version == told[0].version
    end()
    morning.fleet.take([camera.status(morning.now_ms, battery_percent=87)])
    morning.tick()
    assert len(told) == 1


def test_history_is_rolled_up_and_says_how_long_a_charge_lasts(morning: Morning) -> None:
    morning.all_well()
    camera = morning.cameras["cam07"]
    for minute in range(3 * 60):
        morning.now_ms = START_MS + minute * MINUTE_MS
        percent = 90 - minute // 3
        morning.fleet.take([camera.status(morning.now_ms, battery_percent=percent)])
    morning.after(6)
    hours = morning.fleet.history("cam07", "week", morning.now_ms)
    assert (hours.step_s, sum(point.count for point in hours.points)) == (3600, 181)
    means = [point.battery_percent or 0 for point in hours.points]
    assert means == sorted(means, reverse=True)
    minutes = morning.fleet.history("cam07", "day", morning.now_ms)
    assert len(minutes.points) == 180
    (day,) = morning.fleet.history("cam07", "year", morning.now_ms).points
    assert (day.count, day.battery_least) == (181, 31)
    morning.after(0.1)
    row = morning.fleet.view(morning.now_ms).cameras[0]
    assert row.lasts_minutes == pytest.approx(93, abs=2)  # 31 %, and 20 % an hour
    morning.after(6)  # again: nothing is counted twice
    assert morning.fleet.history("cam07", "year", morning.now_ms).points == (day,)


def test_what_is_old_is_forgotten_and_what_lasts_is_not(morning: Morning) -> None:
    morning.all_well()
    camera = morning.cameras["cam07"]
    rec, opened = camera.begin(morning.now_ms)
    morning.fleet.take([opened, camera.status(morning.now_ms)])
    morning.after(1)
    assert morning.fleet.history("cam07", "hours", morning.now_ms).points
    morning.after(100 * 24 * 60)
    page = morning.fleet.camera("cam07", morning.now_ms)
    assert [one.kind for one in page.timeline] == ["raised.missing"]
    assert [one.rec for one in page.recordings] == [rec]
    assert morning.fleet.history("cam07", "week", START_MS + HOUR_MS).points == ()
    assert morning.fleet.history("cam07", "year", morning.now_ms).points != ()


def test_a_command_is_pending_accepted_done_or_timed_out(morning: Morning) -> None:
    morning.all_well()
    given = morning.fleet.command("cam07", "locate", {"seconds": 5}, "A", morning.now_ms)
    (out,) = morning.fleet.outbox.due(morning.now_ms)
    assert out.topic == "bodycam/v1/cam07/cmd/locate"
    assert out.expires_s <= 30
    camera = morning.cameras["cam07"]
    seen = []
    for outcome in ("accepted", "done"):
        seen.append(morning.fleet.commands("cam07")[0].outcome)
        morning.fleet.take([camera.result(given.id, "locate", outcome, morning.now_ms)])
    seen.append(morning.fleet.commands("cam07")[0].outcome)
    assert seen == ["pending", "accepted", "done"]
    morning.after(0.1)
    morning.fleet.command("cam08", "report", {}, "A", morning.now_ms)
    morning.after(1)
    assert [one.outcome for one in morning.fleet.commands()] == ["timed-out", "done"]
    assert morning.fleet.outbox.due(morning.now_ms) == []


@pytest.mark.parametrize(
    ("camera", "name", "arguments", "why"),
    [
        ("cam07", "explode", {}, "no command"),
        ("cam07", "locate", {"seconds": 61}, "not well formed"),
        ("cam07", "locate", {"minutes": 1}, "not well formed"),
        ("cam99", "locate", {}, "no camera"),
        ("cam08", "locate", {}, "cannot hear"),
    ],
)
def test_a_command_that_cannot_be_is_refused(
    morning: Morning, camera: str, name: str, arguments: dict[str, int], why: str
) -> None:
    morning.all_well("cam07")
    with pytest.raises(UsageError, match=why):
        morning.fleet.command(camera, name, arguments, "A", morning.now_ms)
    assert morning.fleet.commands() == ()


def test_a_configuration_only_goes_up_and_is_a_finding_until_it_is_in_force(
    morning: Morning,
) -> None:
    morning.all_well()
    morning.fleet.desire("cam07", 3, b"signed", morning.now_ms)
    with pytest.raises(UsageError, match="version 3"):
        morning.fleet.desire("cam07", 3, b"other", morning.now_ms)
    (out,) = morning.fleet.outbox.due(morning.now_ms)
    assert (out.topic, out.retained) == ("bodycam/v1/cam07/desired", True)
    morning.fleet.outbox.sent(out, morning.now_ms)
    assert morning.fleet.outbox.due(morning.now_ms) == []
    assert morning.exceptions == ["cam07 configuration"]
    camera = morning.cameras["cam07"]
    morning.fleet.take([camera.status(morning.now_ms, config_version=3)])
    morning.after(1)
    assert morning.exceptions == []


def test_groups_spreadsheet_and_metrics(morning: Morning) -> None:
    morning.all_well()
    morning.fleet.put_in_group("cam08", "noord; 'x'", "A", morning.now_ms)
    text = io.StringIO()
    csv.writer(text).writerows(morning.fleet.rows(morning.now_ms))
    text.seek(0)
    read = [*csv.DictReader(text)]
    assert [(row["camera"], row["group"], row["fitness"]) for row in read] == [
        ("cam07", "", "can"),
        ("cam08", "noord; 'x'", "can"),
        ("cam09", "", "can"),
    ]
    lines = morning.fleet.metrics(morning.now_ms).splitlines()
    assert 'bodycam_fitness{fitness="can"} 3' in lines
    assert 'bodycam_cameras{state="docked"} 3' in lines
    assert "bodycam_messages_taken_total 9" in lines
    assert not any("cam07" in line for line in lines)


def test_a_camera_or_a_span_that_is_not_known_is_a_sentence(morning: Morning) -> None:
    with pytest.raises(UsageError):
        morning.fleet.camera("cam99", morning.now_ms)
    with pytest.raises(UsageError):
        morning.fleet.history("cam99", "day", morning.now_ms)
    with pytest.raises(UsageError, match="hours, day"):
        morning.fleet.history("cam07", "decade", morning.now_ms)


def test_a_wrong_key_and_wrong_recipients_are_found(morning: Morning) -> None:
    morning.desk.recipients = ("age1b", "age1a")
    morning.all_well()
    assert morning.exceptions == [f"cam0{n} recipients" for n in (7, 8, 9)]
    right = hashlib.sha256(b"age1a age1b").hexdigest()
    for camera in morning.cameras.values():
        morning.fleet.take([camera.info(key=HASH, recipients=right)])
    morning.after(1)
    assert morning.exceptions == [f"cam0{n} key" for n in (7, 8, 9)]


def test_a_second_process_sees_what_the_first_took(morning: Morning, where: str) -> None:
    other = FleetService(morning.desk, Store.open(where), now_ms=lambda: morning.now_ms)
    assert len(other.view(morning.now_ms).missing) == 3
    morning.all_well()
    assert len(other.view(morning.now_ms + 1000).can_go_out) == 3
    other.close()


def test_a_database_that_is_gone_is_told_and_the_keeper_goes_on(morning: Morning) -> None:
    morning.all_well()
    told = threading.Event()
    morning.fleet.subscribe(lambda _: told.set())
    broken = StorageError("The database does not answer: it is broken.")
    tick, calls = morning.fleet.tick, []

    def fails_at_first(now_ms: int) -> None:
        calls.append(now_ms)
        if len(calls) == 1:
            raise broken
        tick(now_ms)

    morning.fleet.tick = fails_at_first  # type: ignore[method-assign]
    keeper = threading.Thread(target=morning.fleet._keep, name="keeper")
    keeper.start()
    assert told.wait(30)
    morning.fleet._stopping.set()
    morning.fleet._dirty.set()
    keeper.join(30)
    assert len(calls) >= 2
    assert morning.fleet.healthy(morning.now_ms) == ""
