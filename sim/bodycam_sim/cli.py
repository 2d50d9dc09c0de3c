"""`bodycam-sim`: everything at a desk."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bodycam.errors import BodycamError, UsageError
from bodycam_sim.run import as_json, run
from bodycam_sim.scenario import read_scenario

_POLICIES = Path(__file__).parents[2] / "config" / "policies"
_SILENT_S, _EVERY_S = 2, 1
"""Progress is shown after so long, and then so often."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 2 for wrong usage, 1 for what went wrong, else 0."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    args = _parser().parse_args(argv)
    try:
        _scenario(args)
        sys.stdout.flush()
    except UsageError as error:
        print(f"bodycam-sim: {error}", file=sys.stderr)
        return 2
    except BodycamError as error:
        print(f"bodycam-sim: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more may be written to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"bodycam-sim: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bodycam-sim: stopped.", file=sys.stderr)
        return 130
    return 0


def _scenario(args: argparse.Namespace) -> None:
    path = Path(args.file)
    seconds = read_scenario(path).seconds
    out = Path(args.out or tempfile.mkdtemp(prefix="bodycam-"))
    shown_at = time.monotonic() + _SILENT_S

    def say(line: str) -> None:
        print(f"bodycam-sim: {line}", file=sys.stderr)

    def watch(done_s: float) -> None:
        nonlocal shown_at
        if (now := time.monotonic()) >= shown_at:
            shown_at = now + _EVERY_S
            say(f"{done_s:g} of {seconds:g} s")

    film = Path(args.video) if args.video else None
    result = run(path, out, policies=Path(args.policies), film=film, say=say, watch=watch)
    if args.json:
        print(as_json(result))
        return
    print(result.text)
    print(f"In {out}: card/, station/, films/ and transcript.txt")
    for mp4, verdict in result.films:
        print(f"{mp4}: {verdict}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bodycam-sim", description="A bodycam, its world and its station at a desk."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    scenario = commands.add_parser(
        "scenario",
        help="play a scripted shift, faster than real time",
        description="Play a scripted shift, faster than real time: the camera records onto a\n"
        "card, a station imports it, gives its verdict and exports the films.",
        epilog="example:\n"
        "  bodycam-sim scenario sim/scenarios/escalation.toml --out out/escalation",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    scenario.add_argument(
        "file", metavar="FILE", help="a scenario, for example those in sim/scenarios"
    )
    scenario.add_argument(
        "--out",
        metavar="DIR",
        help="leave card/, station/, films/ and transcript.txt there "
        "(default: a new temporary folder)",
    )
    scenario.add_argument("--json", action="store_true", help="print one JSON object instead")
    scenario.add_argument(
        "--video", metavar="FILE", help="let the camera see this film instead of a drawn street"
    )
    scenario.add_argument(
        "--policies", metavar="DIR", default=str(_POLICIES), help="where policies are found by name"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
