"""One connection to a broker: a paho client that is thrown away with it.

paho's own threads, reconnection and queues are not used. A client that lost its connection, or
claims to have one and does not acknowledge anything, is closed; the next one is new. What paho
raises, whatever it is, ends the connection and nothing else.
"""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bodycam.errors import DeviceError
from bodycam.link.gate import Heard
from bodycam.link.link import MAX_FLYING, Link
from bodycam.messages.topics import MAX_PAYLOAD_BYTES, QOS, to_camera

SECOND = 1_000_000_000
KEEPALIVE_S = 30
CONNECT_WITHIN_S = 8.0
"""For name, connection, TLS and the broker's word, each."""
ACKNOWLEDGED_WITHIN_NS = 20 * SECOND
"""A broker that acknowledges nothing for so long is not there, whatever the socket says."""
HEARD_A_SECOND = 50
"""More than a camera is ever told; beyond it the socket is not read, and the sender has to wait."""
GOODBYE_NS = 2 * SECOND
RECEIVE_MAXIMUM = 10
"""Messages that a broker may send before we have acknowledged them."""
MAX_PACKET_BYTES = MAX_PAYLOAD_BYTES + 1024


class ConnectionEnded(DeviceError):
    """The connection is not there, or no longer; another one may be."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is, and how it is spoken with."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    """None only on the loopback."""


class Connection:
    """Implements ports.Broker. `open`, then `step` for as long as it lasts, then `close`."""

    def __init__(
        self,
        link: Link,
        device: str,
        address: Address,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`now_ns` is the clock of the link: CLOCK_BOOTTIME."""
        self._link = link
        self._device = device
        self._address = address
        self._now_ns = now_ns
        self._opened_ns = 0
        self._subscription: int | None = None
        self._ended = ""
        """Why it has ended; empty while it has not."""
        self._window_ns = 0
        self._heard = 0
        self.ready = False
        """Whether the broker has taken us in and everything is subscribed to."""
        client = Client(CallbackAPIVersion.VERSION2, device, protocol=MQTTv5)
        client.connect_timeout = CONNECT_WITHIN_S
        client.max_inflight_messages_set(MAX_FLYING)
        if address.tls is not None:
            client.tls_set_context(address.tls)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        self.client = client
        """For a host that has a selector of its own: `client.socket()`."""

    def open(self) -> None:
        """Connect; returns before the broker has answered. Raises ConnectionEnded."""
        self._opened_ns = self._now_ns()
        will = self._link.begin(self._opened_ns)
        self.client.will_set(will.topic, will.payload, QOS, retain=True)
        wants = _properties(PacketTypes.CONNECT)
        wants.ReceiveMaximum = RECEIVE_MAXIMUM
        wants.MaximumPacketSize = MAX_PACKET_BYTES
        address = self._address
        try:
            self.client.connect(
                address.host, address.port, KEEPALIVE_S, clean_start=True, properties=wants
            )
        except ssl.SSLCertVerificationError as error:
            raise ConnectionEnded(f"The broker is not trusted: {error.verify_message}.") from error
        except (OSError, ValueError) as error:
            raise ConnectionEnded(f"The broker cannot be reached: {error}.") from error

    def step(self, wait_s: float) -> None:
        """Wait so long for the network at most, then let the link say what it has to say.

        Raises ConnectionEnded.
        """
        started_ns = self._now_ns()
        if self._calm(started_ns):
            code = self.client.loop(wait_s)
        else:
            # The socket is left full: whoever floods is held up by TCP, and we are not busy.
            time.sleep(min(wait_s, 0.1))
            code = self.client.loop_misc()
        self.after(code)

    def after(self, code: MQTTErrorCode) -> None:
        """What `step` does after the network has been looked at; `code` is what paho said."""
        now_ns = self._now_ns()
        if not self._ended and code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._ended = f"The connection was lost: {code.name}."
        elif not self._ended and self._receives_too_much():
            self._ended = "The broker sends more than it was told that we take."
        late = now_ns - self._opened_ns > CONNECT_WITHIN_S * SECOND
        if not self._ended and not self.ready and late:
            self._ended = "The broker does not answer."
        if not self._ended and self._link.waiting_ns(now_ns) > ACKNOWLEDGED_WITHIN_NS:
            self._ended = "The broker acknowledges nothing."
        if self._ended:
            raise ConnectionEnded(self._ended)
        self._link.step(now_ns)

    def close(self, goodbye: str = "") -> None:
        """End it; never raises. With `goodbye` the broker is told, and no will is executed."""
        try:
            if goodbye and self.ready and not self._ended:
                self._say_goodbye(goodbye)
            else:
                self._drop()
        except Exception:  # noqa: BLE001  it is thrown away, whatever paho thinks of that
            self._ended = "closed"
        self._ended = self._ended or "closed"
        self._link.disconnected()

    def publish(self, topic: str, payload: bytes, *, retained: bool, expires_s: int = 0) -> int:
        """See ports.Broker."""
        properties = None
        if expires_s:
            properties = _properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = expires_s
        info = self.client.publish(topic, payload, QOS, retained, properties)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise ConnectionEnded(f"The connection was lost: {MQTTErrorCode(info.rc).name}.")
        return info.mid

    # ---- inside ----------------------------------------------------------------------------------

    def _calm(self, now_ns: int) -> bool:
        """Whether there is room for more to be heard in this second."""
        if now_ns - self._window_ns >= SECOND:
            self._window_ns, self._heard = now_ns, 0
        return self._heard < HEARD_A_SECOND

    def _receives_too_much(self) -> bool:
        """Whether a packet is arriving that is longer than the broker was allowed to send.

        paho holds nothing against that, and would gather a quarter of a gigabyte.
        """
        return bool(self.client._in_packet["remaining_length"] > MAX_PACKET_BYTES)

    def _say_goodbye(self, reason: str) -> None:
        until_ns = self._now_ns() + GOODBYE_NS
        self._link.end(reason, self._now_ns())
        while not self._link.idle and self._now_ns() < until_ns and not self._ended:
            if self.client.loop(0.05) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
        self.client.disconnect()

    def _drop(self) -> None:
        """Without goodbye: the broker says our will."""
        socket = self.client.socket()
        if socket is not None:
            socket.close()

    # What paho calls. Nothing may be raised there.

    def _on_connect(
        self, client: Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            self._ended = f"The broker refuses us: {reason}."
            return
        topics = [(topic, QOS) for topic in to_camera(self._device)]
        code, self._subscription = client.subscribe(topics)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._ended = f"The connection was lost: {code.name}."

    def _on_subscribe(
        self, client: Client, data: Any, number: int, reasons: list[ReasonCode], properties: Any
    ) -> None:
        if number != self._subscription or self.ready:
            return
        refused = [reason for reason in reasons if reason.is_failure]
        if refused or len(reasons) != len(to_camera(self._device)):
            self._ended = f"The broker refuses what we subscribe to: {refused[:1] or 'some'}."
            return
        self.ready = True
        self._link.connected(self, self._now_ns())

    def _on_publish(
        self, client: Client, data: Any, number: int, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            # Not acknowledged: it is said again on the next connection.
            self._ended = f"The broker refuses what we say: {reason}."
            return
        self._link.acknowledged(number)

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        self._heard += 1
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        expires_s = getattr(message.properties, "MessageExpiryInterval", None)
        heard = Heard(topic, bytes(message.payload), message.retain, expires_s)
        self._link.heard(heard, self._now_ns())

    def _on_disconnect(
        self, client: Client, data: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        self._ended = self._ended or f"The connection was lost: {reason}."


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]
