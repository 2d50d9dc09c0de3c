"""Card images: real ext4, made and read without mounting anything here."""

import os
import subprocess
from pathlib import Path

SIZE_MIB = 256
CARD, CONTROL = "bodycam", "control"
"""The folders on it: what is the camera's, and the files that nobody syncs."""
FEATURES = "^64bit,^huge_file"
"""Those of the images of Raspberry Pi OS."""


class ImageError(RuntimeError):
    """A tool of e2fsprogs did not do what it was asked for."""


def make(image: Path, folder: Path) -> None:
    """A new card, as Raspberry Pi OS makes its ext4; `folder` is for what lies on it at first."""
    for name in (CARD, CONTROL):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _run(
        "mke2fs", "-q", "-t", "ext4", "-O", FEATURES, "-d", str(folder), str(image), f"{SIZE_MIB}M"
    )


def take_out(image: Path, into: Path) -> None:
    """What a reader of this card finds: a copy's journal is replayed, then its files are copied.

    The image itself stays as the cut left it. `into` is made, with the folders CARD and CONTROL.
    """
    into.mkdir()
    copy = into / "image"
    _run("cp", "--sparse=always", str(image), str(copy))
    _run("e2fsck", "-f", "-y", "-E", "journal_only", str(copy), good=(0, 1))
    for name in (CARD, CONTROL):
        said = _run("debugfs", "-R", f'rdump /{name} "{into}"', str(copy))
        trouble = [line for line in said.splitlines() if not line.startswith("debugfs ")]
        if trouble:
            raise ImageError(f"debugfs could not copy {name}: {trouble[0]}")
    copy.unlink()


def _run(*command: str, good: tuple[int, ...] = (0,)) -> str:
    """Its standard error; ImageError where it fails."""
    paths = f"{os.environ['PATH']}:/usr/sbin:/sbin"  # where a user's own path may not lead
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": paths}
    )
    if done.returncode not in good:
        words = (done.stderr or done.stdout).strip()
        raise ImageError(f"{command[0]} ended with {done.returncode}: {words}")
    return done.stderr
