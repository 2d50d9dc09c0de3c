"""The ring in the language of streams: picture n is taken at n × 100 ms, `I` is a keyframe."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bodycam.media.packets import SECOND, Gop, Packet, Track
from bodycam.media.ring import End, Ring, RingPolicy, payload

FRAME_NS = SECOND // 10
PICTURE_BYTES = 100
SOUND_BYTES = 10


def policy(
    pre_record_s: float = 1.0, *, budget: int = 100_000, sound_before_press: bool = False
) -> RingPolicy:
    return RingPolicy(
        round(pre_record_s * SECOND), SECOND // 2, FRAME_NS, budget, sound_before_press
    )


@dataclass
class Bench:
    """A ring, a camera that counts its pictures, and a writer that says what it was given."""

    rules: RingPolicy = field(default_factory=policy)
    next: int = 0
    lost: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ring: Ring[str] = Ring(self.rules, lambda gop: self.lost.append(told(gop)))

    def see(self, pattern: str) -> "Bench":
        for kind in pattern:
            if kind != ".":
                data = self.next.to_bytes(PICTURE_BYTES, "big")
                at_ns = self.next * FRAME_NS
                self.ring.append(Packet(Track.VIDEO, at_ns, data, kind == "I"))
            self.next += 1
        return self

    def hear(self, *tenths: float) -> "Bench":
        for at in tenths:
            at_ns = round(at * FRAME_NS)
            self.ring.append(Packet(Track.SOUND, at_ns, bytes(SOUND_BYTES)))
        return self

    def press(self, at: float, *, before: float = 10) -> "Bench":
        """`at` and `before` in tenths of a second."""
        self.ring.pin(round((at - before) * FRAME_NS), round(at * FRAME_NS))
        return self

    def given(self, gops: int = 1000) -> str:
        items = self.ring.take(gops)
        self.ring.settle([item for item in items if isinstance(item, Gop)])
        return " ".join(map(told, items))


def told(item: "Gop | End | str") -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, End):
        return f"end@{item.at_ns / FRAME_NS:g}"
    numbers = [int.from_bytes(packet.data, "big") for packet in item.video]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    sound = f"+{len(item.sound)}" if item.sound else ""
    return f"{numbers[0]}-{numbers[-1]}{sound}"


# ---- turning over, pinning -----------------------------------------------------------------------


def test_the_ring_keeps_pre_record_and_at_most_a_gop_and_a_late_press_more() -> None:
    bench = Bench().see("IPPPP" * 10)
    assert bench.ring.oldest_ns == 30 * FRAME_NS
    bench.ring.begin("B")
    assert bench.given() == "B 30-34 35-39 40-44"


def test_pinned_from_the_keyframe_at_or_before_the_moment() -> None:
    bench = Bench().see("IPPPP" * 10).press(48)
    bench.ring.begin("B")
    assert bench.given() == "B 35-39 40-44"
    bench.see("I")
    assert bench.given() == "45-49"


def test_a_pin_that_falls_into_the_open_gop_keeps_that_alone() -> None:
    bench = Bench().see("IPPPP" * 4 + "IPPP").press(23, before=2)
    bench.ring.begin("B")
    assert bench.given() == "B"
    bench.see("I")
    assert bench.given() == "20-23"


def test_nothing_falls_out_from_the_pin_on() -> None:
    bench = Bench().see("IPPPP" * 4).press(20).see("IPPPP" * 20)
    bench.ring.begin("B")
    assert bench.given(2) == "B 10-14 15-19"
    assert bench.given().split()[0] == "20-24"


def test_a_cancelled_press_lets_the_ring_turn_over_again() -> None:
    bench = Bench().see("IPPPP" * 4).press(20).see("IPPPP" * 4)
    bench.ring.unpin()
    bench.see("IPPPP" * 4)
    assert bench.ring.oldest_ns == 40 * FRAME_NS
    assert bench.given() == ""


def test_without_pre_record_nothing_from_before_the_press_is_kept() -> None:
    bench = Bench(policy(0)).see("IPPPP" * 3 + "IPP").press(18, before=0)
    bench.ring.begin("B")
    assert bench.ring.oldest_ns is None
    assert bench.see("PPIPPPI").given() == "B 20-23"


def test_a_late_picture_from_before_the_press_is_not_kept_either() -> None:
    bench = Bench(policy(0)).press(3, before=0)
    bench.ring.begin("B")
    assert bench.see("IPPIPPI").given() == "B 3-5"


# ---- the open GOP --------------------------------------------------------------------------------


def test_pictures_without_a_keyframe_before_them_are_not_taken() -> None:
    bench = Bench().see("PPP")
    assert bench.ring.wants_keyframe
    bench.ring.begin("B")
    assert bench.see("IPPI").given() == "B 3-5"
    assert not bench.ring.wants_keyframe


def test_a_keyframe_that_never_comes_cuts_at_twice_its_interval() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("I" + "P" * 25)
    assert bench.given() == "B 0-9 10-19"
    assert bench.ring.wants_keyframe
    bench.see("I")
    assert bench.given() == "20-25"


def test_a_gop_that_is_too_heavy_is_cut() -> None:
    bench = Bench(policy(budget=1000))
    bench.ring.begin("B")
    bench.see("IPPPPPPP")
    assert bench.given() == "B 0-5"


def test_a_stall_completes_the_gop_with_its_nominal_length() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPP")
    bench.ring.cut()
    _, gop = bench.ring.take(8)
    assert isinstance(gop, Gop)
    assert gop.end_ns == 3 * FRAME_NS
    bench.ring.cut()
    assert bench.see("PP").given() == ""
    assert bench.see("IPI").given() == "5-6"


# ---- the end of a recording ----------------------------------------------------------------------


def test_a_stop_ends_with_the_last_picture_at_or_before_it() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPPPPIPPP")
    bench.ring.until(8 * FRAME_NS)
    assert bench.see("PP").given() == "B 0-4"
    assert bench.see("P").given() == "5-8 end@8"


def test_what_comes_after_the_stop_is_in_the_ring_with_what_it_depends_on() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPPPPIPP")
    bench.ring.until(7 * FRAME_NS)
    bench.see("PPPP").given()
    bench.ring.begin("C")
    assert bench.see("I").given() == "C 5-11"


def test_a_gop_that_is_completed_after_the_stop_ends_with_it() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPPPPIP")
    bench.ring.until(6 * FRAME_NS)
    assert bench.see("PIP").given() == "B 0-4 5-6 end@6"
    bench.ring.begin("C")
    assert bench.see("I").given() == "C 5-7 8-9"


def test_a_keyframe_at_the_stop_begins_the_new_ring() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPPPP")
    bench.ring.until(4 * FRAME_NS)
    bench.see("IPPP")
    assert bench.given() == "B 0-4 end@4"
    bench.ring.begin("C")
    assert bench.see("I").given() == "C 5-8"


def test_the_end_is_cut_by_the_clock_where_no_picture_comes() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPP")
    bench.ring.until(2 * FRAME_NS)
    bench.ring.tick(4 * FRAME_NS)
    assert bench.given() == "B"
    bench.ring.tick(5 * FRAME_NS)
    assert bench.given() == "0-2 end@2"
    assert bench.ring.idle


def test_a_stop_far_ahead_keeps_until_then() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPPPP")
    bench.ring.until(12 * FRAME_NS)
    assert bench.see("IPPPPIPPPPP").given() == "B 0-4 5-9 10-12 end@12"


def test_a_press_after_the_stop_resumes_without_loss() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPPPP")
    bench.ring.until(3 * FRAME_NS)
    bench.see("I")
    assert bench.ring.resume()
    assert bench.see("PPPPI").given() == "B 0-4 5-9"


def test_what_was_resumed_is_there_once_after_the_next_stop() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPPPP")
    bench.ring.until(3 * FRAME_NS)
    bench.see("I")
    assert bench.ring.resume()
    bench.see("PPPPI")
    bench.ring.until(10 * FRAME_NS)
    bench.see("PPPP")
    assert bench.given() == "B 0-4 5-9 10-10 end@10"


def test_a_press_that_comes_too_late_is_told() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IP")
    bench.ring.until(FRAME_NS)
    bench.see("PPPP")
    assert not bench.ring.resume()


def test_a_press_while_the_last_recording_ends_begins_another() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPPPP")
    bench.ring.until(4 * FRAME_NS)
    bench.see("I").press(5)
    bench.ring.begin("C")
    assert bench.see("PPI").given() == "B 0-4 end@4 C 5-7"


def test_a_second_begin_ends_the_first_recording_now() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPP")
    bench.ring.begin("C")
    assert bench.given() == "B 0-2 end@2 C"


def test_sleep_ends_what_is_kept_and_wipes_the_ring() -> None:
    bench = Bench().see("IPPPP")
    bench.ring.begin("B")
    bench.see("IPP")
    bench.ring.sleep()
    assert bench.see("PPI").given() == "B 0-4 5-7 end@7"
    assert bench.ring.newest_ns is None
    bench.ring.wake()
    bench.see("PIP")
    assert bench.ring.oldest_ns == 12 * FRAME_NS


def test_after_sleep_nothing_is_pinned() -> None:
    bench = Bench().press(0)
    bench.ring.sleep()
    bench.ring.wake()
    bench.see("IPPPP" * 10)
    assert bench.ring.oldest_ns == 30 * FRAME_NS


def test_closing_down_keeps_what_has_arrived() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPPPPIP")
    bench.ring.finish()
    assert bench.given() == "B 0-4 5-6 end@6"
    bench.ring.finish()
    assert bench.given() == ""


def test_until_means_nothing_where_nothing_is_kept() -> None:
    bench = Bench().see("IPP")
    bench.ring.until(FRAME_NS)
    assert bench.see("PPPP").given() == ""


# ---- sound ---------------------------------------------------------------------------------------


def test_sound_is_kept_from_the_press_on_and_not_before() -> None:
    bench = Bench().see("IPP").hear(2.1).press(2.5).hear(2.2, 2.6).see("I")
    bench.ring.begin("B")
    assert bench.given() == "B 0-2+1"


def test_sound_from_before_the_press_where_the_policy_says_so() -> None:
    bench = Bench(policy(sound_before_press=True)).see("IPP").hear(2.1).press(2.5).hear(2.6)
    bench.ring.begin("B")
    assert bench.see("I").given() == "B 0-2+2"


def test_a_cancelled_press_takes_its_sound_with_it() -> None:
    bench = Bench().see("IP").press(1.2).hear(1.3).see("PIP").hear(4.5)
    bench.ring.unpin()
    bench.see("I").press(5.5)
    bench.ring.begin("B")
    assert bench.see("I").given() == "B 0-2 3-4 5-5"


def test_sound_after_the_stop_is_in_no_recording_and_not_before_the_next_press() -> None:
    bench = Bench().press(0)
    bench.ring.begin("B")
    bench.see("IPP").hear(1.5, 2.5)
    bench.ring.until(2 * FRAME_NS)
    bench.see("PPP")
    assert bench.given() == "B 0-2+1 end@2"
    bench.press(6)
    bench.ring.begin("C")
    assert bench.see("I").given() == "C 0-5"


def test_sound_waits_for_a_picture_but_not_for_ever() -> None:
    bench = Bench().press(0)
    bench.ring.begin("B")
    bench.hear(1, 2, 400)
    bench.next = 401
    assert bench.see("II").given() == "B 401-401+1"


# ---- the budget ----------------------------------------------------------------------------------


def test_over_budget_the_oldest_go_while_nothing_is_pinned() -> None:
    bench = Bench(policy(10, budget=1000)).see("IPPPP" * 4)
    bench.ring.begin("B")
    assert bench.given() == "B 5-9 10-14"
    assert bench.lost == []


def test_a_gop_cut_without_a_keyframe_goes_with_the_one_it_depends_on() -> None:
    bench = Bench(policy(10, budget=2500)).see("I" + "P" * 12 + "IPPPP" * 4 + "I")
    bench.ring.begin("B")
    assert bench.given() == "B 13-17 18-22 23-27 28-32"


def test_over_budget_the_newest_complete_gop_is_dropped_and_told() -> None:
    bench = Bench(policy(budget=1000)).press(0)
    bench.ring.begin("B")
    bench.see("IPPPP" * 4 + "I")
    assert bench.lost == ["10-14", "15-19"]
    assert bench.given() == "B 0-4 5-9"
    assert bench.see("PPPPI").given() == "20-24"


def test_pictures_that_are_far_apart_are_a_gap_that_is_told_once() -> None:
    bench = Bench(policy()).press(0)
    bench.ring.begin("B")
    bench.see("IPP" + "." * 20 + "PPIPPI")
    assert bench.given() == "B 0-2 23-24 25-27"
    assert bench.ring.missed == (3 * FRAME_NS, 23 * FRAME_NS)


def test_pictures_that_are_not_so_far_apart_are_none() -> None:
    bench = Bench(policy()).press(0)
    bench.ring.begin("B")
    bench.see("IPP" + "." * 19 + "PPIPPI")
    assert bench.ring.missed is None


def test_after_sleep_nothing_was_missed() -> None:
    bench = Bench(policy()).see("IPP" + "." * 50 + "P")
    bench.ring.sleep()
    bench.ring.wake()
    bench.see("." * 50 + "IPPI")
    assert bench.ring.missed is None


def test_once_the_budget_is_spent_nothing_is_kept_until_something_has_gone() -> None:
    """Not even a GOP that would still fit: the light is off, and what it says is true."""
    bench = Bench(policy(budget=1200)).press(0)
    bench.see("IPPPP" * 3 + "IP" * 2 + "I")
    assert bench.lost == ["10-14", "15-16", "17-18"]
    bench.ring.begin("B")
    assert bench.see("PI").given(1) == "B 0-4"
    assert bench.see("PI").given() == "5-9 19-20 21-22"


def test_a_gop_that_alone_is_over_the_budget_keeps_none_after_it_from_being_kept() -> None:
    bench = Bench(policy(budget=300))
    bench.ring.begin("B")
    bench.ring.append(Packet(Track.VIDEO, 0, bytes(500), True))
    bench.next = 1
    bench.see("IPI")
    assert bench.lost == ["0-0"]
    assert bench.given() == "B 1-2"


def test_a_lost_gop_that_depends_on_another_does_not_spend_the_budget() -> None:
    bench = Bench(policy(budget=1000)).press(0)
    bench.ring.begin("B")
    bench.see("IPPPP" * 2 + "I" + "P" * 12)
    assert bench.given() == "B 0-4 5-9"
    assert bench.see("PPIPI").given() == "25-26"


def test_what_was_taken_counts_until_it_is_settled() -> None:
    bench = Bench(policy(budget=1000))
    bench.ring.begin("B")
    bench.see("IPPPPIPPPPI")
    items = bench.ring.take(8)
    assert bench.ring.held_bytes == 1000
    bench.see("PPPPI")
    assert bench.lost == ["10-14"]
    bench.ring.settle([item for item in items if isinstance(item, Gop)])
    assert bench.ring.held_bytes == 0


def test_after_a_dropped_gop_a_keyframe_is_needed() -> None:
    bench = Bench(policy(budget=1000)).press(0)
    bench.ring.begin("B")
    bench.see("IPPPP" * 2 + "I" + "P" * 12)
    assert bench.given() == "B 0-4 5-9"
    assert bench.see("I").given() == ""
    assert bench.lost == ["10-15", "16-21", "22-22"]


def test_a_ring_never_begins_with_a_gop_that_depends_on_another() -> None:
    bench = Bench(policy(10, budget=1500)).see("I" + "P" * 19 + "I")
    bench.ring.begin("B")
    assert bench.given() == "B"
    assert bench.see("PI").given() == "20-21"


def test_a_ring_after_a_stop_does_not_begin_with_what_depends_on_the_recording() -> None:
    bench = Bench(policy(10))
    bench.ring.begin("B")
    bench.see("I" + "P" * 12)  # cut at 10: the open GOP has no keyframe
    bench.ring.until(12 * FRAME_NS)
    bench.see("P" * 9 + "IP")
    assert bench.given() == "B 0-9 10-12 end@12"
    bench.press(23, before=20)
    bench.ring.begin("C")
    assert bench.see("PI").given() == "C 22-24"


def test_a_ring_never_goes_on_after_a_gap_without_a_keyframe() -> None:
    bench = Bench(policy(10, budget=2400)).see("IPPPP" * 4).press(20, before=20)
    bench.see("I" + "P" * 10)
    assert bench.lost == ["20-29"]
    bench.ring.unpin()
    bench.see("PI")
    assert bench.lost == ["20-29"]
    bench.ring.begin("B")
    assert bench.given() == "B 0-4 5-9 10-14 15-19"


def test_the_end_of_a_recording_that_depends_on_what_was_lost_is_lost_too() -> None:
    bench = Bench(policy(budget=2400)).press(0)
    bench.ring.begin("B")
    bench.see("IPPPP" * 4 + "I" + "P" * 11)
    assert bench.lost == ["20-29"]
    assert bench.given() == "B 0-4 5-9 10-14 15-19"
    bench.ring.until(31 * FRAME_NS)
    bench.ring.tick(40 * FRAME_NS)
    assert bench.given() == "end@31"
    assert bench.lost == ["20-29", "30-31"]


def test_the_end_of_a_recording_that_finds_no_room_is_told() -> None:
    bench = Bench(policy(budget=1200))
    bench.ring.begin("B")
    bench.see("IPPPPIPPPPIPPP")
    bench.ring.until(13 * FRAME_NS)
    bench.ring.tick(20 * FRAME_NS)
    assert bench.given() == "B 0-4 5-9 end@13"
    assert bench.lost == ["10-13"]


# ---- the writer's side ---------------------------------------------------------------------------


def test_at_most_so_many_gops_at_a_time() -> None:
    bench = Bench().see("IPPPP" * 2)
    bench.ring.begin("B")
    bench.see("I")
    assert bench.given(1) == "B 0-4"
    assert bench.given(0) == ""
    bench.ring.note("N")
    assert bench.given(1) == "5-9"
    assert bench.given(1) == "N"


def test_what_is_put_back_waits_for_the_linked_recording() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.see("IPPPPIPPPPI")
    _, *items = bench.ring.take(8)
    bench.ring.put_back(items)
    assert not bench.ring.ready
    assert not bench.ring.idle
    bench.see("PPPPI")
    assert bench.given() == ""
    bench.ring.go_on("C")
    assert bench.given() == "C 0-4 5-9 10-14"


def test_a_recording_that_broke_when_all_was_saved_is_not_begun_again() -> None:
    bench = Bench()
    bench.ring.begin("B")
    bench.ring.take(8)
    bench.ring.put_back([], ended=True)
    bench.ring.go_on("C")
    assert bench.given() == ""


def test_going_on_where_nothing_broke_begins_anew() -> None:
    bench = Bench().see("IPI")
    bench.ring.go_on("C")
    assert bench.given() == "C 0-1"


def test_a_gop_weighs_its_pictures_and_its_sound() -> None:
    bench = Bench().press(0)
    bench.ring.begin("B")
    bench.see("IP").hear(1.5).see("I")
    (_, gop) = bench.ring.take(8)
    assert isinstance(gop, Gop)
    assert payload(gop) == 2 * PICTURE_BYTES + SOUND_BYTES
    assert gop.key


# ---- any sequence --------------------------------------------------------------------------------


class AnyUse(RuleBasedStateMachine):
    """Whatever happens, against a model that remembers every picture.

    A press keeps all that its pin found in the ring, and all that follows up to its end, once and
    in order, in as many linked recordings as break; what is missing has been reported lost.
    """

    BUDGET = 4000

    def __init__(self) -> None:
        super().__init__()
        self.ring: Ring[str] = Ring(policy(0.7, budget=self.BUDGET), self._lose)
        self.next = 0
        self.flowing = False
        self.usable: list[int] = []
        """Pictures that a keyframe precedes."""
        self.spans: list[tuple[int, int | None]] = []
        """First and last picture of what each press keeps; None: it goes on."""
        self.kept: list[list[int]] = []
        self.lost: set[int] = set()
        self.writing = -1
        self.broken = False
        self.taken: list[Gop] = []

    def _lose(self, gop: Gop) -> None:
        self.lost.update(numbers(gop))

    @property
    def keeping(self) -> bool:
        return bool(self.spans) and self.spans[-1][1] is None

    # ---- the camera ------------------------------------------------------------------------------

    @rule(pattern=st.sampled_from(["I", "IPP", "PPP", "P", "IPPPP", "P" * 11]))
    def see(self, pattern: str) -> None:
        for kind in pattern:
            self.flowing |= kind == "I"
            if self.flowing:
                self.usable.append(self.next)
            data = self.next.to_bytes(PICTURE_BYTES, "big")
            self.ring.append(Packet(Track.VIDEO, self.next * FRAME_NS, data, kind == "I"))
            self.next += 1

    @rule()
    def stall(self) -> None:
        self.ring.cut()
        self.flowing = False
        self.next += 30

    # ---- the wearer ------------------------------------------------------------------------------

    @precondition(lambda self: not self.keeping)
    @rule(before=st.sampled_from([0, 3, 7]), lead=st.integers(0, 12), cancelled=st.booleans())
    def press(self, before: int, lead: int, cancelled: bool) -> None:
        if self.spans:
            self.next = max(self.next, int(self.spans[-1][1] or 0) + 1)
        self.ring.pin((self.next - before) * FRAME_NS, self.next * FRAME_NS)
        oldest_ns = self.ring.oldest_ns
        self.flowing &= before > 0
        first = self.next if oldest_ns is None else oldest_ns // FRAME_NS
        self.see("P" * lead)
        if cancelled:
            self.ring.unpin()
            return
        self.ring.begin(f"B{len(self.spans)}")
        self.spans.append((first, None))
        self.kept.append([])

    @precondition(lambda self: self.keeping)
    @rule(later=st.integers(0, 8))
    def stop(self, later: int) -> None:
        last = self.next - 1 + later
        self.ring.until(last * FRAME_NS)
        self.spans[-1] = self.spans[-1][0], last

    @precondition(lambda self: not self.keeping and bool(self.spans))
    @rule()
    def press_again(self) -> None:
        if self.ring.resume():
            self.spans[-1] = self.spans[-1][0], None

    @rule()
    def tick(self) -> None:
        self.next += 3
        self.ring.tick(self.next * FRAME_NS)

    # ---- the writer ------------------------------------------------------------------------------

    def _write(self, items: list[Gop | End | str]) -> None:
        for item in items:
            if isinstance(item, str):
                self.writing = int(item[1:])
            elif isinstance(item, Gop):
                self.taken.append(item)
                self.kept[self.writing] += numbers(item)

    @rule(gops=st.integers(1, 8))
    def write(self, gops: int) -> None:
        self._write(self.ring.take(gops))

    @rule()
    def settle(self) -> None:
        self.ring.settle(self.taken)
        self.taken = []

    @precondition(lambda self: not self.broken)
    @rule(done=st.integers(0, 2))
    def break_(self, done: int) -> None:
        items = self.ring.take(3)
        self._write(items[:done])
        left = items[done:]
        if not left:
            return
        ended = isinstance(left[0], End)
        if isinstance(left[0], str):
            self._write(left[:1])
        self.ring.put_back(left[not isinstance(left[0], Gop) :], ended=ended)
        self.broken = True

    @precondition(lambda self: self.broken)
    @rule()
    def mend(self) -> None:
        self.ring.go_on(f"C{self.writing}")
        self.broken = False

    # ---- what holds ------------------------------------------------------------------------------

    @invariant()
    def the_budget_holds(self) -> None:
        assert 0 <= self.ring.held_bytes <= self.BUDGET

    @invariant()
    def pictures_come_once_in_order_and_of_their_own_time(self) -> None:
        for pictures, (first, last) in zip(self.kept, self.spans, strict=True):
            assert pictures == sorted(set(pictures))
            assert all(first <= n <= (self.next if last is None else last) for n in pictures)

    def teardown(self) -> None:
        self.ring.sleep()
        if self.broken:
            self.mend()
        self.write(10_000)
        self.settle()
        assert self.ring.idle
        assert self.ring.held_bytes == 0
        for pictures, (first, last) in zip(self.kept, self.spans, strict=True):
            end = self.next if last is None else last
            wanted = {n for n in self.usable if first <= n <= end}
            assert wanted - set(pictures) <= self.lost


def numbers(gop: Gop) -> list[int]:
    return [int.from_bytes(packet.data, "big") for packet in gop.video]


AnyUse.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
test_any_use = AnyUse.TestCase


@pytest.mark.parametrize("start", range(5))
def test_no_picture_is_missing_wherever_the_press_falls(start: int) -> None:
    bench = Bench().see("IPPPP" * 6 + "IPPPP"[:start])
    press = bench.next
    bench.press(press)
    bench.ring.begin("B")
    bench.see(("IPPPP" * 6)[start:])
    bench.ring.until(60 * FRAME_NS)
    bench.see("IPPPP" * 5)
    parts = [part for part in bench.given().split() if part[0].isdigit()]
    first, last = int(parts[0].split("-")[0]), int(parts[-1].split("-")[1])
    assert press - 10 - 5 < first <= press - 10
    assert last == 60
    for one, other in pairwise(parts):
        assert int(one.split("-")[1]) + 1 == int(other.split("-")[0])
