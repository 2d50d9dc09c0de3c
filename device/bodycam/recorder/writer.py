"""The footage road's end: takes what is ready, muxes, seals, commits, and says what is durable.

The only one that touches the card. An object with short steps and no thread of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bodycam.errors import BodycamError, CardFull, StreamError
from bodycam.media.fmp4 import Fmp4Muxer, SoundFormat
from bodycam.media.packets import Gop
from bodycam.media.ring import End
from bodycam.ports import Clock, Parts
from bodycam.recorder.footage import Begin, Footage, Item
from bodycam.recorder.vault import Recording, Vault, note_body
from bodycam.rules.events import (
    Event,
    Fault,
    FaultRaised,
    FootageDropped,
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


@dataclass(frozen=True, slots=True)
class Format:
    """What the muxer is told; the rest comes from the stream."""

    frame_ns: int
    sound: SoundFormat | None
    bytes_per_minute: int
    """Of footage, nominal: for the minutes left."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the status and the transcript say of the recording that is open."""

    rec: str
    seq: int
    """The newest line."""
    head: str
    durable_ns: int
    """Footage before this is durable."""


@dataclass(slots=True)
class WriterWatch:
    """What others may read of the writer without waiting for it."""

    busy_since_ns: int | None = None
    """When it turned to the card with what it works at now; None while it waits for footage."""
    progress: Progress | None = None


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
    ) -> None:
        """`post` takes what the rules must know; `saved` is told after every commit."""
        self.watch = WriterWatch()
        self._clock = clock
        self._vault = vault
        self._footage = footage
        self._form = form
        self._post = post
        self._saved = saved
        self._recording: Recording | None = None
        self._muxer: Fmp4Muxer | None = None
        self._warned: Warned | None = None
        self._room_minutes: int | None = None

    def step(self, wait_s: float = 0) -> bool:
        """Take what is ready, waiting so long for the first; False where there was nothing."""
        logs, items = self._footage.take(BATCH_GOPS, wait_s)
        self.watch.busy_since_ns = self._clock.now_ns()
        try:
            for log in logs:
                self._log(log)
            self._work(items)
            self._tell_room()
        finally:
            self.watch.busy_since_ns = None
        return bool(logs or items)

    # ---- the lane --------------------------------------------------------------------------------

    def _work(self, items: list[Item]) -> None:
        """One commit for all that belongs to one recording; what fails goes back into the lane."""
        done = 0
        try:
            while done < len(items):
                item = items[done]
                if isinstance(item, Begin):
                    self._open(item.warned, items[done + 1 :])
                    done += 1
                elif isinstance(item, End):
                    self._close()
                    done += 1
                else:
                    done += self._commit(items[done:])
        except Exception as error:
            # Nothing that was taken is lost, whatever it was. The unforeseen goes on to the host.
            self._break(error, items[done:])
            if not isinstance(error, BodycamError):
                raise

    def _open(self, warned: Warned, following: list[Item]) -> None:
        first = next((item for item in following if isinstance(item, Gop)), None)
        self._warned = warned
        self._recording = self._vault.open(warned, first.start_ns if first else None)
        self._muxer = None

    def _commit(self, items: list[Item]) -> int:
        """Commit the GOPs and notes at the head; returns how many items that were."""
        recording = self._recording
        assert recording is not None  # Begin comes first in the lane
        objects: list[tuple[str, Parts]] = []
        gops: list[Gop] = []
        count = 0
        for item in items:
            if isinstance(item, Gop):
                try:
                    objects += self._mux(item)
                except StreamError:
                    if not count:
                        raise
                    break  # what came before is committed first
                gops.append(item)
            elif isinstance(item, Note):
                objects.append(("note", [note_body(item)]))
            else:
                break
            count += 1
        recording.commit(objects)
        self._footage.settle(gops)
        if gops:
            ledger = recording.ledger
            self.watch.progress = Progress(
                recording.id, ledger.seq - 1, ledger.head, gops[-1].end_ns
            )
            self._saved(self.watch.progress)
        return count

    def _mux(self, gop: Gop) -> list[tuple[str, Parts]]:
        """The objects of one GOP. Raises StreamError; the first of a recording is then lost."""
        if self._muxer is not None:
            return [("segment", self._muxer.segment(gop))]
        muxer = Fmp4Muxer(frame_ns=self._form.frame_ns, sound=self._form.sound)
        init = muxer.init(gop)
        segment = muxer.segment(gop)
        self._muxer = muxer
        return [("init", [init]), ("segment", segment)]

    def _close(self) -> None:
        recording = self._recording
        assert recording is not None
        recording.close()
        self._recording = self._muxer = None
        self._post(RecordingSaved(recording.id))

    # ---- what goes wrong -------------------------------------------------------------------------

    def _break(self, error: Exception, left: list[Item]) -> None:
        """The recording ends here; what is left waits for a linked one."""
        if isinstance(error, StreamError) and self._muxer is None:
            self._drop(left)
            return
        why = Why.ERROR
        if isinstance(error, CardFull):
            why = Why.FULL
        elif isinstance(error, StreamError):
            why = Why.STREAM
        if isinstance(left[0], Begin):
            left = left[1:]
        self._footage.put_back(left)
        recording, self._recording, self._muxer = self._recording, None, None
        if recording is not None and why is not Why.ERROR:
            self._end_broken(recording)
        assert self._warned is not None  # Begin comes first in the lane
        self._post(RecordingBroke(why, self._warned))

    def _drop(self, left: list[Item]) -> None:
        """No recording can begin with this GOP: it is lost, and said to be; the next may do."""
        gop, *rest = left
        assert isinstance(gop, Gop)
        self._footage.settle([gop])
        self._post(FootageDropped(gop.start_ns, gop.end_ns, len(gop.video)))
        if rest:
            self._work(rest)

    def _end_broken(self, recording: Recording) -> None:
        """Close what can be closed in the reserve; else the next start recovers it."""
        try:
            recording.close()
        except BodycamError:
            return

    def _log(self, log: Log) -> None:
        """Into the journal; without a journal nothing can be recorded, so a refusal is a fault."""
        details: Mapping[str, object] = dict(log.details)
        try:
            self._vault.log(log.kind, details, log.at_ns)
        except CardFull:
            self._post(FaultRaised(Fault.NO_ROOM))
        except BodycamError:
            self._post(FaultRaised(Fault.CARD_FAILED))

    def _tell_room(self) -> None:
        minutes = -(-self._vault.room_bytes() // self._form.bytes_per_minute)
        if minutes != self._room_minutes:
            self._room_minutes = minutes
            self._post(Room(minutes))
