"""A camera that runs, on picamera2's public API; loads picamera2 and all that it needs.

Two laws of picamera2 rule this file. An exception out of `outputframe` ends all pictures without a
word, and so does waiting there: nothing leaves it, nothing waits in it. `stop` waits for a picture,
which a hung sensor never sends: it is never called; `close` ends the event loop first and needs
none.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from av.video.frame import PictureType
from picamera2 import Picamera2  # type: ignore
from picamera2.encoders import LibavH264Encoder  # type: ignore
from picamera2.outputs import Output  # type: ignore

from bodycam.errors import DeviceError
from bodycam.pi.camera import CameraSettings, Deliver, Luma

_US_NS = 1000


class PicameraSession:
    """Implements camera.Session: open, configured, and running."""

    def __init__(
        self, settings: CameraSettings, deliver: Deliver, tell: Callable[[str], None]
    ) -> None:
        """Raises DeviceError where there is no camera, where it is busy, or will not start."""
        if settings.camera >= len(Picamera2.global_camera_info()):
            raise DeviceError(
                "No camera is connected.", do="Switch off, then seat both ends of its cable."
            )
        try:
            self._camera = Picamera2(settings.camera)
        except Exception as error:
            raise DeviceError(
                f"The camera cannot be opened: {_reasons(error)}.",
                do="See whether another program uses it, and that its cable is seated.",
            ) from error
        self._encoder = make_encoder(settings)
        try:
            self._camera.configure(_configuration(self._camera, settings))
            sink = _Sink(self._encoder, deliver, tell)
            self._camera.start_encoder(self._encoder, sink, name="main")
            self._camera.start()
        except Exception as error:
            with suppress(DeviceError):
                self.close()
            raise DeviceError(f"The camera does not start: {_reasons(error)}.") from error

    def force_keyframe(self) -> None:
        """See camera.Session."""
        self._encoder.force_key_frame()

    def luma(self, wait_s: float) -> Luma | None:
        """See camera.Session."""
        try:
            stream = self._camera.camera_configuration()["lores"]
            width, height = stream["size"]
            rows = self._camera.capture_array("lores", wait=wait_s)[:height, :width]
        except Exception:  # noqa: BLE001  no picture in time, or the camera is being closed
            return None
        return Luma(width, height, rows.tobytes())

    def close(self) -> None:
        """See camera.Session."""
        camera, encoder = self._camera, self._encoder
        problems = []
        for step in (
            camera.cancel_all_and_flush,
            lambda: camera.stop_encoder(encoder) if encoder.running else None,
            camera.close,
        ):
            try:
                step()
            except Exception as error:  # noqa: BLE001  the next step may still free the camera
                problems.append(_reasons(error))
        if problems:
            raise DeviceError(f"The camera was not closed in good order: {'; '.join(problems)}.")


class _Sink(Output):  # type: ignore[misc]
    """Where the encoder puts its pictures."""

    def __init__(self, encoder: Any, deliver: Deliver, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._encoder = encoder
        self._deliver = deliver
        self._tell = tell
        self._told = False

    def outputframe(
        self,
        frame: Any,
        keyframe: bool = True,
        timestamp: int | None = None,
        packet: Any = None,
        audio: bool = False,
    ) -> None:
        """Hand on a picture with its absolute time; nothing may leave here, and nothing waits."""
        try:
            t_ns = (self._encoder.firsttimestamp + timestamp) * _US_NS
            self._deliver(t_ns, bytes(frame), bool(keyframe))
        except Exception as error:  # noqa: BLE001  it would end all pictures without a word
            if not self._told:
                self._told = True
                self._tell(f"A picture was not taken: {_reasons(error)}.")

    def _add_stream(self, encoder_stream: Any, codec_name: str, **kw: Any) -> None:
        """What picamera2 says about the stream is in the stream itself."""


class _LibavEncoder(LibavH264Encoder):  # type: ignore[misc]
    """With a `force_key_frame` that works.

    The one of picamera2 (to 0.3.38) names the kind of picture in a way that PyAV refuses from 14
    on, and the refusal is an exception that ends all pictures.
    """

    def _start(self) -> None:
        super()._start()
        self._forcing = _ForcingStream(self._stream)
        self._stream: Any = self._forcing

    def force_key_frame(self) -> None:
        """Make the next picture a keyframe."""
        self._forcing.wanted = True


class _ForcingStream:
    """PyAV's output stream, which makes the next picture a keyframe when that is wanted."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.wanted = False

    def encode(self, frame: Any = None) -> Any:
        if self.wanted and frame is not None:
            self.wanted = False
            frame.pict_type = PictureType.I
        return self._stream.encode(frame)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _configuration(camera: Any, settings: CameraSettings) -> Any:
    """Large and small pictures of one mode; no raw ones, and none kept back: buffers are few."""
    return camera.create_video_configuration(
        main={"size": (settings.width, settings.height), "format": "YUV420"},
        lores={"size": (settings.luma_width, settings.luma_height), "format": "YUV420"},
        raw=None,
        buffer_count=settings.buffers,
        queue=False,
        controls={"FrameRate": settings.fps},
    )


def make_encoder(settings: CameraSettings) -> Any:
    """A new encoder, which repeats SPS and PPS before every keyframe; B pictures are not asked for.

    Off a Pi, picamera2's own choice is wrong: it is named here.
    """
    kind: Any = _LibavEncoder
    if settings.encoder == "v4l2":
        from picamera2.encoders.h264_encoder import H264Encoder  # type: ignore

        kind = H264Encoder
    return kind(
        bitrate=settings.bitrate_bps,
        repeat=True,
        iperiod=settings.keyframe_every,
        framerate=settings.fps,
    )


def _reasons(error: BaseException) -> str:
    """An error and what caused it, in one line of bounded length."""
    words: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(words) < 4:
        words.append(str(cause).strip().rstrip(".") or type(cause).__name__)
        cause = cause.__cause__
    return " <- ".join(words)[:300]
