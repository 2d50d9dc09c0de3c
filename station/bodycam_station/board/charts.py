"""Small charts as SVG paths, with their text. Pure: figures in, coordinates out.

A gap in the figures is a gap in the line. The band is what lies between mean and extreme.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 320, 88
"""Of the drawing, in its own units."""
_TOP, _BOTTOM = 6, HEIGHT - 6


@dataclass(frozen=True, slots=True)
class Reading:
    """What one stretch of time gives to a chart."""

    at_ms: int
    mean: float | None
    extreme: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws and says."""

    line: str
    """A path of the means."""
    band: str
    """A path of the area between means and extremes; empty where there is none."""
    dots: tuple[tuple[float, float], ...]
    """Readings that stand alone between two gaps: a line cannot show them."""
    guides: tuple[tuple[float, float], ...]
    """Horizontal lines: height in the drawing, value."""
    newest: tuple[float, float, float]
    """The last point and its value."""
    least: float
    most: float
    gaps: int
    """Stretches in which nothing was heard."""


def draw(
    readings: Sequence[Reading],
    from_ms: int,
    to_ms: int,
    step_ms: int,
    bounds: tuple[float, float] | None = None,
    *,
    apart_ms: int = 0,
) -> Chart | None:
    """A chart of these readings, by time; None where there is nothing to show.

    `bounds` are the least and greatest value of the scale; without them it fits the figures. What
    lies further apart than `apart_ms`, or than one and a half steps, has a gap between.
    """
    known = [one for one in readings if one.mean is not None]
    if not known:
        return None
    values = [v for one in known for v in (one.mean, one.extreme) if v is not None]
    least, most = min(values), max(values)
    low, high = bounds or _scale(least, most)

    def x(at_ms: float) -> float:
        return round((at_ms - from_ms) / max(1, to_ms - from_ms) * WIDTH, 1)

    def y(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(_BOTTOM - share * (_BOTTOM - _TOP), 1)

    runs: list[list[Reading]] = []
    for one in known:
        if runs and one.at_ms - runs[-1][-1].at_ms <= max(1.5 * step_ms, apart_ms):
            runs[-1].append(one)
        else:
            runs.append([one])
    lines, bands, dots = [], [], []
    for run in runs:
        means = [(x(r.at_ms + step_ms / 2), y(r.mean or 0.0)) for r in run]
        if len(run) == 1:
            dots.append(means[0])
            continue
        lines.append(_path(means))
        far = [
            (x(r.at_ms + step_ms / 2), y(r.extreme if r.extreme is not None else r.mean or 0.0))
            for r in run
        ]
        if far != means:
            bands.append(_path([*means, *reversed(far)]) + "Z")
    last = known[-1]
    newest = (x(last.at_ms + step_ms / 2), y(last.mean or 0.0), last.mean or 0.0)
    return Chart(
        "".join(lines),
        "".join(bands),
        tuple(dots),
        tuple((y(value), value) for value in (low, (low + high) / 2, high)),
        newest,
        least,
        most,
        len(runs) - 1,
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _scale(least: float, most: float) -> tuple[float, float]:
    """Round bounds around these values, so that the guides have values that can be read."""
    for step in (2, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000, 1_000_000):
        low = least // step * step
        high = -(-most // step) * step
        if high == low:
            high = low + step
        if (high - low) <= 4 * step:
            return float(low), float(high)
    return float(least), float(most)
