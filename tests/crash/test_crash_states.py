"""The power goes at any step of anything the camera does to its card: every state that this can
leave is laid out, and the camera is started on it.

What was reported durable is there and verifies; nothing is `ok` that is not; nothing is signed that
was not signed before; doing it twice is doing it once; and then the camera records again.
"""

import errno
import hashlib
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from bodycam.errors import CardError
from bodycam.evidence.chain import Chain
from bodycam.evidence.keys import SigningKey
from bodycam.evidence.ledger import DOM, LedgerReading, object_name
from bodycam.evidence.lines import Fields
from bodycam.ports import Parts
from bodycam.posix.card import PosixCard
from bodycam.recorder import recovery
from bodycam.recorder.vault import Recording, Vault
from crash import table
from crash.camera import Life, Story, Told, give_receipt
from crash.disk import Fault, Killed, Moment
from crash.states import State, cuts, legal
from crash.tally import Tally


@dataclass(frozen=True, slots=True)
class Depth:
    """How many of the legal states are tried."""

    at_a_step: int
    """Of one moment, at most."""
    begun: int
    """States from which a start is followed step by step."""
    in_a_start: int
    """Of one moment of such a start, at most."""
    lives: int
    """Of these, so many in which it is also put to work."""
    faults: int
    """Calls that fail, at most."""
    kills: int
    """Calls before which the program is killed, at most."""
    after: int
    """Moments after it, at most."""
    share: int = 0
    """`make proof` tries its states in SHARES, each in a test of its own."""

    def least(self, some: int, many: int) -> int:
        """So many distinct states there must be, in `make test` and in each share of the proof."""
        return some if self == SOME else many


SHARES = 14
SOME = Depth(24, 18, 3, 2, 60, 20, 2)
MANY = Depth(16, 8, 4, 1, 10**6, 10**6, 2)

depths = pytest.mark.parametrize(
    "depth",
    [
        pytest.param(SOME, id="some"),
        *(
            pytest.param(replace(MANY, share=share), id=f"many-{share}", marks=pytest.mark.proof)
            for share in range(SHARES)
        ),
    ],
)
NEED_ROOM = ("creat", "write", "mkdir", "rename", "fsync", "fdatasync")
"""Calls that a full card refuses."""


_T = TypeVar("_T")


@pytest.fixture(autouse=True)
def no_flushes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is laid out is durable by decree."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    monkeypatch.setattr(os, "fdatasync", lambda fd: None)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: thousands of cards are laid out."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Of the seed that `make test` prints, and other ones for each share."""
    return random.Random(f"{request.config.getoption('--hypothesis-seed')} {request.node.name}")


@pytest.fixture
def tally(desk: Path, record_property: Callable[[str, object], None]) -> Iterator[Tally]:
    found = Tally(desk)
    yield found
    record_property(table.PROPERTY, found.as_property())


@pytest.fixture
def worked(desk: Path, depth: Depth, dice: random.Random) -> Life:
    """A camera that has made its recordings, and nothing went wrong; each share has its story."""
    return _worked(desk / "worked", Story() if depth == SOME else Story.drawn(dice))


def _worked(root: Path, story: Story, fault: Fault | None = None, kill_at: int = -1) -> Life:
    root.mkdir()
    life = Life(root, story=story)
    life.disk.fault, life.disk.kill_at = fault, kill_at
    with suppress(CardError, Killed):
        life.work(1)
    life.disk.fault, life.disk.kill_at = None, -1
    life.disk.mark()
    return life


def _some_of(life: Life, since: int, depth: Depth, dice: random.Random) -> list[Moment]:
    """Moments from that call on; the last one always."""
    *before, last = [moment for moment in life.disk.moments if moment.call >= since]
    return [*dice.sample(before, min(depth.after - 1, len(before))), last]


def _share(items: list[_T], most: int, depth: Depth, dice: random.Random) -> list[_T]:
    """In `make test` a sample of them, in the proof every one in one of the shares."""
    mine = items if depth == SOME else items[depth.share :: SHARES]
    return dice.sample(mine, min(most, len(mine)))


# ---- the states ----------------------------------------------------------------------------------


@depths
def test_the_power_goes_at_any_step(
    depth: Depth, worked: Life, tally: Tally, dice: random.Random
) -> None:
    found = cuts(worked.disk.moments, dice, depth.at_a_step)
    tally.replay("at any step", found, worked.disk.longest)
    assert tally.distinct >= depth.least(300, 100)


@depths
def test_the_power_goes_at_any_step_of_the_life_after_that(
    depth: Depth, worked: Life, tally: Tally, dice: random.Random, desk: Path
) -> None:
    for number, (state, told) in enumerate(dice.sample(_begun(worked, depth, dice), depth.lives)):
        root = desk / f"{number}"
        state.lay(root)
        life = Life(root, told, worked.story)
        life.work(2)
        truth = {**life.disk.longest, **worked.disk.longest}
        found = cuts(life.disk.moments, dice, depth.in_a_start)
        tally.replay("at any step of a later life", found, truth)
    assert tally.distinct >= depth.least(150, 50)


@depths
def test_the_power_goes_while_a_recording_is_deleted(
    depth: Depth, worked: Life, tally: Tally, dice: random.Random, desk: Path
) -> None:
    life = Life(desk / "worked", worked.told)
    life.start(2)
    for rec in life.told.ledgers:
        give_receipt(desk / "worked", rec)
    life = Life(desk / "worked", life.told)
    life.clear(3)
    assert len(life.told.ledgers) == 2
    assert not [*(desk / "worked" / "recordings").iterdir()]
    truth = {**life.disk.longest, **worked.disk.longest}
    found = cuts(life.disk.moments, dice, depth.at_a_step)
    tally.replay("while a recording is deleted", found, truth)
    assert tally.distinct >= depth.least(60, 30)


def _begun(worked: Life, depth: Depth, dice: random.Random) -> list[tuple[State, Told]]:
    """Cards that a cut has left, and what had been reported: spread over all that it did."""
    moments = worked.disk.moments
    steps = [int(n * (len(moments) - 1) / depth.begun) for n in range(1, depth.begun + 1)]
    return [
        (dice.choice([*legal(moments[step], dice, depth.at_a_step)]), moments[step].told)
        for step in steps
    ]


@depths
def test_the_power_goes_again_while_the_camera_starts(
    depth: Depth, worked: Life, tally: Tally, dice: random.Random, desk: Path
) -> None:
    for number, (state, told) in enumerate(_begun(worked, depth, dice)):
        life = _started(desk / f"{number}", state, told)
        truth = {**life.disk.longest, **worked.disk.longest}
        found = cuts(life.disk.moments, dice, depth.in_a_start)
        tally.replay("while it starts", found, truth)
        moment = dice.choice(life.disk.moments)
        after = dice.choice([*legal(moment, dice, depth.at_a_step)])
        life = _started(desk / f"{number}-again", after, moment.told, 3)
        truth = {**life.disk.longest, **truth}
        found = cuts(life.disk.moments, dice, depth.in_a_start)
        tally.replay("while it starts again", found, truth)
    assert tally.distinct >= depth.least(150, 50)


def _started(root: Path, state: State, told: Told, number: int = 2) -> Life:
    """A camera that was started on such a card; what it says then is durable."""
    state.lay(root)
    life = Life(root, told)
    life.start(number)
    assert life.disk.moments[-1].settled
    return life


@depths
def test_a_call_fails_and_then_the_power_goes(
    depth: Depth, worked: Life, tally: Tally, dice: random.Random, desk: Path
) -> None:
    faults = _faults(worked.disk.calls)
    for number, fault in enumerate(_share(faults, depth.faults, depth, dice)):
        life = _worked(desk / f"{number}", worked.story, fault)
        found = cuts(_some_of(life, fault.call, depth, dice), dice, depth.after)
        tally.replay(f"{errno.errorcode[fault.number]} at a call", found, life.disk.longest)
    assert tally.distinct >= depth.least(90, 30)


@depths
def test_a_call_fails_the_program_is_started_again_and_then_the_power_goes(
    depth: Depth, worked: Life, tally: Tally, dice: random.Random, desk: Path
) -> None:
    """What a failed sync has dropped can be read until the power goes: nothing may build on it."""
    faults = [
        fault
        for fault in _faults(worked.disk.calls)
        if worked.disk.calls[fault.call].startswith(("fsync", "fdatasync", "write"))
    ]
    for number, fault in enumerate(_share(faults, depth.kills, depth, dice)):
        life = _worked(desk / f"{number}", worked.story, fault)
        life.disk.keeps_length = dice.random() < 0.5
        life.start(2)
        found = cuts(life.disk.moments[-1:], dice, depth.after)
        tally.replay("failed, started, then cut", found, life.disk.longest)
    assert tally.distinct >= depth.least(10, 5)


def _faults(calls: list[str]) -> list[Fault]:
    found = []
    for number, call in enumerate(calls):
        name = call.split()[0]
        found += [Fault(number, errno.EIO)]
        if name in NEED_ROOM:
            found += [Fault(number, errno.ENOSPC), Fault(number, errno.ENOSPC, lasting=True)]
        if name == "write":
            found += [Fault(number, error, half=True) for error in (errno.EIO, errno.ENOSPC)]
    return found


@depths
def test_a_call_fails_while_the_camera_starts(
    depth: Depth, worked: Life, tally: Tally, dice: random.Random, desk: Path
) -> None:
    for number, (state, told) in enumerate(_begun(worked, depth, dice)):
        calls = _started(desk / f"{number}", state, told).disk.calls
        faults = _faults(calls)
        for fault in dice.sample(faults, min(10, len(faults))):
            root = desk / f"{number}-{fault}"
            state.lay(root)
            life = Life(root, told)
            life.disk.fault = fault
            with suppress(CardError):
                life.start(2)
            life.disk.mark()
            truth = {**life.disk.longest, **worked.disk.longest}
            found = cuts(_some_of(life, fault.call, depth, dice), dice, 1)
            tally.replay(f"{errno.errorcode[fault.number]} while it starts", found, truth)
    assert tally.distinct >= depth.least(40, 10)


@depths
def test_the_program_is_killed_and_then_the_power_goes(
    depth: Depth, worked: Life, tally: Tally, dice: random.Random, desk: Path
) -> None:
    for number in _share([*range(len(worked.disk.calls))], depth.kills, depth, dice):
        life = _worked(desk / f"{number}", worked.story, kill_at=number)
        life.start(2)
        found = cuts(_some_of(life, number, depth, dice), dice, depth.after)
        tally.replay("killed, started, then cut", found, life.disk.longest)
    assert tally.distinct >= depth.least(25, 10)  # many kills leave the same card


# ---- and a wrong order is found ------------------------------------------------------------------


def _line_first(vault: Vault, recording: Recording, objects: Sequence[tuple[str, Parts]]) -> None:
    """The lines before the objects."""
    sealed = [(kind, vault._sealer.seal(parts)) for kind, parts in objects]
    first = recording.ledger.seq
    lines = [
        recording.ledger.object(kind, len(data), hashlib.sha256(data).hexdigest())
        for kind, data in sealed
    ]
    vault._card.append(f"{recording.folder}/ledger.jsonl", b"".join(lines))
    for number, (kind, data) in enumerate(sealed, first):
        vault._card.create(f"{recording.folder}/{object_name(number, kind)}", data)
    vault._card.sync_folder(recording.folder)


def _no_folder_sync(card: PosixCard, path: str) -> None:
    """The names are left to chance."""


def _signs_what_has_no_line(reading: LedgerReading, key: SigningKey) -> bytes:
    """Whatever lies there is evidence, too."""
    chain = Chain(DOM, ("rec", reading.rec), seq=reading.seq, head=reading.head)
    own: Fields = {"len": 0, "sha256": hashlib.sha256(b"").hexdigest()}
    line = chain.add("note", own, key.sign)
    return line + chain.add("recovered", {"objects": len(reading.objects) + 1}, key.sign)


BROKEN = {
    "a line before its object": (Vault, "_commit", _line_first),
    "no sync of the folder": (PosixCard, "sync_folder", _no_folder_sync),
    "recovery signs what has no line": (recovery, "recovered_line", _signs_what_has_no_line),
    "recovery leaves what has no line": (recovery._Case, "_move_aside", lambda case, names: None),
    "a torn line stays": (PosixCard, "truncate", lambda card, path, size: None),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_wrong_order_is_found(
    what: str, monkeypatch: pytest.MonkeyPatch, desk: Path, dice: random.Random
) -> None:
    monkeypatch.setattr(*BROKEN[what])
    life, tally = _worked(desk / "worked", Story()), Tally(desk)
    found = cuts(reversed(life.disk.moments), dice, SOME.at_a_step)
    with pytest.raises(AssertionError, match="at any step: cut after call"):
        tally.replay("at any step", found, life.disk.longest)
