"""One process at a time has hold of the camera's hardware."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from bodycam.errors import DeviceError


class Lock:
    """Held on the folder itself while in `with`; the kernel lets go of it when the process ends."""

    def __init__(self, folder: Path, why: DeviceError) -> None:
        """`why` is raised on entering where another process holds it."""
        self._folder = folder
        self._why = why
        self._fd = -1

    def __enter__(self) -> None:
        """Raises DeviceError."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._let_go()
            raise self._why from None
        except OSError as error:
            self._let_go()
            raise DeviceError(
                f"{self._folder} cannot be used: {error.strerror}.", do="Check [paths] run."
            ) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._let_go()

    def _let_go(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
