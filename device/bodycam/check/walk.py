"""All parts one after the other, each finding given as it is made."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bodycam.check import paper, parts
from bodycam.check.findings import Finding, find
from bodycam.check.heard import Heard
from bodycam.check.wearer import Asking, Wearer, nobody
from bodycam.config import Config, load_policy
from bodycam.errors import BodycamError, DeviceError
from bodycam.pi.body import Body, make_clock
from bodycam.pi.hardware import Hardware
from bodycam.pi.i2c import I2c
from bodycam.posix.lock import Lock


def recorder_stopped(config: Config) -> Lock:
    """Holds the hardware for as long as a check takes; entering raises DeviceError."""
    return Lock(
        Path(config.paths.run),
        DeviceError(
            "The recorder is running, and the hardware is its own.",
            do="Stop it first: sudo systemctl stop bodycam.service; start it again afterwards.",
        ),
    )


def look(config: Config, hardware: Hardware, wearer: Wearer | None) -> Iterator[Finding]:
    """Paper, then parts; `wearer` is None where nobody looks."""
    yield from paper.look(config)
    fittings = config.fittings
    try:
        policy = load_policy(config)
    except BodycamError:
        yield Finding("parts", None, "not tested: first the policy must be mended")
        return
    yield parts.card_speed(config, policy)
    yield from parts.camera_and_lens(policy, fittings, hardware)
    heard_well = parts.microphone(policy, fittings, hardware)
    if heard_well is not None:
        yield heard_well
    with ExitStack() as opened:
        bus = I2c(fittings.i2c_bus, hardware.bus)
        opened.callback(bus.close)
        yield from parts.small_parts(fittings, bus)
        heard = Heard()
        made: list[Body] = []

        def pins() -> str:
            body = Body(
                fittings,
                heard,
                pins=hardware.pins(),
                bus=bus,
                clock=make_clock(fittings),
                tell=heard.tell,
                sink=hardware.sink,
            )
            opened.callback(body.close)
            made.append(body)
            return _levels(body, config)

        yield find("pins", pins)
        if not made or wearer is None:
            yield from nobody(fittings)
            return
        made[0].start(policy.warning.texts)
        yield from Asking(wearer, made[0], heard).all(policy, fittings)


def _levels(body: Body, config: Config) -> str:
    """What the inputs say at rest."""
    for button in config.fittings.buttons:
        if body.buttons.closed_at_start(button.name):
            raise DeviceError(
                f"{button.name.upper()} is pressed, and nobody presses it.",
                do="See to its wiring, and to buttons.closed.",
            )
    docked = ", in its dock" if body.dock.docked else ""
    return f"all {len(config.fittings.buttons)} buttons are open{docked}"
