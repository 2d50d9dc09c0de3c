"""The simulated card: what takes time, and what a power cut at any moment leaves."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from bodycam.errors import CardFailed, CardFull
from bodycam_sim.card import BYTES_PER_S, CALL_NS, OTHER_BYTES, SimCard

MS = 1_000_000
SEGMENT_BYTES = 500_000
WRITE_NS = CALL_NS + SEGMENT_BYTES * 1000 * MS // BYTES_PER_S
A, B, LINES = "rec/1.segment.age", "rec/2.segment.age", "rec/ledger.jsonl"
WHOLE_A, WHOLE_B, WHOLE_LINES = b"a" * 100, b"b" * 100, b"line 1\nline 2\n"

Files = dict[str, bytes | None]
"""By path, what is in it; None for a folder."""

MADE, ONE, TWO, SYNCED, LINE, NAMED = (
    CALL_NS,
    CALL_NS + WRITE_NS,
    CALL_NS + 2 * WRITE_NS,
    2 * CALL_NS + 2 * WRITE_NS,
    3 * CALL_NS + 2 * WRITE_NS,
    4 * CALL_NS + 2 * WRITE_NS,
)
"""When the calls of a batch are answered."""


def make(tmp_path: Path, seed: int = 1, room_bytes: int = 10**9) -> SimCard:
    root = tmp_path / "card"
    root.mkdir(parents=True)
    return SimCard(root, segment_bytes=SEGMENT_BYTES, room_bytes=room_bytes, seed=seed)


def files(tmp_path: Path) -> Files:
    root = tmp_path / "card"
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }


def batch(card: SimCard) -> Iterator[int]:
    """Two objects and their line, as the vault writes them; yields when each call is answered."""
    card.make_folder("rec")
    yield card.answered_ns
    card.create(A, WHOLE_A)
    yield card.answered_ns
    card.create(B, WHOLE_B)
    yield card.answered_ns
    card.sync_folder("rec")
    yield card.answered_ns
    card.append(LINES, WHOLE_LINES)
    yield card.answered_ns
    card.sync_folder("rec")
    yield card.answered_ns


def test_calls_take_the_time_that_a_card_would_take(tmp_path: Path) -> None:
    assert [*batch(make(tmp_path))] == [MADE, ONE, TWO, SYNCED, LINE, NAMED]


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, Files]]:
    """What is left after a cut before, in, and right after each call of a batch, by many dice."""
    when = [0, NAMED + MS]
    for begins_ns, answered_ns in pairwise((0, MADE, ONE, TWO, SYNCED, LINE, NAMED)):
        when += [(begins_ns + answered_ns) // 2, answered_ns - 1, answered_ns]
    found = []
    for seed in range(10):
        for cut_ns in when:
            root = tmp_path_factory.mktemp("cut")
            card = make(root, seed)
            for _ in batch(card):
                pass
            card.cut_power(cut_ns)
            found.append((cut_ns, files(root)))
    return found


def test_what_had_not_begun_has_not_happened(cuts: list[tuple[int, Files]]) -> None:
    for cut_ns, left in cuts:
        assert cut_ns >= MADE or left == {}
        assert cut_ns >= ONE or B not in left
        assert cut_ns >= SYNCED or LINES not in left


def test_what_was_answered_as_durable_is_there(cuts: list[tuple[int, Files]]) -> None:
    for cut_ns, left in cuts:
        assert cut_ns < MADE or "rec" in left
        assert cut_ns < SYNCED or (left[A], left[B]) == (WHOLE_A, WHOLE_B)
        assert cut_ns < LINE or left.get(LINES, WHOLE_LINES) == WHOLE_LINES
        assert cut_ns < NAMED or left[LINES] == WHOLE_LINES


def test_a_line_means_that_its_objects_are_whole(cuts: list[tuple[int, Files]]) -> None:
    with_a_line = [left for _, left in cuts if left.get(LINES)]
    assert len(with_a_line) > 10
    for left in with_a_line:
        assert (left[A], left[B]) == (WHOLE_A, WHOLE_B)


def test_what_was_under_way_is_torn_and_unsynced_names_may_be_lost(
    cuts: list[tuple[int, Files]],
) -> None:
    torn = [left[B] for cut_ns, left in cuts if ONE <= cut_ns < TWO and B in left]
    assert len({*torn}) > 2
    assert all(WHOLE_B.startswith(part or b"") for part in torn)
    lines = {left.get(LINES) for cut_ns, left in cuts if SYNCED <= cut_ns < LINE}
    assert len(lines) > 3
    names = [A in left for cut_ns, left in cuts if ONE <= cut_ns < SYNCED]
    assert 0.2 < sum(names) / len(names) < 0.8


def test_every_kind_of_call_is_undone(tmp_path: Path) -> None:
    card = make(tmp_path)
    card.make_folder("rec")
    card.create("rec/whole", b"whole")
    card.append("rec/other", b"other")
    card.sync_folder("rec")
    before, room_bytes = files(tmp_path), card.free_bytes()
    card.turn_to(card.answered_ns)
    now_ns = card.answered_ns
    card.make_folder("rec/unsigned/deep")
    card.move("rec/whole", "rec/unsigned/whole")
    card.truncate("rec/other", 2)
    card.append("rec/other", b" again")
    card.create("rec/new", b"new")
    card.move("rec/new", "rec/other")
    card.remove("rec/other")
    card.move("rec", "gone")
    assert files(tmp_path) != before
    card.cut_power(now_ns)
    assert files(tmp_path) == before
    assert card.free_bytes() == room_bytes


def test_what_was_answered_before_the_next_turn_stays(tmp_path: Path) -> None:
    card = make(tmp_path)
    *_, end_ns = batch(card)
    before = files(tmp_path)
    card.turn_to(end_ns)
    card.append(LINES, b"c\n")
    card.cut_power(end_ns - 1)
    assert files(tmp_path) == before


def test_a_stalled_card_answers_when_it_answers_again(tmp_path: Path) -> None:
    card = make(tmp_path)
    card.turn_to(100 * MS)
    card.stall(100 * MS, 10_000 * MS)
    card.append("journal.jsonl", b"a\n")
    assert card.answered_ns == 10_000 * MS + CALL_NS
    card.append("journal.jsonl", b"b\n")
    assert card.answered_ns == 10_000 * MS + 2 * CALL_NS
    card.cut_power(5000 * MS)  # while nothing is being answered
    assert files(tmp_path) == {}


def test_a_card_that_fails_refuses_and_is_never_asked_twice_for_one_file(tmp_path: Path) -> None:
    card = make(tmp_path)
    card.append("lines", b"a\n")
    card.fail(card.answered_ns, card.answered_ns + 50 * MS, "An I/O error.")
    with pytest.raises(CardFailed, match="An I/O error"):
        card.append("lines", b"b\n")
    with pytest.raises(CardFailed, match="An I/O error"):
        card.create("new", b"new")
    assert card.read("lines", 100) == b"a\n"
    card.turn_to(card.answered_ns + 50 * MS)
    card.create("new", b"a\nb\n")
    with pytest.raises(CardFailed, match="not written again"):
        card.append("lines", b"b\n")
    card.move("new", "lines")
    card.append("lines", b"c\n")
    assert card.read("lines", 100) == b"a\nb\nc\n"


def test_a_card_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    card = make(tmp_path)
    card.append("lines", b"a\n")
    card.fail(0, 10**12, "There is no card.", gone=True)
    for ask in (card.free_bytes, partial(card.list, "."), partial(card.read, "lines", 9)):
        with pytest.raises(CardFailed, match="no card"):
            ask()
    for look in (card.size, card.exists):
        with pytest.raises(CardFailed, match="no card"):
            look("lines")


def test_a_slow_card_takes_its_time_for_everything(tmp_path: Path) -> None:
    card = make(tmp_path)
    card.slow_down(1500 * MS)
    card.append("lines", b"a\n")
    assert card.answered_ns == 1500 * MS
    card.sync_folder(".")
    assert card.answered_ns == 3000 * MS


def test_what_is_removed_gives_its_room_back(tmp_path: Path) -> None:
    card = make(tmp_path, room_bytes=2 * SEGMENT_BYTES)
    card.make_folder("rec")
    card.create("rec/1.segment.age", b"little")
    card.create("rec/2.note.age", b"little")
    card.remove("rec/1.segment.age")
    assert card.free_bytes() == 2 * SEGMENT_BYTES - OTHER_BYTES
    card.remove("rec/2.note.age")
    card.remove("rec")
    assert card.free_bytes() == 2 * SEGMENT_BYTES


def test_room_is_counted_in_nominal_bytes(tmp_path: Path) -> None:
    card = make(tmp_path, room_bytes=SEGMENT_BYTES + 2 * OTHER_BYTES)
    card.create("1.segment.age", b"little")
    assert card.free_bytes() == 2 * OTHER_BYTES
    with pytest.raises(CardFull):
        card.create("2.segment.age", b"little")
    card.create("3.note.age", b"little")
    card.append("journal.jsonl", b"x" * 10_000)
    assert card.free_bytes() == OTHER_BYTES
    card.set_room(10**6)
    card.create("2.segment.age", b"little")


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    card = make(tmp_path)
    card.create("1.note.age", b"one")
    with pytest.raises(CardFailed):
        card.create("1.note.age", b"two")
    assert files(tmp_path) == {"1.note.age": b"one"}
