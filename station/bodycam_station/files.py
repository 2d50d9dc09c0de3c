"""Reads what may be hostile, and writes what must last. The law: nothing here follows a link,
waits on a pipe, or takes more than it was allowed to.

Reading goes through open folders, so that nobody can swap a folder for a link underneath us. A
path that the operator typed may be a link; nothing below it may.
"""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from bodycam.errors import (
    BodycamError,
    CardError,
    CardFailed,
    CardFull,
    ConfigError,
    EvidenceError,
)

READ_BYTES = 1024 * 1024
MAX_NAMES = 400_000
"""The most names read from one folder: a recording of a whole week has as many objects."""
MAX_SETTINGS_BYTES = 256 * 1024
Bytes = bytes | bytearray | memoryview


class Folder:
    """An open folder whose entries are read without following links. Use with `with`."""

    def __init__(self, path: str | Path, *, within: "Folder | None" = None) -> None:
        """Raises EvidenceError where `path` is not a folder, CardFailed where it cannot be read."""
        self.path: Path = Path(path) if within is None else within.path / path
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        if within is not None:
            flags |= os.O_NOFOLLOW
        try:
            self._fd: int = os.open(path, flags, dir_fd=None if within is None else within._fd)
        except NotADirectoryError:
            raise EvidenceError(f"{shown(path)} is not a folder.") from None
        except (OSError, ValueError) as error:
            raise failed(path, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)

    def folder(self, name: str) -> "Folder":
        """The folder of that name; raises as the constructor does."""
        return Folder(name, within=self)

    def open(self, name: str) -> BinaryIO:
        """A regular file for reading; anything else raises EvidenceError saying what it is."""
        kind = self.kind(name)
        if kind is None:
            raise EvidenceError(f"{shown(name)} is missing.")
        if kind != "file":  # before opening: to open some devices is to use them
            raise EvidenceError(f"{shown(name)} is a {kind}, not a file.")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with _using(name):
            fd = os.open(name, flags, dir_fd=self._fd)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise EvidenceError(f"{shown(name)} is not a file.")
        return os.fdopen(fd, "rb", buffering=128 * 1024)

    def read(self, name: str, limit: int) -> bytes:
        """A whole file of at most `limit` bytes; a longer one raises EvidenceError."""
        with self.open(name) as file, _using(name):
            data = file.read(limit + 1)
        if len(data) > limit:
            raise EvidenceError(f"{shown(name)} is longer than {limit} bytes.")
        return data

    def kind(self, name: str) -> str | None:
        """`file`, `folder`, `link`, `pipe`, `device`, `socket`, or None where there is nothing."""
        with _using(name), contextlib.suppress(FileNotFoundError):
            return _kind(os.stat(name, dir_fd=self._fd, follow_symlinks=False).st_mode)
        return None

    def size(self, name: str) -> int:
        """Bytes of a file."""
        with _using(name):
            return os.stat(name, dir_fd=self._fd, follow_symlinks=False).st_size

    def free_bytes(self) -> int:
        """Room left on this folder's disk."""
        with _using(self.path):
            disk = os.fstatvfs(self._fd)
        return disk.f_bavail * disk.f_frsize

    def names(self) -> list[tuple[str, str]]:
        """Names with their kinds, sorted; raises EvidenceError above MAX_NAMES.

        What another process takes away meanwhile, as `replace` does, is not there.
        """
        found: list[tuple[str, str]] = []
        with _using(self.path), os.scandir(self._fd) as entries:
            for entry in entries:
                if len(found) == MAX_NAMES:
                    raise EvidenceError(f"{shown(self.path)} has more than {MAX_NAMES} entries.")
                with contextlib.suppress(FileNotFoundError):
                    found.append((entry.name, _kind(entry.stat(follow_symlinks=False).st_mode)))
        return sorted(found)

    def make(self, name: str, *, mode: int = 0o700) -> "Folder":
        """Create a folder, or use the one there is, and open it."""
        with _using(name), contextlib.suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=self._fd)
        return self.folder(name)

    def write(self, name: str, pieces: Iterable[bytes], *, mode: int = 0o600) -> int:
        """Write a file that did not exist and fsync it; returns its size. See also `sync`."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        size = 0
        with _using(name):
            fd = os.open(name, flags, mode, dir_fd=self._fd)
            try:
                for piece in pieces:
                    size += len(piece)
                    write_all(fd, piece)
                os.fsync(fd)
            finally:
                os.close(fd)
        return size

    def replace(self, name: str, data: Bytes, *, mode: int = 0o600) -> None:
        """Put `data` under this name as a whole or not at all, durable at return."""
        new = f".{name}.new"
        with _using(name), contextlib.suppress(FileNotFoundError):
            os.unlink(new, dir_fd=self._fd)
        self.write(new, [bytes(data)], mode=mode)
        self.rename(new, name)

    def append(self, name: str, data: Bytes) -> None:
        """Add to the end of a file, creating it where missing, durable at return."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with _using(name):
            fd = os.open(name, flags, 0o600, dir_fd=self._fd)
            try:
                write_all(fd, data)
                os.fsync(fd)
            finally:
                os.close(fd)
            os.fsync(self._fd)

    def truncate(self, name: str, size: int) -> None:
        """Cut a file to `size` bytes, durable at return."""
        with _using(name):
            fd = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._fd)
            try:
                os.ftruncate(fd, size)
                os.fsync(fd)
            finally:
                os.close(fd)

    @contextlib.contextmanager
    def locked(self, name: str, *, taken: BodycamError | None = None) -> Iterator[None]:
        """Hold a lock that one process has at a time; waits for it, or raises `taken`."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with _using(name):
            fd = os.open(name, flags, 0o600, dir_fd=self._fd)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | (fcntl.LOCK_NB if taken else 0))
            except BlockingIOError:
                assert taken is not None
                raise taken from None
            yield
        finally:
            os.close(fd)

    def rename(self, old: str, new: str, *, to: "Folder | None" = None) -> None:
        """Move an entry, replacing a file of that name, durable at return."""
        target = to or self
        with _using(new):
            os.rename(old, new, src_dir_fd=self._fd, dst_dir_fd=target._fd)
            os.fsync(target._fd)
            os.fsync(self._fd)

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with what is in it; nothing there is fine."""
        kind = self.kind(name)
        if kind is None:
            return
        with _using(name):
            if kind != "folder":
                os.unlink(name, dir_fd=self._fd)
                return
            with self.folder(name) as inner:
                for entry, _ in inner.names():
                    inner.remove(entry)
            os.rmdir(name, dir_fd=self._fd)

    def sync(self) -> None:
        """Make the names in this folder durable."""
        with _using(self.path):
            os.fsync(self._fd)


def read_settings_file(path: Path) -> bytes | None:
    """What somebody wrote to say how they want it; None where there is no such file.

    A link is followed: these may lie in /etc. Raises ConfigError where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SETTINGS_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        why = os.strerror(error.errno or 0).lower()
        raise ConfigError(
            f"{shown(path)} cannot be read: {why}.", do="Correct it, or take it away."
        ) from None
    if len(data) > MAX_SETTINGS_BYTES:
        raise ConfigError(f"{shown(path)} is longer than {MAX_SETTINGS_BYTES} bytes.")
    return data


def keep_secret(path: Path, what: str) -> None:
    """Raises ConfigError where a file that holds a secret can be read by everybody."""
    if path.stat().st_mode & stat.S_IROTH:
        raise ConfigError(
            f"{shown(path)} holds {what}, and every user of this machine can read it.",
            do=f"Close it: chmod o= {shown(path)}",
        )


def write_all(fd: int, data: Bytes) -> None:
    """Write all of `data`, however little the system takes at a time."""
    view = memoryview(data)
    while len(view):
        view = view[os.write(fd, view) :]


def pieces(file: BinaryIO, size: int | None = None) -> Iterator[bytes]:
    """What is left of a file, at most READ_BYTES at a time and `size` in all.

    Raises CardFailed where the disk does not give it.
    """
    left = size
    while left is None or left > 0:
        try:
            piece = file.read(READ_BYTES if left is None else min(READ_BYTES, left))
        except OSError as error:
            raise failed("It", error) from None
        if not piece:
            return
        if left is not None:
            left -= len(piece)
        yield piece


def shown(name: str | Path, limit: int = 100) -> str:
    """A name made safe to print: no control characters, no odd bytes, not endless."""
    text = "".join(
        c if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF else ascii(c)[1:-1]
        for c in str(name)[: limit + 1]
    )
    return text if len(text) <= limit else text[:limit] + "…"


def failed(name: str | Path, error: Exception) -> CardError:
    """The error of ours for one of the system's."""
    number = getattr(error, "errno", None)
    why = os.strerror(number).lower() if number else "that is no name for a file"
    if number in (errno.ENOSPC, errno.EDQUOT):
        return CardFull(f"There is no room left for {shown(name)}.", do="Make room and try again.")
    return CardFailed(f"{shown(name)} cannot be used: {why}.")


@contextlib.contextmanager
def _using(name: str | Path) -> Iterator[None]:
    try:
        yield
    except (EvidenceError, CardError):
        raise  # said in our words already
    except (OSError, ValueError) as error:
        raise failed(name, error) from None


def _kind(mode: int) -> str:
    for test, name in _KINDS:
        if test(mode):
            return name
    return "device"


_KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "folder"),
    (stat.S_ISLNK, "link"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
)
