"""Foreign readers that the tests hold us against, as programs."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

NPM = Path(__file__).parent / "oracles" / "age.mjs"


@dataclass(frozen=True)
class Age:
    """An age that knows post-quantum keys."""

    program: Path

    def open(self, identities: Path, sealed: bytes) -> bytes:
        return self._run(["-d", "-i", str(identities)], sealed)

    def seal(self, recipients: Sequence[str], plain: bytes) -> bytes:
        return self._run([word for text in recipients for word in ("-r", text)], plain)

    def first_on_path(self, folder: Path) -> dict[str, str]:
        """Variables for a process in which `age` is this one."""
        folder.mkdir()
        (folder / "age").symlink_to(self.program)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    def _run(self, words: Sequence[str], data: bytes) -> bytes:
        done = subprocess.run([self.program, *words], input=data, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


def npm_age() -> Age:
    """npm's age-encryption: the reader of the author of age, in another language."""
    return Age(NPM)


def debian_age(folder: Path) -> Age:
    """Stock age of Debian testing, unpacked into a folder. Needs root and a network."""
    done = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=extract", "--include=age",
         '--aptopt=Acquire::Check-Valid-Until "false"', "forky", folder],
        capture_output=True,
        text=True,
    )  # fmt: skip
    if done.returncode:
        pytest.fail(f"Debian testing's age could not be had; are you root? {done.stderr}")
    return Age(folder / "usr/bin/age")
