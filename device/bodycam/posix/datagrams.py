"""The socket at which the link asks the recorder, read by a thread of its own."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bodycam.errors import DeviceError

MAX_BYTES = 512
HELD_UP_S = 0.2
"""After a datagram too many the socket is left full for so long: the sender has to wait."""


class AskSocket:
    """Gives each datagram to `take`, which returns False where there are too many."""

    def __init__(self, path: Path, take: Callable[[bytes], bool]) -> None:
        """The group may write to it: the link is in it. Raises DeviceError."""
        self._path = path
        self._take = take
        self._ending = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            path.unlink(missing_ok=True)
            self._socket.bind(str(path))
            path.chmod(0o660)
        except OSError as error:
            self._socket.close()
            raise DeviceError(f"{path}: {error.strerror}.") from error
        self._thread = threading.Thread(target=self._run, name="asks", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._ending.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(5)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                datagram = self._socket.recv(MAX_BYTES + 1)
            except OSError:
                return
            if not self._ending.is_set() and not self._take(datagram):
                self._ending.wait(HELD_UP_S)
