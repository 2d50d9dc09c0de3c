"""A process that atheris takes over: python -m tools.fuzz.searching TARGET [libFuzzer options]."""

import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """Instrument what is ours while it is imported, then search until libFuzzer ends it."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["bodycam", "bodycam_station"]):
        from fuzz.targets import TARGETS
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, lambda data: (target.run(bytes(data)), None)[1])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
