"""What a power cut may leave of a disk: every legal state, or the extremes and a sample of many.

Of what no sync has made durable any part may be there: each change of a name or none, each write
whole, torn at a border of 512 bytes or of 4 KiB, with sectors missing in the middle, or only its
length. A rename is atomic; a file that was moved into another folder may for once have both names.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, pairwise, product
from pathlib import Path
from typing import TypeVar, Union

from crash.disk import Change, File, Folder, Moment, Named, Node, Resized, Written, named, written

SECTORS = (512, 4096)
_T = TypeVar("_T")
Tree = dict[str, Union[bytes, "Tree"]]

NAMES, LOST, GROWN, TORN, HOLES = "names lost", "writes lost", "length only", "torn", "holes"
HARMS = (NAMES, LOST, GROWN, TORN, HOLES)


@dataclass(frozen=True, slots=True)
class State:
    """A card as it may be found."""

    tree: Tree
    harms: frozenset[str]
    """What the cut did; empty where all is there that was written."""

    @property
    def digest(self) -> bytes:
        """The same for the same files."""
        hashed = hashlib.sha256()
        for path, data in _paths(self.tree, ""):
            hashed.update(repr((path, None if data is None else len(data))).encode())
            hashed.update(data or b"")
        return hashed.digest()[:8]

    def lay(self, root: Path) -> None:
        """Onto a real folder that is empty."""
        _lay(self.tree, root)


Outcome = tuple[bytes | frozenset[int], frozenset[str]]
"""Of a file its bytes, of a folder the changes that are there; and what that is."""


def cuts(
    moments: Iterable[Moment], dice: random.Random, limit: int
) -> Iterator[tuple[Moment, State]]:
    """What a cut at each of these moments may leave."""
    return ((moment, state) for moment in moments for state in legal(moment, dice, limit))


def legal(moment: Moment, dice: random.Random, limit: int) -> Iterator[State]:
    """What a cut at this moment may leave: all of it, or of more than `limit` a choice."""
    nodes = [node for node, (_, pending) in moment.nodes.items() if pending]
    options = [_outcomes(node, *moment.nodes[node], dice) for node in nodes]
    seen = set()
    for picks in islice(_picks([len(each) for each in options], dice, limit), limit):
        chosen = {node: each[pick] for node, each, pick in zip(nodes, options, picks, strict=True)}
        if not _is_legal(moment, chosen):
            continue
        harms = frozenset[str]().union(*(harm for _, harm in chosen.values()))
        state = State(_tree(moment.top, moment, chosen), harms)
        if state.digest not in seen:
            seen.add(state.digest)
            yield state


# ---- one file, one folder ------------------------------------------------------------------------


def _outcomes(
    node: Node, durable: object, pending: tuple[Change, ...], dice: random.Random
) -> Sequence[Outcome]:
    """From nothing of it to all of it."""
    kept = _subsets([change.number for change in pending if not change.sure], dice)
    if isinstance(node, Folder):
        *some, everything = map(frozenset, kept)
        return [*((numbers, frozenset({NAMES})) for numbers in some), (everything, frozenset())]
    assert isinstance(durable, bytes)
    found: dict[bytes, frozenset[str]] = {}
    for numbers in kept:
        there = tuple(change for change in pending if change.sure or change.number in numbers)
        lost = frozenset({LOST} if len(there) < len(pending) else ())
        if there and isinstance(last := there[-1], Written) and not last.sure:
            for data, harm in _torn(written(durable, there[:-1]), last, dice):
                found.setdefault(data, lost | {harm})
        found.setdefault(written(durable, there), lost)
    whole = written(durable, pending)
    found.pop(whole, None)
    return [*found.items(), (whole, frozenset())]


def _torn(before: bytes, write: Written, dice: random.Random) -> Iterator[tuple[bytes, str]]:
    """What may be of a write under way: sectors are whole or missing, the length is either."""
    end = write.offset + len(write.data)
    yield written(before, (Resized(end, number=0),)), GROWN
    for sector in SECTORS:
        first = write.offset // sector
        borders = [n * sector for n in range(first + 1, -(-end // sector))]
        for border in _some(borders, 24, dice):
            yield written(before, (_part(write, write.offset, border),)), TORN
        edges = [write.offset, *borders, end]
        pieces = [_part(write, *edge) for edge in pairwise(edges)]
        longest = (Resized(max(end, len(before)), number=0),)
        if len(pieces) > 1:
            for kept in _subsets([*range(len(pieces))], dice, 4)[1:-1]:
                parts = tuple(pieces[number] for number in kept)
                yield written(before, longest + parts), HOLES


def _part(write: Written, start: int, end: int) -> Written:
    data = write.data[start - write.offset : end - write.offset]
    return Written(start, data, number=0)


def _subsets(numbers: Sequence[int], dice: random.Random, most: int = 5) -> list[tuple[int, ...]]:
    """All subsets where they are few, from none to all; else each alone, each missing, and some."""
    if len(numbers) <= most:
        return [kept for n in range(len(numbers) + 1) for kept in combinations(numbers, n)]
    alone = [(number,) for number in numbers]
    missing = [tuple(other for other in numbers if other != number) for number in numbers]
    mixed = [tuple(n for n in numbers if dice.random() < 0.5) for _ in range(8)]
    return [(), *_some([*alone, *missing], 24, dice), *mixed, tuple(numbers)]


def _some(items: Sequence[_T], most: int, dice: random.Random) -> Sequence[_T]:
    return items if len(items) <= most else dice.sample([*items], most)


# ---- all together --------------------------------------------------------------------------------


def _picks(sizes: Sequence[int], dice: random.Random, limit: int) -> Iterator[Sequence[int]]:
    """Which outcome of each: every combination, or the extremes, each one alone, and a sample."""
    number = 1
    for size in sizes:
        number *= size
    if number <= limit:
        yield from product(*(range(size) for size in sizes))
        return
    nothing, everything = [0] * len(sizes), [size - 1 for size in sizes]
    if limit > 4:
        yield nothing
    yield everything
    single = [
        [*base[:at], pick, *base[at + 1 :]]
        for base in (nothing, everything)
        for at, size in enumerate(sizes)
        for pick in range(size)
    ]
    yield from _some(single, limit * 2 // 3, dice)
    while True:
        yield [dice.randrange(size) for size in sizes]


def _is_legal(moment: Moment, chosen: Mapping[Node, Outcome]) -> bool:
    """What was moved has its new name or its old one; a file may have both."""
    open_, there = set[int](), set[int]()
    for node, (numbers, _) in chosen.items():
        if isinstance(node, Folder):
            assert isinstance(numbers, frozenset)
            there |= numbers
            open_ |= {change.number for change in moment.nodes[node][1] if not change.sure}
    return all(
        change.needs in there or change.needs not in open_
        for node in chosen
        for change in moment.nodes[node][1]
        if isinstance(change, Named) and (change.sure or change.number in there)
    )


def _tree(folder: Folder, moment: Moment, chosen: Mapping[Node, Outcome]) -> Tree:
    durable, pending = moment.nodes[folder]
    numbers, _ = chosen.get(folder, (frozenset(), frozenset()))
    assert isinstance(numbers, frozenset)
    there = tuple(change for change in pending if change.sure or change.number in numbers)
    return {
        name: _tree(node, moment, chosen)
        if isinstance(node, Folder)
        else _content(node, moment, chosen)
        for name, node in named(durable, there).items()
    }


def _content(node: Node, moment: Moment, chosen: Mapping[Node, Outcome]) -> bytes:
    assert isinstance(node, File)
    data = chosen[node][0] if node in chosen else moment.nodes[node][0]
    assert isinstance(data, bytes)
    return data


def _paths(tree: Tree, above: str) -> Iterator[tuple[str, bytes | None]]:
    for name, node in sorted(tree.items()):
        path = f"{above}/{name}"
        if isinstance(node, dict):
            yield path, None
            yield from _paths(node, path)
        else:
            yield path, node


def _lay(tree: Tree, root: Path) -> None:
    root.mkdir()
    for name, node in tree.items():
        if isinstance(node, dict):
            _lay(node, root / name)
        else:
            (root / name).write_bytes(node)
