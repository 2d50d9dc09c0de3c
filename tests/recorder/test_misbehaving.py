"""Processes and cards that misbehave, for real: signals, no memory, mounts that change underneath.

The recorder is a process of its own, in file systems of its own where a test needs them.
"""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bodycam.evidence.journal import Entry, read_journal
from bodycam.recorder.recovery import Found
from recorder.desk import DEVICE, KEY, Desk, assert_sound, opened, reading

PATIENCE_S = 40
TESTS = Path(__file__).parent.parent
ROOT = os.geteuid() == 0
OWN_MOUNTS = ["unshare", "--mount"] if ROOT else ["unshare", "--map-root-user", "--mount"]


class Process:
    """A recorder, and what it has said so far."""

    def __init__(self, card: Path, mounts: str = "") -> None:
        """`mounts` is done before it starts, in file systems that only it sees."""
        python = [sys.executable, TESTS / "recorder" / "misbehaving_process.py", card, card / "off"]
        run = [*OWN_MOUNTS, "sh", "-ec", f'{mounts}\nexec "$@"', "sh"] if mounts else []
        self.process = subprocess.Popen(
            [*map(str, run + python)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        self.said: list[str] = []
        self._since = 0
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("ended")

    def until(self, pattern: str) -> str:
        """A line that matches, said since it was last told something, as soon as there is one."""
        for line in self.said[self._since :]:
            if re.fullmatch(pattern, line):
                return line
        while True:
            line = self._lines.get(timeout=PATIENCE_S)
            self.said.append(line)
            if re.fullmatch(pattern, line):
                return line
            assert line != "ended", f"not said: {pattern}, but {self.said}"

    def do(self, line: str) -> None:
        assert self.process.stdin
        self._since = len(self.said)
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def run(self, command: str) -> None:
        """Beside it, in its file systems."""
        self.do(f"run {command}")
        self.until("ran 0 ")

    def end(self) -> int:
        """As systemd ends it."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "card").mkdir()
    return Desk(tmp_path / "card")


@pytest.fixture
def start(desk: Desk) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def started_with(mounts: str = "", **paths: Path) -> Process:
        process = Process(paths.get("card", desk.root), mounts)
        started.append(process)
        return process

    yield started_with
    for process in started:
        process.kill()


def footage_in(desk: Desk, number: int) -> None:
    """Wait until the recording of that number has some."""
    end_s = time.monotonic() + PATIENCE_S
    while not [*desk.root.glob(f"recordings/*-{number:06d}-*/*.segment.age")]:
        assert time.monotonic() < end_s, f"no footage in recording {number}"
        threading.Event().wait(0.02)


def journal(card: Path) -> list[Entry]:
    found = read_journal((card / "journal.jsonl").read_bytes(), dev=DEVICE, key=KEY.public)
    assert found.problem is None
    return list(found.entries)


def pictures(folder: Path) -> int:
    """Of one recording, by its durable segments."""
    return sum(
        opened(folder / one.name).count(b"moof")
        for one in reading(folder).objects
        if one.kind == "segment"
    )


def notes(folder: Path) -> list[str]:
    """What its notes are about, as the station reads them."""
    found = [one for one in reading(folder).objects if one.kind == "note"]
    return [opened(folder / one.name).decode() for one in found]


def recover(desk: Desk) -> list[Found]:
    found = desk.boot()[1]
    for folder in desk.folders:
        assert_sound(folder)
        assert reading(folder).end in ("close", "recovered")
    return found


# ---- processes -----------------------------------------------------------------------------------


def test_a_recorder_that_is_killed_loses_nothing_durable_and_its_next_life_goes_on(
    desk: Desk, start: Callable[..., Process]
) -> None:
    first = start()
    first.until("recording")
    durable = {path.name for path in desk.root.glob("recordings/*/*.age")}
    first.process.kill()
    first.process.wait(PATIENCE_S)
    second = start()
    second.until("state standby")
    second.until("felt started")
    footage_in(desk, 2)
    assert second.end() == 0
    killed, linked = desk.folders
    assert reading(killed).end == "recovered"
    assert durable <= {path.name for path in killed.iterdir()} | {
        path.name for path in (killed / "unsigned").glob("*")
    }
    assert reading(linked).end == "close"
    kinds = [entry.kind for entry in journal(desk.root) if entry.rec == killed.name]
    assert kinds == ["open", "recovered"]


def test_a_recorder_that_stood_still_goes_on_and_says_what_is_missing(
    desk: Desk, start: Callable[..., Process]
) -> None:
    """Longer than 5 s systemd's watchdog does not wait: the next test."""
    camera = start()
    camera.until("recording")
    camera.process.send_signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        camera.process.wait(3)
    camera.process.send_signal(signal.SIGCONT)
    camera.until("gap")
    assert camera.end() == 0
    (folder,) = desk.folders
    assert reading(folder).end == "close"
    assert_sound(folder)
    (gap,) = [note for note in notes(folder) if '"gap"' in note]
    words = dict(re.findall(r'"(\w+)": (\d+)', gap))
    assert 2_800_000 < int(words["to_us"]) - int(words["from_us"]) < 4_500_000
    assert {"felt not-recording", "felt fault"} & {*camera.said}


def test_a_recorder_that_stands_still_for_longer_is_ended_as_systemd_ends_it_and_recovers(
    desk: Desk, start: Callable[..., Process]
) -> None:
    """What the unit says for a watchdog that is not fed: SIGABRT, and after a time SIGKILL.

    To a process that is stopped the time is nothing; some kernels end it by the first already.
    """
    unit = (Path(__file__).parents[2] / "systemd/bodycam.service").read_text()
    assert {"WatchdogSec=5", "TimeoutAbortSec=5"} <= {*unit.splitlines()}
    camera = start()
    camera.until("recording")
    camera.process.send_signal(signal.SIGSTOP)
    durable = [one.name for folder in desk.folders for one in reading(folder).objects]
    camera.process.send_signal(signal.SIGABRT)
    with suppress(subprocess.TimeoutExpired):
        camera.process.wait(0.5)
    camera.process.kill()
    assert camera.process.wait(PATIENCE_S) in (-signal.SIGABRT, -signal.SIGKILL)
    assert [one.outcome for one in recover(desk)] == ["recovered"]
    kept = [one.name for folder in desk.folders for one in reading(folder).objects]
    assert len(durable) > 1
    assert kept[: len(durable)] == durable


def test_a_recorder_without_memory_leaves_what_can_be_recovered(
    desk: Desk, start: Callable[..., Process]
) -> None:
    """Whatever it does without, it is killed in the end: by the kernel, or by systemd."""
    camera = start()
    camera.until("recording")
    camera.do("starve")
    with suppress(subprocess.TimeoutExpired):
        camera.process.wait(2)
    durable = [one.name for folder in desk.folders for one in reading(folder).objects]
    camera.kill()
    found = recover(desk)
    assert {one.outcome for one in found} <= {"recovered", "void", "signed"}
    kept = [one.name for folder in desk.folders for one in reading(folder).objects]
    assert len(durable) > 2
    assert kept[: len(durable)] == durable


# ---- cards ---------------------------------------------------------------------------------------


def test_a_card_that_becomes_read_only_is_told_and_what_was_held_is_written_later(
    desk: Desk, start: Callable[..., Process]
) -> None:
    camera = start(f"mount --bind {desk.root} {desk.root}")
    camera.until("recording")
    camera.run(
        f"until mount -o remount,bind,ro {desk.root} 2>/dev/null; do :; done"
    )  # between writes
    camera.until("fault card-failed")
    camera.until("felt not-recording")
    camera.run(f"mount -o remount,bind,rw {desk.root}")
    camera.until("over card-failed")
    assert "light standby" not in camera.said[camera.said.index("recording") :]
    assert camera.end() == 0
    recover(desk)
    broke, *_, linked = desk.folders
    assert reading(linked).end == "close"
    assert f'"linked_to": "{broke.name}"' in opened(linked / "00000001.warning.age").decode()


def test_a_card_that_is_taken_out_and_put_back_is_known_again(
    desk: Desk, start: Callable[..., Process], tmp_path: Path
) -> None:
    """What lies under its place meanwhile gets nothing."""
    place = tmp_path / "place"
    place.mkdir()
    camera = start(f"mount --bind {desk.root} {place}", card=place)
    camera.until("recording")
    camera.run(f"umount -l {place}")
    camera.until("fault card-failed")
    camera.until("felt not-recording")
    camera.run(f"test -z \"$(find {place} -name '*.age' -o -name 'journal*')\"")
    camera.run(f"mount --bind {desk.root} {place}")
    camera.until("over card-failed")
    assert camera.end() == 0
    recover(desk)
    assert reading(desk.folders[-1]).end == "close"
    assert len(desk.folders) >= 2


def test_another_card_in_its_place_is_not_written(
    desk: Desk, start: Callable[..., Process], tmp_path: Path
) -> None:
    place, other = tmp_path / "place", tmp_path / "other"
    place.mkdir()
    (other / "recordings").mkdir(parents=True)
    (other / "journal.jsonl").write_bytes(b"of another camera\n")
    camera = start(f"mount --bind {desk.root} {place}", card=place)
    camera.until("recording")
    camera.run(f"umount -l {place} && mount --bind {other} {place}")
    camera.until("fault card-failed")
    camera.run(f"umount -l {place} && mount --bind {desk.root} {place}")
    camera.until("over card-failed")
    assert camera.end() == 0
    assert (other / "journal.jsonl").read_bytes() == b"of another camera\n"
    assert list((other / "recordings").rglob("*")) == []


def test_a_card_whose_room_is_gone_at_once_is_told_and_goes_on_when_there_is_some(
    desk: Desk, start: Callable[..., Process]
) -> None:
    """Somebody else fills it to the last byte: not even the reserve is left."""
    card = desk.root
    camera = start(f"mount -t tmpfs -o size=80m card {card}")
    camera.until("recording")
    camera.run(f"sh -c 'cat /dev/zero > {card}/filler 2>/dev/null || true'")
    camera.until("fault no-room")
    camera.until("felt not-recording")
    camera.run(f"rm {card}/filler")
    camera.until("over room-very-low|over no-room")
    camera.do("stop")
    camera.until("state after")
    camera.run(f"sh -c 'sleep 1; cp -r {card} {card}-copy'")
    camera.kill()
    copy = Desk(card.with_name("card-copy"))
    recover(copy)
    assert len(copy.folders) >= 2
    assert sum(map(pictures, copy.folders)) > 2
