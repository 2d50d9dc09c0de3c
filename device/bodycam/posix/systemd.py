"""Tells systemd how the recorder is (sd_notify: one datagram to a socket)."""

import os
import socket
import subprocess


class Systemd:
    """Implements ports.Host. Without NOTIFY_SOCKET it says nothing to nobody."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def ready(self) -> None:
        """The ring fills."""
        self._tell("READY=1")

    def alive(self) -> None:
        """A turn of the control road has been completed: feed the watchdog."""
        self._tell("WATCHDOG=1")

    def power_off(self, reason: str) -> None:
        """Ask systemd to switch the camera off; everything has been closed."""
        self._tell(f"STOPPING=1\nSTATUS=Going off: {reason}")
        subprocess.Popen(["/usr/bin/systemctl", "poweroff", "--no-block"])

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            # systemd is slow or gone; its own watchdog is the answer to both.
            return
