"""The sounds that the camera can play: small files, one a text, found by the text itself.

A file is Sun audio (.au): a header of five numbers, then µ-law bytes of one channel. It needs no
decoder (the sound device's library takes µ-law as it is), and any player opens it. `make speech`
writes those of the faults and of the policies; a municipality's own lie in a folder of its own.
"""

import hashlib
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bodycam.errors import DeviceError

TONE = "tone"
"""The text by which the start tone is found."""
MOST_BYTES = 1024 * 1024
RATES_HZ = (8000, 11025, 16000, 22050, 44100, 48000)
SOUNDS = Path(__file__).with_name("sounds")
"""The sounds that come with the program."""
SILENCE = b"\xff"

_HEADER = struct.Struct(">4sIIIII")
_MAGIC, _ULAW = b".snd", 1


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound."""

    rate_hz: int
    data: bytes
    """One µ-law byte a sample."""


def file_name(text: str) -> str:
    """The file of a text: its words, and enough of its hash that two never share one."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    return f"{words}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.au"


def encode(clip: Clip) -> bytes:
    """The bytes of a file."""
    header = _HEADER.pack(_MAGIC, _HEADER.size, len(clip.data), _ULAW, clip.rate_hz, 1)
    return header + clip.data


def decode(data: bytes, name: str) -> Clip:
    """The sound in a file's bytes. Raises DeviceError."""
    if len(data) < _HEADER.size:
        raise DeviceError(f"{name} is too short for a sound.", do="Make it again: make speech.")
    magic, start, size, encoding, rate_hz, channels = _HEADER.unpack_from(data)
    sound = data[start : start + size] if start >= _HEADER.size else b""
    if (magic, encoding, channels) != (_MAGIC, _ULAW, 1) or rate_hz not in RATES_HZ or not sound:
        raise DeviceError(
            f"{name} is not a µ-law sound of one channel.", do="Make it again: make speech."
        )
    return Clip(rate_hz, sound)


class Clips:
    """The sounds of some folders; earlier folders win."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._held: dict[str, Clip] = {}

    def find(self, text: str) -> Clip:
        """The sound of a text. Raises DeviceError."""
        if text in self._held:
            return self._held[text]
        name = file_name(text)
        for folder in self._folders:
            try:
                with (folder / name).open("rb") as file:
                    return decode(file.read(MOST_BYTES), str(folder / name))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise DeviceError(f"{folder / name} cannot be read: {error.strerror}.") from error
        raise DeviceError(
            f'No sound says "{text}".', do="Make it: tools/make_speech.py --text TEXT."
        )

    def hold(self, texts: Iterable[str]) -> None:
        """Keep these in memory, ready to be played at once. Raises DeviceError."""
        for text in texts:
            self._held[text] = self.find(text)


def louder_or_softer(data: bytes, volume_percent: int) -> bytes:
    """µ-law samples at a volume; 50 % sounds about half as loud as 100 %."""
    return data if volume_percent >= 100 else data.translate(_softer(max(0, volume_percent)))


@cache
def _softer(volume_percent: int) -> bytes:
    gain = (volume_percent / 100) ** 1.66  # 10 dB for half the loudness
    return bytes(to_ulaw(round(from_ulaw(code) * gain)) for code in range(256))


def from_ulaw(code: int) -> int:
    """A 16-bit sample (ITU-T G.711)."""
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def to_ulaw(sample: int) -> int:
    """The nearest µ-law code of a 16-bit sample."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 0x84
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF
