"""What the Pi's camera does when something is wrong: with made-up sessions, and over picamera2."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from bodycam.errors import DeviceError
from bodycam.pi.camera import (
    CameraSettings,
    Deliver,
    Luma,
    Patience,
    PiCamera,
    Session,
    buffer_count,
    encoder_of,
)
from fakes import libcamera
from fakes.taken import Taken

# picamera2 says the first of its own threads, and loses a pipe where a camera is busy.
pytestmark = [
    pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MS = 1_000_000
QUICK = Patience(settle_ns=0, healthy_ns=1000 * MS, longest_wait_ns=5 * MS, stuck_ns=800 * MS)


def now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class MadeUp:
    """A session that the test drives, and the place where sessions are opened."""

    def __init__(self, taken: Taken) -> None:
        self.taken = taken
        self.opened: list[Deliver] = []
        self.closed = 0
        self.keyframes = 0
        self.refuse: list[Exception] = []
        """What the next openings raise."""
        self.may_close = threading.Event()
        self.may_close.set()

    def open(self, deliver: Deliver) -> Session:
        if self.refuse:
            raise self.refuse.pop(0)
        self.opened.append(deliver)
        return self

    def force_keyframe(self) -> None:
        self.keyframes += 1

    def luma(self, wait_s: float) -> Luma | None:
        return Luma(2, 1, b"\x10\x20")

    def close(self) -> None:
        self.may_close.wait()
        self.closed += 1

    def until_open(self, times: int) -> Deliver:
        self.taken.until(lambda: len(self.opened) >= times)
        return self.opened[times - 1]


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def made(taken: Taken) -> MadeUp:
    return MadeUp(taken)


Make = Callable[..., PiCamera]


@pytest.fixture
def camera_on(taken: Taken) -> Iterator[Make]:
    cameras: list[PiCamera] = []

    def make(open_session: Callable[[Deliver], Session], **more: object) -> PiCamera:
        values = {"patience": QUICK, "now_ns": now_ns, "gave_up": taken.give_up} | more
        camera = PiCamera(
            open_session,
            taken,
            keyframe_interval_ns=500 * MS,
            tell=taken.tell,
            **values,  # type: ignore[arg-type]
        )
        cameras.append(camera)
        return camera

    yield make
    for camera in cameras:
        assert camera.close()


def restart_until(camera: PiCamera, taken: Taken, holds: Callable[[], bool]) -> None:
    """As the agent does while it hears nothing: again and again."""

    def asked() -> bool:
        camera.restart()
        return holds()

    taken.until(asked)


# ---- which camera, which encoder -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "encoder"),
    [
        ("Raspberry Pi Zero 2 W Rev 1.0", "v4l2"),
        ("Raspberry Pi 4 Model B Rev 1.5", "v4l2"),
        ("Raspberry Pi 5 Model B Rev 1.1", "libav"),
        ("Raspberry Pi Compute Module 5 Rev 1.0", "libav"),
    ],
)
def test_each_model_has_its_encoder(model: str, encoder: str) -> None:
    assert encoder_of(model) == encoder


@pytest.mark.parametrize("model", ["", "Raspberry Pi Zero W Rev 1.1", "Radxa ZERO 3"])
def test_an_unknown_model_is_refused_by_name(model: str) -> None:
    with pytest.raises(DeviceError, match=f"'{model}'.*Use one of"):
        encoder_of(model)


def test_a_small_memory_has_few_buffers() -> None:
    assert buffer_count(512 << 20) == 4
    assert buffer_count(4 << 30) == 6


# ---- missing, busy, silent -----------------------------------------------------------------------


def test_a_camera_that_cannot_be_opened_is_tried_again_and_said_once(
    made: MadeUp, taken: Taken, camera_on: Make
) -> None:
    made.refuse = [DeviceError("No camera is connected.") for _ in range(20)]
    camera_on(made.open).wake()
    made.until_open(1)
    assert taken.said == ["No camera is connected."]
    assert taken.gave_up == []  # this process never saw one: a new one would not either


def test_waits_between_tries_double_up_to_the_longest(made: MadeUp, camera_on: Make) -> None:
    made.refuse = [DeviceError("No camera is connected.") for _ in range(3)]
    tried: list[int] = []

    def open_session(deliver: Deliver) -> Session:
        tried.append(now_ns())
        return made.open(deliver)

    camera_on(open_session, patience=Patience(longest_wait_ns=40 * MS)).wake()
    made.until_open(1)
    first, second, third, fourth = tried
    assert second - first < 40 * MS
    assert third - second >= 40 * MS
    assert fourth - third >= 40 * MS


def test_a_wake_does_not_wait(made: MadeUp, camera_on: Make) -> None:
    made.refuse = [DeviceError("No camera is connected.") for _ in range(2)]
    camera = camera_on(made.open, patience=Patience(longest_wait_ns=3600_000 * MS))
    camera.wake()
    made.taken.until(lambda: made.refuse == [])
    camera.sleep()
    camera.wake()
    made.until_open(1)


def test_one_that_is_awake_is_not_opened_again_by_a_wake(
    made: MadeUp, camera_on: Make, taken: Taken
) -> None:
    camera = camera_on(made.open)
    camera.wake()
    deliver = made.until_open(1)
    camera.wake()
    deliver(now_ns(), b"I", True)
    assert len(taken.pictures) == 1
    assert len(made.opened) == 1


def test_whatever_opening_raises_is_tried_again(made: MadeUp, camera_on: Make) -> None:
    made.refuse = [RuntimeError("a bug"), MemoryError()]
    camera_on(made.open).wake()
    made.until_open(1)


def test_a_camera_that_had_delivered_and_cannot_be_rebuilt_asks_for_a_new_process_once(
    made: MadeUp, taken: Taken, camera_on: Make
) -> None:
    # A busy machine may keep a made-up driver from answering: that is another reason, not this one.
    camera = camera_on(made.open, patience=replace(QUICK, stuck_ns=60_000 * MS))
    camera.wake()
    made.until_open(1)(now_ns(), b"I", True)
    restart_until(camera, taken, lambda: len(made.opened) > 9)
    assert taken.gave_up == ["The camera was rebuilt 6 times and stays silent."]


def test_a_camera_that_had_been_well_is_rebuilt_as_often_as_it_takes(
    made: MadeUp, taken: Taken, camera_on: Make
) -> None:
    clock = [1 << 40]
    camera = camera_on(made.open, now_ns=lambda: clock[0])
    camera.wake()
    for rebuilt in range(1, 10):
        deliver = made.until_open(rebuilt)
        taken.until(lambda: camera.luma(0) is not None)
        for _ in range(3):
            clock[0] += 900 * MS
            deliver(clock[0], b"I", True)
        restart_until(camera, taken, lambda: len(made.opened) > rebuilt)  # noqa: B023
    assert taken.gave_up == []


def test_a_driver_that_never_lets_go_asks_for_a_new_process(
    made: MadeUp, taken: Taken, camera_on: Make
) -> None:
    camera = camera_on(made.open)
    camera.wake()
    made.until_open(1)
    made.may_close.clear()
    restart_until(camera, taken, lambda: taken.gave_up != [])
    assert "has not answered" in taken.gave_up[0]
    made.may_close.set()


def test_restarts_that_come_together_are_one(made: MadeUp, taken: Taken, camera_on: Make) -> None:
    camera = camera_on(made.open)
    camera.wake()
    made.until_open(1)
    taken.until(lambda: camera.luma(0) is not None)
    made.opened[0](now_ns(), b"I", True)
    made.may_close.clear()
    for _ in range(50):
        camera.restart()
    made.may_close.set()
    made.until_open(2)
    assert taken.gave_up == []


def test_a_restart_while_it_settles_changes_nothing(made: MadeUp, camera_on: Make) -> None:
    camera = camera_on(made.open, patience=Patience())
    camera.wake()
    made.until_open(1)
    made.taken.until(lambda: camera.luma(0) is not None)
    for _ in range(5):
        camera.restart()
    made.opened[0](now_ns(), b"I", True)
    assert len(made.taken.pictures) == 1
    assert made.closed == 0


def test_calls_return_at_once_while_the_driver_hangs(made: MadeUp, camera_on: Make) -> None:
    camera = camera_on(made.open)
    camera.wake()
    made.until_open(1)
    made.may_close.clear()
    camera.sleep()
    before_ns = time.thread_time_ns(), now_ns()
    for _ in range(100):
        camera.wake()
        camera.restart()
        camera.force_keyframe()
        camera.sleep()
    assert now_ns() - before_ns[1] < 1000 * MS
    made.may_close.set()


# ---- what the encoder may send -------------------------------------------------------------------


def test_pictures_before_the_first_keyframe_are_left_out_and_one_is_asked_for(
    made: MadeUp, taken: Taken, camera_on: Make
) -> None:
    camera = camera_on(made.open)
    camera.wake()
    deliver = made.until_open(1)
    taken.until(lambda: camera.luma(0) is not None)
    deliver(now_ns(), b"P", False)
    assert made.keyframes == 1
    deliver(now_ns(), b"I", True)
    deliver(now_ns(), b"P", False)
    assert [picture.data for picture in taken.pictures] == [b"I", b"P"]


def test_a_keyframe_that_never_comes_again_is_asked_for_then_the_camera_falls_silent(
    made: MadeUp, taken: Taken, camera_on: Make
) -> None:
    clock = [1 << 40]
    camera = camera_on(made.open, now_ns=lambda: clock[0])
    camera.wake()
    deliver = made.until_open(1)
    taken.until(lambda: camera.luma(0) is not None)
    deliver(clock[0], b"I", True)
    for _ in range(120):  # 12 s
        clock[0] += 100 * MS
        deliver(clock[0], b"P", False)
    assert 4 <= made.keyframes <= 25
    assert taken.pictures[-1].t_ns - taken.pictures[0].t_ns == 5000 * MS
    assert "no keyframes" in taken.said[0]


def test_a_late_packet_of_an_old_session_is_not_taken(
    made: MadeUp, taken: Taken, camera_on: Make
) -> None:
    camera = camera_on(made.open)
    camera.wake()
    old = made.until_open(1)
    old(now_ns(), b"I", True)
    camera.sleep()
    old(now_ns(), b"I", True)
    camera.wake()
    new = made.until_open(2)
    old(now_ns(), b"I", True)
    new(now_ns(), b"new", True)
    assert [picture.data for picture in taken.pictures] == [b"I", b"new"]


@pytest.mark.parametrize("jump_s", [3600, -3600, 1, 315_000_000])
def test_times_that_cannot_be_are_replaced_by_those_of_arrival(
    made: MadeUp, taken: Taken, camera_on: Make, jump_s: int
) -> None:
    clock = [1 << 60]
    camera = camera_on(made.open, now_ns=lambda: clock[0])
    camera.wake()
    deliver = made.until_open(1)
    for number in range(60):
        clock[0] += 33 * MS
        wrong_ns = jump_s * 1000 * MS if 20 <= number < 40 else 0
        deliver(clock[0] - 20 * MS + wrong_ns, b"x", number % 15 == 0)
    times = [picture.t_ns for picture in taken.pictures]
    assert times == sorted(set(times))
    assert len(times) == 60
    assert all(13 * MS <= after - at <= 53 * MS for at, after in pairwise(times))
    assert len(taken.said) == 1


def test_a_time_that_repeats_goes_on_by_one_tick(
    made: MadeUp, taken: Taken, camera_on: Make
) -> None:
    camera = camera_on(made.open)
    camera.wake()
    deliver = made.until_open(1)
    at_ns = now_ns()
    for _ in range(3):
        deliver(at_ns, b"I", True)
    assert [picture.t_ns - at_ns for picture in taken.pictures] == [0, 1000, 2000]


# ---- over the real picamera2 ---------------------------------------------------------------------


@pytest.fixture
def sensor() -> Iterator[libcamera.Sensor]:
    libcamera.plug_in()
    sensor = libcamera.SENSOR
    yield sensor
    vars(sensor).update({**vars(libcamera.Sensor()), "hung": sensor.hung, "stuck": sensor.stuck})
    sensor.hung.clear()
    sensor.stuck.clear()


@pytest.fixture
def pi(sensor: libcamera.Sensor, taken: Taken, camera_on: Make) -> PiCamera:
    from bodycam.pi.picam import PicameraSession

    settings = CameraSettings(320, 180, 30, 400_000, 15, "libav", 4, 160, 90)
    return camera_on(lambda deliver: PicameraSession(settings, deliver, taken.tell))


def pictures(taken: Taken, count: int) -> None:
    had = len(taken.pictures)
    taken.until(lambda: len(taken.pictures) >= had + count)


def test_it_asks_for_what_it_was_told(pi: PiCamera, sensor: libcamera.Sensor, taken: Taken) -> None:
    pi.wake()
    pictures(taken, 1)
    assert sensor.asked["FrameDurationLimits"] == (33333, 33333)
    assert sensor.asked["buffers"] == 4
    assert sensor.asked["streams"] == [("YUV420", 320), ("YUV420", 160)]


def test_a_missing_camera_is_said_and_taken_when_it_comes(
    pi: PiCamera, sensor: libcamera.Sensor, taken: Taken
) -> None:
    sensor.connected = False
    pi.wake()
    taken.until(lambda: taken.said != [])
    sensor.connected = True
    pictures(taken, 1)
    assert taken.said == ["No camera is connected. Switch off, then seat both ends of its cable."]


def test_a_busy_camera_is_said_and_taken_when_it_is_free(
    pi: PiCamera, sensor: libcamera.Sensor, taken: Taken
) -> None:
    sensor.busy = True
    pi.wake()
    taken.until(lambda: taken.said != [])
    assert "resource busy" in taken.said[0]
    assert "another program" in taken.said[0]
    sensor.busy = False
    pictures(taken, 1)


def test_a_camera_that_does_not_start_is_let_go_and_tried_again(
    pi: PiCamera, sensor: libcamera.Sensor, taken: Taken
) -> None:
    sensor.starts = False
    pi.wake()
    taken.until(lambda: taken.said != [])
    assert taken.said[0] == "The camera does not start: Failed to start camera: Input/output error."
    sensor.starts = True
    pictures(taken, 1)


def test_a_consumer_that_raises_does_not_end_the_pictures(
    pi: PiCamera, sensor: libcamera.Sensor, taken: Taken
) -> None:
    pi.wake()
    pictures(taken, 1)
    taken.refuses = True
    taken.until(lambda: taken.said != [])
    assert taken.said == ["A picture was not taken: This consumer is broken."]
    taken.refuses = False
    pictures(taken, 5)
    assert sensor.opened == 1


def test_a_restart_while_it_still_hangs_is_bounded_and_heals(
    pi: PiCamera, sensor: libcamera.Sensor, taken: Taken
) -> None:
    pi.wake()
    pictures(taken, 1)
    sensor.hung.set()
    opened = sensor.opened
    restart_until(pi, taken, lambda: sensor.opened >= opened + 3)
    sensor.hung.clear()
    had = len(taken.pictures)
    pictures(taken, 1)
    assert taken.pictures[had].key


def test_a_kernel_that_holds_the_camera_is_left_to_systemd(
    pi: PiCamera, sensor: libcamera.Sensor, taken: Taken
) -> None:
    pi.wake()
    pictures(taken, 1)
    sensor.stuck.set()
    restart_until(pi, taken, lambda: taken.gave_up != [])
    assert "driver has not answered" in taken.gave_up[0]
    sensor.stuck.clear()


def test_sleeping_and_waking_leaves_no_thread_and_no_file_behind(
    pi: PiCamera, sensor: libcamera.Sensor, taken: Taken
) -> None:
    def cycle() -> None:
        pi.wake()
        pictures(taken, 1)
        pi.sleep()
        taken.until(lambda: not sensor.held and pi.luma(0) is None)

    before = threading.active_count()
    cycle()
    taken.until(lambda: threading.active_count() <= before)
    files = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        cycle()
    taken.until(lambda: threading.active_count() <= before)
    taken.until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= files)


def test_the_lens_watch_gets_small_pictures_and_is_never_kept_waiting(
    pi: PiCamera, sensor: libcamera.Sensor, taken: Taken
) -> None:
    assert pi.luma(0.1) is None
    pi.wake()
    pictures(taken, 1)
    luma = pi.luma(2)
    assert luma is not None
    assert (luma.width, luma.height, len(luma.data)) == (160, 90, 160 * 90)
    sensor.hung.set()
    taken.until(lambda: pi.luma(0.1) is None)


def test_the_encoders_are_set_as_footage_needs_them(sensor: libcamera.Sensor) -> None:
    from picamera2.encoders import LibavH264Encoder  # type: ignore[import-untyped]
    from picamera2.encoders.h264_encoder import H264Encoder  # type: ignore[import-untyped]

    from bodycam.pi.picam import make_encoder

    for name, kind in (("libav", LibavH264Encoder), ("v4l2", H264Encoder)):
        encoder = make_encoder(CameraSettings(1280, 720, 25, 4_000_000, 50, name))
        assert isinstance(encoder, kind)
        assert (encoder.iperiod, encoder.repeat, encoder.bitrate) == (50, True, 4_000_000)
