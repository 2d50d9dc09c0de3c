"""Draws the parts of docs/rules.md that come from the rules' own tables, and leaves the rest.

A part stands between `<!-- drawn: NAME -->` and `<!-- end -->`.

usage: python tools/draw_rules.py          print the page as it is to be
       python tools/draw_rules.py --write  write it
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from bodycam.ports import Pattern
from bodycam.rules.cues import LIGHTS, VIBRATIONS
from bodycam.rules.faults import BATTERY_PERCENT, FAULTS, ROOM_MINUTES
from bodycam.rules.model import State, Trigger
from bodycam.rules.table import TABLE
from bodycam.rules.turn import INSTEAD, Cell

PAGE = Path(__file__).parent.parent / "docs" / "rules.md"
_PART = re.compile(r"(<!-- drawn: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """The page with every drawn part as the tables have it now."""
    return _PART.sub(lambda part: f"{part[1]}\n{DRAWN[part[2]]()}\n\n{part[3]}", text)


def diagram() -> str:
    """States and transitions, without closing down, which leads from everywhere to off."""
    edges: dict[tuple[State, State], list[str]] = {}
    for state, row in TABLE.items():
        for trigger, cell in row.items():
            if cell is not None and cell.to is not None and trigger is not Trigger.SHUT_DOWN:
                edges.setdefault((state, cell.to), []).append(trigger.value)
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{state.value}" as {_id(state)}' for state in State if TABLE[state]]
    lines += [f"    [*] --> {_id(state)}" for state in (State.STANDBY, State.DOCKED)]
    lines += [
        f"    {_id(start)} --> {_id(to)}: {', or '.join(why)}" for (start, to), why in edges.items()
    ]
    return "\n".join([*lines, "```"])


def instead() -> str:
    """Where a transition leads elsewhere."""
    return "\n".join(
        f"- **{row.to.value}** in place of **{to.value}** where {row.says}"
        for to, row in INSTEAD.items()
    )


def matrix() -> str:
    """Every state x trigger: the next state, `·` where it stays, nothing where it is ignored."""
    states = [state for state in State if state is not State.OFF]
    rows = [
        [trigger.value, *(_next(TABLE[state][trigger]) for state in states)] for trigger in Trigger
    ]
    return _table(["", *(state.value for state in states)], rows)


def cells() -> str:
    """What every cell does; those that are not here are ignored."""
    parts = []
    for state, row in TABLE.items():
        written = [(trigger, cell) for trigger, cell in row.items() if cell is not None]
        parts.append(f"### {state.value.capitalize()}")
        parts.append(_meaning(state))
        if written:
            rows = [
                [trigger.value, _does(cell), f"**{cell.to.value}**" if cell.to else ""]
                for trigger, cell in written
            ]
            parts.append(_table(["when", "what happens", "then"], rows))
    return "\n\n".join(part for part in parts if part)


def lights() -> str:
    """What the public light shows, the first that applies."""
    return _table(
        ["light", "colour", "pattern", "says"],
        [
            [name, row.pattern.colour or "–", _pulses(row.pattern), row.says]
            for name, row in LIGHTS.items()
        ],
    )


def vibrations() -> str:
    """What the wearer feels, the strongest first."""
    return _table(
        ["felt", "milliseconds on, *off*, on …"],
        [[row.says, _beats(row.pulses_ms) or "as short pulses"] for row in VIBRATIONS.values()],
    )


def faults() -> str:
    """What can be wrong."""
    rows = []
    for fault, row in FAULTS.items():
        effects = {
            "nothing reaches the card": row.bars,
            "no pictures": row.blind,
            "amber light": row.amber,
            "fails the test in the dock": row.unfit,
        }
        feel = row.feel.name.lower().replace("_", " ") if row.feel is not None else "–"
        rows.append(
            [fault.value, row.says, feel, ", ".join(name for name, on in effects.items() if on)]
        )
    return _table(["fault", "says", "felt", "while it lasts"], rows)


def gauges() -> str:
    """At which readings a fault is raised and cleared."""
    rows = [
        [threshold.fault.value, f"{threshold.raised_at} {unit}", f"{threshold.cleared_at} {unit}"]
        for unit, thresholds in (("%", BATTERY_PERCENT), ("min", ROOM_MINUTES))
        for threshold in thresholds
    ]
    return _table(["fault", "raised at", "cleared at"], rows)


DRAWN: dict[str, Callable[[], str]] = {
    "diagram": diagram,
    "instead": instead,
    "matrix": matrix,
    "cells": cells,
    "lights": lights,
    "vibrations": vibrations,
    "faults": faults,
    "gauges": gauges,
}


def _id(state: State) -> str:
    return state.name.lower()


def _next(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return "·" if cell.to is None else cell.to.value


def _does(cell: Cell) -> str:
    return (inspect.getdoc(cell.act) or "").splitlines()[0]


def _meaning(state: State) -> str:
    """The words that stand under a member in its class, where there are any."""
    source = inspect.getsource(State)
    found = re.search(rf' {state.name} = .*\n    """(.*)"""', source)
    return found[1] if found else ""


def _pulses(pattern: Pattern) -> str:
    seconds = [f"{ms / 1000:g} s" for ms in pattern.pulses_ms]
    return (
        ", ".join(
            f"{on} on, {off} off" for on, off in zip(seconds[::2], seconds[1::2], strict=True)
        )
        or "off"
    )


def _beats(pulses_ms: Iterable[int]) -> str:
    return " ".join(str(ms) if index % 2 == 0 else f"*{ms}*" for index, ms in enumerate(pulses_ms))


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Print or write the page."""
    text = page(PAGE.read_text())
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(text)
    elif sys.argv[1:]:
        print(__doc__)
        return 1
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
