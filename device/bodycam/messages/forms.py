"""The one validation of messages: frozen dataclasses whose fields say what they may hold.

A message is a JSON object with exactly the keys of its class. What is missing, unknown, given
twice, of another type or out of its bounds is refused as a whole; nothing is guessed or mended.
The same table gives the JSON Schema.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, NoReturn, Protocol, Self, cast

from bodycam.errors import MessageError

Json = dict[str, Any]


class Form(Protocol):
    """What a field may hold."""

    def fault(self, value: object) -> str:
        """What is wrong with a value, as the end of a sentence; empty where nothing is."""

    def schema(self) -> Json:
        """The same as JSON Schema."""


@dataclass(frozen=True, slots=True)
class Number:
    """An integer from `least` to `most`, both included."""

    least: int
    most: int

    def fault(self, value: object) -> str:
        """See Form."""
        if type(value) is int and self.least <= value <= self.most:
            return ""
        return f"must be an integer from {self.least} to {self.most}"

    def schema(self) -> Json:
        """See Form."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def fault(self, value: object) -> str:
        """See Form."""
        return "" if isinstance(value, bool) else "must be true or false"

    def schema(self) -> Json:
        """See Form."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Text:
    """Text that a pattern describes wholly; `most` is a number of characters."""

    pattern: str
    most: int
    _compiled: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", re.compile(self.pattern, re.ASCII))

    def fault(self, value: object) -> str:
        """See Form."""
        if isinstance(value, str) and len(value) <= self.most and self._compiled.fullmatch(value):
            return ""
        return f"must be text like {self.pattern}, at most {self.most} characters"

    def schema(self) -> Json:
        """See Form."""
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.most}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def fault(self, value: object) -> str:
        """See Form."""
        if isinstance(value, str) and value in self.words:
            return ""
        return "must be one of " + ", ".join(self.words)

    def schema(self) -> Json:
        """See Form."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Maybe:
    """What the other form allows, or null: nobody knows."""

    form: Form

    def fault(self, value: object) -> str:
        """See Form."""
        if value is None:
            return ""
        fault = self.form.fault(value)
        return f"{fault}, or null" if fault else ""

    def schema(self) -> Json:
        """See Form."""
        return {"oneOf": [self.form.schema(), {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Words:
    """A list of at most `most` words that `form` allows, each once. In Python a tuple."""

    form: Form
    most: int

    def fault(self, value: object) -> str:
        """See Form."""
        if not isinstance(value, tuple | list) or len(value) > self.most:
            return f"must be a list of at most {self.most}"
        faults = [fault for one in value if (fault := self.form.fault(one))]
        if faults:
            return f"must be a list whose members each {faults[0]}"
        return "" if len(set(value)) == len(value) else "must not name anything twice"

    def schema(self) -> Json:
        """See Form."""
        return {
            "type": "array",
            "items": self.form.schema(),
            "maxItems": self.most,
            "uniqueItems": True,
        }


def said(form: Form, default: Any = MISSING) -> Any:
    """A field of a message; `default` only spares Python code a word: on the wire all are there."""
    return field(default=default, metadata={"form": form})


class Message:
    """The base of all messages; making one checks it. Raises MessageError."""

    MAX_BYTES: ClassVar[int] = 1024
    """Of the encoded message."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for name, form in _forms(type(self)).items():
            value = getattr(self, name)
            if isinstance(value, list):
                value = tuple(value)
                object.__setattr__(self, name, value)
            if fault := form.fault(value):
                raise MessageError(f"{type(self).__name__}: {name} {fault}.")

    def encode(self) -> bytes:
        """The message as JSON in UTF-8; raises MessageError where it would be too long."""
        values = {name: getattr(self, name) for name in _forms(type(self))}
        data = json.dumps(values, separators=(",", ":")).encode()
        if len(data) > self.MAX_BYTES:
            raise MessageError(
                f"{type(self).__name__} would be longer than {self.MAX_BYTES} bytes."
            )
        return data

    @classmethod
    def decode(cls, data: bytes | bytearray) -> Self:
        """Read what `encode` writes, and nothing else; raises MessageError."""
        name = cls.__name__
        if len(data) > cls.MAX_BYTES:
            raise MessageError(f"{name} is longer than {cls.MAX_BYTES} bytes.")
        try:
            values = _DECODER.decode(data.decode())
        except (ValueError, RecursionError) as error:
            why = error.what if isinstance(error, MessageError) else "it is not JSON"
            raise MessageError(f"{name} cannot be read: {why}.") from None
        known = _forms(cls)
        if not isinstance(values, dict) or values.keys() != known.keys():
            raise MessageError(f"{name} must have the keys {', '.join(known)}, and no others.")
        # As cls(**values) would, without taking every value out again to look at it.
        made = object.__new__(cls)
        for name, form in known.items():
            value = values[name]
            if isinstance(value, list):
                value = tuple(value)
            if fault := form.fault(value):
                raise MessageError(f"{cls.__name__}: {name} {fault}.")
            object.__setattr__(made, name, value)
        return made

    @classmethod
    def schema(cls) -> Json:
        """The message as JSON Schema (2020-12, without its `$schema`)."""
        forms = _forms(cls)
        return {
            "title": cls.__name__,
            "type": "object",
            "properties": {name: form.schema() for name, form in forms.items()},
            "required": list(forms),
            "additionalProperties": False,
        }


_known: dict[type, Mapping[str, Form]] = {}


def _forms(cls: type[Message]) -> Mapping[str, Form]:
    """The fields of a message and their forms; each class is looked at once."""
    if cls not in _known:
        _known[cls] = {one.name: one.metadata["form"] for one in fields(cast("Any", cls))}
    return _known[cls]


def _once(pairs: list[tuple[str, Any]]) -> Json:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise MessageError("a key is there twice")
    return values


def _no_number(word: str) -> NoReturn:
    raise MessageError(f"{word} is not a number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
