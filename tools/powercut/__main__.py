"""`make powercut`: pulls the plug under the real recorder. See docs/reliability.md."""

import argparse
import itertools
import json
import random
import shlex
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tools.powercut import plan, table, uml
from tools.powercut.broken import BROKEN
from tools.powercut.image import ImageError
from tools.powercut.plan import MOMENTS
from tools.powercut.trial import HOUSE, MOUNTS, Cut, Trial

from bodycam.errors import BodycamError

CUTS_A_CARD = 10
KEPT = HOUSE / "build" / "powercut"
"""For the film, and for cards on which something was wrong."""


def run(args: argparse.Namespace) -> int:
    """Cut, judge, print, keep; 1 where the run has failed."""
    uml.found()
    cuts: list[Cut] = []
    rests: list[Cut] = []
    chance = random.Random(args.seed)
    moments = itertools.cycle(args.moments or [""])
    aims = [plan.draw(chance, moment) for moment in itertools.islice(moments, args.cuts)]
    _say(f"{args.cuts} cuts with seed {args.seed}")
    for number, first in enumerate(range(0, args.cuts, CUTS_A_CARD)):
        mount = [*MOUNTS][number % len(MOUNTS)]
        with tempfile.TemporaryDirectory(prefix="powercut-") as name:
            folder = Path(name)
            trial = Trial(folder, KEPT, f"{args.seed} {number}", mount, args.broken)
            for aim in aims[first : first + CUTS_A_CARD]:
                cuts.append(trial.cut(aim))
                _say(f"{len(cuts)} of {args.cuts}: {_line(cuts[-1])}")
                _keep(folder, cuts[-1], len(cuts))
            rests.append(trial.rest())
            _say(f"card {number + 1} at rest: {_line(rests[-1])}")
            _keep(folder, rests[-1], len(cuts))
    result = table.Result(cuts, rests)
    broken = f", with the product broken on purpose: {args.broken}" if args.broken else ""
    print(f"{args.cuts} power cuts with seed {args.seed}{broken}\n")
    print(table.table(result))
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    ran = shlex.join(["python", "-m", "tools.powercut", *sys.argv[1:]])
    fields = table.fields(result, args.seed, ran, args.broken)
    out.write_text(json.dumps(fields, indent=1) + "\n")
    print(f"In {out}: every cut of it.")
    for fault in result.faults:
        print(f"powercut: {fault}", file=sys.stderr)
    return 1 if result.faults else 0


def _keep(folder: Path, cut: Cut, number: int) -> None:
    """What was wrong can be looked at later."""
    if cut.lost or cut.wrong:
        kept = KEPT / f"wrong-{number}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder / "out", kept)
        _say(f"the card is kept in {kept}")


def _line(cut: Cut) -> str:
    lost = "" if cut.lost_s is None else f", {cut.lost_s:.2f} s of footage lost"
    trouble = "".join(f"; NOT KEPT: {what}" for what in cut.lost[:1])
    trouble += f" and {len(cut.lost) - 1} more" if len(cut.lost) > 1 else ""
    trouble += "".join(f"; WRONG: {what}" for what in cut.wrong[:1])
    trouble += f" and {len(cut.wrong) - 1} more" if len(cut.wrong) > 1 else ""
    verdicts = " ".join(f"{count} {verdict}" for verdict, count in sorted(cut.verdicts.items()))
    what = f"{cut.moment or 'not cut'}, {cut.mount}, {cut.promised} promised{lost}"
    return f"{what}; {verdicts}{trouble}"


def _say(line: str) -> None:
    print(f"powercut: {line}", file=sys.stderr, flush=True)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError("cuts are 1 to 100000")
    return int(text)


def _moments(text: str) -> list[str]:
    moments = text.split(",")
    if set(moments) - set(MOMENTS):
        raise argparse.ArgumentTypeError(f"moments are {', '.join(MOMENTS)}")
    return moments


def main() -> int:
    """Cut; 0: nothing that was promised is lost, 1: something is, or it could not be tried."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.powercut",
        description="Cut the power under the real recorder on real ext4, again and again.",
        epilog="example:\n  make powercut N=200",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cuts", type=_count, default=200, metavar="N", help="default: 200")
    parser.add_argument("--seed", type=int, default=1, help="draws the moments (default: 1)")
    parser.add_argument(
        "--moments",
        type=_moments,
        default=[],
        metavar="LIST",
        help=f"aim at these in turn ({', '.join(MOMENTS)}); without it they are drawn",
    )
    parser.add_argument(
        "--broken", choices=[*BROKEN], default="", help="break the product on purpose"
    )
    parser.add_argument("--out", default=str(KEPT.parent / "powercut.json"), metavar="FILE")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and no guest is left running
    try:
        return run(parser.parse_args())
    except (BodycamError, uml.Hung, ImageError, OSError) as error:
        print(f"powercut: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("powercut: stopped.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
