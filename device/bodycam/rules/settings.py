"""Reads a TOML text into frozen dataclasses and refuses what it does not know.

A dataclass is the table: a field is a key, its type the type, its `Range` the allowed values. Every
refusal names file, line, key and what is allowed.
"""

import re
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from bodycam.errors import ConfigError

MAX_BYTES = 64 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range:
    """What a key may be: between `least` and `most`, one of `choices`, or text like `pattern`."""

    least: float | None = None
    most: float | None = None
    choices: tuple[object, ...] = ()
    pattern: str = ""
    shown: str = ""
    """The pattern in words."""

    def __str__(self) -> str:
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        if self.pattern:
            return self.shown
        return f"{self.least:g} to {self.most:g}"

    def holds(self, value: object) -> bool:
        """Whether a value of the right type is allowed."""
        if self.choices:
            return value in self.choices
        if self.pattern:
            return re.fullmatch(self.pattern, cast("str", value), re.ASCII) is not None
        number = cast("float", value)
        return (self.least is None or number >= self.least) and (
            self.most is None or number <= self.most
        )


def setting(allowed: Range, default: Any = MISSING) -> Any:
    """A dataclass field with its range; without a default the key must be there."""
    if default is MISSING:
        return field(metadata={"range": allowed})
    return field(default=default, metadata={"range": allowed})


def load(cls: type[T], data: bytes, name: str) -> T:
    """Read the TOML bytes of the file called `name` into `cls`."""
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{name}: larger than {MAX_BYTES} bytes, which no such file is.")
    try:
        text = data.decode()
        tables = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{name}: not a TOML file: {error}.") from error
    return _table(cls, tables, _Place(name, text, ()))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a file a table stands."""

    name: str
    text: str
    path: tuple[str, ...]

    def inside(self, key: str) -> "_Place":
        return _Place(self.name, self.text, (*self.path, key))

    def refuse(self, key: str, why: str) -> ConfigError:
        dotted = ".".join((*self.path, key))
        return ConfigError(f"{self.name}:{self._line(key)}: {dotted} {why}.")

    def _line(self, key: str) -> int:
        """The line of a key, or of its table's heading where the key is missing."""
        table: tuple[str, ...] = ()
        heading = 1
        for number, line in enumerate(self.text.splitlines(), 1):
            if head := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
                table = tuple(part.strip(" \"'") for part in head[1].split("."))
                if table[: len(self.path) + 1] == (*self.path, key):
                    return number
                if table == self.path:
                    heading = number
            elif found := re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=", line):
                dotted = (*table, *found[1].split("."))
                if dotted[: len(self.path) + 1] == (*self.path, key):
                    return number
        return heading


def _table(cls: type[T], table: Mapping[str, object], place: _Place) -> T:
    known: dict[str, Field[Any]] = {f.name: f for f in fields(cast("Any", cls))}
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1, 0.6)
            hint = f"did you mean {near[0]}?" if near else "known here: " + ", ".join(known)
            raise place.refuse(key, f"is not a key that exists ({hint})")
    types_of = get_type_hints(cls)
    values: dict[str, object] = {}
    for key, f in known.items():
        kind = types_of[key]
        if is_dataclass(kind):
            inner = table.get(key, {})
            if not isinstance(inner, dict):
                raise place.refuse(key, "is not a table")
            values[key] = _table(cast("type[object]", kind), inner, place.inside(key))
        elif key in table:
            values[key] = _value(kind, table[key], f.metadata.get("range"), key, place)
        elif f.default is MISSING:
            allowed = f.metadata.get("range")
            raise place.refuse(key, f"is missing (allowed: {allowed})")
    return cls(**values)


_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def _value(kind: Any, value: object, allowed: Range | None, key: str, place: _Place) -> object:
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        if not isinstance(value, list):
            raise place.refuse(key, f"is not a list of {_NAMES[item]}")
        return tuple(_value(item, one, allowed, key, place) for one in value)
    if get_origin(kind) in (Union, types.UnionType):
        kind = get_args(kind)[0]
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        span = f", allowed: {allowed}" if allowed else ""
        raise place.refuse(key, f"= {value!r} is not {_NAMES[kind]}{span}")
    if allowed is not None and not allowed.holds(value):
        raise place.refuse(key, f"= {value!r} is not allowed (allowed: {allowed})")
    return value
