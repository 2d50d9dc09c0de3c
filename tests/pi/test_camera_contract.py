"""The contract of ports.Camera, held by the simulator's camera and by the Pi's.

The Pi's runs on the real picamera2 and its real LibavH264Encoder; only libcamera and the sensor are
stand-ins. Its time is real, the simulator's is not: `until` waits for either.
"""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Protocol

import pytest

from bodycam import ports
from bodycam.pi.camera import CameraSettings, PiCamera
from bodycam_sim.camera import SimCamera
from bodycam_sim.encoder import GopWorkers
from bodycam_sim.host import Heap
from bodycam_sim.picture import PictureSpec
from fakes import libcamera
from fakes.taken import Taken

# picamera2 says so of its own threads.
pytestmark = pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning")

FPS, GOP = 30, 15
INTERVAL_NS = 500_000_000
LATENCY_NS = 500_000_000
"""From taking a picture to its arrival, at most, on a busy machine."""


class Rig(Protocol):
    """A camera and the world that it looks at."""

    taken: Taken

    @property
    def camera(self) -> ports.Camera: ...

    def now_ns(self) -> int: ...
    def until(self, holds: Callable[[], bool]) -> None: ...
    def hang(self) -> None: ...
    def heal(self) -> None: ...
    def rest(self) -> None:
        """Until a camera that was put to sleep has let go of everything."""


class SimRig:
    def __init__(self) -> None:
        self._heap = Heap()
        self._heap.advance(3_000_000_000)
        self.taken = Taken()
        workers = GopWorkers(PictureSpec(160, 90, FPS, 400_000, seed=1), workers=0)
        self.camera = SimCamera(
            self._heap, workers, None, self.taken, fps=FPS, gop_frames=GOP, boot_ns=0
        )

    def now_ns(self) -> int:
        return self._heap.now_ns

    def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(10_000):
            if holds():
                return
            self._heap.happen()
        raise AssertionError("It never happened.")

    def hang(self) -> None:
        self.camera.stall(1 << 62)

    def heal(self) -> None:
        self.camera.stall(0)

    def rest(self) -> None:
        while self._heap.next_ns() is not None:
            self._heap.happen()


class PiRig:
    def __init__(self) -> None:
        libcamera.plug_in()
        from bodycam.pi.picam import PicameraSession

        settings = CameraSettings(320, 180, FPS, 400_000, GOP, "libav", 4, 160, 90)
        self.taken = Taken()
        self.camera = PiCamera(
            lambda deliver: PicameraSession(settings, deliver, self.taken.tell),
            self.taken,
            now_ns=self.now_ns,
            keyframe_interval_ns=INTERVAL_NS,
            gave_up=self.taken.give_up,
            tell=self.taken.tell,
        )

    def now_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def until(self, holds: Callable[[], bool]) -> None:
        self.taken.until(holds)

    def hang(self) -> None:
        libcamera.SENSOR.hung.set()

    def heal(self) -> None:
        libcamera.SENSOR.hung.clear()

    def rest(self) -> None:
        self.until(lambda: not libcamera.SENSOR.held)


@pytest.fixture(params=["simulator", "pi"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "simulator":
        yield SimRig()
        return
    made = PiRig()
    yield made
    made.heal()
    assert made.camera.close()


def more(rig: Rig, count: int) -> list[tuple[int, bool]]:
    """So many further pictures: when each was taken, and whether it is a keyframe."""
    had = len(rig.taken.pictures)
    rig.until(lambda: len(rig.taken.pictures) >= had + count)
    return [(picture.t_ns, picture.key) for picture in rig.taken.pictures[had : had + count]]


def test_it_sleeps_until_it_is_woken(rig: Rig) -> None:
    rig.camera.force_keyframe()
    rig.camera.restart()
    rig.camera.sleep()
    rig.rest()
    assert rig.taken.pictures == []
    rig.camera.wake()
    more(rig, 1)


def test_the_first_picture_is_a_keyframe_that_can_be_decoded(rig: Rig) -> None:
    rig.camera.wake()
    more(rig, 1)
    first = rig.taken.pictures[0]
    assert first.key
    assert first.data.startswith((b"\0\0\1", b"\0\0\0\1"))
    kinds = [unit[0] & 31 for unit in first.data.split(b"\0\0\1")[1:]]
    assert kinds.index(7) < kinds.index(8) < kinds.index(5)  # SPS, PPS, picture


def test_keyframes_come_at_the_interval(rig: Rig) -> None:
    rig.camera.wake()
    keys = [key for _, key in more(rig, 2 * GOP + 1)]
    assert keys == [number % GOP == 0 for number in range(2 * GOP + 1)]


def test_times_are_those_of_the_sensor_on_the_boot_clock(rig: Rig) -> None:
    rig.camera.wake()
    woken_ns = rig.now_ns()
    times = [t_ns for t_ns, _ in more(rig, FPS)]
    assert woken_ns - LATENCY_NS < times[0] < times[-1] <= rig.now_ns() < times[-1] + LATENCY_NS
    assert times == sorted(set(times))
    steps = sorted(after - before for before, after in pairwise(times))
    assert 30e6 < steps[len(steps) // 2] < 40e6


def test_a_keyframe_comes_when_it_is_asked_for(rig: Rig) -> None:
    rig.camera.wake()
    more(rig, 3)
    rig.camera.force_keyframe()
    assert True in [key for _, key in more(rig, GOP - 5)]


def test_nothing_comes_after_sleep(rig: Rig) -> None:
    rig.camera.wake()
    more(rig, 5)
    rig.camera.sleep()
    had = len(rig.taken.pictures)
    rig.rest()
    assert len(rig.taken.pictures) == had


def test_it_wakes_again_with_a_keyframe_and_time_goes_on(rig: Rig) -> None:
    rig.camera.wake()
    *_, (before_ns, _) = more(rig, 3)
    for _ in range(3):
        rig.camera.sleep()
        rig.camera.wake()
        had = len(rig.taken.pictures)
        rig.until(lambda had=had: len(rig.taken.pictures) > had)  # type: ignore[misc]
        first = rig.taken.pictures[had]
        assert first.key
        assert first.t_ns > before_ns
        before_ns = rig.taken.pictures[-1].t_ns


def test_a_camera_that_hangs_is_back_after_a_restart_with_a_keyframe(rig: Rig) -> None:
    rig.camera.wake()
    more(rig, 3)
    rig.hang()
    rig.camera.restart()
    rig.heal()
    (_, key), *_ = more(rig, 3)
    assert key


def test_a_restart_does_not_wake_it(rig: Rig) -> None:
    rig.camera.wake()
    more(rig, 1)
    rig.camera.sleep()
    had = len(rig.taken.pictures)
    rig.camera.restart()
    rig.rest()
    assert len(rig.taken.pictures) == had
