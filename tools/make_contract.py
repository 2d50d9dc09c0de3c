"""Writes what the code says of its messages: docs/asyncapi.yaml and config/schemas/.

usage: python tools/make_contract.py

A test holds both to be what this makes. What a field means is taken from where it is defined.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from bodycam.evidence.desired import MAX_DESIRED_BYTES
from bodycam.link.connection import KEEPALIVE_S, MAX_PACKET_BYTES
from bodycam.link.link import RESULT_EXPIRES_S
from bodycam.messages.forms import Message
from bodycam.messages.topics import COMMAND_EXPIRY_S, QOS, ROOT, TOPICS, Topic

HOUSE = Path(__file__).parents[1]
ASYNCAPI = HOUSE / "docs" / "asyncapi.yaml"
SCHEMAS = HOUSE / "config" / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
_HEAD = "# Made by tools/make_contract.py from device/bodycam/messages/: change it there.\n"
_ABOUT = """\
What a camera says to its fleet, and what may be said to it: MQTT 5 over TLS 1.2 or later, with a
client certificate whose name is the camera's id, user name and client id. From the camera's side:
it sends its state, and receives commands and its configuration. A message has exactly the keys of
its schema and is refused as a whole otherwise. Nobody can start, stop, watch or delete a recording.
"""
_DESIRED = (
    "The configuration that the station wants of this camera: one signed line and its signature, "
    "as docs/format.md says (configuration). A camera takes one only in its dock, from its own "
    "station, and with a version that rises; the topic status reports the version in force."
)


def files() -> Mapping[Path, str]:
    """Every file that is made, and what it is to hold."""
    forms = [row.form for row in TOPICS.values() if row.form is not None]
    made = {
        SCHEMAS / f"{form.__name__.lower()}.json": json.dumps(
            {"$schema": DRAFT, **schema(form)}, indent=2
        )
        + "\n"
        for form in forms
    }
    document = yaml.safe_dump(contract(), sort_keys=False, width=100, allow_unicode=True)
    return {ASYNCAPI: _HEAD + document, **made}


def contract() -> dict[str, Any]:
    """The AsyncAPI document."""
    rows = list(TOPICS.values())
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "bodycam",
            "version": ROOT.rpartition("v")[2] + ".0.0",
            "description": _text(_ABOUT),
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _server()},
        "channels": {_name(row): _channel(row) for row in rows},
        "operations": {_name(row): _operation(row) for row in rows},
        "components": {
            "messages": {_title(row): _message(row) for row in rows},
            "schemas": {
                **{row.form.__name__: schema(row.form) for row in rows if row.form is not None},
                "Desired": {"type": "string", "maxLength": MAX_DESIRED_BYTES},
            },
            "parameters": {
                "device": {"description": "The camera's id: a-z, 0-9 and -, at most 64."},
                "command": {"description": "The id of the command that is answered."},
            },
            "securitySchemes": {
                "certificate": {
                    "type": "X509",
                    "description": "Of the station's authority. Its name decides what is allowed.",
                }
            },
        },
    }


def schema(form: type[Message]) -> dict[str, Any]:
    """A message's schema, with what is said of it and its fields where they are defined."""
    found = form.schema()
    told = _told(form)
    for name, one in found["properties"].items():
        if name in told:
            one["description"] = told[name]
    return {"title": found["title"], "description": _text(form.__doc__ or ""), **found}


def _server() -> dict[str, Any]:
    return {
        "host": "broker.example.org:8883",
        "protocol": "mqtts",
        "protocolVersion": "5.0",
        "description": "Set up by config/mosquitto/.",
        "security": [{"$ref": "#/components/securitySchemes/certificate"}],
        "bindings": {
            "mqtt": {
                "clientId": "{device}",
                "cleanSession": True,
                "lastWill": {
                    "topic": f"{ROOT}/{{device}}/state",
                    "qos": QOS,
                    "message": "A State with state lost, and boot and session of the connection.",
                    "retain": True,
                },
                "keepAlive": KEEPALIVE_S,
                "maximumPacketSize": MAX_PACKET_BYTES,
                "bindingVersion": "0.2.0",
            }
        },
    }


def _channel(row: Topic) -> dict[str, Any]:
    named = row.leaf == "res"
    parameters = {"device": {"$ref": "#/components/parameters/device"}}
    if named:
        parameters["command"] = {"$ref": "#/components/parameters/command"}
    return {
        "address": f"{ROOT}/{{device}}/{row.leaf}" + ("/{command}" if named else ""),
        "messages": {_title(row): {"$ref": f"#/components/messages/{_title(row)}"}},
        "parameters": parameters,
    }


def _operation(row: Topic) -> dict[str, Any]:
    binding: dict[str, Any] = {"qos": QOS, "retain": row.retained}
    if row.by == "manager":
        binding["messageExpiryInterval"] = COMMAND_EXPIRY_S
    elif row.leaf == "res":
        binding["messageExpiryInterval"] = RESULT_EXPIRES_S
    name = _name(row)
    return {
        "action": "send" if row.by == "camera" else "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": f"Published by the {row.by}.",
        "messages": [{"$ref": f"#/channels/{name}/messages/{_title(row)}"}],
        "bindings": {"mqtt": {**binding, "bindingVersion": "0.2.0"}},
    }


def _message(row: Topic) -> dict[str, Any]:
    title = _title(row)
    if row.form is None:
        return {
            "name": title,
            "contentType": "text/plain",
            "description": _DESIRED,
            "payload": {"$ref": f"#/components/schemas/{title}"},
        }
    return {
        "name": title,
        "summary": _text(row.form.__doc__ or "").partition(". ")[0].rstrip(".") + ".",
        "payload": {"$ref": f"#/components/schemas/{title}"},
    }


def _name(row: Topic) -> str:
    return row.leaf.replace("/", "-")


def _title(row: Topic) -> str:
    return "Desired" if row.form is None else row.form.__name__


def _told(form: type[Message]) -> dict[str, str]:
    """What stands under each field of a class, and of those that it is made of."""
    told: dict[str, str] = {}
    for cls in reversed(form.__mro__):
        if not issubclass(cls, Message) or cls is Message:
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for before, after in pairwise(body):
            if not (isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name)):
                continue
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                told[before.target.id] = _text(str(after.value.value))
    return told


def _text(doc: str) -> str:
    return " ".join(inspect.cleandoc(doc).split())


def main() -> None:
    """Write all of them."""
    SCHEMAS.mkdir(exist_ok=True)
    for path, text in files().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
