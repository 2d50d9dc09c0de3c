"""Recordings on the card, in the order of writes that makes a line mean that its object is durable.

The law of this file: nothing is opened without a `Warned`; each object lies under its final name,
synced, its folder synced, before the line that names it is synced; nothing is written unsealed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bodycam.errors import CardFull
from bodycam.evidence import sshsig
from bodycam.evidence.age import Sealer
from bodycam.evidence.keys import SigningKey
from bodycam.evidence.ledger import Ledger, object_name, rec_id
from bodycam.ports import Buffer, Card, Clock, Parts, Random
from bodycam.recorder.card_journal import FOLDER, CardJournal
from bodycam.recorder.clearance import Clearance
from bodycam.rules.events import How, Log, Note, Stamp, Warned

LEDGER = "ledger.jsonl"
SIGNATURE = "ledger.jsonl.sig"
NAMESPACE = "bodycam-recording"
PROBE = "probe"
PROBE_BYTES = 64 * 1024
MAX_LEDGER_BYTES = 64 * 1024 * 1024
RESERVE_BYTES = 32 * 1024 * 1024
"""Footage is refused when only this is left, at least: see `assembly.reserve_bytes`."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who records, and under what policy."""

    device: str
    key: SigningKey
    policy_name: str
    policy_sha256: str
    lead_ms: int
    wearer: str = ""
    """A token that the station gave for the one who wears the camera; never a name."""


class Vault:
    """The only place that makes recordings. Used by one thread."""

    def __init__(
        self,
        card: Card,
        journal: CardJournal,
        identity: Identity,
        *,
        sealer: Sealer,
        random: Random,
        clock: Clock,
        clearance: Clearance | None = None,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        self._card = card
        self._journal = journal
        self._identity = identity
        self._sealer = sealer
        self._random = random
        self._clock = clock
        self._reserve_bytes = reserve_bytes
        self.clearance = clearance
        """The only place that removes them."""

    @property
    def last_opened(self) -> str:
        """The newest recording that the journal knows; empty where there is none."""
        return self._journal.last_opened

    def room_bytes(self) -> int:
        """Room left for footage, the reserve apart."""
        return max(0, self._card.free_bytes() - self._reserve_bytes)

    def log(self, kind: str, details: Mapping[str, object], at_ns: int) -> None:
        """A line in the journal; durable at return."""
        self._journal.write(kind, details, at_ns=at_ns)

    def log_all(self, logs: Sequence[Log]) -> None:
        """Lines in the journal, with one flush: see CardJournal.write_all."""
        self._journal.write_all(logs)

    @property
    def journal_line(self) -> str:
        """The journal's newest durable line, without its newline; empty where there is none."""
        return self._journal.line

    @property
    def journal_seq(self) -> int:
        """The number of the journal's next line."""
        return self._journal.seq

    def probe(self) -> None:
        """See whether a card that failed takes something again. Raises CardError if it does not."""
        self._journal.renew()
        if self._card.exists(PROBE):
            self._card.remove(PROBE)
        self._card.create(PROBE, bytes(PROBE_BYTES))
        self._card.sync_folder(".")
        self._card.remove(PROBE)

    def open(self, warned: Warned, first_ns: int | None) -> "Recording":
        """Begin a recording whose first picture is at `first_ns`; None where there is none yet.

        Durable at return: the journal's opening line, the folder, line 0 and the warning.
        Raises CardFull where only the reserve is left, else CardError.
        """
        self._must_have_room()
        previous = self._journal.last_opened if warned.linked else ""
        identity = self._identity
        rec = rec_id(identity.device, self._journal.counter + 1, self._random(4))
        self._journal.write("open", {"how": warned.how.value}, rec=rec)
        ledger, line = Ledger.open(
            rec=rec,
            device_id=identity.device,
            device_key=identity.key,
            recipients=self._sealer.recipients,
            policy_sha256=identity.policy_sha256,
            journal_sha256=self._journal.head,
            seed=self._random(32),
        )
        recording = Recording(self, ledger)
        self._card.make_folder(recording.folder)
        self._card.append(f"{recording.folder}/{LEDGER}", line)
        self._card.sync_folder(recording.folder)
        warning = self._warning(warned, first_ns, previous)
        recording.commit([("warning", [json.dumps(warning).encode()])])
        return recording

    def _must_have_room(self) -> None:
        if not self.room_bytes():
            raise CardFull("The card has no room left for footage.", do="Dock the camera.")

    def _commit(self, recording: "Recording", objects: Sequence[tuple[str, Parts]]) -> None:
        self._must_have_room()
        recording.whole = False
        sealed = self._create(recording, objects)
        ledger = recording.ledger
        lines = [ledger.object(kind, size, sha256) for kind, size, sha256 in sealed]
        self._card.append(f"{recording.folder}/{LEDGER}", b"".join(lines))
        if lines:
            recording.line = lines[-1].decode("ascii").rstrip("\n")
        recording.whole = True

    def _create(
        self, recording: "Recording", objects: Sequence[tuple[str, Parts]]
    ) -> list[tuple[str, int, str]]:
        """Kind, length and SHA-256 of the objects; all, or none where the card is full."""
        folder, first = recording.folder, recording.ledger.seq
        names = [object_name(number, kind) for number, (kind, _) in enumerate(objects, first)]
        made: list[tuple[str, int, str]] = []

        def sealed() -> Iterator[tuple[str, Buffer]]:
            for name, (kind, parts) in zip(names, objects, strict=True):
                data = self._sealer.seal(parts)
                yield f"{folder}/{name}", data
                # The card has begun with it meanwhile.
                made.append((kind, len(data), hashlib.sha256(data).hexdigest()))

        try:
            self._card.create_all(sealed())
            self._card.sync_folder(folder)
        except CardFull:
            for name in names:
                if self._card.exists(f"{folder}/{name}"):
                    self._card.remove(f"{folder}/{name}")
            self._card.sync_folder(folder)  # nor may one that the card itself took away come back
            recording.whole = True
            raise
        return made

    def _close(self, recording: "Recording") -> None:
        recording.whole = False
        self._card.append(f"{recording.folder}/{LEDGER}", recording.ledger.close())
        self._journal.write("close", {}, rec=recording.id, head=recording.ledger.head)
        sign_ledger(self._card, recording.folder, self._identity.key)

    def _warning(self, warned: Warned, first_ns: int | None, previous: str) -> dict[str, object]:
        """The warning object of docs/format.md."""
        identity = self._identity
        got_ns = max(0, warned.pressed_ns - first_ns) if first_ns is not None else 0
        goes_on = warned.how is How.CONTINUED
        asked_ms = 0 if goes_on else warned.pre_record_ns // 1_000_000
        wall = self._clock.wall()
        at = datetime.fromtimestamp(wall.utc_ns / 1e9, UTC)
        return {
            "v": 1,
            "how": warned.how.value,
            "pressed_us": warned.pressed_ns // 1000,
            "recording_us": warned.recording_ns // 1000,
            "given_us": None if warned.given_ns is None else warned.given_ns // 1000,
            "asked": _stamps(warned.asked),
            "started": _stamps(warned.started),
            "failed": _stamps(warned.failed),
            "lead_ms": identity.lead_ms,
            "pre_record_ms": asked_ms,
            "pre_record_got_ms": got_ns // 1_000_000,
            "wall": {
                "boot_us": self._clock.now_ns() // 1000,
                "utc": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "source": wall.source,
                "error_ms": wall.error_ms,
            },
            "policy": {"name": identity.policy_name, "sha256": identity.policy_sha256},
            "wearer": identity.wearer,
            "linked_to": previous,
        }


class Recording:
    """One recording that is open."""

    def __init__(self, vault: Vault, ledger: Ledger) -> None:
        self._vault = vault
        self.ledger = ledger
        self.folder = f"{FOLDER}/{ledger.rec}"
        self.line = ""
        """The newest durable line of its ledger after line 0."""
        self.whole = True
        """Whether the card holds what the ledger here says: only then may it be closed."""

    @property
    def id(self) -> str:
        """Its name."""
        return self.ledger.rec

    def commit(self, objects: Sequence[tuple[str, Parts]]) -> None:
        """Make objects durable, then their lines.

        Raises CardError; then nothing more may be written here, but it may be closed while `whole`.
        """
        self._vault._commit(self, objects)

    def close(self) -> None:
        """The last line, the journal's closing line, and the signature over the ledger."""
        self._vault._close(self)


def note_body(note: Note) -> bytes:
    """The note object of docs/format.md."""
    body = {"v": 1, "kind": note.kind, "at_us": note.at_ns // 1000, **dict(note.details)}
    return json.dumps(body).encode()


def sign_ledger(card: Card, folder: str, key: SigningKey) -> None:
    """Sign the ledger as it lies on the card; the signature appears whole or not at all."""
    path = f"{folder}/{SIGNATURE}"
    signature = sshsig.sign(key, NAMESPACE, card.read(f"{folder}/{LEDGER}", MAX_LEDGER_BYTES))
    if card.exists(f"{path}.new"):
        card.remove(f"{path}.new")
    card.create(f"{path}.new", signature.encode())
    card.move(f"{path}.new", path)


def _stamps(stamps: Sequence[Stamp]) -> list[dict[str, object]]:
    return [{"output": stamp.output.value, "at_us": stamp.at_ns // 1000} for stamp in stamps]
