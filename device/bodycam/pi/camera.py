"""The camera behind its port: one worker opens, closes and rebuilds it; nobody ever waits for that.

The law of this file: every wake, sleep and restart begins a new turn, and only the session of the
newest turn delivers. So nothing arrives after a sleep, and nothing old after a restart, however
long the driver takes to let go. What a session is stands in picam.py.
"""

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bodycam.errors import DeviceError
from bodycam.ports import Reports

SECOND_NS = 1_000_000_000
EARLY_NS, LATE_NS = SECOND_NS // 10, 2 * SECOND_NS
"""A picture's time is believed if it is at most this much after and before its arrival."""
TICK_NS = 1000
"""Pictures are at least so far apart: the encoder counts microseconds."""
ASK_AFTER, DEAF_AFTER = 3, 10
"""After so many intervals without a keyframe one is asked for; pictures are no longer taken."""

Deliver = Callable[[int, bytes, bool], None]
"""Takes a picture: when it was taken (CLOCK_BOOTTIME ns), its bytes, whether it is a keyframe."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a camera is waited for."""

    settle_ns: int = 4 * SECOND_NS
    """One that was just opened has so long for its first picture."""
    healthy_ns: int = 10 * SECOND_NS
    """One that delivered for so long is well: failures are counted anew."""
    longest_wait_ns: int = 30 * SECOND_NS
    """Failures in a row are followed by waits of 0, 1, 2, 4, … s, and at most so long."""
    tries: int = 6
    """After so many failures in a row a new process is asked for."""
    stuck_ns: int = 20 * SECOND_NS
    """A driver that has not answered for so long does not come back within this process."""


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """What the camera is to deliver."""

    width: int
    height: int
    """Pixels, even."""
    fps: int
    bitrate_bps: int
    keyframe_every: int
    """Pictures from one keyframe to the next."""
    encoder: str
    """`v4l2`: the hardware's (Zero 2 W, 3, 4); `libav`: libx264 (5)."""
    buffers: int = 4
    luma_width: int = 320
    luma_height: int = 180
    """Of the small picture for the lens watch."""
    camera: int = 0
    """Which one, where there are several."""


@dataclass(frozen=True, slots=True)
class Luma:
    """A small picture without colour, for the lens watch."""

    width: int
    height: int
    data: bytes
    """Rows of `width` bytes each, 16 black to 235 white."""


class Session(Protocol):
    """A camera that is open and runs. Its pictures come on a thread of its own."""

    def force_keyframe(self) -> None:
        """Make the next picture a keyframe; returns at once, on any thread."""

    def luma(self, wait_s: float) -> Luma | None:
        """The next small picture; None where none comes in time or the camera is being closed."""

    def close(self) -> None:
        """Let go of everything. For ever where the driver hangs. Raises DeviceError."""


class Microphone(Protocol):
    """What sleeps and wakes with the camera; calls return at once."""

    def wake(self) -> None:
        """Begin to deliver sound."""

    def sleep(self) -> None:
        """Stop delivering sound, at once."""


class PiCamera:
    """Implements ports.Camera, and may be asked for a small picture.

    Silence is noticed by whoever takes the pictures: `restart` is called while it lasts. A process
    that has never seen a picture goes on trying for ever, as a new one would not see more; one that
    has, or has failed to let go of a camera, and cannot get it back, calls `gave_up`.
    """

    def __init__(
        self,
        open_session: Callable[[Deliver], Session],
        reports: Reports,
        *,
        now_ns: Callable[[], int],
        keyframe_interval_ns: int,
        gave_up: Callable[[str], None],
        tell: Callable[[str], None],
        prepare: Callable[[], None] = lambda: None,
        microphone: Microphone | None = None,
        patience: Patience = Patience(),
    ) -> None:
        """`open_session` raises DeviceError and may take seconds, or hang; so may `prepare`, which
        is called once beforehand, to load libraries.

        `gave_up` is told why when only a new process can help; it is to close the recording and end
        this one, and must return at once. `tell` takes a sentence for the system's log.
        """
        self._open_session = open_session
        self._reports = reports
        self._now_ns = now_ns
        self._interval_ns = keyframe_interval_ns
        self._gave_up = gave_up
        self._tell = tell
        self._prepare = prepare
        self._microphone = microphone
        self._patience = patience
        self._changed = threading.Condition()
        self._turn = 0
        self._awake = False
        self._ended = False
        self._session: Session | None = None
        self._session_turn = 0
        self._opened_ns = 0
        self._busy_since_ns: int | None = None
        self._failures = 0
        self._not_before_ns = 0
        self._asked_for_end = False
        self._seen = False  # a picture, in this process
        self._held = False  # a camera that was not let go in good order
        self._said = ""
        self._first_ns: int | None = None  # arrivals and times of this turn's pictures
        self._last_ns = 0
        self._key_ns: int | None = None
        self._asked_ns = 0
        self._worker = threading.Thread(target=self._work, name="camera", daemon=True)
        self._worker.start()

    # ---- the port --------------------------------------------------------------------------------

    def wake(self) -> None:
        """See ports.Camera. One that is awake goes on as it is."""
        with self._changed:
            if self._awake:
                return
            self._not_before_ns = 0
            self._begin_turn(awake=True)
        if self._microphone is not None:
            self._microphone.wake()

    def sleep(self) -> None:
        """See ports.Camera."""
        with self._changed:
            self._begin_turn(awake=False)
        if self._microphone is not None:
            self._microphone.sleep()

    def force_keyframe(self) -> None:
        """See ports.Camera. A session that is still being opened begins with one anyway."""
        session = self._session
        if session is not None:
            session.force_keyframe()

    def restart(self) -> None:
        """See ports.Camera. While it is being opened, or waits to be, this changes nothing."""
        now = self._now_ns()
        stuck = ""
        with self._changed:
            busy_since_ns = self._busy_since_ns
            if busy_since_ns is not None:
                silent_ns = now - busy_since_ns
                if silent_ns > self._patience.stuck_ns:
                    stuck = f"The camera's driver has not answered for {silent_ns // SECOND_NS} s."
            elif self._runs() and self._had_its_time(now):
                first_ns = self._first_ns
                if first_ns is not None and self._last_ns - first_ns > self._patience.healthy_ns:
                    self._failures = 0
                self._failed(now)
                self._begin_turn(awake=True)
        if stuck:
            self._ask_for_end(stuck)

    def luma(self, wait_s: float) -> Luma | None:
        """The next small picture; None while asleep, or where none comes in `wait_s` seconds.

        For a thread that may wait; never for one that delivers pictures.
        """
        session = self._session
        return None if session is None else session.luma(wait_s)

    def close(self, within_s: float = 5) -> bool:
        """End the worker and let go of the camera; False where the driver keeps it."""
        self.sleep()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._worker.join(within_s)
        return not self._worker.is_alive()

    # ---- turns, under the lock -------------------------------------------------------------------

    def _begin_turn(self, *, awake: bool) -> None:
        self._turn += 1
        self._awake = awake
        self._first_ns = self._key_ns = None
        self._changed.notify_all()

    def _runs(self) -> bool:
        return self._awake and self._session is not None and self._session_turn == self._turn

    def _had_its_time(self, now: int) -> bool:
        return self._first_ns is not None or now - self._opened_ns > self._patience.settle_ns

    def _failed(self, now: int) -> None:
        self._failures += 1
        doubled_ns = SECOND_NS << min(self._failures, 10) >> 2 if self._failures > 1 else 0
        self._not_before_ns = now + min(doubled_ns, self._patience.longest_wait_ns)

    # ---- the worker ------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._prepare()
        except Exception as error:  # noqa: BLE001  opening says so again, and is tried again
            self._say(f"The camera's library cannot be loaded: {error}")
        while self._wait_for_work():
            self._let_go()
            if self._may_open():
                self._open()
            with self._changed:
                self._busy_since_ns = None
        self._let_go()

    def _wait_for_work(self) -> bool:
        """Until there is something to open or to close; False: no more."""
        with self._changed:
            while not self._ended:
                due_ns = None
                if self._session is not None:
                    if self._session_turn != self._turn:
                        break
                elif self._awake:
                    due_ns = self._not_before_ns - self._now_ns()
                    if due_ns <= 0:
                        break
                self._changed.wait(None if due_ns is None else due_ns / SECOND_NS)
            self._busy_since_ns = self._now_ns()
            return not self._ended

    def _may_open(self) -> bool:
        with self._changed:
            return self._awake and not self._ended and self._now_ns() >= self._not_before_ns

    def _open(self) -> None:
        with self._changed:
            turn = self._turn
        try:
            session = self._open_session(lambda *picture: self._deliver(turn, *picture))
        except Exception as error:  # noqa: BLE001  whatever a driver may do, the worker goes on
            self._say(str(error))
            with self._changed:
                self._failed(self._now_ns())
        else:
            with self._changed:
                self._session, self._session_turn = session, turn
                self._opened_ns = self._now_ns()
        if (self._seen or self._held) and self._failures >= self._patience.tries:
            self._ask_for_end(f"The camera was rebuilt {self._failures} times and stays silent.")

    def _let_go(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        try:
            session.close()
        except Exception as error:  # noqa: BLE001  opening it again shows what is the matter
            self._held = True
            self._say(str(error))
        # The library's objects refer to each other; until they are collected they hold the old
        # buffers, of which a small Pi has not enough for two sessions.
        del session
        gc.collect()

    def _ask_for_end(self, why: str) -> None:
        if not self._asked_for_end:
            self._asked_for_end = True
            self._say(why)
            self._gave_up(why)

    def _say(self, what: str) -> None:
        """Each thing once, until it works again."""
        if what != self._said:
            self._said = what
            self._tell(what)

    # ---- the session's thread --------------------------------------------------------------------

    def _deliver(self, turn: int, t_ns: int, data: bytes, key: bool) -> None:
        """Take a picture: the first of a turn is a keyframe, and times only go forward.

        Raises what `reports` raises, which is nothing.
        """
        if turn != self._turn:
            return
        now = self._now_ns()
        if not now - LATE_NS <= t_ns <= now + EARLY_NS or t_ns < self._last_ns - LATE_NS:
            self._say("The camera's times cannot be: pictures carry the time of their arrival.")
            t_ns = now
        if key:
            self._key_ns = now
        elif self._key_ns is None:
            self._ask_for_keyframe(now)
            return
        elif now - self._key_ns > ASK_AFTER * self._interval_ns:
            self._ask_for_keyframe(now)
            if now - self._key_ns > DEAF_AFTER * self._interval_ns:
                self._say("The encoder makes no keyframes: nothing could be played.")
                return
        t_ns = max(t_ns, self._last_ns + TICK_NS)
        with self._changed:
            if turn != self._turn:
                return
            if self._first_ns is None:
                self._first_ns = t_ns
            self._last_ns = t_ns
        self._seen = True
        self._reports.picture(t_ns, data, key)

    def _ask_for_keyframe(self, now: int) -> None:
        if now - self._asked_ns > self._interval_ns:
            self._asked_ns = now
            self.force_keyframe()


def buffer_count(memory_bytes: int) -> int:
    """Picture buffers that a machine with so much memory can spare; fewer drop more pictures."""
    return 4 if memory_bytes < 1 << 30 else 6


MODELS = {
    "Raspberry Pi Zero 2": "v4l2",
    "Raspberry Pi 3": "v4l2",
    "Raspberry Pi 4": "v4l2",
    "Raspberry Pi Compute Module 4": "v4l2",
    "Raspberry Pi 5": "libav",
    "Raspberry Pi Compute Module 5": "libav",
}
"""Which encoder a model has: the hardware's, or libx264 where there is none."""


def encoder_of(model: str) -> str:
    """`v4l2` or `libav`, from the words of /proc/device-tree/model; DeviceError for others."""
    for name, encoder in MODELS.items():
        if model.startswith(name):
            return encoder
    raise DeviceError(
        f"This machine calls itself '{model[:80]}', for which no video encoder is known.",
        do=f"Use one of: {', '.join(MODELS)}; or name the encoder in the configuration.",
    )
