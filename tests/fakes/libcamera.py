"""As much of libcamera's Python interface as picamera2 uses, with one sensor behind it.

`plug_in` puts this module, and stand-ins for what picamera2 only mentions, where `import` finds
them. The sensor paints a moving bar into real memory, in real time, on a thread of its own.
"""

import enum
import importlib
import mmap
import os
import sys
import threading
import time
from collections import deque
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock


class Transform:
    def __init__(
        self, other: Any = None, hflip: int = 0, vflip: int = 0, transpose: int = 0
    ) -> None:
        self.hflip, self.vflip, self.transpose = hflip, vflip, transpose

    def __str__(self) -> str:
        return f"{self.hflip}{self.vflip}{self.transpose}"

    __hash__ = object.__hash__


class ColorSpace:
    def __init__(self, name: Any = "raw") -> None:
        self.primaries = self.transferFunction = self.ycbcrEncoding = self.range = name

    def __str__(self) -> str:
        return str(self.primaries)

    YcbcrEncoding = SimpleNamespace(Null=0)
    Range = SimpleNamespace(Full=0)
    __hash__ = object.__hash__

    @staticmethod
    def Sycc() -> "ColorSpace":  # noqa: N802
        return ColorSpace("sycc")

    @staticmethod
    def Smpte170m() -> "ColorSpace":  # noqa: N802
        return ColorSpace("smpte170m")

    @staticmethod
    def Rec709() -> "ColorSpace":  # noqa: N802
        return ColorSpace("rec709")

    @staticmethod
    def Raw() -> "ColorSpace":  # noqa: N802
        return ColorSpace()


class Size:
    def __init__(self, width: int = 0, height: int = 0) -> None:
        self.width, self.height = width, height


class Rectangle:
    def __init__(self, x: int = 0, y: int = 0, width: int = 0, height: int = 0) -> None:
        self.x, self.y, self.width, self.height = x, y, width, height


class Orientation(enum.Enum):
    Rotate0 = 0
    Rotate0Mirror = 1
    Rotate180 = 2
    Rotate180Mirror = 3
    Rotate90 = 4
    Rotate90Mirror = 5
    Rotate270 = 6
    Rotate270Mirror = 7


class PixelFormat(str):
    __slots__ = ()


class ControlType(enum.Enum):
    Integer = 0
    Rectangle = 1
    Size = 2


class StreamRole(enum.Enum):
    Raw = 0
    StillCapture = 1
    VideoRecording = 2
    Viewfinder = 3


class FrameMetadata:
    class Status(enum.Enum):
        Success = 0
        Error = 1


class SensorConfiguration:
    bit_depth = 0
    output_size = Size()


class FrameBuffer:
    class Plane:
        fd = -1
        offset = length = 0

    def __init__(self, planes: list[Any]) -> None:
        self.planes = planes
        self.metadata = SimpleNamespace(status=FrameMetadata.Status.Success)


class Request:
    class Status(enum.Enum):
        Complete = 0
        Cancelled = 1

    def __init__(self, cookie: int) -> None:
        self.cookie = cookie
        self.buffers: dict[Any, FrameBuffer] = {}
        self.metadata: dict[Any, Any] = {}
        self.status = Request.Status.Complete

    def add_buffer(self, stream: Any, buffer: FrameBuffer) -> None:
        self.buffers[stream] = buffer

    def reuse(self) -> None:
        self.metadata = {}

    def set_control(self, control: Any, value: Any) -> None:
        pass


def _control(name: str) -> SimpleNamespace:
    return _Control(name=name, type=ControlType.Integer)


class _Control(SimpleNamespace):
    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


controls: Any = MagicMock()
controls.SensorTimestamp = _control("SensorTimestamp")
controls.FrameDurationLimits = _control("FrameDurationLimits")
controls.NoiseReductionMode = _control("NoiseReductionMode")
properties: Any = MagicMock()


class StreamConfiguration:
    def __init__(self) -> None:
        self.size = Size(1280, 720)
        self.pixel_format = PixelFormat("YUV420")
        self.stride = self.frame_size = self.buffer_count = 0
        self.color_space = ColorSpace.Rec709()
        self.formats = SimpleNamespace(
            pixel_formats=[PixelFormat("SRGGB10")], sizes=lambda _: [Size(1920, 1080)]
        )
        self.stream = SimpleStream()


class SimpleStream:
    configuration: StreamConfiguration


class CameraConfiguration(list[StreamConfiguration]):
    class Status(enum.Enum):
        Valid = 0
        Adjusted = 1
        Invalid = 2

    orientation = Orientation.Rotate0
    sensor_config: SensorConfiguration | None = None

    def at(self, index: int) -> StreamConfiguration:
        return self[index]

    def validate(self) -> "CameraConfiguration.Status":
        for stream in self:
            stream.stride = stream.size.width
            stream.frame_size = stream.size.width * stream.size.height * 3 // 2
            stream.stream.configuration = stream
        return CameraConfiguration.Status.Valid


class Sensor:
    """The one camera, and all that can be wrong with it."""

    def __init__(self) -> None:
        self.connected = True
        self.busy = False
        self.starts = True
        self.hung = threading.Event()
        """Set: no picture comes, and nobody says so."""
        self.stuck = threading.Event()
        """Set: `stop` does not return until it is cleared."""
        self.shift_ns = 0
        """Added to the times that it says."""
        self.opened = 0
        """So often it was opened."""
        self.held = False
        """Somebody has it open."""
        self.asked: dict[str, Any] = {}
        """The controls that it was started with, and the number of buffers."""


class Camera:
    id = "/base/soc/i2c0mux/i2c@1/imx708@1a"

    def __init__(self, manager: "CameraManager") -> None:
        self._manager = manager
        self._queue: deque[Request] = deque()
        self._running = threading.Event()
        self._thread: threading.Thread | None = None
        self.properties = {_control("Model"): "imx708", _control("ColorFilterArrangement"): 0}
        limits = SimpleNamespace(min=8333, max=1_000_000, default=33333)
        self.controls = {
            controls.FrameDurationLimits: limits,
            controls.NoiseReductionMode: limits,
        }

    def acquire(self) -> None:
        if SENSOR.busy or SENSOR.held:
            raise RuntimeError("Failed to acquire camera: Device or resource busy")
        SENSOR.held = True
        SENSOR.opened += 1

    def release(self) -> None:
        SENSOR.held = False

    def generate_configuration(self, roles: list[StreamRole]) -> CameraConfiguration:
        return CameraConfiguration(StreamConfiguration() for _ in roles)

    def configure(self, configuration: CameraConfiguration) -> int:
        SENSOR.asked["buffers"] = configuration[0].buffer_count
        SENSOR.asked["streams"] = [(str(c.pixel_format), c.size.width) for c in configuration]
        return 0

    def create_request(self, cookie: int) -> Request:
        return Request(cookie)

    def queue_request(self, request: Request) -> None:
        self._queue.append(request)

    def start(self, wanted: dict[Any, Any]) -> None:
        if not SENSOR.starts:
            raise RuntimeError("Failed to start camera: Input/output error")
        SENSOR.asked |= {control.name: value for control, value in wanted.items()}
        (shortest_us, _) = SENSOR.asked["FrameDurationLimits"]
        self._running.set()
        self._thread = threading.Thread(target=self._expose, args=(shortest_us / 1e6,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        while SENSOR.stuck.is_set():
            time.sleep(0.01)
        self._running.clear()
        if self._thread is not None:
            self._thread.join()
        self._queue.clear()

    def _expose(self, every_s: float) -> None:
        number = 0
        while self._running.is_set():
            time.sleep(every_s)
            if SENSOR.hung.is_set() or not self._queue:
                continue
            request = self._queue.popleft()
            for buffer in request.buffers.values():
                plane = buffer.planes[0]
                os.pwrite(plane.fd, bytes([60 + number % 100]) * 640, number * 640 % plane.length)
            number += 1
            taken_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + SENSOR.shift_ns
            request.metadata = {controls.SensorTimestamp: taken_ns}
            self._manager.ready(request)


class CameraManager:
    _single: "CameraManager | None" = None

    def __init__(self) -> None:
        self.event_fd = os.eventfd(0)
        self._ready: deque[Request] = deque()
        self._camera = Camera(self)

    @staticmethod
    def singleton() -> "CameraManager":
        if CameraManager._single is None:
            CameraManager._single = CameraManager()
        return CameraManager._single

    @property
    def cameras(self) -> list[Camera]:
        return [self._camera] if SENSOR.connected else []

    def ready(self, request: Request) -> None:
        self._ready.append(request)
        os.eventfd_write(self.event_fd, 1)

    def get_ready_requests(self) -> list[Request]:
        if not self._ready:
            return []
        os.eventfd_read(self.event_fd)
        ready = list(self._ready)
        for _ in ready:
            self._ready.popleft()
        return ready


SENSOR = Sensor()


class Memory:
    """A buffer in memory, where picamera2 expects one of the kernel's DMA heaps."""

    def __init__(self, size: int) -> None:
        self.fd = os.memfd_create("picture")
        os.ftruncate(self.fd, size)
        self.map = mmap.mmap(self.fd, size)


def allocator_class() -> Any:
    """A replacement for picamera2's DmaAllocator."""

    class Sync:
        def __init__(self, allocator: Any, buffer: FrameBuffer, write: bool) -> None:
            self._map = allocator.maps.get(buffer)

        def __enter__(self) -> Any:
            if self._map is None:
                raise RuntimeError("failed to find buffer")
            return self._map

        def __exit__(self, *error: object) -> None:
            pass

    class MemoryAllocator:
        def __init__(self) -> None:
            self.maps: dict[Any, Any] = {}
            self._fds: list[int] = []
            self._buffers: dict[Any, Any] = {}
            self.sync = Sync

        def allocate(self, configuration: CameraConfiguration, _: Any) -> None:
            for stream in configuration:
                made = []
                for _number in range(stream.buffer_count):
                    memory = Memory(stream.frame_size)
                    plane = FrameBuffer.Plane()
                    plane.fd, plane.length = memory.fd, stream.frame_size
                    made.append(FrameBuffer([plane]))
                    self.maps[made[-1]] = memory.map
                    self._fds.append(memory.fd)
                self._buffers[stream.stream] = made

        def acquire(self, buffers: Any) -> None:
            pass

        def release(self, buffers: Any) -> None:
            pass

        def buffers(self, stream: Any) -> Any:
            return self._buffers[stream]

        def close(self) -> None:
            while self._fds:
                os.close(self._fds.pop())

        def __del__(self) -> None:
            self.close()

    return MemoryAllocator


def plug_in() -> None:
    """Make `import picamera2` work here, with this sensor; once or more often."""
    here = sys.modules[__name__]
    if sys.modules.get("libcamera") is here:
        return
    sys.modules["libcamera"] = here
    here._libcamera = here  # type: ignore[attr-defined]
    for name in ("pykms", "prctl", "pidng", "pidng.camdefs", "pidng.core"):
        sys.modules[name] = _stand_in(name)
    library: Any = importlib.import_module("picamera2.picamera2")
    library.DmaAllocator = allocator_class()


def _stand_in(name: str) -> ModuleType:
    module: Any = ModuleType(name)
    module.__getattr__ = lambda _: MagicMock()
    return module  # type: ignore[no-any-return]
