"""Thousands of cameras in one thread: each with the product's link and connection, one selector.

Threads fail at a few hundred clients in a process; here a camera is a socket, and a place in the
queue of those that are to be looked at.
"""

import hashlib
import heapq
import selectors
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from paho.mqtt.enums import MQTTErrorCode

from bodycam.errors import BodycamError
from bodycam.link.connection import Address, Connection
from bodycam.link.link import About, Link, Sides
from bodycam.link.process import BackOff
from bodycam.messages.commands import COMMANDS
from bodycam.ports import Clock, Random
from bodycam_sim.fleet.camera import ACTS, SimulatedCamera
from bodycam_sim.fleet.day import Act

SECOND = 1_000_000_000
STEP_NS = SECOND
"""Each camera is looked at so often; a message that comes in is looked at when it comes."""
CONNECTS_A_SECOND = 200
"""At the start, so that a broker is not met by all at once."""
SOFTWARE = "0.1.0"


@dataclass(slots=True)
class Member:
    """A camera of the crowd, with its connection while it has one."""

    camera: SimulatedCamera
    address: Address
    link: Link
    connection: Connection | None = None
    heard: bool = True
    """Whether its radio reaches the broker."""
    wait: BackOff = field(kw_only=True)
    hung: bool = False
    """Its link hangs: nothing is read and nothing is said, and the connection stands."""
    again_ns: int = 0
    """It does not try to connect before."""

    @property
    def id(self) -> str:
        """The camera's."""
        return self.camera.keys.device

    @property
    def connected(self) -> bool:
        """Whether the broker has taken it in."""
        return self.connection is not None and self.connection.ready


class Crowd:
    """Runs the cameras. `turn` is called for ever by one thread, `act` between turns."""

    def __init__(
        self,
        clock: Clock,
        random: Random,
        *,
        interval_s: int = 60,
        tell: Callable[[str], None] = lambda _: None,
        hand_over: Callable[[SimulatedCamera], None] = lambda _: None,
    ) -> None:
        """`hand_over` is called when a camera with recordings has been docked."""
        self._clock = clock
        self._random = random
        self._interval_s = interval_s
        self._tell = tell
        self._hand_over = hand_over
        self._selector = selectors.DefaultSelector()
        self._queue: list[tuple[int, int, Member]] = []
        self._order = count()
        self.members: dict[str, Member] = {}

    def add(self, camera: SimulatedCamera, address: Address) -> Member:
        """Take a camera in; it connects when its turn comes."""
        wait = BackOff(self._random)
        member = Member(camera, address, self._link(camera), wait=wait)
        self.members[member.id] = member
        after_ns = len(self.members) * SECOND // CONNECTS_A_SECOND
        self._at(self._clock.now_ns() + after_ns, member)
        return member

    def turn(self, within_s: float) -> None:
        """Look at the network and at the cameras that are due, for so long at most."""
        now_ns = self._clock.now_ns()
        due_s = (self._queue[0][0] - now_ns) / SECOND if self._queue else within_s
        for key, _ in self._selector.select(max(0.0, min(within_s, due_s))):
            self._hear(key.data)
        now_ns = self._clock.now_ns()
        while self._queue and self._queue[0][0] <= now_ns:
            _, _, member = heapq.heappop(self._queue)
            self._at(now_ns + self._step(member), member)

    def advance(self, now_s: float) -> None:
        """Let the fleet's own time pass, for all cameras."""
        for member in self.members.values():
            member.camera.advance(now_s)

    def act(self, device: str, act: Act) -> None:
        """Let something happen to a camera."""
        member = self.members[device]
        camera = member.camera
        match act.what:
            case "hang":
                member.hung = True
            case "go-on":
                member.hung = False
            case "unheard":
                member.heard = False
                self._drop(member)
            case "heard":
                member.heard = True
                member.again_ns = 0
            case "off":
                camera.off()
                self._drop(member, act.detail)
            case "on":
                if not camera.powered:
                    camera.start()
                    member.link = self._link(camera)
                    member.again_ns = 0
            case "reboot":
                self._reboot(member)
            case "roll-back":
                camera.roll_back(int(act.detail or 5))
                self._drop(member)
                member.link = self._link(camera)
                member.again_ns = 0
            case "hand-over":
                self._hand_over(camera)
            case what:
                ACTS[what](camera, act.detail)
        if act.what == "dock" and camera.waiting:
            self._hand_over(camera)

    def close(self, goodbye: str = "") -> None:
        """End all connections; with `goodbye` each says so first."""
        for member in self.members.values():
            self._drop(member, goodbye)
        self._selector.close()

    # ---- inside ----------------------------------------------------------------------------------

    def _link(self, camera: SimulatedCamera) -> Link:
        """Of one boot of a camera."""
        keys = camera.keys
        about = About(
            device=keys.device,
            boot=camera.boot,
            model="simulated",
            software=SOFTWARE,
            capabilities=tuple(sorted({"light", "speaker", "vibration", *COMMANDS})),
            interval_s=self._interval_s,
            key_sha256=hashlib.sha256(keys.key.public.blob()).hexdigest(),
            station_key=keys.station_key,
        )
        sides = Sides(
            recorder=camera,
            journal=camera,
            notebook=camera,
            clock=self._clock,
            random=self._random,
            radio=lambda: -55,
            tell=partial(self._say, keys.device),
        )
        return Link(about, sides)

    def _say(self, device: str, sentence: str) -> None:
        self._tell(f"{device}: {sentence}")

    def _at(self, t_ns: int, member: Member) -> None:
        heapq.heappush(self._queue, (t_ns, next(self._order), member))

    def _step(self, member: Member) -> int:
        """Look at one camera; in how many nanoseconds to do so again."""
        if member.camera.rebooting:
            self._reboot(member)
        if not member.camera.powered or not member.heard or member.hung:
            return STEP_NS
        connection, now_ns = member.connection, self._clock.now_ns()
        if connection is None and now_ns >= member.again_ns:
            self._connect(member)
        elif connection is not None:
            self._alive(member, connection.client.loop_misc)
        return STEP_NS

    def _connect(self, member: Member) -> None:
        connection = Connection(member.link, member.id, member.address, self._clock.now_ns)
        try:
            connection.open()
        except BodycamError as error:
            connection.close()
            self._later(member, str(error))
            return
        member.connection = connection
        self._selector.register(connection.client.socket(), selectors.EVENT_READ, member)  # type: ignore[arg-type]

    def _hear(self, member: Member) -> None:
        if member.connection is not None and not member.hung:
            self._alive(member, member.connection.client.loop_read)

    def _alive(self, member: Member, look: Callable[[], MQTTErrorCode]) -> None:
        """Look at the network, and let the link say what it has to say."""
        connection = member.connection
        assert connection is not None  # callers looked
        was_ready = connection.ready
        try:
            code = look()
            if connection.client.want_write() and code == MQTTErrorCode.MQTT_ERR_SUCCESS:
                code = connection.client.loop_write()
            connection.after(code)
        except Exception as error:  # noqa: BLE001  one camera's trouble is not that of the others
            self._drop(member)
            self._later(member, str(error))
            return
        if connection.ready and not was_ready:
            member.wait.reset()

    def _later(self, member: Member, why: str) -> None:
        wait_s = member.wait.next_s()
        member.again_ns = self._clock.now_ns() + int(wait_s * SECOND)
        self._say(member.id, f"{why} Trying again in {wait_s:.0f} s.")

    def _reboot(self, member: Member) -> None:
        member.camera.off()
        self._drop(member, "It starts anew.")
        member.camera.start()
        member.link = self._link(member.camera)

    def _drop(self, member: Member, goodbye: str = "") -> None:
        connection, member.connection = member.connection, None
        if connection is None:
            return
        socket = connection.client.socket()
        if socket is not None:
            self._selector.unregister(socket)
        connection.close(goodbye)


def connected(members: Sequence[Member]) -> int:
    """How many of them the broker has taken in."""
    return sum(member.connected for member in members)
