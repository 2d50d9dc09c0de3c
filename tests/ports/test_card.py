"""What every implementation of ports.Card owes the recorder."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bodycam.errors import CardError, CardFailed, CardFull, EvidenceError
from bodycam.ports import Card, Entry
from bodycam.posix.card import PosixCard
from bodycam_sim.card import SimCard

MEGABYTE = 1 << 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "card"
    root.mkdir()
    return root


@pytest.fixture(params=["posix", "sim"])
def card(request: pytest.FixtureRequest, root: Path) -> Card:
    if request.param == "posix":
        return PosixCard(root)
    return SimCard(root, segment_bytes=MEGABYTE, room_bytes=100 * MEGABYTE, seed=1)


# ---- writing -------------------------------------------------------------------------------------


def test_what_was_created_is_there(card: Card, root: Path) -> None:
    card.create("a.age", memoryview(b"sealed"))
    assert (root / "a.age").read_bytes() == b"sealed"
    assert card.read("a.age", 100) == b"sealed"


def test_an_existing_file_is_never_written_over(card: Card, root: Path) -> None:
    card.create("a.age", b"sealed")
    with pytest.raises(CardFailed, match=r"a\.age"):
        card.create("a.age", b"another")
    assert (root / "a.age").read_bytes() == b"sealed"


def test_several_are_created_while_they_are_being_made(card: Card, root: Path) -> None:
    there: list[list[str]] = []

    def made() -> Iterator[tuple[str, bytes]]:
        for name in ("a", "b", "c"):
            there.append(sorted(path.name for path in root.iterdir()))
            yield name, name.encode() * 1000

    card.create_all(made())
    assert there == [[], ["a"], ["a", "b"]]
    assert [card.read(name, 2000) for name in "abc"] == [b"a" * 1000, b"b" * 1000, b"c" * 1000]
    card.create_all([])


def test_where_one_cannot_be_created_none_is_there(card: Card) -> None:
    def made() -> Iterator[tuple[str, bytes]]:
        yield "a", b"x"
        raise EvidenceError("It cannot be sealed.")

    with pytest.raises(EvidenceError):
        card.create_all(made())
    assert card.list(".") == []
    card.create("b", b"old")
    with pytest.raises(CardFailed):
        card.create_all([("a", b"x"), ("b", b"new")])
    assert card.list(".") == [Entry("b", "file", 3)]
    assert card.read("b", 10) == b"old"


def test_appending_creates_the_file_and_adds_to_its_end(card: Card) -> None:
    card.append("lines", b"one\n")
    card.append("lines", bytearray(b"two\n"))
    assert card.read("lines", 100) == b"one\ntwo\n"


def test_appending_nothing_creates_the_file(card: Card) -> None:
    card.append("lines", b"")
    assert card.exists("lines")
    assert card.size("lines") == 0


def test_a_file_that_is_settled_is_as_it_was(card: Card) -> None:
    card.append("lines", b"one\n")
    card.settle("lines")
    assert card.read("lines", 100) == b"one\n"
    card.append("lines", b"two\n")
    assert card.read("lines", 100) == b"one\ntwo\n"
    with pytest.raises(CardFailed):
        card.settle("gone")
    assert not card.exists("gone")


def test_a_file_cut_short_keeps_its_beginning_and_grows_again(card: Card) -> None:
    card.append("lines", b"one\ntw")
    card.truncate("lines", 4)
    assert card.read("lines", 100) == b"one\n"
    card.append("lines", b"two\n")
    assert card.read("lines", 100) == b"one\ntwo\n"


def test_moving_takes_the_place_of_the_target(card: Card) -> None:
    card.make_folder("here")
    card.make_folder("there")
    card.create("here/a", b"new")
    card.create("there/b", b"old")
    card.move("here/a", "there/b")
    assert card.read("there/b", 100) == b"new"
    assert not card.exists("here/a")


def test_a_name_that_failed_is_good_again_for_another_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = PosixCard(root)
    card.append("lines", b"one\n")
    sync = os.fdatasync

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(CardFailed):
        card.append("lines", b"two\n")
    monkeypatch.setattr(os, "fdatasync", sync)
    with pytest.raises(CardFailed, match="not written again"):
        card.append("lines", b"two\n")
    card.append("new", b"one\n")
    card.move("new", "lines")
    card.append("lines", b"two\n")
    assert (root / "lines").read_bytes() == b"one\ntwo\n"


def test_folders_are_made_with_their_parents_and_again(card: Card) -> None:
    card.make_folder("a/b/c")
    card.create("a/b/c/file", b"x")
    card.make_folder("a/b/c")
    assert card.list("a/b/c") == [Entry("file", "file", 1)]


def test_a_folder_cannot_be_made_where_a_file_is(card: Card) -> None:
    card.create("a", b"x")
    with pytest.raises(CardFailed):
        card.make_folder("a/b")
    assert card.read("a", 1) == b"x"


def test_files_and_empty_folders_are_removed(card: Card) -> None:
    card.make_folder("a")
    card.create("a/file", b"x")
    with pytest.raises(CardFailed):
        card.remove("a")
    card.remove("a/file")
    card.remove("a")
    assert not card.exists("a")


def test_a_folder_is_synced(card: Card) -> None:
    card.make_folder("a")
    card.sync_folder("a")
    card.sync_folder(".")


# ---- looking -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "offset", "wanted"),
    [(3, 0, b"012"), (3, 2, b"234"), (100, 8, b"89"), (5, 10, b""), (5, 50, b""), (0, 0, b"")],
)
def test_a_part_of_a_file_is_read(card: Card, limit: int, offset: int, wanted: bytes) -> None:
    card.create("a", b"0123456789")
    assert card.read("a", limit, offset) == wanted


def test_what_is_missing_is_nothing_to_look_at_and_a_failure_to_use(card: Card) -> None:
    assert card.size("gone") == 0
    assert card.size("no/such/folder/file") == 0
    assert not card.exists("gone")
    assert not card.exists("no/such/file")
    assert card.list("gone") == []
    for use in (
        lambda: card.read("gone", 1),
        lambda: card.truncate("gone", 0),
        lambda: card.remove("gone"),
        lambda: card.move("gone", "there"),
        lambda: card.create("no/such/file", b""),
        lambda: card.append("no/such/file", b""),
    ):
        with pytest.raises(CardFailed):
            use()


def test_entries_come_by_name_with_their_kind_and_size(card: Card, root: Path) -> None:
    card.create("b", b"four")
    card.make_folder("c")
    (root / "a").symlink_to("b")
    os.mkfifo(root / "d")
    (root / "e").symlink_to("c")
    assert card.list(".") == [
        Entry("a", "other", 0),
        Entry("b", "file", 4),
        Entry("c", "folder", 0),
        Entry("d", "other", 0),
        Entry("e", "other", 0),
    ]


def test_only_files_have_a_size(card: Card, root: Path) -> None:
    card.create("file", b"four")
    card.make_folder("folder")
    (root / "link").symlink_to("file")
    assert [card.size(name) for name in ("file", "folder", "link")] == [4, 0, 0]


def test_there_is_room(card: Card) -> None:
    assert card.free_bytes() > 0


# ---- what others may have put there --------------------------------------------------------------


def _uses(card: Card, path: str) -> list[Callable[[], object]]:
    return [
        lambda: card.create(path, b"x"),
        lambda: card.append(path, b"x"),
        lambda: card.truncate(path, 0),
        lambda: card.read(path, 10),
    ]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_never_followed_to_a_file(
    card: Card, root: Path, tmp_path: Path, there: bool
) -> None:
    outside = tmp_path / "outside"
    if there:
        outside.write_bytes(b"theirs")
    (root / "link").symlink_to(outside)
    for use in _uses(card, "link"):
        with pytest.raises(CardFailed):
            use()
    assert card.exists("link")
    assert (outside.read_bytes() if there else b"theirs") == b"theirs"
    assert outside.exists() == there


def test_a_link_is_never_followed_to_a_folder(card: Card, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"theirs")
    (root / "link").symlink_to(outside)
    card.create("mine", b"mine")
    others: list[Callable[[], object]] = [
        lambda: card.make_folder("link/deeper"),
        lambda: card.make_folder("link"),
        lambda: card.list("link"),
        lambda: card.move("mine", "link/mine"),
        lambda: card.move("link/file", "taken"),
        lambda: card.remove("link/file"),
        lambda: card.size("link/file"),
        lambda: card.exists("link/file"),
    ]
    for use in [*_uses(card, "link/file"), *_uses(card, "link/new"), *others]:
        with pytest.raises(CardFailed):
            use()
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"file": b"theirs"}


def test_a_link_is_removed_and_moved_itself(card: Card, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"theirs")
    (root / "link").symlink_to(outside)
    card.move("link", "other")
    assert (root / "other").is_symlink()
    card.remove("other")
    assert card.list(".") == []
    assert outside.read_bytes() == b"theirs"


@pytest.mark.parametrize("somebody_reads", [False, True])
def test_a_pipe_holds_nobody_up_and_gets_nothing(root: Path, somebody_reads: bool) -> None:
    card = PosixCard(root)
    os.mkfifo(root / "pipe")
    reader = os.open(root / "pipe", os.O_RDWR | os.O_NONBLOCK) if somebody_reads else None
    for use in _uses(card, "pipe"):
        with pytest.raises(CardFailed):
            use()
    if reader is not None:
        with pytest.raises(BlockingIOError):
            os.read(reader, 1)
        os.close(reader)


def test_a_folder_is_not_read_as_a_file(card: Card) -> None:
    card.make_folder("a")
    for use in _uses(card, "a"):
        with pytest.raises(CardFailed):
            use()


@pytest.mark.parametrize("path", ["../outside", "a/../../outside", "/etc/hostname", "a\0b"])
def test_no_path_leads_out_of_the_card(card: Card, root: Path, tmp_path: Path, path: str) -> None:
    (tmp_path / "outside").write_bytes(b"theirs")
    card.make_folder("a")
    card.create("mine", b"mine")
    others: list[Callable[[], object]] = [
        lambda: card.make_folder(path),
        lambda: card.list(path),
        lambda: card.size(path),
        lambda: card.exists(path),
        lambda: card.remove(path),
        lambda: card.move("mine", path),
        lambda: card.move(path, "taken"),
    ]
    for use in [*_uses(card, path), *others]:
        with pytest.raises(CardFailed):
            use()
    assert (tmp_path / "outside").read_bytes() == b"theirs"
    assert card.read("mine", 10) == b"mine"


# ---- a POSIX card when the system refuses --------------------------------------------------------


def _refusing(number: int) -> Callable[..., int]:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return refuse


def test_there_must_be_a_card(tmp_path: Path) -> None:
    with pytest.raises(CardFailed, match="There is no card"):
        PosixCard(tmp_path / "none")


@pytest.mark.parametrize("path", ["gone", "link", "../card", "file"])
def test_only_a_folder_of_the_card_is_synced(card: Card, root: Path, path: str) -> None:
    card.create("file", b"x")
    (root / "link").symlink_to(root)
    with pytest.raises(CardFailed):
        card.sync_folder(path)


def test_a_card_that_is_gone_says_so(root: Path) -> None:
    card = PosixCard(root)
    root.rmdir()
    with pytest.raises(CardFailed):
        card.free_bytes()


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, CardFull), (errno.EDQUOT, CardFull), (errno.EIO, CardFailed)],
)
def test_what_could_not_be_written_is_not_there(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[CardError]
) -> None:
    card = PosixCard(root)
    card.append("lines", b"one\n")
    monkeypatch.setattr("os.write", _refusing(number))
    with pytest.raises(error):
        card.create("a", b"x")
    with pytest.raises(error):
        card.append("lines", b"two\n")
    monkeypatch.undo()
    assert card.list(".") == [Entry("lines", "file", 4)]


def test_a_torn_append_is_taken_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card, write = PosixCard(root), os.write
    card.append("lines", b"one\n")

    def fills_up(fd: int, data: memoryview) -> int:
        if len(data) < 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[:2])

    monkeypatch.setattr("os.write", fills_up)
    with pytest.raises(CardFull):
        card.append("lines", b"two\n")
    monkeypatch.undo()
    assert card.read("lines", 100) == b"one\n"
    card.append("lines", b"three\n")
    assert card.read("lines", 100) == b"one\nthree\n"


def test_a_short_write_is_carried_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card, write = PosixCard(root), os.write
    monkeypatch.setattr("os.write", lambda fd, data: write(fd, data[:3]))
    card.create("a", b"0123456789")
    assert card.read("a", 100) == b"0123456789"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_failed_sync_is_never_retried_on_the_same_file(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    card = PosixCard(root)
    monkeypatch.setattr("os.fdatasync", _refusing(number))
    with pytest.raises(CardFailed):
        card.append("lines", b"one\n")
    monkeypatch.undo()
    with pytest.raises(CardFailed, match="failed before"):
        card.append("lines", b"two\n")
    with pytest.raises(CardFailed, match="failed before"):
        card.append("./lines", b"two\n")
    card.append("others", b"two\n")


@pytest.mark.parametrize("call", ["open", "fstat"])
def test_what_failed_before_anything_was_written_can_be_tried_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    card = PosixCard(root)
    card.append("lines", b"one\n")
    opened = len([*Path("/proc/self/fd").iterdir()])
    monkeypatch.setattr(f"os.{call}", _refusing(errno.EIO))
    with pytest.raises(CardFailed):
        card.append("lines", b"two\n")
    monkeypatch.undo()
    assert len([*Path("/proc/self/fd").iterdir()]) == opened
    card.append("lines", b"two\n")
    assert card.read("lines", 100) == b"one\ntwo\n"


def test_an_object_whose_sync_failed_is_gone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = PosixCard(root)
    monkeypatch.setattr("os.fsync", _refusing(errno.EIO))
    with pytest.raises(CardFailed):
        card.create("a", b"x")
    assert list(root.iterdir()) == []


def test_everything_is_synced_before_a_call_returns(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, synced = PosixCard(root), []

    def note(fd: int) -> None:
        path = str(Path(f"/proc/self/fd/{fd}").readlink())
        synced.append(path.removeprefix(str(root)) or "/")

    monkeypatch.setattr("os.fsync", note)
    monkeypatch.setattr("os.fdatasync", note)
    wanted: list[tuple[Callable[[], object], set[str]]] = [
        (lambda: card.make_folder("a/b"), {"/", "/a"}),
        (lambda: card.create("a/file", b"x"), {"/a/file"}),
        (lambda: card.append("a/file", b"y"), {"/a/file"}),
        (lambda: card.settle("a/file"), {"/a/file"}),
        (lambda: card.create_all([("a/1", b"x"), ("a/2", b"x")]), {"/a/1", "/a/2"}),
        (lambda: card.truncate("a/file", 1), {"/a/file"}),
        (lambda: card.sync_folder("a"), {"/a"}),
        (lambda: card.move("a/file", "a/b/file"), {"/a", "/a/b"}),
        (lambda: card.remove("a/b/file"), {"/a/b"}),
    ]
    for call, paths in wanted:
        synced.clear()
        call()
        assert set(synced) == paths
