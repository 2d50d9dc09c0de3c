"""The soundscape, held against what a decoder makes of it."""

import av
import numpy as np
import numpy.typing as npt
import pytest

from bodycam.errors import UsageError
from bodycam_sim.sound import BEEP_NS, SAMPLES, SoundTrack

MS, SECOND = 1_000_000, 1_000_000_000
Frames = list[tuple[int, bytes]]


def decoded(track: SoundTrack, frames: Frames, rate_hz: int) -> npt.NDArray[np.float32]:
    """What a decoder that starts with the first frame gives, one channel."""
    codec = av.AudioCodecContext.create("aac", "r")
    codec.extradata = track.config
    parts = []
    for _, data in frames:
        (frame,) = codec.decode(av.Packet(data))
        assert frame.sample_rate == rate_hz
        assert frame.samples == SAMPLES
        parts.append(frame.to_ndarray()[0].astype(np.float32))
    return np.concatenate(parts)


def beeps(samples: npt.NDArray[np.float32], rate_hz: int) -> list[tuple[int, int]]:
    """Begin and end of each loud stretch, in samples."""
    loud = np.flatnonzero(np.abs(samples) > 0.2)
    cuts = np.flatnonzero(np.diff(loud) > rate_hz // 10)
    begins = [loud[0], *loud[cuts + 1]]
    ends = [*loud[cuts], loud[-1]]
    return [(int(b), int(e)) for b, e in zip(begins, ends, strict=True)]


@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(48_000, 1), (44_100, 2), (32_000, 1), (24_000, 1), (16_000, 2)]
)
def test_decoded_beeps_lie_at_whole_seconds(rate_hz: int, channels: int) -> None:
    track = SoundTrack(rate_hz, channels, seed=3)
    frames = track.frames(SECOND // 2, 3900 * MS)
    found = beeps(decoded(track, frames, rate_hz), rate_hz)
    begins = [frames[0][0] + begin * SECOND // rate_hz for begin, _ in found]
    ends = [frames[0][0] + end * SECOND // rate_hz for _, end in found]
    assert begins == pytest.approx([second * SECOND for second in (1, 2, 3)], abs=2 * MS)
    assert ends == pytest.approx([s * SECOND + BEEP_NS for s in (1, 2, 3)], abs=2 * MS)


def test_frames_carry_their_times_on_one_grid() -> None:
    frames = SoundTrack().frames(SECOND, 2 * SECOND)
    assert [t for t, _ in frames] == [n * SAMPLES * SECOND // 48_000 for n in range(47, 94)]
    assert all(SECOND <= t < 2 * SECOND for t, _ in frames)
    bits = 8 * sum(len(data) for _, data in frames)
    assert 40_000 < bits < 80_000


def test_the_same_stream_comes_out_however_time_is_cut() -> None:
    whole = SoundTrack(seed=1).frames(0, 2 * SECOND)
    track, pieces = SoundTrack(seed=1), Frames()
    for t_ns in range(0, 2 * SECOND, 33 * MS):
        pieces += track.frames(t_ns, min(t_ns + 33 * MS, 2 * SECOND))
        assert track.frames(t_ns, t_ns) == []
    assert pieces == whole


def test_the_stream_goes_on_where_the_street_begins_anew() -> None:
    track = SoundTrack(seed=2)
    for seam_s in (8, 16, 24):
        frames = track.frames(seam_s * SECOND - 500 * MS, seam_s * SECOND + 1500 * MS)
        samples = decoded(track, frames, 48_000)
        begins = [frames[0][0] + begin * SECOND // 48_000 for begin, _ in beeps(samples, 48_000)]
        assert begins == pytest.approx([seam_s * SECOND, (seam_s + 1) * SECOND], abs=2 * MS)
        assert np.abs(samples[: 48_000 * 2 // 5]).max() < 0.1  # nothing clicks before the beep
    second, third = (track.frames(t * SECOND, (t + 8) * SECOND) for t in (8, 16))
    assert [data for _, data in second] == [data for _, data in third]


def test_after_a_jump_a_clean_stream_begins_on_the_same_grid() -> None:
    track = SoundTrack()
    track.frames(0, SECOND // 10)
    after = track.frames(5700 * MS, 6900 * MS)
    assert after == SoundTrack().frames(5700 * MS, 6900 * MS)
    assert after[0][0] % (SAMPLES * SECOND // 48_000) < 1000
    samples = decoded(track, after, 48_000)
    ((begin, _),) = beeps(samples, 48_000)
    assert after[0][0] + begin * SECOND // 48_000 == pytest.approx(6 * SECOND, abs=2 * MS)
    assert np.abs(samples[: 48_000 // 5]).max() < 0.1


def test_the_configuration_is_that_of_aac_lc() -> None:
    assert SoundTrack(48_000, 1).config == b"\x11\x88"
    assert SoundTrack(44_100, 2).config == b"\x12\x10"


def test_the_seed_makes_the_noise() -> None:
    one, other = (SoundTrack(seed=seed).frames(0, SECOND) for seed in (1, 2))
    assert one != other


def test_sound_that_is_not_made_is_refused() -> None:
    for rate_hz, channels in ((48_000, 3), (8_000, 1), (0, 1)):
        with pytest.raises(UsageError, match=str(rate_hz)):
            SoundTrack(rate_hz, channels)
