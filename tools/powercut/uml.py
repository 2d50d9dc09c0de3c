"""A machine whose plug can be pulled: user-mode Linux on a card image, killed with all it started.

What the guest's kernel had not yet written to the image is gone with the process, as what a
camera's kernel had not yet written to its card is gone with the battery.
"""

import os
import selectors
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tools.powercut.words import OFF, Said, understood

from bodycam.errors import UsageError

MEMORY = "256M"
SILENT_S = 90.0
"""A guest that says nothing for so long hangs; a busy host makes it slow."""
_INIT = """\
#!/bin/sh
mount -t proc proc /proc
mount -t ext4 -o {options} /dev/ubda {mount} || exit
cd {house}
{environment} {command}
umount {mount} && echo '@ {off}'
while :; do sleep 1000; done
"""


def found() -> str:
    """The kernel's program; UsageError where it is missing."""
    program = shutil.which("linux.uml")
    if program is None:
        raise UsageError(
            "There is no linux.uml here, the Linux kernel that runs as a process.",
            do="Install Debian's user-mode-linux (sudo apt-get install user-mode-linux); "
            "without it no power can be cut.",
        )
    return program


class Hung(RuntimeError):
    """The guest said nothing for too long, or ended by itself."""


class Machine:
    """Has power from the moment it is made until `cut`."""

    def __init__(
        self,
        folder: Path,
        image: Path,
        command: list[str],
        *,
        house: Path,
        environment: Mapping[str, str],
        options: str,
    ) -> None:
        """Boots, mounts the image's ext4 at `folder`/mount, and runs `command` in `house`.

        The guest's root is the host's own file system, read-only. `folder` takes what it needs.
        """
        mount = folder / "mount"
        mount.mkdir(exist_ok=True)
        init = folder / "init"
        init.write_text(
            _INIT.format(
                options=shlex.quote(options),
                mount=shlex.quote(str(mount)),
                house=shlex.quote(str(house)),
                environment=shlex.join(f"{k}={v}" for k, v in environment.items()),
                command=shlex.join(command),
                off=OFF,
            )
        )
        init.chmod(0o755)
        words = [f"mem={MEMORY}", f"ubd0={image}", "root=/dev/root", "rootfstype=hostfs"]
        words += ["rootflags=/", "ro", f"init={init}", f"uml_dir={folder}/", "quiet"]
        words += ["con=null", "con0=fd:0,fd:1"]
        self._process = subprocess.Popen(
            ["nice", found(), *words],  # whoever pulls the plug must not wait for its turn
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_memory_folder()},
            start_new_session=True,
        )
        self._rest = b""
        self._console: list[str] = []

    def listen(self) -> Iterator[Said]:
        """What it says, until it is cut; Hung where it falls silent."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while True:
                if not selector.select(SILENT_S):
                    raise Hung(f"The guest says nothing any more. {self._last_words()}")
                data = os.read(self._process.stdout.fileno(), 1 << 16)
                if not data:
                    raise Hung(f"The guest ended by itself. {self._last_words()}")
                yield from self._take(data)

    def cut(self) -> list[Said]:
        """Pull the plug; what it had said before and nobody had heard yet."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        assert self._process.stdout is not None
        said: list[Said] = []
        with self._process.stdout as console:
            # The end of the console is the end of all that held it: nothing of the guest lives on.
            while data := os.read(console.fileno(), 1 << 16):
                said += self._take(data)
        self._process.wait()
        return said

    def _take(self, data: bytes) -> list[Said]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        text = [line.decode(errors="replace").rstrip("\r") for line in lines]
        self._console = [*self._console, *text][-12:]
        return [said for said in map(understood, text) if said is not None]

    def _last_words(self) -> str:
        return "Its last words: " + " | ".join(self._console)


def _memory_folder() -> dict[str, str]:
    """The guest's memory is a file: in memory where there is room for that."""
    return {"TMPDIR": "/dev/shm"} if os.access("/dev/shm", os.W_OK) else {}
