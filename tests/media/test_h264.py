"""NAL units and parameter sets, held against what x264 writes and FFmpeg decodes."""

import re
from contextlib import suppress
from itertools import pairwise
from typing import Any

import av
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bodycam.errors import StreamError
from bodycam.media import h264
from bodycam.media.h264 import parameter_sets, split
from streams import film

SPS, PPS, SEI, KEY = re.split(rb"\x00*\x00\x00\x01", film("I")[0].data)[1:]
DELTA = film("IP")[1].data[4:]
AUD = b"\x09\xf0"
LONG = b"\0\0\0\1"
SHORT = b"\0\0\1"


def units(data: bytes, *, whole: bool) -> list[bytes]:
    return [data[begin:end] for begin, end in split(data, whole=whole).slices]


def annexb(*nals: bytes, start: bytes = LONG) -> bytes:
    return b"".join(start + nal for nal in nals)


def test_the_encoder_writes_what_these_tests_think() -> None:
    assert [nal[0] & 31 for nal in (SPS, PPS, SEI, KEY, DELTA)] == [7, 8, 6, 5, 1]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("start", [LONG, SHORT])
def test_everything_but_slices_is_passed_over(start: bytes, whole: bool) -> None:
    picture = split(annexb(AUD, SPS, PPS, SEI, KEY, start=start), whole=whole)
    assert picture.sets == [SPS, PPS]
    assert picture.idr
    assert picture.plain
    assert units(annexb(AUD, SPS, PPS, SEI, KEY, start=start), whole=whole) == [KEY]


@pytest.mark.parametrize("whole", [True, False])
def test_a_delta_picture_is_no_key(whole: bool) -> None:
    picture = split(annexb(DELTA), whole=whole)
    assert not picture.idr
    assert picture.plain
    assert units(annexb(DELTA), whole=whole) == [DELTA]


@pytest.mark.parametrize("start", [LONG, SHORT])
def test_several_slices_are_found_by_the_whole_search(start: bytes) -> None:
    data = annexb(AUD, DELTA, KEY, DELTA, start=start)
    picture = split(data, whole=True)
    assert units(data, whole=True) == [DELTA, KEY, DELTA]
    assert not picture.plain
    assert picture.idr


def test_a_search_that_need_not_be_whole_ends_at_the_first_slice() -> None:
    data = annexb(AUD, DELTA, DELTA + b"\x55" * 40)
    begin = data.index(DELTA)
    assert split(data, whole=False).slices == [(begin, len(data))]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("behind", "plain"),
    [
        (b"\0", True),
        (b"\0" * 7, True),
        (LONG + b"\x0c" + b"\xff" * 500 + b"\x80", False),
        (SHORT + b"\x0a", False),
        (LONG + b"\x0b", False),
        (LONG + b"\x41\x9a\x55", False),
    ],
    ids=["a zero", "padding", "filler", "end of sequence", "end of stream", "a short slice"],
)
def test_what_lies_behind_a_slice_is_seen(behind: bytes, plain: bool, whole: bool) -> None:
    picture = split(annexb(DELTA) + behind, whole=whole)
    assert units(annexb(DELTA) + behind, whole=whole)[0] == DELTA
    assert picture.plain is plain


def test_padding_is_zeros_and_nothing_else() -> None:
    slice_ = DELTA + b"X"
    assert units(annexb(slice_, slice_) + b"\0\0\0", whole=True) == [slice_, slice_]


def test_a_slice_may_end_like_filler() -> None:
    data = annexb(DELTA + b"\x01\xff\x80")
    assert units(data, whole=False) == [DELTA + b"\x01\xff\x80"]
    assert split(data, whole=False).plain


def test_a_mere_header_has_no_slice() -> None:
    assert split(annexb(SPS, PPS), whole=True) == ([], [SPS, PPS], False, True)


@pytest.mark.parametrize("data", [SHORT, LONG, LONG + SHORT, LONG + b"\0\0"])
def test_start_codes_without_anything_hold_nothing(data: bytes) -> None:
    assert split(data, whole=True) == ([], [], False, True)


@pytest.mark.parametrize("zeros", [1, 58, 59, 63, 64])
def test_zeros_before_the_first_start_code_are_padding(zeros: int) -> None:
    assert units(b"\0" * zeros + SHORT + KEY, whole=True) == [KEY]


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\0", KEY, b"x" + annexb(KEY), b"\0" * 65 + SHORT + KEY],
    ids=["nothing", "zeros", "no start code", "garbage first", "far away"],
)
def test_a_packet_begins_with_a_start_code(data: bytes) -> None:
    with pytest.raises(StreamError, match="start code"):
        split(data, whole=True)


def test_the_number_of_units_is_bounded() -> None:
    most = annexb(*[AUD] * h264.MAX_NALS)
    assert split(most, whole=True).slices == []
    with pytest.raises(StreamError, match="more than 1024"):
        split(most + annexb(AUD), whole=True)


@given(st.lists(st.binary(max_size=40)), st.booleans(), st.sampled_from([b"", LONG, SHORT]))
@example([b"\0\0\1\7", b"\0\0\1\5\0"], True, LONG)
def test_any_bytes_give_units_in_order_or_a_stream_error(
    blocks: list[bytes], whole: bool, glue: bytes
) -> None:
    data = glue + glue.join(blocks)
    try:
        picture = split(data, whole=whole)
    except StreamError:
        return
    places = [place for pair in picture.slices for place in pair]
    assert all(before <= after for before, after in pairwise(places))
    for begin, end in picture.slices:
        assert data[begin - 3 : begin] == SHORT
        assert 1 <= data[begin] & 31 <= 5
        assert SHORT not in data[begin:end] or not whole
    assert all(SHORT not in unit and unit[0] & 31 in (7, 8) for unit in picture.sets)


@given(st.binary(min_size=1, max_size=60))
def test_both_searches_agree_on_one_slice(body: bytes) -> None:
    body = body.replace(b"\0", b"\1") + b"\x80"
    data = annexb(AUD, b"\x41" + body)
    assert split(data, whole=True) == split(data, whole=False)


# -- parameter sets --------------------------------------------------------------------------------


def first_frame(data: bytes, configuration: bytes | None = None) -> Any:
    context: Any = av.CodecContext.create("h264", "r")
    if configuration:
        context.extradata = configuration
    return [*context.decode(av.Packet(data)), *context.decode(None)][0]


@pytest.mark.parametrize(
    ("width", "height", "pix_fmt", "x264", "high"),
    [
        (128, 96, "yuv420p", "", ""),
        (130, 98, "yuv420p", "", ""),
        (1920, 1080, "yuv420p", "8x8dct=1:cabac=1", "fdf8f800"),
        (1280, 720, "yuv420p", "cabac=1", ""),
        (640, 360, "yuv420p", "interlaced=1", ""),
        (162, 122, "yuv422p", "", "fef8f800"),
        (161, 121, "yuv444p", "", "fff8f800"),
        (128, 98, "yuv420p10le", "", "fdfafa00"),
        (130, 97, "gray", "", "fcf8f800"),
        (128, 96, "yuv420p", "8x8dct=1:cqm=jvt", "fdf8f800"),
        (128, 96, "yuv444p", "8x8dct=1:cqm8=" + ",".join(["20"] * 64), "fff8f800"),
    ],
)
def test_size_and_profile_are_those_that_are_decoded(
    width: int, height: int, pix_fmt: str, x264: str, high: str
) -> None:
    data = film("I", width=width, height=height, pix_fmt=pix_fmt, x264=x264)[0].data
    sets = parameter_sets([data])
    frame = first_frame(data)
    assert (sets.width, sets.height) == (frame.width, frame.height) == (width, height)
    assert sets.high.hex() == high


def test_the_decoder_configuration_is_what_ffmpeg_decodes_with() -> None:
    data = film("I", x264="8x8dct=1")[0].data
    sets = parameter_sets([data])
    (slice_,) = units(data, whole=True)
    frame = first_frame(len(slice_).to_bytes(4) + slice_, sets.configuration())
    assert frame.to_ndarray().tobytes() == first_frame(data).to_ndarray().tobytes()


def ue(value: int) -> str:
    binary = f"{value + 1:b}"
    return "0" * (len(binary) - 1) + binary


def se(value: int) -> str:
    return ue(2 * value - 1 if value > 0 else -2 * value)


def nal(header: bytes, bits: str) -> bytes:
    """A NAL unit of these bits, with a stop bit and emulation prevention."""
    bits += "1"
    body = int(bits, 2) << -len(bits) % 8
    plain = body.to_bytes((len(bits) + 7) // 8)
    return header + re.sub(rb"\x00\x00(?=[\x00-\x03])", lambda _: b"\0\0\3", plain)


def written_sps(
    *,
    profile: int = 66,
    chroma: str = "",
    order: str = ue(2),
    columns: int = 8,
    rows: int = 6,
    fields: str = "1",
    crop: str = "0",
) -> bytes:
    head = f"{profile:08b}" + "0" * 8 + f"{30:08b}" + ue(0) + chroma
    size = ue(4) + order + ue(1) + "0" + ue(columns - 1) + ue(rows - 1) + fields + "1" + crop
    return nal(b"\x67", head + size + "0")


LISTS = ue(1) + ue(0) + ue(0) + "01"
"""4:2:0 of 8 bits, no bypass, and scaling lists follow."""


def read(sps: bytes) -> tuple[int, int]:
    sets = parameter_sets([annexb(sps, PPS, KEY)])
    return sets.width, sets.height


@pytest.mark.parametrize(
    ("sps", "size"),
    [
        (written_sps(), (128, 96)),
        (written_sps(order=ue(0) + ue(4)), (128, 96)),
        (written_sps(order=ue(1) + "1" + se(-3) + se(7) + ue(3) + se(1) + se(0) + se(-9)), None),
        (written_sps(order=ue(1) + "1" + se(-(1 << 30)) + se(1 << 30) + ue(255) + "1" * 255), None),
        (written_sps(fields="00"), (128, 192)),
        (written_sps(fields="01", crop="1" + ue(1) + ue(2) + ue(3) + ue(1)), (122, 176)),
        (written_sps(profile=100, chroma=ue(3) + "1" + ue(0) + ue(0) + "00"), (128, 96)),
        (
            written_sps(
                profile=244,
                chroma=ue(3) + "1" + ue(6) + ue(6) + "0" + "0",
                crop="1" + ue(1) + ue(0) + ue(1) + ue(0),
            ),
            (127, 95),
        ),
        (
            written_sps(
                profile=100,
                # the first list ends early, the second and the last are whole
                chroma=ue(1) + ue(0) + ue(0) + "01" + "1" + se(-4) + se(-4)
                + "1" + se(1) * 16 + "00000" + "1" + se(0) * 64,
            ),
            (128, 96),
        ),
        # 4:4:4 has twelve scaling lists, the last three of 64 for the colours
        (written_sps(profile=244, chroma=ue(3) + "0" + ue(0) + ue(0) + "01" + "0" * 12), None),
        (
            written_sps(
                profile=244,
                chroma=ue(3) + "0" + ue(0) + ue(0) + "01" + "0" * 11 + "1" + se(1) * 64,
            ),
            None,
        ),
        # a list goes on from 255 with 0, which ends it: the last number is repeated
        (
            written_sps(
                profile=100,
                chroma=ue(1) + ue(0) + ue(0) + "01" + "1" + se(127) + se(120) + se(1) + "0" * 7,
            ),
            None,
        ),
        (SPS.ljust(1024, b"\1"), None),
        # eight flags and no more: what follows them is read at its place
        (written_sps(profile=100, chroma=LISTS + "0" * 8, order=ue(0) + ue(4)), None),
        (written_sps(columns=1024, rows=1024), (16384, 16384)),
    ],
)  # fmt: skip
def test_a_written_sps_is_read_back(sps: bytes, size: tuple[int, int] | None) -> None:
    assert read(sps) == (size or (128, 96))


@pytest.mark.parametrize("profile", [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])
def test_the_profiles_of_the_standard_say_their_chroma_format(profile: int) -> None:
    """7.3.2.1.1; in 4:2:2 a step of cropping is one row, elsewhere two."""
    chroma = ue(2) + ue(0) + ue(0) + "00"
    crop = "1" + ue(0) + ue(1) + ue(0) + ue(1)
    assert read(written_sps(profile=profile, chroma=chroma, crop=crop)) == (126, 95)


@pytest.mark.parametrize(
    ("sps", "why"),
    [
        (written_sps(columns=1025), "16400 x 96"),
        (written_sps(rows=1025), "128 x 16400"),
        (written_sps(crop="1" + ue(64) + ue(0) + ue(0) + ue(0)), "0 x 96"),
        (written_sps(crop="1" + ue(0) + ue(0) + ue(0) + ue(60)), "128 x -24"),
        (written_sps(order=ue(1) + "1" + se(0) + se(0) + ue(256)), "cycle of 256"),
        (written_sps(profile=100, chroma=ue(4)), "chroma format 4"),
        (written_sps(profile=100, chroma=ue(1) + ue(0) + ue(7)), "15 bits"),
        (b"\x67\x42\0\x1e", "ends too early"),
        (b"\x67", "ends too early"),
        (b"\x67\x42\0\x1e" + b"\0\0\3" * 5, "beyond 32 bits"),
        (SPS + b"\1" * 1024, "at most 1024"),
    ],
)
def test_an_sps_that_makes_no_sense_is_refused(sps: bytes, why: str) -> None:
    with pytest.raises(StreamError, match=why):
        read(sps)


OTHER_PPS = nal(b"\x68", ue(1) + ue(0) + "0011")


def test_sets_are_collected_from_the_whole_gop_in_order() -> None:
    sets = parameter_sets([annexb(AUD, SPS, KEY), annexb(OTHER_PPS, PPS, SPS, DELTA)])
    assert (sets.sps, sets.pps) == (SPS, (PPS, OTHER_PPS))
    assert all(unit in sets for unit in (SPS, PPS, OTHER_PPS))
    assert OTHER_PPS + b"x" not in sets


@pytest.mark.parametrize(
    ("pictures", "why"),
    [
        ([annexb(KEY)], "without SPS and PPS"),
        ([annexb(SPS, KEY)], "without PPS"),
        ([annexb(PPS, KEY), annexb(DELTA)], "without SPS"),
        ([], "without SPS and PPS"),
        ([annexb(SPS, PPS, KEY), annexb(written_sps(), DELTA)], "more than one SPS"),
        ([annexb(SPS, PPS, KEY), annexb(PPS + b"\1", DELTA)], "PPS changes"),
        ([annexb(SPS, nal(b"\x68", ue(256)), KEY)], "number 256"),
        ([annexb(SPS, b"\x68", KEY)], "ends too early"),
        ([annexb(SPS, PPS, b"\x65")], "ends too early"),
        ([annexb(SPS, PPS, KEY), annexb(nal(b"\x01", ue(0) + ue(6)))], "B pictures"),
    ],
)
def test_sets_that_cannot_be_used_are_refused(pictures: list[bytes], why: str) -> None:
    with pytest.raises(StreamError, match=why):
        parameter_sets(pictures)


@given(st.binary(max_size=80), st.binary(max_size=30))
def test_any_sets_are_read_or_refused(sps: bytes, pps: bytes) -> None:
    try:
        sets = parameter_sets([annexb(b"\x67" + sps, b"\x68" + pps, KEY)])
    except StreamError:
        return
    assert 0 < sets.width <= h264.MAX_SIDE
    assert 0 < sets.height <= h264.MAX_SIDE


@given(st.integers(0, 8 * len(SPS) - 1), st.integers(0, len(SPS)))
def test_a_damaged_sps_is_read_or_refused(bit: int, cut: int) -> None:
    sps = bytearray(SPS)
    sps[bit // 8] ^= 1 << bit % 8
    for damaged in (bytes(sps), SPS[:cut]):
        with suppress(StreamError):
            assert damaged.startswith(parameter_sets([annexb(damaged, PPS, KEY)]).sps)
