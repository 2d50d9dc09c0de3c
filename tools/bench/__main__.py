"""`make bench`: measures, prints a table and leaves build/bench.json. See docs/performance.md."""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.bench import cost, filming, picamera, report, speed
from tools.bench.children import HOUSE, bare, child
from tools.bench.film import FULL, SMALL, Film, FilmSpec
from tools.bench.report import Mark, Row, of_rounds, of_samples, percentile
from tools.bench.serving import Told

from bodycam.errors import BodycamError
from bodycam.evidence.age import POST_QUANTUM, X25519


@dataclass(frozen=True, slots=True)
class Form:
    """How much is measured in a round."""

    film: FilmSpec
    lengths: cost.Lengths
    gops: int
    presses: int
    drains: int
    worlds: tuple[tuple[speed.World, float], ...]
    """What the simulator runs, each with how many times faster than real time it must be."""
    statuses: tuple[int, int] = (1000, 30)
    """Cameras, and how many statuses each sends."""
    mornings: tuple[tuple[int, float], ...] = ((24, 1000), (1000, 1500))
    """Cameras, and within how many ms an open board shows what one of them says, at p99."""
    changes: int = 60


LONG = Form(
    film=FULL,
    lengths=cost.Lengths(steady=60, short=10, long=110),
    gops=100,
    presses=200,
    drains=3,
    worlds=((speed.World(130, 640, 360, 1200), 20), (speed.World(60, 1920, 1080, 8000), 3)),
)
SMOKE = Form(
    film=SMALL,
    lengths=cost.Lengths(steady=4, short=2, long=4),
    gops=3,
    presses=3,
    drains=1,
    worlds=((speed.World(12, 320, 180, 200), 20),),
    statuses=(20, 5),
    mornings=((3, 1000),),
    changes=3,
)
"""To see whether the bench works; its figures say nothing."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What all parts share."""

    form: Form
    rounds: int
    film: Film
    folder: Path
    """For cards and whatever else a part writes; empty, on the disk of the checkout."""
    picamera2: Path | None
    no_picamera2: str
    """Why it is not there."""

    def many(self, part: str, *words: object) -> list[Told]:
        """A child for each round, given film, card and these words."""
        card = self.folder / "card"
        return [child(part, *self.film.words, card, *words) for _ in self.each()]

    def each(self) -> Iterator[int]:
        """The rounds; each begins on an empty card, with nothing left to be written."""
        for number in range(self.rounds):
            shutil.rmtree(self.folder / "card", ignore_errors=True)
            os.sync()
            yield number

    def missing(self, part: str, what: str, unit: str) -> Row:
        """A figure that needs picamera2 where there is none."""
        return Row(part, what, unit, None, note=self.no_picamera2)


def part_a(bench: Bench) -> Iterator[Row]:
    """CPU for a second of footage."""
    found = list(
        cost.rounds(bench.film, bench.rounds, bench.form.lengths, bench.folder, bench.picamera2)
    )
    unit = "ms/s"
    ours = [one["ours"] for one in found]
    yield of_rounds("a", "CPU a second of footage: mux, seal, sign, durable", unit, ours)
    for key, what, mark in (
        ("nut", "ffmpeg -c copy to HLS, of the same packets", Mark(most=1.6)),
        ("h264", "the same of the encoder's byte stream", Mark(most=1.6)),
        ("mp4", "the same of an MP4 that is ready", None),
        ("picamera2", "picamera2 CircularOutput2 -> PyavOutput", None),
    ):
        theirs = [one[key] for one in found if key in one]
        if not theirs:
            yield bench.missing("a", what, unit)
            continue
        yield of_rounds("a", what, unit, theirs)
        ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
        yield of_rounds("a", "  ours over that", "x", ratios, mark)


def part_b(bench: Bench) -> Iterator[Row]:
    """A GOP to durable."""
    found = bench.many("latency.durable", bench.form.gops)
    ours, disk = ([one[key] for one in found] for key in ("ms", "disk_ms"))
    yield of_samples("b", "GOP complete to durable", "ms", ours, 50)
    yield of_samples("b", "GOP complete to durable", "ms", ours, 99, Mark(most=15))
    yield of_samples("b", "  the same writes alone", "ms", disk, 50)
    yield of_samples("b", "  the same writes alone", "ms", disk, 99)
    yield of_samples("b", "  more than they take", "ms", _beyond(ours, disk), 50)


def part_c(bench: Bench) -> Iterator[Row]:
    """A contact to its cues."""
    for when, what in (
        ("idle", "contact to cue, idle"),
        ("draining", "contact to cue, a full ring drains"),
        ("stalled", "contact to cue, the card is stalled"),
    ):
        found = [one["ms"] for one in bench.many("latency.contact", bench.form.presses, when)]
        yield of_samples("c", what, "ms", found, 50)
        yield of_samples("c", what, "ms", found, 99, Mark(most=10))


def part_d(bench: Bench) -> Iterator[Row]:
    """A full ring to durable."""
    found = [one for _ in range(bench.form.drains) for one in bench.many("latency.drained")]
    ours, disk = ([sample for one in found for sample in one[k]] for k in ("ms", "disk_ms"))
    yield of_rounds("d", "warning given to a full 30 s ring durable", "ms", ours, Mark(most=200))
    yield of_rounds("d", "  the same writes alone", "ms", disk)
    yield of_rounds("d", "  more than they take", "ms", _beyond([ours], [disk])[0])


def part_e(bench: Bench) -> Iterator[Row]:
    """Memory in standby."""
    found = bench.many("standby.memory")
    beyond = [one["total"] - one["payload"] for one in found]
    what = "memory in standby beyond the footage in the ring"
    yield of_rounds("e", what, "MiB", beyond, Mark(most=35))
    yield of_rounds("e", "the interpreter alone", "MiB", [bare()[1] for _ in bench.each()])
    if bench.picamera2 is None:
        yield bench.missing("e", "the same with the camera library", "MiB")
    else:
        found = bench.many("standby.memory", bench.picamera2)
        beyond = [one["total"] - one["payload"] for one in found]
        yield of_rounds("e", "the same with the camera library", "MiB", beyond)
        alone = [one["alone"] for one in found]
        yield of_rounds("e", "interpreter and camera library alone", "MiB", alone)
    overheads = [child("standby.overhead", *bench.film.words)["percent"] for _ in bench.each()]
    yield of_rounds("e", "the ring's overhead over its footage", "%", overheads, Mark(most=1))


def part_f(bench: Bench) -> Iterator[Row]:
    """CPU from a start to the first packet."""
    found = [child("standby.start") for _ in bench.each()]
    buffered = [one["buffered"] for one in found]
    yield of_rounds("f", "CPU until a packet can be buffered", "ms", buffered, Mark(most=100))
    yield of_rounds("f", "until all is imported", "ms", [one["whole"] for one in found])
    yield of_rounds("f", "the interpreter alone", "ms", [bare()[0] for _ in bench.each()])
    what = "until a packet can be buffered, with the camera library"
    if bench.picamera2 is None:
        yield bench.missing("f", what, "ms")
    else:
        found = [child("standby.start", bench.picamera2) for _ in bench.each()]
        yield of_rounds("f", what, "ms", [one["buffered"] for one in found])


def part_g(bench: Bench) -> Iterator[Row]:
    """The simulator's speed."""
    for world, mark in bench.form.worlds:
        found = [speed.times_real(world, bench.folder) for _ in bench.each()]
        what = f"headless scenario at {world.width}x{world.height}, times real time"
        yield of_rounds("g", what, "x", found, Mark(least=mark))


def part_h(bench: Bench) -> Iterator[Row]:
    """Sealing to keys of either kind."""
    found = [child("sealing.seal", bench.form.gops) for _ in bench.each()]
    for kind in (X25519, POST_QUANTUM):
        what = f"sealing 1 MB to two {kind} keys"
        yield of_samples("h", what, "ms", [one["ms"][kind] for one in found], 50)
    for kind in (X25519, POST_QUANTUM):
        what = f"bytes more than the content, two {kind} keys"
        yield of_rounds("h", what, "bytes", [one["bytes"][kind] for one in found])


def _beyond(ours: list[list[float]], disk: list[list[float]]) -> list[list[float]]:
    """What ours took more than the disk did just after it, pair by pair, round by round."""
    return [
        [our - alone for our, alone in zip(*both, strict=True)]
        for both in zip(ours, disk, strict=True)
    ]


def part_j(bench: Bench) -> Iterator[Row]:
    """Status messages taken in durably."""
    cameras, each = bench.form.statuses
    database = os.environ.get("BENCH_DATABASE", "")
    found: dict[str, list[Told]] = {}
    for _ in bench.each():
        for what, part, beside in (
            ("bare", "intake.bare", ()),
            ("SQLite", "intake.station", ()),
            *((("PostgreSQL", "intake.station", (database,)),) if database else ()),
        ):
            folder = bench.folder / f"intake-{what}"
            shutil.rmtree(folder, ignore_errors=True)
            found.setdefault(what, []).append(child(part, folder, cameras, each, *beside))
    rates = {what: [one["rate"] for one in told] for what, told in found.items()}
    bare = rates.pop("bare")
    yield of_rounds("j", f"statuses of {cameras} cameras, a subscriber that counts", "1/s", bare)
    for what, ours in rates.items():
        yield of_rounds("j", f"taken in durably, {what}", "1/s", ours)
        ratios = [our / their for our, their in zip(ours, bare, strict=True)]
        yield of_rounds("j", "  over the one that counts", "x", ratios, Mark(least=0.6))
    for what, told in found.items():
        name = "a subscriber that counts" if what == "bare" else what
        yield of_rounds("j", f"CPU a status, {name}", "us", [one["cpu_us"] for one in told])
    mib = [one["mib"] for one in found["SQLite"]]
    yield of_rounds("j", f"memory of the station, {cameras} cameras", "MiB", mib)
    for count in (cameras, 10 * cameras):
        folder = bench.folder / "judging"
        shutil.rmtree(folder, ignore_errors=True)
        turn = child("intake.judging", folder, count)
        yield Row("j", f"judging {count} cameras that all spoke, CPU", "ms", turn["busy_ms"])
        yield Row("j", f"judging {count} cameras that did not, CPU", "ms", turn["idle_ms"])


def part_i(bench: Bench) -> Iterator[Row]:
    """A contact while a broker floods the link."""
    kinds = ("quiet", "hostile")
    found: dict[str, list[list[float]]] = {kind: [] for kind in kinds}
    rates = []
    for _ in bench.each():
        for kind in kinds:
            shutil.rmtree(bench.folder / "card", ignore_errors=True)
            card = bench.folder / "card"
            words = (*bench.film.words, card, bench.form.presses, kind)
            told = child("hostile.contact", *words)
            found[kind].append(told["ms"])
            if kind == "hostile":
                rates.append(float(told["commands"]))
    for kind, what in (("quiet", "no link"), ("hostile", "a broker floods the link")):
        yield of_samples("i", f"contact to cue, {what}", "ms", found[kind], 50)
        mark = Mark(most=50) if kind == "hostile" else None
        yield of_samples("i", f"contact to cue, {what}", "ms", found[kind], 99, mark)
    more = [
        percentile(hostile, 99) - percentile(quiet, 99)
        for quiet, hostile in zip(found["quiet"], found["hostile"], strict=True)
    ]
    yield of_rounds("i", "  more at p99, round by round", "ms", more, Mark(most=3))
    yield of_rounds("i", "commands thrown at the link meanwhile", "", rates)


def part_k(bench: Bench) -> Iterator[Row]:
    """The board in a browser."""
    for cameras, most_ms in bench.form.mornings:
        found = []
        for _ in bench.each():
            folder = bench.folder / f"board-{cameras}"
            shutil.rmtree(folder, ignore_errors=True)
            found.append(child("morning.board", folder, cameras, bench.form.changes))
        changes = [one["change_ms"] for one in found]
        what = f"publish to change on an open board, {cameras} cameras"
        yield of_samples("k", what, "ms", changes, 50)
        yield of_samples("k", what, "ms", changes, 99, Mark(most=most_ms))
        weights = [one["bytes"] / 1024 for one in found]
        yield of_rounds(
            "k", "  weight of the page with all it needs", "KiB", weights, Mark(most=150)
        )
        live = [one["live_ms"] for one in found]
        yield of_samples("k", "  a page is live after", "ms", live, 50)
        for key, whose in (("station_mib", "the station"), ("fleet_mib", "the simulated fleet")):
            yield of_rounds("k", f"  memory of {whose}", "MiB", [one[key] for one in found])


PARTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "a": part_a,
    "b": part_b,
    "c": part_c,
    "d": part_d,
    "e": part_e,
    "f": part_f,
    "g": part_g,
    "h": part_h,
    "i": part_i,
    "j": part_j,
    "k": part_k,
}


def run(args: argparse.Namespace) -> None:
    """Measure, print and keep."""
    load_before = os.getloadavg()[0]
    form = SMOKE if args.smoke else LONG
    kept = HOUSE / "build" / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    picamera2, why = None, ""
    try:
        picamera2 = picamera.installed(kept, install=not args.smoke)
    except picamera.NoCameraLibrary as error:
        why = str(error)
    _say("making the film")
    film = filming.make(form.film, kept)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=kept, prefix="run-") as folder:
        bench = Bench(form, args.rounds, film, Path(folder), picamera2, why)
        for letter in args.only:
            _say(f"part {letter}: {PARTS[letter].__doc__}")
            rows += PARTS[letter](bench)
        about = report.machine(Path(folder), load_before)
    print(report.table(rows, judged=not args.smoke))
    print(
        f"\n{about.processor}, {about.cores} cores, {about.file_system}, Python {about.python}, "
        f"load {about.load[0]} to {about.load[1]}; the film has {film.mbit_per_s:.1f} Mbit/s, "
        f"{args.rounds} rounds"
    )
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    command = shlex.join(["python", "-m", "tools.bench", *sys.argv[1:]])
    out.write_text(report.as_json(rows, about, command, judged=not args.smoke) + "\n")
    print(f"In {out}: every round of it.")


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)


def _letters(text: str) -> str:
    if not text or set(text) - set(PARTS):
        raise argparse.ArgumentTypeError(f"parts are {''.join(PARTS)}")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError("rounds are 1 to 100")
    return int(text)


def main() -> int:
    """Run the bench; its exit code tells whether it could measure, not whether marks were kept."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench",
        description="Measure what the camera and the simulator cost, against the marks.",
        epilog="example:\n  make bench ROUNDS=2 ONLY=bc",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=_count, default=5, metavar="N", help="default: 5")
    parser.add_argument("--only", type=_letters, default="".join(PARTS), metavar="LETTERS")
    parser.add_argument(
        "--smoke", action="store_true", help="a moment's run to see whether the bench works"
    )
    parser.add_argument(
        "--out", default=str(HOUSE / "build" / "bench.json"), metavar="FILE", help="the JSON"
    )
    try:
        run(parser.parse_args())
    except (BodycamError, RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
