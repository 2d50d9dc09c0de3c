"""Figures, the marks that they are held against, the table and the JSON."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Mark:
    """What a figure is to be."""

    most: float | None = None
    least: float | None = None

    def __str__(self) -> str:
        return f"<= {self.most:g}" if self.most is not None else f">= {self.least:g}"

    def kept(self, figure: float) -> bool:
        """Whether a figure is as it is to be."""
        return (self.most is None or figure <= self.most) and (
            self.least is None or figure >= self.least
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the table."""

    part: str
    """The letter of the part."""
    what: str
    unit: str
    figure: float | None
    """None where it could not be measured; the note says why."""
    rounds: tuple[float, ...] = ()
    """What each round gave."""
    mark: Mark | None = None
    note: str = ""

    @property
    def result(self) -> str:
        """`OK` or `MISSED`; empty where there is no mark, `not measured` where no figure."""
        if self.figure is None:
            return "not measured"
        if self.mark is None:
            return ""
        return "OK" if self.mark.kept(self.figure) else "MISSED"


def of_rounds(
    part: str, what: str, unit: str, rounds: Sequence[float], mark: Mark | None = None
) -> Row:
    """A row whose figure is the median of its rounds."""
    return Row(part, what, unit, median(rounds), tuple(rounds), mark)


def of_samples(
    part: str,
    what: str,
    unit: str,
    rounds: Sequence[Sequence[float]],
    percent: int,
    mark: Mark | None = None,
) -> Row:
    """A row whose figure is a percentile of all samples; each round has its own, for the spread."""
    pooled = [sample for samples in rounds for sample in samples]
    each = tuple(percentile(samples, percent) for samples in rounds)
    return Row(part, f"{what}, p{percent}", unit, percentile(pooled, percent), each, mark)


def percentile(samples: Sequence[float], percent: int) -> float:
    """The smallest sample that so many percent of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


# ---- where and when ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Machine:
    """What was measured on."""

    system: str
    processor: str
    cores: int
    memory_gib: float
    file_system: str
    """Of the folder that stood for the card."""
    python: str
    ffmpeg: str
    packages: dict[str, str]
    load: tuple[float, float] = field(default=(0.0, 0.0))
    """The load average of a minute, before and after: others at work make all figures worse."""


def machine(card: Path, load_before: float) -> Machine:
    """This machine, now."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        system=platform.platform(),
        processor=_after("/proc/cpuinfo", "model name") or platform.machine(),
        cores=os.cpu_count() or 0,
        memory_gib=round(pages * size / 2**30, 1),
        file_system=_file_system(card),
        python=sys.version.split()[0],
        ffmpeg=_lines(["ffmpeg", "-version"])[0].split()[2],
        packages={name: version(name) for name in ("cryptography", "av", "numpy")},
        load=(round(load_before, 2), round(os.getloadavg()[0], 2)),
    )


def _after(file: str, key: str) -> str:
    for line in Path(file).read_text().splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return ""


def _file_system(folder: Path) -> str:
    return _lines(["df", "--output=fstype", str(folder)])[1]


def _lines(command: list[str]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


# ---- what is printed and kept --------------------------------------------------------------------


def table(rows: Sequence[Row], *, judged: bool) -> str:
    """For people: a line for each figure."""
    width = max(len(row.what) for row in rows)
    lines = [f"   {'':{width}}  {'figure':>8}  {'unit':<5} {'rounds':^17}  {'mark':<8}"]
    for row in rows:
        figure = "-" if row.figure is None else _short(row.figure)
        spread = f"{_short(min(row.rounds))} - {_short(max(row.rounds))}" if row.rounds else ""
        mark = str(row.mark) if row.mark is not None else ""
        result = row.result if judged or row.figure is None else ""
        line = f"{row.part}  {row.what:{width}}  {figure:>8}  {row.unit:<5} {spread:^17}  {mark:<8}"
        lines.append(f"{line} {result}".rstrip())
        if row.note:
            lines.append(f"   {'':{width}}  {row.note}")
    return "\n".join(lines)


def as_json(rows: Sequence[Row], about: Machine, command: str, *, judged: bool) -> str:
    """For scripts: everything, each round included."""
    found = []
    for row in rows:
        fields = asdict(row)
        fields["mark"] = None if row.mark is None else str(row.mark)
        fields["result"] = row.result if judged or row.figure is None else ""
        found.append(fields)
    whole = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "judged": judged,
        "machine": asdict(about),
        "rows": found,
    }
    return json.dumps(whole, indent=1)


def _short(figure: float) -> str:
    """Three digits or so."""
    return f"{figure:.0f}" if figure >= 100 else f"{figure:.3g}"
