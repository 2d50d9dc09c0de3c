"""What a second of footage costs in CPU time: the camera's own road, ffmpeg's, picamera2's."""

import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.bench import filming
from tools.bench.children import child
from tools.bench.film import Film


@dataclass(frozen=True, slots=True)
class Lengths:
    """Seconds of footage; ffmpeg is given a short and a long film, and the slope counts."""

    steady: int
    short: int
    long: int


Round = dict[str, float]
"""CPU ms a second of footage by contender: `ours`, ffmpeg by what it reads, and `picamera2`."""
FORMS = ("nut", "mp4", "h264")


def rounds(
    film: Film, count: int, lengths: Lengths, folder: Path, picamera2: Path | None
) -> Iterator[Round]:
    """Each round measures all of them, in turn forwards and backwards."""
    files = {
        form: [filming.as_file(film, seconds, form) for seconds in (lengths.short, lengths.long)]
        for form in FORMS
    }

    def python(part: str, *words: object) -> float:
        target = folder / "card"
        told = child(part, *film.words, target, lengths.steady, *words)
        shutil.rmtree(target)
        return float(told["ms_per_s"])

    def ffmpeg(form: str) -> float:
        short, long = (_ffmpeg_s(file, folder / "hls") for file in files[form])
        return (long - short) * 1000 / (lengths.long - lengths.short)

    order: dict[str, Callable[[], float]] = {"ours": lambda: python("recording.cpu_ms")}
    order |= {form: partial(ffmpeg, form) for form in FORMS}
    if picamera2 is not None:
        order["picamera2"] = lambda: python("picamera.cpu_ms", picamera2)
    for number in range(count):
        names = list(order) if number % 2 else list(reversed(order))
        yield {name: order[name]() for name in names}


def _ffmpeg_s(file: Path, folder: Path) -> float:
    """CPU seconds of `ffmpeg -c copy` to HLS with fragmented MP4, one segment a second."""
    folder.mkdir(parents=True)
    form = ["-r", "30", "-f", "h264"] if file.suffix == ".h264" else []
    command = ["ffmpeg", "-nostdin", "-v", "error", *form, "-i", str(file), "-c", "copy"]
    command += ["-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "1"]
    file.read_bytes()  # so that it need not be fetched from the disk
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, str(folder / "film.m3u8")], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(folder)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
