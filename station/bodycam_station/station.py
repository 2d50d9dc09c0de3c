"""A municipality's station: one folder with its keys, the cameras it knows, and what it received.

    station.json     its name and public keys        station.jsonl    who did what, and why: a chain
    identity.txt     opens recordings (age -d -i)    signing.key      signs receipts and exports
    escrow/          a second way in, to take away   ca.key, ca.pem   for certificates
    certificates/    who shows what on the network   crl.pem          and what counts no more
    devices/         the cameras                     allowed_signers  the same, for ssh-keygen
    desired/         how cameras are to be set, signed
    recordings/      as they lay on the cards        quarantine/      what was not in order
    receipts/        given to cameras                journals/, witness/  what was seen of cameras

Everything that the commands do is a method here, so that other programs need no subprocess.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bodycam.errors import BodycamError, CardError, EvidenceError, UsageError
from bodycam.evidence import receipts
from bodycam.evidence.chain import DEVICE
from bodycam.evidence.desired import MAX_DESIRED_BYTES, Desired, read_desired, sign_desired
from bodycam.evidence.enrolment import make_bundle, read_request
from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.ledger import REC_ID
from bodycam_station import contents, documents, intake, journals, witness
from bodycam_station.acts import Act, Acts, Now, checked_text, stamp
from bodycam_station.age_reader import Identity
from bodycam_station.card import RECEIPTS, RECORDINGS, Look, look
from bodycam_station.custody import finding
from bodycam_station.documents import Json
from bodycam_station.files import Folder, shown
from bodycam_station.identities import MAX_FILE_BYTES, identity_file, parse_identities
from bodycam_station.intake import Imported, Report, Store
from bodycam_station.papers import PaperDesk
from bodycam_station.registry import DeviceKey, Registry, Revocation
from bodycam_station.verify import NOT_SIGNED, Progress, Verdict, examine
from bodycam_station.witness import Head, Heads

if TYPE_CHECKING:  # it brings the whole of FFmpeg, which most commands do without
    from bodycam_station.check_export import Check
    from bodycam_station.export import Exported, Paper

FILE = "station.json"
IDENTITY = "identity.txt"
SIGNING = "signing.key"
ESCROW = "escrow"
DESIRED = "desired"
IMPORTING = "import.lock"
_MAX_KEY_BYTES = 16 * 1024

Watch = Callable[[str], Progress]
"""Gives a progress report for a piece of work of that name."""

_ESCROW_NOTE = """\
This folder opens every recording of the station {station}.

It is the second way in, for the day on which the station's own key is lost or must not be used.
Copy it to two sticks, put them into two safes in two places, check that both can be read, and then
delete this folder from the station's computer. Whoever holds it can watch everything.

    age -d -i identity.txt 00000003.segment.age

If the key in identity.txt begins with AGE-SECRET-KEY-PQ, this needs age 1.3 or later.
"""


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Device:
    """A camera as `devices` shows it."""

    device: str
    keys: Sequence[DeviceKey]

    @property
    def state(self) -> str:
        """`in use` or `revoked`."""
        return "in use" if self.keys[-1].revoked is None else "revoked"


class Station:
    """A station's folder. Use with `with`, or `close` it."""

    def __init__(
        self,
        folder: Folder,
        fields: Json,
        key: SoftwareKey,
        now: Now,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Use `init` or `open`."""
        self._folder = folder
        self.name = documents.text(fields, "station", FILE)
        listed = fields.get("recipients")
        self.recipients: tuple[str, ...] = (
            tuple(map(str, listed)) if isinstance(listed, list) else ()
        )
        """`age1…` of the station and the escrow: what cameras seal to."""
        self._key = key
        self._now = now
        self._acts = Acts(folder, self.name, key, now)
        self._papers = PaperDesk(folder, now, random)
        self._identities: Sequence[Identity] | None = None

    # ---- a station -------------------------------------------------------------------------------

    @classmethod
    def init(
        cls,
        path: str | Path,
        name: str = "station",
        *,
        person: str,
        post_quantum: bool = False,
        now: Now = utc_now,
        random: Callable[[int], bytes] = os.urandom,
    ) -> Self:
        """Make a new station in an empty or new folder; raises UsageError.

        With `post_quantum` its keys are of that kind, and SealError says where the library here
        has none.
        """
        if not DEVICE.fullmatch(name):
            raise UsageError(
                f"{shown(name)} cannot be a station's name.", do="Use a-z, 0-9 and -, at most 64."
            )
        root = Path(path)
        checked_text(person, "A person's name")
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            raise UsageError(f"{shown(root)} cannot be made: {why}.") from None
        folder = Folder(root)
        if folder.names():
            raise UsageError(
                f"{shown(root)} is not empty.", do="Give a folder that is empty or does not exist."
            )
        key = SoftwareKey.from_seed(random(32))
        own, escrow = (
            identity_file(random(32), note, post_quantum=post_quantum)
            for note in (
                f"bodycam station {name}: keep this secret",
                f"bodycam escrow {name}: take away",
            )
        )
        recipients = sorted(parse_identities(file)[0].recipient for file in (own, escrow))
        folder.replace(IDENTITY, own)
        with folder.make(ESCROW) as place:
            place.replace(IDENTITY, escrow)
            place.replace("README.txt", _ESCROW_NOTE.format(station=name).encode())
        folder.replace(SIGNING, key.to_openssh())
        folder.replace(f"{SIGNING}.pub", f"{key.public.openssh()} {name}\n".encode(), mode=0o644)
        PaperDesk.found(folder, name, now, random)
        Registry().save_signers(folder, (name, key.public))
        fields: Json = {
            "v": 1,
            "station": name,
            "created": stamp(now()),
            "key": key.public.openssh(),
            "recipients": recipients,
        }
        station = cls(folder, fields, key, now, random)
        station._acts.add("init", name, person=person, key=key.public.openssh())
        folder.replace(FILE, documents.encode(fields))  # last: now it is a station
        return station

    @classmethod
    def open(cls, path: str | Path, *, now: Now = utc_now) -> Self:
        """A station that was made before; raises UsageError or EvidenceError."""
        try:
            folder = Folder(path)
        except BodycamError as error:
            raise UsageError(error.what, do=_GIVE_STATION) from None
        if folder.kind(FILE) is None:
            raise UsageError(f"{shown(path)} is not a station's folder.", do=_GIVE_STATION)
        fields = documents.parse(folder.read(FILE, documents.MAX_BYTES), FILE)
        documents.known_version(fields, FILE)
        key = SoftwareKey.from_openssh(folder.read(SIGNING, _MAX_KEY_BYTES))
        if key.public.openssh() != fields.get("key"):
            raise EvidenceError(f"{SIGNING} is not the key of this station.", do="Restore it.")
        return cls(folder, fields, key, now)

    def close(self) -> None:
        """Let go of the folder."""
        self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The station's folder."""
        return self._folder.path

    @property
    def key(self) -> SoftwareKey:
        """Signs receipts, bundles and exports."""
        return self._key

    @property
    def identities(self) -> Sequence[Identity]:
        """The secret keys that open recordings; raises where there are none."""
        if self._identities is None:
            self._identities = parse_identities(self._folder.read(IDENTITY, MAX_FILE_BYTES))
        return self._identities

    # ---- cameras ---------------------------------------------------------------------------------

    def enroll(self, request: bytes, *, person: str) -> bytes:
        """Take a camera in; the bundle to bring back to it. Raises EvidenceError, UsageError.

        The same request again gives the same bundle.
        """
        asked = read_request(request)
        registry = Registry.load(self._folder)
        new = DeviceKey(asked.device, asked.public, asked.storage, stamp(self._now()))
        registry.add(new)
        self._papers.check_camera(asked.device)
        self._acts.add(
            "enroll",
            asked.device,
            person=person,
            key=asked.public.openssh(),
            storage=asked.storage,
            tls="" if asked.tls is None else asked.tls.openssh(),
        )
        registry.save(self._folder, asked.device, (self.name, self._key.public))
        papers = None if asked.tls is None else self._papers.camera(asked.device, asked.tls)
        return make_bundle(asked, self.name, self._key, self.recipients, papers)

    def devices(self) -> Sequence[Device]:
        """All cameras."""
        registry = Registry.load(self._folder)
        return [Device(device, registry.keys(device)) for device in registry.devices()]

    def revoke(self, device: str, *, person: str, reason: str) -> DeviceKey:
        """Stop trusting a camera's key, from now on; the broker's list says so too."""
        reason = checked_text(reason, "A reason")
        registry = Registry.load(self._folder)
        key = registry.revoke(device, Revocation(stamp(self._now()), person, reason))
        self._acts.add("revoke", device, person=person, purpose=reason, key=key.public.openssh())
        registry.save(self._folder, device, (self.name, self._key.public))
        self._papers.revoke(device)
        return key

    # ---- the network -----------------------------------------------------------------------------

    def certify(self, manager: str, *, person: str) -> tuple[bytes, bytes]:
        """A secret key and a certificate for somebody who manages the fleet; both PEM.

        Raises UsageError where a camera has this name.
        """
        if manager in Registry.load(self._folder).devices():
            raise UsageError(f"{manager} is the name of a camera.", do="Choose another name.")
        made = self._papers.manager(manager)
        self._acts.add("certify", manager, person=person)
        return made

    def certify_broker(self, hosts: Sequence[str], *, person: str) -> tuple[bytes, bytes]:
        """A secret key and a certificate for the broker under these names; both PEM."""
        made = self._papers.broker(hosts)
        self._acts.add("certify", "", person=person, hosts=[*hosts])
        return made

    def is_manager(self, name: str) -> bool:
        """Whether this is the name of a manager."""
        return self._papers.is_manager(name)

    def revoke_manager(self, manager: str, *, person: str, reason: str) -> None:
        """Let a manager's certificate count no more. Raises UsageError."""
        reason = checked_text(reason, "A reason")
        if not self.is_manager(manager) or not self._papers.revoke(manager):
            raise UsageError(f"{shown(manager)} has no certificate of a manager that counts.")
        self._acts.add("revoke", manager, person=person, purpose=reason)

    def configure(self, device: str, policy: bytes, *, person: str) -> Desired:
        """How a camera is to be set from now on: this policy, and the station's recipients.

        Its version is one more than that of the last. Raises UsageError for an unknown or revoked
        camera, LineError for a policy that is too long. `desired` gives the document.
        """
        keys = Registry.load(self._folder).keys(device)
        if not keys or keys[-1].revoked is not None:
            raise UsageError(f"{shown(device)} is not in use.", do="See: bodycam-station devices")
        before = self.desired(device)
        version = 1
        if before is not None:
            version += read_desired(before, self._key.public, device).version
        recipients = tuple(sorted(self.recipients))
        wanted = Desired(self.name, device, version, policy, recipients)
        data = sign_desired(wanted, self._key)
        self._acts.add(
            "configure", device, person=person, version=version, policy=wanted.policy_sha256
        )
        with self._folder.make(DESIRED) as place:
            place.replace(device, data, mode=0o644)
        return wanted

    def desired(self, device: str) -> bytes | None:
        """The signed document for a camera, as it is to be published; None where there is none."""
        if self._folder.kind(DESIRED) is None:
            return None
        with self._folder.folder(DESIRED) as place:
            if not DEVICE.fullmatch(device) or place.kind(device) is None:
                return None
            return place.read(device, MAX_DESIRED_BYTES)

    @property
    def authority_pem(self) -> bytes:
        """By what everybody on the network knows everybody else."""
        return self._papers.authority_pem

    @property
    def revocations_pem(self) -> bytes:
        """What the broker is to refuse; to be given to it after every `revoke`."""
        return self._papers.revocations_pem

    # ---- recordings ------------------------------------------------------------------------------

    def import_card(self, card: str | Path, *, person: str, watch: Watch | None = None) -> Report:
        """Copy, verify, open and store every recording of a card, and leave receipts on it.

        Raises UsageError where the card cannot be read at all, CardError where the store cannot
        take more; everything else is in the report.
        """
        report = Report()
        try:
            folder = Folder(card)
        except BodycamError as error:
            raise UsageError(error.what, do="Give the folder where the card is mounted.") from None
        with folder, self._folder.locked(IMPORTING):
            self._folder.remove(intake.INCOMING)  # what an import left that was cut short
            registry = Registry.load(self._folder)
            looked = look(folder, registry, self._folder, watch)
            report.device, report.notes = looked.device, [*looked.notes]
            self._keep_journal(folder, looked)
            store = Store(
                self._folder,
                registry,
                self.heads,
                self.identities,
                lambda verdict, path: self._log_import(verdict, path, person),
            )
            for rec in looked.names:
                try:
                    with folder.folder(RECORDINGS) as all_of_them, all_of_them.folder(rec) as one:
                        item = store.take(rec, one, watch(rec) if watch else None)
                except EvidenceError as error:
                    why = error.what.rstrip(".")
                    report.findings.append(finding("not-copied", rec, why=why))
                    continue
                item.never_begun = item.verdict.provenance == NOT_SIGNED and looked.never_begun(rec)
                void = looked.journal is not None and looked.journal.is_void(rec)
                self._acknowledge(item, folder, person, void=void and item.never_begun)
                report.recordings.append(item)
            report.findings += looked.judge(folder, [(i.rec, i.verdict) for i in report.recordings])
        return report

    def _keep_journal(self, card: Folder, looked: Look) -> None:
        """Keep the card's journal, and remember which heads it names."""
        if looked.journal is None or looked.known is None:
            return
        journal = looked.journal
        journals.keep(self._folder, card, journal, looked.known.relation)
        utc = stamp(self._now())
        witness.add(
            self._folder,
            journal.device,
            [Head(rec, head, utc, witness.BY_JOURNAL) for rec, head in journal.heads],
        )

    def _log_import(self, verdict: Verdict, path: str, person: str) -> None:
        self._acts.add(
            "import",
            verdict.rec,
            person=person,
            ledger_sha256=verdict.ledger_sha256,
            integrity=verdict.integrity,
            provenance=verdict.provenance,
            path=path,
        )

    def _acknowledge(self, item: Imported, card: Folder, person: str, *, void: bool) -> None:
        """Remember what was seen, and give the receipt if there may be one."""
        receipt = self._void_receipt(item) if void else self._receipt(item)
        if receipt is None:
            return
        item.why = ""
        line, armor = receipts.sign_receipt(receipt, self._key)
        data = line + armor.encode()
        name = f"{item.rec}.receipt"
        with self._folder.make(RECEIPTS) as given:
            if given.kind(name) is None or given.read(name, documents.MAX_BYTES) != data:
                self._acts.add(
                    "receipt",
                    receipt.rec,
                    person=person,
                    ledger_sha256=receipt.ledger_sha256,
                    integrity=receipt.verdict,
                )
                given.replace(name, data, mode=0o644)
        try:
            with card.make(RECEIPTS, mode=0o755) as place:  # the camera reads it
                if place.kind(name) is None or place.read(name, documents.MAX_BYTES) != data:
                    place.replace(name, data, mode=0o644)
        except (CardError, EvidenceError) as error:
            item.why = f"The receipt lies in {RECEIPTS}/ only: {error.what}"
            return
        item.receipt = True

    def _receipt(self, item: Imported) -> receipts.Receipt | None:
        """What can be said of a recording in the store; None where that is not enough."""
        verdict = item.verdict
        if item.outcome == intake.SET_ASIDE:
            return None
        seen = Head(verdict.rec, verdict.head, stamp(self._now()), witness.BY_IMPORT)
        witness.add(self._folder, verdict.device, [seen])
        item.why = intake.why_no_receipt(item)
        if item.why:
            return None
        return receipts.Receipt(
            station=self.name,
            device=verdict.device,
            rec=verdict.rec,
            ledger_sha256=verdict.ledger_sha256,
            objects=len(verdict.objects),
            sealed_bytes=verdict.sealed_bytes,
            verdict=verdict.integrity,
        )

    def _void_receipt(self, item: Imported) -> receipts.Receipt | None:
        """The same of one that the camera's journal says never began."""
        if not item.whole_copy:
            return None
        with Folder(self.path / item.path) as copied:
            return intake.void_receipt(self.name, item.rec, copied)

    def recordings(self) -> Sequence[str]:
        """The names of what is in the store, without what was set aside."""
        if self._folder.kind(RECORDINGS) is None:
            return []
        with self._folder.folder(RECORDINGS) as folder:
            return [n for n, kind in folder.names() if kind == "folder" and REC_ID.fullmatch(n)]

    def heads(self, device: str) -> Heads:
        """What the station knows of a camera's recordings."""
        return witness.load(self._folder, device)

    def remember(self, device: str, heads: Sequence[Head]) -> None:
        """Take heads into the witness, durable at return; those without a time are seen now."""
        utc = stamp(self._now())
        witness.add(self._folder, device, [replace(h, utc=h.utc or utc) for h in heads])

    def find(self, rec: str | Path) -> Path:
        """A recording's folder: a path as it is, or the name of one in the store."""
        text = str(rec)
        if REC_ID.fullmatch(text):
            with self._folder.make(RECORDINGS) as folder:
                if folder.kind(text) is not None:
                    return folder.path / text
        if Path(rec).exists():
            return Path(rec)
        raise UsageError(
            f"There is no recording {shown(text)}.", do="Give its folder, or its name in the store."
        )

    def verify(self, rec: str | Path, progress: Progress | None = None) -> Verdict:
        """The verdict on a recording, in the store or anywhere else."""
        registry = Registry.load(self._folder)
        with Folder(self.find(rec)) as folder:
            return examine(folder, registry, self.heads, progress)

    def warning(self, rec: str | Path) -> Json:
        """What the recording's warning object says; raises EvidenceError where it has none."""
        return self._bodies(rec, "warning")[0]

    def notes(self, rec: str | Path) -> Sequence[Json]:
        """What the recording's notes say, in order."""
        return self._bodies(rec, "note")

    def _bodies(self, rec: str | Path, kind: str) -> list[Json]:
        path = self.find(rec)
        verdict = self.verify(path)
        with Folder(path) as folder:
            found = [
                contents.read_json(folder, item, self.identities)
                for item in verdict.objects
                if item.kind == kind and item.name not in verdict.bad_objects
            ]
        if not found and kind == "warning":
            raise EvidenceError(f"{shown(path.name)} has no readable warning.")
        return found

    # ---- the desk --------------------------------------------------------------------------------

    def label(self, rec: str, *, person: str, reason: str) -> None:
        """Say why a recording was made or is kept; earlier labels stay."""
        if rec not in self.recordings():
            raise UsageError(f"There is no recording {shown(rec)} in the store.")
        self._acts.add("label", rec, person=person, purpose=reason)

    def labels(self, rec: str) -> Sequence[Act]:
        """A recording's labels, the oldest first."""
        return [act for act in self.acts() if act.kind == "label" and act.about == rec]

    def acts(self) -> Sequence[Act]:
        """Everything that was done here, checked; raises LineError where the chain is damaged."""
        found: list[Act] = []
        self._acts.read(found.append)
        return found

    def export(
        self,
        rec: str | Path,
        out: str | Path,
        *,
        person: str,
        purpose: str = "",
        form: str = "",
        despite: str = "",
        progress: Progress | None = None,
    ) -> "Exported":
        """Write OUT.mp4, OUT.json and OUT.json.sig; raises as bodycam_station.export does."""
        from bodycam_station.export import Paper, export

        path = self.find(rec)
        verdict = self.verify(path, progress)
        texts = {"purpose": purpose, "form": form, "despite": despite}
        for what, value in texts.items():
            if value:
                texts[what] = checked_text(value, f"The {what}")
        paper = Paper(
            self.name, checked_text(person, "A person's name"), stamp(self._now()), **texts
        )
        logged: list[int] = []
        try:
            with Folder(path) as folder:
                return export(
                    folder,
                    verdict,
                    self.identities,
                    self._key,
                    Path(out),
                    paper,
                    progress,
                    log=lambda: logged.append(self._log_export(verdict, paper, Path(out).name)),
                )
        except BodycamError as error:
            if logged:
                self._acts.add("failed", verdict.rec, person=person, act=logged[0], why=error.what)
            raise

    def _log_export(self, verdict: Verdict, paper: "Paper", name: str) -> int:
        return self._acts.add(
            "export",
            verdict.rec,
            person=paper.person,
            purpose=paper.purpose,
            form=paper.form,
            despite=paper.despite,
            file=shown(name),
            ledger_sha256=verdict.ledger_sha256,
        )

    def check_export(self, mp4: str | Path, report: str | Path, rec: str | Path) -> "Check":
        """Hold an export against the recording, opened with the station's key."""
        from bodycam_station.check_export import check

        path = self.find(rec)
        verdict = self.verify(path)
        with Folder(path) as folder:
            return check(
                Path(mp4),
                Path(report),
                folder,
                verdict,
                identities=self.identities,
                keys=lambda station: [self._key.public] if station == self.name else [],
            )


_GIVE_STATION = "Give the folder of a station with --station, or make one: bodycam-station init DIR"
