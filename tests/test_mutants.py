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


def test_the_same_fault_twice_in_a_function_has_two_names() -> None:
    names = [mutant.name for mutant in mutants("m.py", "def f():\n    return g(7) + h(7)")]
    assert len(set(names)) == len(names)
    assert "m.py: f: 7  ->  8 (2)" in names


def test_the_quickest_test_of_a_line_comes_first() -> None:
    baseline = Baseline({"slow": 2.0, "quick": 0.1}, {"m.py": {3: frozenset({"slow", "quick"})}})
    assert baseline.tests("m.py", 3, 3) == ["quick", "slow"]
    assert baseline.tests("m.py", 9, 9) == ["quick", "slow"]  # runs at import only
    assert baseline.tests("other.py", 3, 3) == []


JUDGE = """
import sys
from pathlib import Path
from tools.mutants.mutations import Mutant
from tools.mutants.trial import Trial

path, was, now = sys.argv[1:4]
source = Path(path).read_text()
assert was in source
mutant = Mutant(path, "", (1, 1), was, now, 0, source.replace(was, now))
trial = Trial(Path(), mutant, sys.argv[4:], limit_s=6)
while (fate := trial.fate()) is None:
    pass
print(fate.value)
"""


@pytest.mark.parametrize(
    ("now", "fate"),
    [
        ('ROOT = "bodycam/v1"', Fate.SURVIVED),
        ('ROOT = "bodycam/v2"', Fate.KILLED),
        ("while True: pass", Fate.TOO_SLOW),
    ],
)
def test_a_mutant_is_judged_by_the_tests_of_its_line(now: str, fate: Fate) -> None:
    module = "device/bodycam/messages/topics.py"
    test = "tests/messages/test_messages.py::test_what_is_subscribed_to_covers_what_is_published"
    command = [sys.executable, "-c", JUDGE, module, 'ROOT = "bodycam/v1"', now, test]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == fate.value, done.stderr
