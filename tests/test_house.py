"""What stands around the code: the lock, the runner of `make test`."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bodycam import VERSION

HOUSE = Path(__file__).parent.parent


def locked() -> Iterator[Requirement]:
    """The pins of the lock, their hashes left off."""
    for entry in (HOUSE / "requirements.lock").read_text().replace("\\\n", " ").splitlines():
        assert "--hash=sha256:" in entry, f"no hash: {entry[:80]}"
        yield Requirement(entry.split("--hash", 1)[0])


def wanted() -> Iterator[Requirement]:
    """What pyproject.toml asks for, all extras and the build included."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())
    lists = [
        project["build-system"]["requires"],
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
    ]
    return (Requirement(text) for items in lists for text in items)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_fulfils_what_the_project_asks_for(python: str) -> None:
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    pins: dict[str, str] = {}
    for pin in locked():
        if pin.marker is None or pin.marker.evaluate(here):
            name = canonicalize_name(pin.name)
            assert name not in pins, f"{name} is pinned twice for Python {python}"
            pins[name] = str(pin.specifier).removeprefix("==")
    for want in wanted():
        name = canonicalize_name(want.name)
        assert name in pins, f"{want} is not locked: make lock"
        assert want.specifier.contains(pins[name]), f"{want} but locked is {pins[name]}: make lock"


def test_the_lock_names_no_address() -> None:
    assert "://" not in (HOUSE / "requirements.lock").read_text()


def test_a_camera_says_the_version_that_is_installed() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


def timed(*parts: str) -> subprocess.CompletedProcess[str]:
    script = HOUSE / "tools" / "timed.py"
    return subprocess.run([sys.executable, script, *parts], capture_output=True, text=True)


def test_parts_run_in_order_and_each_has_its_time() -> None:
    result = timed("first: echo one", "second: echo two")
    assert result.returncode == 0
    assert re.search(
        r"one\n.*two\n.*first +\d+\.\d  ok\nsecond +\d+\.\d  ok\ntotal +\d+\.\d\nAll 2 parts",
        result.stdout,
        re.DOTALL,
    )


def test_the_first_part_that_fails_is_the_last_and_names_itself() -> None:
    result = timed("well: true", "ill: sh -c 'exit 3'", "after: echo never")
    assert result.returncode == 3
    assert "== after" not in result.stdout
    assert result.stdout.endswith("The part 'ill' failed; 1 after it were not run.\n")


def test_a_part_without_a_program_is_a_failure() -> None:
    result = timed("gone: no-such-program-here")
    assert result.returncode == 127
    assert result.stdout.endswith("The part 'gone' failed; 0 after it were not run.\n")


def test_no_two_test_files_have_one_name() -> None:
    """pytest takes a file outside a package for the module of its bare name: one would not run."""
    found: dict[str, Path] = {}
    for path in sorted((HOUSE / "tests").rglob("test_*.py")):
        if not (path.parent / "__init__.py").exists() and "node_modules" not in path.parts:
            assert path.name not in found, f"{path} and {found[path.name]}"
            found[path.name] = path
    assert len(found) > 100
