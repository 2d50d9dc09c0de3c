"""What the board can ask of the fleet. `service.py` is behind it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, runtime_checkable

from bodycam.errors import BodycamError
from bodycam_station.fleet.views import (
    CameraView,
    Change,
    CommandView,
    Finding,
    FleetView,
    History,
)


class StorageError(BodycamError):
    """The database does not answer, or is not one of ours."""

    again = True


Told = Callable[[Change], None]
"""Called from the fleet's own threads after something changed: it returns at once, never raises."""


@runtime_checkable
class Fleet(Protocol):
    """The fleet as the board sees it. Every method can be called from any thread.

    `now_ms` is UTC since 1970. All raise StorageError where the database does not answer, and
    UsageError, one plain sentence, for what cannot be done.
    """

    def view(self, now_ms: int) -> FleetView:
        """The whole fleet. Cheap to ask again: it is judged once a second, or after a change."""

    def camera(self, camera: str, now_ms: int) -> CameraView:
        """One camera's page; UsageError where it is not known."""

    def history(self, camera: str, span: str, now_ms: int) -> History:
        """Of the last span (`views.SPANS`); UsageError where camera or span is not known."""

    def acknowledge(self, finding: int, person: str, note: str, now_ms: int) -> Finding:
        """Note that a person has seen a finding, by its id. A custody alarm ends with that.

        UsageError where the finding is not known or has ended, or the note is empty.
        """

    def command(
        self, camera: str, name: str, arguments: Mapping[str, int], person: str, now_ms: int
    ) -> CommandView:
        """Give a command (`messages.commands.COMMANDS`); what becomes of it comes as a change.

        UsageError where it is not known, not well formed, or the camera cannot hear it now.
        """

    def commands(self, camera: str = "", most: int = 50) -> tuple[CommandView, ...]:
        """The newest commands of one camera, or of all."""

    def put_in_group(self, camera: str, group: str, person: str, now_ms: int) -> None:
        """Put a camera into a group, or with an empty name into none."""

    def rows(self, now_ms: int) -> Iterator[tuple[str, ...]]:
        """The fleet as a table for a spreadsheet: first the headings, then a row a camera."""

    def metrics(self, now_ms: int) -> str:
        """For Prometheus, in its text format 0.0.4."""

    def healthy(self, now_ms: int) -> str:
        """Empty where database and broker answer, else what is wrong, in one sentence."""

    def subscribe(self, told: Told) -> Callable[[], None]:
        """Be told of changes from now on; what is returned ends it."""
