"""Holds the card's journal against what the memory inside the body remembers of it."""

from collections.abc import Callable
from enum import Enum

from bodycam.ports import Mark


class Remembered(Enum):
    """What the memory says of the card that is in the camera."""

    NOTHING = "nothing"
    """The memory is new: there is nothing to hold the card against."""
    SAME = "same"
    """The journal contains the line that is remembered; it may have grown since."""
    OLDER = "older"
    """The journal ends before that line: the card was put back to an earlier state."""
    OTHER = "other"
    """The journal has another line in that place: another card, or another journal."""


def compare(mark: Mark | None, seq: int, head_at: Callable[[int], str | None]) -> Remembered:
    """Compare at boot, before anything is written to the journal.

    `seq` is the number of the journal's next line; `head_at(n)` the digest of its last line when
    its next line was n (n from 1), or None where that cannot be told. The card is written before
    the memory, so a journal that is ahead of it is as it should be.
    """
    if mark is None:
        return Remembered.NOTHING
    if seq < mark.seq:
        return Remembered.OLDER
    return Remembered.SAME if mark.seq == 0 or head_at(mark.seq) == mark.head else Remembered.OTHER
