"""The card: a folder on a POSIX file system.

A failed fsync is never retried on the same file: the kernel may have dropped what it could not
write and report success the second time. Paths stay inside the folder: no link on the way is
followed, and nothing but a plain file is ever opened.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath

from bodycam.errors import CardError, CardFailed, CardFull
from bodycam.ports import Buffer, Entry

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_SAFELY = os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | _SAFELY


class PosixCard:
    """Implements ports.Card."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._refused: set[tuple[str, ...]] = set()
        if not root.is_dir():
            raise CardFailed(f"There is no card at {root}.", do="Mount it, or change [paths] card.")

    def create(self, path: str, data: Buffer) -> None:
        """See ports.Card."""
        self.create_all([(path, data)])

    def create_all(self, files: Iterable[tuple[str, Buffer]]) -> None:
        """See ports.Card."""
        made: list[tuple[str, int]] = []
        with ExitStack() as opened:
            try:
                for path, data in files:
                    with self._parent(path) as (folder, name):
                        fd = _open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, folder)
                        opened.callback(os.close, fd)
                        made.append((path, fd))
                        _write(fd, data)
                        _let_go(fd)  # the disk begins with it now, not at the fsync
                for path, fd in made:
                    with self._named(path):
                        os.fsync(fd)
            except Exception:
                # Without a line they are nothing; gone, they cannot be taken for something.
                for path, _ in made:
                    with suppress(CardError), self._parent(path) as (folder, name):
                        os.unlink(name, dir_fd=folder)
                raise

    def append(self, path: str, data: Buffer) -> None:
        """See ports.Card."""
        parts = _parts(path)
        if parts in self._refused:
            raise CardFailed(f"{path} failed before and is not written again.")
        with self._parent(path) as (folder, name):
            fd = _open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, folder)
            try:
                before = os.fstat(fd).st_size
                self._refused.add(parts)  # until it is known to be durable, or not to be there
                try:
                    _write(fd, data)
                except OSError as error:
                    os.ftruncate(fd, before)
                    if error.errno in _NO_ROOM:
                        self._refused.discard(parts)
                    raise
                _sync_data(fd)
                self._refused.discard(parts)
            finally:
                os.close(fd)

    def settle(self, path: str) -> None:
        """See ports.Card."""
        with self._parent(path) as (folder, name):
            fd = _open(name, os.O_RDONLY, folder)
            try:
                _sync_data(fd)
                _let_go(fd)
            finally:
                os.close(fd)

    def sync_folder(self, path: str) -> None:
        """See ports.Card."""
        with self._folder(path) as folder:
            os.fsync(folder)

    def make_folder(self, path: str) -> None:
        """See ports.Card."""
        with self._named(path), ExitStack() as opened:
            above = _enter(opened, str(self._root))
            for part in _parts(path):
                with suppress(FileExistsError):
                    os.mkdir(part, 0o750, dir_fd=above)
                folder = _enter(opened, part, above)
                os.fsync(above)
                above = folder

    def move(self, source: str, target: str) -> None:
        """See ports.Card."""
        with self._parent(source) as (old, old_name), self._parent(target) as (new, new_name):
            os.rename(old_name, new_name, src_dir_fd=old, dst_dir_fd=new)
            os.fsync(new)
            os.fsync(old)
        self._refused.discard(_parts(target))  # another file has this name now

    def truncate(self, path: str, size: int) -> None:
        """See ports.Card."""
        with self._parent(path) as (folder, name):
            fd = _open(name, os.O_WRONLY, folder)
            try:
                os.ftruncate(fd, size)
                os.fsync(fd)
            finally:
                os.close(fd)

    def remove(self, path: str) -> None:
        """See ports.Card."""
        with self._parent(path) as (folder, name):
            if stat.S_ISDIR(_look(name, folder).st_mode):
                os.rmdir(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)
            os.fsync(folder)

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        """See ports.Card."""
        with self._parent(path) as (folder, name):
            fd = _open(name, os.O_RDONLY, folder)
            try:
                return os.pread(fd, max(0, min(limit, os.fstat(fd).st_size - offset)), offset)
            finally:
                os.close(fd)

    def size(self, path: str) -> int:
        """See ports.Card."""
        with suppress(_Missing), self._parent(path) as (folder, name):
            found = _look(name, folder)
            return found.st_size if stat.S_ISREG(found.st_mode) else 0
        return 0

    def exists(self, path: str) -> bool:
        """See ports.Card."""
        with suppress(_Missing), self._parent(path) as (folder, name):
            _look(name, folder)
            return True
        return False

    def list(self, path: str) -> list[Entry]:
        """See ports.Card."""
        with (
            suppress(_Missing),
            self._folder(path) as folder,
            os.scandir(folder) as found,
        ):
            return sorted(map(_entry, found), key=lambda entry: entry.name)
        return []

    def free_bytes(self) -> int:
        """See ports.Card."""
        with self._named("."):
            found = os.statvfs(self._root)
            return found.f_bavail * found.f_frsize

    # ---- inside ----------------------------------------------------------------------------------

    @contextmanager
    def _folder(self, path: str) -> Iterator[int]:
        """A folder of the card, opened step by step so that no link leads out of it."""
        with self._named(path), ExitStack() as opened:
            yield self._walk(opened, _parts(path))

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The folder in which a path's last name is, and that name."""
        *above, name = _parts(path) or (".",)
        with self._named(path), ExitStack() as opened:
            yield self._walk(opened, above), name

    def _walk(self, opened: ExitStack, parts: Iterable[str]) -> int:
        folder = _enter(opened, str(self._root))
        for part in parts:
            folder = _enter(opened, part, folder)
        return folder

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
            failed = _Missing if error.errno == errno.ENOENT else CardFailed
            raise failed(what, do="Replace the card.") from error


class _Missing(CardFailed):
    """There is nothing of that name."""


def _parts(path: str) -> tuple[str, ...]:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise CardFailed(f"{path!r} is not a path on the card.")
    return parts


def _enter(opened: ExitStack, name: str, above: int | None = None) -> int:
    """Open a folder until `opened` ends. The root itself may be a link; nothing below it may."""
    flags = _FOLDER if above is not None else _FOLDER & ~os.O_NOFOLLOW
    fd = os.open(name, flags, dir_fd=above)
    opened.callback(os.close, fd)
    return fd


def _open(name: str, flags: int, folder: int) -> int:
    """Open a plain file; not even a pipe that somebody has put there holds us up."""
    fd = os.open(name, flags | os.O_NONBLOCK | _SAFELY, 0o640, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise CardFailed(f"{name} on the card is not a file.")
    except OSError:
        os.close(fd)
        raise
    return fd


def _look(name: str, folder: int) -> os.stat_result:
    return os.stat(name, dir_fd=folder, follow_symlinks=False)


def _write(fd: int, data: Buffer) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _let_go(fd: int) -> None:
    """Memory need not keep a file: what is to be written is begun with, what is read is read anew.

    After a sync that failed the kernel may keep pages as if they had been written; not after this.
    """
    with suppress(OSError):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_data(fd: int) -> None:
    """Never "no room": what a failed sync has dropped may have been written before this call."""
    try:
        os.fdatasync(fd)
    except OSError as error:
        raise OSError(errno.EIO, error.strerror) from error


def _entry(found: os.DirEntry[str]) -> Entry:
    if found.is_file(follow_symlinks=False):
        return Entry(found.name, "file", found.stat(follow_symlinks=False).st_size)
    folder = found.is_dir(follow_symlinks=False)
    return Entry(found.name, "folder" if folder else "other", 0)
