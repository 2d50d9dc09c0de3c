"""The memory in the body against the journal on the card: restored, foreign, ahead, and dead."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycam.errors import CardFailed, DeviceError
from bodycam.evidence.age import Sealer
from bodycam.ports import Mark
from bodycam.recorder.body_memory import MemoryKeeper, Remembered
from bodycam.recorder.card_journal import PATH, CardJournal
from bodycam.rules.events import Event, Fault, FaultCleared, FaultRaised
from recorder.desk import DEVICE, OWNER, Desk, DeskCard
from recordings import Dice


class Chip:
    """A memory that can be slow, dead, or lose some transfers."""

    def __init__(self) -> None:
        self.mark: Mark | None = None
        self.writes: list[Mark] = []
        self.fails = 0
        """So many of the next calls."""
        self.changed = threading.Condition()

    def read(self) -> Mark | None:
        self._answer()
        return self.mark

    def write(self, mark: Mark) -> None:
        self._answer()
        with self.changed:
            self.mark = mark
            self.writes.append(mark)
            self.changed.notify_all()

    def _answer(self) -> None:
        if self.fails:
            with self.changed:
                self.fails -= 1
                self.changed.notify_all()
            raise DeviceError("The chip does not answer.")

    def until(self, holds: object) -> None:
        assert callable(holds)
        with self.changed:
            assert self.changed.wait_for(holds, 10)


class Body:
    """A body with a chip, and the cards that are put into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chip = Chip()
        self.told: list[Event] = []
        self.said: list[str] = []
        self.keepers: list[MemoryKeeper] = []

    def keeper(self, every_s: float = 0.01) -> MemoryKeeper:
        self.keepers.append(MemoryKeeper(self.chip, self._tell, self.said.append, every_s))
        return self.keepers[-1]

    def _tell(self, event: Event) -> None:
        with self.chip.changed:
            self.told.append(event)
            self.chip.changed.notify_all()

    def journal(self, card: str = "card") -> CardJournal:
        desk = Desk(self.folder / card)
        return CardJournal(
            desk.card(),
            device=DEVICE,
            key=OWNER.key,
            sealer=Sealer(OWNER.recipients, Dice(card)),
            clock=desk.clock,
            boot="boot",
        )

    def start(self, card: str = "card") -> tuple[CardJournal, Remembered | None]:
        """Off and on again, with this card in it."""
        for keeper in self.keepers:
            assert keeper.close()
        journal = self.journal(card)
        return journal, self.keeper().hold_against(journal)


@pytest.fixture
def body(tmp_path: Path) -> Iterator[Body]:
    made = Body(tmp_path)
    yield made
    for keeper in made.keepers:
        assert keeper.close()


def write(journal: CardJournal, lines: int) -> None:
    for _ in range(lines):
        journal.write("act", {})


def test_the_first_start_remembers_and_the_next_finds_the_same(body: Body) -> None:
    journal, found = body.start()
    assert found is Remembered.NOTHING
    write(journal, 5)
    body.chip.until(lambda: body.chip.mark == Mark(5, journal.head))
    journal, found = body.start()
    assert found is Remembered.SAME
    write(journal, 3)
    body.chip.until(lambda: body.chip.mark == Mark(8, journal.head))
    assert body.told == []


def test_a_journal_that_has_grown_since_is_the_same(body: Body) -> None:
    journal, _ = body.start()
    write(journal, 4)
    body.chip.until(lambda: body.chip.mark == Mark(4, journal.head))
    write(body.journal(), 30)  # without the memory being told, as after a power cut
    _, found = body.start()
    assert found is Remembered.SAME
    assert body.told == []


def test_an_older_state_of_the_card_is_a_fault_and_the_journals_next_line(body: Body) -> None:
    journal, _ = body.start()
    write(journal, 3)
    old = (body.folder / "card" / PATH).read_bytes()
    write(journal, 3)
    body.chip.until(lambda: body.chip.mark == Mark(6, journal.head))
    (body.folder / "card" / PATH).write_bytes(old)
    journal, found = body.start()
    assert found is Remembered.OLDER
    assert body.told == [FaultRaised(Fault.CARD_RESTORED)]
    assert Desk(body.folder / "card").kinds() == ["act"] * 3 + ["card-restored"]
    # From here on this journal is the one that is remembered.
    body.chip.until(lambda: body.chip.mark == Mark(4, journal.head))
    assert body.start()[1] is Remembered.SAME


def test_another_card_is_a_fault_however_long_its_journal(body: Body) -> None:
    journal, _ = body.start()
    write(journal, 3)
    body.chip.until(lambda: body.chip.mark == Mark(3, journal.head))
    write(body.journal("other"), 200)
    _, found = body.start("other")
    assert found is Remembered.OTHER
    assert body.told == [FaultRaised(Fault.CARD_RESTORED)]


def test_an_empty_card_in_place_of_a_used_one_is_a_fault(body: Body) -> None:
    journal, _ = body.start()
    write(journal, 3)
    body.chip.until(lambda: body.chip.mark == Mark(3, journal.head))
    assert body.start("new")[1] is Remembered.OLDER


def test_where_the_comparison_cannot_be_journalled_nothing_is_forgotten(body: Body) -> None:
    journal, _ = body.start()
    write(journal, 3)
    body.chip.until(lambda: body.chip.mark == Mark(3, journal.head))
    refused = Desk(body.folder / "new").card()
    refused.refuse = lambda call, path: (
        CardFailed("dead") if call == "append" and path == PATH else None
    )
    keeper = body.keeper()
    before = body.chip.mark
    broken = body.journal("new")
    broken._card = refused
    with pytest.raises(CardFailed):
        keeper.hold_against(broken)
    assert keeper.close()
    assert body.chip.mark == before
    assert body.start("new")[1] is Remembered.OLDER


# ---- slow, worn, dead ----------------------------------------------------------------------------


def test_lines_that_come_together_are_one_write(body: Body) -> None:
    keeper = body.keeper(every_s=60)
    journal = body.journal()
    keeper.hold_against(journal)
    write(journal, 1)
    body.chip.until(lambda: len(body.chip.writes) == 1)
    write(journal, 50)
    assert len(body.chip.writes) == 1
    assert keeper.close()  # the last one is not lost
    assert [mark.seq for mark in body.chip.writes] == [1, 51]


def test_the_card_never_waits_for_the_memory(body: Body) -> None:
    journal, _ = body.start()
    with body.chip.changed:  # the chip cannot finish a write
        began_s = time.monotonic()
        write(journal, 20)
        assert time.monotonic() - began_s < 5
        assert body.chip.mark is None
    body.chip.until(lambda: body.chip.mark == Mark(20, journal.head))


def test_a_lost_transfer_is_nothing(body: Body) -> None:
    body.chip.fails = 2
    _, found = body.start()
    assert found is Remembered.NOTHING
    assert body.told == []


def test_a_memory_that_does_not_answer_at_the_start_is_a_fault_and_keeps_what_it_knows(
    body: Body,
) -> None:
    body.chip.mark = Mark(9, "ab" * 32)
    body.chip.fails = 3
    journal, found = body.start()
    assert found is None
    assert body.told == [FaultRaised(Fault.MEMORY_DEAD)]
    write(journal, 3)
    assert body.start()[1] is Remembered.OLDER  # it was not overwritten unread


def test_a_memory_that_dies_later_is_a_fault_until_it_works_again(body: Body) -> None:
    journal, _ = body.start()
    body.chip.fails = 5
    write(journal, 1)
    body.chip.until(lambda: FaultCleared(Fault.MEMORY_DEAD) in body.told)
    assert body.told == [FaultRaised(Fault.MEMORY_DEAD), FaultCleared(Fault.MEMORY_DEAD)]
    assert body.chip.mark == Mark(1, journal.head)
    assert body.said == ["The journal's head is not remembered: The chip does not answer."]


# ---- looking back in the journal -----------------------------------------------------------------


def test_the_head_at_every_number_is_found(body: Body) -> None:
    journal = body.journal()
    heads = []
    for number in range(40):
        journal.write("act", {"long": "x" * (number * 37 % 900)})
        heads.append(journal.head)
    assert [journal.head_at(seq) for seq in range(1, 41)] == heads
    assert journal.head_at(0) is None
    assert journal.head_at(41) is None


def test_a_long_journal_costs_few_reads(body: Body) -> None:
    journal = body.journal()
    write(journal, 1000)
    reads: list[int] = []

    class Counted(DeskCard):
        def read(self, path: str, limit: int, offset: int = 0) -> bytes:
            reads.append(limit)
            return super().read(path, limit, offset)

    journal._card = Counted(body.folder / "card")
    assert journal.head_at(500) is not None
    assert len(reads) <= 24
    assert max(reads) <= 32 * 1024


def test_damage_on_the_way_back_is_no_error(body: Body) -> None:
    journal = body.journal()
    write(journal, 50)
    path = body.folder / "card" / PATH
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"\xff" * 3000 + data[len(data) // 2 + 3000 :])
    assert {journal.head_at(seq) for seq in range(1, 50)} >= {None}
