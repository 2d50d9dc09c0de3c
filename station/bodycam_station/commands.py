"""What the commands of `bodycam-station` do: arguments in, words out, an exit code back."""

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bodycam.errors import BodycamError, EvidenceError, UsageError
from bodycam.evidence.enrolment import MAX_BYTES, read_request
from bodycam_station import witness, words
from bodycam_station.card import examine_card, is_card
from bodycam_station.custody import worst
from bodycam_station.files import Folder, failed, shown
from bodycam_station.progress import Progress
from bodycam_station.registry import MAX_SIGNERS_BYTES, Registry, read_signers
from bodycam_station.station import FILE, Station
from bodycam_station.verify import NOT_OK, NOT_SIGNED, Problem, Verdict, examine

if TYPE_CHECKING:
    from bodycam_station.check_export import Check

STATION_VARIABLE = "BODYCAM_STATION"
MAX_POLICY_BYTES = 64 * 1024
_PROBE = ".bodycam-probe"
_TELL_BROKER = "The broker must be told: bodycam-station broker --out FOLDER, and restart it."


def init(args: argparse.Namespace) -> int:
    """A new station."""
    person = _person(args)
    with Station.init(
        args.dir, args.name, person=person, post_quantum=args.post_quantum
    ) as station:
        where = shown(station.path)
    print(
        f"Made the station {args.name} in {where}.\n\n"
        "Before the first camera goes out:\n"
        f"  1. Take {where}/escrow away: copy it to two sticks in two safes, then delete it here.\n"
        "     It is the second way in, if the station's own key is lost.\n"
        f"  2. Back up {where}. Who can read {where}/identity.txt can watch every recording.\n"
        f"  3. Enrol the cameras: bodycam-station enroll REQUEST --out BUNDLE --station {where}"
    )
    if args.post_quantum:
        print(
            '  4. Give them a policy that says kind = "post-quantum" under [sealing]: they start '
            "with no other.\n"
            "Stock tools open such recordings from age 1.3 on."
        )
    return 0


def enroll(args: argparse.Namespace) -> int:
    """A camera's request becomes a bundle."""
    out = Path(args.out)
    if out.exists():
        raise UsageError(f"{shown(out)} exists already.", do="Choose another name.")
    data = _read(args.request, MAX_BYTES)
    asked = read_request(data)
    with _station(args) as station, _place(out.parent, out.name) as place:
        bundle = station.enroll(data, person=_person(args))
        place.write(out.name, [bundle], mode=0o644)
    print(
        f"{asked.device} is enrolled, with a key in {asked.storage}:\n"
        f"  {words.fingerprint(asked.public)}\n"
        "Compare this with what the camera shows, then on the camera:\n"
        f"  bodycam enroll --accept {shown(out.name)}"
    )
    return 0


def devices(args: argparse.Namespace) -> int:
    """The cameras."""
    with _station(args) as station:
        devices = station.devices()
    if args.json:
        return words.print_json(
            {
                "devices": [
                    {
                        "device": d.device,
                        "state": d.state,
                        "storage": d.keys[-1].storage,
                        "enrolled": d.keys[-1].enrolled,
                        "fingerprint": words.fingerprint(d.keys[-1].public),
                        "revoked": d.keys[-1].revoked.utc if d.keys[-1].revoked else None,
                    }
                    for d in devices
                ]
            }
        )
    for d in devices:
        key = d.keys[-1]
        since = f"revoked {key.revoked.utc}" if key.revoked else f"enrolled {key.enrolled}"
        print(
            f"{d.device}  {d.state}, key in {key.storage}, {since}  {words.fingerprint(key.public)}"
        )
    if not devices:
        print("No camera is enrolled yet. See: bodycam-station enroll --help")
    return 0


def manager(args: argparse.Namespace) -> int:
    """A manager's key and certificate."""
    names = f"{args.name}.key", f"{args.name}.pem", "ca.pem"
    with _station(args) as station, _place(args.out, *names, make=True) as place:
        key, certificate = station.certify(args.name, person=_person(args))
        _write_files(
            place, dict(zip(names, (key, certificate, station.authority_pem), strict=True))
        )
    print(f"{args.name} is certified: {', '.join(names)} in {shown(args.out)}.")
    return 0


def broker(args: argparse.Namespace) -> int:
    """What the broker needs."""
    names = ("server.key", "server.pem", "ca.pem", "crl.pem")
    files: dict[str, bytes] = {}
    with _station(args) as station, _place(args.out, *names, make=True) as place:
        if args.host:
            key, certificate = station.certify_broker(args.host, person=_person(args))
            files |= {"server.key": key, "server.pem": certificate}
        files |= {"ca.pem": station.authority_pem, "crl.pem": station.revocations_pem}
        _write_files(place, files)
    print(
        f"Wrote {', '.join(files)} into {shown(args.out)}.\n"
        "Give them to the broker and restart it; config/mosquitto/bodycam.conf says how."
    )
    return 0


def config(args: argparse.Namespace) -> int:
    """How a camera is to be set."""
    if not args.out and not args.publish:
        raise UsageError("Nothing would be done with it.", do="Give --out, --publish or both.")
    if args.publish and not args.folder:
        raise UsageError("Nobody is named as who publishes.", do="Give --as FOLDER.")
    policy = _read(args.policy, MAX_POLICY_BYTES)
    with ExitStack() as stack:
        station = stack.enter_context(_station(args))
        out = Path(args.out) if args.out else None
        place = stack.enter_context(_place(out.parent, out.name)) if out else None
        wanted = station.configure(args.device, policy, person=_person(args))
        data = station.desired(args.device) or b""
        if out and place:
            place.replace(out.name, data, mode=0o644)
    if args.publish:
        from bodycam_station.publishing import publish_desired

        publish_desired(args.publish, Path(args.folder), args.device, data)
    print(
        f"{args.device} is to have version {wanted.version}: policy "
        f"{wanted.policy_sha256[:16]}…, {len(wanted.recipients)} recipients."
    )
    return 0


@contextmanager
def _place(out: str | Path, *names: str, make: bool = False) -> Iterator[Folder]:
    """The folder for files of these names, tried before what goes into it is issued.

    A key that is issued and cannot be written is lost. Raises UsageError where it cannot be used.
    """
    try:
        if make:
            Path(out).mkdir(mode=0o700, parents=True, exist_ok=True)
        place = Folder(out)
    except (OSError, EvidenceError) as error:
        what = error.what if isinstance(error, BodycamError) else failed(out, error).what
        raise UsageError(what, do="Choose another folder for --out.") from None
    with place:
        try:
            place.write(_PROBE, [b"\0" * 4096])
        finally:
            place.remove(_PROBE)
        for name in names:
            if place.kind(name) not in (None, "file"):
                raise UsageError(
                    f"There is a {place.kind(name)} {shown(name)} in {shown(out)}.",
                    do="Choose another folder for --out.",
                )
        yield place


def _write_files(place: Folder, files: dict[str, bytes]) -> None:
    """Each whole or not at all; secret keys for their owner only."""
    for name, data in files.items():
        place.replace(name, data, mode=0o600 if name.endswith(".key") else 0o644)


def revoke(args: argparse.Namespace) -> int:
    """A camera's key, or a manager's certificate, is no longer trusted."""
    with _station(args) as station:
        if station.is_manager(args.device):
            station.revoke_manager(args.device, person=_person(args), reason=args.reason)
            print(f"{args.device} is revoked.\n{_TELL_BROKER}")
            return 0
        key = station.revoke(args.device, person=_person(args), reason=args.reason)
    print(
        f"{args.device} is revoked ({words.fingerprint(key.public)}).\n"
        "What the station saw of it before stays known; anything else of it is unknown from now on."
        f"\n{_TELL_BROKER}"
    )
    return 0


def import_card(args: argparse.Namespace) -> int:
    """A card into the store."""
    with _station(args) as station:
        report = station.import_card(args.card, person=_person(args), watch=Progress)
    if args.json:
        words.print_json(
            {
                "device": report.device,
                "recordings": [
                    {
                        "rec": item.rec,
                        "outcome": item.outcome,
                        "path": item.path,
                        "receipt": item.receipt,
                        "why": item.why,
                        "verdict": item.verdict.as_json(),
                    }
                    for item in report.recordings
                ],
                "missing": report.missing,
                "problems": report.problems,
                "findings": [one.as_json() for one in report.findings],
                "notes": report.notes,
            }
        )
    else:
        words.print_report(report)
    return report.exit_code


def verify(args: argparse.Namespace) -> int:
    """Verdicts on folders."""
    registry, heads = Registry(), None
    if args.signers:
        registry = read_signers(_read(args.signers, MAX_SIGNERS_BYTES))
    opened: Folder | None = None
    if args.station:
        opened = _station_folder(args.station)  # its secret keys are not needed
        registry = Registry.load(opened)
        heads = _heads(opened)
    recordings: list[dict[str, object]] = []
    cards: list[dict[str, object]] = []
    codes: list[int] = []
    for rec in args.rec:
        path = Path(rec)
        if not path.exists() and not path.is_symlink():
            raise UsageError(
                f"There is no {shown(rec)}.", do="Give the folder of a recording or a card."
            )
        try:
            with Folder(path) as folder:
                card = None
                if is_card(folder):
                    card = examine_card(folder, registry, opened, Progress)
                else:
                    progress = Progress(shown(path.name))
                    verdict = examine(folder, registry, heads, progress)
                    progress.end()
        except BodycamError as error:
            card, verdict = None, _unreadable(error)
        if card is None:
            codes.append(verdict.exit_code)
            recordings.append({"path": shown(path, 4096), **verdict.as_json()})
            if not args.json:
                words.print_verdict(path, verdict)
        else:
            codes.append(card.exit_code)
            cards.append({"path": shown(path, 4096), **card.as_json()})
            if not args.json:
                words.print_card(path, card)
    if opened is not None:
        opened.close()
    if args.json:
        words.print_json({"recordings": recordings, "cards": cards})
    elif not args.station and not args.signers:
        print("Nobody's key was given to trust: see --station and --signers.", file=sys.stderr)
    return worst(codes)


def label(args: argparse.Namespace) -> int:
    """A recording's reason."""
    with _station(args) as station:
        station.label(args.rec, person=_person(args), reason=args.reason)
        count = len(station.labels(args.rec))
    print(f"{args.rec} has its label{f', beside {count - 1} earlier' if count > 1 else ''}.")
    return 0


def export(args: argparse.Namespace) -> int:
    """A recording as an MP4."""
    progress = Progress(shown(Path(args.rec).name))
    with _station(args) as station:
        done = station.export(
            args.rec,
            args.out,
            person=_person(args),
            purpose=args.purpose,
            form=args.form,
            despite=args.despite,
            progress=progress,
        )
        progress.end()
    if args.json:
        return words.print_json(
            {
                "mp4": str(done.mp4),
                "json": str(done.json),
                "signature": str(done.signature),
                "frames": done.frames,
                "seconds": round(done.seconds, 3),
                "left_out": [*done.left_out],
            }
        )
    print(
        f"Wrote {shown(done.mp4)}: {done.seconds:.1f} s, {done.frames} pictures.\n"
        f"Hand over with it {shown(done.json.name)} and {shown(done.signature.name)}."
    )
    if done.left_out:
        print(f"Left out, because they are not what was signed: {', '.join(done.left_out)}")
    return 0


def check_export(args: argparse.Namespace) -> int:
    """Whether an export and its recording agree."""
    if args.signers:
        found = _check_without_station(args)
    else:
        with _station(args) as station:
            found = station.check_export(args.mp4, args.report, args.rec)
    if args.json:
        words.print_json({"problems": found.problems, "notes": found.notes, "signer": found.signer})
        return found.exit_code
    for problem in found.problems:
        print(problem)
    if not found.problems:
        print(f"{shown(args.mp4)}, {shown(args.report)} and the sealed recording agree.")
    for note in found.notes:
        print(f"  {note}")
    return found.exit_code


def _check_without_station(args: argparse.Namespace) -> "Check":
    from bodycam_station.check_export import check
    from bodycam_station.export import NAMESPACE

    data = _read(args.signers, MAX_SIGNERS_BYTES)
    stations = read_signers(data, NAMESPACE)
    with Folder(args.rec) as folder:
        return check(
            Path(args.mp4),
            Path(args.report),
            folder,
            examine(folder, read_signers(data)),
            keys=lambda station: [key.public for key in stations.keys(station)],
        )


def log(args: argparse.Namespace) -> int:
    """The station's acts."""
    with _station(args) as station:
        acts = station.acts()
    if args.json:
        return words.print_json(
            {
                "acts": [
                    {
                        "seq": act.seq,
                        "utc": act.utc,
                        "act": act.kind,
                        "about": act.about,
                        "person": act.person,
                        "purpose": act.purpose,
                        "details": act.details,
                    }
                    for act in acts
                ]
            }
        )
    for act in acts:
        why = f": {shown(act.purpose, 500)}" if act.purpose else ""
        print(f"{act.seq:5}  {act.utc}  {act.kind:<8} {act.about}  {shown(act.person, 500)}{why}")
    print(f"{len(acts)} lines, each signed by the station, none missing before the last.")
    return 0


def serve(args: argparse.Namespace) -> int:
    """The fleet and its board."""
    from bodycam_station.board import serve as board  # heavy: a web server and a database

    if args.demo:
        from bodycam_station.demo import demo

        return demo.serve(args)
    if args.cameras:
        raise UsageError("--cameras is for the demo.", do="Give --demo, too.")
    with _station(args) as station:
        return board.serve(station, args)


def user(args: argparse.Namespace) -> int:
    """Who may log in to the board."""
    from bodycam_station.board import serve as board

    with _station(args) as station:
        return board.user(station, args, _person(args))


def _person(args: argparse.Namespace) -> str:
    if args.person:
        return str(args.person)
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise UsageError("Nobody is logged in.", do="Say who you are: --person NAME") from None


@contextmanager
def _station(args: argparse.Namespace) -> Iterator[Station]:
    with Station.open(_where(args.station)) as station:
        yield station


def _where(given: str | None) -> str:
    return given or os.environ.get(STATION_VARIABLE) or "."


def _station_folder(given: str) -> Folder:
    try:
        folder = Folder(given)
        kind = folder.kind(FILE)
    except BodycamError:
        kind = None
    if kind != "file":
        raise UsageError(f"{shown(given)} is not a station's folder.", do="See --station.")
    return folder


def _heads(station: Folder) -> Callable[[str], witness.Heads]:
    return lambda device: witness.load(station, device)


def _unreadable(error: BodycamError) -> Verdict:
    """The verdict on what is not even a folder."""
    return Verdict(
        rec="",
        device="",
        integrity=NOT_OK,
        provenance=NOT_SIGNED,
        key="",
        anchored=None,
        anchored_seq=-1,
        last_seq=-1,
        problems=(Problem("the folder", error.what.rstrip(".")),),
        notes=(),
    )


def _read(path: str, limit: int) -> bytes:
    """A file that the operator named; raises EvidenceError or CardError."""
    whole = Path(path).resolve()
    with Folder(whole.parent) as folder:
        return folder.read(whole.name, limit)
