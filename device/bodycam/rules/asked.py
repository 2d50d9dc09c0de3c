"""What may be done when somebody asks for it from afar. Nothing here touches a recording."""

from bodycam.rules.model import WARNED, Model, State

LOCATE_EVERY_S = 2
"""It vibrates again so often."""
LOCATE_REST_S = 60
"""After it has shown itself it does not do so again for so long, whoever asks."""
UP_AT_LEAST_S = 3600
"""A camera that was started less than an hour ago is not started anew: so it is once an hour."""


def why_not_locate(model: Model, rested_s: float = LOCATE_REST_S) -> str:
    """Why it does not show itself now; empty where it does. `rested_s`: since it last did."""
    if model.state in WARNED:
        return "It is warning or recording."
    if model.state is State.OFF:
        return "It is going off."
    if rested_s < LOCATE_REST_S:
        return "It has just shown itself: a minute must pass."
    return ""


def why_not_reboot(model: Model, up_s: int) -> str:
    """Why it is not started anew now; `up_s` is the time since its last start."""
    if model.state is not State.DOCKED:
        return "It is not in its dock."
    if up_s < UP_AT_LEAST_S:
        return "It was started within the last hour."
    return ""


def may_configure(model: Model, dock_fitted: bool) -> bool:
    """Whether another configuration may come into force, for which the recorder begins anew.

    For those seconds it records nothing: so in the dock, and in standby only where there is none.
    """
    if model.state is State.DOCKED:
        return True
    return model.state is State.STANDBY and not dock_fitted
