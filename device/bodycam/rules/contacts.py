"""From raw edges to contacts: debouncing, holds and releases, judged by the stamps of the edges.

A contact begins with the first closing edge. An opening shorter than 0.2 s belongs to it (bounce);
it ends at an opening that lasted 0.2 s, and what it meant is judged by when that opening began.
"""

from dataclasses import dataclass, replace
from enum import Enum

from bodycam.media.packets import SECOND

RELEASE_NS = SECOND // 5
"""How long a contact must be open before it counts as released."""


class Signal(Enum):
    """What a contact turned out to be, in the order in which a long one gives them."""

    PRESSED = "pressed"
    HELD_1S = "held 1 s"
    HELD_3S = "held 3 s"
    STUCK = "held 30 s"
    RELEASED = "released"


HOLDS = (
    (Signal.HELD_1S, 1 * SECOND),
    (Signal.HELD_3S, 3 * SECOND),
    (Signal.STUCK, 30 * SECOND),
)


@dataclass(frozen=True, slots=True)
class Contact:
    """A button that is closed, or open for less than 0.2 s."""

    closed_ns: int
    opened_ns: int | None = None
    holds: int = 0
    """How many of HOLDS have been reached."""
    spent: bool = False
    """It has made its one transition, or was closed at boot: nothing it does later counts."""

    @property
    def held_ns(self) -> int:
        """How long it was closed; only of one that has been opened."""
        assert self.opened_ns is not None
        return self.opened_ns - self.closed_ns

    @property
    def stuck(self) -> bool:
        """Whether it has been closed for 30 s."""
        return self.holds == len(HOLDS)


def edge(
    contact: Contact | None, closed: bool, stamp_ns: int
) -> tuple[Contact | None, Signal | None]:
    """Take a raw edge with the time of its source, which may be a little late in coming."""
    if contact is None:
        return (Contact(stamp_ns), Signal.PRESSED) if closed else (None, None)
    if closed:
        return replace(contact, opened_ns=None), None
    if contact.opened_ns is None:
        return replace(contact, opened_ns=max(stamp_ns, contact.closed_ns)), None
    return contact, None


def due_ns(contact: Contact | None) -> int | None:
    """When the contact will next give a signal if no edge comes."""
    if contact is None:
        return None
    if contact.opened_ns is not None:
        return contact.opened_ns + RELEASE_NS
    if not contact.stuck:
        return contact.closed_ns + HOLDS[contact.holds][1]
    return None


def elapse(contact: Contact) -> tuple[Contact | None, Signal]:
    """The signal that is due; None in place of the contact where it has ended."""
    if contact.opened_ns is not None:
        return None, Signal.RELEASED
    return replace(contact, holds=contact.holds + 1), HOLDS[contact.holds][0]
