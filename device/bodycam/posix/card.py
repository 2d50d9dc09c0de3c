"""The card: a folder on a POSIX file system.

A failed fsync is never retried on the same file: the kernel may have dropped what it could not
write and report success the second time. Paths stay inside the folder; links are not followed.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from bodycam.errors import CardError, CardFailed, CardFull
from bodycam.ports import Buffer, Entry

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class PosixCard:
    """Implements ports.Card."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._refused: set[str] = set()
        if not root.is_dir():
            raise CardFailed(f"There is no card at {root}.", do="Mount it, or change [paths] card.")

    def create(self, path: str, data: Buffer) -> None:
        """See ports.Card."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._named(path):
            target = self._at(path)
            fd = os.open(target, flags, 0o640)
            try:
                _write(fd, data)
                os.fsync(fd)
            except OSError:
                # Without a line it is nothing; gone, it cannot be taken for something.
                target.unlink()
                raise
            finally:
                os.close(fd)

    def append(self, path: str, data: Buffer) -> None:
        """See ports.Card."""
        if path in self._refused:
            raise CardFailed(f"{path} failed before and is not written again.")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with self._named(path):
                fd = os.open(self._at(path), flags, 0o640)
                try:
                    _write(fd, data)
                    os.fdatasync(fd)
                finally:
                    os.close(fd)
        except CardError:
            self._refused.add(path)
            raise

    def sync_folder(self, path: str) -> None:
        """See ports.Card."""
        with self._named(path):
            _sync(self._at(path))

    def make_folder(self, path: str) -> None:
        """See ports.Card."""
        with self._named(path):
            here = self._root
            for part in _parts(path):
                above, here = here, here / part
                try:
                    here.mkdir(0o750)
                except FileExistsError:
                    continue
                _sync(above)

    def move(self, source: str, target: str) -> None:
        """See ports.Card."""
        with self._named(source):
            old, new = self._at(source), self._at(target)
            old.rename(new)
            _sync(new.parent)
            _sync(old.parent)

    def truncate(self, path: str, size: int) -> None:
        """See ports.Card."""
        with self._named(path):
            fd = os.open(self._at(path), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.ftruncate(fd, size)
                os.fsync(fd)
            finally:
                os.close(fd)

    def remove(self, path: str) -> None:
        """See ports.Card."""
        with self._named(path):
            target = self._at(path)
            if target.is_dir() and not target.is_symlink():
                target.rmdir()
            else:
                target.unlink()
            _sync(target.parent)

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        """See ports.Card."""
        # O_NONBLOCK: somebody may have put a pipe there.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with self._named(path):
            fd = os.open(self._at(path), flags)
            try:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise CardFailed(f"{path} on the card is not a file.")
                return os.pread(fd, limit, offset)
            finally:
                os.close(fd)

    def size(self, path: str) -> int:
        """See ports.Card."""
        with self._named(path):
            try:
                found = self._at(path).lstat()
            except FileNotFoundError:
                return 0
            return found.st_size if stat.S_ISREG(found.st_mode) else 0

    def exists(self, path: str) -> bool:
        """See ports.Card."""
        with self._named(path):
            return os.path.lexists(self._at(path))

    def list(self, path: str) -> list[Entry]:
        """See ports.Card."""
        with self._named(path):
            try:
                with os.scandir(self._at(path)) as found:
                    return sorted((_entry(one) for one in found), key=lambda entry: entry.name)
            except FileNotFoundError:
                return []

    def free_bytes(self) -> int:
        """See ports.Card."""
        with self._named("."):
            return shutil.disk_usage(self._root).free

    def _at(self, path: str) -> Path:
        return self._root.joinpath(*_parts(path))

    @contextmanager
    def _named(self, path: str) -> Iterator[None]:
        """Only our errors leave, and they name the path."""
        try:
            yield
        except CardError:
            raise
        except OSError as error:
            what = f"{path} on the card: {error.strerror}."
            if error.errno in _NO_ROOM:
                raise CardFull(what, do="Dock the camera.") from error
            raise CardFailed(what, do="Replace the card.") from error


def _parts(path: str) -> tuple[str, ...]:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts:
        raise CardFailed(f"{path} is not a path on the card.")
    return parts


def _write(fd: int, data: Buffer) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _entry(found: os.DirEntry[str]) -> Entry:
    if found.is_symlink():
        return Entry(found.name, "other", 0)
    if found.is_dir():
        return Entry(found.name, "folder", 0)
    if found.is_file():
        return Entry(found.name, "file", found.stat(follow_symlinks=False).st_size)
    return Entry(found.name, "other", 0)
