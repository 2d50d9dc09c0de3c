"""Sound devices of a test, behind the port of the speaker."""

import threading

from bodycam.errors import DeviceError


class MadeUpSink:
    """Plays when the test says so; remembers what it was given."""

    def __init__(self, *, playing: bool = True) -> None:
        self.playing = playing
        """False: it takes sound and plays none of it."""
        self.gone = False
        self.given: list[bytes] = []
        """Each beginning's samples."""
        self.rates: list[int] = []
        self.begun = threading.Event()
        self.ends = 0
        self.closes = 0

    def begin(self, rate_hz: int) -> None:
        if self.gone:
            raise DeviceError("The device is gone.")
        self.rates.append(rate_hz)
        self.given.append(b"")
        self.begun.set()

    def write(self, data: memoryview) -> int:
        took = bytes(data[:800])
        self.given[-1] += took
        return len(took)

    def heard(self) -> int:
        return len(self.given[-1]) if self.playing else 0

    def end(self) -> None:
        self.ends += 1

    def close(self) -> None:
        self.closes += 1
