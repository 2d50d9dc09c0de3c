"""The speaker: the warning's tone and texts, and speech at the dock, on a thread of its own.

A warning is acknowledged when the sound device has played its first samples; the tone is in memory
and the device open, so that this is within 100 ms of the call.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from bodycam.errors import DeviceError
from bodycam.pi.clips import SILENCE, TONE, Clip, Clips, louder_or_softer
from bodycam.pi.pins import boottime_ns
from bodycam.ports import Reports

STUCK_S = 0.3
"""A device that plays nothing for so long is dead; the rules try the next output after 0.5 s."""
PAUSE_S = 0.15
"""Silence after each sound, so that the device does not run dry within it."""
POLL_S = 0.005
MOST_WAITING = 32
"""So many sentences wait at the dock."""
DOCK_PERCENT = 70


class Sink(Protocol):
    """Something that plays µ-law sound of one channel. Every call raises DeviceError."""

    def begin(self, rate_hz: int) -> None:
        """Get ready to play from the start."""

    def write(self, data: memoryview) -> int:
        """Give it samples; how many it took, which may be none."""

    def heard(self) -> int:
        """How many samples it has played since `begin`."""

    def end(self) -> None:
        """Fall silent at once."""

    def close(self) -> None:
        """Let go of the device; `begin` opens it again. Never raises."""


@dataclass(frozen=True, slots=True)
class _Job:
    texts: tuple[str, ...]
    volume_percent: int
    token: int | None = None
    """Of a warning."""


class Speaker:
    """Plays one thing at a time; a warning goes before speech and ends an earlier one."""

    def __init__(
        self, sink: Sink, clips: Clips, reports: Reports, tell: Callable[[str], None]
    ) -> None:
        """`tell` takes a sentence for the log."""
        self._sink = sink
        self._clips = clips
        self._reports = reports
        self._tell = tell
        self._changed = threading.Condition()
        self._warning: _Job | None = None
        self._sayings: deque[_Job] = deque(maxlen=MOST_WAITING)
        self._playing: _Job | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="speaker", daemon=True)

    def start(self, texts: Iterable[str]) -> None:
        """Load the tone and the policy's texts, open the device; what fails is told and a fault."""
        for text in (TONE, *texts):
            self._trying(lambda text=text: self._clips.hold([text]))  # type: ignore[misc]
        self._trying(lambda: self._sink.begin(self._clips.find(TONE).rate_hz))
        self._thread.start()

    def warn(self, token: int, texts: tuple[str, ...], volume_percent: int) -> None:
        """The tone, then the texts."""
        with self._changed:
            self._warning = _Job((TONE, *texts), volume_percent, token)
            self._playing = None
            self._changed.notify()

    def hush(self) -> None:
        """End a warning; nothing more is reported of it."""
        with self._changed:
            self._warning = None
            if self._playing is not None and self._playing.token is not None:
                self._playing = None
            self._changed.notify()

    def say(self, text: str) -> None:
        """A sentence, after those that wait."""
        with self._changed:
            self._sayings.append(_Job((text,), DOCK_PERCENT))
            self._changed.notify()

    def close(self) -> None:
        """Fall silent and end the thread."""
        with self._changed:
            self._closing, self._playing, self._warning = True, None, None
            self._sayings.clear()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(5)
        self._sink.close()

    # ---- on the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                done = self._play(job)
            except Exception as error:  # noqa: BLE001  a speaker without its thread is silent
                self._failed(job, error)
                continue
            if done and job.token is not None:
                self._reports.warning_ended("speaker", job.token, boottime_ns())

    def _next(self) -> _Job | None:
        with self._changed:
            while not (self._closing or self._warning or self._sayings):
                self._changed.wait()
            if self._closing:
                return None
            job, self._warning = self._warning or self._sayings.popleft(), None
            self._playing = job
            return job

    def _play(self, job: _Job) -> bool:
        """Whether it was played to its end."""
        acknowledged = False

        def acknowledge() -> None:
            nonlocal acknowledged
            if job.token is not None and not acknowledged:
                acknowledged = True
                self._reports.warning_started("speaker", job.token, boottime_ns())

        return all(self._play_clip(job, self._clips.find(t), acknowledge) for t in job.texts)

    def _play_clip(self, job: _Job, clip: Clip, acknowledge: Callable[[], None]) -> bool:
        sink, length = self._sink, len(clip.data)
        data = louder_or_softer(clip.data, job.volume_percent)
        left = memoryview(data + SILENCE * round(PAUSE_S * clip.rate_hz))
        sink.begin(clip.rate_hz)
        heard, moved_s = 0, time.monotonic()
        while heard < length:
            left = left[sink.write(left) :]
            before, heard = heard, sink.heard()
            now_s = time.monotonic()
            if heard > before:
                moved_s = now_s
                acknowledge()
            elif now_s - moved_s > STUCK_S:
                raise DeviceError("The sound device takes sound and plays nothing.")
            with self._changed:
                if heard < length and self._playing is job:
                    self._changed.wait(POLL_S)
                if self._playing is not job:
                    break
        sink.end()
        return heard >= length

    def _failed(self, job: _Job, error: Exception) -> None:
        self._sink.close()
        self._tell(f"The speaker said nothing: {error}")
        if job.token is not None:
            self._reports.warning_failed("speaker", job.token, boottime_ns())

    def _trying(self, step: Callable[[], None]) -> None:
        try:
            step()
        except DeviceError as error:
            self._tell(f"The speaker is not ready: {error}")
            self._reports.fault("speaker-dead", True, boottime_ns())
