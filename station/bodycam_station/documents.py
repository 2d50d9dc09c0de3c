"""JSON from strangers, read strictly and within bounds; and JSON of our own, one object a line."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from bodycam.errors import EvidenceError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16

Json = dict[str, Any]


def parse(data: bytes, what: str, *, limit: int = MAX_BYTES) -> Json:
    """A JSON object, strictly: UTF-8, no key twice, no NaN, not deep; raises EvidenceError."""
    if len(data) > limit:
        raise EvidenceError(f"{what} is longer than {limit} bytes.")
    try:
        value = json.loads(data.decode(), object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError:
        raise EvidenceError(f"{what} is nested too deeply.") from None
    except EvidenceError as error:
        raise EvidenceError(f"{what} {error.what}") from None
    except ValueError:
        raise EvidenceError(f"{what} is not JSON.") from None
    if not isinstance(value, dict):
        raise EvidenceError(f"{what} is not a JSON object.")
    _check(value, MAX_DEPTH, what)
    return value


def encode(fields: Mapping[str, object]) -> bytes:
    """The fields as one line of ASCII JSON with its newline."""
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def text(fields: Json, name: str, what: str, *, limit: int = 1000) -> str:
    """A string of a document; raises EvidenceError where it is missing or something else."""
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > limit:
        raise EvidenceError(f"{what} has no proper `{name}`.")
    return value


def known_version(fields: Json, what: str, version: int = 1) -> None:
    """Raises EvidenceError unless `v` is the version that this program knows."""
    if fields.get("v") != version or isinstance(fields.get("v"), bool):
        raise EvidenceError(
            f"{what} is of a version that this program does not know.",
            do="Use a newer bodycam-station.",
        )


def _object(pairs: list[tuple[str, Any]]) -> Json:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise EvidenceError("has a key twice.")
    return fields


def _constant(name: str) -> NoReturn:
    raise EvidenceError(f"holds {name}, which is not a number.")


def _check(value: object, depth: int, what: str) -> None:
    """Refuse what is deep, and text that could not be written out again."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise EvidenceError(f"{what} holds text that is not Unicode.") from None
    if isinstance(value, dict | list):
        if not depth:
            raise EvidenceError(f"{what} is nested too deeply.")
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            _check(item, depth - 1, what)
