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
        args.run(args)
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


def _fleet(args: argparse.Namespace) -> None:
    from bodycam_sim.fleet.command import Wish
    from bodycam_sim.fleet.command import run as live

    wish = {name: value for name, value in vars(args).items() if name != "run"}
    live(Wish(**wish), lambda line: print(f"bodycam-sim: {line}", file=sys.stderr, flush=True))


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
    scenario.set_defaults(run=_scenario)
    fleet = commands.add_parser(
        "fleet",
        help="let many simulated cameras report to a broker",
        description="Let many simulated cameras report to a broker on this machine, with the\n"
        "product's own link: sessions, wills, signed journals, commands. Their days (shifts,\n"
        "recordings, faults, dead spots) are drawn from the seed. Ends with Ctrl-C.",
        epilog="example:\n"
        "  bodycam-sim fleet --cameras 24 --broker mqtt://127.0.0.1:1883 --station out/station",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fleet.add_argument("--cameras", type=int, required=True, metavar="N", help="how many")
    fleet.add_argument("--broker", required=True, metavar="URL", help="mqtt://HOST:PORT")
    fleet.add_argument(
        "--station", metavar="DIR", default="", help="enrol them here, and hand recordings over"
    )
    fleet.add_argument(
        "--policy", metavar="FILE", default="", help="the policy that they say they have"
    )
    fleet.add_argument(
        "--state", metavar="DIR", default="", help="keep the cards here, so that they go on"
    )
    fleet.add_argument(
        "--script", metavar="FILE", default="", help="lines of SECONDS CAMERA ACT [DETAIL]"
    )
    fleet.add_argument("--seed", type=int, default=1, help="of their days (default: 1)")
    fleet.add_argument(
        "--speed", type=float, default=1.0, help="how fast their day passes (default: 1)"
    )
    fleet.add_argument(
        "--interval",
        type=int,
        default=60,
        dest="interval_s",
        metavar="SECONDS",
        help="between statuses (default: 60)",
    )
    fleet.add_argument(
        "--start", default="", metavar="HH:MM", help="when their day begins (default: now)"
    )
    fleet.add_argument(
        "--seconds", type=float, default=0.0, help="end after so long (default: never)"
    )
    fleet.add_argument(
        "--quiet-days", action="store_true", help="nothing happens but what the script says"
    )
    fleet.set_defaults(run=_fleet)
    return parser


if __name__ == "__main__":
    sys.exit(main())
