"""The table of texts: whole in both languages, used, and nothing is said that is not in it."""

import re
from pathlib import Path

import pytest

import bodycam_station.board as package
from bodycam.messages.camera import CLOCKS, EVENT_KINDS, RECORDER_SILENT
from bodycam.messages.commands import COMMANDS
from bodycam.rules.events import Fault
from bodycam_station.board.access import Role
from bodycam_station.board.audit import ACTS
from bodycam_station.board.frame import THEMES
from bodycam_station.board.morning import SHOWS
from bodycam_station.board.pages import SAID
from bodycam_station.board.texts import LANGUAGES, TEXTS, Language, Words, preferred
from bodycam_station.fleet import findings, views

BOARD = Path(package.__file__).parent
HOLES = re.compile(r"{(\w+)}")

FAULTS = [*(fault.value for fault in Fault), RECORDER_SILENT]

# Every family of keys that is put together from a word, with all words that there are.
FAMILIES = {
    "finding.": [code for code in findings.FINDINGS if code != findings.FAULT],
    "short.": [code for code in findings.FINDINGS if code != findings.FAULT],
    "do.": [row.do for row in findings.FINDINGS.values()],
    "fault.": FAULTS,
    "do.fault.": FAULTS,
    "state.": views.STATES,
    "fitness.": views.FITNESS,
    "line.": views.FITNESS,
    "severity.": findings.SEVERITIES,
    "outcome.": [
        *(views.PENDING, views.ACCEPTED, views.DONE),
        *(views.REFUSED, views.FAILED, views.TIMED_OUT),
    ],
    "command.": COMMANDS,
    "span.": views.SPANS,
    "clock.": CLOCKS,
    "dock_test.": ("", "none", "passed", "failed"),
    "role.": list(Role),
    "act.": ACTS,
    "said.": SAID,
    "theme.": THEMES,
    "language.": LANGUAGES,
    "fleet.show.": SHOWS,
    "journal.": EVENT_KINDS - {"open", "close"},
    "error.": ("400", "403", "csrf", "404", "405", "409", "413", "429", "500", "503"),
    "chart.": ("battery", "room", "temperature", "radio"),
}


def used() -> set[str]:
    """Keys that code and templates name as they are."""
    found: set[str] = set()
    for path in [*BOARD.glob("*.py"), *BOARD.glob("templates/*.html")]:
        if path.name != "texts.py":
            found |= set(re.findall(r"[\"']([a-z_]+(?:\.[a-z0-9_.-]+)?)[\"']", path.read_text()))
    return found & set(TEXTS)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_word_of_a_family_has_its_text(family: str) -> None:
    assert [word for word in FAMILIES[family] if f"{family}{word}" not in TEXTS] == []


def test_both_languages_say_something_with_the_same_holes() -> None:
    for key, (dutch, english) in TEXTS.items():
        assert dutch.strip(), key
        assert english.strip(), key
        # A Dutch plural may be the same word: |one and many| are told apart where they differ.
        assert set(HOLES.findall(dutch)) == set(HOLES.findall(english)), key


def test_no_text_is_left_that_nobody_says() -> None:
    said = used() | {f"{family}{word}" for family, words in FAMILIES.items() for word in words}
    built = {
        *(f"error.{word}.do" for word in FAMILIES["error."]),
        *(f"command.{name}.about" for name in COMMANDS),
        *(f"cases.{name}" for name in ("cannot", "missing", "see", "small", "seen")),
        *(f"moment.{name}" for name in ("raised", "cleared", "acknowledged")),
        *(f"nav.{name}" for name in ("morning", "alerts", "audit")),
        *(f"log_in.{name}" for name in ("again", "out")),
        *(f"fleet.look.{name}" for name in ("table", "tiles")),
    }
    assert sorted(set(TEXTS) - said - built) == []


def test_one_and_many() -> None:
    dutch, english = Words("nl"), Words("en")
    assert [dutch("line.missing", n=n) for n in (0, 1, 2)] == [
        "ontbreken",
        "ontbreekt",
        "ontbreken",
    ]
    assert english("fleet.count", n=1) == "1 camera"
    assert english("fleet.count", n=24) == "24 cameras"


def test_an_unknown_key_is_our_mistake_and_shows() -> None:
    with pytest.raises(KeyError):
        Words("nl")("no.such.text")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        ("en-GB,en;q=0.9,nl;q=0.8", "en"),
        ("de-DE,de;q=0.9,en;q=0.5,nl;q=0.7", "nl"),
        ("de", None),
        ("", None),
        ("nl;q=0,en;q=0.1", "en"),
        ("nl;q=oops", None),
        ("," * 5000, None),
    ],
)
def test_a_browser_is_answered_in_its_language(header: str, language: Language | None) -> None:
    assert preferred(header) == language
