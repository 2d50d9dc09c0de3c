"""Reads a TOML text into frozen dataclasses and refuses what it does not know.

A dataclass is the table: a field is a key, its type the type, its `Range` the allowed values. Every
refusal names file, line, key and what is allowed.
"""

import re
import reprlib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from bodycam.errors import ConfigError

MAX_BYTES = 64 * 1024
MAX_LINE_CHARACTERS = 200
"""Of a line, no more is looked at when a key is searched, or shown when it cannot be read."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range:
    """What a key may be: between `least` and `most`, one of `choices`, or text like `pattern`."""

    least: float = 0
    most: float = 0
    choices: tuple[object, ...] = ()
    pattern: str = ""
    shown: str = ""
    """The pattern in words."""

    def __str__(self) -> str:
        if self.choices:
            return "one of " + ", ".join(
                one if isinstance(one, str) else _shown(one) for one in self.choices
            )
        return self.shown if self.pattern else f"{self.least:g} to {self.most:g}"

    def holds(self, value: object) -> bool:
        """Whether a value of the right type is allowed. Not a number is never."""
        if self.choices:
            return value in self.choices
        if self.pattern:
            return re.fullmatch(self.pattern, cast("str", value), re.ASCII) is not None
        return self.least <= cast("float", value) <= self.most


def setting(allowed: Range, default: Any = MISSING) -> Any:
    """A dataclass field with its range; without a default the key must be there."""
    return field(default=default, metadata={"range": allowed})


def load(cls: type[T], data: bytes, name: str) -> T:
    """Read the TOML bytes of the file called `name` into `cls`.

    A field without a range, other than a table, is no key of the file.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{name}: larger than {MAX_BYTES} bytes, which no such file is.")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: not UTF-8 text.") from error
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deeply.") from error
    except ValueError as error:
        raise ConfigError(_unreadable(name, text, str(error))) from error
    return _table(cls, table, _Place(name, text, ()))


def line_of(text: str, path: tuple[str, ...]) -> int:
    """The line of a key, or of the nearest table around it where the key itself is missing."""
    table: tuple[str, ...] = ()
    best_line, best_depth = 1, 0
    for number, line in enumerate(text.splitlines(), 1):
        start = line[:MAX_LINE_CHARACTERS]
        if heading := re.match(r"\s*\[+([^\[\]]+)\]", start):
            table = here = _dotted(heading[1])
        elif key := re.match(r"\s*([\w.\"' -]+?)\s*=", start):
            here = (*table, *_dotted(key[1]))
        else:
            continue
        depth = min(len(here), len(path))
        if here[:depth] == path[:depth] and depth > best_depth:
            best_line, best_depth = number, depth
    return best_line


def _dotted(text: str) -> tuple[str, ...]:
    return tuple(part.strip(" \t\"'") for part in text.split("."))


def _unreadable(name: str, text: str, why: str) -> str:
    """TOML's own words, with the line that they point at."""
    lines = text.rstrip("\n").split("\n")
    at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", why)
    if at is None:
        return f"{name}: not a TOML file: {why[:MAX_LINE_CHARACTERS]}."
    number = int(at[1] or len(lines))
    line = lines[number - 1].strip()[:MAX_LINE_CHARACTERS]
    return f"{name}:{number}: not a TOML file: {why[: at.start()]}: {line}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a file a table stands."""

    name: str
    text: str
    path: tuple[str, ...]

    def inside(self, key: str) -> "_Place":
        return _Place(self.name, self.text, (*self.path, key))

    def refuse(self, key: str, why: str) -> ConfigError:
        path = (*self.path, key)
        dotted = ".".join(path)[:MAX_LINE_CHARACTERS]
        return ConfigError(f"{self.name}:{line_of(self.text, path)}: {dotted} {why}.")


def _table(cls: type[T], table: Mapping[str, object], place: _Place) -> T:
    kinds = get_type_hints(cls)
    known: dict[str, Field[Any]] = {
        f.name: f
        for f in fields(cast("Any", cls))
        if "range" in f.metadata or is_dataclass(kinds[f.name])
    }
    for key in table:
        if key not in known:
            near = get_close_matches(key[:MAX_LINE_CHARACTERS], known, 1, 0.6)
            hint = f"did you mean {near[0]}?" if near else "known here: " + ", ".join(known)
            raise place.refuse(key, f"is not a key that exists ({hint})")
    values: dict[str, object] = {}
    for key, f in known.items():
        if is_dataclass(kinds[key]):
            inner = table.get(key, {})
            if not isinstance(inner, dict):
                raise place.refuse(key, "is not a table")
            values[key] = _table(cast("type[object]", kinds[key]), inner, place.inside(key))
        elif key in table:
            values[key] = _value(kinds[key], table[key], f.metadata["range"], key, place)
        elif f.default is MISSING:
            raise place.refuse(key, f"is missing (allowed: {f.metadata['range']})")
    made: T = cast("Any", cls)(**values)
    return made


_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def _value(kind: Any, value: object, allowed: Range, key: str, place: _Place) -> object:
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        if not isinstance(value, list):
            raise place.refuse(key, f"is not a list (allowed in it: {allowed})")
        return tuple(_value(item, one, allowed, key, place) for one in value)
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise place.refuse(key, f"= {_shown(value)} is not {_NAMES[kind]} (allowed: {allowed})")
    if not allowed.holds(value):
        raise place.refuse(key, f"= {_shown(value)} is not allowed (allowed: {allowed})")
    return float(cast("float", value)) if kind is float else value


def _shown(value: object) -> str:
    """A value as it would stand in the file, cut where it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a huge number"
    return reprlib.repr(value)
