"""`bodycam link` as systemd starts it, on a real broker with TLS."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycam.evidence.journal import Journal
from bodycam.posix.clock import PosixClock
from bodycam_station.papers import BOARD
from fleets import Fleet, fleet_of
from link.desk import said
from observer import Observer
from recordings import device_key

BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with fleet_of(tmp_path) as fleet:
        yield fleet


def configured(fleet: Fleet, **changes: object) -> Path:
    """cam07 as it is after its enrolment, with what its recorder has left."""
    fleet.camera("cam07")
    folder = fleet.folder / "cam07"
    line = Journal("cam07", device_key("cam07"), BOOT).line("boot", 1, b"sealed")
    (folder / "journal.jsonl").write_bytes(line)
    status = said(PosixClock().now_ns(), boot=BOOT, state="docked", journal=line.decode().rstrip())
    (folder / "status.json").write_text(json.dumps(status))
    link = {"host": "localhost", "port": fleet.broker.port, "interface": "none", **changes}
    lines = [f"{key} = {json.dumps(value)}" for key, value in link.items()]
    config = folder / "bodycam.toml"
    config.write_text(
        f'[device]\nid = "cam07"\n[paths]\ncard = "{folder}"\nrun = "{folder}"\n'
        f'bundle = "{folder}/bundle.json"\n[link]\nkey = "{folder}/tls.key"\n'
        f'state = "{folder}"\nrun = "{folder}"\n' + "\n".join(lines) + "\n"
    )
    return config


def command(config: Path) -> list[str]:
    return [sys.executable, "-m", "bodycam.cli", "link", "--config", str(config)]


def test_from_start_to_stop(fleet: Fleet) -> None:
    config = configured(fleet)
    with Observer(fleet.broker.port, fleet.manager(BOARD)) as board:
        link = subprocess.Popen(command(config), stderr=subprocess.PIPE, text=True)
        try:
            board.until(lambda: board.of("event"), "the journal's line")
            board.until(lambda: board.of("status"), "a status")
            (state,), (info,) = board.of("state"), board.of("info")
            assert (state.state, state.boot) == ("docked", BOOT)
            assert {"locate", "reboot", "buzzer"} <= {*info.capabilities}
            assert board.of("status")[0].radio_dbm is None
        finally:
            link.send_signal(signal.SIGTERM)
            _, log = link.communicate(timeout=30)
        assert link.returncode == 0, log
        assert log == "Connected to localhost.\n"
        board.until(lambda: board.of("state")[-1].state == "offline", "goodbye")
    assert json.loads((config.parent / "place.json").read_text())["offset"] > 0


def refused(config: Path) -> tuple[int, str]:
    done = subprocess.run(command(config), capture_output=True, text=True, timeout=30)
    assert done.stderr.count("\n") == 1
    return done.returncode, done.stderr


def test_what_it_cannot_start_with_is_said(fleet: Fleet) -> None:
    config = configured(fleet, host="")
    # The unit does not start it again then: RestartPreventExitStatus=2.
    assert refused(config)[0] == 2
    text = config.read_text().replace('host = ""', 'host = "localhost"')
    config.write_text(text)
    key = config.parent / "tls.key"
    key.chmod(0o644)
    assert "others can read this key" in refused(config)[1]
    key.chmod(0o600)
    key.write_bytes((fleet.folder / "mosquitto" / "server.key").read_bytes())
    assert "do not belong together" in refused(config)[1]
    config.write_text(text + "plaintext = true\n")
    config.write_text(config.read_text().replace("localhost", "broker.example.org"))
    assert "no network may overhear" in refused(config)[1]
    (config.parent / "bundle.json").unlink()
    assert "not enrolled" in refused(config)[1]


def test_killed_it_goes_on_where_it_was(fleet: Fleet) -> None:
    config = configured(fleet)
    with Observer(fleet.broker.port, fleet.manager(BOARD)) as board:
        for _ in range(2):
            sessions = len(board.of("state"))
            link = subprocess.Popen(command(config), stderr=subprocess.DEVNULL)
            board.until(lambda seen=sessions: len(board.of("state")) > seen, "a session")  # type: ignore[misc]
            end = time.monotonic() + 30
            while not (config.parent / "place.json").exists():
                assert time.monotonic() < end
                time.sleep(0.01)
            link.kill()
            link.wait()
            board.until(lambda: board.of("state")[-1].state == "lost", "the will")
        assert len(board.of("event")) == 1
