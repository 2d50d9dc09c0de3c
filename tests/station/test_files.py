"""Hostile files are refused in a sentence; files that must last are whole or not there."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycam.errors import BodycamError, CardFailed, CardFull, EvidenceError
from bodycam_station import files
from bodycam_station.files import Folder, failed, pieces, shown


def test_only_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("link").symlink_to("/etc/passwd")
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server, Folder(tmp_path) as folder:
        server.bind("socket")
        for kind in ("folder", "link", "pipe", "socket"):
            assert folder.kind(kind) == kind
            with pytest.raises(EvidenceError, match=f"{kind} is a {kind}, not a file"):
                folder.open(kind)
        with pytest.raises(EvidenceError, match="nothing is missing"):
            folder.read("nothing", 10)
    with Folder("/dev") as dev, pytest.raises(EvidenceError, match="zero is a device"):
        dev.open("zero")


def test_a_folder_is_not_swapped_for_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").touch()
    with Folder(tmp_path) as folder:
        for name in ("link", "file"):
            with pytest.raises(EvidenceError, match=f"{name} is not a folder"):
                folder.folder(name)
            with pytest.raises(EvidenceError):
                folder.make(name)
        with folder.make("real"), folder.make("new"):
            assert folder.names() == [
                ("file", "file"),
                ("link", "link"),
                ("new", "folder"),
                ("real", "folder"),
            ]
    Folder(tmp_path / "link").close()  # what the operator typed may be a link
    with pytest.raises(EvidenceError):
        Folder(tmp_path / "file")
    with pytest.raises(CardFailed, match="no such file"):
        Folder(tmp_path / "nowhere")
    with pytest.raises(CardFailed):
        Folder("a\0b")


def test_reading_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ten").write_bytes(b"0123456789")
    with Folder(tmp_path) as folder:
        assert folder.read("ten", 10) == b"0123456789"
        with pytest.raises(EvidenceError, match="ten is longer than 9 bytes"):
            folder.read("ten", 9)
        with folder.open("ten") as file:
            assert [*pieces(file, 4)] == [b"0123"]
            monkeypatch.setattr(files, "READ_BYTES", 4)
            assert [*pieces(file)] == [b"4567", b"89"]
        monkeypatch.setattr(files, "MAX_NAMES", 2)
        for name in "ab":
            (tmp_path / name).touch()
        with pytest.raises(EvidenceError, match="more than 2 entries"):
            folder.names()


def test_a_disk_that_fails_is_told_in_our_words() -> None:
    class Broken:
        def read(self, _size: int) -> bytes:
            raise OSError(errno.EIO, "boom")

    with pytest.raises(CardFailed, match="It cannot be used: input/output error"):
        list(pieces(Broken()))  # type: ignore[arg-type]
    assert isinstance(failed("x", OSError(errno.ENOSPC, "")), CardFull)
    assert "no name for a file" in str(failed("x", ValueError()))


def test_writing(tmp_path: Path) -> None:
    with Folder(tmp_path) as folder:
        assert folder.write("new", [b"ab", b"c"]) == 3
        with pytest.raises(CardFailed, match="new cannot be used: file exists"):
            folder.write("new", [b"x"])
        folder.append("new", b"d")
        folder.append("other", b"e")
        assert (tmp_path / "new").read_bytes() == b"abcd"
        (tmp_path / ".new.new").write_bytes(b"left by a crash")
        folder.replace("new", b"f", mode=0o644)
        folder.truncate("other", 0)
        assert ((tmp_path / "new").read_bytes(), folder.size("other")) == (b"f", 0)
        assert oct((tmp_path / "other").stat().st_mode)[-3:] == "600"
        assert sorted(name for name, _ in folder.names()) == ["new", "other"]
        assert folder.free_bytes() > 0
        with folder.locked("lock"):
            assert folder.kind("lock") == "file"


def test_writing_never_follows_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    inside = tmp_path / "inside"
    inside.mkdir()
    for name in ("x", ".x.new"):
        (inside / name).symlink_to(outside)
    with Folder(inside) as folder:
        for act in (
            lambda: folder.write("x", [b"spoilt"]),
            lambda: folder.append("x", b"spoilt"),
            lambda: folder.truncate("x", 0),
            lambda: folder.locked("x").__enter__(),
        ):
            with pytest.raises(BodycamError):
                act()
        folder.replace("x", b"new")
        assert folder.read("x", 10) == b"new"
    assert outside.read_bytes() == b"precious"


def test_removing_never_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    (tmp_path / "gone/deep").mkdir(parents=True)
    (tmp_path / "gone/deep/link").symlink_to("../../kept")
    (tmp_path / "gone/pipe").touch()
    with Folder(tmp_path) as folder:
        folder.remove("gone")
        folder.remove("gone")
        assert folder.names() == [("kept", "folder")]
    assert (tmp_path / "kept/file").exists()


def test_names_are_safe_to_print() -> None:
    assert shown("a\x1b[31mb\udcff\u202e") == "a\\x1b[31mb\\udcff\\u202e"
    assert shown("x" * 200) == "x" * 100 + "…"
    assert shown("straße") == "straße"


def test_what_another_process_takes_away_meanwhile_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `replace` does with the file that it writes first."""
    for name in ("kept", ".kept.new"):
        (tmp_path / name).touch()
    scandir = os.scandir

    class Late:
        """Gives the entries when one of the files has gone."""

        def __init__(self, fd: int) -> None:
            with scandir(fd) as entries:
                self._entries = list(entries)
            (tmp_path / ".kept.new").unlink()

        def __enter__(self) -> "Iterator[os.DirEntry[str]]":
            return iter(self._entries)

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Late)
    with Folder(tmp_path) as folder:
        assert folder.names() == [("kept", "file")]
