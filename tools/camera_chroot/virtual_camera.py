"""Makes the real picamera2 run on the real libcamera's virtual camera, which has no hardware.

Three things of a Pi are stood in for: the kernel's DMA heap (by memory), the sensor's modes, and
its pace: the virtual camera answers a request at once, so one is passed on each 1/30 s.
"""

import importlib
import mmap
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

PACE_S = 1 / 30

hung = threading.Event()
"""Set: no request is passed on, as if the sensor had hung."""


def plug_in() -> None:
    """Before picamera2 is imported anywhere else."""
    for name in ("pykms", "pidng", "pidng.camdefs", "pidng.core"):
        sys.modules[name] = _stand_in(name)
    libcamera: Any = importlib.import_module("libcamera")
    library: Any = importlib.import_module("picamera2.picamera2")

    library.DmaAllocator = _allocator(libcamera)
    library.Picamera2._get_raw_modes = lambda _: [{"format": "SRGGB10", "size": (1280, 720)}]
    library.Picamera2.sensor_modes = []
    pace = _Pace(libcamera.Camera.queue_request)
    stop = libcamera.Camera.stop

    def queue_in_pace(camera: Any, request: Any) -> None:
        pace.add(camera, request)

    def stop_and_forget(camera: Any) -> Any:
        pace.forget(camera)
        return stop(camera)

    libcamera.Camera.queue_request = queue_in_pace
    libcamera.Camera.stop = stop_and_forget


class _Pace:
    def __init__(self, queue: Callable[[Any, Any], Any]) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Any, Any]] = deque()
        threading.Thread(target=self._pass_on, name="pace", daemon=True).start()

    def add(self, camera: Any, request: Any) -> None:
        with self._lock:
            self._waiting.append((camera, request))

    def forget(self, camera: Any) -> None:
        with self._lock:
            self._waiting = deque(one for one in self._waiting if one[0] is not camera)

    def _pass_on(self) -> None:
        due_s = time.monotonic()
        while True:
            due_s = max(due_s + PACE_S, time.monotonic() - 1)
            time.sleep(max(0, due_s - time.monotonic()))
            with self._lock:
                if self._waiting and not hung.is_set():
                    camera, request = self._waiting.popleft()
                    self._queue(camera, request)


def _allocator(libcamera: Any) -> Any:
    class Sync:
        def __init__(self, allocator: Any, buffer: Any, write: bool) -> None:
            self._map = allocator.maps[buffer]

        def __enter__(self) -> Any:
            return self._map

        def __exit__(self, *error: object) -> None:
            pass

    class Allocator:
        """Each buffer is one file in memory with the two planes of NV12."""

        def __init__(self) -> None:
            self.sync = Sync
            self.maps: dict[Any, Any] = {}
            self._buffers: dict[Any, Any] = {}
            self._fds: list[int] = []

        def allocate(self, configuration: Any, _: Any) -> None:
            for stream in configuration:
                bright = stream.stride * stream.size.height
                self._buffers[stream.stream] = [
                    self._buffer(bright, stream.frame_size) for _ in range(stream.buffer_count)
                ]

        def _buffer(self, bright: int, size: int) -> Any:
            fd = os.memfd_create("picture")
            os.ftruncate(fd, size)
            self._fds.append(fd)
            planes = [libcamera.FrameBuffer.Plane() for _ in range(2)]
            for plane, offset, length in zip(
                planes, (0, bright), (bright, size - bright), strict=True
            ):
                plane.fd, plane.offset, plane.length = fd, offset, length
            buffer = libcamera.FrameBuffer(planes)
            self.maps[buffer] = mmap.mmap(fd, size)
            return buffer

        def buffers(self, stream: Any) -> Any:
            return self._buffers[stream]

        def acquire(self, buffers: Any) -> None:
            pass

        def release(self, buffers: Any) -> None:
            pass

        def close(self) -> None:
            while self._fds:
                os.close(self._fds.pop())

        def __del__(self) -> None:
            self.close()

    return Allocator


def _stand_in(name: str) -> ModuleType:
    module: Any = ModuleType(name)
    module.__getattr__ = lambda _: MagicMock()
    return module  # type: ignore[no-any-return]
