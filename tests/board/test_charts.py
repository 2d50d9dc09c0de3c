"""Charts: where the line is, where it is not, and what is said of it."""

import re

from bodycam_station.board.charts import HEIGHT, WIDTH, Reading, draw

STEP = 600_000


def readings(text: str) -> list[Reading]:
    """Figures by time; `-` where nothing was heard."""
    return [
        Reading(n * STEP, float(word), float(word))
        for n, word in enumerate(text.split())
        if word != "-"
    ]


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def test_higher_values_are_higher_and_later_ones_further_right() -> None:
    chart = draw(readings("0 50 100"), 0, 3 * STEP, STEP, (0, 100))
    assert chart is not None
    found = points(chart.line)
    assert [x for x, _ in found] == sorted(x for x, _ in found)
    assert [y for _, y in found] == sorted((y for _, y in found), reverse=True)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in found)
    assert (chart.least, chart.most, chart.newest[2], chart.gaps) == (0, 100, 100, 0)


def test_a_gap_is_a_gap_in_the_line() -> None:
    chart = draw(readings("10 20 - - 30 40 - 50"), 0, 8 * STEP, STEP)
    assert chart is not None
    assert chart.line.count("M") == 2
    assert len(chart.dots) == 1  # what stands alone is a dot
    assert chart.gaps == 2


def test_a_camera_that_speaks_seldom_leaves_no_gaps_between_its_words() -> None:
    seldom = [Reading(n * 10 * STEP, 50.0, 50.0) for n in range(4)]
    dotted = draw(seldom, 0, 40 * STEP, STEP)
    assert dotted is not None
    assert len(dotted.dots) == 4
    chart = draw(seldom, 0, 40 * STEP, STEP, apart_ms=25 * STEP)
    assert chart is not None
    assert (chart.gaps, chart.dots) == (0, ())


def test_a_reading_without_a_figure_is_a_gap() -> None:
    unknown = [*readings("10 20"), Reading(2 * STEP, None, None), Reading(3 * STEP, 5.0, None)]
    chart = draw(unknown, 0, 4 * STEP, STEP)
    assert chart is not None
    assert chart.gaps == 1


def test_the_band_reaches_from_mean_to_extreme() -> None:
    chart = draw([Reading(0, 50, 20), Reading(STEP, 60, 30)], 0, 2 * STEP, STEP, (0, 100))
    assert chart is not None
    assert chart.band.endswith("Z")
    assert len(points(chart.band)) == 4
    assert (chart.least, chart.most) == (20, 60)
    flat = draw(readings("5 5"), 0, 2 * STEP, STEP)
    assert flat is not None
    assert flat.band == ""


def test_the_scale_fits_the_figures_and_can_be_read() -> None:
    chart = draw(readings("23 24 39"), 0, 3 * STEP, STEP)
    assert chart is not None
    assert [value for _, value in chart.guides] == [20, 30, 40]


def test_values_beyond_the_bounds_stay_in_the_drawing() -> None:
    chart = draw(readings("-120 -20"), 0, 2 * STEP, STEP, (-100, -30))
    assert chart is not None
    assert all(0 <= y <= HEIGHT for _, y in points(chart.line))
    assert chart.least == -120


def test_nothing_heard_is_no_chart() -> None:
    assert draw([], 0, STEP, STEP) is None
    assert draw([Reading(0, None, None)], 0, STEP, STEP) is None
