"""The whole recorder on the real libcamera, from press to film; `make test-camera` runs this.

python tools/test_camera.py ROOT     where ROOT is the chroot that tools/camera_chroot/build.sh made
"""

import json
import shutil
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).parent.parent
KEPT_S = (30, 42)
"""Length of the film: what came before the press, 30 s, and the hold that ends it."""
HANG_S = (3, 12)
"""How long the film stands still where the sensor hung."""
CONFIG = """
[device]
id = "cam07"
[paths]
card = "{folder}/card"
run = "{folder}/run"
policy = "{folder}/policy.toml"
key = "{folder}/device.key"
bundle = "{folder}/bundle.json"
[speaker]
device = "made-up"
[microphone]
device = "made-up"
[camera]
encoder = "libav"
"""


def run(*words: str | Path) -> str:
    """A program's output; its failure ends this one."""
    done = subprocess.run(
        [str(word) for word in words], check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def enrol(folder: Path) -> None:
    """A station, and a camera that belongs to it."""
    (folder / "card").mkdir()
    policy = (HOUSE / "config/policies/default.toml").read_text()
    (folder / "policy.toml").write_text(policy.replace("pre_record_s = 30", "pre_record_s = 3"))
    config = folder / "config.toml"
    config.write_text(CONFIG.format(folder=folder))
    run("bodycam-station", "init", folder / "station")
    run("bodycam", "enroll", "--config", config, "--out", folder / "request")
    where: list[str | Path] = ["--station", folder / "station", "--out", folder / "answer"]
    run("bodycam-station", "enroll", folder / "request", *where)
    run("bodycam", "enroll", "--config", config, "--accept", folder / "answer")
    config.write_text(CONFIG.format(folder="/shift"))


def shift(root: Path, folder: Path) -> dict[str, Any]:
    """Run the shift in the chroot; its own last words."""
    inside = root / "shift"
    shutil.rmtree(inside, ignore_errors=True)
    shutil.rmtree(root / "house", ignore_errors=True)
    shutil.copytree(folder, inside, ignore=shutil.ignore_patterns("station"))
    shutil.copytree(HOUSE / "device/bodycam", root / "house/bodycam")
    shutil.copytree(HOUSE / "tools/camera_chroot", root / "house/tools/camera_chroot")
    shutil.rmtree(folder / "card")
    words = [
        "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
        'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && '
        'exec chroot "$0" env -i PATH=/usr/bin PYTHONPATH=/house:/wheels '
        "LIBCAMERA_LOG_LEVELS=*:FATAL python3 -W ignore -m tools.camera_chroot.shift",
        str(root),
    ]  # fmt: skip
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    last = ""
    for line in child.stdout:
        last = line
        if not line.startswith("{"):
            print(f"    {line.rstrip()}", flush=True)
    if child.wait(timeout=60):
        sys.exit("The recorder failed; its last words are above.")
    shutil.copytree(inside / "card", folder / "card")
    said: dict[str, Any] = json.loads(last)
    return said


def expect(what: str, holds: bool) -> None:
    """Say what was looked at; end where it is not so."""
    print(f"{'good' if holds else 'BAD '}  {what}", flush=True)
    if not holds:
        sys.exit(1)


def faults(said: dict[str, Any]) -> set[str]:
    """What was wrong at the end, but for a clock that nobody sets in a chroot."""
    return set(said["status"]["faults"]) - {"clock-unsynchronised"}


def look(film: Path) -> None:
    """The film plays, is as long as it should be, and stands still once."""
    streams = json.loads(
        run("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", film)
    )["streams"]
    video = next(stream for stream in streams if stream["codec_type"] == "video")
    sound = next(stream for stream in streams if stream["codec_type"] == "audio")
    words = ["-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "json"]
    times = json.loads(run("ffprobe", "-v", "error", *words, film))["packets"]
    at = [float(packet["pts_time"]) for packet in times]
    steps = sorted(after - before for before, after in pairwise(at))
    usual = steps[len(steps) // 2]
    expect(
        f"the film has {video['width']}x{video['height']} pictures",
        (video["width"], video["height"]) == (1280, 720),
    )
    expect(f"it lasts {at[-1] - at[0]:.1f} s", KEPT_S[0] < at[-1] - at[0] < KEPT_S[1])
    expect(f"its pictures are {usual * 1000:.1f} ms apart", 0.03 < usual < 0.037)
    expect(f"it stands still once, for {steps[-1]:.1f} s", HANG_S[0] < steps[-1] < HANG_S[1])
    expect(f"nowhere else for more than {steps[-2]:.2f} s", steps[-2] < 0.5)
    expect(f"all of its {len(at)} pictures decode", int(video["nb_read_frames"]) == len(at))
    expect(f"it has sound: {sound['nb_read_frames']} frames", int(sound["nb_read_frames"]) > 900)


def main() -> None:
    """From enrolment to the film."""
    root = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="test-camera-") as name:
        folder = Path(name)
        enrol(folder)
        said = shift(root, folder)
        expect("`bodycam run` ended in good order", said["code"] == 0)
        expect(f"no fault was left {(left := faults(said)) or ''}", not left)
        expect(f"the camera was rebuilt: {said['sessions']} sessions", said["sessions"] >= 2)
        expect(f"the warning was given: {said['warned']}", said["warned"] >= 1)
        expect(f"the lens watch saw {said['luma']}", said["luma"] == [640, 360, 640 * 360])
        station = folder / "station"
        print(run("bodycam-station", "import", folder / "card", "--station", station).rstrip())
        recordings = sorted((folder / "card/recordings").iterdir())
        expect("there is one recording", len(recordings) == 1)
        print(run("bodycam-station", "verify", recordings[0], "--station", station).rstrip())
        film = folder / "film.mp4"
        run("bodycam-station", "export", recordings[0].name, "--station", station, "--out", film)
        look(film)
    print("The recorder works on the real libcamera: recorded, hung, survived, verified, exported.")


if __name__ == "__main__":
    main()
