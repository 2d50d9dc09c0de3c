"""`bodycam-station`: the municipality's side on the command line."""

import argparse
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from bodycam.errors import BodycamError, UsageError
from bodycam_station import commands
from bodycam_station.files import shown


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    args = _parser().parse_args(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except UsageError as error:
        print(f"bodycam-station: {error}", file=sys.stderr)
        return 2
    except BodycamError as error:
        print(f"bodycam-station: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more may be written to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        where = f"{shown(error.filename)}: " if isinstance(error.filename, str | Path) else ""
        print(f"bodycam-station: {where}{why}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bodycam-station: stopped.", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bodycam-station",
        description="The municipality's side of the bodycams: keys, import, verdicts, hand-over.",
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str,
        run: Callable[[argparse.Namespace], int],
        text: str,
        example: str,
        *,
        person: bool = False,
        as_json: bool = False,
        station: bool = True,
    ) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(
            name,
            help=text.partition(". ")[0].rstrip(".") + ".",
            description=textwrap.fill(text, 79),
            epilog=f"example:\n  bodycam-station {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(run=run)
        if station:
            sub.add_argument(
                "--station",
                metavar="DIR",
                help="the station's folder "
                f"(default: ${commands.STATION_VARIABLE}, or the current folder)",
            )
        if person:
            sub.add_argument("--person", help="who does this (default: who is logged in)")
        if as_json:
            sub.add_argument("--json", action="store_true", help="print one JSON object")
        return sub

    sub = command(
        "init",
        commands.init,
        "Make a new station: its keys, the escrow to take away, and its certificate authority.",
        "init /srv/bodycam --name utrecht",
        person=True,
        station=False,
    )
    sub.add_argument("dir", metavar="DIR", help="a new or empty folder")
    sub.add_argument("--name", default="station", help="a-z, 0-9 and - (default: station)")
    sub.add_argument(
        "--post-quantum",
        action="store_true",
        help="keys that a quantum computer does not open either; stock age needs 1.3 for them",
    )

    sub = command(
        "enroll",
        commands.enroll,
        "Take a camera in: read its REQUEST, write the BUNDLE to bring back to it.",
        "enroll cam07.request --out cam07.bundle --person 'A. de Vries'",
        person=True,
    )
    sub.add_argument("request", metavar="REQUEST", help="from: bodycam enroll --out REQUEST")
    sub.add_argument("--out", metavar="BUNDLE", required=True, help="the file to write")

    command("devices", commands.devices, "List the cameras.", "devices --json", as_json=True)

    sub = command(
        "revoke",
        commands.revoke,
        "Stop trusting a camera's key: what the station sees of it from now on is unknown.",
        "revoke cam07 --reason 'stolen on 23 November'",
        person=True,
    )
    sub.add_argument("device", metavar="CAMERA", help="a camera, or a manager")
    sub.add_argument("--reason", required=True, help="why, in one line")

    sub = command(
        "manager",
        commands.manager,
        "Give somebody who manages the fleet a key and a certificate for the broker; earlier ones "
        "count no more. What the name may do is written in the broker's acl file.",
        "manager bodycam-board --out /etc/bodycam-board",
        person=True,
    )
    sub.add_argument("name", metavar="NAME", help="a-z, 0-9 and -; never a camera's")
    sub.add_argument("--out", metavar="FOLDER", required=True, help="where the files go")

    sub = command(
        "broker",
        commands.broker,
        "Write what the broker needs: its key and certificate for the given hosts, the authority, "
        "and what is revoked. Without --host only the last two, as after every revoke.",
        "broker --host broker.utrecht.example --out mosquitto",
        person=True,
    )
    sub.add_argument(
        "--host", action="append", default=[], help="a name or address that cameras call it by"
    )
    sub.add_argument("--out", metavar="FOLDER", required=True, help="where the files go")

    sub = command(
        "config",
        commands.config,
        "Say how a camera is to be set: its policy, and the station as it is as recipient. Signed, "
        "with a version that rises; the camera takes it in its dock. Written to a file, published "
        "to the broker, or both.",
        "config cam07 --policy strict.toml --publish broker.utrecht.example --as bodycam-config",
        person=True,
    )
    sub.add_argument("device", metavar="CAMERA")
    sub.add_argument("--policy", metavar="FILE", required=True, help="the policy, TOML")
    sub.add_argument("--out", metavar="FILE", help="write the document here")
    sub.add_argument("--publish", metavar="HOST[:PORT]", help="publish it at this broker")
    sub.add_argument(
        "--as",
        dest="folder",
        metavar="FOLDER",
        help="with the manager's files of this folder (see: manager)",
    )

    sub = command(
        "import",
        commands.import_card,
        "Copy a card's recordings into the store, verify and open them, leave receipts on it.",
        "import /media/cam07",
        person=True,
        as_json=True,
    )
    sub.add_argument("card", metavar="CARD", help="the folder where the card is mounted")

    sub = command(
        "verify",
        commands.verify,
        "Say of recordings whether they are whole, whose they are, and what was seen of them "
        "before; of a whole card also what is missing, foreign, copied or older than it should be. "
        "Nothing is changed. Exit code: 1 where something is wrong or unknown, 3 where something "
        "is incomplete or unfinished, else 0.",
        "verify /media/cam07 --station /srv/bodycam",
        as_json=True,
        station=False,
    )
    sub.add_argument("rec", metavar="REC", nargs="+", help="a recording's folder, or a card's")
    who = sub.add_mutually_exclusive_group()
    who.add_argument("--station", metavar="DIR", help="trust the cameras of this station")
    who.add_argument("--signers", metavar="FILE", help="trust this list (ssh's allowed_signers)")

    sub = command(
        "label",
        commands.label,
        "Say why a recording was made or is kept. Earlier labels stay.",
        "label cam07-000042-9f3c21d8 --reason 'threat, case 2026-1187'",
        person=True,
    )
    sub.add_argument("rec", metavar="REC", help="a recording's name")
    sub.add_argument("--reason", required=True, help="in one line")

    sub = command(
        "export",
        commands.export,
        "Write a recording as an MP4 that plays anywhere, with a signed JSON that ties it to the "
        "sealed evidence. Nothing is encoded again.",
        "export cam07-000042-9f3c21d8 --out incident.mp4 --form 2026-118 --purpose 'report 1187'",
        person=True,
        as_json=True,
    )
    sub.add_argument("rec", metavar="REC", help="a recording's name in the store, or its folder")
    sub.add_argument("--out", metavar="FILE.mp4", required=True)
    sub.add_argument("--purpose", default="", help="what for, in one line")
    sub.add_argument("--form", default="", help="the number of the transfer form")
    sub.add_argument(
        "--despite", metavar="REASON", default="", help="export although it is not ok, and why"
    )

    sub = command(
        "check-export",
        commands.check_export,
        "Hold MP4, JSON and sealed recording against each other.",
        "check-export incident.mp4 incident.json cam07-000042-9f3c21d8",
        as_json=True,
    )
    sub.add_argument(
        "--signers",
        metavar="FILE",
        help="without a station: trust this list (ssh's allowed_signers) and open nothing",
    )
    sub.add_argument("mp4", metavar="FILE.mp4")
    sub.add_argument("report", metavar="FILE.json")
    sub.add_argument("rec", metavar="REC", help="a recording's name in the store, or its folder")

    command(
        "log",
        commands.log,
        "Show who did what here, and why; every line's signature is checked.",
        "log --json",
        as_json=True,
    )

    sub = command(
        "serve",
        commands.serve,
        "Listen to the cameras and show the board. Settings stand in board.toml and fleet.toml in "
        "the station's folder; without them it is for this machine only.",
        "serve --station /srv/bodycam",
    )
    sub.add_argument("--broker", metavar="URL", help="instead of the one in fleet.toml")
    sub.add_argument("--address", metavar="IP", help="to listen on, instead of board.toml's")
    sub.add_argument("--port", metavar="N", type=int, help="instead of board.toml's; 0: a free one")
    sub.add_argument(
        "--demo",
        action="store_true",
        help="a made-up station with a broker and 24 simulated cameras, gone again at the end",
    )
    sub.add_argument("--cameras", metavar="N", type=int, help="of the demo, instead of 24")

    sub = command(
        "user",
        commands.user,
        "Say who may log in to the board. The password is asked for, or read from standard input.",
        "user add devries --role manager",
        person=True,
        as_json=True,
    )
    sub.add_argument("action", choices=("add", "remove", "password", "list"))
    sub.add_argument("name", metavar="NAME", nargs="?", default="")
    sub.add_argument(
        "--role",
        choices=("viewer", "manager", "auditor"),
        help="viewer: looks; manager: looks and acts; auditor: looks, also at who did what",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
