"""What recorder and link ask of the world. Adapters implement these; only our errors cross them.

Times are CLOCK_BOOTTIME nanoseconds. Paths on the card are relative, with `/`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

Random = Callable[[int], bytes]
"""`random(n)` returns n bytes fit for keys."""

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies in a folder of the card."""

    name: str
    kind: str
    """`file`, `folder` or `other`; links are `other` and are never followed."""
    size: int
    """Bytes of a file, 0 otherwise."""


class Card(Protocol):
    """Storage. One thread uses it. Every call returns when its effect is durable as it says.

    Raises CardFull or CardFailed.
    """

    def create(self, path: str, data: Buffer) -> None:
        """Write a new file under its final name (an existing one is refused) and fsync it.

        Its name is durable after `sync_folder`. After CardFull it is not there, and surely stays
        away after `sync_folder`.
        """

    def create_all(self, files: Iterable[tuple[str, Buffer]]) -> None:
        """`create` several: the card may begin with each while the next one is still being made.

        All are durable at return. Where making one raises, or the card does, none is there.
        """

    def append(self, path: str, data: Buffer) -> None:
        """Add to the end of a file, creating it where missing, and fdatasync it.

        The name of a file that this made is durable only after `sync_folder`. After CardFull
        nothing of it is there; after CardFailed the same, or the file takes nothing more: a failed
        sync is never retried.
        """

    def settle(self, path: str) -> None:
        """Make durable all that a file holds, and believe nothing that is only in memory.

        What is read of it after this lies on the card. A program that was ended may have left lines
        that were never synced, or whose sync failed: those can be read, and are not there.
        """

    def sync_folder(self, path: str) -> None:
        """Make the names in a folder durable."""

    def make_folder(self, path: str) -> None:
        """Create a folder (parents too, existing ones are fine), durable at return."""

    def move(self, source: str, target: str) -> None:
        """Rename within the card, replacing the target, durable at return."""

    def truncate(self, path: str, size: int) -> None:
        """Cut a file to `size` bytes, durable at return."""

    def remove(self, path: str) -> None:
        """Remove a file or an empty folder, durable at return."""

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        """At most `limit` bytes of a file from `offset` on."""

    def size(self, path: str) -> int:
        """Bytes of a file; 0 where there is none."""

    def exists(self, path: str) -> bool:
        """Whether something has this name."""

    def list(self, path: str) -> list[Entry]:
        """The folder's entries by name; empty where there is no such folder."""

    def free_bytes(self) -> int:
        """Room left for us."""


class Clock(Protocol):
    """The two clocks."""

    def now_ns(self) -> int:
        """CLOCK_BOOTTIME."""

    def wall(self) -> "WallTime":
        """The time of day and how far it can be trusted."""


@dataclass(frozen=True, slots=True)
class WallTime:
    """The time of day, as the evidence states it."""

    utc_ns: int
    """Nanoseconds since 1970 in UTC."""
    source: str
    """`ntp`, `rtc`, `station` or `none`."""
    error_ms: int
    """The greatest error to expect; -1 where nobody knows."""
    utc_offset_s: int = 0
    """Local time minus UTC: whether it is day or night for the speaker's volume."""


class Camera(Protocol):
    """The camera and the microphone. Packets arrive at the footage by the adapter's own thread."""

    def wake(self) -> None:
        """Begin to deliver packets; returns at once."""

    def sleep(self) -> None:
        """Stop delivering packets; returns at once."""

    def force_keyframe(self) -> None:
        """Make the next picture a keyframe; returns at once."""

    def restart(self) -> None:
        """Rebuild a camera that fell silent; returns at once."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Something to show on a light or to feel."""

    name: str
    pulses_ms: tuple[int, ...]
    """Milliseconds on, off, on, ...; empty: off. A light repeats them, a vibration plays once."""
    colour: str = ""
    """Of a light: `green`, `amber`, `red`, or empty for off."""


class Outputs(Protocol):
    """Lights, speaker, buzzer and vibration. Calls return at once; answers come as events."""

    def light(self, pattern: Pattern) -> None:
        """Show a pattern on the public light until the next call."""

    def vibrate(self, pattern: Pattern) -> None:
        """Play a pattern once."""

    def warn(self, output: str, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        """Give the warning on `speaker`, `buzzer` or `light`: the tone, then the spoken texts.

        Posts WarningStarted(output, token) when it is really played and WarningEnded at its end, or
        WarningFailed.
        """

    def hush(self) -> None:
        """End a warning that is still playing."""

    def say(self, text: str) -> None:
        """Speak at the dock."""


class Reports(Protocol):
    """What adapters tell the recorder. Any thread may call; calls return at once and never raise.

    Times are those of the source, CLOCK_BOOTTIME nanoseconds.
    """

    def picture(self, t_ns: int, data: bytes, key: bool) -> None:
        """One H.264 access unit in Annex-B, taken at `t_ns`; `key`: an IDR picture."""

    def sound(self, t_ns: int, data: bytes) -> None:
        """One raw AAC frame whose first sample was taken at `t_ns`."""

    def edge(self, button: str, closed: bool, t_ns: int) -> None:
        """A raw edge of `record` or `function`, bounces and all."""

    def warning_started(self, output: str, token: int, t_ns: int) -> None:
        """An output is really playing the warning of that token."""

    def warning_ended(self, output: str, token: int, t_ns: int) -> None:
        """It has played to its end."""

    def warning_failed(self, output: str, token: int, t_ns: int) -> None:
        """It cannot be played."""

    def docked(self, docked: bool, t_ns: int) -> None:
        """Put into the dock, or taken out."""

    def battery(self, percent: int, t_ns: int) -> None:
        """Charge left."""

    def fault(self, fault: str, there: bool, t_ns: int) -> None:
        """A fault that the adapter itself has found, by its name in rules/events.py, or its end."""

    def shut_down(self, reason: str, t_ns: int) -> None:
        """The camera is to go off."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the card's journal is: enough to notice another card, or this one put back."""

    seq: int
    """The number of the journal's next line."""
    head: str
    """The digest of its last line, 64 hexadecimal digits."""


class BodyMemory(Protocol):
    """A small memory inside the body, which is not on the card. Raises DeviceError."""

    def read(self) -> Mark | None:
        """What was written last; None where nothing ever was."""

    def write(self, mark: Mark) -> None:
        """Remember this instead; a power cut leaves this or what was there before."""


class Status(Protocol):
    """Where the other process finds how the camera is."""

    def publish(self, fields: Mapping[str, object]) -> None:
        """Replace the status as a whole."""


class Host(Protocol):
    """Whatever runs the camera: systemd on the product."""

    def alive(self) -> None:
        """A turn of the control road has been completed."""

    def power_off(self, reason: str) -> None:
        """Switch the camera off; everything has been closed."""

    def reboot(self, reason: str) -> None:
        """Start the camera anew; everything has been closed."""

    def begin_again(self, reason: str) -> None:
        """Let the recorder begin anew; everything has been closed."""


# ---- what the link asks ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Look:
    """A file, as it is now."""

    identity: int
    """Another number: another file in its place."""
    size: int


class Followed(Protocol):
    """A file that another process appends to and may replace."""

    def look(self) -> Look | None:
        """What is there; None where nothing is, or where it cannot be read."""

    def read(self, offset: int, limit: int) -> bytes:
        """At most so many bytes from there on; none where it cannot be read."""


class Notebook(Protocol):
    """A small file of one's own that is replaced as a whole. Raises DeviceError."""

    def load(self) -> bytes | None:
        """What was saved last; None where nothing ever was."""

    def save(self, data: bytes) -> None:
        """Replace it, durable at return."""


class RecorderSide(Protocol):
    """What the link may do to the recorder: ask, and be read. Raises DeviceError."""

    def status(self) -> Mapping[str, object] | None:
        """What the recorder says of itself; None where it says nothing."""

    def leave(self, name: str, data: bytes) -> None:
        """Put a file where the recorder can look at it."""

    def ask(self, datagram: bytes) -> None:
        """Send at most 512 bytes; nobody promises that they are read."""


class Broker(Protocol):
    """A connection to a broker."""

    def publish(self, topic: str, payload: bytes, *, retained: bool, expires_s: int = 0) -> int:
        """Hand a message over, to be delivered at least once; the number of its acknowledgement.

        Raises DeviceError where the connection is gone. `expires_s` 0: never.
        """


Parts = Iterable[Buffer]
