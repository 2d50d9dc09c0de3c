"""`bodycam-sim fleet`: cameras are enrolled where a station is given, and live until the end."""

import hashlib
import os
import queue
import random
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from bodycam.errors import BodycamError, ConfigError, DeviceError, UsageError
from bodycam.evidence import bech32
from bodycam.evidence.enrolment import make_request, read_bundle
from bodycam.evidence.keys import SoftwareKey
from bodycam.link.connection import Address
from bodycam.posix.clock import PosixClock
from bodycam_sim.fleet.camera import ACTS, Keys, SimulatedCamera
from bodycam_sim.fleet.crowd import Crowd, connected
from bodycam_sim.fleet.day import DAY_S, Act, plan
from bodycam_station.station import Station

MAX_CAMERAS = 20_000
TURN_S = 0.2
TELL_EVERY_S = 10.0
HOST_ACTS = ("unheard", "heard", "hang", "go-on", "off", "on", "reboot", "roll-back", "hand-over")
PERSON = "simulated fleet"
GOODBYE = "The simulation ends."


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    cameras: int
    broker: str
    station: str = ""
    policy: str = ""
    state: str = ""
    script: str = ""
    seed: int = 1
    speed: float = 1.0
    interval_s: int = 60
    start: str = ""
    """The time of day at which the fleet's own day begins, `HH:MM`; empty: now."""
    seconds: float = 0.0
    """End after so long; 0: until told to."""
    quiet_days: bool = False
    """Nothing happens but what the script says."""


def run(wish: Wish, say: Callable[[str], None]) -> None:
    """Until SIGINT, SIGTERM or the end of the time. Raises BodycamError."""
    address = broker_address(wish.broker)
    for what, value, least, most in (
        ("The number of cameras", wish.cameras, 1, MAX_CAMERAS),
        ("The speed", wish.speed, 0.1, 1000),
        ("The interval in seconds", wish.interval_s, 1, 3600),
        ("The time in seconds", wish.seconds, 0, 10**7),
    ):
        if not least <= value <= most:  # what is no number is never within
            raise UsageError(f"{what} must be from {least:g} to {most:g}.")
    script = read_script(Path(wish.script)) if wish.script else []
    begins_s = _time_of_day(wish.start)
    fleet = _Fleet(wish, address, begins_s, script, say)
    ending = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        ending.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        fleet.live(ending)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def broker_address(url: str) -> Address:
    """`mqtt://HOST:PORT`, to this machine only; raises UsageError."""
    parts = urlsplit(url)
    try:
        port = parts.port or 1883
    except ValueError:
        port = 0
    host = parts.hostname or ""
    if parts.scheme != "mqtt" or not host or not port or parts.path.strip("/"):
        raise UsageError(
            f"{url} is not a broker's address.", do="Give one such as mqtt://127.0.0.1:1883"
        )
    if host != "localhost" and not _loopback(host):
        raise UsageError(
            f"Simulated cameras speak without TLS, and {host} is not this machine.",
            do="Use a broker on 127.0.0.1.",
        )
    return Address(host, port, None)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_script(path: Path) -> list[tuple[float, str, Act]]:
    """Lines of `SECONDS CAMERA ACT [DETAIL]`: seconds since the start, by our own time.

    Raises ConfigError naming the line.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        known = {*ACTS, *HOST_ACTS}
        if len(words) not in (3, 4) or words[2] not in known or not _is_number(words[0]):
            raise ConfigError(
                f"{path}:{number}: a step is SECONDS CAMERA ACT [DETAIL]; acts are "
                f"{', '.join(sorted(known))}."
            )
        at_s = float(words[0])
        steps.append((at_s, words[1], Act(at_s, words[2], " ".join(words[3:]))))
    return sorted(steps, key=lambda step: step[0])


def _is_number(word: str) -> bool:
    try:
        return float(word) >= 0
    except ValueError:
        return False


def _time_of_day(start: str) -> float:
    """Seconds since midnight; raises UsageError."""
    if not start:
        now = datetime.now()
        return timedelta(hours=now.hour, minutes=now.minute, seconds=now.second).total_seconds()
    try:
        then = datetime.strptime(start, "%H:%M")
    except ValueError:
        raise UsageError(f"{start} is not a time of day.", do="Give one such as 06:30") from None
    return then.hour * 3600.0 + then.minute * 60.0


class _Fleet:
    """The cameras, their days, and the one who carries their cards to the station."""

    def __init__(
        self,
        wish: Wish,
        address: Address,
        begins_s: float,
        script: Iterable[tuple[float, str, Act]],
        say: Callable[[str], None],
    ) -> None:
        self._wish = wish
        self._say = say
        self._begins_s = begins_s
        self._script = list(script)
        self._random = os.urandom
        carrier = _Carrier(Path(wish.station), say) if wish.station else None
        self._carrier = carrier
        self._crowd = Crowd(
            PosixClock(),
            self._random,
            interval_s=wish.interval_s,
            tell=say,
            hand_over=(lambda camera: None) if carrier is None else carrier.take,
        )
        self._state = Path(wish.state) if wish.state else None
        self._plans: list[list[Act]] = []
        self._day = -1
        for number, camera in enumerate(cameras(wish), 1):
            if self._state is not None:
                camera.go_on(self._state / camera.keys.device)
            self._crowd.add(camera, address)
            self._catch_up(number, camera)
        unknown = {device for _, device, _ in self._script} - self._crowd.members.keys()
        if unknown:
            raise UsageError(f"The script names {sorted(unknown)[0]}, which is no camera here.")

    def live(self, ending: threading.Event) -> None:
        """Until `ending`, or the end of the time."""
        began_s = time.monotonic()
        told_s = began_s
        members = list(self._crowd.members.values())
        passed_s, most = 0.0, 0
        try:
            while not ending.is_set() and not 0 < self._wish.seconds <= passed_s:
                self._crowd.turn(TURN_S)
                passed_s = time.monotonic() - began_s
                most = max(most, connected(members))
                self._happen(passed_s)
                if time.monotonic() - told_s >= TELL_EVERY_S:
                    told_s = time.monotonic()
                    self._say(f"{connected(members)} of {len(members)} cameras are connected.")
        finally:
            self._crowd.close(GOODBYE)
            if self._carrier is not None:
                self._carrier.end()
            if self._state is not None:
                self._state.mkdir(parents=True, exist_ok=True)
                for member in members:
                    member.camera.keep(self._state / member.id)
        if not most:
            raise DeviceError(
                f"No camera was ever connected to {self._wish.broker}.", do="Start the broker."
            )

    def _happen(self, passed_s: float) -> None:
        """What is due by now: of the days that were drawn, and of the script."""
        now_s = self._begins_s + passed_s * self._wish.speed
        self._crowd.advance(now_s)
        if self._carrier is not None:
            self._carrier.put_back()
        while self._script and self._script[0][0] <= passed_s:
            _, device, act = self._script.pop(0)
            self._say(f"{device}: {act.what} {act.detail}".rstrip())
            self._crowd.act(device, act)
        if self._wish.quiet_days:
            return
        if int(now_s // DAY_S) != self._day:
            self._day = int(now_s // DAY_S)
            self._plans = [
                plan(self._wish.seed, number, self._day)
                for number in range(1, len(self._crowd.members) + 1)
            ]
            if not self._day:
                self._plans = [[a for a in p if a.at_s > self._begins_s] for p in self._plans]
        for member, acts in zip(self._crowd.members.values(), self._plans, strict=True):
            while acts and acts[0].at_s + self._day * DAY_S <= now_s:
                self._crowd.act(member.id, acts.pop(0))

    def _catch_up(self, number: int, camera: SimulatedCamera) -> None:
        """How the camera is when the simulation begins, some way into its day."""
        camera.advance(self._begins_s)
        if self._wish.quiet_days:
            return
        for act in plan(self._wish.seed, number, 0):
            if act.at_s > self._begins_s:
                return
            if act.what in ("dock", "undock", "fault", "mended"):
                ACTS[act.what](camera, act.detail)
            if act.what == "undock":
                camera.battery -= (self._begins_s - act.at_s) / 3600 * 9


def cameras(wish: Wish) -> Iterable[SimulatedCamera]:
    """The cameras, enrolled where a station is named; always the same of one seed."""
    station = Station.open(wish.station) if wish.station else None
    chance = random.Random(wish.seed)  # noqa: S311  a made-up world
    digits = max(2, len(str(wish.cameras)))
    own = SoftwareKey.from_seed(hashlib.sha256(b"no station").digest())
    policy = Path(wish.policy).read_bytes() if wish.policy else b""
    clock = PosixClock()
    try:
        for number in range(1, wish.cameras + 1):
            device = f"cam{number:0{digits}d}"
            key = SoftwareKey.from_seed(hashlib.sha256(f"{wish.seed} {device}".encode()).digest())
            station_key, recipients = own.public, _NOBODY
            if station is not None:
                request = make_request(device, key, "software")
                bundle = read_bundle(station.enroll(request, person=PERSON))
                station_key, recipients = bundle.station_key, bundle.recipients
            keys = Keys(device, key, station_key, recipients, hashlib.sha256(policy).hexdigest())
            drain = max(0.5, chance.gauss(1.0, 0.15)) * (1.8 if chance.random() < 0.05 else 1.0)
            yield SimulatedCamera(keys, clock, os.urandom, drain=drain)
    finally:
        if station is not None:
            station.close()


_NOBODY = tuple(bech32.encode("age", bytes([9]) + bytes([n] * 31)) for n in (1, 2))
"""Recipients whose secret keys nobody has: without a station nothing is ever opened."""


class _Carrier:
    """Carries cards to the station, one after the other, on a thread of its own."""

    def __init__(self, station: Path, say: Callable[[str], None]) -> None:
        self._station = station
        self._say = say
        self._cards: queue.Queue[tuple[SimulatedCamera, Path, list[str]] | None] = queue.Queue(1000)
        self._back: queue.Queue[tuple[SimulatedCamera, list[str]]] = queue.Queue()
        self._thread = threading.Thread(target=self._carry, name="carrier", daemon=True)
        self._thread.start()

    def take(self, camera: SimulatedCamera) -> None:
        """The camera's card, as it is now."""
        card = Path(tempfile.mkdtemp(prefix="bodycam-card-"))
        self._cards.put((camera, card, camera.put_card(card)))

    def put_back(self) -> None:
        """Tell the cameras what the station has signed for."""
        while not self._back.empty():
            camera, recs = self._back.get()
            camera.signed_for(recs)

    def end(self) -> None:
        """When what was taken has been carried."""
        self._cards.put(None)
        self._thread.join(60)
        self.put_back()

    def _carry(self) -> None:
        while (one := self._cards.get()) is not None:
            camera, card, recs = one
            try:
                with Station.open(self._station) as station:
                    station.import_card(card, person=PERSON)
                folder = card / "receipts"
                names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
                signed = [rec for rec in recs if any(name.startswith(rec) for name in names)]
                self._back.put((camera, signed))
            except BodycamError as error:
                self._say(f"{camera.keys.device}: the station does not take its card: {error}")
            finally:
                shutil.rmtree(card, ignore_errors=True)
