"""A station, its broker as config/mosquitto sets it up, and who connects to it.

What is started is the shipped configuration; only its folder and its port are others here.
"""

import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from bodycam.evidence.enrolment import Papers, make_request, read_bundle
from bodycam.evidence.keys import ES256, PublicKey
from bodycam.link import tls
from bodycam_station.cli import main
from bodycam_station.station import Station
from brokers import Mosquitto
from recordings import device_key

SHIPPED = Path(__file__).parents[1] / "config" / "mosquitto"
PERSON = "A. de Vries"
PATIENCE_S = 20


@dataclass
class Fleet:
    """A station, its broker, and folders with what cameras and managers show."""

    folder: Path
    broker: Mosquitto

    @property
    def station(self) -> Path:
        return self.folder / "station"

    def cli(self, *words: object) -> int:
        return main([*map(str, words), "--station", str(self.station), "--person", PERSON])

    def camera(self, name: str, station: Path | None = None) -> ssl.SSLContext:
        """Enrolled, with a TLS key of its own."""
        key = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        request = make_request(name, device_key(name), "software", PublicKey(ES256, point))
        with Station.open(station or self.station) as opened:
            data = opened.enroll(request, person=PERSON)
        bundle = read_bundle(data)
        place = self.folder / (name if station is None else f"foreign-{name}")
        place.mkdir()
        (place / "bundle.json").write_bytes(data)
        path = place / "tls.key"
        path.touch(0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        assert bundle.papers is not None
        papers = bundle.papers
        if station is not None:  # it knows the broker, and the broker does not know it
            authority = (self.station / "ca.pem").read_text()
            papers = Papers(papers.certificate, ssl.PEM_cert_to_DER_cert(authority))
        context = tls.address("localhost", 1, papers, path, place).tls
        assert context is not None
        return context

    def manager(self, name: str) -> ssl.SSLContext:
        place = self.folder / name
        assert self.cli("manager", name, "--out", place) == 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(place / "ca.pem")
        context.load_cert_chain(place / f"{name}.pem", place / f"{name}.key")
        return context


def shipped(place: Path) -> str:
    text = (SHIPPED / "bodycam.conf").read_text()
    text = text.replace("/etc/mosquitto/bodycam", str(place))
    text = re.sub(r"^listener .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^persistence true\n", "persistence false\n", text, flags=re.MULTILINE)


@dataclass
class Talk:
    """A client at the broker, and all that it was told."""

    client: Client
    reasons: dict[str, Any] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def wait(self, what: str) -> str:
        end = time.monotonic() + PATIENCE_S
        while what not in self.reasons:
            assert time.monotonic() < end, f"no word of {what}: {self.reasons}"
            time.sleep(0.005)
        reason = self.reasons.pop(what)
        return str(reason) if reason.is_failure else "Success"

    def publish(self, topic: str, *, retain: bool = False) -> str:
        self.client.publish(topic, b"x", 1, retain)
        return self.wait("published")

    def subscribe(self, topic: str) -> str:
        self.client.subscribe(topic, 1)
        return self.wait("subscribed")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def lose(talk: Talk) -> None:
    """The connection breaks without a goodbye."""
    sock = talk.client.socket()
    assert isinstance(sock, socket.socket)
    sock.shutdown(socket.SHUT_RDWR)
    talk.wait("gone")
    talk.close()


def hears(talk: Talk, topic: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while topic not in talk.heard:
        assert time.monotonic() < end, f"{topic} was not heard"
        time.sleep(0.005)


def talk(fleet: Fleet, context: ssl.SSLContext | None, *, name: str = "", will: str = "") -> Talk:
    client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTv5)
    talk = Talk(client)
    if context is not None:
        client.tls_set_context(context)
    if will:
        client.will_set(will, b"x", 1, retain=True)
    client.on_connect = lambda _c, _d, _f, reason, _p: talk.reasons.update(connected=reason)
    client.on_publish = lambda _c, _d, _n, reason, _p: talk.reasons.update(published=reason)
    client.on_subscribe = lambda _c, _d, _n, reasons, _p: talk.reasons.update(subscribed=reasons[0])
    client.on_disconnect = lambda _c, _d, _f, reason, _p: talk.reasons.update(gone=reason)
    client.on_message = lambda _c, _d, message: talk.heard.append(message.topic)
    client.connect_timeout = PATIENCE_S
    client.connect("localhost" if context is not None else "127.0.0.1", fleet.broker.port)
    client.loop_start()
    return talk


@contextmanager
def fleet_of(folder: Path) -> Iterator[Fleet]:
    """A new station, and its broker running."""
    with Station.init(folder / "station", "utrecht", person=PERSON):
        pass
    place = folder / "mosquitto"
    made = Fleet(folder, Mosquitto(folder / "broker", shipped(place)))
    assert made.cli("broker", "--host", "localhost", "--out", place) == 0
    (place / "acl").write_bytes((SHIPPED / "acl").read_bytes())
    with made.broker:
        yield made
