"""The installation in a real Debian trixie, looked at with its own systemd. Needs root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycam.evidence.enrolment import make_bundle, read_request
from installed import HOUSE
from recordings import device_key, recipient

pytestmark = pytest.mark.proof

WITHIN = "systemd,udev,python3,python3-venv,make"
"""What Raspberry Pi OS has and a bare Debian has not."""
OURS = ("device", "systemd", "config", "docs", "tools", "Makefile", "LICENSE")
PYTHON = ("--python-version=3.13", "--implementation=cp", "--abi=cp313", "--abi=abi3", "--abi=none")
OTHERS = ("power-off.path", "power-off.service", "reboot.path", "reboot.service")
UNITS = {"bodycam.service": 1.0, "bodycam-link.service": 1.5, "bodycam-enroll.service": 2.0}
"""Unit, and the greatest exposure (0 to 10)."""


def run(*words: str | Path) -> str:
    result = subprocess.run(words, capture_output=True, text=True)
    assert result.returncode == 0, f"{words}:\n{result.stdout}{result.stderr}"
    return result.stdout


class System:
    """A Debian in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def try_run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["chroot", self.root, *words],
            env={"PATH": "/usr/local/bin:/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8", **variables},
            capture_output=True,
            text=True,
        )

    def run(self, *words: str, **variables: str) -> str:
        result = self.try_run(*words, **variables)
        assert result.returncode == 0, f"{words}:\n{result.stdout}{result.stderr}"
        return result.stdout

    def install(self) -> str:
        return self.run(
            "make",
            "-C",
            "/src",
            "install",
            ID="cam31",
            PACKAGES="python3-venv",
            PIP_NO_INDEX="1",
            PIP_FIND_LINKS="/wheels",
        )


@pytest.fixture(scope="module")
def trixie(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Debian trixie with the camera's software installed by `make install`."""
    if os.getuid() != 0 or shutil.which("mmdebstrap") is None:
        pytest.fail("This proof needs root and mmdebstrap: sudo apt-get install mmdebstrap")
    root = tmp_path_factory.mktemp("trixie") / "root"
    run(
        "mmdebstrap",
        "--variant=apt",
        '--aptopt=Acquire::Check-Valid-Until "false"',
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        f"--include={WITHIN}",
        "trixie",
        root,
    )
    machine = run("uname", "-m").strip()
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in (17, 28, 34)]
    run(
        *(HOUSE / ".venv/bin/python", "-m", "pip", "download", "-q", "--no-deps"),
        *("--require-hashes", "--only-binary=:all:", *PYTHON, *platforms),
        *("-r", HOUSE / "requirements-device.lock", "-d", root / "wheels"),
    )
    (root / "src").mkdir()
    for name in (*OURS, "requirements-device.lock"):
        run("cp", "-R", HOUSE / name, root / "src" / name)
    (root / "boot/firmware").mkdir(parents=True)
    mounted = []
    try:
        for name in ("proc", "dev"):
            run("mount", "--bind", f"/{name}", root / name)
            mounted.append(name)
        run("mount", "-t", "tmpfs", "tmpfs", root / "run")
        mounted.append("run")
        system = System(root)
        system.install()
        yield system
    finally:
        for name in reversed(mounted):
            run("umount", root / name)
        shutil.rmtree(root)


@pytest.mark.parametrize("unit", [*UNITS, *(f"bodycam-{what}" for what in OTHERS)])
def test_its_systemd_has_nothing_to_say(trixie: System, unit: str) -> None:
    result = trixie.try_run("systemd-analyze", "verify", unit)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(("unit", "most"), UNITS.items())
def test_its_systemd_finds_little_exposure(trixie: System, unit: str, most: float) -> None:
    said = trixie.run("systemd-analyze", "security", "--offline=true", unit)
    assert float(said.split("exposure level for", 1)[1].split()[1]) <= most


def test_its_udev_reads_our_rules(trixie: System) -> None:
    trixie.run("udevadm", "verify", "/usr/local/lib/udev/rules.d/60-bodycam.rules")


@pytest.mark.parametrize("name", ["journald", "logind", "system", "coredump"])
def test_its_systemd_reads_our_drop_ins(trixie: System, name: str) -> None:
    ours = (HOUSE / "systemd" / f"{name}.conf").read_text()
    assert ours in trixie.run("systemd-analyze", "cat-config", f"systemd/{name}.conf")


def test_users_are_in_their_groups_and_own_the_card(trixie: System) -> None:
    assert set(trixie.run("id", "-Gn", "bodycam").split()) == {
        *("bodycam", "audio", "gpio", "i2c", "video")
    }
    owner = trixie.run("stat", "-c", "%U:%G %a", "/var/lib/bodycam/card").strip()
    assert owner == "bodycam:bodycam 750"
    # The link reads what the recorder wrote; it may not write.
    folder = "/var/lib/bodycam/card"
    as_link = ("setpriv", "--reuid=bodycam-link", "--regid=bodycam-link", "--groups=bodycam")
    trixie.run(*as_link, "ls", folder)
    assert trixie.try_run(*as_link, "touch", f"{folder}/x").returncode != 0


def test_from_nothing_to_an_enrolled_camera_with_a_sealed_key(trixie: System) -> None:
    boot, sealed = trixie.root / "boot/firmware", "/etc/credstore.encrypted/bodycam.device.key"
    assert "enroll" in trixie.run("bodycam", "--help")
    trixie.run("bodycam", "enroll")
    request = (boot / "bodycam.request").read_bytes()
    device = read_request(request)
    assert device.device == "cam31"

    # The key is on disk sealed only, nothing is left in memory, and asking again makes no other.
    assert b"PRIVATE KEY" not in (trixie.root / sealed.lstrip("/")).read_bytes()
    opened = trixie.run("systemd-creds", "decrypt", "--name=device.key", sealed, "-")
    assert "OPENSSH PRIVATE KEY" in opened
    tls = "/etc/credstore.encrypted/bodycam.tls.key"
    opened = trixie.run("systemd-creds", "decrypt", "--name=tls.key", tls, "-")
    assert "BEGIN PRIVATE KEY" in opened
    assert device.tls is not None
    assert not list((trixie.root / "run").glob("bodycam-key*"))
    assert "waits" in trixie.run("bodycam", "enroll")
    assert (boot / "bodycam.request").read_bytes() == request

    recipients = [recipient(name) for name in ("station", "escrow")]
    bundle = make_bundle(device, "utrecht", device_key("station"), recipients)
    (boot / "bodycam.bundle").write_bytes(bundle)
    assert "cam31 belongs to" in trixie.run("bodycam", "enroll")
    assert "cam31, sealed to 2 recipients" in trixie.try_run("bodycam", "check").stdout

    # The recorder's user can read what it needs.
    as_recorder = ("setpriv", "--reuid=bodycam", "--regid=bodycam", "--clear-groups")
    assert trixie.run(*as_recorder, "cat", "/etc/bodycam/bundle.json").encode() == bundle


def test_an_upgrade_keeps_all_of_that(trixie: System) -> None:
    kept = [
        trixie.root / "etc/bodycam/bodycam.toml",
        trixie.root / "etc/bodycam/bundle.json",
        trixie.root / "etc/credstore.encrypted/bodycam.device.key",
    ]
    before = [path.read_bytes() for path in kept]
    trixie.install()
    assert [path.read_bytes() for path in kept] == before
    trixie.run("make", "-C", "/src", "uninstall")
    assert not (trixie.root / "opt/bodycam").exists()
    assert [path.read_bytes() for path in kept] == before
