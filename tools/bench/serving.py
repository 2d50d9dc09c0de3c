"""The other side of children.py: what runs in a process of its own tells JSON. Light to import."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

Told = dict[str, Any]
"""What a child has to tell."""


def serve(words: Sequence[str]) -> None:
    """Call the function that the first word names (`module.function`) with the others, and tell."""
    module, name = words[0].split(".")
    function = getattr(import_module(f"tools.bench.{module}"), name)
    told = function(*words[1:])
    import json

    print(json.dumps(told))
