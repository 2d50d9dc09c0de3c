"""What all cuts came to: the table for people, the same for scripts."""

import os
import platform
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from tools.bench.report import percentile
from tools.powercut import uml
from tools.powercut.trial import MOUNTS, Cut

LOST_S = 1.3
"""Mark for the footage that a cut costs at one-second GOPs, 99th percentile."""
FILLING_S = 3.0
"""Mark for the time from a start to the first picture in the ring."""
_HEAD = (
    f"{'cut while':<12} {'cuts':>5} {'recordings':>10} {'promised':>8} {'found':>6}"
    f"  {'lost footage, s':^21}  {'restart to ring, s':^21}"
)
_UNDER = f"{'':<45}  {'p50':>6} {'p99':>6} {'max':>6}   {'p50':>6} {'p99':>6} {'max':>6}"


@dataclass(frozen=True, slots=True)
class Result:
    """All cuts of a run and the rests after them."""

    cuts: Sequence[Cut]
    rests: Sequence[Cut]

    @property
    def lost(self) -> list[str]:
        """Promises that were not kept."""
        return [what for one in (*self.cuts, *self.rests) for what in one.lost]

    @property
    def wrong(self) -> list[str]:
        """What no power cut explains."""
        return [what for one in (*self.cuts, *self.rests) for what in one.wrong]

    @property
    def survived(self) -> tuple[int, int]:
        """Files that nobody synced: whole after a cut, and in all."""
        return sum(c.survived for c in self.cuts), sum(c.unsynced for c in self.cuts)

    @property
    def faults(self) -> list[str]:
        """Why the run has failed, in sentences; empty: it has not."""
        found = []
        if self.lost:
            found.append(f"{len(self.lost)} promises were not kept: {_some(self.lost)}.")
        if self.wrong:
            found.append(f"{len(self.wrong)} things no power cut explains: {_some(self.wrong)}.")
        survived, unsynced = self.survived
        if unsynced and survived == unsynced:
            found.append("Every file that nobody synced was whole: no power was cut here.")
        return found


def table(result: Result) -> str:
    """For people."""
    cuts = result.cuts
    rows = [_HEAD, _UNDER]
    for moment in dict.fromkeys(cut.moment for cut in cuts):
        rows.append(_row(moment, [cut for cut in cuts if cut.moment == moment]))
    rows.append(_row("all", [*cuts]))
    rows.append("")
    for mount in dict.fromkeys(cut.mount for cut in cuts):
        rows.append(_row(mount, [cut for cut in cuts if cut.mount == mount]))
    rows.append("")
    rows += [f"ext4 {mount}: mount -o {MOUNTS[mount]}" for mount in MOUNTS]
    rings = [cut.ring_s for cut in cuts if cut.ring_s]
    rows.append(
        f"In {len(rings)} cuts the ring had not reached the card yet: up to "
        f"{max(rings, default=0.0):.1f} s from before the recording began went with it."
    )
    survived, unsynced = result.survived
    rows.append(f"Beside the recordings {unsynced} files were not synced; {survived} are whole.")
    ends = Counter[str]()
    for rest in result.rests:
        ends.update(rest.verdicts)
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(ends.items())) or "none"
    rows.append(f"Recordings on the {len(result.rests)} cards at last: {said}.")
    rows += [_judged(*mark) for mark in marks(result)]
    return "\n".join(rows)


def marks(result: Result) -> list[tuple[str, float, float, str]]:
    """What is held against a mark: what it is, the figure, the most it may be, the unit."""
    lost_s, filling_s = _lost_s(result.cuts), _filling_s([*result.cuts, *result.rests])
    found: list[tuple[str, float, float, str]] = [
        ("promises not kept", len(result.lost), 0, ""),
        ("things no power cut explains", len(result.wrong), 0, ""),
    ]
    if lost_s:
        found.append(("lost footage, p99", percentile(lost_s, 99), LOST_S, " s"))
    if filling_s:
        found.append(("restart to ring filling, longest", max(filling_s), FILLING_S, " s"))
    return found


def fields(result: Result, seed: int, command: str, broken: str) -> dict[str, object]:
    """For scripts: everything."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "seed": seed,
        "broken": broken,
        "machine": _machine(),
        "marks": [
            {"what": what, "figure": figure, "most": most, "kept": figure <= most}
            for what, figure, most, _ in marks(result)
        ],
        "faults": result.faults,
        "cuts": [asdict(cut) for cut in result.cuts],
        "rests": [asdict(rest) for rest in result.rests],
    }


def _row(what: str, cuts: Sequence[Cut]) -> str:
    promised = sum(cut.promised for cut in cuts)
    gone = sum(cut.gone for cut in cuts)
    counts = f"{len(cuts):>5} {sum(c.recordings for c in cuts):>10} {promised:>8}"
    times = f"{_three(_lost_s(cuts))}   {_three(_filling_s(cuts))}"
    return f"{what:<12} {counts} {promised - gone:>6}  {times}"


def _lost_s(cuts: Sequence[Cut]) -> list[float]:
    return [cut.lost_s for cut in cuts if cut.lost_s is not None]


def _filling_s(cuts: Sequence[Cut]) -> list[float]:
    return [cut.filling_ms / 1000 for cut in cuts if cut.filling_ms is not None]


def _three(samples: list[float]) -> str:
    if not samples:
        return f"{'-':>6} {'-':>6} {'-':>6}"
    figures: list[Callable[[list[float]], float]] = [
        lambda s: percentile(s, 50),
        lambda s: percentile(s, 99),
        max,
    ]
    return " ".join(f"{figure(samples):>6.2f}" for figure in figures)


def _judged(what: str, figure: float, most: float, unit: str) -> str:
    shown = f"{figure:.0f}" if not unit else f"{figure:.2f}"
    return f"{what}: {shown}{unit} (at most {most:g}{unit}) {'ok' if figure <= most else 'MISSED'}"


def _some(said: Sequence[str]) -> str:
    unique = list(dict.fromkeys(said))
    return "; ".join(unique[:5]) + ("; …" if len(unique) > 5 else "")


def _machine() -> dict[str, object]:
    kernel = subprocess.run([uml.found(), "--version"], capture_output=True, text=True, check=False)
    return {
        "system": platform.platform(),
        "cores": os.cpu_count() or 0,
        "guest_kernel": kernel.stdout.split()[-1] if kernel.stdout.split() else "",
        "load": round(os.getloadavg()[0], 2),
    }
