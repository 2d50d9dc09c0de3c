"""Draws docs/wiring.svg from the table of wires in docs/hardware.md.

usage: python tools/make_wiring.py
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"

# What the 40 pins of the header are, as the Pi's documentation has them: a GPIO's number or a name.
HEADER = (
    *("3.3 V", "5 V", 2, "5 V", 3, "ground", 4, 14, "ground", 15),
    *(17, 18, 27, "ground", 22, 23, "3.3 V", 24, 10, "ground"),
    *(9, 25, 11, 8, "ground", 7, "ID", "ID", 5, "ground"),
    *(6, 12, 13, "ground", 19, 16, 26, 20, "ground", 21),
)
FIXED = {"ground": "#222222", "3.3 V": "#d35400", "5 V": "#b00020"}
SIGNALS = ("#1f5fa8", "#1d7a3a", "#7a3fa0", "#00727a", "#8a5a00", "#a0357a")

WIDTH, PITCH, TOP = 1040, 30, 84
LEFT_COLUMN, RIGHT_COLUMN = 496, 544
BOX = 210
LANE = 9


@dataclass(frozen=True, slots=True)
class Wire:
    """A row of the table."""

    part: str
    name: str
    gpio: int | None
    pin: int
    key: str
    """In bodycam.toml; empty where nothing there names it."""

    @property
    def fixed(self) -> str:
        """Which voltage it carries; empty for a signal."""
        told = HEADER[self.pin - 1]
        return told if isinstance(told, str) else ""


def wires(text: str) -> list[Wire]:
    """The rows of the table. ValueError where a pin is not what the row says."""
    rows = text.split("| part | wire | GPIO | pin |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    found = []
    for row in rows:
        part, name, gpio, pin, key = (cell.strip() for cell in row.strip("|").split("|"))
        wire = Wire(part, name, int(gpio) if gpio else None, int(pin), key.strip("`"))
        is_really = HEADER[wire.pin - 1]
        if is_really != (wire.gpio if wire.gpio is not None else wire.fixed) or (
            wire.fixed and wire.fixed not in name
        ):
            raise ValueError(f"{part}, {name}: pin {pin} is {is_really}.")
        found.append(wire)
    return found


def y_of(pin: int) -> float:
    """The middle of a pin."""
    return TOP + (pin - 1) // 2 * PITCH + PITCH / 2


def draw(table: list[Wire]) -> str:
    """The picture."""
    height = TOP + 20 * PITCH + 60
    parts = [list(group) for _, group in groupby(table, lambda wire: wire.part)]
    left = [p for p in parts if sum(w.pin % 2 for w in p) * 2 > len(p)]
    right = [p for p in parts if p not in left]
    body = [
        *_header(),
        *_side(left, x=30, edge=30 + BOX, column=LEFT_COLUMN, towards=-1, colour_from=0),
        *_side(
            right,
            x=WIDTH - 30 - BOX,
            edge=WIDTH - 30 - BOX,
            column=RIGHT_COLUMN,
            towards=1,
            colour_from=len(left),
        ),
        *_pins(),
    ]
    said = "; ".join(f"{w.part}, {w.name}: pin {w.pin}" for w in table)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="t d" font-family="Helvetica, Arial, sans-serif" font-size="13">\n'
        f'<title id="t">Wiring of the bodycam</title>\n<desc id="d">{escape(said)}</desc>\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _header() -> Iterator[str]:
    middle = (LEFT_COLUMN + RIGHT_COLUMN) / 2
    yield _text(middle, 28, "Raspberry Pi, 40-pin header", "middle", "bold")
    yield _text(middle, 48, "seen from above; pin 1 is at the end with the card", "middle")
    yield (
        f'<rect x="{LEFT_COLUMN - 22}" y="{TOP - 8}" width="{RIGHT_COLUMN - LEFT_COLUMN + 44}" '
        f'height="{20 * PITCH + 16}" rx="6" fill="#e8eee8" stroke="#556b55"/>'
    )


def _pins() -> Iterator[str]:
    for pin in range(1, 41):
        x = LEFT_COLUMN if pin % 2 else RIGHT_COLUMN
        fixed = HEADER[pin - 1]
        fill = FIXED.get(str(fixed), "#c9a227")
        shape = f'x="{x - 11}" y="{y_of(pin) - 11:g}" width="22" height="22"'
        yield f'<rect {shape} rx="{3 if pin == 1 else 11}" fill="{fill}"/>'
        ink = "#ffffff" if str(fixed) in FIXED else "#000000"
        yield _text(x, y_of(pin) + 4, str(pin), "middle", size=11, ink=ink)


def _side(
    parts: list[list[Wire]], x: int, edge: int, column: int, towards: int, colour_from: int
) -> Iterator[str]:
    """The boxes of one side and their wires; `towards` is the way from the header to them."""
    parts = sorted(parts, key=lambda part: min(wire.pin for wire in part))
    row, gap, title = 22, 14, 26
    total = sum(title + row * len(p) + gap for p in parts) - gap
    y = TOP + (20 * PITCH - total) / 2
    ends: list[tuple[Wire, float, str]] = []
    for number, part in enumerate(parts):
        high = title + row * len(part)
        yield (
            f'<rect x="{x}" y="{y:g}" width="{BOX}" height="{high}" rx="6" '
            'fill="#f6f6f6" stroke="#777777"/>'
        )
        yield _text(x + BOX / 2, y + 18, part[0].part, "middle", "bold")
        colour = SIGNALS[(number + colour_from) % len(SIGNALS)]
        for index, wire in enumerate(sorted(part, key=lambda w: (w.pin + 1) // 2)):
            at = y + title + row * index + row / 2 - 2
            inside = edge + towards * 8
            anchor = "end" if towards < 0 else "start"
            yield _text(inside, at + 4, wire.name, anchor, size=12)
            ends.append((wire, at, FIXED.get(wire.fixed, colour)))
        y += high + gap
    down = [end for end in ends if end[1] >= y_of(end[0].pin)]
    up = [end for end in ends if end not in down]
    # The order in which wires turn keeps those of one direction from crossing.
    turning = [*down, *reversed(up)]
    for lane, (wire, at, colour) in enumerate(turning):
        yield _wire(wire, at, colour, edge, column, towards, lane, len(turning))


def _wire(
    wire: Wire,
    at: float,
    colour: str,
    edge: int,
    column: int,
    towards: int,
    lane: int,
    lanes: int,
) -> str:
    own = LEFT_COLUMN if wire.pin % 2 else RIGHT_COLUMN
    y = y_of(wire.pin)
    turn = column + towards * (78 + LANE * (lanes - lane))
    # From the far column it goes between two rows, past the near one.
    past = "" if own == column else f" V{y + PITCH / 2:g}"
    path = f"M{own} {y:g}{past} H{turn}"
    label = f"GPIO {wire.gpio}" if wire.gpio is not None else wire.fixed
    beside = column + towards * 30
    over = y - 3 if own == column else y + PITCH / 2 - 3
    anchor = "end" if towards < 0 else "start"
    return (
        f'<path d="{path} V{at:g} H{edge}" fill="none" stroke="{colour}" stroke-width="2.2" '
        'stroke-linejoin="round"/>\n'
        f'<circle cx="{edge}" cy="{at:g}" r="4" fill="{colour}"/>\n'
        + _text(beside, over, label, anchor, size=10, ink=colour)
    )


def _text(
    x: float,
    y: float,
    text: str,
    anchor: str,
    weight: str = "normal",
    *,
    size: int = 13,
    ink: str = "#000000",
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-size="{size}" fill="{ink}">{escape(text)}</text>'
    )


def main() -> int:
    """Write the picture."""
    table = wires((DOCS / "hardware.md").read_text())
    (DOCS / "wiring.svg").write_text(draw(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
