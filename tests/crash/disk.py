"""A disk that remembers what it may forget: it stands where `os` stands in posix/card.py.

Every call is really made, in a real folder; beside it a model keeps what POSIX promises for a power
cut. A file's bytes are durable after its own fsync, a name after the fsync of its folder, nothing
else ever is. What a sync that failed was to write stays doubtful: no later one makes it durable.
"""

import os
import stat
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any
from unittest.mock import patch

READING = ("pread", "stat", "fstat", "scandir", "statvfs")
"""Calls that change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that was done and is not, or not surely, on the disk yet."""

    number: int
    sure: bool = False
    """A sync has made it durable; it lies upon something doubtful."""
    doubtful: bool = False
    """A sync of it failed."""


@dataclass(frozen=True, slots=True)
class Written(Change):
    """Bytes of a file."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized(Change):
    """A file was cut."""

    size: int


@dataclass(frozen=True, slots=True)
class Named(Change):
    """Names of one folder, changed in one go."""

    gone: str | None
    come: str | None
    node: "Node | None"
    needs: int = -1
    """The number of the change in the other folder without which this one never is: a thing that
    was moved has a name. A file may for once have both, a folder has one."""


@dataclass(eq=False, slots=True)
class Node:
    """A file or a folder, by whatever name."""

    pending: tuple[Change, ...] = ()

    def settle(self, numbers: Container[int] | None = None) -> None:
        """A sync of all of it, or of these changes, has ended well."""
        self.pending = tuple(
            replace(change, sure=True)
            if (not change.doubtful if numbers is None else change.number in numbers)
            else change
            for change in self.pending
        )
        done = len([*takewhile(lambda change: change.sure, self.pending)])
        self.sink(self.pending[:done])
        self.pending = self.pending[done:]

    def doubt(self) -> None:
        """A sync has failed."""
        self.pending = tuple(
            change if change.sure else replace(change, doubtful=True) for change in self.pending
        )

    def sink(self, changes: tuple[Change, ...]) -> None:
        """These are durable."""
        raise NotImplementedError


@dataclass(eq=False, slots=True)
class File(Node):
    """A plain file."""

    durable: bytes = b""

    def sink(self, changes: tuple[Change, ...]) -> None:
        self.durable = written(self.durable, changes)

    @property
    def live(self) -> bytes:
        """What the program finds in it."""
        return written(self.durable, self.pending)


@dataclass(eq=False, slots=True)
class Folder(Node):
    """A folder."""

    durable: Mapping[str, Node] = field(default_factory=dict)

    def sink(self, changes: tuple[Change, ...]) -> None:
        self.durable = named(self.durable, changes)

    @property
    def live(self) -> Mapping[str, Node]:
        """What the program finds in it."""
        return named(self.durable, self.pending)


def written(data: bytes, changes: tuple[Change, ...]) -> bytes:
    """A file after these changes; where nothing was written, it holds zeros."""
    content = bytearray(data)
    for change in changes:
        if isinstance(change, Resized):
            size, new, at = change.size, b"", 0
        else:
            assert isinstance(change, Written)
            at, new = change.offset, change.data
            size = max(len(content), at + len(new))
        content = content[:size].ljust(size, b"\0")
        content[at : at + len(new)] = new
    return bytes(content)


def named(names: Mapping[str, Node], changes: tuple[Change, ...]) -> Mapping[str, Node]:
    """A folder after these changes."""
    found = dict(names)
    for change in changes:
        assert isinstance(change, Named)
        if change.gone is not None:
            found.pop(change.gone, None)
        if change.come is not None and change.node is not None:
            found[change.come] = change.node
    return found


@dataclass(frozen=True, slots=True)
class Moment:
    """The disk between two calls, when the power may go."""

    after: str
    """The last call, in words."""
    call: int
    top: Folder
    nodes: Mapping[Node, tuple[Any, tuple[Change, ...]]]
    """What is durable of each, and what is not yet."""
    told: Any
    """What had been reported by then."""

    @property
    def settled(self) -> bool:
        """Whether a power cut would change nothing."""
        return all(not pending for _, pending in self.nodes.values())


class Killed(BaseException):
    """The process is gone, and the kernel is not: nothing in the program can answer it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A call that fails."""

    call: int
    number: int
    """Of the error, as in `errno`."""
    half: bool = False
    """Half of what is to be written is written, and the next call fails."""
    lasting: bool = False
    """Every later call that needs room fails, too."""


_NEED_ROOM = ("creat", "write", "mkdir")


class Disk:
    """Implements what posix/card.py takes from `os`, in the folder `root`."""

    def __init__(self, root: Path, told: Callable[[], object]) -> None:
        """`told` gives what has been reported so far."""
        self.root = root
        self._told = told
        self.moments: list[Moment] = []
        self.calls: list[str] = []
        """All that was asked, in words."""
        self.fault: Fault | None = None
        self.kill_at = -1
        """The process is gone before this call."""
        self.keeps_length = True
        """Whether a file keeps its length where a sync failed; then it holds zeros there."""
        self.longest: dict[str, bytes] = {}
        """By path, the most that was ever in a file: what was ever signed."""
        self._numbers = 0
        self._open: dict[int, tuple[str, Node]] = {}
        self._top = self._loaded(root)
        self._nodes: dict[Node, None] = {}
        self._walk(self._top)
        self.mark("the beginning")

    @contextmanager
    def under_the_card(self) -> Iterator[None]:
        """Every PosixCard uses this disk; what a killed process had open is closed."""
        with patch("bodycam.posix.card.os", self):
            yield
        for fd in [*self._open]:
            self.close(fd)

    def mark(self, after: str = "") -> None:
        """The power may go now."""
        self.moments.append(
            Moment(
                after or [self.moments[0].after, *self.calls][-1],
                len(self.calls),
                self._top,
                {node: (_durable(node), node.pending) for node in self._nodes},
                self._told(),
            )
        )

    # ---- what posix/card.py calls ----------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if not name.startswith(("O_", "POSIX_FADV_")) and name not in ("stat_result", "DirEntry"):
            raise AttributeError(f"The recording disk does not know os.{name}: model it first.")
        return getattr(os, name)

    def open(self, name: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        node: Node | None = self._top
        path = ""
        if dir_fd is not None:
            path, node = self._at(name, dir_fd)
        new = node is None and bool(flags & os.O_CREAT)
        self._call("creat" if new else "open", path)
        fd = os.open(name, flags, mode, dir_fd=dir_fd)
        if new:
            node = File()
            self._nodes[node] = None
            self._name(dir_fd, None, name, node)
        if node is not None:
            self._open[fd] = (path, node)
        if new:
            self.mark()
        return fd

    def close(self, fd: int) -> None:
        self._open.pop(fd, None)
        os.close(fd)

    def write(self, fd: int, data: "bytes | memoryview[int]") -> int:
        path, node = self._open[fd]
        assert isinstance(node, File)
        fault = self.fault
        half = fault is not None and fault.half and fault.call == len(self.calls)
        if half and fault is not None and len(data) > 1:
            data = memoryview(data)[: len(data) // 2]
            self.fault = replace(fault, call=fault.call + 1, half=False)
        self._call("write", path)
        offset = len(node.live)
        count = os.write(fd, data)
        node.pending += (Written(offset, bytes(data[:count]), number=self._number()),)
        if len(node.live) > len(self.longest.get(path, b"")):
            self.longest[path] = node.live
        self.mark()
        return count

    def ftruncate(self, fd: int, size: int) -> None:
        path, node = self._open[fd]
        self._call("ftruncate", path)
        os.ftruncate(fd, size)
        node.pending += (Resized(size, number=self._number()),)
        self.mark()

    def fsync(self, fd: int) -> None:
        self._sync("fsync", fd)

    def fdatasync(self, fd: int) -> None:
        self._sync("fdatasync", fd)

    def posix_fadvise(self, fd: int, offset: int, length: int, advice: int) -> None:
        """The disk may begin, which promises nothing; what was synced is read anew after this.

        Where a sync failed, that shows what is really there: here, nothing of what is doubtful.
        """
        path, node = self._open[fd]
        self._call("fadvise", path)
        assert isinstance(node, File)
        clean = all(change.sure or change.doubtful for change in node.pending)
        if clean and node.pending:
            there = tuple(change for change in node.pending if change.sure)
            length = len(node.live)
            node.durable = written(node.durable, (*there, *_grown(length, self.keeps_length)))
            node.pending = ()
            (self.root / path).write_bytes(node.durable)
            self.mark()

    def mkdir(self, name: str, mode: int = 0o777, *, dir_fd: int) -> None:
        self._call("mkdir", self._at(name, dir_fd)[0])
        os.mkdir(name, mode, dir_fd=dir_fd)
        node = Folder()
        self._nodes[node] = None
        self._name(dir_fd, None, name, node)
        self.mark()

    def rename(self, old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        path, node = self._at(old, src_dir_fd)
        self._call("rename", path)
        os.rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        if self._open[src_dir_fd][1] is self._open[dst_dir_fd][1]:
            self._name(src_dir_fd, old, new, node)
        else:
            come, gone = self._numbers + 1, self._numbers + 2
            other = gone if isinstance(node, Folder) else -1
            self._name(dst_dir_fd, None, new, node, needs=other)
            self._name(src_dir_fd, old, None, None, needs=come)
        self.mark()

    def unlink(self, name: str, *, dir_fd: int) -> None:
        self._call("unlink", self._at(name, dir_fd)[0])
        os.unlink(name, dir_fd=dir_fd)
        self._name(dir_fd, name, None, None)
        self.mark()

    def rmdir(self, name: str, *, dir_fd: int) -> None:
        self._call("rmdir", self._at(name, dir_fd)[0])
        os.rmdir(name, dir_fd=dir_fd)
        self._name(dir_fd, name, None, None)
        self.mark()

    def stat(self, name: str, *, dir_fd: int, follow_symlinks: bool) -> os.stat_result:
        self._call("stat", self._at(name, dir_fd)[0])
        return os.stat(name, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    def fstat(self, fd: int) -> os.stat_result:
        self._call("fstat", self._open[fd][0])
        return os.fstat(fd)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        self._call("pread", self._open[fd][0])
        return os.pread(fd, size, offset)

    def scandir(self, fd: int) -> Any:
        self._call("scandir", self._open[fd][0])
        return os.scandir(fd)

    def statvfs(self, path: Path) -> os.statvfs_result:
        self._call("statvfs", ".")
        return os.statvfs(path)

    # ---- inside ----------------------------------------------------------------------------------

    def _call(self, name: str, path: str) -> None:
        call = len(self.calls)
        if 0 <= self.kill_at <= call:
            raise Killed
        self.calls.append(f"{name} {path or '.'}")
        fault = self.fault
        if fault is None or fault.half:
            return
        if call == fault.call or (fault.lasting and call > fault.call and name in _NEED_ROOM):
            raise OSError(fault.number, os.strerror(fault.number))

    def _sync(self, name: str, fd: int) -> None:
        path, node = self._open[fd]
        try:
            self._call(name, path)
        except OSError:
            node.doubt()
            self.mark()
            raise
        needed = {change.needs for change in node.pending if isinstance(change, Named)}
        node.settle()
        for other in self._nodes:
            other.settle(needed)
        self.mark()

    def _name(
        self, fd: int | None, gone: str | None, come: str | None, node: Node | None, needs: int = -1
    ) -> None:
        assert fd is not None
        change = Named(gone, come, node, needs, number=self._number())
        self._open[fd][1].pending += (change,)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _at(self, name: str, fd: int) -> tuple[str, Node | None]:
        path, folder = self._open[fd]
        assert isinstance(folder, Folder)
        return (f"{path}/{name}" if path else name), folder.live.get(name)

    def _loaded(self, path: Path) -> Folder:
        """What lies in a folder already; all of it is durable."""
        return Folder(
            durable={
                below.name: self._loaded(below)
                if stat.S_ISDIR(below.lstat().st_mode)
                else File(durable=below.read_bytes())
                for below in path.iterdir()
            }
        )

    def _walk(self, folder: Folder) -> None:
        self._nodes[folder] = None
        for node in folder.live.values():
            if isinstance(node, Folder):
                self._walk(node)
            else:
                self._nodes[node] = None


def _grown(size: int, keeps_length: bool) -> tuple[Change, ...]:
    return (Written(size, b"", number=0),) if keeps_length else ()


def _durable(node: Node) -> Any:
    assert isinstance(node, File | Folder)
    return node.durable
