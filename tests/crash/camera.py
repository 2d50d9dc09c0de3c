"""A camera whose disk may be cut at any step: what it does, what it reports, what must hold after.

The real road: Footage, Writer, Vault, recovery, PosixCard. The verdicts are the station's.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import takewhile
from pathlib import Path

from bodycam.evidence.journal import read_journal
from bodycam.evidence.ledger import parse_rec, read_ledger
from bodycam.evidence.receipts import Receipt, sign_receipt
from bodycam.media.packets import Packet
from bodycam.ports import Buffer
from bodycam.posix.card import PosixCard
from bodycam.recorder.assembly import open_vault
from bodycam.recorder.footage import Footage
from bodycam.recorder.recovery import Found
from bodycam.recorder.vault import Vault
from bodycam.recorder.writer import AGAIN_NS, Progress, Writer
from bodycam.rules.events import Event, How, Log, Note, RecordingBroke, RecordingSaved
from bodycam.rules.policy import read_policy
from bodycam_station.age_reader import open_sealed
from bodycam_station.card import examine_card
from bodycam_station.custody import UNSETTLED, WRONG
from bodycam_station.files import Folder
from bodycam_station.registry import DeviceKey, Registry
from bodycam_station.verify import INCOMPLETE, NOT_SIGNED, OK, UNFINISHED, Verdict, examine
from crash.disk import Disk
from recorder.desk import DEVICE, FORM, KEY, OWNER, RING, DeskClock, warned
from recordings import Dice, device_key, identity
from streams import START_NS, film

POLICY = read_policy(
    b'name = "crash"\n[warning]\n[keep]\nacknowledged_for_h = 0\n[wearer]\n[video]\n[sound]\n'
    b"recorded = false\n",
    "crash.toml",
)
STATION = device_key("a station")
REGISTRY = Registry([DeviceKey(DEVICE, KEY.public, "software")])
JOURNAL, LEDGER, SIGNATURE = "journal.jsonl", "ledger.jsonl", "ledger.jsonl.sig"
AFTER = 1000
"""The number of the start that finds what the cut has left."""
MAX_STEPS = 8
"""What waits for a card that stays full is tried again and again."""
MAX_BREAKS = 3
"""So often a recording that broke goes on, before the camera gives up."""


@dataclass(frozen=True, slots=True)
class Told:
    """What has been reported as durable."""

    journal: bytes = b""
    ledgers: Mapping[str, bytes] = field(default_factory=dict)
    """By recording, its lines."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """By path: objects with a line, closing signatures."""

    @property
    def key(self) -> tuple[object, ...]:
        """The same for the same promises, of one truth."""
        lines = tuple(sorted((rec, len(ledger)) for rec, ledger in self.ledgers.items()))
        return len(self.journal), lines, len(self.files)


NOTHING = Told()


Truth = Mapping[str, bytes]
"""By path, the most that was ever in a file: nothing else was ever signed or sealed."""


def start(card: PosixCard, number: int) -> tuple[Vault, list[Found]]:
    """Start the camera, for the so-manieth time; the same bytes every time."""
    return open_vault(
        card,
        POLICY,
        replace(OWNER, station_key=STATION.public),
        clock=DeskClock(),
        random=Dice(f"start {number}"),
        boot=f"boot-{number}",
    )


@dataclass(frozen=True, slots=True)
class Story:
    """What is recorded: GOPs of three pictures, in two recordings, the first in two batches."""

    gops: int = 5
    first_batch: int = 7
    """Pictures."""
    note_bytes: int = 9000
    logs: int = 5
    """Lines for the journal that wait and are written at once."""
    second: int = 4
    """GOPs of the recording that is never stopped."""

    @classmethod
    def drawn(cls, dice: random.Random) -> "Story":
        """One of many."""
        gops = dice.randint(3, 9)
        return cls(
            gops,
            dice.randint(4, 3 * gops - 1),
            dice.choice((10, 400, 3000, 9000, 20_000)),
            dice.randint(0, 16),
            dice.randint(1, 9),
        )


class Life:
    """What a camera does on a disk, and what it has reported by each moment of it."""

    def __init__(self, root: Path, told: Told = NOTHING, story: Story = Story()) -> None:
        self.story = story
        self.told = told
        self.disk = Disk(root, lambda: self.told)
        self._root = root
        self._clock = DeskClock()
        self._breaks = 0

    def start(self, number: int) -> Vault:
        """Continue the journal and recover."""
        with self.disk.under_the_card():
            return start(_Card(self._root, self._journal_told), number)[0]

    def work(self, number: int) -> None:
        """Two recordings: one in several batches, stopped; one that is never stopped."""
        vault = self.start(number)
        with self.disk.under_the_card():
            vault.log("boot", {}, START_NS)
            self._footage = Footage(RING, lambda _: None)
            self._writer = Writer(
                vault, self._footage, FORM, self._post, self._clock, self._progress
            )
            self._record()

    def clear(self, number: int) -> None:
        """Let go what a station has signed for."""
        vault = self.start(number)
        with self.disk.under_the_card():
            vault.log("boot", {}, START_NS)
            _clear(vault)

    def _record(self) -> None:
        story = self.story
        first, second = _film(story.gops, START_NS), _film(story.second, START_NS + 10**10)
        self._begin()
        self._feed(first[: story.first_batch])
        self._footage.note(Note("mark", START_NS, (("long", "x" * story.note_bytes),)))
        for number in range(story.logs):
            self._footage.log(Log("act", START_NS, (("number", number),)))
        self._steps()
        self._feed(first[story.first_batch :])
        self._footage.finish()
        self._steps()
        self._begin()
        self._feed(second)
        self._steps()

    def _begin(self) -> None:
        self._footage.pin(START_NS, START_NS + 1)
        self._footage.begin(warned())

    def _feed(self, packets: Sequence[Packet]) -> None:
        for packet in packets:
            self._footage.append(packet)

    def _steps(self) -> None:
        for _ in range(MAX_STEPS):
            self._clock.now += AGAIN_NS
            if not self._writer.step():
                return

    # ---- what it reports -------------------------------------------------------------------------

    def _post(self, event: Event) -> None:
        if isinstance(event, RecordingSaved):
            self._saved(event.rec)
        if isinstance(event, RecordingBroke) and self._breaks < MAX_BREAKS:
            self._breaks += 1
            self._footage.go_on(warned(How.CONTINUED, event.warned.pressed_ns))

    def _journal_told(self) -> None:
        """Its lines are durable."""
        self._tell(replace(self.told, journal=(self._root / JOURNAL).read_bytes()))

    def _progress(self, progress: Progress) -> None:
        """Of this recording, everything up to this line is durable."""
        folder = self._root / "recordings" / progress.rec
        lines = (folder / LEDGER).read_bytes().splitlines(keepends=True)
        ledger = b"".join(lines[: progress.seq + 1])
        reading = read_ledger(ledger, rec=progress.rec, device_key=KEY.public)
        assert (reading.head, reading.problem) == (progress.head, None)
        objects = {
            f"recordings/{progress.rec}/{one.name}": (folder / one.name).read_bytes()
            for one in reading.objects
        }
        self._tell_of(progress.rec, ledger, objects)

    def _saved(self, rec: str) -> None:
        """The recording is closed and signed."""
        folder = self._root / "recordings" / rec
        signature = {f"recordings/{rec}/{SIGNATURE}": (folder / SIGNATURE).read_bytes()}
        self._tell_of(rec, (folder / LEDGER).read_bytes(), signature)

    def _tell_of(self, rec: str, ledger: bytes, files: Mapping[str, bytes]) -> None:
        ledgers = {**self.told.ledgers, rec: ledger}
        self._tell(replace(self.told, ledgers=ledgers, files={**self.told.files, **files}))

    def _tell(self, told: Told) -> None:
        self.told = told
        self.disk.mark()


def _clear(vault: Vault) -> None:
    assert vault.clearance is not None
    while vault.clearance.step():
        pass


def give_receipt(root: Path, rec: str) -> None:
    """The station has it: durable on the card, as the link puts it there."""
    folder = root / "recordings" / rec
    with Folder(folder) as opened:
        verdict = examine(opened, REGISTRY)
    assert verdict.integrity in (OK, INCOMPLETE)
    receipt = Receipt(
        "utrecht",
        DEVICE,
        rec,
        verdict.ledger_sha256,
        len(verdict.objects),
        verdict.sealed_bytes,
        verdict.integrity,
    )
    line, armor = sign_receipt(receipt, STATION)
    (root / "receipts").mkdir(exist_ok=True)
    (root / "receipts" / f"{rec}.receipt").write_bytes(line + armor.encode())


class _Card(PosixCard):
    """A card that says when a line of the journal is durable: at return."""

    def __init__(self, root: Path, journal_told: Callable[[], None]) -> None:
        super().__init__(root)
        self._journal_told = journal_told

    def append(self, path: str, data: Buffer) -> None:
        super().append(path, data)
        if path == JOURNAL:
            self._journal_told()


def _film(gops: int, start_ns: int) -> Sequence[Packet]:
    return film("IPP" * gops, width=64, height=36, start_ns=start_ns)


# ---- what must hold ------------------------------------------------------------------------------


def files(root: Path) -> dict[str, bytes]:
    """Everything on the card, by path; a folder ends with a slash."""
    return {
        str(path.relative_to(root)) + "/" * path.is_dir(): b""
        if path.is_dir()
        else path.read_bytes()
        for path in root.rglob("*")
    }


def assert_survives(root: Path, told: Told, truth: Truth, *, opened: bool) -> None:
    """Start the camera on this card and see that every promise holds; then again; then record."""
    found_so = files(root)
    _assert_nothing_false(root, truth, recovered=False)
    _, found = start(PosixCard(root), AFTER)
    assert {one.outcome for one in found} <= {"recovered", "signed", "void"}, found
    after = files(root)
    _assert_told(after, told)
    _assert_kept(found_so, after)
    _assert_nothing_false(root, truth, recovered=True)
    if opened:
        _assert_opens(after)
    vault, found = start(PosixCard(root), AFTER + 1)
    assert found == [], found
    assert files(root) == after, "Recovering twice is not recovering once."
    _assert_goes_on(root, vault, after)


def _assert_told(after: Mapping[str, bytes], told: Told) -> None:
    assert after[JOURNAL].startswith(told.journal), "A line of the journal is lost."
    gone = {rec for rec in _deleted(after) if f"recordings/{rec}/" not in after}
    for rec, lines in told.ledgers.items():
        now = after.get(f"recordings/{rec}/{LEDGER}", b"")
        assert rec in gone or now.startswith(lines), f"Lines of {rec} are lost."
    for path, data in told.files.items():
        there = path.split("/")[1] in gone or after.get(path) == data
        assert there, f"{path} was durable, and is not there."


def _deleted(after: Mapping[str, bytes]) -> set[str]:
    """What the journal says is deleted, the receipt first."""
    about: dict[str, list[str]] = {}
    for entry in read_journal(after[JOURNAL], dev=DEVICE, key=KEY.public).entries:
        about.setdefault(str(entry.rec), []).append(entry.kind)
    for rec, kinds in about.items():
        if "deleted" in kinds:
            assert "receipt" in kinds[: kinds.index("deleted")], f"{rec} is deleted for nothing."
    return {rec for rec, kinds in about.items() if "deleted" in kinds}


def _assert_kept(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    """Nothing that lay there is gone; what belongs to no chain lies aside."""
    contents = set(after.values())
    for path, data in before.items():
        name = path.rpartition("/")[2]
        if path.startswith(f"{JOURNAL}.new"):
            continue  # what was on the way to take the journal's place
        if name == LEDGER or path == JOURNAL:
            both = zip(data.splitlines(True), after.get(path, b"").splitlines(True), strict=False)
            same = takewhile(lambda lines: lines[0] == lines[1], both)
            tail = data[sum(len(line) for line, _ in same) :]
            assert data in contents or tail in (b"", *contents), f"{path} lost bytes."
        elif not name.startswith(SIGNATURE) and name:
            assert data in contents, f"{path} is gone."


def _assert_nothing_false(root: Path, truth: Truth, *, recovered: bool) -> None:
    """What the station says of the card is true, whether the camera was started since or not."""
    with Folder(root) as card:
        report = examine_card(card, REGISTRY)
    # A card may be quite new; what waits for a start of the camera has had it, once recovered.
    true = ("void", "empty") if recovered else ("no-card", "no-journal")
    false = {WRONG, UNSETTLED} if recovered else {WRONG}
    found = [one for one in report.findings if one.weight in false and one.code not in true]
    assert found == [], "; ".join(map(str, found))
    verdicts = dict(report.recordings)
    for path in (root / "recordings").glob("*"):
        verdict = verdicts.get(path.name)
        if verdict is None or verdict.provenance == NOT_SIGNED:
            at = read_ledger(_ledger(path), rec=path.name, device_key=KEY.public)
            assert at.opening is None, f"{path.name} is signed, and the station does not see it."
            if recovered:
                assert {entry.name for entry in path.iterdir()} == {"unsigned"}
            continue
        endings = {OK, INCOMPLETE} if recovered else {OK, INCOMPLETE, UNFINISHED}
        assert verdict.integrity in endings, (path.name, verdict.integrity, verdict.problems)
        _assert_signed_before(path, truth, verdict)


def _assert_signed_before(path: Path, truth: Truth, verdict: Verdict) -> None:
    """What has a line was signed by the recording itself, and holds the bytes that were sealed."""
    rec = path.name
    lines = _ledger(path).splitlines(keepends=True)[: verdict.last_seq + 1]
    own = b"".join(lines[:-1] if verdict.integrity == INCOMPLETE else lines)
    signed = truth.get(f"recordings/{rec}/{LEDGER}", b"")
    assert signed.startswith(own), f"{rec} has lines that no recording signed."
    if verdict.integrity == OK:
        assert b'"kind":"close"' in lines[-1], f"{rec} is not whole, and is ok."
        assert own == signed, f"{rec} is not whole, and is ok."
    for one in verdict.objects:
        sealed = truth.get(f"recordings/{rec}/{one.name}")
        assert (path / one.name).read_bytes() == sealed, f"{rec}/{one.name} is not what was sealed."


def _ledger(path: Path) -> bytes:
    with suppress(FileNotFoundError):
        return (path / LEDGER).read_bytes()
    return b""


def _assert_opens(after: Mapping[str, bytes]) -> None:
    """Stock age opens what has a line: read here by the station's own reader."""
    journal = read_journal(after[JOURNAL], dev=DEVICE, key=KEY.public)
    sealed = [entry.body for entry in journal.entries]
    for path, data in after.items():
        if path.startswith("recordings/") and path.count("/") == 2 and path.endswith(LEDGER):
            folder = path.rpartition("/")[0]
            reading = read_ledger(data, rec=folder.rpartition("/")[2], device_key=KEY.public)
            sealed += [after[f"{folder}/{one.name}"] for one in reading.objects]
    for data in sealed:
        assert b"".join(open_sealed(BytesIO(data), [identity("station")]))


def _assert_goes_on(root: Path, vault: Vault, before: Mapping[str, bytes]) -> None:
    """The camera records again: the chain is one, and the number is a new one."""
    vault.open(warned(), None).close()
    _clear(vault)
    after = files(root)
    assert not _deleted(after) & {path.split("/")[1] for path in after if "/" in path}
    assert after[JOURNAL].startswith(before[JOURNAL])
    journal = read_journal(after[JOURNAL], dev=DEVICE, key=KEY.public)
    assert journal.problem is None, journal.problem
    *earlier, last = [str(entry.rec) for entry in journal.entries if entry.kind == "open"]
    folders = [path.split("/")[1] for path in before if path.startswith("recordings/cam")]
    counters = [parse_rec(rec).counter for rec in (*earlier, *folders)]
    assert parse_rec(last).counter > max(counters, default=0), "A number was given twice."
    with Folder(root / "recordings" / last) as folder:
        assert examine(folder, REGISTRY).integrity == OK
