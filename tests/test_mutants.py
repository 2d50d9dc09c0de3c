"""The tool that tries the tests: it puts in the faults that it says, and judges rightly."""

import subprocess
import sys
from pathlib import Path

import pytest
from tools.mutants.baseline import Baseline
from tools.mutants.mutations import mutants
from tools.mutants.trial import Fate

HOUSE = Path(__file__).parents[1]

FAULTS = [
    ("x = a < b", "a <= b"),
    ("x = a in b", "a not in b"),
    ("x = a + b", "a - b"),
    ("x = a and b", "a or b"),
    ("x = not a", "a"),
    ("x = True", "False"),
    ("x = b'k'", "b'kX'"),
    ("x = a[1:]", ":"),
    ("def f():\n    return a", "return None"),
    ("def f():\n    g(1)", "pass"),
    ("while a:\n    continue", "break"),
    ("if a:\n    pass", "if not a:"),
]


@pytest.mark.parametrize(("source", "fault"), FAULTS, ids=[source for source, _ in FAULTS])
def test_a_fault_is_put_in(source: str, fault: str) -> None:
    made = [mutant for mutant in mutants("m.py", source) if mutant.now == fault]
    assert len(made) == 1
    assert made[0].source != source
    compile(made[0].source, "m.py", "exec")


@pytest.mark.parametrize(
    "source",
    [
        '"""Words."""',
        "x: int",
        "assert a, 'words'",
        "from a import b",
        "raise ConfigError('words')",
    ],
)
def test_words_are_left_alone(source: str) -> None:
    assert all(mutant.was.lower() != "'words'" for mutant in mutants("m.py", source))


def test_a_bound_that_is_greater_by_one_is_no_fault() -> None:
    source = "class A:\n    MAX_BYTES: ClassVar[int] = 4 * 1024\nMAX_LINES = 9\nLINES = 9"
    faults = [(mutant.was, mutant.now) for mutant in mutants("m.py", source)]
    assert faults == [("4 * 1024", "4 // 1024"), ("9", "10")]


def test_the_same_fault_twice_in_a_function_has_two_names() -> None:
    names = [mutant.name for mutant in mutants("m.py", "def f():\n    return g(7) + h(7)")]
    assert len(set(names)) == len(names)
    assert "m.py: f: 7  ->  8 (2)" in names


def test_the_quickest_test_of_a_line_comes_first() -> None:
    seconds = {"slow": 2.0, "quick": 0.1, "elsewhere": 0.01}
    run = {"m.py": {3: frozenset({"slow", "quick"}), 4: frozenset({"slow"})}}
    baseline = Baseline(seconds, run, {"m.py": frozenset({9}), "table.py": frozenset({1})})
    assert baseline.tests("m.py", 3, 3) == ["quick", "slow"]
    assert baseline.tests("m.py", 4, 5) == ["slow"]
    assert baseline.tests("m.py", 9, 9) == ["quick", "slow", "elsewhere"]  # at import only
    assert baseline.tests("table.py", 1, 1) == ["elsewhere", "quick", "slow"]
    assert baseline.tests("m.py", 7, 7) == []


JUDGE = """
import sys
from pathlib import Path
from tools.mutants import warm
from tools.mutants.mutations import Mutant
from tools.mutants.trial import Trial, cold

way, path, was, now, *tests = sys.argv[1:]
source = Path(path).read_text()
assert was in source
mutant = Mutant(path, "", (1, 1), was, now, 0, source.replace(was, now))

def driven(run):
    trial = Trial(mutant, lambda: run(mutant, tests), limit_s=6)
    while (fate := trial.fate()) is None:
        pass
    yield mutant, fate

if way == "warm":
    assert warm.swaps(mutant, source)
    files = [test.partition("::")[0] for test in tests]
    fates = list(warm.tried(Path.cwd(), files, [mutant], driven))
else:
    assert not warm.swaps(mutant, source)
    fates = list(driven(lambda mutant, tests: cold(Path.cwd(), mutant, tests)))
((_, fate),) = fates
print(fate.value)
"""


def judged(way: str, was: str, now: str) -> str:
    module = "device/bodycam/messages/topics.py"
    test = "tests/messages/test_messages.py::test_what_is_subscribed_to_covers_what_is_published"
    command = [sys.executable, "-c", JUDGE, way, module, was, now, test]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, timeout=60)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("now", "fate"),
    [
        ('ROOT = "".join(["bodycam", "/v1"])', Fate.SURVIVED),
        ('ROOT = "bodycam/v2"', Fate.KILLED),
        ("while True: pass", Fate.TOO_SLOW),
    ],
)
def test_a_fault_in_a_table_is_judged_by_the_tests_of_its_line(now: str, fate: Fate) -> None:
    assert judged("cold", 'ROOT = "bodycam/v1"', now) == fate.value


@pytest.mark.parametrize(
    ("now", "fate"),
    [
        ('return f"{ROOT}/{device}/desired", f"{ROOT}/{device}/cmd/" + "+"', Fate.SURVIVED),
        ("return None", Fate.KILLED),
        ("while True: pass", Fate.TOO_SLOW),
    ],
)
def test_a_fault_in_a_function_is_judged_by_the_tests_of_its_line(now: str, fate: Fate) -> None:
    was = 'return f"{ROOT}/{device}/desired", f"{ROOT}/{device}/cmd/+"'
    assert judged("warm", was, now) == fate.value
