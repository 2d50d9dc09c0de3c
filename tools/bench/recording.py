"""The camera's road from packets to durable evidence, as a process that does nothing else."""

import resource
from itertools import islice
from pathlib import Path

from tools.bench.film import FPS, GOP_PICTURES, film_at
from tools.bench.rig import Timeline, policy, vault
from tools.bench.serving import Told

from bodycam.posix.card import PosixCard
from bodycam.recorder.assembly import media_format
from bodycam.recorder.footage import Footage, ring_policy
from bodycam.recorder.writer import Writer
from bodycam.rules.events import How, Warned

_WARM_UP_GOPS = 2


def cpu_ms(film_name: str, film_path: str, folder: str, seconds: str) -> Told:
    """CPU ms a second of footage, in steady state: each GOP is written when it is complete."""
    film = film_at(film_name, film_path)
    card = Path(folder)
    card.mkdir(parents=True)
    clock = Timeline()
    rules = policy(film.spec)
    footage = Footage(ring_policy(rules), lambda _: None)
    writer = Writer(
        vault(PosixCard(card), rules, clock),
        footage,
        media_format(rules),
        lambda _: None,
        clock,
    )
    began_ns = clock.now_ns()
    gops = _WARM_UP_GOPS + int(seconds)
    packets = list(islice(film.packets(began_ns), gops * GOP_PICTURES + 1))
    footage.pin(began_ns - 1, began_ns)
    footage.begin(Warned(How.HELD, began_ns, began_ns, None, (), (), (), 0))
    began_s = 0.0
    for number, packet in enumerate(packets):
        if number == _WARM_UP_GOPS * GOP_PICTURES + 1:
            began_s = _cpu_s()
        footage.append(packet)
        if footage.waiting:
            writer.step()
    spent_s = _cpu_s() - began_s
    progress = writer.watch.progress
    if progress is None or progress.durable_ns != packets[-1].t_ns:
        raise RuntimeError("not everything was made durable")
    return {"ms_per_s": spent_s * 1000 * FPS / GOP_PICTURES / int(seconds)}


def _cpu_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime
