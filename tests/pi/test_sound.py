"""The Pi's microphone: its times where its crystal is off, and what it does when it vanishes."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from bodycam.errors import DeviceError
from bodycam.pi.microphone import AlsaMicrophone
from bodycam.pi.sound import Block, PiMicrophone, SampleClock, SoundSettings
from fakes.taken import Taken

RATE_HZ, BLOCK = 48_000, 1024
MS, SECOND_NS = 1_000_000, 1_000_000_000
START_NS = 77 * SECOND_NS


class Crystal:
    """When samples are really taken, and when blocks of them arrive."""

    def __init__(self, off: float, seed: int = 1) -> None:
        """`off`: by what part a sample takes longer than it should."""
        self._sample_ns = SECOND_NS / RATE_HZ * (1 + off)
        self._random = random.Random(seed)

    def taken_ns(self, number: int) -> int:
        return START_NS + round(number * self._sample_ns)

    def end_ns(self, count: int) -> int:
        """Of a block: mostly prompt, now and then 20 ms late, as on a busy machine."""
        late_ms = self._random.choice((0.0, 0.2, 0.5, 1.0, 20.0 * self._random.random()))
        return self.taken_ns(count - 1) + round(late_ms * MS)


# ---- the sample clock ----------------------------------------------------------------------------


@pytest.mark.parametrize("off_ppm", [-300, -20, 0, 100, 300])
def test_an_hour_of_a_crystal_that_is_off_drifts_by_less_than_40_ms(off_ppm: int) -> None:
    crystal, clock = Crystal(off_ppm / 1e6), SampleClock(RATE_HZ)
    errors = []
    for count in range(BLOCK, 3600 * RATE_HZ, BLOCK):
        clock.observe(count, crystal.end_ns(count))
        errors.append(clock.time_ns(count - BLOCK) - crystal.taken_ns(count - BLOCK))
    assert max(map(abs, errors)) < 25 * MS
    assert abs(errors[-1] - errors[0]) < 40 * MS
    minute = len(errors) // 60
    assert max(errors[minute:]) - min(errors[minute:]) < 10 * MS


def test_one_late_block_moves_nothing() -> None:
    crystal, clock = Crystal(0), SampleClock(RATE_HZ)
    for count in range(BLOCK, 60 * RATE_HZ, BLOCK):
        late_ns = 400 * MS if count == 30 * RATE_HZ // BLOCK * BLOCK else 0
        clock.observe(count, crystal.taken_ns(count - 1) + late_ns)
        assert abs(clock.time_ns(count) - crystal.taken_ns(count)) < MS


@pytest.mark.parametrize("lost_ns", [SECOND_NS, 3600 * SECOND_NS, -SECOND_NS])
def test_samples_that_were_lost_are_a_gap_and_not_a_drift(lost_ns: int) -> None:
    crystal, clock = Crystal(0), SampleClock(RATE_HZ)
    for count in range(BLOCK, 20 * RATE_HZ, BLOCK):
        shift_ns = lost_ns if count > 10 * RATE_HZ else 0
        clock.observe(count, crystal.taken_ns(count - 1) + shift_ns)
        if not 10 * RATE_HZ < count < 10.5 * RATE_HZ:
            assert abs(clock.time_ns(count) - crystal.taken_ns(count) - shift_ns) < MS


# ---- the microphone ------------------------------------------------------------------------------


class MadeUpSource:
    """Delivers beeps: each begins with a whole second of true time; as fast as it is read."""

    def __init__(self, crystal: Crystal, seconds: float, ends: str = "") -> None:
        self._crystal = crystal
        self._last = round(seconds * RATE_HZ)
        self._ends = ends
        """It raises this at its end; nothing: it waits to be closed."""
        self._count = 0
        self.closed = threading.Event()
        self.at_end = threading.Event()

    def read(self) -> Block:
        if self._count >= self._last:
            self.at_end.set()
            if self._ends:
                raise DeviceError(self._ends)
            self.closed.wait(0.01)
            return Block(b"", self._crystal.end_ns(self._count))
        numbers = np.arange(self._count, self._count + BLOCK)
        true_s = (numbers * self._crystal._sample_ns + START_NS) % SECOND_NS / 1e9
        wave = np.where(true_s < 0.1, np.sin(2 * np.pi * 1000 * true_s), 0.0)
        self._count += BLOCK
        return Block((wave * 16_000).astype("<i2").tobytes(), self._crystal.end_ns(self._count))

    def close(self) -> None:
        self.closed.set()


Make = Callable[..., PiMicrophone]


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def microphone_on(taken: Taken) -> Iterator[Make]:
    made: list[PiMicrophone] = []

    def make(open_source: Callable[[], Any], longest_wait_ns: int = 5 * MS) -> PiMicrophone:
        microphone = PiMicrophone(
            open_source,
            taken,
            SoundSettings(RATE_HZ),
            now_ns=lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME),
            tell=taken.tell,
            longest_wait_ns=longest_wait_ns,
        )
        made.append(microphone)
        return microphone

    yield make
    for microphone in made:
        assert microphone.close()


def onsets_ns(frames: list[tuple[int, bytes]]) -> list[int]:
    """Decode, and find when each beep begins by the frames' own times."""
    codec: Any = av.CodecContext.create("aac", "r")
    codec.extradata = (2 << 11 | 3 << 7 | 1 << 3).to_bytes(2, "big")
    onsets, quiet_since = [], -RATE_HZ
    for index, (t_ns, data) in enumerate(frames):
        for frame in codec.decode(av.Packet(data)):
            loud = np.abs(frame.to_ndarray()[0]) > 0.1
            for at in np.flatnonzero(loud):
                number = index * BLOCK + int(at)
                if number - quiet_since > RATE_HZ // 4:
                    onsets.append(t_ns + int(at) * SECOND_NS // RATE_HZ)
                quiet_since = number
    return onsets


@pytest.mark.parametrize("off_ppm", [-200, 200])
def test_what_is_heard_stands_at_its_time_through_the_real_encoder(
    microphone_on: Make, taken: Taken, off_ppm: int
) -> None:
    source = MadeUpSource(Crystal(off_ppm / 1e6), 40)
    microphone_on(lambda: source).wake()
    taken.until(source.at_end.is_set, 60)
    onsets = onsets_ns(taken.sounds)
    assert len(onsets) >= 39
    errors = [(onset + SECOND_NS // 2) % SECOND_NS - SECOND_NS // 2 for onset in onsets[1:]]
    assert max(map(abs, errors)) < 25 * MS
    assert abs(errors[-1]) < 10 * MS


def test_the_encoders_delay_is_taken_off(microphone_on: Make, taken: Taken) -> None:
    source = MadeUpSource(Crystal(0, seed=4), 3)
    microphone_on(lambda: source).wake()
    taken.until(source.at_end.is_set)
    first_ns = taken.sounds[0][0]
    assert abs(first_ns - START_NS) < 21 * MS  # else it would stand one frame early
    assert abs(onsets_ns(taken.sounds)[1] - START_NS - SECOND_NS) < 21 * MS


def test_frames_follow_each_other(microphone_on: Make, taken: Taken) -> None:
    source = MadeUpSource(Crystal(0), 5)
    microphone_on(lambda: source).wake()
    taken.until(source.at_end.is_set)
    times = [t_ns for t_ns, _ in taken.sounds]
    steps = [after - at for at, after in pairwise(times)]
    assert all(abs(step - BLOCK * SECOND_NS / RATE_HZ) < MS for step in steps)


def test_a_microphone_that_vanishes_is_said_once_and_comes_back(
    microphone_on: Make, taken: Taken
) -> None:
    gone = DeviceError("The microphone is gone.")
    sources: list[Any] = [
        MadeUpSource(Crystal(0), 1, "The microphone is gone."),
        gone,
        gone,
        gone,
        MadeUpSource(Crystal(0), 1),
    ]

    def open_source() -> Any:
        source = sources.pop(0)
        if isinstance(source, DeviceError):
            raise source
        return source

    first, last = sources[0], sources[-1]
    microphone_on(open_source).wake()
    taken.until(last.at_end.is_set)
    assert taken.said == ["The microphone is gone."]
    assert first.closed.is_set()
    assert len(taken.sounds) >= 2 * 44


def test_a_microphone_that_is_not_there_is_tried_again_ever_more_slowly(
    microphone_on: Make, taken: Taken
) -> None:
    tried: list[int] = []

    def open_source() -> Any:
        tried.append(time.monotonic_ns())
        raise DeviceError("There is no microphone.")

    microphone_on(open_source, longest_wait_ns=40 * MS).wake()
    taken.until(lambda: len(tried) >= 4)
    assert all(after - at >= 40 * MS for at, after in pairwise(tried))
    assert taken.said == ["There is no microphone."]


def test_it_is_silent_while_it_sleeps_and_lets_go_of_the_device(
    microphone_on: Make, taken: Taken
) -> None:
    sources = [MadeUpSource(Crystal(0), 1), MadeUpSource(Crystal(0), 1)]
    opened = iter(sources)
    microphone = microphone_on(lambda: next(opened))
    assert taken.sounds == []
    microphone.wake()
    taken.until(sources[0].at_end.is_set)
    microphone.sleep()
    had = len(taken.sounds)
    taken.until(sources[0].closed.is_set)
    assert len(taken.sounds) == had
    microphone.wake()
    taken.until(sources[1].at_end.is_set)
    assert len(taken.sounds) > had


# ---- the sound library ---------------------------------------------------------------------------

_CARD = """
pcm.null {{ type null }}
pcm.mic {{ type file; file "/dev/null"; infile "{path}"; format raw; slave.pcm null }}
"""
_READ = """
import sys
from bodycam.errors import DeviceError
from bodycam.pi.microphone import AlsaMicrophone
try:
    source = AlsaMicrophone(sys.argv[1], 48000, 1)
except DeviceError as error:
    sys.exit(str(error))
heard = b""
while len(heard) < 8192:
    block = source.read()
    heard += block.samples
sys.stdout.buffer.write(heard[:8192])
source.close()
source.close()
"""


@pytest.fixture
def alsa(tmp_path: Path) -> Callable[[str], "subprocess.CompletedProcess[bytes]"]:
    """Reads from a device of the real sound library, which has nothing but a file behind it."""
    (tmp_path / "samples").write_bytes(bytes(range(256)) * 256)
    configuration = tmp_path / "asound.conf"
    configuration.write_text(_CARD.format(path=tmp_path / "samples"))

    def read(device: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-c", _READ, device],
            env={**os.environ, "ALSA_CONFIG_PATH": str(configuration)},
            capture_output=True,
            timeout=30,
        )

    return read


def test_samples_come_from_the_real_sound_library(
    alsa: Callable[[str], "subprocess.CompletedProcess[bytes]"],
) -> None:
    done = alsa("mic")
    assert done.returncode == 0, done.stderr
    assert done.stdout == bytes(range(256)) * 32


def test_a_device_that_is_not_there_is_named(
    alsa: Callable[[str], "subprocess.CompletedProcess[bytes]"],
) -> None:
    done = alsa("hw:CARD=Missing")
    assert done.returncode == 1
    assert b"The microphone hw:CARD=Missing: No such" in done.stderr


class Library:
    """Answers as libasound does when something is wrong."""

    def __init__(self, **answers: list[int]) -> None:
        self._answers = answers
        self.called: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., int]:
        def call(*_: Any) -> Any:
            self.called.append(name)
            if name == "snd_strerror":
                return b"No such device"
            return self._answers.get(name, [0]).pop(0) if self._answers.get(name) else 0

        return call


def over(library: Library) -> AlsaMicrophone:
    return AlsaMicrophone("null", RATE_HZ, 1, library=library)


def test_an_overrun_is_survived() -> None:
    library = Library(snd_pcm_wait=[1, 1, 1], snd_pcm_readi=[-32, -11, 512])
    assert len(over(library).read().samples) == 1024
    assert library.called.count("snd_pcm_prepare") == 1


def test_a_microphone_that_gives_nothing_is_gone() -> None:
    with pytest.raises(DeviceError, match="silent"):
        over(Library(snd_pcm_wait=[0])).read()


def test_a_microphone_that_is_pulled_out_is_gone() -> None:
    with pytest.raises(DeviceError, match="No such device"):
        over(Library(snd_pcm_wait=[1], snd_pcm_readi=[-19])).read()


def test_a_device_that_refuses_the_form_is_closed() -> None:
    library = Library(snd_pcm_set_params=[-22])
    with pytest.raises(DeviceError):
        over(library)
    assert "snd_pcm_start" not in library.called
