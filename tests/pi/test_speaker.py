"""The speaker: over a made-up device, and over the real sound library playing into a file."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bodycam.errors import DeviceError
from bodycam.pi.alsa import AlsaSink
from bodycam.pi.clips import SILENCE, SOUNDS, TONE, Clip, Clips, encode, file_name, louder_or_softer
from bodycam.pi.speaker import MOST_WAITING, Speaker
from pi.sinks import MadeUpSink
from reported import Reported

TEXT = "U wordt gefilmd."
LONG = "U wordt gefilmd. Ook geluid wordt opgenomen."
FULL = "De kaart is vol."


class Heard:
    """A speaker and what came of it."""

    def __init__(self) -> None:
        self.sink, self.told, self.logged = MadeUpSink(), Reported(), list[str]()
        self.clips = Clips([SOUNDS])
        self.speaker = Speaker(self.sink, self.clips, self.told, self.logged.append)

    def played(self) -> list[bytes]:
        """What was really given, the pause after each left out."""
        return [given.rstrip(SILENCE) for given in self.sink.given[1:]]


@pytest.fixture
def heard() -> Iterator[Heard]:
    made = Heard()
    yield made
    made.speaker.close()


def test_a_warning_is_the_tone_and_then_the_texts(heard: Heard) -> None:
    heard.speaker.start([TEXT])
    heard.speaker.warn(5, (TEXT,), 100)
    heard.told.wait_for(("started", "speaker", 5), ("ended", "speaker", 5))
    wanted = [heard.clips.find(text).data.rstrip(SILENCE) for text in (TONE, TEXT)]
    assert heard.played() == wanted


def test_the_acknowledgement_waits_for_the_device(heard: Heard) -> None:
    """It took the samples long ago; that it plays them is what counts."""
    heard.speaker.start([])
    heard.sink.playing = False
    heard.sink.begun.clear()
    heard.speaker.warn(5, (), 100)
    assert heard.sink.begun.wait(5)
    heard.told.wait_until(lambda: bool(heard.told.said))
    assert heard.told.said == [("failed", "speaker", 5)]


def test_a_device_that_plays_nothing_is_given_up_before_the_rules_ask(heard: Heard) -> None:
    heard.speaker.start([])
    heard.sink.playing = False
    began_s = time.monotonic()
    heard.speaker.warn(5, (), 100)
    heard.told.wait_for(("failed", "speaker", 5))
    assert time.monotonic() - began_s < 0.5
    assert heard.sink.closes == 1
    assert "plays nothing" in heard.logged[0]


def test_a_device_that_comes_back_is_used_again(heard: Heard) -> None:
    heard.speaker.start([])
    heard.sink.gone = True
    heard.speaker.warn(1, (), 100)
    heard.told.wait_for(("failed", "speaker", 1))
    heard.sink.gone = False
    heard.speaker.warn(2, (), 100)
    heard.told.wait_for(("ended", "speaker", 2))


def test_a_speaker_that_is_missing_is_a_fault_at_the_start(heard: Heard) -> None:
    heard.sink.gone = True
    heard.speaker.start([])
    assert heard.told.said == [("fault", "speaker-dead", True)]
    assert "not ready" in heard.logged[0]


def test_a_text_without_a_sound_is_a_fault_at_the_start_and_later(heard: Heard) -> None:
    heard.speaker.start(["Niemand heeft dit ingesproken."])
    assert heard.told.said == [("fault", "speaker-dead", True)]
    heard.speaker.warn(1, ("Niemand heeft dit ingesproken.",), 100)
    heard.told.wait_for(("started", "speaker", 1), ("failed", "speaker", 1))
    assert ("ended", "speaker", 1) not in heard.told.said


def test_a_warning_ends_speech_at_the_dock(heard: Heard) -> None:
    heard.speaker.start([])
    heard.sink.begun.clear()
    heard.speaker.say(FULL)
    assert heard.sink.begun.wait(5)
    heard.speaker.warn(1, (), 100)
    heard.told.wait_for(("ended", "speaker", 1))
    assert len(heard.sink.given[1]) < len(heard.clips.find(FULL).data)


def test_hushed_speech_at_the_dock_goes_on(heard: Heard) -> None:
    heard.speaker.start([])
    heard.speaker.say(FULL)
    heard.speaker.hush()
    heard.speaker.warn(1, (), 100)
    heard.told.wait_for(("ended", "speaker", 1))


def test_sentences_follow_one_another_and_few_wait(heard: Heard) -> None:
    for _ in range(1000):
        heard.speaker.say(FULL)
    assert len(heard.speaker._sayings) == MOST_WAITING
    heard.speaker._sayings.clear()
    for text in (FULL, TEXT):
        heard.speaker.say(text)
    heard.speaker.start([])
    heard.told.wait_until(lambda: True)
    heard.speaker.warn(9, (), 100)


def test_an_error_that_nobody_foresaw_does_not_end_the_speaker(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard.speaker.start([])
    with monkeypatch.context() as patched:
        patched.setattr(heard.sink, "begin", lambda rate_hz: 1 / 0)
        heard.speaker.warn(1, (), 100)
        heard.told.wait_for(("failed", "speaker", 1))
    heard.speaker.warn(2, (), 100)
    heard.told.wait_for(("ended", "speaker", 2))


def test_a_softer_warning_is_softer(heard: Heard) -> None:
    heard.speaker.start([])
    heard.speaker.warn(1, (), 60)
    heard.told.wait_for(("ended", "speaker", 1))
    tone = heard.clips.find(TONE).data
    assert heard.sink.given[1][: len(tone)] == louder_or_softer(tone, 60) != tone


def test_the_municipality_s_own_sound_goes_before_ours(tmp_path: Path) -> None:
    own = Clip(8000, b"\x00\x80" * 100)
    (tmp_path / file_name(TEXT)).write_bytes(encode(own))
    clips = Clips([tmp_path, SOUNDS])
    assert clips.find(TEXT) == own
    assert clips.find(LONG).rate_hz == 16_000


# ---- the real sound library ----------------------------------------------------------------------

CONFIGURATION = """
pcm.null {{ type null }}
ctl.null {{ type null }}
pcm.file {{ type file; file "{path}"; format raw; slave.pcm null }}
pcm.linear {{ type plug; slave {{ pcm file; format S16_LE; rate {rate}; channels 2 }} }}
"""
PROGRAM = """
import sys, time
from bodycam.pi.alsa import AlsaSink
from bodycam.pi.clips import SOUNDS, TONE, Clips
clip, sink = Clips([SOUNDS]).find(TONE), AlsaSink(sys.argv[1])
for _ in range(2):
    began_s = time.perf_counter()
    sink.begin(clip.rate_hz)
    left = memoryview(clip.data)
    while left:
        left = left[sink.write(left):]
        print(len(clip.data) - len(left), sink.heard(), time.perf_counter() - began_s)
    sink.end()
sink.close()
"""


@pytest.fixture
def alsa(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Plays the tone twice to a device of a configuration of its own, in a process of its own."""
    configuration = tmp_path / "asound.conf"
    configuration.write_text(CONFIGURATION.format(path=tmp_path / "heard.raw", rate=48_000))

    def play(device: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, device],
            env={**os.environ, "ALSA_CONFIG_PATH": str(configuration)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return play


def test_the_sound_library_plays_and_counts(
    alsa: Callable[[str], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = alsa("linear")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    tone = Clips([SOUNDS]).find(TONE).data
    assert max(int(written) for written, _, _ in lines) == len(tone)
    assert all(0 <= int(heard) <= int(written) for written, heard, _ in lines)
    # The first samples have been taken within the time in which the tone must begin.
    assert float(lines[0][2]) < 0.1
    assert int(lines[0][1]) > 0
    # 16 kHz of one channel of µ-law came out as 48 kHz of two 16-bit channels, twice.
    size = (tmp_path / "heard.raw").stat().st_size
    assert size == pytest.approx(2 * len(tone) * 3 * 2 * 2, rel=0.1)


def test_a_device_that_does_not_exist_is_named(
    alsa: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    done = alsa("plughw:CARD=Missing")
    assert done.returncode == 1
    assert "The sound device plughw:CARD=Missing: " in done.stderr


def test_a_sink_that_never_opened_can_be_closed() -> None:
    AlsaSink("null").close()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", missing)
    with pytest.raises(DeviceError, match="Install libasound2"):
        AlsaSink("null").begin(16_000)
