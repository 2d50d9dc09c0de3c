"""Switches something on and off in time: a light for ever, a buzzer or a vibration once.

The first switch is made by the caller, so that a light answers a press within microseconds; a
thread of its own makes the others. gpiozero's own blinking ends the former blink by waiting for it.
"""

import threading
import time
from collections.abc import Callable, Sequence

Switch = Callable[[bool], None]
"""Switches on or off at once; raises anything where it cannot."""


def nothing() -> None:
    """Nobody wants to know."""


class Pulser:
    """Plays one sequence of pulses at a time. No call waits or raises."""

    def __init__(self, name: str, broken: Callable[[Exception], None]) -> None:
        """`broken` is told of a switch that fails, on the thread where it failed."""
        self._broken = broken
        self._changed = threading.Condition()
        self.lock = self._changed
        """Held while a switch or a callback runs; re-entrant, for what belongs to the playing."""
        self._switch: Switch | None = None
        self._pulses_s: Sequence[float] = ()
        self._repeat = False
        self._ended = nothing
        self._index = 0
        self._due_s: float | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def play(
        self,
        switch: Switch,
        pulses_ms: Sequence[int],
        *,
        repeat: bool = False,
        ended: Callable[[], None] = nothing,
    ) -> bool:
        """Begin now: milliseconds on, off, on, ...; whether the first switch was made.

        What was playing is switched off and forgotten; `ended` is called only at the end.
        """
        with self._changed:
            former, self._due_s = self._switch, None
            if former is not None and former is not switch:
                self._set(former, False)
            self._switch, self._ended = switch, ended
            self._pulses_s, self._repeat, self._index = [ms / 1000 for ms in pulses_ms], repeat, 0
            if not self._set(switch, bool(pulses_ms)):
                return False
            if pulses_ms:
                self._due_s = time.monotonic() + self._pulses_s[0]
                self._changed.notify()
            return True

    def stop(self) -> None:
        """Switch off and forget what was playing."""
        with self._changed:
            self._due_s = None
            if self._switch is not None:
                self._set(self._switch, False)

    def close(self) -> None:
        """Switch off and end the thread."""
        self.stop()
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(5)

    def _run(self) -> None:
        with self._changed:
            while not self._closing:
                if self._due_s is None:
                    self._changed.wait()
                elif (wait_s := self._due_s - time.monotonic()) > 0:
                    self._changed.wait(wait_s)
                else:
                    self._advance(self._due_s)

    def _advance(self, due_s: float) -> None:
        switch = self._switch
        assert switch is not None  # something is due
        self._index += 1
        if self._index == len(self._pulses_s):
            if not self._repeat:
                self._due_s = None
                if self._set(switch, False):
                    self._ended()
                return
            self._index = 0
        # From when it was due, so that lateness does not add up; but never a burst to catch up.
        self._due_s = max(due_s, time.monotonic() - 1) + self._pulses_s[self._index]
        self._set(switch, self._index % 2 == 0)

    def _set(self, switch: Switch, on: bool) -> bool:
        try:
            switch(on)
        except Exception as error:  # noqa: BLE001  gpiozero, lgpio, the kernel: each has its own
            self._due_s = None
            self._broken(error)
            return False
        return True
