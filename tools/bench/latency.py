"""How long it takes: a GOP to be durable, a contact to be answered, a full ring to be saved."""

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tools.bench.film import FRAME_NS, GOP_PICTURES, film_at
from tools.bench.rig import Recorder
from tools.bench.serving import Told

from bodycam.media.packets import SECOND
from bodycam.posix.card import PosixCard
from bodycam.recorder.assembly import nominal_bytes
from bodycam.recorder.writer import BATCH_GOPS, Progress
from bodycam.rules.events import Button, Edge
from bodycam.rules.model import State

_PRESSED_S = 0.1
_RELEASED_S = 0.4
"""Longer than a contact must be open before the next one counts."""
_CANCEL_S = 1.2
_STOP_S = 3.5
_ASIDE = "aside"
_LINE_BYTES = 380
"""Of a ledger."""


def durable(film_name: str, film_path: str, folder: str, gops: str) -> Told:
    """ms from the keyframe that completes a GOP to that GOP's line on the card, GOP by GOP; and of
    the same writes without anything else, in turn with them.
    """
    card = Path(folder)
    with Recorder(film_at(film_name, film_path), card) as recorder:
        saved = _Saved(recorder)
        recorder.pass_time(2)
        _record_at_once(recorder)
        saved.wait()
        disk = _Disk(card, recorder)
        found_ms, disk_ms = [], []
        for _ in range(int(gops)):
            while recorder.delivered % GOP_PICTURES:
                recorder.clock.skip(FRAME_NS)
                recorder.picture()
            recorder.clock.skip(FRAME_NS)
            time.sleep(0.01)  # the writer waits, as it does for most of a second
            began_ns = time.perf_counter_ns()
            recorder.picture()
            found_ms.append((saved.wait() - began_ns) / 1e6)
            time.sleep(0.01)
            disk_ms.append(disk.write(1))
    return {"ms": found_ms, "disk_ms": disk_ms}


def drained(film_name: str, film_path: str, folder: str) -> Told:
    """ms from the moment at which the warning counts as given to a full ring durable."""
    card = Path(folder)
    with Recorder(film_at(film_name, film_path), card) as recorder:
        saved = _Saved(recorder)
        lead_s = recorder.policy.warning.lead_s
        recorder.pass_time(recorder.policy.keep.pre_record_s + 2)
        _press(recorder, Button.RECORD, "light", "warn")
        _release(recorder, Button.RECORD)
        recorder.pass_time(lead_s - _RELEASED_S - 0.2)  # the rest is really waited for
        given_ns = recorder.cues.acknowledged_ns + recorder.policy.lead_ns
        given_ns += time.perf_counter_ns() - recorder.clock.now_ns()  # from one clock to the other
        found_ms = (saved.wait() - given_ns) / 1e6
        gops = saved.gops
        time.sleep(0.1)
        disk_ms = _Disk(card, recorder).write(gops)
    return {"ms": [found_ms], "disk_ms": [disk_ms], "gops": gops}


def contact(film_name: str, film_path: str, folder: str, presses: str, when: str) -> Told:
    """ms from a contact's stamp to the calls that light the light and begin the warning.

    `when`: `idle`, `draining` or `stalled`.
    """
    card = Path(folder)
    with Recorder(film_at(film_name, film_path), card, told_of_writer=when != "draining") as it:
        it.pass_time(it.policy.keep.pre_record_s + 2)
        found_ms = _WHEN[when](it, int(presses), random.Random(presses))
    return {"ms": found_ms}


# ---- contacts ------------------------------------------------------------------------------------


def idle(recorder: Recorder, presses: int, chance: random.Random) -> list[float]:
    """Nothing else is done: each press is cancelled, and the journal line for that is awaited."""
    found_ms = []
    for _ in range(presses):
        recorder.wait(lambda: recorder.footage.idle and not _busy(recorder), "a journal line")
        found_ms.append(_pressed_and_cancelled(recorder, chance))
    return found_ms


def _stalled(recorder: Recorder, presses: int, chance: random.Random) -> list[float]:
    """The card has taken a line of the journal and does not answer."""
    recorder.wait(lambda: not _busy(recorder), "the boot's journal line")
    recorder.card.answers.clear()
    found_ms = [_pressed_and_cancelled(recorder, chance)]
    recorder.wait(lambda: _busy(recorder), "the writer at work")
    while len(found_ms) < presses:
        found_ms.append(_pressed_and_cancelled(recorder, chance))
    if not _busy(recorder):
        raise RuntimeError("the card was not stalled")
    return found_ms


def _draining(recorder: Recorder, presses: int, chance: random.Random) -> list[float]:
    """Thirty seconds of footage wait, and the writer works at them without a pause.

    After a stop, a press begins a linked recording at once: light and warning come together.
    """
    _record_at_once(recorder)
    recorder.pass_time(recorder.policy.keep.pre_record_s)
    enough = recorder.footage.held_bytes
    found_ms: list[float] = []
    while len(found_ms) < presses:
        _press(recorder, Button.RECORD)
        recorder.pass_time(_STOP_S)
        _release(recorder, Button.RECORD)
        recorder.wait(lambda: _state(recorder) is State.AFTER, "the recording to be stopped")
        recorder.wait(lambda: recorder.footage.held_bytes <= enough, "room for more footage")
        recorder.wait(lambda: _busy(recorder), "the writer at work")
        _pause(chance)
        found_ms.append(_press(recorder, Button.RECORD, "light", "warn"))
        recorder.pass_time(_PRESSED_S)
        _release(recorder, Button.RECORD)
    return found_ms


_WHEN: dict[str, Callable[[Recorder, int, random.Random], list[float]]] = {
    "idle": idle,
    "draining": _draining,
    "stalled": _stalled,
}


def _pressed_and_cancelled(recorder: Recorder, chance: random.Random) -> float:
    _pause(chance)
    found_ms = _press(recorder, Button.RECORD, "light", "warn")
    recorder.pass_time(_PRESSED_S)
    _release(recorder, Button.RECORD)
    _press(recorder, Button.FUNCTION)
    recorder.pass_time(_CANCEL_S)
    _release(recorder, Button.FUNCTION)
    recorder.wait(lambda: _state(recorder) is State.STANDBY, "the warning to be cancelled")
    return found_ms


def _record_at_once(recorder: Recorder) -> None:
    """Hold the button for a second: there is no time to warn first."""
    _press(recorder, Button.RECORD, "light", "warn")
    recorder.pass_time(1.5)
    _release(recorder, Button.RECORD)
    recorder.wait(lambda: _state(recorder) is State.RECORDING, "a recording")


def _press(recorder: Recorder, button: Button, *calls: str) -> float:
    """Close a contact; ms from its stamp to the last of the calls of outputs, if any are asked."""
    recorder.cues.listen(*calls)
    began_ns = time.perf_counter_ns()
    recorder.events.post(Edge(button, True))
    return (recorder.cues.called_ns() - began_ns) / 1e6 if calls else 0.0


def _release(recorder: Recorder, button: Button) -> None:
    recorder.events.post(Edge(button, False))
    recorder.pass_time(_RELEASED_S)


def _state(recorder: Recorder) -> State | None:
    model = recorder.agent.model
    return None if model is None else model.state


def _busy(recorder: Recorder) -> bool:
    return recorder.writer.watch.busy_since_ns is not None


def _pause(chance: random.Random) -> None:
    """So that both threads are found in any of their moments."""
    time.sleep(chance.uniform(0.001, 0.006))


# ---- the writer ----------------------------------------------------------------------------------


class _Saved:
    """Waits until all complete GOPs are durable."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._changed = threading.Condition()
        self._durable_ns = 0
        self._called_ns = 0
        self.gops = 0
        """How many are durable."""
        recorder.saved = self._saved

    def wait(self) -> int:
        """When the newest of them was said to be durable, by time.perf_counter_ns."""
        wanted_ns = self._recorder.newest_key_ns
        with self._changed:
            if not self._changed.wait_for(lambda: self._durable_ns >= wanted_ns, 30):
                raise RuntimeError("footage was not durable within 30 s")
            return self._called_ns

    def _saved(self, progress: Progress) -> None:
        called_ns = time.perf_counter_ns()
        with self._changed:
            self._durable_ns, self._called_ns = progress.durable_ns, called_ns
            self.gops = progress.seq - 2  # after open, warning and init
            self._changed.notify_all()


class _Disk:
    """The writer's order of writes, and nothing else of what it does."""

    def __init__(self, root: Path, recorder: Recorder) -> None:
        self._card = PosixCard(root)
        self._card.make_folder(_ASIDE)
        self._card.append(f"{_ASIDE}/lines", b"")
        self._card.sync_folder(_ASIDE)
        self._object = os.urandom(nominal_bytes(recorder.policy, SECOND))
        self._count = 0

    def write(self, gops: int) -> float:
        """ms until so many GOPs are durable."""
        began_ns = time.perf_counter_ns()
        for start in range(0, gops, BATCH_GOPS):
            batch = min(BATCH_GOPS, gops - start)
            numbers = range(self._count, self._count + batch)
            self._card.create_all((f"{_ASIDE}/{number}", self._object) for number in numbers)
            self._count += batch
            self._card.sync_folder(_ASIDE)
            self._card.append(f"{_ASIDE}/lines", bytes(_LINE_BYTES * batch))
        return (time.perf_counter_ns() - began_ns) / 1e6
