"""A small film: 4:3, B-frames, each picture a little lighter than the one before, snow below."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

FILM_FPS, FILM_PICTURES = 24, 96


def film_luma(picture: int) -> int:
    """The grey of a picture of the film, but for its lowest sixth."""
    return 30 + 2 * picture


def write_film(path: Path) -> None:
    """Four seconds of H.264, a keyframe in each."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FILM_FPS)
        stream.options = {"crf": "10", "bf": "2", "preset": "veryfast"}
        _write(container, stream)


def write_film_with_an_empty_end(path: Path) -> None:
    """The same as MPEG-4 part 2, with a fifth second of "not coded" packets, without pictures."""
    not_coded = b"\0\0\1\xb6\x50\x4f"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FILM_FPS)
        stream.bit_rate = 2_000_000
        _write(container, stream)
        for number in range(FILM_PICTURES, FILM_PICTURES + FILM_FPS):
            packet = av.Packet(not_coded)
            packet.stream, packet.time_base = stream, Fraction(1, FILM_FPS)
            packet.pts = packet.dts = number
            container.mux(packet)


def _write(container: OutputContainer, stream: VideoStream) -> None:
    snow = np.random.default_rng(0)
    stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
    stream.codec_context.gop_size = FILM_FPS
    stream.codec_context.time_base = Fraction(1, FILM_FPS)
    for number in range(FILM_PICTURES):
        grey = np.full((360, 320), 128, np.uint8)
        grey[:200] = film_luma(number)
        grey[200:240] = snow.integers(40, 200, (40, 320))
        frame = av.VideoFrame.from_ndarray(grey, "yuv420p")
        frame.pts = number
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
