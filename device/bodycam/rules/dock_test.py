"""What a camera says of itself in its dock: whether it could go out. Pure.

It is no trial of its own. The parts are watched all the time, and while it sleeps they are not
used: it says whether what was found stands, once what is put right by itself has had time to be.
"""

from bodycam.media.packets import SECOND
from bodycam.rules.faults import FAULTS
from bodycam.rules.model import Model, State

SETTLED_NS = 20 * SECOND
"""In the dock for so long before it says anything."""


def dock_test(model: Model, since_ns: int | None, now: int) -> str:
    """`none`, `passed` or `failed`, as in messages.camera.Status; in the dock since `since_ns`."""
    if model.state is not State.DOCKED or since_ns is None or now - since_ns < SETTLED_NS:
        return "none"
    return "failed" if any(FAULTS[fault].unfit for fault in model.faults) else "passed"
