"""The sounds that come with the program: there, sound, small, and made again as they are."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam.errors import DeviceError
from bodycam.pi.clips import (
    MOST_BYTES,
    SOUNDS,
    TONE,
    Clip,
    Clips,
    decode,
    encode,
    file_name,
    from_ulaw,
    louder_or_softer,
    to_ulaw,
)
from bodycam.rules.faults import FAULTS
from bodycam.rules.policy import read_policy

HOUSE = Path(__file__).parent.parent.parent


def tool(name: str) -> Any:
    """A script of tools/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, HOUSE / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look there for it
    spec.loader.exec_module(module)
    return module


make_speech = tool("make_speech")


def test_every_fault_and_every_policy_can_be_heard() -> None:
    texts = {text for row in FAULTS.values() for text in (row.speech_nl, row.speech_en)}
    for path in (HOUSE / "config" / "policies").glob("*.toml"):
        warning = read_policy(path.read_bytes(), str(path)).warning
        texts |= {text for text in (warning.text_nl, warning.text_en) if text}
    for text in texts:
        clip = Clips([SOUNDS]).find(text)
        assert 0.5 < len(clip.data) / clip.rate_hz < 5, text
    wanted = {file_name(text) for text in texts | {TONE}}
    assert {path.name for path in SOUNDS.glob("*.au")} == wanted


def test_all_sounds_together_are_small() -> None:
    assert sum(path.stat().st_size for path in SOUNDS.iterdir()) < 800_000


def test_the_same_sounds_are_made_again() -> None:
    made = make_speech.all_sounds()
    same_speaker = (
        SOUNDS / make_speech.MADE_BY
    ).read_text().strip() == make_speech.espeak_version()
    assert made.keys() == {path.name for path in SOUNDS.glob("*.au")}
    for name, clip in made.items():
        kept = decode((SOUNDS / name).read_bytes(), name)
        if same_speaker or name == file_name(TONE):
            assert kept == clip, name
        else:  # another espeak-ng says the same, a little differently
            assert len(clip.data) == pytest.approx(len(kept.data), rel=0.15), name


def test_a_policy_of_one_s_own_is_spoken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('name = "own"\n[warning]\ntext_nl = "Deze camera staat aan."\n')
    assert make_speech.main([str(policy), "--out", str(tmp_path / "sounds")]) == 0
    assert [path.name for path in (tmp_path / "sounds").iterdir()] == [
        file_name("Deze camera staat aan.")
    ]
    assert "1 sounds in" in capsys.readouterr().out


def test_a_policy_that_is_refused_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("nme = 1\n")
    assert make_speech.main([str(policy), "--out", str(tmp_path)]) == 1
    assert "did you mean name" in capsys.readouterr().err


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_resampling_keeps_the_pitch_and_drops_what_would_fold(rate_hz: int) -> None:
    at_s = np.arange(22_050) / 22_050

    def level(hz: int) -> tuple[float, int]:
        sound = np.rint(10_000 * np.sin(2 * np.pi * hz * at_s)).astype(np.int64)
        spectrum = np.abs(np.fft.rfft(make_speech.resampled(sound, 22_050, rate_hz)))
        return float(spectrum.max()) / (rate_hz / 2), int(spectrum.argmax())

    loud, pitch = level(1000)
    assert loud == pytest.approx(10_000, rel=0.05)
    assert pitch == 1000
    assert level(rate_hz // 2 + 1500)[0] < 300


@given(st.integers(-32768, 32767))
def test_a_code_is_the_nearest_to_its_sample(sample: int) -> None:
    code = to_ulaw(sample)
    error = abs(from_ulaw(code) - max(-32635, min(32635, sample)))
    assert error <= (abs(sample) + 0x84) / 32


def test_codes_are_those_of_g711() -> None:
    assert (from_ulaw(0xFF), from_ulaw(0x80), from_ulaw(0x00)) == (0, 32124, -32124)
    assert all(from_ulaw(to_ulaw(from_ulaw(code))) == from_ulaw(code) for code in range(256))


def test_a_volume_keeps_silence_silent() -> None:
    assert louder_or_softer(b"\xff\x00\x80", 100) == b"\xff\x00\x80"
    silent, low, high = (from_ulaw(code) for code in louder_or_softer(b"\xff\x00\x80", 50))
    assert silent == 0
    assert low == -high
    assert 9_000 < high < 11_000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode(Clip(16_000, b"\xff"))[:-1],
        encode(Clip(16_000, b"")),
        b"RIFF" + encode(Clip(16_000, b"\xff"))[4:],
        encode(Clip(12_345, b"\xff")),
    ],
)
def test_what_is_no_sound_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / file_name("x")).write_bytes(data)
    with pytest.raises(DeviceError, match=r"x-.*\.au"):
        Clips([tmp_path]).find("x")


def test_a_sound_without_end_is_cut(tmp_path: Path) -> None:
    (tmp_path / file_name("x")).write_bytes(encode(Clip(8_000, b"\x00" * 2 * MOST_BYTES)))
    assert len(Clips([tmp_path]).find("x").data) < MOST_BYTES


def test_a_folder_in_place_of_a_sound_is_named(tmp_path: Path) -> None:
    (tmp_path / file_name("x")).mkdir()
    with pytest.raises(DeviceError, match="cannot be read"):
        Clips([tmp_path]).find("x")


def test_two_texts_never_share_a_file() -> None:
    assert file_name("De kaart is vol.") != file_name("De kaart is vol!")
    assert file_name("Ĳ").endswith(".au")
