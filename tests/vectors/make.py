"""Makes the vectors: recordings of every verdict, always the same bytes. `make.py [FOLDER]`"""

import base64
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from bodycam_station.contents import FILM, Film  # noqa: E402
from bodycam_station.files import Folder  # noqa: E402
from bodycam_station.identities import identity_file, parse_identities  # noqa: E402
from bodycam_station.registry import DeviceKey, Registry, read_signers  # noqa: E402
from bodycam_station.verify import examine  # noqa: E402
from recordings import Camera, device_key, recipient, secret  # noqa: E402

Spoil = Callable[[Path], None]
STATION = ("station", device_key("the station").public)


def film() -> list[bytes]:
    """The init segment and the segments of film.mp4."""
    data = (HERE / "film.mp4").read_bytes()
    boxes, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        boxes.append(data[at : at + size])
        at += size
    parts: list[bytes] = [b""]
    for box in boxes:
        if box[4:8] == b"moof":
            parts.append(b"")
        parts[-1] += box
    return parts


def replaced(name: str, old: bytes, new: bytes) -> Spoil:
    def spoil(rec: Path) -> None:
        data = (rec / name).read_bytes()
        assert old in data
        (rec / name).write_bytes(data.replace(old, new, 1))

    return spoil


def flipped(name: str, at: int) -> Spoil:
    def spoil(rec: Path) -> None:
        data = bytearray((rec / name).read_bytes())
        data[at] ^= 1
        (rec / name).write_bytes(data)

    return spoil


def cut(name: str, size: int) -> Spoil:
    def spoil(rec: Path) -> None:
        (rec / name).write_bytes((rec / name).read_bytes()[:-size])

    return spoil


def dropped(name: str) -> Spoil:
    return lambda rec: (rec / name).unlink()


def added(name: str, data: bytes) -> Spoil:
    def spoil(rec: Path) -> None:
        (rec / name).write_bytes(data)

    return spoil


def swapped(a: str, b: str) -> Spoil:
    def spoil(rec: Path) -> None:
        one, other = (rec / a).read_bytes(), (rec / b).read_bytes()
        (rec / a).write_bytes(other)
        (rec / b).write_bytes(one)

    return spoil


def repeated(a: str, b: str) -> Spoil:
    def spoil(rec: Path) -> None:
        (rec / b).write_bytes((rec / a).read_bytes())

    return spoil


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Spoil:
    def spoil(rec: Path) -> None:
        file = rec / "ledger.jsonl"
        file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))

    return spoil


def without_signature(change: Spoil) -> Spoil:
    def spoil(rec: Path) -> None:
        change(rec)
        (rec / "ledger.jsonl.sig").unlink()

    return spoil


def lenient(rec: Path) -> None:
    """A signature's last letter before == may hold bits that nobody decodes."""
    file = rec / "ledger.jsonl"
    first, rest = file.read_bytes().split(b"\n", 1)
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = len(first) - len(b'=="}') - 1
    other = letters[letters.index(first[at]) ^ 1]
    spoilt = first[:at] + bytes([other]) + first[at + 1 :]
    old, new = (base64.b64decode(x[-90:-2]) for x in (first, spoilt))
    assert old == new
    file.write_bytes(spoilt + b"\n" + rest)


def void(rec: Path) -> None:
    """As recovery leaves a recording whose first line was never whole."""
    (rec / "unsigned").mkdir()
    for file in [f for f in rec.iterdir() if f.is_file()]:
        if file.name == "ledger.jsonl":
            (rec / "unsigned/ledger.jsonl").write_bytes(file.read_bytes()[:200])
        file.unlink()


KEPT = "ok-pq"
"""Not all that is random in a post-quantum seal can be chosen: this one is made once."""


def never_written(found: list[bytes]) -> list[bytes]:
    """A sector in the middle of the last writing never reached the disk; a later one did."""
    return [*found[:4], bytes(len(found[4]) - 1) + b"\n", *found[5:]]


W, I, S = "00000001.warning.age", "00000002.init.age", "00000003.segment.age"  # noqa: E741
S2, N = "00000004.segment.age", "00000005.note.age"
LEDGER, SIG = "ledger.jsonl", "ledger.jsonl.sig"
SHAPE = "WISSN"


def make(out: Path) -> None:
    """Write everything but film.mp4 into the folder `out`."""
    parts = film()
    with tempfile.TemporaryDirectory() as work:
        root = Path(work)
        cam07, cam08, cam09 = (
            Camera(root / name, device=name, alg=alg)
            for name, alg in (("cam07", "ed25519"), ("cam08", "es256"), ("cam09", "ed25519"))
        )
        thief = Camera(root / "thief", device="cam07", counter=90)
        thief.key = device_key("a thief")

        def closed(spoil: Spoil | None = None, camera: Camera = cam07) -> Path:
            rec = camera.record(SHAPE, film=parts)
            if spoil:
                spoil(rec)
            return rec

        def open_(camera: Camera = cam07, **how: object) -> Path:
            return camera.record(SHAPE, film=parts, **how)  # type: ignore[arg-type]

        other = closed()
        cases: dict[str, Path] = {
            "ok": closed(),
            "ok-es256": closed(camera=cam08),
            "incomplete": open_(end="recovered"),
            "incomplete-with-unsigned": open_(end="recovered", late=2, torn=b'{"dom":"bodycam-'),
            "incomplete-es256": open_(cam08, end="recovered"),
            "unfinished": open_(end=None),
            "unfinished-torn-line": open_(end=None, late=1, torn=b'{"dom":"bodycam-led'),
            "unfinished-without-closing-signature": open_(end="unsealed"),
            "unfinished-torn-closing-signature": closed(cut(SIG, 40)),
            "unknown-camera": closed(camera=cam09),
            "unknown-camera-unfinished": open_(cam09, end=None),
            "not-ok-another-key": closed(camera=thief),
            "not-ok-changed-byte": closed(flipped(S, 500)),
            "not-ok-cut-object": closed(cut(S, 16)),
            "not-ok-grown-object": closed(added(S, b"x" * 3000)),
            "not-ok-dropped-object": closed(dropped(S)),
            "not-ok-swapped-objects": closed(swapped(S, S2)),
            "not-ok-repeated-object": closed(repeated(S, S2)),
            "not-ok-foreign-segment": closed(added(S, (other / S).read_bytes())),
            "not-ok-foreign-ledger": closed(added(LEDGER, (other / LEDGER).read_bytes())),
            "not-ok-unlisted-file": closed(added("00000009.segment.age", b"planted")),
            "not-ok-dropped-line": closed(lines(lambda x: [*x[:3], *x[4:]])),
            "not-ok-swapped-lines": closed(lines(lambda x: [*x[:3], x[4], x[3], *x[5:]])),
            "not-ok-line-after-close": closed(lines(lambda x: [*x, x[-1]])),
            "unfinished-wrong-count": open_(end="recovered"),
            "not-ok-cut-ledger": closed(lines(lambda x: x[:4])),
            "not-ok-changed-first-line": closed(replaced(LEDGER, b'"policy":"', b'"policy":"0')),
            "not-ok-duplicate-key": closed(replaced(LEDGER, b'"seq":3,', b'"seq":3,"seq":3,')),
            "not-ok-spaces": closed(replaced(LEDGER, b'"seq":3,', b'"seq": 3,')),
            "not-ok-carriage-return": closed(replaced(LEDGER, b"\n", b"\r\n")),
            "not-ok-lenient-base64": closed(lenient),
            "not-ok-unknown-version": closed(replaced(LEDGER, b"-ledger-1", b"-ledger-2")),
            "not-ok-changed-closing-signature": closed(flipped(SIG, 200)),
            "not-ok-foreign-closing-signature": closed(added(SIG, (other / SIG).read_bytes())),
            "not-signed-empty-ledger": closed(without_signature(added(LEDGER, b""))),
            "not-signed-void": closed(void),
            "unfinished-never-written": open_(end=None),
        }
        lines(never_written)(cases["unfinished-never-written"])
        if (HERE / KEPT).exists():
            cases[KEPT] = HERE / KEPT
        else:
            pq = tuple(recipient(name, post_quantum=True) for name in ("station", "escrow"))
            cases[KEPT] = closed(camera=Camera(root / "pq", device="cam07", recipients=pq))
        wrong = cases["unfinished-wrong-count"]
        _recount(wrong, cam07)
        for name, rec in cases.items():
            if rec != out / name:
                shutil.copytree(rec, out / name)
    registry = Registry([DeviceKey(c, device_key(c, a).public, "software") for c, a in KNOWN])
    with Folder(out) as folder:
        registry.save_signers(folder, STATION)
    for name, hybrid in (("identity.txt", False), ("identity-pq.txt", True)):
        file = identity_file(secret("station"), "for tests only", post_quantum=hybrid)
        (out / name).write_bytes(file)
    expected = {name: expect(out / name, out) for name in sorted(cases)}
    (out / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


KNOWN = (("cam07", "ed25519"), ("cam08", "es256"))


def _recount(rec: Path, camera: Camera) -> None:
    """A recovered line that counts one object too many, signed by the right key."""
    file = rec / LEDGER
    *rest, last = file.read_bytes().splitlines(keepends=True)
    signed = last.rpartition(b',"sig":"')[0].replace(b'"objects":5', b'"objects":6')
    assert b'"objects":6' in signed
    signature = base64.b64encode(camera.key.sign(signed))
    file.write_bytes(b"".join(rest) + signed + b',"sig":"' + signature + b'"}\n')


def expect(rec: Path, root: Path) -> dict[str, object]:
    """What a reader must find, as ours finds it; make.py's author has read every line of it."""
    registry = read_signers((root / "allowed_signers").read_bytes())
    keys = [
        *parse_identities((root / "identity.txt").read_bytes()),
        *parse_identities((root / "identity-pq.txt").read_bytes()),
    ]
    with Folder(rec) as folder:
        verdict = examine(folder, registry)
        usable = [o for o in verdict.objects if o.name not in verdict.bad_objects]
        movie = [o for o in usable if o.kind in FILM]
        plain = Film(folder, movie, keys).read()
    return {
        "integrity": verdict.integrity,
        "provenance": verdict.provenance,
        "exit": verdict.exit_code,
        "rec": verdict.rec,
        "lines": verdict.last_seq + 1,
        "wrong": [problem.where for problem in verdict.problems],
        "film": [o.name for o in movie],
        "film_sha256": hashlib.sha256(plain or b"").hexdigest() if movie else None,
    }


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else HERE
    for old in target.iterdir():
        if old.is_dir() and old.name not in ("__pycache__", KEPT):
            shutil.rmtree(old)
    make(target)
