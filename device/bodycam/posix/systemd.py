"""Tells systemd how the recorder is (sd_notify: one datagram to a socket)."""

import os
import socket
import subprocess

from bodycam.errors import DeviceError

POWER_OFF = ("/usr/bin/systemctl", "poweroff", "--no-block")


class Systemd:
    """Implements ports.Host. Without NOTIFY_SOCKET it says nothing to nobody."""

    def __init__(self, power_off: tuple[str, ...] = POWER_OFF) -> None:
        """`power_off` is the command that switches the camera off, and returns at once."""
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._power_off = power_off
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def ready(self) -> None:
        """The ring fills."""
        self._tell("READY=1")

    def alive(self) -> None:
        """A turn of the control road has been completed: feed the watchdog."""
        self._tell("WATCHDOG=1")

    def power_off(self, reason: str) -> None:
        """Ask systemd to switch the camera off; everything has been closed.

        Raises DeviceError where it does not.
        """
        self._tell(f"STOPPING=1\nSTATUS=Going off: {reason}")
        try:
            subprocess.run(self._power_off, check=True, timeout=2)  # noqa: S603  our own words
        except (OSError, subprocess.SubprocessError) as error:
            raise DeviceError(f"The camera could not be switched off: {error}.") from error

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            # systemd is slow or gone; its own watchdog is the answer to both.
            return
