"""Holds messages that are really published against docs/asyncapi.yaml, and says which were."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from bodycam.link.link import Link

DOCUMENT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "docs" / "asyncapi.yaml").read_text()
)


class Contract:
    """The document, ready to be asked."""

    def __init__(self) -> None:
        schemas = DOCUMENT["components"]["schemas"]
        self._channels: list[tuple[str, re.Pattern[str], list[Any]]] = [
            (
                name,
                re.compile(re.sub(r"\{\w+\}", "[a-z0-9-]{1,64}", channel["address"])),
                [
                    Draft202012Validator(schemas[message.rpartition("/")[2]])
                    for message in (m["$ref"] for m in channel["messages"].values())
                ],
            )
            for name, channel in DOCUMENT["channels"].items()
        ]
        self.operations = {
            name: (
                operation["action"],
                operation["bindings"]["mqtt"]["retain"],
                operation["bindings"]["mqtt"].get("messageExpiryInterval", 0),
            )
            for name, operation in DOCUMENT["operations"].items()
        }
        self.seen: list[tuple[str, Any]] = []
        """Of each message its operation, and what it said."""

    def hold(self, topic: str, payload: bytes) -> str:
        """The operation of a message; AssertionError where it is not one of the contract."""
        for name, address, validators in self._channels:
            if address.fullmatch(topic):
                # A document of several lines is no JSON; its form is in docs/format.md.
                value = payload.decode() if name == "desired" else json.loads(payload)
                for validator in validators:
                    validator.validate(value)
                self.seen.append((name, value))
                return name
        raise AssertionError(f"{topic} is in no channel of the contract")

    def sent(self, topic: str, payload: bytes, retained: bool, expires_s: int) -> None:
        """The same of what a camera sends: it must be the camera's to send, and in that way."""
        name = self.hold(topic, payload)
        assert self.operations[name] == ("send", retained, expires_s), name


CONTRACT = Contract()


@contextmanager
def held() -> Iterator[Contract]:
    """Every message that a link of this process publishes is held, wills too."""
    send, begin = Link._send, Link.begin

    def sending(self: Link, address: Any, message: Any, now_ns: int, **more: Any) -> bool:
        done = send(self, address, message, now_ns, **more)
        if done:
            retained = address.leaf in ("state", "info", "status")
            expires_s = more.get("expires_s", 0)
            CONTRACT.sent(address.topic, message.encode(), retained, expires_s)
        return done

    def beginning(self: Link, now_ns: int) -> Any:
        will = begin(self, now_ns)
        CONTRACT.sent(will.topic, will.payload, True, 0)
        return will

    Link._send, Link.begin = sending, beginning  # type: ignore[method-assign]
    try:
        yield CONTRACT
    finally:
        Link._send, Link.begin = send, begin  # type: ignore[method-assign]
