"""The recording disk itself: what it may forget, and what it may not."""

import errno
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bodycam.errors import CardFailed, CardFull
from bodycam.posix.card import PosixCard
from crash.disk import Disk, Fault, Killed, Moment
from crash.states import GROWN, HOLES, NAMES, TORN, State, Tree, legal

OLD = b"o" * 100
LONG = b"".join(bytes([number]) * 512 for number in range(1, 21))
"""Twenty sectors, each of its own."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "card").mkdir()
    (tmp_path / "card/old").write_bytes(OLD)
    return tmp_path / "card"


@pytest.fixture
def disk(root: Path) -> Disk:
    return Disk(root, lambda: None)


@pytest.fixture
def card(disk: Disk, root: Path) -> Iterator[PosixCard]:
    with disk.under_the_card():
        yield PosixCard(root)


def left(moment: Moment) -> list[State]:
    """All that a cut may leave then."""
    return [*legal(moment, random.Random(1), 10_000)]


def trees(moment: Moment) -> list[Tree]:
    return [state.tree for state in left(moment)]


def after(disk: Disk, call: str) -> Moment:
    """The moment after the last call that begins so."""
    return next(moment for moment in reversed(disk.moments) if moment.after.startswith(call))


def fail(disk: Disk, call: str, do: Callable[[], object], *, half: bool = False) -> None:
    """Do something twice; the second time the first such call of it fails."""
    start = len(disk.calls)
    do()
    names = [made.split()[0] for made in disk.calls[start:]]
    error = errno.ENOSPC if half else errno.EIO
    disk.fault = Fault(len(disk.calls) + names.index(call), error, half=half)
    with pytest.raises(CardFull if half else CardFailed):
        do()
    disk.fault = None


# ---- power cuts ----------------------------------------------------------------------------------


def test_what_was_there_before_stays(disk: Disk) -> None:
    assert trees(disk.moments[-1]) == [{"old": OLD}]
    assert disk.moments[-1].settled


def test_a_file_without_a_sync_may_have_anything_of_what_was_written(
    disk: Disk, card: PosixCard
) -> None:
    card.create("new", LONG)
    states = left(after(disk, "write new"))
    found = {state.tree.get("new") for state in states}
    zeros = bytes(len(LONG))
    assert {None, b"", zeros, LONG, LONG[:512], LONG[:4096], LONG[:8192]} <= found
    assert LONG[:4096] + bytes(4096) + LONG[8192:] in found
    assert {TORN, HOLES, GROWN, NAMES} <= {harm for state in states for harm in state.harms}
    for data in found - {None}:
        assert isinstance(data, bytes)
        for at in range(0, len(data), 512):
            assert data[at : at + 512] in (LONG[at : at + 512], bytes(512))


def test_synced_bytes_without_a_synced_name_are_all_there_or_not_at_all(
    disk: Disk, card: PosixCard
) -> None:
    card.create("new", LONG)
    assert trees(disk.moments[-1]) == [{"old": OLD}, {"old": OLD, "new": LONG}]
    card.sync_folder(".")
    assert trees(disk.moments[-1]) == [{"old": OLD, "new": LONG}]
    assert disk.moments[-1].settled


def test_what_is_added_leaves_what_stood_before_it(disk: Disk, card: PosixCard) -> None:
    card.append("old", LONG)
    found = [tree["old"] for tree in trees(after(disk, "write old"))]
    assert len(found) > 10
    assert all(isinstance(data, bytes) and data.startswith(OLD) for data in found)
    assert (OLD + LONG)[:512] in found
    assert trees(disk.moments[-1]) == [{"old": OLD + LONG}]


def test_what_was_cut_off_may_come_back(disk: Disk, card: PosixCard) -> None:
    card.truncate("old", 10)
    assert trees(after(disk, "ftruncate old")) == [{"old": OLD}, {"old": OLD[:10]}]
    assert trees(disk.moments[-1]) == [{"old": OLD[:10]}]


def test_what_was_removed_may_come_back(disk: Disk, card: PosixCard) -> None:
    card.make_folder("folder")
    card.remove("old")
    card.remove("folder")
    assert trees(after(disk, "unlink old")) == [{"old": OLD, "folder": {}}, {"folder": {}}]
    assert trees(after(disk, "rmdir folder")) == [{"folder": {}}, {}]
    assert trees(disk.moments[-1]) == [{}]


def test_a_rename_takes_the_place_of_another_in_one_go(disk: Disk, card: PosixCard) -> None:
    card.create("new", LONG)
    card.sync_folder(".")
    card.move("new", "old")
    assert trees(after(disk, "rename new")) == [{"old": OLD, "new": LONG}, {"old": LONG}]
    assert trees(disk.moments[-1]) == [{"old": LONG}]


def test_a_file_moved_elsewhere_is_never_without_a_name(disk: Disk, card: PosixCard) -> None:
    card.make_folder("there")
    card.move("old", "there/new")
    here: Tree = {"old": OLD, "there": {}}
    both: Tree = {"old": OLD, "there": {"new": OLD}}
    moved: Tree = {"there": {"new": OLD}}
    found = trees(after(disk, "rename old"))
    assert len(found) == 3
    assert all(tree in found for tree in (here, both, moved))
    assert trees(disk.moments[-1]) == [moved]


def test_a_folder_moved_elsewhere_has_one_name(disk: Disk, card: PosixCard) -> None:
    card.make_folder("here/inner")
    card.make_folder("there")
    card.move("here/inner", "there/inner")
    before: Tree = {"old": OLD, "here": {"inner": {}}, "there": {}}
    moved: Tree = {"old": OLD, "here": {}, "there": {"inner": {}}}
    assert trees(after(disk, "rename here")) == [before, moved]
    assert trees(after(disk, "fsync there")) == [moved]


# ---- calls that fail, programs that are killed ---------------------------------------------------


def test_a_sync_that_failed_is_made_good_by_no_later_one(disk: Disk, root: Path) -> None:
    with disk.under_the_card():
        fail(disk, "fdatasync", lambda: PosixCard(root).append("old", b"x"))
        PosixCard(root).append("old", b"y")  # it was started again, and knows nothing of that
    found = {tree["old"] for tree in trees(disk.moments[-1])}
    assert found == {OLD + b"xxy", OLD + b"x\0y"}


def test_a_name_whose_sync_failed_is_made_good_by_no_later_one(disk: Disk, card: PosixCard) -> None:
    names = iter(("first", "second"))
    fail(disk, "fsync", lambda: card.make_folder(next(names)))
    card.create("second/file", b"x")
    card.sync_folder("second")
    card.sync_folder(".")
    lost: Tree = {"old": OLD, "first": {}}
    assert trees(disk.moments[-1]) == [lost, {**lost, "second": {"file": b"x"}}]


def test_half_of_what_does_not_fit_was_written(disk: Disk, card: PosixCard) -> None:
    fail(disk, "write", lambda: card.append("old", b"1234"), half=True)
    found = {tree["old"] for tree in trees(after(disk, "write old"))}
    assert {OLD + b"1234", OLD + b"123412"} <= found


def test_what_a_killed_program_wrote_is_still_to_be_made_durable(disk: Disk, root: Path) -> None:
    disk.kill_at = len(["open .", "open old", "fstat old", "fstat old", "write old"])
    with disk.under_the_card(), pytest.raises(Killed):
        PosixCard(root).append("old", b"x")
    assert {tree["old"] for tree in trees(disk.moments[-1])} == {OLD, OLD + b"\0", OLD + b"x"}
    disk.kill_at = -1
    with disk.under_the_card():
        PosixCard(root).append("old", b"")
    assert trees(disk.moments[-1]) == [{"old": OLD + b"x"}]


def test_what_is_not_modelled_is_refused(disk: Disk) -> None:
    with pytest.raises(AttributeError, match=r"os\.link"):
        disk.link("a", "b")
