"""From contacts to triggers: what the wearer's two buttons ask of the table.

One contact of RECORD makes one transition, except that a warning becomes a recording at 1 s.
"""

from bodycam.media.packets import SECOND
from bodycam.rules import contacts
from bodycam.rules.contacts import Contact, Signal
from bodycam.rules.events import Button, Fault
from bodycam.rules.health import clear_fault, raise_fault
from bodycam.rules.model import Trigger
from bodycam.rules.turn import Turn

TAP_NS = 1 * SECOND
"""A contact shorter than this marks."""
STOP_FROM_NS = 3 * SECOND
STOP_BEFORE_NS = 6 * SECOND
"""A longer contact never stops anything: somebody is holding on to the button."""

_FUNCTION = {
    Signal.HELD_1S: Trigger.FN_HOLD_1,
    Signal.HELD_3S: Trigger.FN_HOLD_3,
    Signal.RELEASED: Trigger.FN_TAP,
}


def edge(turn: Turn, button: Button, closed: bool, stamp_ns: int) -> None:
    """A raw edge, with the time of its source."""
    contact, signal = contacts.edge(turn.model.contact(button), closed, stamp_ns)
    turn.set_contact(button, contact)
    if signal is Signal.PRESSED and button is Button.RECORD:
        before = turn.model.state
        turn.fire(Trigger.PRESS)
        if turn.model.state is not before:
            # A FUNCTION contact that was under way is spent, too: a hand that grasps both buttons
            # must not cancel what it has begun.
            turn.spend(Button.RECORD)
            turn.spend(Button.FUNCTION)


def due(turn: Turn, button: Button, contact: Contact) -> None:
    """A hold is reached, or a contact has ended."""
    left, signal = contacts.elapse(contact)
    turn.set_contact(button, left)
    if signal is Signal.STUCK:
        turn.spend(button)
        raise_fault(turn, Fault.BUTTON_STUCK)
    elif button is Button.RECORD:
        _record(turn, contact, signal)
    else:
        _function(turn, contact, signal)
    if signal is Signal.RELEASED and not any(_stuck(turn, other) for other in Button):
        clear_fault(turn, Fault.BUTTON_STUCK)


def _record(turn: Turn, contact: Contact, signal: Signal) -> None:
    if signal is Signal.HELD_1S:
        turn.fire(Trigger.HOLD)  # also of a contact that is spent: it began the warning
    elif contact.spent:
        return
    elif signal is Signal.HELD_3S:
        turn.fire(Trigger.BUZZ)
    else:
        turn.ended = contact
        if contact.held_ns < TAP_NS:
            turn.fire(Trigger.TAP)
        elif STOP_FROM_NS <= contact.held_ns < STOP_BEFORE_NS:
            turn.fire(Trigger.STOP)


def _function(turn: Turn, contact: Contact, signal: Signal) -> None:
    if not contact.spent and turn.fire(_FUNCTION[signal]):
        turn.spend(Button.FUNCTION)


def _stuck(turn: Turn, button: Button) -> bool:
    contact = turn.model.contact(button)
    return contact is not None and contact.stuck
