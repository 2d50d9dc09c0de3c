"""Test streams written as strings: "IPPIPP" becomes real H.264, and real AAC beside it.

`I` is a keyframe, `P` a picture that depends on those before it, `.` a picture that never came.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np

from bodycam.media.packets import SECOND, Gop, Packet, Track

FRAME_NS = SECOND // 30
START_NS = 5_000 * SECOND + 123_456_789
"""Where the camera's clock stands when a stream begins."""
SOUND_HZ = 48_000

_X264 = "keyint=infinite:scenecut=0:bframes=0:threads=1:sliced-threads=0"
_ENCODER = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "forced-idr": "1",
}


@cache
def film(
    pattern: str,
    *,
    width: int = 128,
    height: int = 96,
    start_ns: int = START_NS,
    frame_ns: int = FRAME_NS,
    flash: int = -1,
    x264: str = "",
    pix_fmt: str = "yuv420p",
) -> tuple[Packet, ...]:
    """Real pictures of a moving bar; the picture number `flash` is white, the others dark.

    `x264` adds to the encoder's parameters, as in "slices=4:aud=1".
    """
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, pix_fmt
    context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
    context.options = _ENCODER | {"x264-params": f"{_X264}:{x264}".rstrip(":")}
    packets = []
    for number, kind in enumerate(pattern):
        if kind == ".":
            continue
        frame = av.VideoFrame.from_ndarray(_drawing(number, width, height, number == flash), "gray")
        frame = frame.reformat(format=pix_fmt)
        frame.pts = number
        frame.pict_type = getattr(av.video.frame.PictureType, kind)
        (packet,) = context.encode(frame)
        assert packet.is_keyframe == (kind == "I")
        packets.append(
            Packet(Track.VIDEO, start_ns + number * frame_ns, bytes(packet), packet.is_keyframe)
        )
    return tuple(packets)


def _drawing(number: int, width: int, height: int, white: bool) -> "np.ndarray[Any, Any]":
    picture = np.full((height, width), 235 if white else 40, np.uint8)
    picture[:, number * 3 % width :][:, :8] = 60 + number % 100
    return picture


@cache
def hum(
    seconds: float,
    *,
    start_ns: int = START_NS,
    rate_hz: int = SOUND_HZ,
    channels: int = 1,
    beep_s: float = -1.0,
) -> tuple[Packet, ...]:
    """Real AAC frames: silence, with a beep of 0.1 s at `beep_s`."""
    context: Any = av.CodecContext.create("aac", "w")
    layout = "mono" if channels == 1 else "stereo"
    context.sample_rate, context.layout, context.format = rate_hz, layout, "fltp"
    context.bit_rate = 64_000
    at = np.arange(int(seconds * rate_hz)) / rate_hz
    loud = (at >= beep_s) & (at < beep_s + 0.1)
    wave = np.where(loud, 0.5 * np.sin(2 * np.pi * 1000 * at), 0.0).astype(np.float32)
    packets = []
    for first in range(0, len(wave) - 1023, 1024):
        block = np.tile(wave[first : first + 1024], (channels, 1))
        frame = av.AudioFrame.from_ndarray(block, "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, first, Fraction(1, rate_hz)
        packets += [
            Packet(Track.SOUND, start_ns + p.pts * SECOND // rate_hz, bytes(p))
            for p in context.encode(frame)
        ]
    return tuple(packets)


def gops(
    video: Sequence[Packet], sound: Iterable[Packet] = (), *, frame_ns: int = FRAME_NS
) -> list[Gop]:
    """Cut at every keyframe; sound goes where its time falls, the rest of it to the last GOP.

    A GOP ends when the next begins, or after the nominal length where that is far away.
    """
    starts = [n for n, packet in enumerate(video) if packet.key or n == 0]
    waiting = list(sound)
    cut = []
    for begin, end in zip(starts, [*starts[1:], len(video)], strict=True):
        pictures = tuple(video[begin:end])
        nominal = pictures[-1].t_ns + frame_ns
        follows = video[end].t_ns if end < len(video) else None
        here = [p for p in waiting if follows is None or p.t_ns < follows]
        waiting = waiting[len(here) :]
        near = follows is not None and follows < nominal + 5 * frame_ns
        cut.append(Gop(pictures, tuple(here), follows if follows and near else nominal))
    return cut


def dummies(pattern: str, *, frame_ns: int = FRAME_NS, size: int = 100) -> tuple[Packet, ...]:
    """Packets with the right times and keys whose bytes are no H.264, for all but muxing."""
    return tuple(
        Packet(Track.VIDEO, START_NS + n * frame_ns, n.to_bytes(4) * (size // 4), kind == "I")
        for n, kind in enumerate(pattern)
        if kind != "."
    )


def decoded(video: Iterable[Packet]) -> list[str]:
    """What the camera's own bytes decode to: a hash of every picture."""
    context: Any = av.CodecContext.create("h264", "r")
    frames = [f for p in video for f in context.decode(av.Packet(p.data))]
    return [pixels(frame) for frame in [*frames, *context.decode(None)]]


def pixels(frame: Any) -> str:
    """A hash of a decoded picture."""
    return hashlib.sha256(frame.to_ndarray(format="yuv420p").tobytes()).hexdigest()


def played(mp4: bytes) -> list[tuple[int, str]]:
    """Time in microseconds and hash of every picture that PyAV plays."""
    with av.open(io.BytesIO(mp4), "r") as file:
        stream = file.streams.video[0]
        assert stream.time_base == Fraction(1, 1_000_000)
        return [(frame.pts or 0, pixels(frame)) for frame in file.decode(stream)]
