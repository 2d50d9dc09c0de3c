"""`bodycam check --boot`: from the kernel's start to the first picture in the ring."""

import json
from pathlib import Path

from bodycam.check.findings import Figures, Finding, find
from bodycam.config import Config
from bodycam.errors import DeviceError
from bodycam.posix.beside import STATUS

TARGET_S = 15.0
"""On a Pi Zero 2 W."""
FIRST_START_S = 120.0
"""A recorder that began later after the kernel was not started by switching the camera on."""
_LONGEST = 64 * 1024


def measure(config: Config) -> Finding:
    """What the running recorder says of its own start."""
    return find("boot", lambda: _measure(Path(config.paths.run) / STATUS))


def _measure(path: Path) -> tuple[str, Figures]:
    try:
        with path.open() as file:
            status = json.loads(file.read(_LONGEST))
        began_us, ring_us = status["began_us"], status["ring_from_us"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeviceError(
            f"{path}: the recorder does not say how it began.",
            do="Start it: sudo systemctl start bodycam.service.",
        ) from error
    if ring_us is None:
        raise DeviceError(
            "No picture reached the ring by itself: it began in its dock, or the camera does not "
            "work.",
            do="Take it out of its dock, switch it off and on, wait 15 s, and look again.",
        )
    began_s, ring_s = began_us / 1e6, ring_us / 1e6
    figures = {"kernel_to_process_s": began_s, "kernel_to_ring_s": ring_s}
    says = (
        f"the ring fills {ring_s:.1f} s after the kernel began, {ring_s - began_s:.1f} s of them "
        "this process; the firmware's seconds before that are not in it"
    )
    if began_s > FIRST_START_S:
        raise DeviceError(
            f"The recorder was started {began_s:.0f} s after the kernel, not by switching on.",
            do="Switch the camera off and on, and look again.",
        )
    if ring_s > TARGET_S:
        raise DeviceError(f"Slow: {says}.", do="See 'Starting fast' in docs/hardware.md.")
    return says, figures
