"""One process at a time holds the camera's hardware."""

from pathlib import Path

import pytest

from bodycam.errors import DeviceError
from bodycam.posix.lock import Lock

WHY = DeviceError("It is held.")


def test_the_second_is_told_why_and_may_when_the_first_has_ended(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "run", WHY), Lock(tmp_path / "run", WHY)
    with first, pytest.raises(DeviceError, match=r"It is held\."):
        second.__enter__()
    with second:
        pass


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeviceError, match=r"file/run cannot be used: Not a directory"):
        Lock(tmp_path / "file" / "run", WHY).__enter__()
