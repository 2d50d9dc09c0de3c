"""Tells the operator that something long is going on, on stderr and only after two seconds."""

import sys
import time
from typing import TextIO

AFTER_S = 2.0
EVERY_S = 1.0


class Progress:
    """One piece of work that counts up. On a terminal the line is rewritten, in a log repeated."""

    def __init__(self, what: str, out: TextIO | None = None) -> None:
        self._what = what
        self._out = out or sys.stderr
        self._start = self._next = time.monotonic() + AFTER_S
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Say how far it is, where that is due; bytes."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_S
        percent = 100 * done // total if total else 0
        live = self._out.isatty()
        end = "\r" if live else "\n"
        self._out.write(f"{self._what}: {percent} % of {total / 1e6:.0f} MB{end}")
        self._out.flush()
        self._shown = live

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            self._out.write("\n")
            self._out.flush()
