"""A station in a process of its own, to be killed: `station_process.py PORT DATABASE`.

It says `ready` when it listens, then how many messages it has taken in after each batch.
"""

import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from bodycam_station.fleet.broker import Address
from bodycam_station.fleet.service import FleetService, wall_ms
from bodycam_station.fleet.store import Store
from bodycam_station.fleet.taking import Incoming
from fleet.test_service import Desk


def main() -> None:
    port, database = sys.argv[1:]
    fleet = FleetService(Desk(), Store.open(Path(database)))
    taken, take = 0, fleet.take

    def told(batch: Sequence[Incoming]) -> None:
        nonlocal taken
        take(batch)
        taken += len(batch)
        print(taken, flush=True)

    fleet.take = told  # type: ignore[method-assign]
    fleet.start(Address("127.0.0.1", int(port)))
    while fleet.healthy(wall_ms()):
        threading.Event().wait(0.01)
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
