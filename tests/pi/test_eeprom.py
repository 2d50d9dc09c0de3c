"""The memory in the body, and what the card's journal is held against."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam.errors import DeviceError
from bodycam.pi.eeprom import ADDRESS, SLOT_BYTES, Eeprom
from bodycam.ports import Mark
from bodycam.recorder.body_memory import Remembered, compare
from pi.chips import At24c32, on_bus

HEADS = [f"{number:02x}" * 32 for number in range(256)]


def memory(chip: At24c32) -> Eeprom:
    bus, _ = on_bus({ADDRESS: chip})
    return Eeprom(bus, lambda seconds: None)


def test_a_new_chip_remembers_nothing() -> None:
    assert memory(At24c32()).read() is None


def test_what_was_written_last_is_read_after_a_restart() -> None:
    chip = At24c32()
    for number in range(1, 6):
        memory(chip).write(Mark(number, HEADS[number]))
        assert memory(chip).read() == Mark(number, HEADS[number])


def test_it_is_written_again_and_again() -> None:
    chip = At24c32()
    kept = memory(chip)
    for number in range(1, 200):
        kept.write(Mark(2**63 + number, HEADS[number]))
    assert memory(chip).read() == Mark(2**63 + 199, HEADS[199])


@pytest.mark.parametrize("before", [1, 2, 3])
@pytest.mark.parametrize("bytes_written", range(SLOT_BYTES + 1))
def test_a_torn_write_leaves_one_of_both(before: int, bytes_written: int) -> None:
    chip = At24c32()
    for number in range(1, before + 1):
        memory(chip).write(Mark(number, HEADS[number]))
    left = [bytes_written]

    def power() -> bool:
        left[0] -= 1
        return left[0] >= 0

    chip.power = power
    new = Mark(before + 1, HEADS[before + 1])
    if bytes_written < SLOT_BYTES:
        with pytest.raises(DeviceError):
            memory(chip).write(new)
    else:
        memory(chip).write(new)
    chip.power = lambda: True
    # The last byte may be what it was already: then the slot is whole without it.
    assert memory(chip).read() in (Mark(before, HEADS[before]), new)
    memory(chip).write(Mark(before + 2, HEADS[before + 2]))
    assert memory(chip).read() == Mark(before + 2, HEADS[before + 2])


@given(st.integers(0, 2 * SLOT_BYTES - 1), st.integers(1, 255))
def test_a_flipped_byte_is_noticed(at: int, flip: int) -> None:
    chip = At24c32()
    kept = memory(chip)
    kept.write(Mark(1, HEADS[1]))
    kept.write(Mark(2, HEADS[2]))
    chip.data[at] ^= flip
    assert memory(chip).read() in (Mark(1, HEADS[1]), Mark(2, HEADS[2]))
    assert memory(chip).read() == (Mark(2, HEADS[2]) if at < SLOT_BYTES else Mark(1, HEADS[1]))


def test_a_chip_that_keeps_nothing_is_an_error() -> None:
    chip = At24c32()
    chip.write = lambda data: setattr(chip, "_at", int.from_bytes(data[:2], "big"))  # type: ignore[method-assign]
    with pytest.raises(DeviceError, match="does not keep"):
        memory(chip).write(Mark(1, HEADS[1]))


def test_a_chip_that_is_absent_is_an_error() -> None:
    bus, _ = on_bus({})
    with pytest.raises(DeviceError, match="0x57"):
        Eeprom(bus).read()


# ---- holding the card against it -----------------------------------------------------------------

JOURNAL = {number: HEADS[number] for number in range(1, 11)}
"""The digest of a journal's last line, by the number of the next one."""


@pytest.mark.parametrize(
    ("mark", "seq", "says"),
    [
        (None, 10, Remembered.NOTHING),
        (Mark(10, HEADS[10]), 10, Remembered.SAME),
        (Mark(7, HEADS[7]), 10, Remembered.SAME),
        (Mark(0, "00" * 32), 0, Remembered.SAME),
        (Mark(0, "00" * 32), 5, Remembered.SAME),
        (Mark(11, HEADS[11]), 10, Remembered.OLDER),
        (Mark(11, HEADS[11]), 0, Remembered.OLDER),
        (Mark(10, HEADS[9]), 10, Remembered.OTHER),
        (Mark(7, HEADS[8]), 10, Remembered.OTHER),
    ],
)
def test_a_card_is_held_against_what_is_remembered(
    mark: Mark | None, seq: int, says: Remembered
) -> None:
    assert compare(mark, seq, JOURNAL.get) is says


def test_a_line_that_cannot_be_found_is_another_journal() -> None:
    assert compare(Mark(7, HEADS[7]), 10, lambda seq: None) is Remembered.OTHER
