"""What standby costs: memory with a full ring, and the way from a start to the first packet."""

import os
import time
from pathlib import Path

from tools.bench.serving import Told

HOUSE = Path(__file__).parents[2]
_TURNS = 3
"""So often the ring turns over before its memory is looked at."""


def memory(film_name: str, film_path: str, folder: str, camera_library: str = "") -> Told:
    """MiB of a process in standby with a full ring, and of that, the footage in the ring."""
    alone_mib = _load(camera_library)
    from tools.bench.film import film_at
    from tools.bench.rig import Recorder

    card = Path(folder)
    film = film_at(film_name, film_path)
    with Recorder(film, card) as recorder:
        recorder.pass_time(_TURNS * recorder.policy.keep.pre_record_s)
        total_mib = _rss_mib()
        payload_mib = recorder.footage.held_bytes / 2**20
    return {"total": total_mib, "payload": payload_mib, "alone": alone_mib}


def overhead(film_name: str, film_path: str) -> Told:
    """What the ring needs for itself, in percent of the footage in it."""
    import gc
    import tracemalloc
    from itertools import islice

    from tools.bench.film import FPS, film_at
    from tools.bench.rig import policy

    from bodycam.recorder.footage import Footage, ring_policy

    film = film_at(film_name, film_path)
    rules = policy(film.spec)
    pictures = round(_TURNS * rules.keep.pre_record_s * FPS)
    packets = film.packets(0)
    gc.collect()
    tracemalloc.start()
    footage = Footage(ring_policy(rules), lambda _: None)
    open_bytes = 0
    for packet in islice(packets, pictures):
        footage.append(packet)
        open_bytes = len(packet.data) + (0 if packet.key else open_bytes)
    del packet
    gc.collect()
    traced, _ = tracemalloc.get_traced_memory()
    payload = footage.held_bytes + open_bytes
    return {"percent": 100 * (traced - payload) / payload}


def start(camera_library: str = "") -> Told:
    """CPU ms of a process from its beginning until a first packet can be buffered, as `bodycam run`
    begins: configuration, policy, ring, all but the pins. Then until the rest of the recorder,
    which it imports while the ring fills, is there too.
    """
    _load(camera_library)
    from bodycam import cli, run  # noqa: F401
    from bodycam.config import read_config
    from bodycam.pi.body import make_clock
    from bodycam.recorder.intake import Intake
    from bodycam.rules.policy import read_policy

    path = HOUSE / "config" / "policies" / "default.toml"
    config = read_config(HOUSE / "config" / "bodycam.toml")
    rules = read_policy(path.read_bytes(), path.name)
    intake = Intake(rules, make_clock(config.fittings))
    intake.reports.picture(0, b"picture", key=True)
    buffered_s = time.process_time()
    from bodycam import enrolled  # noqa: F401
    from bodycam.posix import card  # noqa: F401
    from bodycam.recorder import process  # noqa: F401

    return {"buffered": buffered_s * 1000, "whole": time.process_time() * 1000}


def _load(camera_library: str) -> float:
    """Import the camera library from that folder, if any; the MiB of the process after that."""
    if camera_library:
        from tools.bench import picamera

        picamera.load(Path(camera_library))
    return _rss_mib()


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
