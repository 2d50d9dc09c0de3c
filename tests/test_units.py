"""What systemd says of our units, on this machine's version of it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bodycam.pi.radio import WIRELESS
from bodycam.report import BOOT_ID
from installed import HOUSE, lines, make

KINDS = ("path", "service")
UNITS = {"bodycam.service": 1.0, "bodycam-link.service": 1.5, "bodycam-enroll.service": 2.0}
"""Unit, and the greatest exposure that `systemd-analyze security` may find (0 to 10)."""
OTHERS = tuple(f"bodycam-{what}.{kind}" for what in ("power-off", "reboot") for kind in KINDS)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder in which ours are installed beside the units of this machine's systemd."""
    folder = tmp_path_factory.mktemp("root")
    shutil.copytree("/usr/lib/systemd/system", folder / "usr/lib/systemd/system", symlinks=True)
    program = folder / "usr/bin/systemctl"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    assert make("install", folder).returncode == 0
    return folder


def systemd_analyze(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--root", root, *words], capture_output=True, text=True
    )


@pytest.mark.parametrize("unit", [*UNITS, *OTHERS])
def test_systemd_has_nothing_to_say_about_our_units(root: Path, unit: str) -> None:
    result = systemd_analyze(root, "verify", unit)
    # An unknown key only warns and leaves the exit code at 0.
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(("unit", "most"), UNITS.items())
def test_our_units_expose_little(root: Path, unit: str, most: float) -> None:
    result = systemd_analyze(root, "security", "--offline=true", unit)
    level = re.search(r"exposure level for \S+: ([0-9.]+)", result.stdout)
    assert level, result.stderr
    assert float(level[1]) <= most


def test_users_and_folders_are_made_as_written(tmp_path: Path) -> None:
    assert make("install", tmp_path).returncode == 0
    local = tmp_path / "usr/local/lib"
    users = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", local / "sysusers.d/bodycam.conf"],
        capture_output=True,
        text=True,
    )
    assert users.returncode == 0, users.stderr
    accounts = (tmp_path / "etc/passwd").read_text()
    assert re.search(r"^bodycam:.*:/var/lib/bodycam:/usr/sbin/nologin$", accounts, re.MULTILINE)
    assert re.search(r"^bodycam-link:.*nologin$", accounts, re.MULTILINE)
    groups = dict(line.split(":", 1) for line in (tmp_path / "etc/group").read_text().splitlines())
    for group in ("audio", "gpio", "i2c", "video"):
        assert groups[group].endswith(":bodycam")
    folders = subprocess.run(
        ["systemd-tmpfiles", f"--root={tmp_path}", "--create", local / "tmpfiles.d/bodycam.conf"],
        capture_output=True,
        text=True,
    )
    assert folders.returncode == 0, folders.stderr
    assert (tmp_path / "var/lib/bodycam/card").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("unit", ["bodycam.service", "bodycam-link.service"])
def test_a_system_call_that_is_refused_is_an_error_and_kills_nobody(unit: str) -> None:
    assert lines(HOUSE / "systemd" / unit, "SystemCallErrorNumber") == ["EPERM"]


def test_the_recorder_closes_before_its_card_goes_and_before_it_is_killed(root: Path) -> None:
    unit = root / "usr/local/lib/systemd/system/bodycam.service"
    # Stopping goes in the reverse order of starting: first the recorder, then the mount.
    assert lines(unit, "RequiresMountsFor") == ["/var/lib/bodycam"]
    assert 2 < float(lines(unit, "TimeoutStopSec")[0]) < 10
    assert lines(root / "etc/systemd/logind.conf.d/bodycam.conf", "HandlePowerKey") == ["poweroff"]


def test_the_recorder_has_the_devices_it_needs_and_no_others() -> None:
    unit = HOUSE / "systemd/bodycam.service"
    assert lines(unit, "DevicePolicy") == ["closed"]
    devices = {line.split()[0] for line in lines(unit, "DeviceAllow")}
    assert devices == {
        f"char-{name}" for name in ("video4linux", "media", "dma_heap", "gpiochip", "alsa", "i2c")
    }
    link = HOUSE / "systemd/bodycam-link.service"
    assert lines(link, "DeviceAllow") == []
    assert lines(link, "PrivateDevices") == ["yes"]


def test_the_link_sees_what_it_reads_of_the_kernel() -> None:
    """The boot's id and the radio are in /proc, which ProcSubset=pid would hide."""
    assert BOOT_ID.is_relative_to("/proc")
    assert WIRELESS.is_relative_to("/proc")
    assert lines(HOUSE / "systemd/bodycam-link.service", "ProcSubset") == []


def test_the_log_of_the_system_stays_in_memory(root: Path) -> None:
    path = root / "etc/systemd/journald.conf.d/bodycam.conf"
    assert lines(path, "Storage") == ["volatile"]
    assert lines(path, "ForwardToSyslog") == ["no"]
