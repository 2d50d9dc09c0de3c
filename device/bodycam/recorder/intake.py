"""Where packets and events arrive: all of the recorder that must be there before a first picture.

It imports neither cryptography nor the card's side, which are loaded while the ring fills.
"""

from bodycam.ports import Clock
from bodycam.recorder.footage import Footage, ring_policy
from bodycam.recorder.reports import Reporter
from bodycam.recorder.threads import Events
from bodycam.rules.policy import Policy


class Intake:
    """What adapters report to. Events wait in their queue until the recorder has started."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self.policy = policy
        self.clock = clock
        self.events = Events(clock)
        self.footage = Footage(ring_policy(policy), self.events.post)
        self.reports = Reporter(self.footage, self.events.post)
