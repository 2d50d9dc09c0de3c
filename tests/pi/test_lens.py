"""The lens watch: what it sees, what it tells, and that nothing waits for it."""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodycam.errors import DeviceError
from bodycam.pi.camera import Luma
from bodycam.pi.lens import STEADY, LensWatch, Looker, LookerProcess, Patience, Steady
from bodycam.pi.lens_sight import COVERED, DARK, UPSIDE_DOWN, Rows, wrong
from bodycam.rules.events import Fault
from bodycam_sim.scene import PictureSpec, Scene
from installed import HOUSE, lines
from reported import Reported

WIDTH, HEIGHT = 160, 90
HOURS = 10


def street(seed: int = 1, *, night: bool = False) -> Callable[[int], Rows]:
    """The simulator's street, one picture a second."""
    scene = Scene(PictureSpec(WIDTH, HEIGHT, 5, 400_000, seed, night))

    def picture(second: int) -> Rows:
        return np.ascontiguousarray(scene.draw(second * 5)[:HEIGHT])

    return picture


def noisy(rows: Rows, strength: float, seed: int) -> Rows:
    noise = np.random.default_rng(seed).normal(0, strength, rows.shape)
    return np.clip(rows + noise, 0, 255).astype(np.uint8)


def hand(rows: Rows) -> Rows:
    """A hand a centimetre before the lens: soft, brighter on one side, not black."""
    shade = np.linspace(60, 90, rows.shape[1], dtype=np.float32)
    return noisy(np.tile(shade, (rows.shape[0], 1)).astype(np.uint8), 2, 1)


def strap(rows: Rows) -> Rows:
    """A strap that leaves a corner free."""
    covered = hand(rows)
    covered[:22, :40] = rows[:22, :40]
    return covered


def black(rows: Rows) -> Rows:
    return noisy(np.full_like(rows, 16), 2, 2)


def unchanged(rows: Rows) -> Rows:
    return rows


def turned(rows: Rows) -> Rows:
    return np.ascontiguousarray(rows[::-1, ::-1])


@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("happens", "seen"),
    [
        (unchanged, set()),
        (hand, {COVERED}),
        (strap, {COVERED}),
        (black, {DARK}),
        (turned, {UPSIDE_DOWN}),
    ],
)
def test_what_is_seen(
    happens: Callable[[Rows], Rows], seen: set[str], seed: int, night: bool
) -> None:
    picture = street(seed, night=night)
    # A person who steps close may for one picture look like anything: most must be right.
    right = sum(wrong(happens(picture(second))) == seen for second in range(0, 200, 10))
    assert right >= 18


def test_a_street_under_a_wide_sky_is_not_upside_down() -> None:
    rows = street()(0)
    sky = np.full((HEIGHT * 2 // 3, WIDTH), 200, np.uint8)
    busy = cv2.resize(rows, (WIDTH, HEIGHT - len(sky)))
    assert wrong(np.vstack([sky, busy])) == frozenset()


@pytest.mark.parametrize(("word", "steadiness"), STEADY.items())
def test_a_fault_needs_pictures_in_a_row_and_so_does_its_end(word: str, steadiness: object) -> None:
    said = STEADY[word]
    assert said is steadiness
    steady, seen, nothing = Steady(), frozenset({word}), frozenset[str]()
    for _ in range(said.raised_after - 1):
        assert steady.take(seen) == []
    assert steady.take(nothing) == []
    for _ in range(said.raised_after - 1):
        assert steady.take(seen) == []
    steady.interrupted()
    for _ in range(said.raised_after - 1):
        assert steady.take(seen) == []
    assert steady.take(seen) == [(said.fault, True)]
    assert steady.take(seen) == []
    for _ in range(said.cleared_after - 1):
        assert steady.take(nothing) == []
    assert steady.take(seen) == []
    for _ in range(said.cleared_after - 1):
        assert steady.take(nothing) == []
    assert steady.take(nothing) == [(said.fault, False)]


def test_what_it_tells_are_faults_of_the_rules() -> None:
    assert {said.fault for said in STEADY.values()} < {fault.value for fault in Fault}


# ---- the other process ---------------------------------------------------------------------------


def luma(rows: Rows) -> Luma:
    return Luma(WIDTH, HEIGHT, rows.tobytes())


def test_the_real_process_answers_for_real_pictures() -> None:
    looker = LookerProcess()
    try:
        rows = street()(0)
        for happens, seen in ((unchanged, set()), (black, {DARK}), (turned, {UPSIDE_DOWN})):
            assert looker.look(luma(happens(rows))) == seen
    finally:
        looker.close()


HANGS = "import time; time.sleep(1000)"
READS_AND_HANGS = f"import sys; sys.stdin.buffer.read(9); {HANGS}"
ENDS = "pass"
TALKS = "import sys; sys.stdin.buffer.read(4); print('all is well')"
TALKS_ON = "import sys\nwhile True: sys.stdout.write('x' * 50); sys.stdout.flush()"


@pytest.mark.parametrize("program", [HANGS, READS_AND_HANGS, ENDS, TALKS, TALKS_ON])
def test_a_process_that_does_not_do_its_work_is_an_error_in_time(program: str) -> None:
    command = (sys.executable, "-S", "-c", program)
    looker = LookerProcess(command, Patience(begin_s=1, answer_s=1))
    # More than a pipe holds, so that writing would block as well.
    large = Luma(640, 360, bytes(640 * 360))
    with pytest.raises(DeviceError):
        looker.look(large)
    looker.close()
    with pytest.raises(DeviceError):
        looker.look(large)


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DeviceError, match="cannot be started"):
        LookerProcess(("/nonexistent",))


def test_the_unit_lets_it_be_less_important() -> None:
    assert "setpriority" in lines(HOUSE / "systemd/bodycam.service", "SystemCallFilter")


# ---- the watch -----------------------------------------------------------------------------------


class Scripted:
    """A looker that answers from a list, and fails where that says so."""

    def __init__(self, answers: list[set[str] | Exception]) -> None:
        self._answers = iter(answers)
        self.closed = False

    def look(self, luma: Luma) -> frozenset[str]:
        answer = next(self._answers, set[str]())
        if isinstance(answer, Exception):
            raise answer
        return frozenset(answer)

    def close(self) -> None:
        self.closed = True


class Bench:
    """A watch that runs as fast as it can, and what it told."""

    def __init__(self) -> None:
        self.reported = Reported()
        self.told: list[str] = []
        self.lookers: list[Scripted] = []
        self.scripts: list[list[set[str] | Exception]] = []
        self.picture: Luma | None = Luma(16, 16, bytes(256))
        self.waits: list[float] = []
        self.asked = threading.Semaphore(0)
        self.watch = LensWatch(
            self._luma,
            self.reported,
            tell=self.told.append,
            start_looker=self._start,
            every_s=0.001,
            patience=Patience(again_s=0.001, again_at_most_s=0.004),
        )

    def _luma(self, wait_s: float) -> Luma | None:
        self.waits.append(wait_s)
        self.asked.release()
        return self.picture

    def _start(self) -> Looker:
        self.lookers.append(Scripted(self.scripts.pop(0) if self.scripts else []))
        return self.lookers[-1]


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.watch.stop()
    assert not any(thread.name == "lens" for thread in threading.enumerate())
    assert all(looker.closed for looker in bench.lookers)


def test_a_hand_on_the_lens_is_told_and_its_end_too(bench: Bench) -> None:
    bench.scripts = [[{COVERED}] * 6]
    bench.watch.start()
    bench.reported.wait_for(("fault", "lens-covered", True), ("fault", "lens-covered", False))
    assert len(bench.reported.said) == 2
    assert bench.told == []


def test_a_looker_that_fails_is_replaced_and_nothing_is_lost_but_the_count(bench: Bench) -> None:
    for error in (DeviceError("It does not answer."), ValueError("nobody foresaw this")):
        bench.scripts += [[{COVERED}] * 4 + [error]]
    bench.scripts += [[{COVERED}] * 5]
    bench.watch.start()
    bench.reported.wait_for(("fault", "lens-covered", True))
    assert len(bench.lookers) == 3
    assert [looker.closed for looker in bench.lookers] == [True, True, False]
    assert bench.told == [
        "It does not answer. It is started again in 0.001 s.",
        "nobody foresaw this It is started again in 0.001 s.",
    ]


def test_one_that_fails_always_is_tried_ever_more_seldom(bench: Bench) -> None:
    bench.scripts = [[DeviceError("No.")] for _ in range(5)]
    bench.watch.start()
    for _ in range(8):
        assert bench.asked.acquire(timeout=10)
    assert [text.split()[-2] for text in bench.told] == [
        *("0.001", "0.002", "0.004", "0.004", "0.004")
    ]


def test_a_sleeping_camera_is_only_asked_and_never_for_long(bench: Bench) -> None:
    bench.picture = None
    bench.watch.start()
    for _ in range(5):
        assert bench.asked.acquire(timeout=10)
    assert bench.lookers == []
    assert set(bench.waits) == {0.001}


def test_opencv_is_loaded_by_no_process_but_its_own() -> None:
    source = (HOUSE / "device/bodycam/pi/lens.py").read_text()
    assert "cv2" not in source
    assert "lens_sight import" not in source
    importers = [
        path.name
        for path in Path(HOUSE / "device").rglob("*.py")
        if "import cv2" in path.read_text()
    ]
    assert importers == ["lens_sight.py"]


@pytest.mark.proof
@pytest.mark.parametrize("night", [False, True])
def test_ten_hours_give_at_most_one_false_alarm(night: bool) -> None:
    """Half of the hours by day, half by night, each in another street, with a sensor's noise."""
    alarms = 0
    for hour in range(HOURS // 2):
        steady, picture = Steady(), street(100 + hour, night=night)
        for second in range(3600):
            rows = noisy(picture(second), 5 if night else 2, second)
            alarms += sum(there for _, there in steady.take(wrong(rows)))
    print(f"{alarms} false alarms in {HOURS // 2} hours of {'night' if night else 'day'}")
    # At most one in all ten hours: half of that is none.
    assert alarms == 0


@pytest.mark.proof
@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize(
    ("happens", "fault"),
    [(hand, "lens-covered"), (black, "lens-dark"), (turned, "lens-upside-down")],
)
def test_what_is_wrong_is_found_within_a_minute(
    happens: Callable[[Rows], Rows], fault: str, night: bool
) -> None:
    for seed in range(100, 110):
        steady, picture = Steady(), street(seed, night=night)
        found = [
            change
            for second in range(60)
            for change in steady.take(wrong(noisy(happens(picture(second)), 2, second)))
        ]
        assert found == [(fault, True)], f"street {seed}"
