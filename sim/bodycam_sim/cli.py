"""`bodycam-sim`: everything at a desk."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bodycam.errors import BodycamError, UsageError
from bodycam_sim.run import as_json, run

_POLICIES = Path(__file__).parents[2] / "config" / "policies"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    args = _parser().parse_args(argv)
    try:
        return _scenario(args)
    except UsageError as error:
        print(f"bodycam-sim: {error}", file=sys.stderr)
        return 2
    except BodycamError as error:
        print(f"bodycam-sim: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bodycam-sim: stopped.", file=sys.stderr)
        return 130


def _scenario(args: argparse.Namespace) -> int:
    out = Path(args.out or tempfile.mkdtemp(prefix="bodycam-"))

    def say(line: str) -> None:
        print(f"bodycam-sim: {line}", file=sys.stderr)

    film = Path(args.video) if args.video else None
    result = run(Path(args.file), out, policies=Path(args.policies), film=film, say=say)
    if args.json:
        print(as_json(result))
    else:
        print(result.text, end="")
        print(f"\nIn {out}: card/, station/, films/ and transcript.txt")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bodycam-sim", description="A bodycam, its world and its station at a desk."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    scenario = commands.add_parser(
        "scenario",
        help="play a scripted shift, faster than real time",
        description="Play a scripted shift, faster than real time: the camera records onto a card, "
        "a station imports it, gives its verdict and exports the films.",
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
