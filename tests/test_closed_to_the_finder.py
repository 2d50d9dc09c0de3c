"""Whoever finds the camera reads nothing on it: no picture, no sound, no name.

What is searched is what a finder has: the card to its last block, free space and ext4's journal
included, and whatever a process leaves in other folders. Memory is not searched: what the recorder
holds there is footage, so it must not be written anywhere. There is no swap (tests/test_units.py,
tests/test_install.py) and there are no core dumps, which is tried here on the real process.
"""

import errno
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import av
import pytest
from tools.powercut import film, guest
from tools.powercut.plan import GOP, Aim
from tools.powercut.trial import WEARER, Trial

from bodycam.evidence.age import Sealer
from bodycam_station.station import Station
from device.life import PERSON, POLICY, Home, Life
from recorder.desk import OWNER, Desk, warned
from recorder.desk import POLICY as DESK_POLICY

HOUSE = Path(__file__).parent.parent
FILMS = HOUSE / "build" / "powercut"
PIECE_BYTES = 24
"""So many bytes of a picture are like no other's."""
FILMED = 400
"""No more pictures than that, and as many frames of sound, can have been taken when it ends."""


# ---- the search ----------------------------------------------------------------------------------


def pieces(what: str, films: Iterable[bytes]) -> dict[str, bytes]:
    """Something out of the middle of each picture or frame of sound, past all headers."""
    return {
        f"{what} {number}": data[len(data) // 2 :][:PIECE_BYTES]
        for number, data in enumerate(films)
        if len(data) > 4 * PIECE_BYTES
    }


def name_in(policy: str) -> bytes:
    match = re.search('^name = "(.+)"$', policy, re.MULTILINE)
    assert match
    return match[1].encode()


def readable(places: Iterable[Path], wanted: dict[str, bytes]) -> set[str]:
    """Which of these stand somewhere in these files."""
    found = set()
    for path in places:
        for data in written(path):
            found |= {what for what, needle in wanted.items() if needle in data}
    return found


def written(path: Path) -> Iterator[bytes]:
    """What a file holds, without the holes that nobody ever wrote to."""
    with path.open("rb") as file:
        at, end = 0, path.stat().st_size
        while at < end:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return  # the rest is a hole
                raise
            hole = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            yield os.pread(file.fileno(), hole - at, at)
            at = hole


def files(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def kinds(found: set[str]) -> set[str]:
    return {what.rstrip("0123456789 ") for what in found}


# ---- the card, to its last block -----------------------------------------------------------------


def known() -> dict[str, bytes]:
    """What the guest films and hears, every fifth of it, and what it knows by name."""
    pictures = film.read(film.made(FILMS))[:FILMED:5]
    sound = film.read(film.sound(FILMS))[:FILMED:5]
    names = {"wearer": WEARER.encode(), "policy": name_in(guest.POLICY.decode())}
    return names | pieces("picture", pictures) | pieces("sound", sound)


def image_after_a_cut(folder: Path, broken: str = "") -> Path:
    """A real ext4 on which there was a recording when the power went."""
    folder.mkdir()
    trial = Trial(folder, FILMS, "finder", "as on a Pi", broken)
    cut = trial.cut(Aim(GOP, 16, 2.0))
    assert cut.promised > 5, cut
    assert cut.lost == []
    return trial.image


def test_nothing_can_be_read_on_the_card(tmp_path: Path) -> None:
    image = image_after_a_cut(tmp_path / "real")
    wanted = known()
    assert len(wanted) > 100
    assert len(set(wanted.values())) == len(wanted)
    assert readable([image], wanted) == set()


def test_the_search_finds_footage_that_was_there_only_until_it_was_sealed(tmp_path: Path) -> None:
    image = image_after_a_cut(tmp_path / "careless", "plain-first")
    assert kinds(readable([image], known())) >= {"picture", "sound"}


def test_the_search_finds_names_that_are_not_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {
        "wearer": OWNER.wearer.encode(),
        "policy": b'"name": "%b"' % DESK_POLICY.name.encode(),
    }
    found: list[set[str]] = []
    for seal in (Sealer.seal, lambda sealer, parts: bytearray(b"".join(parts))):
        desk = Desk(tmp_path / f"card{len(found)}")
        monkeypatch.setattr(Sealer, "seal", seal)
        vault, _ = desk.boot()
        vault.open(warned(), None)
        found.append(readable(files(desk.root), wanted))
    assert found == [set(), {"wearer", "policy"}]


# ---- everything else that a process can leave ----------------------------------------------------


def readable_in_memory_folders(since: float, wanted: dict[str, bytes]) -> set[str]:
    """Which of these stand in files in /dev/shm that were written since then."""
    found = set()
    for path in files(Path("/dev/shm")):
        with suppress(FileNotFoundError):  # it was somebody else's, and is gone
            if path.stat().st_mtime >= since:
                found |= readable([path], wanted)
    return found


def test_a_recorder_that_crashes_leaves_nothing_to_read(tmp_path: Path) -> None:
    began = time.time()
    home, places = Home(tmp_path / "camera"), {}
    for name in ("TMPDIR", "HOME", "XDG_CACHE_HOME"):
        places[name] = tmp_path / name
        places[name].mkdir()
    life = Life(home, **{name: str(path) for name, path in places.items()})
    try:
        life.ready()
        life.record()
        life.until(lambda: home.segments >= 3)
        # A hand that lifts the limit, or a kernel that pipes dumps to a program: still none.
        _, hard = resource.prlimit(life.process.pid, resource.RLIMIT_CORE)
        assert resource.prlimit(life.process.pid, resource.RLIMIT_CORE, (hard, hard))[0] == 0
        life.process.send_signal(signal.SIGABRT)
        assert how_it_ended(life.process) == os.CLD_KILLED
    finally:
        life.close()
    life = Life(home, **{name: str(path) for name, path in places.items()})
    try:
        life.ready()
        assert life.terminate() == 0
    finally:
        life.close()

    with Station.open(home.station) as station:
        (item,) = station.import_card(home.card, person=PERSON).recordings
        assert item.verdict.integrity == "incomplete"
        station.export(item.rec, tmp_path / "film.mp4", person=PERSON)
    with av.open(str(tmp_path / "film.mp4"), "r") as opened:
        pictures = [bytes(packet) for packet in opened.demux(video=0)]
    with av.open(str(tmp_path / "film.mp4"), "r") as opened:
        sound = [bytes(packet) for packet in opened.demux(audio=0)]
    wanted = pieces("picture", pictures) | pieces("sound", sound)
    assert kinds({*wanted}) == {"picture", "sound"}
    assert kinds(readable([tmp_path / "film.mp4"], wanted)) == {"picture", "sound"}
    wanted["policy"] = b'"name": "%b"' % name_in(POLICY)

    card = {path for path in files(home.folder) if home.station not in path.parents}
    assert readable(card | {*files(*places.values())}, wanted) == set()
    assert readable_in_memory_folders(began, wanted) == set()


# ---- core dumps ----------------------------------------------------------------------------------

PERMIT = """
import os, resource
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
"""
FORBID = """
from bodycam.posix.dumps import forbid_core_dumps
forbid_core_dumps()
"""


def how_it_ended(process: "subprocess.Popen[str]") -> int:
    """os.CLD_KILLED, or os.CLD_DUMPED where the kernel has written or piped its memory."""
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert ended.si_status == signal.SIGABRT
    return ended.si_code


@pytest.mark.parametrize(
    ("ours", "ends"), [("", os.CLD_DUMPED), (FORBID, os.CLD_KILLED)], ids=["else", "with us"]
)
def test_a_core_dump_is_what_a_crash_leaves_unless_it_is_forbidden(
    ours: str, ends: int, tmp_path: Path
) -> None:
    code = f"{PERMIT}{ours}os.abort()"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, text=True) as process:
        assert how_it_ended(process) == ends
