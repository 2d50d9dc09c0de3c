"""Cameras and recordings made by hand, of any shape, as the recorder leaves them on a card.

A recording is written as a string: `WISSNS` is warning, init, two segments, a note, a segment. The
film is real. Everything follows from the camera's name, so the same calls make the same bytes.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bodycam.evidence import sshsig
from bodycam.evidence.age import Sealer
from bodycam.evidence.journal import Journal
from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.ledger import Ledger, object_name, read_ledger, rec_id, recovered_line
from bodycam.media.fmp4 import Fmp4Muxer, SoundFormat
from bodycam_station.age_reader import HybridIdentity, Identity, X25519Identity
from streams import FRAME_NS, START_NS, film, gops, hum

POLICY = {"name": "default", "sha256": hashlib.sha256(b"a policy").hexdigest()}
GOP_PICTURES = 5


class Dice:
    """Bytes that look random and are the same every time."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(self._seed + b"|%d" % self._count).digest(size)


def secret(name: str) -> bytes:
    """32 bytes for a key of that name. For tests only: anybody can make them."""
    return hashlib.sha256(f"a test's key: {name}".encode()).digest()


def identity(name: str, *, post_quantum: bool = False) -> Identity:
    return (HybridIdentity if post_quantum else X25519Identity)(secret(name))


def recipient(name: str, *, post_quantum: bool = False) -> str:
    return identity(name, post_quantum=post_quantum).recipient


def device_key(device: str, alg: str = "ed25519") -> SoftwareKey:
    return SoftwareKey.from_seed(secret(device), alg)


@cache
def movie(segments: int, *, sound: bool = False, width: int = 64, height: int = 36) -> list[bytes]:
    """The init segment and so many segments of real film, five pictures each."""
    pattern = ("I" + "P" * (GOP_PICTURES - 1)) * max(1, segments)
    hummed = hum(len(pattern) / 30, rate_hz=16_000) if sound else ()
    cut = gops(film(pattern, width=width, height=height), hummed)
    muxer = Fmp4Muxer(frame_ns=FRAME_NS, sound=SoundFormat(16_000, 1) if sound else None)
    return [muxer.init(cut[0]), *(b"".join(muxer.segment(gop)) for gop in cut)]


def warning() -> dict[str, object]:
    """The warning object's JSON."""
    pressed_us = START_NS // 1000 + 300_000
    return {
        "v": 1,
        "how": "warned",
        "pressed_us": pressed_us,
        "recording_us": pressed_us + 2_040_000,
        "given_us": pressed_us + 2_040_000,
        "asked": [{"output": "speaker", "at_us": pressed_us}],
        "started": [{"output": "speaker", "at_us": pressed_us + 40_000}],
        "failed": [],
        "lead_ms": 2000,
        "pre_record_ms": 30_000,
        "pre_record_got_ms": 300,
        "wall": {
            "boot_us": pressed_us,
            "utc": "2026-11-23T14:05:09.123Z",
            "source": "ntp",
            "error_ms": 40,
        },
        "policy": POLICY,
        "wearer": "w-7f31",
        "linked_to": "",
    }


def note(kind: str = "mark", **details: object) -> dict[str, object]:
    """A note object's JSON."""
    return {"v": 1, "kind": kind, "at_us": START_NS // 1000 + 1_000_000, **details}


KINDS = {"W": "warning", "I": "init", "S": "segment", "N": "note"}
BODIES: dict[str, Callable[[], dict[str, object]]] = {"W": warning, "N": note}


def _json(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


@dataclass
class Camera:
    """A camera with its card. `sealed_to` are names of recipients, `key` signs."""

    card: Path
    device: str = "cam07"
    sealed_to: tuple[str, ...] = ("station", "escrow")
    recipients: tuple[str, ...] = ()
    """`age1…`, where the station made its own."""
    alg: str = "ed25519"
    key: SoftwareKey = field(init=False)
    counter: int = 41

    def __post_init__(self) -> None:
        self.key = device_key(self.device, self.alg)
        self._dice = Dice(self.device)
        self._sealer = Sealer(
            self.recipients or [recipient(name) for name in self.sealed_to], self._dice
        )
        self._journal = Journal(self.device, self.key, "0d2f9c1e-boot")
        (self.card / "recordings").mkdir(parents=True, exist_ok=True)
        self.journal("boot")

    def reboot(self, boot: str, first: str = "boot") -> None:
        """Another boot goes on with the journal; `first` is the kind of its first line."""
        self._journal = Journal(
            self.device, self.key, boot, seq=self._journal.seq, prev=self._journal.head
        )
        self.journal(first)

    def journal(self, kind: str, *, rec: str | None = None, head: str | None = None) -> str:
        """Write a line into the card's journal; its digest."""
        body = self.seal(_json({"v": 1, "kind": kind}))
        line = self._journal.line(kind, START_NS // 1000, body, rec=rec, head=head)
        with (self.card / "journal.jsonl").open("ab") as file:
            file.write(line)
        return self._journal.head

    def seal(self, plain: bytes) -> bytes:
        return bytes(self._sealer.seal([plain]))

    def record(
        self,
        shape: str = "WISSNS",
        *,
        end: str | None = "close",
        sound: bool = False,
        late: int = 0,
        torn: bytes = b"",
        plain: Callable[[int, str, bytes], bytes] | None = None,
        film: Iterable[bytes] | None = None,
    ) -> Path:
        """A recording's folder.

        `end` is `close`, `unsealed` (closed without the closing signature), `recovered`, or None
        for a power cut just now. After a power cut `late` objects have no line yet, and `torn` is
        what stands behind the last whole line. `plain` may change what is sealed; `film` takes the
        place of `movie`.
        """
        self.counter += 1
        rec = rec_id(self.device, self.counter, self._dice(4))
        journal = self.journal("open", rec=rec)
        folder = self.card / "recordings" / rec
        folder.mkdir()
        ledger, first = Ledger.open(
            rec=rec,
            device_id=self.device,
            device_key=self.key,
            recipients=self._sealer.recipients,
            policy_sha256=POLICY["sha256"],
            journal_sha256=journal,
            seed=self._dice(32),
        )
        lines = [first]
        film_parts = iter(film or movie(shape.count("S"), sound=sound))
        for number, letter in enumerate(shape, 1):
            kind = KINDS[letter]
            data = _json(BODIES[letter]()) if letter in BODIES else next(film_parts)
            sealed = self.seal(plain(number, kind, data) if plain else data)
            (folder / object_name(number, kind)).write_bytes(sealed)
            if number <= len(shape) - late:
                sha256 = hashlib.sha256(sealed).hexdigest()
                lines.append(ledger.object(kind, len(sealed), sha256))
        head = ledger.head
        if end in ("close", "unsealed"):
            lines.append(ledger.close())
            head = ledger.head
        if end == "recovered":
            self._recover(folder, lines, late, torn)
        else:
            (folder / "ledger.jsonl").write_bytes(b"".join(lines) + torn)
        if end == "close":
            message = (folder / "ledger.jsonl").read_bytes()
            armor = sshsig.sign(self.key, "bodycam-recording", message)
            (folder / "ledger.jsonl.sig").write_text(armor)
            self.journal("close", rec=rec, head=head)
        return folder

    def _recover(self, folder: Path, lines: list[bytes], late: int, torn: bytes) -> None:
        reading = read_ledger(b"".join(lines), rec=folder.name, device_key=self.key.public)
        lines.append(recovered_line(reading, self.key))
        (folder / "ledger.jsonl").write_bytes(b"".join(lines))
        if late or torn:
            (folder / "unsigned").mkdir()
        if torn:
            (folder / "unsigned/ledger.tail").write_bytes(torn)
        for path in sorted(folder.glob("0*.age"))[len(reading.objects) :]:
            path.rename(folder / "unsigned" / path.name)
        head = hashlib.sha256(lines[-1].removesuffix(b"\n")).hexdigest()
        self.journal("recovered", rec=folder.name, head=head)
