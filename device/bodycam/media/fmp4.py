"""GOPs become the init segment and the segments of a fragmented MP4, each when it is complete.

The law of this file: every picture keeps its own time and its own bytes. Times come from the
packets, never from counting frames; a segment needs nothing but the init segment to be played; a
GOP that cannot be written is refused as a whole and changes nothing.

Time zero is the first picture of the recording. Pictures are written in the order in which they
come: B pictures are refused.
"""

from dataclasses import dataclass
from itertools import pairwise

from bodycam.errors import StreamChanged, StreamError
from bodycam.media import boxes
from bodycam.media.boxes import AAC_FRAME, DELTA_FLAGS, KEY_FLAGS, Run, TrackHead
from bodycam.media.h264 import ParameterSets, parameter_sets, split
from bodycam.media.packets import SECOND, Gop
from bodycam.ports import Buffer

GAP_US = 1_000_000
"""A picture never lasts longer at a GOP's end: it keeps the nominal length, and time jumps."""
BACK_US = 1_000_000
"""A picture that is late by less is put one tick after the one before; by more, it is refused."""
SOUND_SLACK_MS = 10
"""Sound runs on without a seam while its packets' own times are no further off."""
SOUND_ASTRAY_NS = 60 * SECOND
"""No sound is further from the GOP that it came with; a time beyond is taken as this far away."""

_TICK_NS = SECOND // boxes.VIDEO_HZ
_MAX_TICKS = (1 << 32) - 1
_AAC_RATES_HZ = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """AAC-LC, mono or stereo, at 8000 to 48000 Hz; raises StreamError for anything else."""

    rate_hz: int
    channels: int

    def __post_init__(self) -> None:
        if self.rate_hz not in _AAC_RATES_HZ[3:] or self.channels not in (1, 2):
            raise StreamError(
                f"Sound of {self.channels} channels at {self.rate_hz} Hz cannot be written.",
                do="Use 1 or 2 channels and a rate of AAC from 8000 to 48000 Hz.",
            )

    @property
    def specific(self) -> bytes:
        """The AudioSpecificConfig (ISO/IEC 14496-3): object type 2, rate, channels."""
        return (2 << 11 | _AAC_RATES_HZ.index(self.rate_hz) << 7 | self.channels << 3).to_bytes(2)


class Fmp4Muxer:
    """Writes one recording: `init` once, then `segment` for every GOP in order.

    `frame_ns` is the nominal length of a picture. Without a `sound` format sound is left out.
    """

    def __init__(self, *, frame_ns: int, sound: SoundFormat | None) -> None:
        self._nominal = max(1, frame_ns // _TICK_NS)
        self._sound = sound
        self._sets: ParameterSets | None = None
        self._zero_ns = 0
        self._sequence = 0
        self._several = False  # pictures of several slices, or with something behind the slice
        self._last = -1  # time of the last picture
        self._sound_last: int | None = None  # time of the last frame of sound

    def init(self, first: Gop) -> bytes:
        """The init segment, with SPS and PPS from the GOP whose first picture is time zero.

        Raises StreamError where they are missing or unusable.
        """
        sets = parameter_sets(packet.data for packet in first.video)
        size = sets.width, sets.height
        entry = boxes.avc1(*size, sets.configuration())
        tracks = [TrackHead(boxes.VIDEO_TRACK, boxes.VIDEO_HZ, entry, self._nominal, size)]
        if self._sound:
            rate_hz, channels = self._sound.rate_hz, self._sound.channels
            entry = boxes.mp4a(rate_hz, channels, self._sound.specific)
            tracks.append(TrackHead(boxes.SOUND_TRACK, rate_hz, entry, AAC_FRAME))
        self._sets, self._zero_ns = sets, first.start_ns
        return boxes.init_segment(tracks)

    def segment(self, gop: Gop) -> list[Buffer]:
        """One `moof` and `mdat`, as parts to be joined: the whole of a complete GOP.

        A picture whose time does not advance is put one tick after the one before it.
        Raises StreamChanged where SPS or PPS are not those of the init segment: a new recording
        must begin with this GOP. Raises StreamError where a picture is unreadable or its time goes
        back by more than a second, and where there is no picture at all.
        """
        if self._sets is None:
            raise StreamError("There is no init segment yet.", do="Call init with the first GOP.")
        pictures, parts, last, several = self._pictures(gop, self._sets)
        runs = [pictures]
        frames = self._frames(gop, self._sound.rate_hz) if self._sound else []
        if frames:
            lengths = [after[0] - at[0] for at, after in pairwise(frames)] + [AAC_FRAME]
            sound = [(ticks, len(data)) for ticks, (_, data) in zip(lengths, frames, strict=True)]
            runs.append(Run(boxes.SOUND_TRACK, frames[0][0], sound))
            parts += [data for _, data in frames]
            self._sound_last = frames[-1][0]
        self._last, self._several = last, several
        self._sequence += 1
        return [boxes.segment_head(self._sequence, runs), *parts]

    def _pictures(self, gop: Gop, sets: ParameterSets) -> tuple[Run, list[Buffer], int, bool]:
        """The run of pictures, its bytes, the last time, and whether one had several slices.

        The first GOP and the first picture of every GOP are searched to their end; while those are
        of one slice, the others are taken to be so too.
        """
        several, last = self._several, self._last
        whole = self._sequence == 0
        times: list[int] = []
        samples: list[tuple[int, int]] = []
        parts: list[Buffer] = []
        for packet in gop.video:
            picture = split(packet.data, whole=whole or several or not times)
            for unit in picture.sets:
                if unit not in sets:
                    raise StreamChanged(
                        "The encoder changed its SPS or PPS.", do="Begin a new recording."
                    )
            several = several or not picture.plain
            if not picture.slices:
                continue
            at = (packet.t_ns - self._zero_ns) // _TICK_NS
            if at < last - BACK_US or (times and at > last + _MAX_TICKS):
                raise StreamError(
                    f"The time of a picture jumps by {(at - last) / boxes.VIDEO_HZ:.1f} s.",
                    do="Restart the camera.",
                )
            last = max(at, last + 1)
            size = 0
            data = memoryview(packet.data)
            for begin, end in picture.slices:
                parts += [(end - begin).to_bytes(4), data[begin:end]]
                size += 4 + end - begin
            times.append(last)
            samples.append((size, KEY_FLAGS if picture.idr else DELTA_FLAGS))
        if not times:
            raise StreamError("A GOP holds no picture.", do="Restart the camera.")
        rest = (gop.end_ns - self._zero_ns) // _TICK_NS - last
        lengths = [after - at for at, after in pairwise(times)]
        lengths.append(rest if 0 < rest <= GAP_US else self._nominal)
        rows = [(ticks, *sample) for ticks, sample in zip(lengths, samples, strict=True)]
        return Run(boxes.VIDEO_TRACK, times[0], rows), parts, last, several

    def _frames(self, gop: Gop, rate_hz: int) -> list[tuple[int, bytes]]:
        """Time in samples and bytes of each frame of sound; those before time zero are left out."""
        early, late = gop.start_ns - SOUND_ASTRAY_NS, gop.start_ns + SOUND_ASTRAY_NS
        slack = rate_hz * SOUND_SLACK_MS // 1000
        last = self._sound_last
        frames = []
        for packet in gop.sound:
            t_ns = min(max(packet.t_ns, early), late) - self._zero_ns
            own = t_ns * rate_hz // SECOND
            if own < 0 or not packet.data:
                continue
            if last is None:
                last = own
            elif abs(own - last - AAC_FRAME) <= slack:
                last += AAC_FRAME
            else:
                last = max(own, last + 1)
            frames.append((last, packet.data))
        return frames
