"""Nothing goes from the card that no station has signed for, and what goes leaves no trace of harm.

The station here is the real one: it imports the card and leaves its receipts.
"""

import hashlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import count
from pathlib import Path

import pytest

from bodycam.errors import CardFailed, CardFull, EvidenceError
from bodycam.evidence.age import POST_QUANTUM, X25519
from bodycam.evidence.enrolment import make_request, read_bundle
from bodycam.evidence.journal import Entry, read_journal
from bodycam.evidence.receipts import Receipt, read_receipt, sign_receipt, void_sha256
from bodycam.media.packets import SECOND
from bodycam.recorder.assembly import Owner, open_vault
from bodycam.recorder.clearance import LOOK_EVERY_NS, SAVE_EVERY_NS, Clearance, Tally
from bodycam.recorder.footage import Footage
from bodycam.recorder.recovery import Found
from bodycam.recorder.vault import Vault
from bodycam.recorder.writer import Writer
from bodycam.rules.events import Event, Note, RecordingBroke
from bodycam.rules.policy import Policy, SealingPolicy, read_policy
from bodycam_station.age_reader import open_sealed
from bodycam_station.intake import Report
from bodycam_station.station import Station
from recorder.desk import FORM, RING, Desk, DeskCard, PowerCut, warned
from recordings import device_key, recipient
from streams import START_NS

HOUR = 3600 * SECOND
STRANGER = device_key("somebody")


def policy(hours: int) -> Policy:
    text = (
        f'name = "h"\n[warning]\n[keep]\nacknowledged_for_h = {hours}\n[wearer]\n[video]\n[sound]'
    )
    return read_policy(text.encode(), "h.toml")


@dataclass
class Shelf:
    """A camera and its station, with the card between them."""

    desk: Desk
    station: Station
    owner: Owner
    hours: int = 24
    sealing: str = X25519

    def boot(self, card: DeskCard | None = None) -> tuple[Vault, list[Found]]:
        self.desk.boots += 1
        return open_vault(
            card or self.desk.card(),
            replace(policy(self.hours), sealing=SealingPolicy(self.sealing)),
            self.owner,
            clock=self.desk.clock,
            random=os.urandom,
            boot=f"boot-{self.desk.boots}",
        )

    def record(self, notes: int = 2) -> str:
        vault, _ = self.boot()
        recording = vault.open(warned(), START_NS)
        for number in range(notes):
            recording.commit([("note", [b'{"v":1,"kind":"mark","at_us":%d}' % number])])
        recording.close()
        return recording.id

    def hand_over(self) -> Report:
        return self.station.import_card(self.desk.root, person="A. de Vries")

    def clear(self, card: DeskCard | None = None) -> Clearance:
        """Start the camera, and let it do what there is to do."""
        vault, _ = self.boot(card)
        assert vault.clearance is not None
        self.work(vault.clearance)
        return vault.clearance

    def work(self, clearance: Clearance) -> int:
        """How many steps it took."""
        return next(n for n in count() if not clearance.step())

    def later(self, ns: int) -> None:
        self.desk.clock.now += ns

    # ---- what is on the card ---------------------------------------------------------------------

    @property
    def here(self) -> list[str]:
        return [path.name for path in self.desk.folders]

    def about(self, rec: str) -> list[str]:
        return [entry.kind for entry in self.desk.journal() if entry.rec == rec]

    def told(self, kind: str) -> list[dict[str, object]]:
        return [self.body(one) for one in self.desk.journal() if one.kind == kind]

    def body(self, entry: Entry) -> dict[str, object]:
        sealed = b"".join(open_sealed(BytesIO(entry.body), self.station.identities))
        fields: dict[str, object] = json.loads(sealed)
        return fields

    def receipt(self, rec: str) -> Path:
        return self.desk.root / "receipts" / f"{rec}.receipt"

    def give(self, receipt: Receipt, name: str = "", key: object = None) -> None:
        line, armor = sign_receipt(receipt, STRANGER if key else self.station.key)
        path = self.receipt(name or receipt.rec)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(line + armor.encode())

    def read(self, rec: str) -> Receipt:
        return read_receipt(self.receipt(rec).read_bytes(), self.station.key.public)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    key = device_key("cam07")
    with Station.init(tmp_path / "station", "utrecht", person="A. de Vries") as station:
        request = make_request("cam07", key, "software")
        bundle = read_bundle(station.enroll(request, person="A. de Vries"))
        owner = Owner("cam07", key, bundle.recipients, station_key=bundle.station_key)
        yield Shelf(Desk(tmp_path / "card"), station, owner)


# ---- what goes -----------------------------------------------------------------------------------


def test_what_was_acknowledged_goes_after_the_hours_and_nothing_else(shelf: Shelf) -> None:
    first = shelf.record()
    assert shelf.hand_over().exit_code == 0
    second = shelf.record()
    document = shelf.receipt(first).read_text()
    clearance = shelf.clear()
    assert clearance.tally == Tally(recordings=2, acknowledged=1, refused=0)
    shelf.later(23 * HOUR)
    shelf.work(clearance)
    assert shelf.here == [first, second]
    assert shelf.about(first) == ["open", "close", "receipt"]
    shelf.later(HOUR)
    shelf.work(clearance)
    assert shelf.here == [second]
    assert shelf.about(first) == ["open", "close", "receipt", "deleted"]
    assert clearance.tally == Tally(recordings=1, acknowledged=0, refused=0)
    assert not [path for path in shelf.desk.files() if first in path]
    (proof,) = shelf.told("receipt")
    assert proof["receipt"] == document
    assert shelf.hand_over().missing == []


def test_the_journal_says_which_state_was_acknowledged_and_deleted(shelf: Shelf) -> None:
    rec = shelf.record()
    shelf.hand_over()
    shelf.hours = 0
    shelf.clear()
    heads = {entry.kind: entry.head for entry in shelf.desk.journal() if entry.rec == rec}
    assert heads["receipt"] == heads["deleted"] == heads["close"]
    assert shelf.hand_over().problems == []


def test_with_no_hours_it_goes_at_once(shelf: Shelf) -> None:
    shelf.hours = 0
    rec = shelf.record()
    shelf.hand_over()
    shelf.clear()
    assert shelf.here == []
    assert shelf.about(rec) == ["open", "close", "receipt", "deleted"]


def test_a_whole_recovered_one_goes_with_what_nobody_signed(shelf: Shelf) -> None:
    vault, _ = shelf.boot()
    recording = vault.open(warned(), START_NS)
    (shelf.desk.root / recording.folder / "00000002.init.age").write_bytes(b"not yet signed")
    shelf.boot()
    (item,) = shelf.hand_over().recordings
    assert (item.verdict.integrity, item.receipt) == ("incomplete", True)
    assert (shelf.station.path / item.path / "unsigned/00000002.init.age").exists()
    shelf.hours = 0
    shelf.clear()
    assert shelf.here == []


def never_began(shelf: Shelf) -> Path:
    """The folder of a recording that is void, with what was written of it set aside."""
    card = shelf.desk.card()
    vault, _ = shelf.boot(card)
    card.cut_after = len(card.calls) + 2
    with pytest.raises(PowerCut):
        vault.open(warned(), START_NS)
    (folder,) = shelf.desk.folders
    (folder / "00000001.warning.age").write_bytes(b"whatever was written")
    assert [one.outcome for one in shelf.boot()[1]] == ["void"]
    return folder


def test_one_that_never_began_goes_once_the_station_has_what_there_is(shelf: Shelf) -> None:
    rec = never_began(shelf).name
    (item,) = shelf.hand_over().recordings
    assert (item.outcome, item.receipt, item.why) == ("set aside", True, "")
    stored = shelf.station.path / item.path / "unsigned/00000001.warning.age"
    assert stored.read_bytes() == b"whatever was written"
    receipt = shelf.read(rec)
    assert (receipt.verdict, receipt.objects, receipt.sealed_bytes) == ("void", 1, 20)
    assert "receipt" in [act.kind for act in shelf.station.acts() if act.about == rec]
    shelf.hours = 0
    shelf.clear()
    assert shelf.here == []
    assert shelf.about(rec) == ["open", "void", "receipt", "deleted"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("unsigned/00000001.warning.age", b"Whatever was written"),
        ("unsigned/00000001.warning.age", b"whatever"),
        ("unsigned/more", b""),
        ("more", b""),
    ],
)
def test_one_that_never_began_stays_if_it_is_not_what_the_station_has(
    shelf: Shelf, name: str, data: bytes
) -> None:
    folder = never_began(shelf)
    shelf.hand_over()
    shelf.hours = 0
    vault, _ = shelf.boot()
    (folder / name).write_bytes(data)
    assert vault.clearance is not None
    shelf.work(vault.clearance)
    assert shelf.here == [folder.name]
    assert "receipt" not in shelf.about(folder.name)


def test_one_that_has_not_ended_stays_whatever_its_receipt_says(shelf: Shelf) -> None:
    vault, _ = shelf.boot()
    recording = vault.open(warned(), START_NS)
    folder = shelf.desk.root / recording.folder
    (warning,) = folder.glob("*.warning.age")
    sha256 = hashlib.sha256((folder / "ledger.jsonl").read_bytes()).hexdigest()
    size = warning.stat().st_size
    shelf.give(Receipt("utrecht", "cam07", folder.name, sha256, 1, size, "unfinished"))
    assert vault.clearance is not None
    shelf.work(vault.clearance)
    assert vault.clearance.tally == Tally(recordings=1, acknowledged=0, refused=1)
    assert "receipt" not in shelf.about(folder.name)


def test_stock_tools_make_the_hash_of_one_that_never_began(shelf: Shelf) -> None:
    folder = shelf.desk.root / "unsigned"
    folder.mkdir(parents=True)
    for name in ("b.age", "a.age", "ledger.tail"):
        (folder / name).write_text(name)
    shown = subprocess.run(
        "sha256sum * | sha256sum", shell=True, cwd=folder, capture_output=True, text=True
    )
    lines = subprocess.run("sha256sum *", shell=True, cwd=folder, capture_output=True, text=True)
    files = [(line[66:], line[:64]) for line in lines.stdout.splitlines()]
    assert void_sha256(reversed(files)) == shown.stdout[:64]


def test_one_whose_ledger_was_taken_away_is_no_void(shelf: Shelf) -> None:
    """Somebody wants a recording gone, and takes its ledger so that the camera finds no line 0."""
    rec = shelf.record()
    (shelf.desk.root / "recordings" / rec / "ledger.jsonl").unlink()
    assert [one.outcome for one in shelf.boot()[1]] == ["void"]
    (item,) = shelf.hand_over().recordings
    assert not item.receipt
    assert not shelf.receipt(rec).exists()
    shelf.hours = 0
    shelf.clear()
    assert shelf.here == [rec]


def test_an_unfinished_one_gets_its_receipt_after_the_camera_has_started(shelf: Shelf) -> None:
    vault, _ = shelf.boot()
    vault.open(warned(), START_NS)
    assert [item.receipt for item in shelf.hand_over().recordings] == [False]
    shelf.boot()
    assert [item.receipt for item in shelf.hand_over().recordings] == [True]


def test_the_proof_is_in_the_journal_whatever_a_file_says_is_in_it(shelf: Shelf) -> None:
    """Somebody plants the file in which the camera keeps how long it has waited."""
    rec = shelf.record()
    shelf.hand_over()
    document = shelf.receipt(rec).read_bytes()
    seen = {rec: (hashlib.sha256(document).hexdigest(), 10**6, None)}
    (shelf.desk.root / "acknowledged.json").write_text(json.dumps(seen))
    shelf.clear()
    assert shelf.here == []
    assert shelf.about(rec) == ["open", "close", "receipt", "deleted"]
    assert [proof["receipt"] for proof in shelf.told("receipt")] == [document.decode()]
    assert shelf.hand_over().problems == []


def test_the_proof_is_in_the_journal_that_deletes_though_an_earlier_one_had_it(
    shelf: Shelf,
) -> None:
    rec = shelf.record()
    shelf.hand_over()
    shelf.clear()
    (shelf.desk.root / "journal.jsonl").unlink()
    shelf.later(25 * HOUR)
    shelf.clear()
    assert shelf.about(rec) == ["receipt", "deleted"]


# ---- hours ---------------------------------------------------------------------------------------


def test_hours_go_on_over_a_restart_and_without_a_clock(shelf: Shelf) -> None:
    rec = shelf.record()
    shelf.hand_over()
    shelf.desk.clock.source = "none"
    for _ in range(3):
        clearance = shelf.clear()
        for _ in range(9):  # so long it is on each day
            shelf.later(SAVE_EVERY_NS)
            shelf.work(clearance)
    assert shelf.here == []
    assert shelf.about(rec) == ["open", "close", "receipt", "receipt", "deleted"]


def test_a_clock_that_is_set_counts_the_hours_that_the_camera_is_off(shelf: Shelf) -> None:
    rec = shelf.record()
    shelf.hand_over()
    shelf.clear()
    shelf.later(25 * HOUR)
    shelf.clear()
    assert shelf.here == []
    assert shelf.about(rec).count("receipt") == 2


@pytest.mark.parametrize(
    "left",
    [b"", b"{", b"[]", b'{"x": 3}', b'{"x": ["a"]}', b"\xff" * 99, b'{"REC": ["", "1e999", 7]}'],
)
def test_without_what_was_remembered_it_only_stays_longer(shelf: Shelf, left: bytes) -> None:
    rec = shelf.record()
    shelf.hand_over()
    shelf.clear()
    (shelf.desk.root / "acknowledged.json").write_bytes(left.replace(b"REC", rec.encode()))
    shelf.later(25 * HOUR)
    clearance = shelf.clear()
    assert shelf.here == [rec]
    shelf.later(25 * HOUR)
    shelf.work(clearance)
    assert shelf.here == []


# ---- what does not hold --------------------------------------------------------------------------


def _another_recording(shelf: Shelf, rec: str) -> None:
    other = shelf.record()
    shelf.hand_over()
    shutil.copy(shelf.receipt(other), shelf.receipt(rec))
    shelf.receipt(other).unlink()


def _of_a_stranger(shelf: Shelf, rec: str) -> None:
    shelf.give(shelf.read(rec), key=STRANGER)


def _altered(shelf: Shelf, rec: str) -> None:
    data = shelf.receipt(rec).read_bytes()
    shelf.receipt(rec).write_bytes(data.replace(b'"verdict":"ok"', b'"verdict":"incomplete"'))


def _more_behind_it(shelf: Shelf, rec: str) -> None:
    shelf.receipt(rec).write_bytes(shelf.receipt(rec).read_bytes() + b"\n")


def _huge(shelf: Shelf, rec: str) -> None:
    shelf.receipt(rec).write_bytes(shelf.receipt(rec).read_bytes() + b" " * (1 << 20))


def _of_an_earlier_state(shelf: Shelf, rec: str) -> None:
    shelf.give(replace(shelf.read(rec), ledger_sha256="0" * 64))


def _of_fewer_objects(shelf: Shelf, rec: str) -> None:
    shelf.give(replace(shelf.read(rec), objects=2))


def _of_other_sizes(shelf: Shelf, rec: str) -> None:
    shelf.give(replace(shelf.read(rec), sealed_bytes=7))


def _with_more_on_the_card(shelf: Shelf, rec: str) -> None:
    (shelf.desk.root / "recordings" / rec / "00000009.segment.age").write_bytes(b"")


def _grown_ledger(shelf: Shelf, rec: str) -> None:
    with (shelf.desk.root / "recordings" / rec / "ledger.jsonl").open("ab") as file:
        file.write(b"{}\n")


def _says_void(shelf: Shelf, rec: str) -> None:
    shelf.give(replace(shelf.read(rec), verdict="void"))


def _a_link(shelf: Shelf, rec: str) -> None:
    shelf.receipt(rec).rename(shelf.desk.root / "kept")
    shelf.receipt(rec).symlink_to(shelf.desk.root / "kept")


def _hostile_names(shelf: Shelf, rec: str) -> None:
    document = shelf.receipt(rec).read_bytes()
    shelf.receipt(rec).unlink()
    folder = shelf.desk.root / "receipts"
    for name in ("...receipt", ".receipt", "..%2f.receipt", rec, f"{rec}.receipt.receipt"):
        (folder / name).write_bytes(document)
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\n\x1b[2J.receipt")).write_bytes(document)
    (folder / f"{rec}.receipt").mkdir()


WRONG = [
    _another_recording,
    _of_a_stranger,
    _altered,
    _more_behind_it,
    _huge,
    _of_an_earlier_state,
    _of_fewer_objects,
    _of_other_sizes,
    _with_more_on_the_card,
    _grown_ledger,
    _says_void,
    _a_link,
    _hostile_names,
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_receipt_that_does_not_hold_lets_nothing_go(
    shelf: Shelf, wrong: Callable[[Shelf, str], None]
) -> None:
    rec = shelf.record()
    shelf.hand_over()
    wrong(shelf, rec)
    before = {path for path in shelf.desk.files() if "journal" not in path}
    shelf.hours = 0
    clearance = shelf.clear()
    assert clearance.tally is not None
    refused = 7 if wrong is _hostile_names else 1
    assert clearance.tally.refused == refused
    for _ in range(3):
        shelf.later(25 * HOUR)
        shelf.work(clearance)
    assert {path for path in shelf.desk.files() if "journal" not in path} == before
    assert "receipt" not in shelf.about(rec)
    (told,) = shelf.told("receipts-refused")
    assert told["count"] == refused
    some = told["some"]
    assert isinstance(some, list)
    assert len(some) == min(refused, 5)
    assert all(str(one).isprintable() for one in some)


def test_a_recording_that_changes_after_it_was_acknowledged_stays(shelf: Shelf) -> None:
    rec = shelf.record()
    shelf.hand_over()
    clearance = shelf.clear()
    _with_more_on_the_card(shelf, rec)
    shelf.later(25 * HOUR)
    shelf.work(clearance)
    assert shelf.here == [rec]
    assert shelf.about(rec) == ["open", "close", "receipt"]
    assert clearance.tally == Tally(recordings=1, acknowledged=1, refused=1)


def test_without_a_station_nothing_ever_goes(shelf: Shelf) -> None:
    rec = shelf.record()
    shelf.hand_over()
    shelf.owner, shelf.hours = replace(shelf.owner, station_key=None), 0
    assert shelf.clear().tally == Tally(recordings=1, acknowledged=0, refused=1)
    assert shelf.here == [rec]


def test_of_many_that_are_refused_some_are_named_and_all_counted(shelf: Shelf) -> None:
    (shelf.desk.root / "receipts").mkdir(parents=True)
    for number in range(300):
        (shelf.desk.root / "receipts" / f"{number}{'x' * 200}").touch()
    shelf.clear()
    (told,) = shelf.told("receipts-refused")
    assert (told["count"], len(list(told["some"]))) == (300, 5)  # type: ignore[call-overload]


def test_names_that_are_as_long_as_can_be_find_room_in_the_journal_of_any_camera(
    shelf: Shelf,
) -> None:
    shelf.owner = replace(
        shelf.owner,
        recipients=tuple(recipient(name, post_quantum=True) for name in ("station", "escrow")),
    )
    shelf.sealing = POST_QUANTUM
    folder = os.fsencode(shelf.desk.root / "receipts")
    Path(os.fsdecode(folder)).mkdir(parents=True)
    for number in range(9):
        Path(os.fsdecode(folder + b"/" + b'\\\xff"' * 80 + b"%d" % number)).touch()
    clearance = shelf.clear()
    assert clearance.tally == Tally(recordings=0, acknowledged=0, refused=9)
    assert shelf.desk.kinds() == ["receipts-refused"]


def test_a_better_receipt_takes_the_place_of_one_that_was_refused(shelf: Shelf) -> None:
    rec = shelf.record()
    shelf.hand_over()
    good = shelf.receipt(rec).read_bytes()
    _of_a_stranger(shelf, rec)
    clearance = shelf.clear()
    shelf.receipt(rec).write_bytes(good)
    shelf.later(LOOK_EVERY_NS)
    shelf.work(clearance)
    assert shelf.about(rec) == ["open", "close", "receipt"]
    assert clearance.tally == Tally(recordings=1, acknowledged=1, refused=0)


# ---- power cuts and cards that refuse ------------------------------------------------------------


def _cuts(shelf: Shelf) -> int:
    """How many changes of the card one acknowledged and deleted recording takes."""
    copy = shutil.copytree(shelf.desk.root, shelf.desk.root.with_name("rehearsal"))
    card = DeskCard(copy)
    shelf.clear(card)
    return len(card.calls)


@pytest.mark.parametrize("torn", [False, True])
def test_a_power_cut_at_any_step_loses_neither_proof_nor_looks_like_harm(
    shelf: Shelf, torn: bool, tmp_path: Path
) -> None:
    rec = shelf.record()
    shelf.hand_over()
    shelf.hours = 0
    shutil.copytree(shelf.desk.root, tmp_path / "whole")
    changes = _cuts(shelf)
    assert changes >= 12
    for cut in range(changes + 1):
        shutil.rmtree(shelf.desk.root)
        shutil.copytree(tmp_path / "whole", shelf.desk.root)
        shutil.copytree(shelf.station.path, tmp_path / f"station-{cut}")
        card = shelf.desk.card(cut, torn=torn, forgets=True)
        with suppress(PowerCut):
            shelf.clear(card)
        with Station.open(tmp_path / f"station-{cut}") as station:
            again = replace(shelf, station=station)
            # A station that gets the card now finds nothing wrong and nothing missing.
            report = again.hand_over()
            assert (report.problems, report.missing) == ([], []), cut
            assert {item.verdict.integrity for item in report.recordings} <= {"ok"}, cut
            # The next start finishes it.
            again.clear()
            assert again.here == [], cut
            about = again.about(rec)
            assert about[:2] == ["open", "close"]
            assert about.index("receipt") < about.index("deleted"), cut
            assert not [path for path in again.desk.files() if rec in path], cut
            assert again.hand_over().exit_code == 0


def test_what_was_put_into_the_folder_of_the_leaving_stays(shelf: Shelf) -> None:
    rec = shelf.record()
    (shelf.desk.root / "leaving").mkdir()
    (shelf.desk.root / "recordings" / rec).rename(shelf.desk.root / "leaving" / rec)
    shelf.hours = 0
    clearance = shelf.clear()
    assert clearance.tally == Tally(recordings=0, acknowledged=0, refused=1)
    assert (shelf.desk.root / "leaving" / rec / "ledger.jsonl").exists()


def test_a_ledger_that_the_receipt_is_not_for_is_not_removed_from_there(shelf: Shelf) -> None:
    rec, other = shelf.record(), shelf.record()
    shelf.hand_over()
    recordings, leaving = shelf.desk.root / "recordings", shelf.desk.root / "leaving"
    leaving.mkdir()
    (recordings / rec).rename(leaving / rec)
    shutil.copy(recordings / other / "ledger.jsonl", leaving / rec / "ledger.jsonl")
    shelf.hours = 0
    shelf.clear()
    assert len(list((leaving / rec).iterdir())) > 3


@pytest.mark.parametrize("call", ["remove", "move", "make_folder", "append", "create"])
def test_a_card_that_refuses_is_tried_again_and_told_no_more_than_twice(
    shelf: Shelf, call: str
) -> None:
    rec = shelf.record()
    shelf.hand_over()
    shelf.hours = 0
    card = shelf.desk.card()
    vault, _ = shelf.boot(card)
    clearance = vault.clearance
    assert clearance is not None
    card.refuse = lambda done, path: CardFull("no") if done == call else None
    for _ in range(3):
        shelf.later(LOOK_EVERY_NS)
        with suppress(CardFull):
            shelf.work(clearance)
    assert shelf.about(rec).count("receipt") == (call != "append")
    card.refuse = lambda done, path: None
    shelf.later(LOOK_EVERY_NS)
    shelf.work(clearance)
    assert shelf.here == []
    assert shelf.about(rec) == ["open", "close", "receipt", "deleted"]


# ---- whatever happens ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed",
    [*range(3), *(pytest.param(seed, marks=pytest.mark.proof) for seed in range(3, 100))],
)
def test_nothing_goes_that_no_station_has(shelf: Shelf, seed: int) -> None:
    """Days of recording, tampering, power cuts and imports in any order."""
    dice = random.Random(seed)
    made = {shelf.record()}
    for _ in range(25):
        match dice.choice(["record", "record", "hand over", "tamper", "cut", "later", "start"]):
            case "record":
                made.add(shelf.record(notes=dice.randrange(4)))
            case "hand over":
                shelf.hand_over()
            case "tamper" if receipts := [*(shelf.desk.root / "receipts").glob("*.receipt")]:
                rec = dice.choice(receipts).stem
                if rec in shelf.here:
                    with suppress(EvidenceError):  # it may be spoilt already
                        dice.choice(IN_PLACE)(shelf, rec)
            case "cut":
                card = shelf.desk.card(dice.randrange(25), torn=dice.random() < 0.5, forgets=True)
                with suppress(PowerCut):
                    shelf.clear(card)
            case "later":
                shelf.later(dice.choice([1, 13, 25]) * HOUR)
            case "start":
                shelf.clear()
        stored = {*shelf.station.recordings()}
        data = (shelf.desk.root / "journal.jsonl").read_bytes()
        lines = read_journal(data, dev="cam07", key=device_key("cam07").public)
        assert lines.problem is None or lines.at_end  # the power may just have gone
        for rec in made - {*shelf.here}:
            assert rec in stored
            assert shelf.station.verify(rec).integrity == "ok"
            about = [entry.kind for entry in lines.entries if entry.rec == rec]
            assert about.index("receipt") < about.index("deleted")
    shelf.hand_over()
    shelf.clear()
    shelf.later(25 * HOUR)
    shelf.clear()
    assert len(shelf.here) < len(made)  # and what it has goes


IN_PLACE = [_of_a_stranger, _altered, _of_an_earlier_state, _of_fewer_objects, _grown_ledger]
"""What somebody does to a receipt that is there, or to what it is for."""


# ---- footage first -------------------------------------------------------------------------------


def test_no_step_reads_or_writes_much(shelf: Shelf) -> None:
    shelf.record(notes=40)
    shelf.hand_over()
    shelf.hours = 0
    card = shelf.desk.card()
    vault, _ = shelf.boot(card)
    assert vault.clearance is not None
    most = 0
    while True:
        before = len(card.calls)
        if not vault.clearance.step():
            break
        most = max(most, len(card.calls) - before)
    assert most <= 6  # two journal lines, a folder, a move, a file, the list
    assert len(card.calls) > 40


def test_a_writer_with_a_recording_open_makes_no_room(shelf: Shelf) -> None:
    rec = shelf.record()
    shelf.hand_over()
    shelf.hours = 0
    vault, _ = shelf.boot()
    told: list[Event] = []
    footage = Footage(RING, told.append)
    writer = Writer(vault, footage, FORM, told.append, shelf.desk.clock)
    footage.begin(warned())
    writer.step(0.001)
    for _ in range(100):
        writer.step(0.001)
        assert not writer.tidy()
    assert rec in shelf.here
    footage.finish()
    while writer.watch.tally is None:
        writer.step(0.001)
    assert rec not in shelf.here
    assert writer.watch.tally == Tally(recordings=1, acknowledged=0, refused=0)
    assert writer.watch.busy_since_ns is None


def test_a_recording_counts_from_its_end_though_the_next_is_open(shelf: Shelf) -> None:
    vault, _ = shelf.boot()
    footage = Footage(RING, lambda _: None)
    writer = Writer(vault, footage, FORM, lambda _: None, shelf.desk.clock)
    footage.begin(warned())
    footage.finish()
    writer.step()
    assert writer.watch.tally is None  # nobody has looked yet: not known is not none
    while writer.watch.tally is None:
        writer.step(0.001)
    for _ in range(2):
        footage.begin(warned())
        footage.finish()
    footage.begin(warned())
    for _ in range(100):
        writer.step(0.001)
    assert writer.watch.tally == Tally(recordings=3, acknowledged=0, refused=0)
    footage.finish()
    shelf.later(LOOK_EVERY_NS)
    while writer.step(0.001) or writer.tidy():
        pass
    assert writer.watch.tally == Tally(recordings=len(shelf.here), acknowledged=0, refused=0)


def test_a_recording_that_broke_counts_too(shelf: Shelf) -> None:
    card = shelf.desk.card()
    vault, _ = shelf.boot(card)
    told: list[Event] = []
    footage = Footage(RING, told.append)
    writer = Writer(vault, footage, FORM, told.append, shelf.desk.clock)
    while writer.watch.tally is None:
        writer.step(0.001)
    footage.begin(warned())
    writer.step()
    footage.note(Note("mark", 1))
    card.refuse = lambda call, path: CardFailed("It broke.") if call == "create" else None
    writer.step()
    assert any(isinstance(event, RecordingBroke) for event in told)
    assert writer.watch.tally == Tally(recordings=1, acknowledged=0, refused=0)


def test_a_writer_that_may_not_wait_makes_no_room(shelf: Shelf) -> None:
    shelf.record()
    shelf.hand_over()
    vault, _ = shelf.boot()
    footage = Footage(RING, lambda _: None)
    writer = Writer(vault, footage, FORM, lambda _: None, shelf.desk.clock)
    for _ in range(20):
        assert not writer.step()
    assert writer.watch.tally is None


def test_a_card_that_fails_while_room_is_made_is_in_the_journal(shelf: Shelf) -> None:
    shelf.record()
    shelf.hand_over()
    card = shelf.desk.card()
    vault, _ = shelf.boot(card)
    footage = Footage(RING, lambda _: None)
    writer = Writer(vault, footage, FORM, lambda _: None, shelf.desk.clock)
    card.refuse = lambda call, path: CardFailed("no") if "acknowledged" in path else None
    while not writer.step(0.001):
        pass
    (entry,) = (one for one in shelf.desk.journal() if one.kind == "room")
    assert shelf.body(entry)["error"] == "no"
