"""`bodycam`: the camera's command line."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bodycam.config import read_config
from bodycam.errors import BodycamError, UsageError
from bodycam.pi.hardware import PI, Hardware

if TYPE_CHECKING:
    from bodycam.check.findings import Finding

CONFIG = "/etc/bodycam/bodycam.toml"


def main(argv: Sequence[str] | None = None, hardware: Hardware = PI) -> int:
    """Run one command; its exit code: 2 for wrong usage, 1 for what went wrong, else 0.

    `hardware` is the way to the camera's parts. What takes long to import is imported by the
    command that needs it: `run` has to be quick.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    args = _parser().parse_args(argv)
    args.hardware = hardware
    command: Callable[[argparse.Namespace], int] = args.run
    try:
        code = command(args)
        sys.stdout.flush()
    except UsageError as error:
        print(f"bodycam: {error}", file=sys.stderr)
        return 2
    except BodycamError as error:
        print(f"bodycam: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bodycam: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more may be written to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"bodycam: {where}{error.strerror or error}.", file=sys.stderr)
        return 1
    return code


def _run(args: argparse.Namespace) -> int:
    from bodycam.run import run

    return run(read_config(Path(args.config)), args.hardware)


def _link(args: argparse.Namespace) -> int:
    from bodycam.report import report

    return report(read_config(Path(args.config)))


def _check(args: argparse.Namespace) -> int:
    findings: list[Finding] = []
    for finding in _findings(args):
        findings.append(finding)
        if not args.json:
            print(f"{_WORDS[finding.good]}  {finding.part:13} {finding.says}", flush=True)
    good = all(finding.good is not False for finding in findings)
    if args.json:
        parts = [
            {"part": f.part, "good": f.good, "says": f.says, "figures": dict(f.figures)}
            for f in findings
        ]
        print(json.dumps({"good": good, "parts": parts}))
    return 0 if good else 1


_WORDS = {True: "good", False: "BAD ", None: "--  "}
"""By what a finding says: well, not well, not tested."""


def _findings(args: argparse.Namespace) -> Iterator["Finding"]:
    from bodycam.check import power, trial, walk, wearer

    config, hardware = read_config(Path(args.config)), args.hardware
    if args.boot:
        yield power.measure(config)
        return
    with walk.recorder_stopped(config):
        if args.record:
            yield trial.record(config, hardware, Path(args.record))
            return
        somebody = not args.json and wearer.is_there()
        yield from walk.look(config, hardware, wearer.Terminal() if somebody else None)


def _enroll(args: argparse.Namespace) -> int:
    from bodycam import enrolled

    config = read_config(Path(args.config))
    if args.out:
        made = enrolled.request(config, Path(args.out))
        if made:
            print(f"A device key was made: {config.key_path}. It must not leave this camera.")
        print(f"Take {args.out} to the station: bodycam-station enroll {args.out} --out BUNDLE")
        print(f"The station will show this fingerprint; compare: {enrolled.fingerprint(config)}")
    else:
        bundle = enrolled.accept(config, Path(args.accept))
        print(
            f"{bundle.device} belongs to the station {bundle.station}; recordings are sealed to "
            f"{len(bundle.recipients)} recipients."
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bodycam", description="The software on the camera.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str, example: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"example:\n  bodycam {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument(
            "--config", metavar="FILE", default=CONFIG, help=f"configuration (default: {CONFIG})"
        )
        sub.set_defaults(run=run)
        return sub

    command(
        "run",
        _run,
        "Record: the process that owns camera, button and card.",
        "run --config bodycam.toml",
    )
    command(
        "link",
        _link,
        "Report to the fleet: the only process with a network.",
        "link --config bodycam.toml",
    )
    sub = command(
        "check",
        _check,
        "Say part by part whether this camera can go out; in a terminal, with your help.",
        "check --config bodycam.toml",
    )
    sub.add_argument("--json", action="store_true", help="print one JSON object; nobody is asked")
    what = sub.add_mutually_exclusive_group()
    what.add_argument(
        "--boot", action="store_true", help="only: how long it took from power to a filling ring"
    )
    what.add_argument("--record", metavar="DIR", help="only: make a test recording in a new folder")
    sub = command(
        "enroll",
        _enroll,
        "Become a station's camera: write a request, then accept the station's answer.",
        "enroll --config bodycam.toml --out cam07.request",
    )
    way = sub.add_mutually_exclusive_group(required=True)
    way.add_argument("--out", metavar="REQUEST", help="write the request for the station here")
    way.add_argument("--accept", metavar="BUNDLE", help="take the station's answer")
    return parser


if __name__ == "__main__":
    sys.exit(main())
