"""The wearer's pocket cards say what the rules do."""

import re
import sys
from dataclasses import replace

import pytest

from bodycam.rules import table
from bodycam.rules.cues import LIGHTS, VIBRATIONS
from bodycam.rules.model import State, Trigger
from bodycam.rules.policy import Policy, read_policy
from bodycam.rules.turn import Cell
from installed import HOUSE

sys.path.append(str(HOUSE))
from tools import make_pocket_card as maker


def policy(text: str = "") -> Policy:
    return read_policy(f'name = "test"\n{text}'.encode(), "test.toml")


@pytest.mark.parametrize("language", maker.LANGUAGES)
def test_the_cards_in_docs_are_made_from_the_tables(language: str) -> None:
    data = (HOUSE / "config/policies/default.toml").read_bytes()
    made = maker.card(read_policy(data, "default.toml"), language)
    kept = (HOUSE / f"docs/pocket-card.{language}.html").read_text()
    assert kept == made, "run python tools/make_pocket_card.py"


@pytest.mark.parametrize("language", maker.LANGUAGES)
def test_every_light_and_vibration_is_on_the_card(language: str) -> None:
    made = maker.card(policy(), language)
    assert made.count("<svg") == len(LIGHTS) + len(VIBRATIONS)
    # The recording light: four times 0.9 s within the 4 s that a line lasts.
    strip = made.split('fill="#c21807">')[1].split("</g>")[0]
    assert re.findall(r'x="(\d+)" y="20" width="(\d+)"', strip) == [
        ("0", "900"),
        ("1000", "900"),
        ("2000", "900"),
        ("3000", "900"),
    ]


@pytest.mark.parametrize(
    ("text", "language", "says"),
    [
        ("[warning]\nlead_s = 3.5", "en", "It warns; 3.5 s later it records"),
        ("[keep]\npre_record_s = 12", "nl", "de 12 s vóór het drukken (alleen beeld)"),
        ("[keep]\npre_record_s = 0", "en", "keeps nothing from before the press"),
        ("[keep]\npost_record_s = 30", "nl", "Hij stopt, en bewaart nog 30 s."),
        ("[wearer]\npause_s = 1800", "en", "at most 30 min"),
        ("[wearer]\nreminder_s = 90", "nl", "herinnert hij je elke 90 s"),
        ("[sound]\nrecorded = false", "en", "“You are being filmed.”"),
    ],
)
def test_the_numbers_are_the_policys(text: str, language: str, says: str) -> None:
    assert says in maker.card(policy(text), language)
    assert says not in maker.card(policy(), language)


def test_a_button_that_does_something_else_now_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    standby = {**table.TABLE[State.STANDBY], Trigger.PRESS: Cell(table.warn_only, State.WARN_ONLY)}
    monkeypatch.setattr(table, "TABLE", {**table.TABLE, State.STANDBY: standby})
    with pytest.raises(ValueError, match="is no longer"):
        maker.card(policy(), "en")


def test_a_sentence_without_a_translation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(LIGHTS["docked"], says="asleep")
    monkeypatch.setitem(LIGHTS, "docked", changed)
    assert "asleep" in maker.card(policy(), "en")
    with pytest.raises(ValueError, match="no Dutch for: asleep"):
        maker.card(policy(), "nl")
