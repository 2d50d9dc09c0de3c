"""The plug is pulled under the real recorder, and what finds a broken promise is tried, too."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.powercut import words
from tools.powercut.broken import BROKEN
from tools.powercut.judge import Judge, Look, Promises, whole
from tools.powercut.plan import ANY, CLOSING, GOP, OPENING, RECOVERY, Aim, Moment
from tools.powercut.table import Result
from tools.powercut.trial import Cut, Trial
from tools.powercut.words import Said, understood

from bodycam.evidence.lines import Line
from bodycam_station.registry import DeviceKey, Registry
from recordings import Camera, identity

HOUSE = Path(__file__).parent.parent


def powercut(*given: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tools.powercut", *map(str, given)]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, env=env)


# ---- for real ------------------------------------------------------------------------------------


def test_three_power_cuts_lose_nothing_that_was_promised(tmp_path: Path) -> None:
    out = tmp_path / "powercut.json"
    done = powercut("--cuts", 3, "--seed", 220, "--moments", "GOP,recovery,opening", "--out", out)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert [cut["moment"] for cut in found["cuts"]] == [GOP, RECOVERY, OPENING]
    assert found["faults"] == []
    assert sum(cut["promised"] for cut in found["cuts"]) > 3
    # The cuts were real: of what nobody synced, nothing whole is left.
    assert sum(cut["unsynced"] for cut in found["cuts"]) > 0
    assert sum(cut["survived"] for cut in found["cuts"]) == 0
    (rest,) = found["rests"]
    assert rest["verdicts"]["incomplete"] >= 1
    assert set(rest["verdicts"]) <= {"ok", "incomplete", "void"}
    assert "promises not kept: 0 (at most 0) ok" in done.stdout


AIMS = {
    "objects-not-synced": [Aim(GOP, 8, 0)],
    "line-not-synced": [Aim(GOP, 8, 0)],
    # The warning's line is the fifth change or so, and its object comes a tenth of a second later.
    "line-first": [Aim(OPENING, nth, 50) for nth in (5, 6, 4, 7, 8, 3)],
}


@pytest.mark.proof
@pytest.mark.parametrize("fault", BROKEN)
def test_a_product_that_breaks_its_promises_is_found(fault: str, tmp_path: Path) -> None:
    trial = Trial(tmp_path, HOUSE / "build/powercut", fault, "as on a Pi", fault)
    found = (cut for aim in AIMS[fault] if (cut := trial.cut(aim)).lost)
    assert next(found, None) is not None


def test_without_the_kernel_it_says_what_to_install(tmp_path: Path) -> None:
    done = powercut("--cuts", 1, PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("powercut: There is no linux.uml here")
    assert "user-mode-linux" in done.stderr


# ---- the moments ---------------------------------------------------------------------------------

LIFE = """
@ recovering
@ touch append journal.jsonl
@ touch append recordings/a/ledger.jsonl
@ filling 500
@ recovered
@ picture 0
@ touch append journal.jsonl
@ picture 1
@ press
@ touch append journal.jsonl
@ touch make_folder recordings/b
@ touch create recordings/b/00000002.init.age
@ touch create recordings/b/00000003.segment.age
@ touch append recordings/b/ledger.jsonl
@ picture 2
@ release
@ touch append recordings/b/ledger.jsonl
@ touch move recordings/b/ledger.jsonl.sig.new
@ closed b
@ picture 3
"""


@pytest.mark.parametrize(
    ("aim", "at"),
    [
        (Aim(RECOVERY, 2, 0), "touch append recordings/a/ledger.jsonl"),
        (Aim(RECOVERY, 9, 0), "recovered"),
        (Aim(OPENING, 2, 0), "touch make_folder recordings/b"),
        (Aim(OPENING, 9, 0), "touch create recordings/b/00000003.segment.age"),
        (Aim(GOP, 2, 0), "touch append recordings/b/ledger.jsonl"),
        (Aim(CLOSING, 2, 0), "touch move recordings/b/ledger.jsonl.sig.new"),
        (Aim(CLOSING, 9, 0), "closed b"),
        (Aim(ANY, 2, 0), "picture 2"),
    ],
)
def test_the_power_goes_at_the_moment_aimed_at_or_when_it_is_over(aim: Aim, at: str) -> None:
    moment = Moment(aim)
    said = [one for line in LIFE.splitlines() if (one := understood(line)) is not None]
    came = next(one for one in said if moment.has_come(one))
    assert " ".join([came.word, *came.args]) == at


def test_what_the_kernel_says_is_no_word_of_the_guest() -> None:
    assert understood("EXT4-fs (ubda): mounted filesystem") is None


# ---- what is found -------------------------------------------------------------------------------


def promised(card: Path) -> Iterator[Said]:
    """That every line that is on the card now is durable."""
    for path in [card / "journal.jsonl", *card.glob("recordings/*/ledger.jsonl")]:
        for raw in path.read_bytes().splitlines():
            line = Line.parse(raw)
            about = (str(line.fields["seq"]), str(line.fields["kind"]), line.digest)
            yield Said(words.DURABLE, (str(path.relative_to(card)), *about))


class Card:
    """A card on which all has been promised, and its judge."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.camera = Camera(root)
        self.closed = self.camera.record("WISSNS")
        self.cut = self.camera.record("WISS", end=None)
        registry = Registry([DeviceKey("cam07", self.camera.key.public, "software")])
        self.judge = Judge(registry, identity("station"))
        self.promises = Promises()
        for said in [*promised(root), Said(words.CLOSED, (self.closed.name,))]:
            self.promises.take(said)

    def look(self, *, at_rest: bool = False) -> Look:
        return self.judge.look(self.root, self.promises, at_rest=at_rest)


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path / "card")


def test_a_card_that_keeps_its_promises(card: Card) -> None:
    look = card.look()
    assert (look.lost, look.wrong) == ([], [])
    assert look.verdicts == {card.closed.name: "ok", card.cut.name: "unfinished"}
    assert card.promises.objects() == 10


def test_at_rest_nothing_may_be_unfinished(card: Card) -> None:
    assert card.look(at_rest=True).wrong == [f"{card.cut.name} is unfinished: known"]


def test_a_promised_object_that_is_gone(card: Card) -> None:
    (card.cut / "00000003.segment.age").unlink()
    look = card.look()
    assert look.gone == {(card.cut.name, 3)}
    assert look.lost == [f"{card.cut.name}: object 3 (segment) is not what its line says"]


def test_an_object_that_is_empty_as_one_that_nobody_synced(card: Card) -> None:
    (card.closed / "00000001.warning.age").write_bytes(b"")
    look = card.look()
    assert (card.closed.name, 1) in look.gone
    assert f"{card.closed.name} was said to be closed and is not-ok" in look.lost


def test_a_promised_line_that_is_gone(card: Card) -> None:
    ledger = card.cut / "ledger.jsonl"
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-1]))
    look = card.look()
    path = f"recordings/{card.cut.name}/ledger.jsonl"
    assert look.lost == [f"{path}: line 4 (segment) is not there"]
    assert look.gone == {(card.cut.name, 4)}


def test_a_closing_that_was_promised_and_is_not_signed(card: Card) -> None:
    (card.closed / "ledger.jsonl.sig").unlink()
    assert card.look().lost == [f"{card.closed.name} was said to be closed and is unfinished"]


def test_a_journal_that_lost_its_end_or_was_begun_anew(card: Card) -> None:
    journal = card.root / "journal.jsonl"
    whole_journal = journal.read_bytes()
    journal.write_bytes(b"".join(whole_journal.splitlines(keepends=True)[:-1]))
    look = card.look()
    assert look.lost == ["journal.jsonl: line 3 (open) is not there"]
    assert look.wrong == [f"{card.cut.name}: the journal does not know it"]
    journal.write_bytes(whole_journal)
    (card.root / "unsigned").mkdir()
    (card.root / "unsigned/journal.life-2.jsonl").touch()
    assert card.look().wrong == ["the journal was begun anew: journal.life-2.jsonl"]


def test_a_recording_that_was_opened_and_then_vanished(card: Card) -> None:
    shutil.rmtree(card.cut)
    assert f"{card.cut.name} was opened and is neither here nor void" in card.look().wrong


def test_pictures_are_counted_one_by_one() -> None:
    assert whole([7, 8, 9])
    assert whole([])
    assert not whole([7, 9])
    assert not whole([7, None, 9])


def test_cuts_that_lose_nothing_unsynced_prove_nothing() -> None:
    cut = Cut(GOP, "as on a Pi", promised=5, unsynced=2, survived=2)
    assert Result([cut], []).faults == [
        "Every file that nobody synced was whole: no power was cut here."
    ]
    assert Result([Cut(GOP, "as on a Pi", promised=5, unsynced=2, survived=1)], []).faults == []
