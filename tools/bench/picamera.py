"""picamera2's own code, off a Raspberry Pi: installed beside the bench, its hardware made up.

Only what it imports from the system (libcamera, kms, prctl) and pidng are empty shells; outputs,
encoders and everything else are picamera2's, as its wheel has them.
"""

import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from tools.bench.film import FPS, FRAME_NS, film_at
from tools.bench.serving import Told

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_SHELLS = (
    "libcamera", "pykms", "prctl", "pidng", "pidng.core", "pidng.camdefs",
)  # fmt: skip
_BUFFER_S = 5


class NoCameraLibrary(Exception):
    """picamera2 is not to be had here; the text says why."""


def installed(folder: Path, *, install: bool) -> Path:
    """The folder with picamera2 in it; raises NoCameraLibrary."""
    target = folder / "picamera2"
    made_from = target / "made-from"
    wanted = REQUIREMENTS.read_text()
    if made_from.exists() and made_from.read_text() == wanted:
        return target
    if not install:
        raise NoCameraLibrary("picamera2 is not installed here; `make bench` does it")
    print("bench: installing picamera2 into build/bench", flush=True)
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--upgrade"]
    command += ["--target", str(target), "-r", str(REQUIREMENTS)]
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        last = (done.stdout.strip().splitlines() or ["pip said nothing"])[-1]
        raise NoCameraLibrary(f"picamera2 could not be installed: {last}")
    made_from.write_text(wanted)
    return target


class _Shell(type):
    """A class with every attribute that is asked for; each is such a class again."""

    def __getattr__(cls, name: str) -> "_Shell":
        return _shell(cls, name)

    def __call__(cls, *_: object, **__: object) -> object:
        return type.__call__(cls)


class _ShellModule(ModuleType):
    """A module made of shells."""

    __path__: list[str] = []  # noqa: RUF012  as a package has it

    def __getattr__(self, name: str) -> _Shell:
        return _shell(self, name)


def _shell(owner: object, name: str) -> _Shell:
    """A new shell, which its owner keeps."""
    if name.startswith("__"):
        raise AttributeError(name)
    made = _Shell(name, (), {})
    setattr(owner, name, made)
    return made


def load(target: Path) -> None:
    """Import picamera2 from that folder."""
    for name in _SHELLS:
        sys.modules[name] = _ShellModule(name)
    sys.path.append(str(target))
    import_module("picamera2")


def cpu_ms(film_name: str, film_path: str, folder: str, seconds: str, target: str) -> Told:
    """CPU ms a second of footage through CircularOutput2 into PyavOutput, in steady state."""
    load(Path(target))
    outputs = import_module("picamera2.outputs")
    film = film_at(film_name, film_path)
    Path(folder).mkdir(parents=True)
    mp4 = Path(folder) / "film.mp4"
    warm_up = 2 * _BUFFER_S * FPS
    pictures: list[tuple[bytes, bool, int]] = []
    for packet in film.packets(0):
        pictures.append((packet.data, packet.key, len(pictures) * FRAME_NS // 1000))
        if len(pictures) == warm_up + int(seconds) * FPS:
            break
    circular = outputs.CircularOutput2(buffer_duration_ms=_BUFFER_S * 1000)
    # As H264Encoder does it on a camera with a hardware encoder: bytes, and no packet of PyAV's.
    circular._add_stream("video", "h264", width=film.spec.width, height=film.spec.height)
    circular.start()
    circular.open_output(outputs.PyavOutput(str(mp4)))
    began_s = 0.0
    for number, (data, key, t_us) in enumerate(pictures):
        if number == warm_up:
            began_s = _cpu_s()
        circular.outputframe(data, key, t_us)
    spent_s = _cpu_s() - began_s
    circular.stop()
    size = mp4.stat().st_size
    if size < sum(len(data) for data, _, _ in pictures):
        raise RuntimeError(f"picamera2 wrote {size} bytes only")
    return {"ms_per_s": spent_s * 1000 / int(seconds)}


def _cpu_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime
