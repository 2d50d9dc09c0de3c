"""Keep of a search what reaches further than what is kept already: a small corpus for the tests."""

import hashlib
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from fuzz.targets import CORPUS, TARGETS, Target

MAX_KEPT_BYTES = 2048
ROOMS = ("/device/bodycam/", "/station/bodycam_station/")


def keep(name: str, found: Iterable[bytes]) -> int:
    """Write inputs that run a line which no seed runs, the shortest first; how many."""
    target = TARGETS[name]
    seen: set[tuple[str, int]] = set()
    for seed in target.seeds():
        seen |= reached(target, seed)
    kept = 0
    for data in sorted(found, key=lambda data: (len(data), data)):
        if len(data) > MAX_KEPT_BYTES:
            break
        lines = reached(target, data)
        if not lines <= seen:
            seen |= lines
            folder = CORPUS / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
            kept += 1
    return kept


def reached(target: Target, data: bytes) -> set[tuple[str, int]]:
    """The lines of ours that an input makes run."""
    lines: set[tuple[str, int]] = set()

    def look(frame: FrameType, event: str, _: Any) -> Any:
        if not any(room in frame.f_code.co_filename for room in ROOMS):
            return None
        if event == "line":
            lines.add((Path(frame.f_code.co_filename).name, frame.f_lineno))
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        with suppress(Exception):
            target.run(data)
    finally:
        sys.settrace(before)
    return lines
