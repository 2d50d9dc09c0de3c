"""`make install` and `make uninstall`, into a folder."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from bodycam.config import read_config
from bodycam.rules.policy import read_policy
from installed import HOUSE, make

UNIT = "usr/local/lib/systemd/system/bodycam.service"
SITE = "opt/bodycam/lib/*/site-packages"


def contents(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and link below a folder: its mode and what it holds."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[str(path.relative_to(root))] = mode, os.fsencode(path.readlink())
        elif stat.S_ISREG(mode) and path.suffix != ".pyc":
            found[str(path.relative_to(root))] = mode, path.read_bytes()
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root folder with the camera's software in it."""
    result = make("install", tmp_path, ID="cam31")
    assert (result.returncode, result.stderr) == (0, "")
    return tmp_path


def test_defaults_can_be_read_and_carry_the_name(root: Path) -> None:
    config = read_config(root / "etc/bodycam/bodycam.toml")
    assert config.device.id == "cam31"
    policy = (root / "etc/bodycam/policy.toml").read_bytes()
    assert read_policy(policy, "policy.toml").name == "default"


def test_the_package_of_the_camera_and_nothing_else_is_installed(root: Path) -> None:
    (site,) = root.glob(SITE)
    ours = {path.name for path in site.iterdir() if path.name.startswith("bodycam")}
    assert ours == {"bodycam"}
    sources = {p.relative_to(HOUSE / "device") for p in (HOUSE / "device").rglob("*.py")}
    assert {p.relative_to(site) for p in (site / "bodycam").rglob("*.py")} == sources


def test_the_programs_that_units_start_are_there(root: Path) -> None:
    for unit in (root / UNIT).parent.glob("*.service"):
        for line in unit.read_text().splitlines():
            if line.startswith("ExecStart=/opt"):
                program = root / line.removeprefix("ExecStart=/").split()[0]
                assert os.access(program, os.X_OK), f"{unit.name}: {program}"


def test_a_second_installation_changes_nothing(root: Path) -> None:
    before = contents(root)
    assert make("install", root, ID="another").returncode == 0
    assert contents(root) == before


def test_an_upgrade_keeps_what_is_the_owners(root: Path) -> None:
    own = {
        "etc/bodycam/bodycam.toml": b'[device]\nid = "cam99"\n',
        "etc/bodycam/policy.toml": b"# ours\n",
        "etc/bodycam/bundle.json": b"{}",
        "etc/credstore.encrypted/bodycam.device.key": b"sealed",
        "etc/credstore.encrypted/bodycam.tls.key": b"sealed",
        "var/lib/bodycam/desired": b"{}",
        "var/lib/bodycam-link/place.json": b"{}",
        "var/lib/bodycam/card/recordings/cam99-000001-00000000/ledger.jsonl": b"line\n",
    }
    for name, data in own.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    old = root / UNIT
    old.write_text("[Unit]\n")
    (package,) = root.glob(f"{SITE}/bodycam")
    (package / "gone.py").touch()

    assert make("install", root).returncode == 0
    assert "ExecStart=" in old.read_text()
    assert not (package / "gone.py").exists()
    assert {name: (root / name).read_bytes() for name in own} == own

    assert make("uninstall", root).returncode == 0
    assert {name: (root / name).read_bytes() for name in own} == own
    left = contents(root)
    assert set(left) == set(own)

    result = make("uninstall", root, PURGE="configuration keys recordings")
    assert result.returncode == 0
    assert contents(root) == {}


def test_only_what_is_named_is_purged(root: Path) -> None:
    recording = root / "var/lib/bodycam/card/journal.jsonl"
    recording.parent.mkdir(parents=True)
    recording.write_text("line\n")
    assert make("uninstall", root, PURGE="configuration").returncode == 0
    assert set(contents(root)) == {"var/lib/bodycam/card/journal.jsonl"}


def test_a_word_of_purge_that_nobody_knows_removes_nothing(root: Path) -> None:
    before = contents(root)
    result = make("uninstall", root, PURGE="configuration everything")
    assert result.returncode == 1
    assert result.stderr == "PURGE=everything: say configuration, keys or recordings.\n"
    assert contents(root) == before


def test_the_kernel_counts_memory_and_nothing_swaps(tmp_path: Path) -> None:
    line = tmp_path / "boot/firmware/cmdline.txt"
    line.parent.mkdir(parents=True)
    line.write_text("console=tty1 rootwait\n")
    for _ in range(2):
        assert make("install", tmp_path).returncode == 0
        assert line.read_text() == "console=tty1 rootwait cgroup_enable=memory\n"
    for unit in ("swap.target", "dphys-swapfile.service"):
        assert (tmp_path / "etc/systemd/system" / unit).readlink() == Path("/dev/null")


def test_a_camera_without_a_name_gets_the_end_of_its_serial_number(tmp_path: Path) -> None:
    serial = tmp_path / "proc/device-tree/serial-number"
    serial.parent.mkdir(parents=True)
    serial.write_bytes(b"10000000a1b2c3d4\0")
    assert make("install", tmp_path).returncode == 0
    assert read_config(tmp_path / "etc/bodycam/bodycam.toml").device.id == "cam-a1b2c3d4"


def test_the_scripts_have_nothing_that_their_checker_dislikes() -> None:
    scripts = [HOUSE / "tools/install.sh", *(HOUSE / "systemd").glob("*.sh")]
    assert len(scripts) == 3
    result = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")
