"""What the camera and the microphone deliver, and the unit in which it is kept: the GOP."""

from dataclasses import dataclass
from enum import Enum

SECOND = 1_000_000_000
"""Nanoseconds. All times on the camera are CLOCK_BOOTTIME in nanoseconds."""


class Track(Enum):
    """Which of the two tracks a packet belongs to."""

    VIDEO = "video"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class Packet:
    """One H.264 access unit (Annex-B, one picture) or one raw AAC frame, and when it was taken."""

    track: Track
    t_ns: int
    data: bytes
    key: bool = False
    """An IDR picture, from which decoding can start; never set on sound."""


@dataclass(frozen=True, slots=True)
class Gop:
    """A keyframe, the pictures that depend on it, and the sound that arrived meanwhile.

    The unit of everything: the ring, the segment, the seal, the ledger line, the loss. A GOP cut
    at twice the keyframe interval is followed by one whose first picture is not a keyframe.
    """

    video: tuple[Packet, ...]
    """At least one picture, in order of time."""
    sound: tuple[Packet, ...]
    end_ns: int
    """When the next picture begins; after a cut, when the last one would nominally end."""

    @property
    def start_ns(self) -> int:
        """The time of the first picture."""
        return self.video[0].t_ns

    @property
    def key(self) -> bool:
        """Whether decoding can start here."""
        return self.video[0].key

    @property
    def payload_bytes(self) -> int:
        """Bytes of picture and sound."""
        return sum(len(p.data) for p in self.video) + sum(len(p.data) for p in self.sound)
