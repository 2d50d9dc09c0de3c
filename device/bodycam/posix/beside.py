"""What two processes of a camera leave for each other in folders of /run and of the card."""

import errno
import json
import os
import socket
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bodycam.errors import DeviceError
from bodycam.ports import Look

STATUS = "status.json"
"""In the recorder's folder: what it says of itself."""
ASKS = "asks"
"""Beside it: the socket at which it is asked."""
MAX_STATUS_BYTES = 128 * 1024
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FollowedFile:
    """Implements ports.Followed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def look(self) -> Look | None:
        """See ports.Followed."""
        try:
            found = self._path.lstat()
        except OSError:
            return None
        return Look(found.st_ino, found.st_size) if stat.S_ISREG(found.st_mode) else None

    def read(self, offset: int, limit: int) -> bytes:
        """See ports.Followed."""
        try:
            fd = os.open(self._path, os.O_RDONLY | _SAFELY)
        except OSError:
            return b""
        try:
            return os.pread(fd, limit, offset)
        except OSError:
            return b""
        finally:
            os.close(fd)


class NotebookFile:
    """Implements ports.Notebook: whole or not at all, durable at return."""

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        self._path = path
        self._mode = mode

    def load(self) -> bytes | None:
        """See ports.Notebook."""
        try:
            return read_plain(self._path, MAX_STATUS_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DeviceError(f"{self._path}: {error.strerror}.") from error

    def save(self, data: bytes) -> None:
        """See ports.Notebook."""
        try:
            replace_whole(self._path, data, self._mode, durable=True)
        except OSError as error:
            raise DeviceError(f"{self._path}: {error.strerror}.") from error


class RecorderBeside:
    """Implements ports.RecorderSide: a status file, a socket, and a folder of the link's own."""

    def __init__(self, status: Path, asks: Path, folder: Path) -> None:
        """`asks` is the recorder's socket; into `folder` goes what it is to look at."""
        self._status = status
        self._asks = asks
        self._folder = folder
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def status(self) -> Mapping[str, object] | None:
        """See ports.RecorderSide."""
        try:
            said = json.loads(read_plain(self._status, MAX_STATUS_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise DeviceError(f"{self._status} cannot be read: {error}.") from error
        return said if isinstance(said, dict) else None

    def leave(self, name: str, data: bytes) -> None:
        """See ports.RecorderSide."""
        try:
            replace_whole(self._folder / name, data, 0o644, durable=False)
        except OSError as error:
            raise DeviceError(f"{self._folder / name}: {error.strerror}.") from error

    def ask(self, datagram: bytes) -> None:
        """See ports.RecorderSide."""
        try:
            self._socket.sendto(datagram, str(self._asks))
        except OSError as error:
            raise DeviceError(f"The recorder does not take it: {error.strerror}.") from error

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def read_left(path: Path, limit: int) -> bytes:
    """A file that another process has left; raises DeviceError."""
    try:
        return read_plain(path, limit)
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror or error}.") from error


def put_in_place(new: Path, path: Path) -> None:
    """Let a file that is durable be the one of that name, durable at return. Raises OSError."""
    new.replace(path)
    _sync_folder(path.parent)


def read_plain(path: Path, limit: int) -> bytes:
    """The bytes of a plain file; nothing that somebody put in its place holds us up.

    Raises OSError, also where it is longer.
    """
    fd = os.open(path, os.O_RDONLY | _SAFELY)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        with os.fdopen(fd, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(fd)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is longer than {limit} bytes")
    return data


def replace_whole(path: Path, data: bytes, mode: int, *, durable: bool) -> None:
    """Put a file in the place of another, whole or not at all. Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        new.unlink()
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, mode)
    try:
        os.fchmod(fd, mode)
        with os.fdopen(fd, "wb", closefd=False) as file:
            file.write(data)
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)
    new.replace(path)
    if durable:
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
