"""What stands around the code: the lock, the units, the runner of `make test`."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOUSE = Path(__file__).parent.parent
UNITS = {"bodycam.service": 1.0, "bodycam-link.service": 1.5}
"""Unit, and the greatest exposure that `systemd-analyze security` may find (0 to 10)."""


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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder in which our units are installed beside those of this machine's systemd."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    (root / "etc/systemd/system").mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(HOUSE / "systemd" / unit, root / "etc/systemd/system")
    program = root / "opt/bodycam/bin/bodycam"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return root


def systemd_analyze(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--root", root, *words], capture_output=True, text=True
    )


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_has_nothing_to_say_about_our_units(installed: Path, unit: str) -> None:
    result = systemd_analyze(installed, "verify", unit)
    # An unknown key only warns and leaves the exit code at 0.
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(("unit", "most"), UNITS.items())
def test_our_units_expose_little(installed: Path, unit: str, most: float) -> None:
    result = systemd_analyze(installed, "security", "--offline=true", unit)
    level = re.search(r"exposure level for \S+: ([0-9.]+)", result.stdout)
    assert level, result.stderr
    assert float(level[1]) <= most


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
