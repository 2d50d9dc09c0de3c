"""The status file in /run, which the link process reads."""

import json
from collections.abc import Mapping
from pathlib import Path

from bodycam.errors import DeviceError


class StatusFile:
    """Implements ports.Status: always whole, the newest replaces the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._new = path.with_name(path.name + ".new")

    def publish(self, fields: Mapping[str, object]) -> None:
        """Replace the file; /run is memory, so this does not wait for the card.

        Raises DeviceError.
        """
        try:
            self._new.write_text(json.dumps(fields) + "\n")
            self._new.replace(self._path)
        except OSError as error:
            raise DeviceError(f"{self._path}: {error.strerror}.") from error
