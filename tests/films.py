"""A small film: 4:3, B-frames, each picture a little lighter than the one before, snow below."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FILM_FPS, FILM_PICTURES = 24, 96


def film_luma(picture: int) -> int:
    """The grey of a picture of the film, but for its lowest sixth."""
    return 30 + 2 * picture


def write_film(path: Path) -> None:
    """Four seconds, a keyframe in each."""
    snow = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FILM_FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.gop_size = FILM_FPS
        stream.codec_context.time_base = Fraction(1, FILM_FPS)
        stream.options = {"crf": "10", "bf": "2", "preset": "veryfast"}
        for number in range(FILM_PICTURES):
            grey = np.full((360, 320), 128, np.uint8)
            grey[:200] = film_luma(number)
            grey[200:240] = snow.integers(40, 200, (40, 320))
            frame = av.VideoFrame.from_ndarray(grey, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
