"""Tells systemd how the recorder is (sd_notify: one datagram to a socket)."""

import os
import socket
import threading
from pathlib import Path

from bodycam.errors import DeviceError

POWER_OFF = Path("/run/bodycam/power-off")
REBOOT = POWER_OFF.with_name("reboot")
"""bodycam-power-off.path waits for this file: the recorder's user may switch nothing off."""


class Systemd:
    """Implements ports.Host. Without NOTIFY_SOCKET it says nothing to nobody."""

    def __init__(self, power_off: Path = POWER_OFF) -> None:
        """`power_off` is the file that asks for the camera to be switched off."""
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._power_off = power_off
        self.stopping = False
        """Set where systemd itself ends us, with SIGTERM: what follows is its affair."""
        self.closed = threading.Event()
        """Everything has been closed: the process may end."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def ready(self) -> None:
        """The ring fills."""
        self._tell("READY=1")

    def alive(self) -> None:
        """A turn of the control road has been completed: feed the watchdog."""
        self._tell("WATCHDOG=1")

    def power_off(self, reason: str) -> None:
        """Ask systemd to switch the camera off; everything has been closed.

        Where it is ending us already, it is only told. Raises DeviceError where it cannot be asked.
        """
        self._leave(reason, self._power_off)

    def reboot(self, reason: str) -> None:
        """Ask systemd to start the camera anew. Raises DeviceError where it cannot be asked."""
        self._leave(reason, self._power_off.with_name(REBOOT.name))

    def begin_again(self, reason: str) -> None:
        """End: systemd starts us again."""
        self._tell(f"STOPPING=1\nSTATUS=Beginning anew: {reason}")
        self.closed.set()

    def _leave(self, reason: str, ask: Path) -> None:
        self._tell(f"STOPPING=1\nSTATUS=Going off: {reason}")
        try:
            if not self.stopping:
                ask.touch()
        except OSError as error:
            raise DeviceError(
                f"The camera could not be switched off: {ask}: {error.strerror}."
            ) from error
        finally:
            self.closed.set()

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            # systemd is slow or gone; its own watchdog is the answer to both.
            return
