"""Contacts as a finger and a spring make them: `0 down, 0.005 up, ...` and the signals."""

import pytest

from bodycam.media.packets import SECOND
from bodycam.rules import contacts
from bodycam.rules.contacts import Contact
from rules.shift import ns


def signals(edges: str, until_s: float = 60) -> str:
    """The signals of a contact, each with its time, in the shape of the edges."""
    contact: Contact | None = None
    told = []

    def elapse(now: int) -> None:
        nonlocal contact
        while contact is not None and (due := contacts.due_ns(contact)) is not None and due <= now:
            contact, signal = contacts.elapse(contact)
            told.append(f"{due / SECOND:g} {signal.value}")

    for word in edges.split(", "):
        at_s, what = word.split()
        elapse(ns(float(at_s)))
        contact, pressed = contacts.edge(contact, what == "down", ns(float(at_s)))
        if pressed is not None:
            told.append(f"{at_s} {pressed.value}")
    elapse(ns(until_s))
    return ", ".join(told)


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ("1 down, 1.2 up", "1 pressed, 1.4 released"),
        # Bounce at both ends belongs to the contact.
        (
            "1 down, 1.001 up, 1.002 down, 1.5 up, 1.501 down, 1.502 up",
            "1 pressed, 1.702 released",
        ),
        # 0.199 s open is still the same contact, 0.2 s is a release.
        ("1 down, 1.3 up, 1.499 down, 1.6 up", "1 pressed, 1.8 released"),
        ("1 down, 1.3 up, 1.5 down, 1.6 up", "1 pressed, 1.5 released, 1.5 pressed, 1.8 released"),
        # Holds, one after another, and no more after 30 s.
        (
            "0 down, 40 up",
            "0 pressed, 1 held 1 s, 3 held 3 s, 30 held 30 s, 40.2 released",
        ),
        # A hold that was reached while the contact was open for an instant is told when it closes.
        ("0 down, 0.95 up, 1.05 down, 2 up", "0 pressed, 1 held 1 s, 2.2 released"),
        # Released at 0.999 s is no hold, however long its release takes to be believed.
        ("0 down, 0.999 up", "0 pressed, 1.199 released"),
        # An opening without a contact, and one that is told twice, are nothing.
        ("0 up", ""),
        ("0 down, 0.5 up, 0.6 up", "0 pressed, 0.7 released"),
        ("0 down, 0.5 down, 0.6 up", "0 pressed, 0.8 released"),
    ],
)
def test_contacts(edges: str, told: str) -> None:
    assert signals(edges) == told


def test_a_contact_is_as_long_as_its_edges_say() -> None:
    contact, _ = contacts.edge(Contact(ns(1)), closed=False, stamp_ns=ns(6.999))
    assert contact is not None
    assert contact.held_ns == ns(5.999)


def test_an_opening_stamped_before_its_closing_is_no_negative_time() -> None:
    contact, _ = contacts.edge(Contact(ns(1)), closed=False, stamp_ns=ns(0.5))
    assert contact is not None
    assert contact.held_ns == 0


def test_a_closed_contact_is_due_until_it_is_stuck() -> None:
    assert contacts.due_ns(None) is None
    assert contacts.due_ns(Contact(0, holds=2)) == 30 * SECOND
    assert contacts.due_ns(Contact(0, holds=3)) is None
    assert Contact(0, holds=3).stuck
    assert not Contact(0, holds=2).stuck
