"""Somebody at the broker: sees everything under bodycam/, and may say something."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from jsonschema import ValidationError
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bodycam.messages.topics import TOPICS, read_topic
from contract import CONTRACT

PATIENCE_S = 30


@dataclass(frozen=True)
class Seen:
    topic: str
    payload: bytes
    retained: bool

    @property
    def leaf(self) -> str:
        return read_topic(self.topic).leaf

    @property
    def message(self) -> Any:
        form = TOPICS[self.leaf].form
        assert form is not None
        return form.decode(self.payload)


class Observer:
    """An MQTT client with a thread of its own. Use with `with`."""

    def __init__(
        self, port: int, tls: Any = None, name: str = "observer", topics: str = "bodycam/#"
    ) -> None:
        self.port = port
        self.seen: list[Seen] = []
        self.broken: list[str] = []
        """What broke the contract."""
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self._topics = topics
        self.client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTv5)
        if tls is not None:
            self.client.tls_set_context(tls)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe(self._topics, 1)
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._on_message

    def __enter__(self) -> Self:
        self.client.connect("localhost" if self.client._ssl else "127.0.0.1", self.port, 60)
        self.client.loop_start()
        assert self._subscribed.wait(PATIENCE_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        assert error is not None or self.broken == []

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        with self._changed:
            self._hold(message.topic, bytes(message.payload))
            self.seen.append(Seen(message.topic, bytes(message.payload), message.retain))
            self._changed.notify_all()

    def _hold(self, topic: str, payload: bytes) -> None:
        """Against the contract; a command may be whatever a test thinks of."""
        try:
            if read_topic(topic).leaf != "cmd":
                CONTRACT.hold(topic, payload)
        except (AssertionError, ValueError, ValidationError) as error:  # nobody would hear of it
            self.broken.append(f"{topic}: {error}")

    # ---- what is seen ----------------------------------------------------------------------------

    def of(self, leaf: str, device: str = "cam07") -> list[Any]:
        with self._changed:
            seen = [*self.seen]
        root = f"bodycam/v1/{device}/"
        return [one.message for one in seen if one.topic.startswith(root) and one.leaf == leaf]

    def until(
        self, condition: Callable[[], object], what: str, within_s: float = PATIENCE_S
    ) -> None:
        end = time.monotonic() + within_s
        with self._changed:
            while not self._holds(condition):
                left = end - time.monotonic()
                assert left > 0, f"not within {within_s} s: {what}"
                self._changed.wait(min(left, 0.1))

    def _holds(self, condition: Callable[[], object]) -> bool:
        self._changed.release()
        try:
            return bool(condition())
        finally:
            self._changed.acquire()

    # ---- what is said ----------------------------------------------------------------------------

    def say(
        self, topic: str, payload: bytes, *, expires_s: int | None = 20, retained: bool = False
    ) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if expires_s is not None:
            properties.MessageExpiryInterval = expires_s
        self.client.publish(topic, payload, 1, retained, properties).wait_for_publish(PATIENCE_S)
