"""The footage road's end: takes what is ready, muxes, seals, commits, and says what is durable.

The only one that touches the card. An object with short steps and no thread of its own. Nothing
that it was given is lost silently: it is durable, or goes back into the lane, or is reported lost.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bodycam.errors import BodycamError, CardError, CardFull, StreamError
from bodycam.media.fmp4 import Fmp4Muxer, SoundFormat
from bodycam.media.packets import SECOND, Gop
from bodycam.media.ring import End, payload
from bodycam.ports import Clock, Parts
from bodycam.recorder.card_journal import AT_ONCE
from bodycam.recorder.clearance import Tally
from bodycam.recorder.footage import Begin, Footage, Item
from bodycam.recorder.vault import Recording, Vault, note_body
from bodycam.rules.events import (
    Event,
    Fault,
    FaultCleared,
    FaultRaised,
    FootageDropped,
    How,
    Log,
    Note,
    RecordingBroke,
    RecordingSaved,
    Room,
    Warned,
    Why,
)

BATCH_GOPS = 8
"""At most so many GOPs share one folder sync and one line sync; none is ever waited for."""


AGAIN_NS = 2 * SECOND
AGAIN_AT_MOST_NS = 30 * SECOND
"""A card that refused is asked again after 2, 4, 8, … s, and at most so long."""
MAX_SAID = 500
"""Characters of an error in the journal."""


@dataclass(frozen=True, slots=True)
class Format:
    """What the muxer is told; the rest comes from the stream."""

    frame_ns: int
    sound: SoundFormat | None
    bytes_per_minute: int
    """Of footage, nominal: for the minutes left, until footage has been weighed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the status and the transcript say of the recording that is open."""

    rec: str
    seq: int
    """The newest line."""
    head: str
    durable_ns: int
    """Footage before this is durable."""
    line: str = ""
    """The newest line itself, without its newline."""


@dataclass(slots=True)
class WriterWatch:
    """What others may read of the writer without waiting for it."""

    busy_since_ns: int | None = None
    """When it turned to the card with what it works at now; None while it waits for footage."""
    progress: Progress | None = None
    journal: str = ""
    """The journal's newest durable line, without its newline; empty until there is one."""
    tally: Tally | None = None
    """What lies on the card; None until it has been looked at."""


class Rate:
    """How much room a minute of footage takes: what was policy's guess becomes what is seen.

    A mean in which what lies WINDOW_NS of footage back counts for a third.
    """

    WINDOW_NS = 10 * 60 * SECOND
    FIRST_NS = 60 * SECOND
    """The guess counts for so much footage."""

    def __init__(self, bytes_per_minute: int) -> None:
        self._span_ns = float(self.FIRST_NS)
        self._bytes = bytes_per_minute * self._span_ns / (60 * SECOND)

    def add(self, size: int, span_ns: int) -> None:
        """So much footage took so many bytes."""
        left = math.exp(-max(0, span_ns) / self.WINDOW_NS)
        self._span_ns = self._span_ns * left + max(0, span_ns)
        self._bytes = self._bytes * left + size

    @property
    def bytes_per_minute(self) -> int:
        """At least 1."""
        return max(1, round(self._bytes * 60 * SECOND / self._span_ns))


class Writer:
    """Steps are taken by one thread."""

    def __init__(
        self,
        vault: Vault,
        footage: Footage,
        form: Format,
        post: Callable[[Event], None],
        clock: Clock,
        saved: Callable[[Progress], None] = lambda _: None,
        weigh: Callable[[Gop], int] = payload,
        watch: WriterWatch | None = None,
    ) -> None:
        """`post` takes what the rules must know; `saved` is told after every commit."""
        self.watch = watch or WriterWatch()
        self._clock = clock
        self._vault = vault
        self._footage = footage
        self._form = form
        self._post = post
        self._saved = saved
        self._weigh = weigh
        self._rate = Rate(form.bytes_per_minute)
        self._recording: Recording | None = None
        self._muxer: Fmp4Muxer | None = None
        self._warned: Warned | None = None
        self._unopened: Warned | None = None
        self._room_minutes: int | None = None
        self._unforeseen: Exception | None = None
        self._tidying = False
        self._journal_full = False
        self._try_again_ns: int | None = None
        """When a card that refused is asked whether it works again."""
        self._wait_ns = AGAIN_NS

    def step(self, wait_s: float = 0) -> bool:
        """Take what is ready, waiting so long for the first; False where there was nothing.

        Who may wait and has nothing to wait for makes room instead. Raises what nobody foresaw,
        after everything has been put back: steps may go on.
        """
        if self._try_again_ns is not None and self._clock.now_ns() >= self._try_again_ns:
            self._try_again()
        logs, items = self._footage.take(BATCH_GOPS, 0 if self._tidying else wait_s)
        self.watch.busy_since_ns = self._clock.now_ns()
        try:
            for start in range(0, len(logs), AT_ONCE):
                self._log(logs[start : start + AT_ONCE])
            self._work(deque(items))
            self._tell_room()
        finally:
            self.watch.journal = self._vault.journal_line
            self.watch.busy_since_ns = None
            self._footage.done()
        error, self._unforeseen = self._unforeseen, None
        if error is not None:
            raise error
        if logs or items:
            return True
        self._tidying = wait_s > 0 and self.tidy()
        return False

    def tidy(self) -> bool:
        """A small piece of making room on the card; False where there is nothing to do.

        Only while no recording is open, and nothing waits: footage is never held up by it.
        """
        clearance = self._vault.clearance
        if clearance is None or self._recording is not None:
            return False
        self.watch.busy_since_ns = self._clock.now_ns()
        try:
            busy = clearance.step()
            self.watch.tally = clearance.tally
        except CardError as error:
            self._footage.log(Log("room", self._clock.now_ns(), (("error", str(error)),)))
            return False
        else:
            return busy
        finally:
            self.watch.busy_since_ns = None

    # ---- the lane --------------------------------------------------------------------------------

    def _work(self, items: deque[Item]) -> None:
        while items:
            try:
                self._next(items)
            except Exception as error:  # noqa: BLE001  whatever it was, nothing taken is lost
                self._break(error, items)
                return

    def _next(self, items: deque[Item]) -> None:
        """Do what is at the head; it is taken away when it has been done."""
        head, recording = items[0], self._recording
        if isinstance(head, Begin):
            self._open(head.warned, items)
            items.popleft()
        elif isinstance(head, Note) and recording is None:
            self._log([Log(head.kind, head.at_ns, head.details)])
            items.popleft()
        else:
            assert recording is not None  # Begin comes first in the lane
            if isinstance(head, End):
                self._close(recording)
                items.popleft()
            else:
                self._commit(recording, items)

    def _open(self, warned: Warned, items: Iterable[Item]) -> None:
        if self._unopened is not None and warned.how is How.CONTINUED:
            warned = self._unopened  # nothing has been begun that this could continue
        first = next((item.start_ns for item in items if isinstance(item, Gop)), None)
        self._warned = warned
        before = self._vault.last_opened
        try:
            self._recording = self._vault.open(warned, first)
        except BodycamError:
            self._unopened = warned if self._vault.last_opened == before else None
            raise
        self._unopened = None

    def _commit(self, recording: Recording, items: deque[Item]) -> None:
        """Commit the GOPs and notes at the head, as many as can share their syncs."""
        objects: list[tuple[str, Parts]] = []
        done: list[Gop | Note] = []
        for item in items:
            if not isinstance(item, Gop | Note):
                break
            try:
                objects += self._objects(item)
            except StreamError:
                if done:
                    break  # what came before is committed first
                if self._muxer is not None:
                    raise
                self._lose(items)
                return
            done.append(item)
        recording.commit(objects)
        gops = [item for item in done if isinstance(item, Gop)]
        self._footage.settle(gops)
        for _ in done:
            items.popleft()
        for gop in gops:
            self._rate.add(self._weigh(gop), gop.end_ns - gop.start_ns)
        if gops:
            self._wait_ns = AGAIN_NS
            ledger = recording.ledger
            progress = Progress(
                recording.id, ledger.seq - 1, ledger.head, gops[-1].end_ns, recording.line
            )
            self.watch.progress = progress
            self._saved(progress)

    def _objects(self, item: Gop | Note) -> list[tuple[str, Parts]]:
        """What is to be sealed of an item. Raises StreamError."""
        if isinstance(item, Note):
            return [("note", [note_body(item)])]
        try:
            if self._muxer is not None:
                return [("segment", self._muxer.segment(item))]
            muxer = Fmp4Muxer(frame_ns=self._form.frame_ns, sound=self._form.sound)
            init, segment = muxer.init(item), muxer.segment(item)
        except StreamError:
            raise
        except Exception as error:
            # An encoder can deliver anything: one GOP must not stand in the way of all others.
            raise StreamError(f"The muxer failed: {type(error).__name__}: {error}") from error
        self._muxer = muxer
        return [("init", [init]), ("segment", segment)]

    def _close(self, recording: Recording) -> None:
        recording.close()
        self._recording = self._muxer = None
        self._count_one()
        self._post(RecordingSaved(recording.id))

    def _count_one(self) -> None:
        """While the next one is open nobody looks at the card, and the status is to be true."""
        if self._vault.clearance is not None:
            self._vault.clearance.count_one()
            self.watch.tally = self._vault.clearance.tally

    # ---- what goes wrong -------------------------------------------------------------------------

    def _lose(self, items: deque[Item]) -> None:
        """No recording can begin with this GOP: it is lost, and said to be; the next may do."""
        gop = items.popleft()
        assert isinstance(gop, Gop)
        self._footage.settle([gop])
        self._post(FootageDropped(gop.start_ns, gop.end_ns, len(gop.video)))

    def _break(self, error: Exception, left: deque[Item]) -> None:
        """The recording ends here; what is left waits for a linked one."""
        why = Why.ERROR
        if isinstance(error, CardFull):
            why = Why.FULL
        elif isinstance(error, StreamError):
            why = Why.STREAM
        if not isinstance(error, BodycamError):
            self._unforeseen = error
        recording, self._recording, self._muxer = self._recording, None, None
        ended = isinstance(left[0], End)
        if ended or isinstance(left[0], Begin):
            left.popleft()
        self._footage.put_back(left, ended=ended)
        if recording is not None and recording.whole:
            # In the reserve there is room for it; what cannot be closed is recovered at start.
            with suppress(BodycamError):
                recording.close()
        if recording is not None:
            self._count_one()
        said = f"{type(error).__name__}: {error}"[:MAX_SAID]
        self._footage.log(Log("writer", self._clock.now_ns(), (("error", said),)))
        self._room_minutes = None  # the rules wait for what the card says after this
        if isinstance(error, CardError) and why is Why.ERROR and self._try_again_ns is None:
            self._try_again_ns = self._clock.now_ns() + self._wait_ns
        assert self._warned is not None  # Begin comes first in the lane
        self._post(RecordingBroke(why, self._warned))

    def _log(self, logs: Sequence[Log]) -> None:
        """Into the journal; without one nothing can be recorded, so a refusal is a fault.

        What it refuses waits, and is tried again.
        """
        if not logs:
            return
        before = self._vault.journal_seq
        try:
            self._vault.log_all(logs)
        except CardFull:
            self._journal_full = True
            self._footage.hold_logs(logs)
            self._fails(Fault.NO_ROOM)
        except CardError:
            # Lines that failed are written with the journal's next ones.
            self._footage.hold_logs(logs if self._vault.journal_seq == before else ())
            self._fails(Fault.CARD_FAILED)
        except Exception as error:  # noqa: BLE001  `step` raises it when all else is done
            if len(logs) > 1:  # one of them cannot be written, the others can
                for log in logs:
                    self._log([log])
            else:
                self._unforeseen = error
        else:
            if self._journal_full:
                self._journal_full = False
                self._room_minutes = None
                self._post(FaultCleared(Fault.NO_ROOM))

    def _fails(self, fault: Fault) -> None:
        """The card has refused: the rules are told, and it is tried again before long."""
        self._post(FaultRaised(fault))
        if self._try_again_ns is None:
            self._try_again_ns = self._clock.now_ns() + self._wait_ns

    def _try_again(self) -> None:
        """Whether the card works again; while it does not, it is asked ever more seldom."""
        self._footage.release_logs()
        now = self._clock.now_ns()
        self.watch.busy_since_ns = now
        try:
            self._vault.probe()
        except CardFull:
            pass  # what is full has not failed
        except CardError:
            self._wait_ns = min(2 * self._wait_ns, AGAIN_AT_MOST_NS)
            self._try_again_ns = now + self._wait_ns
            return
        finally:
            self.watch.busy_since_ns = None
        self._try_again_ns = None
        self._post(FaultCleared(Fault.CARD_FAILED))

    def _tell_room(self) -> None:
        try:
            minutes = -(-self._vault.room_bytes() // self._rate.bytes_per_minute)
        except CardError:
            self._fails(Fault.CARD_FAILED)
            return
        if self._journal_full:
            minutes = 0
        if minutes != self._room_minutes:
            self._room_minutes = minutes
            self._post(Room(minutes))
