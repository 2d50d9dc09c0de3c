"""A real PostgreSQL of one's own: in a temporary folder, on a socket there, ended by process id."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=16MB"
"""For tests only: they do not ask what a power cut leaves of PostgreSQL's own files."""


def _tool(name: str) -> str:
    installed = (str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = [shutil.which(name), *sorted(installed, reverse=True)]
    paths = [path for path in found if path]
    assert paths, f"{name} is missing: install Debian's postgresql"
    return paths[0]


@contextmanager
def postgres(options: str = _QUICK) -> Iterator[str]:
    """The address of a database server that lasts as long as the block."""
    as_user: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # its socket's path must be short
    if os.getuid() == 0:  # it refuses to run as root
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    data = folder / "data"

    def run(*command: str) -> None:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(folder)}
        done = subprocess.run(
            [*as_user, *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    try:
        run(
            *(_tool("initdb"), "-D", str(data), "-U", "bodycam", "-A", "trust"),
            *("-E", "UTF8", "--no-sync"),
        )
        address = f"-c listen_addresses= -c unix_socket_directories={folder} {options}"
        log = str(folder / "log")
        run(_tool("pg_ctl"), "-D", str(data), "-w", "-t", "60", "-l", log, "-o", address, "start")
        try:
            yield f"postgresql://bodycam@/postgres?host={folder}"
        finally:
            run(_tool("pg_ctl"), "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
