"""What two processes leave for each other: whole, plain, bounded."""

import json
import os
import socket
from pathlib import Path

import pytest

from bodycam.errors import DeviceError
from bodycam.posix.beside import MAX_STATUS_BYTES, FollowedFile, NotebookFile, RecorderBeside


def test_a_notebook_says_what_was_saved_last(tmp_path: Path) -> None:
    notebook = NotebookFile(tmp_path / "place.json")
    assert notebook.load() is None
    for text in (b"one", b"two"):
        notebook.save(text)
        assert NotebookFile(tmp_path / "place.json").load() == text
    assert (tmp_path / "place.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["place.json"]


def test_a_notebook_that_cannot_be_kept_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="No such file"):
        NotebookFile(tmp_path / "gone" / "place.json").save(b"one")
    (tmp_path / "place.json").mkdir()
    with pytest.raises(DeviceError, match="it is not a file"):
        NotebookFile(tmp_path / "place.json").load()


def test_a_file_that_is_replaced_has_another_identity(tmp_path: Path) -> None:
    followed = FollowedFile(tmp_path / "journal.jsonl")
    assert followed.look() is None
    assert followed.read(0, 10) == b""
    (tmp_path / "journal.jsonl").write_bytes(b"12345678")
    first = followed.look()
    assert first is not None
    assert first.size == 8
    assert followed.read(2, 3) == b"345"
    (tmp_path / "new").write_bytes(b"12345678")
    (tmp_path / "new").rename(tmp_path / "journal.jsonl")
    second = followed.look()
    assert second is not None
    assert second.identity != first.identity


def test_a_pipe_or_link_in_its_place_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    os.mkfifo(path)
    assert FollowedFile(path).look() is None
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert FollowedFile(path).look() is None
    assert FollowedFile(path).read(0, 10) == b""


def beside(folder: Path) -> RecorderBeside:
    return RecorderBeside(folder / "status.json", folder / "asks", folder)


def test_the_recorders_status_is_read_as_a_whole(tmp_path: Path) -> None:
    side = beside(tmp_path)
    assert side.status() is None
    (tmp_path / "status.json").write_text(json.dumps({"state": "standby"}))
    assert side.status() == {"state": "standby"}
    for nonsense in ("[]", "7"):
        (tmp_path / "status.json").write_text(nonsense)
        assert side.status() is None
    for broken in ("{", "[" * 100_000, " " * (MAX_STATUS_BYTES + 1)):
        (tmp_path / "status.json").write_text(broken)
        with pytest.raises(DeviceError, match="cannot be read"):
            side.status()
    side.close()


def test_what_is_asked_arrives_or_is_refused_at_once(tmp_path: Path) -> None:
    side = beside(tmp_path)
    with pytest.raises(DeviceError, match="does not take it"):
        side.ask(b"x")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as recorder:
        recorder.bind(str(tmp_path / "asks"))
        side.ask(b"x" * 512)
        assert recorder.recv(600) == b"x" * 512
        with pytest.raises(DeviceError, match="does not take it"):
            ask_for_ever(side)  # nobody reads: the link does not wait
    side.close()


def ask_for_ever(side: RecorderBeside) -> None:
    for _ in range(10_000):
        side.ask(b"x" * 512)


def test_what_is_left_can_be_read_by_the_recorder(tmp_path: Path) -> None:
    side = beside(tmp_path)
    side.leave("desired", b"signed")
    assert (tmp_path / "desired").read_bytes() == b"signed"
    assert (tmp_path / "desired").stat().st_mode & 0o777 == 0o644
    (tmp_path / "desired").unlink()
    (tmp_path / "desired").mkdir()
    with pytest.raises(DeviceError, match="desired"):
        side.leave("desired", b"signed")
    side.close()
