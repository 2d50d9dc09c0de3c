"""Makes the wearer's pocket cards, docs/pocket-card.nl.html and .en.html, each one page of A5.

What button, light and vibration mean comes from the rules' own tables, the numbers from a policy.
A row whose cell in the table of states does something else now is an error, and so is a sentence of
the tables that has no translation.

usage: python tools/make_pocket_card.py [--policy FILE] [--out FOLDER]
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from bodycam.media.packets import SECOND
from bodycam.ports import Pattern
from bodycam.rules import buttons, table
from bodycam.rules.cues import LIGHTS, VIBRATIONS, Feel, levels
from bodycam.rules.model import State, Trigger
from bodycam.rules.policy import Policy, read_policy
from bodycam.rules.turn import Turn

HOUSE = Path(__file__).parent.parent
LANGUAGES = ("nl", "en")


@dataclass(frozen=True, slots=True)
class Row:
    """What a button does in one state, and the cell of the table of which that is told."""

    state: State
    trigger: Trigger
    does: Callable[[Turn], None]
    en: tuple[str, str]
    """What the wearer does, and what happens; `{…}` are numbers of the policy and the rules."""
    nl: tuple[str, str]


RECORD = (
    Row(
        State.STANDBY,
        Trigger.PRESS,
        table.warn_then_record,
        ("Press", "It warns; {lead} s later it records, and keeps {before}."),
        ("Druk", "Hij waarschuwt; {lead} s later neemt hij op, en bewaart {before}."),
    ),
    Row(
        State.WARNING,
        Trigger.HOLD,
        table.record_held,
        ("Hold {tap} s", "No time to wait: it warns and records at once."),
        ("Houd {tap} s vast", "Geen tijd om te wachten: hij waarschuwt en neemt meteen op."),
    ),
    Row(
        State.WARNING,
        Trigger.PRESS,
        table.record_again,
        ("Press again during the warning", "It records at once. A press never cancels."),
        ("Druk weer tijdens de waarschuwing", "Hij neemt meteen op. Drukken breekt nooit af."),
    ),
    Row(
        State.RECORDING,
        Trigger.TAP,
        table.mark,
        ("Press while recording", "It marks this moment. It goes on recording."),
        ("Druk tijdens de opname", "Hij markeert dit moment. De opname gaat door."),
    ),
    Row(
        State.RECORDING,
        Trigger.STOP,
        table.stop,
        ("Hold until the buzz, let go before {late} s", "It stops{after}."),
        ("Houd vast tot de trilling, los vóór {late} s", "Hij stopt{after}."),
    ),
    Row(
        State.AFTER,
        Trigger.PRESS,
        table.record_linked,
        ("Press within {linked} s after a stop", "It warns and records at once."),
        ("Druk binnen {linked} s na het stoppen", "Hij waarschuwt en neemt meteen op."),
    ),
    Row(
        State.PAUSED,
        Trigger.PRESS,
        table.wake_and_warn,
        ("Press in a pause or in the dock", "It wakes, warns and records; nothing from before."),
        (
            "Druk in een pauze of in de lader",
            "Hij wordt wakker, waarschuwt en neemt op; niets van ervoor.",
        ),
    ),
)
FUNCTION = (
    Row(
        State.STANDBY,
        Trigger.FN_TAP,
        table.warn_only,
        ("Press", "A warning only. Nothing is kept."),
        ("Druk", "Alleen een waarschuwing. Er wordt niets bewaard."),
    ),
    Row(
        State.WARNING,
        Trigger.FN_HOLD_1,
        table.cancel,
        ("Hold 1 s during the warning", "It cancels. Nothing is kept."),
        ("Houd 1 s vast tijdens de waarschuwing", "Hij breekt af. Er wordt niets bewaard."),
    ),
    Row(
        State.RECORDING,
        Trigger.FN_TAP,
        table.tell_levels,
        ("Press while recording", "Battery and card, by vibration."),
        ("Druk tijdens de opname", "Accu en kaart, met trillen."),
    ),
    Row(
        State.STANDBY,
        Trigger.FN_HOLD_3,
        table.pause,
        ("Hold 3 s", "Privacy pause, at most {pause} min; press again to end it."),
        ("Houd 3 s vast", "Privacypauze, hoogstens {pause} min; druk weer om te beëindigen."),
    ),
)

DUTCH = {
    "the camera is closing down": "de camera sluit af",
    "footage is being kept": "er wordt opgenomen",
    "a warning is being given": "er wordt gewaarschuwd",
    "privacy pause: nothing is seen or heard": "privacypauze: er wordt niets gezien of gehoord",
    "it would not record as it should": "opnemen zou niet goed gaan",
    "its manager looks for it": "de beheerder zoekt hem",
    "asleep in the dock": "slaapt in de lader",
    "ready; nothing is being kept": "gereed; er wordt niets bewaard",
    "three long: it is **not** recording": "drie lang: hij neemt **niet** op",
    "two short: recording has started": "twee kort: de opname is begonnen",
    "one long: recording has stopped": "één lang: de opname is gestopt",
    "four ticks: cancelled, nothing is kept": "vier tikken: afgebroken, er wordt niets bewaard",
    "short, long: a warning only, nothing is kept": (
        "kort, lang: alleen een waarschuwing, er wordt niets bewaard"
    ),
    "a buzz: let go now to stop": "een trilling: laat nu los om te stoppen",
    "a tick: marked": "een tik: gemarkeerd",
    "short, pause, long: the privacy pause is over": "kort, rust, lang: de privacypauze is voorbij",
    "two long: privacy pause": "twee lang: privacypauze",
    "long, short: still paused": "lang, kort: nog steeds pauze",
    "battery in quarters, then hours of footage left (`levels`)": (
        "accu in kwarten, dan uren ruimte op de kaart"
    ),
    "one short: still recording": "één kort: de opname loopt nog",
    "long, two short: something is wrong": "lang, twee kort: er is iets mis",
    "long, short, long: the manager looks for it": "lang, kort, lang: de beheerder zoekt hem",
    "green": "groen",
    "amber": "oranje",
    "red": "rood",
    "off": "uit",
}
"""What the tables say, in Dutch."""

WORDS = {
    "en": {
        "title": "Bodycam: your pocket card",
        "record": "The large button",
        "function": "The small button",
        "light": "The light that everybody sees",
        "vibration": "What you feel",
        "each": "one line lasts {period} s",
        "every": " (every {period} s)",
        "before": "the {pre} s before the press ({sound})",
        "nothing before": "nothing from before the press",
        "image": "image only",
        "both": "image and sound",
        "after": ", and keeps {post} s more",
        "reminder": "While recording it reminds you every {reminder}.",
        "say": "Say it yourself too: <b>“You are being filmed, with sound.”</b>",
        "say mute": "Say it yourself too: <b>“You are being filmed.”</b>",
        "sealed": "You cannot play or delete anything; only the municipality can open recordings.",
        "policy": "Policy",
    },
    "nl": {
        "title": "Bodycam: je zakkaart",
        "record": "De grote knop",
        "function": "De kleine knop",
        "light": "Het licht dat iedereen ziet",
        "vibration": "Wat je voelt",
        "each": "één regel duurt {period} s",
        "every": " (elke {period} s)",
        "before": "de {pre} s vóór het drukken ({sound})",
        "nothing before": "niets van vóór het drukken",
        "image": "alleen beeld",
        "both": "beeld en geluid",
        "after": ", en bewaart nog {post} s",
        "reminder": "Tijdens de opname herinnert hij je elke {reminder}.",
        "say": "Zeg het ook zelf: <b>“U wordt gefilmd, met geluid.”</b>",
        "say mute": "Zeg het ook zelf: <b>“U wordt gefilmd.”</b>",
        "sealed": "Je kunt niets afspelen of wissen; alleen de gemeente kan opnamen openen.",
        "policy": "Beleid",
    },
}

LIGHT_MS, FEEL_MS = 4000, 2000
INK = {"red": "#c21807", "amber": "#d98200", "green": "#16803c", "": "#ffffff"}

STYLE = """
@page { size: A5; margin: 0 }
* { box-sizing: border-box }
body { width: 148mm; height: 210mm; margin: 0; padding: 5.5mm 7mm; color: #000; background: #fff;
  font: 7.3pt/1.2 "DejaVu Sans", Verdana, sans-serif; display: flex; flex-direction: column }
h1 { font-size: 12pt; margin: 0 } h2 { font-size: 8.5pt; margin: 1.8mm 0 .5mm }
h2 small { font-weight: normal; font-size: 6.5pt }
table { width: 100%; border-collapse: collapse }
td { padding: .42mm 1mm .42mm 0; vertical-align: middle; border-top: .2mm solid #999 }
.act td:first-child { width: 42%; font-weight: bold }
.cue td:first-child { width: 44mm } .cue svg { display: block }
footer { margin-top: auto; padding-top: 1.5mm; border-top: .5mm solid #000 }
footer p { margin: .5mm 0 }
"""


def card(policy: Policy, language: str) -> str:
    """One card, as a page that needs nothing else. ValueError where it would not be true."""
    words = WORDS[language]
    numbers = _numbers(policy, words)
    body = [
        f"<h1>{words['title']}</h1>",
        f"<h2>{words['record']}</h2>",
        *_actions(RECORD, language, numbers),
        f"<h2>{words['function']}</h2>",
        *_actions(FUNCTION, language, numbers),
        _heading(words, "light", LIGHT_MS),
        *_lights(language),
        _heading(words, "vibration", FEEL_MS),
        *_vibrations(language),
        "<footer>",
        f"<p>{words['say' if policy.sound.recorded else 'say mute']}</p>",
        f"<p>{words['reminder'].format(**numbers)} {words['sealed']}</p>",
        f"<p>{words['policy']}: {escape(policy.name)} ({policy.sha256[:8]})</p>",
        "</footer>",
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{words['title']}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _numbers(policy: Policy, words: dict[str, str]) -> dict[str, str]:
    keep, reminder_s = policy.keep, policy.wearer.reminder_s
    before = words["nothing before"]
    if keep.pre_record_s:
        sound = words["both" if keep.sound_before_press and policy.sound.recorded else "image"]
        before = words["before"].format(pre=f"{keep.pre_record_s:g}", sound=sound)
    after = words["after"].format(post=f"{keep.post_record_s:g}") if keep.post_record_s else ""
    whole = reminder_s % 60 == 0
    return {
        "lead": f"{policy.warning.lead_s:g}",
        "before": before,
        "after": after,
        "tap": f"{buttons.TAP_NS / SECOND:g}",
        "late": f"{buttons.STOP_BEFORE_NS / SECOND:g}",
        "linked": f"{table.LINKED_WITHIN_NS / SECOND:g}",
        "pause": f"{policy.wearer.pause_s / 60:g}",
        "reminder": f"{reminder_s // 60} min" if whole else f"{reminder_s} s",
    }


def _actions(rows: tuple[Row, ...], language: str, numbers: dict[str, str]) -> Iterator[str]:
    yield '<table class="act">'
    for row in rows:
        cell = table.TABLE[row.state][row.trigger]
        if cell is None or cell.act is not row.does:
            raise ValueError(f"{row.state.value} × {row.trigger.value} is no longer {row.does}.")
        act, happens = row.en if language == "en" else row.nl
        yield (
            f"<tr><td>{escape(act.format(**numbers))}</td>"
            f"<td>{escape(happens.format(**numbers))}</td></tr>"
        )
    yield "</table>"


def _heading(words: dict[str, str], key: str, period_ms: int) -> str:
    lasts = words["each"].format(period=f"{period_ms / 1000:g}")
    return f"<h2>{words[key]} <small>({lasts})</small></h2>"


def _lights(language: str) -> Iterator[str]:
    yield '<table class="cue">'
    for shown in LIGHTS.values():
        colour = shown.pattern.colour or "off"
        name = colour if language == "en" else _dutch(colour)
        text = shown.says if language == "en" else _dutch(shown.says)
        period_ms = sum(shown.pattern.pulses_ms)
        if period_ms > LIGHT_MS / 2:
            text += WORDS[language]["every"].format(period=f"{period_ms / 1000:g}")
        yield (
            f"<tr><td>{_strip(shown.pattern, LIGHT_MS, repeats=True)}</td>"
            f"<td><b>{name}</b>: {escape(text)}</td></tr>"
        )
    yield "</table>"


def _vibrations(language: str) -> Iterator[str]:
    yield '<table class="cue">'
    for feel, felt in VIBRATIONS.items():
        pattern = Pattern("", felt.pulses_ms)
        if feel is Feel.LEVELS:
            pattern = levels(battery_percent=75, room_minutes=120)
        text = re.sub(r" \(`\w+`\)", "", felt.says) if language == "en" else _dutch(felt.says)
        bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text))
        yield f"<tr><td>{_strip(pattern, FEEL_MS)}</td><td>{bold}</td></tr>"
    yield "</table>"


def _dutch(text: str) -> str:
    if text not in DUTCH:
        raise ValueError(f"no Dutch for: {text}")
    return DUTCH[text]


def _strip(pattern: Pattern, length_ms: int, *, repeats: bool = False) -> str:
    """A pattern against time: a block where it is on."""
    parts = []
    at, pulses = 0, pattern.pulses_ms
    while pulses and at < length_ms:
        for index, pulse in enumerate(pulses):
            if index % 2 == 0 and at < length_ms:
                parts.append(
                    f'<rect x="{at}" y="20" width="{min(pulse, length_ms - at)}" height="160"/>'
                )
            at += pulse
        if not repeats:
            break
    ink = INK[pattern.colour] if repeats else "#000000"
    return (
        f'<svg viewBox="0 0 {length_ms} 200" width="42mm" height="2.6mm" '
        f'preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{length_ms}" height="200" fill="#e4e4e4"/>'
        f'<g fill="{ink}">{"".join(parts)}</g></svg>'
    )


def main() -> int:
    """Write both cards."""
    parser = argparse.ArgumentParser(description="Makes the wearer's pocket cards.")
    default = HOUSE / "config/policies/default.toml"
    parser.add_argument("--policy", type=Path, default=default, help="the municipality's policy")
    parser.add_argument("--out", type=Path, default=HOUSE / "docs", help="folder for the cards")
    args = parser.parse_args()
    policy = read_policy(args.policy.read_bytes(), str(args.policy))
    for language in LANGUAGES:
        (args.out / f"pocket-card.{language}.html").write_text(card(policy, language))
    return 0


if __name__ == "__main__":
    sys.exit(main())
