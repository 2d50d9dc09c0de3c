"""The station's chain: every act is written before it is done, and nothing in it can be changed."""

import base64
import fcntl
import json
import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from bodycam.errors import BodycamError, LineError, UsageError
from bodycam.evidence.keys import SoftwareKey
from bodycam.evidence.lines import Line
from bodycam_station.acts import FILE, LOCK, MAX_TEXT, Act, Acts
from bodycam_station.files import Folder
from recordings import device_key

KEY = device_key("the station")
NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def chain(folder: Folder, key: SoftwareKey = KEY, station: str = "utrecht") -> Acts:
    return Acts(folder, station, key, lambda: NOON)


def read(acts: Acts) -> list[Act]:
    found: list[Act] = []
    acts.read(found.append)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with Folder(tmp_path) as opened:
        yield opened


def test_what_was_written_is_read(folder: Folder) -> None:
    acts = chain(folder)
    assert read(acts) == []
    assert acts.add("init", "utrecht", person="Ä. de Vries", purpose='a "reason"') == 0
    assert acts.add("export", "cam07-000042-9f3c21d8", person="B", form="2026-118") == 1
    assert read(acts) == [
        Act(0, "init", "2026-11-23T12:00:00Z", "utrecht", "Ä. de Vries", 'a "reason"', {}),
        Act(
            1,
            "export",
            "2026-11-23T12:00:00Z",
            "cam07-000042-9f3c21d8",
            "B",
            "",
            {"form": "2026-118"},
        ),
    ]


def test_a_line_is_one_of_the_strict_form(folder: Folder) -> None:
    chain(folder).add("init", "utrecht", person="A")
    raw = folder.read(FILE, 10_000)
    line = Line.parse(raw)
    line.verify(KEY.public)
    assert list(line.fields) == ["dom", "station", "seq", "kind", "utc", "about", "body", "prev"]
    assert json.loads(base64.b64decode(str(line.fields["body"]))) == {"person": "A"}


@pytest.mark.parametrize("person", ["", " ", "a\nb", "x" * (MAX_TEXT + 1), "\x1b[31m"])
def test_a_person_is_one_line_of_text(folder: Folder, person: str) -> None:
    with pytest.raises(UsageError, match="person's name"):
        chain(folder).add("init", "", person=person)
    with pytest.raises(LineError):
        chain(folder).add("init", "../..", person="A")
    with pytest.raises(LineError, match="longer than"):
        chain(folder).add("init", "", person="A", much="x" * 8192)
    assert folder.kind(FILE) is None


def test_a_torn_line_is_kept_aside_and_told(folder: Folder) -> None:
    acts = chain(folder)
    acts.add("init", "utrecht", person="A")
    folder.append(FILE, b'{"dom":"bodyc')
    with pytest.raises(LineError, match="torn"):
        read(acts)
    assert acts.add("label", "cam07", person="A", purpose="x") == 2
    assert [act.kind for act in read(acts)] == ["init", "repaired", "label"]
    (kept,) = [name for name, _ in folder.names() if ".torn-" in name]
    assert folder.read(kept, 100) == b'{"dom":"bodyc'


def test_a_chain_that_is_all_torn(folder: Folder) -> None:
    folder.append(FILE, b'{"dom"')
    assert chain(folder).add("init", "utrecht", person="A") == 1
    assert [act.kind for act in read(chain(folder))] == ["repaired", "init"]


def test_no_changed_byte_goes_unseen(folder: Folder, tmp_path: Path) -> None:
    acts = chain(folder)
    for n in range(3):
        acts.add("label", "cam07", person="A", purpose=f"reason {n}")
    whole = (tmp_path / FILE).read_bytes()
    lines = whole.splitlines(keepends=True)
    spoiled = [
        whole[:n] + bytes([whole[n] ^ (1 << n % 8)]) + whole[n + 1 :] for n in range(len(whole))
    ]
    spoiled += [
        whole[:n]
        for n in range(1, len(whole))
        if n not in (len(lines[0]), len(lines[0] + lines[1]))
    ]
    spoiled += [lines[1] + lines[2], lines[0] + lines[2], lines[0] + lines[2] + lines[1], whole * 2]
    for text in spoiled:
        (tmp_path / FILE).write_bytes(text)
        with pytest.raises(BodycamError):
            read(acts)


def test_a_chain_of_another_station_is_not_continued(folder: Folder) -> None:
    chain(folder).add("init", "utrecht", person="A")
    with pytest.raises(BodycamError):
        chain(folder, device_key("somebody")).add("init", "", person="A")
    with pytest.raises(BodycamError):
        read(chain(folder, station="gouda"))


def test_one_at_a_time(folder: Folder, tmp_path: Path) -> None:
    """Between reading the chain's end and writing the next line, nobody else gets in."""

    class Key(SoftwareKey):
        asked = 0

        def sign(self, data: bytes) -> bytes:
            self.asked += 1
            with (tmp_path / LOCK).open() as file, pytest.raises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return super().sign(data)

    key = Key.from_seed(bytes(32))
    assert isinstance(key, Key)
    chain(folder, key).add("init", "utrecht", person="A")
    assert key.asked == 1
    with (tmp_path / LOCK).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # and then it is free again


def _add_many(path: Path, together: Barrier) -> None:
    together.wait()
    with Folder(path) as folder:
        for _ in range(20):
            chain(folder).add("label", "cam07", person="A", purpose="x")


def test_two_commands_at_the_same_time(folder: Folder, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(2)
    workers = [context.Process(target=_add_many, args=(tmp_path, together)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert [act.seq for act in read(chain(folder))] == list(range(40))
