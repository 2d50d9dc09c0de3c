"""The muxer, held against ffprobe and PyAV: what was recorded is what is played."""

import io
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycam.errors import StreamChanged, StreamError
from bodycam.media.fmp4 import Fmp4Muxer, SoundFormat
from bodycam.media.packets import SECOND, Gop, Packet, Track
from streams import FRAME_NS, SOUND_HZ, START_NS, decoded, film, gops, hum, played

FRAME_US = FRAME_NS // 1000
SOUND = SoundFormat(SOUND_HZ, 1)
INCIDENT = film("IPPPPP" * 5)


def muxer(sound: SoundFormat | None = None) -> Fmp4Muxer:
    return Fmp4Muxer(frame_ns=FRAME_NS, sound=sound)


def muxed(recording: Sequence[Gop], sound: SoundFormat | None = None) -> list[bytes]:
    """The init segment and all segments."""
    mux = muxer(sound)
    return [mux.init(recording[0]), *(b"".join(mux.segment(gop)) for gop in recording)]


def times_us(video: Sequence[Packet]) -> list[int]:
    return [(packet.t_ns - video[0].t_ns) // 1000 for packet in video]


def probed(mp4: bytes, track: Track = Track.VIDEO) -> list[dict[str, Any]]:
    """The packets of a track as Debian's ffprobe sees them; it has nothing to complain of."""
    stream = {Track.VIDEO: "v", Track.SOUND: "a"}[track]
    command = ["ffprobe", "-v", "warning", "-select_streams", stream, "-show_packets"]
    done = subprocess.run(
        [*command, "-of", "json", "-"], input=mp4, capture_output=True, check=True, timeout=60
    )
    assert done.stderr == b""
    packets = json.loads(done.stdout)["packets"]
    assert all(packet["pts"] == packet["dts"] for packet in packets)
    return list(packets)


def column(packets: Sequence[dict[str, Any]], name: str) -> list[int]:
    return [int(packet[name]) for packet in packets]


def tree(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Every box with its path; sizes must add up exactly."""
    while data:
        size, kind = int.from_bytes(data[:4]), data[4:8].decode()
        assert 8 <= size <= len(data)
        yield kind, data[8:size]
        if kind in ("moov", "trak", "mdia", "minf", "dinf", "stbl", "mvex", "moof", "traf"):
            for path, body in tree(data[8:size]):
                yield f"{kind}/{path}", body
        data = data[size:]


def slices(data: bytes) -> bytes:
    """What an MP4 sample must be: each slice behind its length. Not the way the product does it."""
    nals = [n for n in re.split(rb"\x00*\x00\x00\x01", data) if n and 1 <= n[0] & 31 <= 5]
    return b"".join(len(nal).to_bytes(4) + nal for nal in nals)


def demuxed(mp4: bytes, kind: str = "video") -> list[tuple[int, int, bytes]]:
    """Time, length in ticks, and bytes of every sample, as PyAV sees them."""
    with av.open(io.BytesIO(mp4), "r") as file:
        (stream,) = file.streams.get({kind: 0})
        packets = [p for p in file.demux(stream) if p.size]
        return [(p.pts or 0, p.duration or 0, bytes(p)) for p in packets]


def samples(mp4: bytes, kind: str) -> list[bytes]:
    return [data for *_, data in demuxed(mp4, kind)]


# -- pictures --------------------------------------------------------------------------------------

STREAMS = {
    "plain": INCIDENT,
    "only keyframes": film("IIII"),
    "one picture": film("I"),
    "access unit delimiters": film("IPPIPP", x264="aud=1"),
    "several slices": film("IPPIPP", x264="slices=4:aud=1"),
    "high profile": film("IPPPIPPP", x264="cabac=1:8x8dct=1"),
    "odd size": film("IPPIP", width=162, height=98),
    "timing messages": film("IPPIPP", x264="nal-hrd=vbr:vbv-maxrate=400:vbv-bufsize=400"),
    "not always a picture": film("IPP..PPI.P.PI"),
}


@pytest.fixture(params=list(STREAMS))
def video(request: pytest.FixtureRequest) -> tuple[Packet, ...]:
    return STREAMS[request.param]


def test_every_picture_is_played_at_its_own_time(video: tuple[Packet, ...]) -> None:
    mp4 = b"".join(muxed(gops(video)))
    assert played(mp4) == list(zip(times_us(video), decoded(video), strict=True))
    assert len(set(decoded(video))) == len(video)


def test_ffprobe_finds_every_picture_its_bytes_and_no_gap(video: tuple[Packet, ...]) -> None:
    mp4 = b"".join(muxed(gops(video)))
    packets = probed(mp4)
    assert column(packets, "pts") == times_us(video)
    assert [packet["flags"][0] == "K" for packet in packets] == [p.key for p in video]
    # ffprobe 5 shows the nominal length of every sample in any fragmented file; PyAV the true one
    shown = [(pts, pts + length) for pts, length, _ in demuxed(mp4)]
    assert all(end == begin for (_, end), (begin, _) in pairwise(shown))
    assert shown[-1][1] == (video[-1].t_ns + FRAME_NS - START_NS) // 1000
    assert samples(mp4, "video") == [slices(packet.data) for packet in video]


def test_any_prefix_plays_and_so_does_any_segment_alone(video: tuple[Packet, ...]) -> None:
    recording = gops(video)
    init, *segments = muxed(recording)
    wanted = iter(zip(times_us(video), decoded(video), strict=True))
    prefix, so_far = init, []
    for gop, segment in zip(recording, segments, strict=True):
        alone = [next(wanted) for _ in gop.video]
        assert played(init + segment) == alone
        prefix += segment
        so_far += alone
        assert played(prefix) == so_far


def test_the_file_names_size_codec_and_brands() -> None:
    sound = hum(0.1, rate_hz=44_100, channels=2)
    recording = gops(film("IP", width=162, height=98), sound)
    mp4 = b"".join(muxed(recording, SoundFormat(44_100, 2)))
    command = ["ffprobe", "-v", "warning", "-show_streams", "-show_format", "-of", "json", "-"]
    done = subprocess.run(command, input=mp4, capture_output=True, check=True, timeout=60)
    report = json.loads(done.stdout)
    picture, sound = report["streams"]
    assert (picture["codec_name"], picture["width"], picture["height"]) == ("h264", 162, 98)
    assert picture["time_base"] == "1/1000000"
    assert "side_data_list" not in picture
    assert (sound["codec_name"], sound["profile"]) == ("aac", "LC")
    assert (sound["sample_rate"], sound["channels"]) == ("44100", 2)
    assert sound["time_base"] == "1/44100"
    assert report["format"]["tags"]["major_brand"] == "iso6"
    assert report["format"]["tags"]["compatible_brands"] == "iso6isommp41"


def test_the_boxes_are_those_of_the_standard() -> None:
    init, first, second = muxed(gops(film("IPIPP"), hum(0.2)), SOUND)
    assert [kind for kind, _ in tree(init) if "/" not in kind] == ["ftyp", "moov"]
    head = dict(tree(init))
    assert len(head["moov/trak/tkhd"]) == 84
    assert len(head["moov/mvhd"]) == 100
    for number, segment in enumerate((first, second), 1):
        assert [kind for kind, _ in tree(segment) if "/" not in kind] == ["moof", "mdat"]
        assert dict(tree(segment))["moof/mfhd"] == bytes(4) + number.to_bytes(4)
        bases = [body[:4] for kind, body in tree(segment) if kind == "moof/traf/tfhd"]
        assert bases == [(0x02_0000).to_bytes(4)] * 2  # default-base-is-moof


MATRIX = "00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000"
"""The unity matrix of ISO/IEC 14496-12, 8.2.2.2."""
NO_TIMES = "00000000 00000000"
"""Made and changed: nothing of the time of day."""


def nal(data: bytes, kind: int) -> bytes:
    """The stream's own SPS (7) or PPS (8)."""
    return next(n for n in re.split(rb"\x00*\x00\x00\x01", data) if n and n[0] & 31 == kind)


def test_the_init_segment_is_that_of_the_standard_field_by_field() -> None:
    video, sound = film("IP", width=162, height=98), hum(0.1)
    init = muxer(SOUND).init(gops(video, sound)[0])
    sps, pps = nal(video[0].data, 7), nal(video[0].data, 8)
    avcc = (
        b"\x01" + sps[1:4] + b"\xff\xe1"  # lengths of 4 bytes, one SPS
        + len(sps).to_bytes(2) + sps + b"\x01" + len(pps).to_bytes(2) + pps
    )  # fmt: skip
    avc1 = (
        f"{86 + 8 + len(avcc):08x} 61766331 000000000000 0001 {'00' * 16}"
        f"00a2 0062 00480000 00480000 00000000 0001 {'00' * 32} 0018 ffff"
        f"{8 + len(avcc):08x} 61766343 {avcc.hex()}"
    )
    esds = (
        "00000027 65736473 00000000"
        "03 19 0002 00"  # ES_Descriptor: track 2, nothing optional
        "04 11 40 15 000000 00000000 00000000"  # MPEG-4 audio, an audio stream, no bit rates
        "05 02 1188"  # AAC-LC, 48 kHz, one channel
        "06 01 02"  # as MP4 files want it
    )
    mp4a = f"0000004b 6d703461 000000000000 0001 {'00' * 8} 0001 0010 00000000 bb800000 {esds}"
    tables = [("stts", NO_TIMES), ("stsc", NO_TIMES), ("stsz", f"{NO_TIMES} 00000000")]
    tables += [("stco", NO_TIMES)]
    here = "00000000 00000001 0000000c 75726c20 00000001"  # one source: this file
    wanted = [
        ("ftyp", b"iso6\0\0\0\0iso6isommp41".hex()),
        (
            "moov/mvhd",
            f"00000000 {NO_TIMES} 000f4240 00000000 00010000 0100 0000 {NO_TIMES}"
            f"{MATRIX} {'00' * 24} 00000003",
        ),
    ]
    for number, volume, size, hz, handler, head, entry in (
        ("00000001", "0000", "00a20000 00620000", "000f4240", b"vide", "vmhd", avc1),
        ("00000002", "0100", "00000000 00000000", "0000bb80", b"soun", "smhd", mp4a),
    ):
        name = {b"vide": b"Picture\0", b"soun": b"Sound\0"}[handler]
        wanted += [
            (
                "moov/trak/tkhd",  # flags: enabled, and in the movie
                f"00000003 {NO_TIMES} {number} 00000000 00000000 {NO_TIMES}"
                f"0000 0000 {volume} 0000 {MATRIX} {size}",
            ),
            ("moov/trak/mdia/mdhd", f"00000000 {NO_TIMES} {hz} 00000000 55c4 0000"),
            (
                "moov/trak/mdia/hdlr",
                f"00000000 00000000 {handler.hex()} {'00' * 12} {name.hex()}",
            ),
            (
                f"moov/trak/mdia/minf/{head}",
                f"00000001 {NO_TIMES}" if head == "vmhd" else "00000000 00000000",
            ),
            ("moov/trak/mdia/minf/dinf/dref", here),
            ("moov/trak/mdia/minf/stbl/stsd", f"00000000 00000001 {entry}"),
            *((f"moov/trak/mdia/minf/stbl/{kind}", body) for kind, body in tables),
        ]
    for number, ticks in (("00000001", FRAME_US), ("00000002", 1024)):
        trex = f"00000000 {number} 00000001 {ticks:08x} 00000000 02000000"
        wanted.append(("moov/mvex/trex", trex))
    leaves = [(path, body) for path, body in tree(init) if path not in OUTER]
    assert leaves == [(path, bytes.fromhex(body)) for path, body in wanted]


OUTER = {
    *("moov", "moov/trak", "moov/trak/mdia", "moov/trak/mdia/minf", "moov/trak/mdia/minf/dinf"),
    *("moov/trak/mdia/minf/stbl", "moov/mvex"),
}


def test_a_segment_is_that_of_the_standard_field_by_field() -> None:
    video = film("IPPIP")
    recording = gops(video, hum(0.3))
    third, fourth = times_us(video)[3:]
    end = (video[-1].t_ns + FRAME_NS - START_NS) // 1000
    init, _, segment = muxed(recording, SOUND)
    gop = recording[1]
    pictures = [slices(packet.data) for packet in gop.video]
    sound = [packet.data for packet in gop.sound]
    assert len(sound) > 1
    found = list(tree(segment))
    (size,) = [8 + len(body) for path, body in found if path == "moof"]
    at = size + 8
    frames = [packet for packet in recording[0].sound if packet.t_ns >= START_NS]
    rows = [f"{fourth - third:08x} {len(pictures[0]):08x} 02000000"]
    rows += [f"{end - fourth:08x} {len(pictures[1]):08x} 01010000"]
    wanted = [
        ("moof/mfhd", "00000000 00000002"),
        ("moof/traf/tfhd", "00020000 00000001"),
        ("moof/traf/tfdt", f"01000000 {third:016x}"),
        ("moof/traf/trun", f"00000701 00000002 {at:08x} {' '.join(rows)}"),
        ("moof/traf/tfhd", "00020000 00000002"),
        ("moof/traf/tfdt", f"01000000 {len(frames) * 1024:016x}"),
        (
            "moof/traf/trun",
            f"00000301 {len(sound):08x} {at + sum(map(len, pictures)):08x}"
            + " ".join(f"00000400 {len(data):08x}" for data in sound),
        ),
        ("mdat", b"".join(pictures + sound).hex()),
    ]
    leaves = [(path, body) for path, body in found if path not in ("moof", "moof/traf")]
    assert leaves == [(path, bytes.fromhex(body)) for path, body in wanted]
    assert played(init + segment)


@pytest.mark.parametrize(
    ("rate_hz", "channels", "specific"),
    [(48_000, 1, "1188"), (44_100, 2, "1210"), (16_000, 1, "1408"), (8_000, 2, "1590")],
)
def test_sound_is_described_as_the_standard_of_aac_does(
    rate_hz: int, channels: int, specific: str
) -> None:
    assert SoundFormat(rate_hz, channels).specific == bytes.fromhex(specific)


def test_parts_are_the_packets_own_memory() -> None:
    mux = muxer()
    (gop,) = gops(film("IPP"))
    mux.init(gop)
    views = [part for part in mux.segment(gop) if isinstance(part, memoryview)]
    assert [view.obj for view in views] == [packet.data for packet in gop.video]


def test_parameter_sets_may_be_missing_later() -> None:
    first, *rest = INCIDENT
    bare = [replace(p, data=b"\0\0\0\1" + slices(p.data)[4:]) for p in rest]
    assert b"".join(muxed(gops([first, *bare]))) == b"".join(muxed(gops(INCIDENT)))


def test_a_header_in_a_packet_of_its_own_is_no_picture() -> None:
    video = film("IPP")
    at = video[0].data.index(b"\0\0\1\x65")
    header = Packet(Track.VIDEO, START_NS - FRAME_NS, video[0].data[:at], key=True)
    picture = replace(video[0], data=b"\0" + video[0].data[at:])
    (gop,) = gops(video)
    mp4 = b"".join(muxed([replace(gop, video=(header, picture, *video[1:]))]))
    expected = zip([t + FRAME_US for t in times_us(video)], decoded(video), strict=True)
    assert played(mp4) == list(expected)


def test_a_gop_that_was_cut_goes_on_without_a_keyframe() -> None:
    video = film("IPPPPPIPP")
    parts = [video[:2], video[2:5], video[5:6], video[6:]]
    cut = [Gop(p, (), p[-1].t_ns + FRAME_NS) for p in parts]
    assert [gop.key for gop in cut] == [True, False, False, True]
    mp4 = b"".join(muxed(cut))
    assert played(mp4) == list(zip(times_us(video), decoded(video), strict=True))
    assert [packet["flags"][0] for packet in probed(mp4)] == list("K_____K__")


FILLER = b"\0\0\0\1\x0c" + b"\xff" * 400 + b"\x80"


@pytest.mark.parametrize("gop", [0, 1])
@pytest.mark.parametrize("place", [0, 2])
def test_filler_is_left_out_wherever_it_begins(gop: int, place: int) -> None:
    video = film("IPPPIPPP")
    odd = gop * 4 + place
    filled = [replace(p, data=p.data + FILLER) if n >= odd else p for n, p in enumerate(video)]
    assert b"".join(muxed(gops(filled))) == b"".join(muxed(gops(video)))


def test_several_slices_from_a_later_keyframe_on_are_found() -> None:
    one, four = film("IPPP"), film("IPPPIPPP", x264="slices=4")[4:]
    mp4 = b"".join(muxed(gops([*one, *four])))
    assert samples(mp4, "video") == [slices(packet.data) for packet in [*one, *four]]


# -- times -----------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.lists(st.integers(1_000, 900_000_000), min_size=30, max_size=30))
def test_variable_times_are_kept_to_the_microsecond(steps_ns: list[int]) -> None:
    t_ns = START_NS
    video = []
    for packet, step_ns in zip(INCIDENT, steps_ns, strict=True):
        video.append(replace(packet, t_ns=t_ns))
        t_ns += step_ns
    recording = [
        replace(gop, end_ns=following.start_ns)
        for gop, following in pairwise([*gops(video), Gop((replace(video[0], t_ns=t_ns),), (), 0)])
    ]
    mp4 = b"".join(muxed(recording))
    packets = [(pts, length) for pts, length, _ in demuxed(mp4)]
    times = [*times_us(video), (t_ns - START_NS) // 1000]
    assert packets == [(a, b - a) for a, b in pairwise(times)]


def test_a_gap_between_gops_is_a_jump_and_no_long_picture() -> None:
    first, second = gops(film("IPP..........IPP"))
    mp4 = b"".join(muxed([first, second]))
    assert column(probed(mp4), "pts") == times_us([*first.video, *second.video])
    assert last_length(first) == FRAME_US


def joined(mux: Fmp4Muxer, gop: Gop) -> bytes:
    return b"".join(mux.segment(gop))


def last_length(gop: Gop) -> int:
    return demuxed(b"".join(muxed([gop])))[-1][1]


@pytest.mark.parametrize(
    ("length_ns", "length_us"),
    [
        (1_000, 1),
        (50_000_000, 50_000),
        (SECOND, 1_000_000),
        (SECOND + 1_000, FRAME_US),
        (3600 * SECOND, FRAME_US),
        (0, FRAME_US),
        (-SECOND, FRAME_US),
    ],
)
def test_the_last_picture_lasts_to_the_end_unless_that_cannot_be(
    length_ns: int, length_us: int
) -> None:
    (gop,) = gops(film("IPP"))
    # 66.666666 ms after time zero: whole microseconds from there on
    video = (*gop.video[:2], replace(gop.video[2], t_ns=START_NS + 66_666_000))
    end_ns = video[-1].t_ns + length_ns
    assert last_length(replace(gop, video=video, end_ns=end_ns)) == length_us


def test_a_camera_without_a_nominal_length_still_moves_on() -> None:
    (gop,) = gops(film("IP"))
    mux = Fmp4Muxer(frame_ns=0, sound=None)
    mp4 = mux.init(gop) + joined(mux, replace(gop, end_ns=0))
    assert len(played(mp4)) == 2
    assert demuxed(mp4)[-1][1] == 1


def test_times_that_do_not_advance_are_put_one_tick_on() -> None:
    video = list(film("IPPPIPP"))
    for number in (2, 4, 5):  # repeated, at the start of a GOP, and a little late
        video[number] = replace(video[number], t_ns=video[number - 1].t_ns - (number == 5) * 500)
    mp4 = b"".join(muxed(gops(video)))
    last = times_us(video)[3]
    wanted = [0, FRAME_US, FRAME_US + 1, last, last + 1, last + 2, times_us(video)[6]]
    assert column(probed(mp4), "pts") == wanted
    assert [picture for _, picture in played(mp4)] == decoded(video)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_the_camera_s_clock_may_not_go_back(place: int) -> None:
    video = list(film("IPIP"))
    for ns, refused in ((SECOND + 34_000_000, True), (SECOND - 2_000, False)):
        late = [*video]
        late[place] = replace(video[place], t_ns=video[place - 1].t_ns - ns)
        first, second = gops(late)
        mux = muxer()
        mux.init(first)
        if refused:
            with pytest.raises(StreamError, match=r"jumps by -1\.0 s"):
                _ = [mux.segment(first), mux.segment(second)]
        else:
            assert len(played(b"".join(muxed([first, second])))) == 4


def test_no_picture_can_last_longer_than_a_file_can_say() -> None:
    first, second = gops(film("IPI"))
    far = replace(first.video[1], t_ns=START_NS + 4295 * SECOND)
    mux = muxer()
    mux.init(first)
    with pytest.raises(StreamError, match="jumps by 4295"):
        mux.segment(replace(first, video=(first.video[0], far)))
    longest = replace(first.video[1], t_ns=START_NS + ((1 << 32) - 1) * 1000)
    other = muxer()
    mp4 = other.init(first) + joined(other, replace(first, video=(first.video[0], longest)))
    assert demuxed(mp4)[0][1] == (1 << 32) - 1
    mux.segment(first)
    later = replace(second.video[0], t_ns=far.t_ns * 100)
    assert joined(mux, replace(second, video=(later,)))  # between segments any time may pass


# -- refusals --------------------------------------------------------------------------------------


def test_without_parameter_sets_there_is_no_beginning() -> None:
    video = film("IPP")
    bare = replace(video[0], data=b"\0\0\0\1" + slices(video[0].data)[4:])
    with pytest.raises(StreamError, match="without SPS and PPS") as refusal:
        muxer().init(gops([bare, *video[1:]])[0])
    assert not isinstance(refusal.value, StreamChanged)
    with pytest.raises(StreamError):
        muxer().init(Gop((), (), 0))


def test_a_segment_needs_an_init_segment() -> None:
    with pytest.raises(StreamError, match="no init segment"):
        muxer().segment(gops(INCIDENT)[0])


def one_bad(video: tuple[Packet, ...], data: bytes) -> tuple[Packet, ...]:
    return (*video[:-1], replace(video[-1], data=data))


@pytest.mark.parametrize(
    ("bad", "error", "why"),
    [
        (film("IPP", width=160), StreamChanged, "changed its SPS or PPS"),
        (film("IPP", x264="cabac=1"), StreamChanged, "changed its SPS or PPS"),
        (one_bad(film("IPP"), b"garbage"), StreamError, "start code"),
        (one_bad(film("IPP"), b""), StreamError, "start code"),
        ((), StreamError, "no picture"),
        (one_bad(film("I"), b"\0\0\1\x09\xf0"), StreamError, "no picture"),
    ],
)
def test_a_refused_gop_changes_nothing(
    bad: tuple[Packet, ...], error: type[StreamError], why: str
) -> None:
    sound = hum(1.2)
    first, *rest = gops(INCIDENT, sound)
    mux, other = muxer(SOUND), muxer(SOUND)
    mux.init(first)
    other.init(first)
    assert joined(mux, first) == joined(other, first)
    moved = tuple(replace(p, t_ns=p.t_ns + 10 * SECOND) for p in bad)
    with pytest.raises(StreamError, match=why) as refusal:
        mux.segment(Gop(moved, sound, first.end_ns + 10 * SECOND))
    assert type(refusal.value) is error
    assert refusal.value.do
    for gop in rest:
        assert joined(mux, gop) == joined(other, gop)


@settings(max_examples=150)
@given(st.data())
def test_any_stream_is_written_whole_or_refused(data: st.DataObject) -> None:
    """Damage anywhere: each GOP is refused, or is a segment whose boxes add up and go forward."""
    damage = st.tuples(st.integers(0, 400), st.integers(0, 400), st.binary(max_size=12))
    moves = st.sampled_from([0, 0, 0, 1, -FRAME_NS, -SECOND, SECOND, 10**13, -(10**13)])
    video: list[Packet] = []
    sound: list[Packet] = []
    for packet in [*film("IPPIPP"), *hum(0.2)]:
        at, count, new = data.draw(st.sampled_from([(0, 0, b"")]) | damage)
        hurt = packet.data[:at] + new + packet.data[at + count :]
        moved = replace(packet, data=hurt, t_ns=packet.t_ns + data.draw(moves))
        (video if packet.track is Track.VIDEO else sound).append(moved)
    mux = muxer(SOUND)
    ends = {Track.VIDEO: -1, Track.SOUND: -1}
    with suppress(StreamError):
        mux.init(gops(video)[0])
    for gop in gops(video, sound):
        with suppress(StreamError):
            forward(joined(mux, gop), ends)


def forward(segment: bytes, ends: dict[Track, int]) -> None:
    boxes = list(tree(segment))
    total = 0
    for (_, tfhd), (_, tfdt), (_, trun) in zip(*[
        [box for box in boxes if box[0] == f"moof/traf/{kind}"] for kind in ("tfhd", "tfdt", "trun")
    ], strict=True):  # fmt: skip
        track = Track.VIDEO if tfhd[-1] == 1 else Track.SOUND
        width = 3 if track is Track.VIDEO else 2
        numbers = [int.from_bytes(trun[n : n + 4]) for n in range(4, len(trun), 4)]
        count, offset, *rows = numbers
        assert len(rows) == count * width
        moof = int.from_bytes(segment[:4])
        assert offset == moof + 8 + total
        start = int.from_bytes(tfdt[4:])
        assert start > ends[track]
        assert all(ticks > 0 for ticks in rows[::width])
        ends[track] = start + sum(rows[::width][:-1])
        total += sum(rows[1::width])
    assert len(dict(boxes)["mdat"]) == total


# -- sound -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_format_is_described_as_the_encoder_does(rate_hz: int, channels: int) -> None:
    context: Any = av.CodecContext.create("aac", "w")
    context.sample_rate, context.format = rate_hz, "fltp"
    context.layout = "mono" if channels == 1 else "stereo"
    context.open()
    assert SoundFormat(rate_hz, channels).specific == context.extradata[:2]


@pytest.mark.parametrize(("rate_hz", "channels"), [(96_000, 1), (7350, 1), (48_000, 3), (0, 0)])
def test_other_formats_are_refused(rate_hz: int, channels: int) -> None:
    with pytest.raises(StreamError, match=f"{channels} channels at {rate_hz} Hz"):
        SoundFormat(rate_hz, channels)


def onset_s(mp4: bytes) -> float:
    """When the beep begins, by the times in the file."""
    with av.open(io.BytesIO(mp4), "r") as file:
        for frame in file.decode(file.streams.audio[0]):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.1)
            if len(loud):
                return float(frame.time or 0) + float(loud[0]) / SOUND_HZ
    raise AssertionError("no beep")


def flash_s(mp4: bytes) -> float:
    """When the first white picture is shown."""
    with av.open(io.BytesIO(mp4), "r") as file:
        for frame in file.decode(file.streams.video[0]):
            if np.median(frame.to_ndarray(format="gray")) > 200:
                return float(frame.time or 0)
    raise AssertionError("no flash")


FLASHING = film("IPPPPPPPPP" * 6, flash=47)
JITTER_NS = [0, 4_000_000, -4_000_000, 2_000_000, -3_000_000]
MICROPHONES = {
    "steady": hum(2.0, beep_s=47 / 30),
    "jittery": tuple(
        replace(p, t_ns=p.t_ns + JITTER_NS[n % 5])
        for n, p in enumerate(hum(2.0, beep_s=47 / 30))
    ),
    "begins late": hum(1.4, start_ns=START_NS + SECOND * 6 // 10, beep_s=47 / 30 - 0.6),
    "was interrupted": tuple(
        p for n, p in enumerate(hum(2.0, beep_s=47 / 30)) if not 20 < n < 45
    ),
}  # fmt: skip


@pytest.mark.parametrize("sound", MICROPHONES.values(), ids=MICROPHONES.keys())
def test_sound_is_in_time_with_the_pictures(sound: tuple[Packet, ...]) -> None:
    mp4 = b"".join(muxed(gops(FLASHING, sound), SOUND))
    assert flash_s(mp4) == pytest.approx(47 / 30, abs=1e-5)
    assert abs(onset_s(mp4) - flash_s(mp4)) < 0.020
    kept = [p for p in sound if p.t_ns >= START_NS]
    assert samples(mp4, "audio") == [p.data for p in kept]


@pytest.mark.parametrize("ppm", [300, -300])
def test_a_microphone_with_another_clock_stays_in_time(ppm: int) -> None:
    """Over a minute 300 ppm are 18 ms: within 10 ms the sound runs on, beyond it time jumps."""
    (gop,) = gops(film("I"))
    mux = muxer(SOUND)
    mp4 = mux.init(gop)
    own_ns = []
    for number in range(60):
        start_ns = START_NS + number * SECOND
        sound = []
        for frame in range(number * 47, number * 47 + 47):
            t_ns = START_NS + frame * 1024 * SECOND // SOUND_HZ * (1_000_000 + ppm) // 1_000_000
            sound.append(Packet(Track.SOUND, t_ns, b"sound"))
            own_ns.append(t_ns - START_NS)
        shown = replace(gop.video[0], t_ns=start_ns)
        mp4 += joined(mux, Gop((shown,), tuple(sound), start_ns + SECOND))
    times = [pts for pts, *_ in demuxed(mp4, "audio")]
    late_ns = [a * SECOND // SOUND_HZ - b for a, b in zip(times, own_ns, strict=True)]
    assert 9_900_000 < max(map(abs, late_ns)) <= 10_000_000 + SECOND // SOUND_HZ
    steps = [b - a for a, b in pairwise(times)]
    assert 1 <= len([step for step in steps if step != 1024]) <= 2
    assert all(step in (1024, *range(1024 - 500, 1024 + 500)) for step in steps)


def test_a_gap_in_the_sound_is_kept_within_and_between_segments() -> None:
    sound = hum(2.0)[1:]
    for hole in (range(5, 9), range(12, 30)):
        kept = [p for n, p in enumerate(sound) if n not in hole]
        mp4 = b"".join(muxed(gops(FLASHING, kept), SOUND))
        wanted = [(p.t_ns - START_NS) * SOUND_HZ // SECOND for p in kept]
        found = column(probed(mp4, Track.SOUND), "pts")
        assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 1


def test_sound_from_before_time_zero_is_left_out() -> None:
    early = hum(0.5, start_ns=START_NS - SECOND // 4)
    recording = gops(film("IPPPPPPP"), early)
    mp4 = b"".join(muxed(recording, SOUND))
    kept = [p for p in early if p.t_ns >= START_NS]
    assert 0 < len(kept) < len(early)
    assert samples(mp4, "audio") == [p.data for p in kept]
    assert int(probed(mp4, Track.SOUND)[0]["pts"]) == (kept[0].t_ns - START_NS) * 48 // 1_000_000


def test_a_segment_without_sound_has_one_track() -> None:
    first, second, third = gops(film("IPPIPPIPP"), hum(0.3))
    silent = replace(second, sound=(Packet(Track.SOUND, second.start_ns, b""),))
    init, *segments = muxed([first, silent, third], SOUND)
    assert [segment.count(b"traf") for segment in segments] == [2, 1, 2]
    assert len(played(init + segments[1])) == 3


def test_sound_is_left_out_where_the_policy_has_none() -> None:
    with_sound, without = gops(film("IPP"), hum(0.2)), gops(film("IPP"))
    assert muxed(with_sound) == muxed(without)


def test_sound_times_that_make_no_sense_do_no_harm() -> None:
    sound = list(hum(0.4)[1:])
    sound[3] = replace(sound[3], t_ns=START_NS + 10**15)
    sound[9] = replace(sound[9], t_ns=sound[8].t_ns - SECOND // 10)
    mp4 = b"".join(muxed(gops(film("IPPPPPPPPPPP"), sound), SOUND))
    times = column(probed(mp4, Track.SOUND), "pts")
    assert len(times) == len(sound)
    assert times[3] == 60 * SOUND_HZ
    assert all(a < b for a, b in pairwise(times))
    assert samples(mp4, "audio") == [p.data for p in sound]
