"""The camera's software, installed into a folder as `make install` does it."""

import os
import subprocess
from pathlib import Path

HOUSE = Path(__file__).parent.parent


def make(target: str, root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `make install` or `make uninstall` for a root folder."""
    return subprocess.run(
        [HOUSE / "tools" / "install.sh", target],
        env={"PATH": os.environ["PATH"], "DESTDIR": str(root), **variables},
        capture_output=True,
        text=True,
    )


def lines(path: Path, key: str) -> list[str]:
    """The values that a file of systemd's form gives a key, in order."""
    found = (line.partition("=") for line in path.read_text().splitlines())
    return [value for name, _, value in found if name == key]
