"""The connection to the broker: what cameras say is acknowledged once it is written down.

One thread speaks with the broker: it reads what has come, acknowledges what is written, and
publishes what is to be said. Another writes, one batch at a time, while the next one gathers; more
than that does not pile up here: the broker waits. A broker or a database that does not answer ends
the connection, and the next one gets all of it again.
"""

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from bodycam.errors import BodycamError, DeviceError
from bodycam.messages.topics import MAX_PAYLOAD_BYTES, QOS, from_cameras
from bodycam_station.fleet.broker import Address
from bodycam_station.fleet.outbox import Outgoing
from bodycam_station.fleet.taking import Incoming
from bodycam_station.fleet.views import Link

BATCH = 4000
"""Messages that are written in one transaction, at most. A few come at a time, but after a time
without the station thousands: then what one camera said again and again is written once."""
BATCH_BYTES = 16 * 1024 * 1024
"""Nor more than this, and one message."""
RECEIVE_MAXIMUM = 2 * BATCH
"""Messages that a broker sends before they are acknowledged: a batch that is being written, and
the next one."""
SESSION_EXPIRY_S = 7 * 24 * 3600
"""A broker keeps what comes for us for so long."""
KEEPALIVE_S = 30
CONNECT_WITHIN_S = 8.0
TURN_S = 1.0
"""Something new to say is looked for at least so often."""
CAUGHT_UP_MS = 10_000
"""After so long in a connection, what comes did not wait in the broker."""
MAX_PACKET_BYTES = MAX_PAYLOAD_BYTES + 1024
_LEAST_S, _MOST_S = 1.0, 30.0
_SAY, _WRITTEN, _STOP = b"s", b"w", b"x"


class ConnectionEnded(DeviceError):
    """The connection is not there, or no longer; another one may be."""


class ToSay(Protocol):
    """Gives what is to be published."""

    def due(self, now_ms: int) -> Sequence[Outgoing]:
        """What has not been sent."""

    def sent(self, out: Outgoing, now_ms: int) -> None:
        """The broker has it."""


class Ear:
    """A thread that holds the connection. `start`, and at the end `stop`."""

    def __init__(
        self,
        address: Address,
        name: str,
        take: Callable[[Sequence[Incoming]], None],
        to_say: ToSay,
        now_ms: Callable[[], int],
        *,
        share: str = "",
        random: Callable[[], float],
        least_s: float = _LEAST_S,
    ) -> None:
        """`name` is ours at the broker, of this process only.

        `take` makes messages durable, or raises BodycamError and then they come again. With
        `share`, all processes of that name share statuses, events and results between them.
        `random` gives 0…1; a lost connection is made again after `least_s` and more.
        """
        self._address, self._name, self._share = address, name, share
        self._take, self._to_say, self._now_ms = take, to_say, now_ms
        self._random, self._least_s = random, least_s
        self._stopping = threading.Event()
        self._anew = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="ear", daemon=True)
        self._writer = ThreadPoolExecutor(1, "ear-writer")
        self._view = Link(connected=False, since_ms=now_ms(), why="Not connected yet.")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the connection, and return when it has ended. What is not written comes again."""
        self._stopping.set()
        self._nudge(_STOP)
        self._thread.join()
        self._writer.shutdown()
        self._wake.close()
        self._woken.close()

    def poke(self) -> None:
        """There is something to say."""
        self._nudge(_SAY)

    def listen_anew(self) -> None:
        """Have the broker say again what it retains: it was not for us when it came."""
        self._anew.set()
        self._nudge(_SAY)

    def _nudge(self, why: bytes) -> None:
        """Let the thread look up from its waiting."""
        with contextlib.suppress(OSError):
            self._wake.send(why)

    @property
    def view(self) -> Link:
        """How the station hears."""
        return self._view

    # ---- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        wait_s = self._least_s
        while not self._stopping.is_set():
            connection = _Connection(self)
            try:
                connection.open()
                while not self._stopping.is_set():
                    connection.turn()
                    if connection.ready and not self._view.connected:
                        self._view = Link(connected=True, since_ms=self._now_ms())
                        wait_s = self._least_s
            except BodycamError as error:
                why = error.what
            except Exception as error:  # noqa: BLE001  paho raises what it likes; the ear goes on
                why = f"The connection failed: {error!r}."
            else:
                why = "It was stopped."
            connection.close()
            if self._view.connected or self._view.why != why:
                since_ms = self._now_ms() if self._view.connected else self._view.since_ms
                self._view = Link(connected=False, since_ms=since_ms, why=why)
            self._stopping.wait(wait_s * (0.5 + self._random() / 2))
            wait_s = min(wait_s * 2, max(_MOST_S, self._least_s))


class _Connection:
    """A paho client that is thrown away with its connection."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._now_ms = ear._now_ms
        self.ready = False
        self._ready_ms = 0
        self._ended = ""
        self._came: list[tuple[Incoming, int]] = []
        self._came_bytes = 0
        self._read_ms = 0
        self._timely = False
        self._writing: Future[None] | None = None
        self._written: list[int] = []
        """The numbers of the messages that are being written."""
        self._flying: dict[int, Outgoing] = {}
        self._looked_ms = 0
        self._topics = _topics(ear._share)
        client = Client(CallbackAPIVersion.VERSION2, ear._name, protocol=MQTTv5, manual_ack=True)
        client.connect_timeout = CONNECT_WITHIN_S
        if ear._address.tls is not None:
            client.tls_set_context(ear._address.tls)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        # So that a batch's acknowledgements are queued, and written together.
        client.on_socket_register_write = lambda *_: None
        self._client = client
        self._opened_ms = self._now_ms()

    def open(self) -> None:
        wants = _properties(PacketTypes.CONNECT)
        wants.SessionExpiryInterval = SESSION_EXPIRY_S
        wants.ReceiveMaximum = RECEIVE_MAXIMUM
        wants.MaximumPacketSize = MAX_PACKET_BYTES
        address = self._ear._address
        try:
            self._client.connect(
                address.host, address.port, KEEPALIVE_S, clean_start=False, properties=wants
            )
        except ssl.SSLCertVerificationError as error:
            raise ConnectionEnded(f"The broker is not trusted: {error.verify_message}.") from error
        except (OSError, ValueError) as error:
            raise ConnectionEnded(f"The broker cannot be reached: {error}.") from error

    def turn(self) -> None:
        """Wait for something, deal with it, and say what is to be said. Raises BodycamError."""
        self._wait()
        self._read()
        self._acknowledge()
        if self._came and self._writing is None:
            self._write_down()
        if self.ready:
            if self._ear._anew.is_set():
                self._ear._anew.clear()
                self._subscribe()
            self._say()
        if self._client.want_write():
            self._check(self._client.loop_write())
        self._check(self._client.loop_misc())
        if not self.ready and self._now_ms() - self._opened_ms > CONNECT_WITHIN_S * 1000:
            self._ended = self._ended or "The broker does not answer."
        if self._ended:
            raise ConnectionEnded(self._ended)

    def close(self) -> None:
        """Never raises. What is not acknowledged comes again."""
        if self._writing is not None:  # two batches are never written at the same time
            wait([self._writing])
        with contextlib.suppress(Exception):
            self._client.disconnect()
            self._client.loop_write()
        with contextlib.suppress(Exception):
            sock = self._client.socket()
            if sock is not None:
                sock.close()

    def _wait(self) -> None:
        sock = self._client.socket()
        if sock is None:
            raise ConnectionEnded(self._ended or "The connection was lost.")
        pending = getattr(sock, "pending", None)  # of TLS: read from the socket, not by us
        wait_s = 0.0 if pending is not None and pending() else TURN_S
        writers = [sock] if self._client.want_write() else []
        woken = self._ear._woken
        full = self._full
        readers = [woken] if full else [sock, woken]
        ready, _, _ = select.select(readers, writers, [], TURN_S if full else wait_s)
        if woken in ready and _SAY in woken.recv(4096):
            self._looked_ms = 0

    @property
    def _full(self) -> bool:
        return len(self._came) >= BATCH or self._came_bytes >= BATCH_BYTES

    def _read(self) -> None:
        """All that has come, up to a batch."""
        self._read_ms = self._now_ms()
        self._timely = self.ready and self._read_ms - self._ready_ms > CAUGHT_UP_MS
        while not self._full:
            before = len(self._came)
            self._check(self._client.loop_read())
            if len(self._came) == before:
                break
        if self._client._in_packet["remaining_length"] > MAX_PACKET_BYTES:
            raise ConnectionEnded("The broker sends more than it was told that we take.")

    def _write_down(self) -> None:
        came, self._came, self._came_bytes = self._came, [], 0
        self._written = [number for _, number in came if number]
        ear = self._ear
        self._writing = ear._writer.submit(ear._take, [incoming for incoming, _ in came])
        self._writing.add_done_callback(lambda _: ear._nudge(_WRITTEN))

    def _acknowledge(self) -> None:
        """What is written, if it is; raises what writing raised."""
        if self._writing is None or not self._writing.done():
            return
        done, self._writing = self._writing, None
        done.result()
        for number in self._written:
            self._client.ack(number, QOS)

    def _say(self) -> None:
        now_ms = self._now_ms()
        if now_ms - self._looked_ms < TURN_S * 1000:
            return
        self._looked_ms = now_ms
        flying = {(out.command, out.device, out.version) for out in self._flying.values()}
        for out in self._ear._to_say.due(now_ms):
            if (out.command, out.device, out.version) in flying:
                continue
            properties = _properties(PacketTypes.PUBLISH)
            if out.expires_s:
                properties.MessageExpiryInterval = out.expires_s
            info = self._client.publish(out.topic, out.payload, QOS, out.retained, properties)
            self._check(info.rc)
            self._flying[info.mid] = out

    def _check(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise ConnectionEnded(
                self._ended or f"The connection was lost: {MQTTErrorCode(code).name}."
            )

    # What paho calls. Nothing may be raised there.

    def _on_connect(
        self, client: Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            self._ended = f"The broker refuses us: {reason}."
        else:
            self._subscribe()

    def _subscribe(self) -> None:
        """To all; at each time the broker sends what it retains."""
        self._client.subscribe([(topic, SubscribeOptions(QOS)) for topic in self._topics])

    def _on_subscribe(
        self, client: Client, data: Any, number: int, reasons: list[ReasonCode], properties: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._ended = f"The broker refuses what we subscribe to: {reasons[0]}."
            return
        if not self.ready:
            self.ready = True
            self._ready_ms = self._now_ms()

    def _on_publish(
        self, client: Client, data: Any, number: int, reason: ReasonCode, properties: Any
    ) -> None:
        out = self._flying.pop(number, None)
        if reason.is_failure:
            self._ended = f"The broker refuses what we say: {reason}."
        elif out is not None:
            try:
                self._ear._to_say.sent(out, self._now_ms())
            except BodycamError as error:
                self._ended = error.what

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        payload = bytes(message.payload)
        incoming = Incoming(topic, payload, self._read_ms, message.retain, self._timely)
        self._came.append((incoming, message.mid if message.qos else 0))
        self._came_bytes += len(payload)

    def _on_disconnect(
        self, client: Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        self._ended = self._ended or f"The connection was lost: {reason}."


def _topics(share: str) -> list[str]:
    """Shared is what each message needs one process for; what is retained comes to all of them."""
    if not share:
        return [*from_cameras()]
    kept = ("state", "info")
    return [
        topic if topic.rpartition("/")[2] in kept else f"$share/{share}/{topic}"
        for topic in from_cameras()
    ]


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]
