"""How the recorder speaks with systemd."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bodycam.errors import DeviceError
from bodycam.posix.systemd import POWER_OFF, REBOOT, Systemd
from installed import HOUSE, lines


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """The socket at which systemd listens."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if request.param == "path":
        listening.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    else:
        name = f"bodycam@{tmp_path}"
        listening.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    listening.settimeout(5)
    yield listening
    listening.close()


@contextmanager
def host_of(power_off: Path) -> Iterator[Systemd]:
    host = Systemd(power_off)
    yield host
    host.close()


def test_it_tells_that_it_is_ready_and_alive(manager: socket.socket, tmp_path: Path) -> None:
    with host_of(tmp_path / "power-off") as host:
        host.ready()
        assert manager.recv(100) == b"READY=1"
        host.alive()
        assert manager.recv(100) == b"WATCHDOG=1"


def test_an_empty_battery_asks_for_the_end_and_lets_the_process_go(
    manager: socket.socket, tmp_path: Path
) -> None:
    with host_of(tmp_path / "power-off") as host:
        assert not host.closed.is_set()
        host.power_off("the battery is empty")
        assert manager.recv(100) == b"STOPPING=1\nSTATUS=Going off: the battery is empty"
        assert (tmp_path / "power-off").exists()
        assert host.closed.is_set()


def test_a_stop_by_systemd_switches_nothing_off(tmp_path: Path) -> None:
    with host_of(tmp_path / "power-off") as host:
        host.stopping = True
        host.power_off("stopped by the system")
        assert not (tmp_path / "power-off").exists()
        assert host.closed.is_set()


def test_where_it_cannot_ask_it_says_so_and_still_lets_the_process_go(tmp_path: Path) -> None:
    with host_of(tmp_path / "gone" / "power-off") as host:
        with pytest.raises(DeviceError, match=r"could not be switched off: .*power-off: No such"):
            host.power_off("the battery is empty")
        assert host.closed.is_set()


def test_a_new_start_is_asked_for_in_the_same_way(manager: socket.socket, tmp_path: Path) -> None:
    with host_of(tmp_path / "power-off") as host:
        host.reboot("a manager asked for it")
        assert (tmp_path / "reboot").exists()
        assert not (tmp_path / "power-off").exists()
        assert host.closed.is_set()


def test_to_begin_again_nothing_is_asked_for(manager: socket.socket, tmp_path: Path) -> None:
    with host_of(tmp_path / "power-off") as host:
        host.begin_again("configuration 3 comes into force")
        told = b"STOPPING=1\nSTATUS=Beginning anew: configuration 3 comes into force"
        assert manager.recv(100) == told
        assert list(tmp_path.iterdir()) in ([], [tmp_path / "notify"])
        assert host.closed.is_set()


@pytest.mark.parametrize("there", [True, False])
def test_a_systemd_that_is_gone_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    if there:
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    else:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with host_of(tmp_path / "power-off") as host:
        host.alive()


def test_the_unit_that_switches_off_waits_for_that_file() -> None:
    assert lines(HOUSE / "systemd/bodycam-power-off.path", "PathExists") == [str(POWER_OFF)]
    assert lines(HOUSE / "systemd/bodycam-reboot.path", "PathExists") == [str(REBOOT)]
    (runtime,) = lines(HOUSE / "systemd/bodycam.service", "RuntimeDirectory")
    assert Path("/run") / runtime == POWER_OFF.parent
