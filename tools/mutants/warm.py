"""Many mutants of a room, quickly: the tests are collected once, a mutant is a fork of that.

Its fault is put in by giving the functions that exist already their changed code. What runs while a
module is imported cannot be changed so: `swaps` says no, and `trial.cold` imports it anew.
"""

import gc
import inspect
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType

import pytest
from tools.mutants.mutations import Mutant
from tools.mutants.trial import OPTIONS, Fate, alone

Tried = Iterable[tuple[Mutant, Fate]]
Run = Callable[[Mutant, Sequence[str]], int]
_Functions = Mapping[tuple[str, CodeType], Sequence[FunctionType]]
"""By file and code: two files may have the same function."""


def swaps(mutant: Mutant, sound: str) -> bool:
    """Whether the fault lies in functions only; `sound` is the module's source without it."""
    was, now = _compiled(sound, mutant.path), compile(mutant.source, mutant.path, "exec")
    return _shell(was) == _shell(now)


def tried(
    house: Path, files: Sequence[str], mutants: Sequence[Mutant], drive: Callable[[Run], Tried]
) -> Iterator[tuple[Mutant, Fate]]:
    """Collect the tests of `files` in a fork, let `drive` run mutants there, and hand on the fates.

    RuntimeError where the fork ends before all have one.
    """
    numbers = {id(mutant): number for number, mutant in enumerate(mutants)}
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(reading)
            out = os.fdopen(writing, "w", buffering=1)
            plugin = _Collected(house, drive, out.write, numbers)
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1):
                os.dup2(null, fd)
            os.chdir(house)
            pytest.main([*OPTIONS, *files], plugins=[plugin])
        finally:
            os._exit(0)
    os.close(writing)
    count = 0
    with os.fdopen(reading) as lines:
        for line in lines:
            number, fate = json.loads(line)
            count += 1
            yield mutants[number], Fate(fate)
    os.waitpid(pid, 0)
    if count != len(mutants):
        raise RuntimeError(f"{len(mutants) - count} mutants were not tried: see above.")


class _Collected:
    """Runs mutants in place of the tests."""

    def __init__(
        self,
        house: Path,
        drive: Callable[[Run], Tried],
        write: Callable[[str], object],
        numbers: Mapping[int, int],
    ) -> None:
        self._house, self._drive, self._write, self._numbers = house, drive, write, numbers

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        functions = _functions(self._house)
        gc.freeze()  # what is shared between the forks stays shared

        def run(mutant: Mutant, tests: Sequence[str]) -> int:
            alone(self._house)
            _put_in(self._house, mutant, functions)
            chosen = [items[name] for name in tests]
            for number, item in enumerate(chosen):
                following = chosen[number + 1] if number + 1 < len(chosen) else None
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.testsfailed:
                    return 1
            return 0

        for mutant, fate in self._drive(run):
            self._write(json.dumps([self._numbers[id(mutant)], fate.value]) + "\n")
        return True


def _functions(house: Path) -> _Functions:
    """All functions of the project that exist."""
    found: dict[tuple[str, CodeType], list[FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType):
            code = thing.__code__
            if code.co_filename.startswith(str(house)):
                found.setdefault((code.co_filename, code), []).append(thing)
    return found


def _put_in(house: Path, mutant: Mutant, functions: _Functions) -> None:
    path = house / mutant.path
    was = _bodies(_compiled(path.read_text(), str(path)))
    for old, new in zip(was, _bodies(compile(mutant.source, str(path), "exec")), strict=True):
        for function in functions.get((str(path), old), ()):
            function.__code__ = new


@cache
def _compiled(source: str, name: str) -> CodeType:
    return compile(source, name, "exec", dont_inherit=True)


def _bodies(code: CodeType) -> list[CodeType]:
    """The functions of a module and its classes, in their order."""
    found: list[CodeType] = []
    for part in code.co_consts:
        if isinstance(part, CodeType):
            found += [part] if part.co_flags & inspect.CO_OPTIMIZED else _bodies(part)
    return found


def _shell(code: CodeType) -> tuple[object, ...]:
    """What a module and its classes do while they are imported."""
    parts: list[object] = []
    for part in code.co_consts:
        if not isinstance(part, CodeType):
            parts.append(repr(part))
        elif part.co_flags & inspect.CO_OPTIMIZED:
            parts.append((part.co_qualname, part.co_freevars))
        else:
            parts.append(_shell(part))
    return (code.co_code, code.co_names, *parts)
