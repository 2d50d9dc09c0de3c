"""`bodycam link`: the link's process, put together from its configuration.

It holds the key for the network and no other, and may read what the recorder wrote.
"""

import hashlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from bodycam import VERSION
from bodycam.config import Config
from bodycam.enrolled import reporter
from bodycam.errors import ConfigError, DeviceError, UsageError
from bodycam.link.connection import Address
from bodycam.link.link import About, Sides
from bodycam.link.process import Process
from bodycam.link.tls import address, plain_address
from bodycam.messages.commands import COMMANDS
from bodycam.pi.radio import Radio
from bodycam.posix.beside import ASKS, STATUS, FollowedFile, NotebookFile, RecorderBeside
from bodycam.posix.clock import PosixClock

JOURNAL = "journal.jsonl"
PLACE = "place.json"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MODEL = Path("/proc/device-tree/model")


def report(config: Config) -> int:
    """Report until told to end; the exit code. Raises ConfigError and UsageError at start."""
    process = make(config, tell)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    process.run()
    return 0


def make(config: Config, tell: Callable[[str], None]) -> Process:
    """The process, ready to run."""
    link, bundle = config.link, reporter(config)
    if not link.host:
        raise UsageError(
            "link.host names no broker: this camera reports to nobody.",
            do="Set it, or carry the card to the station.",
        )
    about = About(
        device=config.device.id,
        boot=BOOT_ID.read_text().strip(),
        model=_model(),
        software=VERSION,
        capabilities=tuple(sorted({*config.capabilities, *COMMANDS})),
        interval_s=link.interval_s,
        key_sha256=hashlib.sha256(bundle.public.blob()).hexdigest(),
        station_key=bundle.station_key,
    )
    run, card = Path(config.paths.run), Path(config.paths.card)
    radio = Radio(link.interface)
    sides = Sides(
        recorder=RecorderBeside(run / STATUS, run / ASKS, Path(link.run)),
        journal=FollowedFile(card / JOURNAL),
        notebook=NotebookFile(Path(link.state) / PLACE),
        clock=PosixClock(),
        random=os.urandom,
        radio=lambda: _dbm(radio),
        tell=tell,
    )
    return Process(about, sides, _address(config))


def tell(what: str) -> None:
    """A sentence for the system's log."""
    print(what, file=sys.stderr, flush=True)


def _address(config: Config) -> Address:
    link, papers = config.link, reporter(config).papers
    if link.plaintext:
        return plain_address(link.host, link.port)
    if papers is None:
        raise ConfigError(
            f"{config.paths.bundle}: this camera has no certificate for a network.",
            do="Enrol it again.",
        )
    return address(link.host, link.port, papers, config.tls_key_path, Path(link.run))


def _dbm(radio: Radio) -> int | None:
    try:
        value = radio.read().values.get("radio_dbm")
    except DeviceError:
        return None
    return value if isinstance(value, int) else None


def _model() -> str:
    try:
        found = MODEL.read_text(errors="replace")
    except OSError:
        return "unknown"
    return "".join(c if " " <= c <= "~" else "" for c in found)[:200]
