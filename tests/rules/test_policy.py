"""Policies: the three that are shipped, and every way in which a file is refused."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from bodycam.errors import ConfigError
from bodycam.media.packets import SECOND
from bodycam.rules.policy import Policy, read_policy
from bodycam.rules.settings import MAX_BYTES, Range, line_of, load, setting

SHIPPED = sorted((Path(__file__).parents[2] / "config" / "policies").glob("*.toml"))


def read(text: str) -> Policy:
    return read_policy(text.encode(), "p.toml")


def refused(data: str | bytes) -> str:
    with pytest.raises(ConfigError) as error:
        read_policy(data.encode() if isinstance(data, str) else data, "p.toml")
    return str(error.value)


# ---- what is shipped -----------------------------------------------------------------------------


def test_three_policies_are_shipped() -> None:
    assert [path.stem for path in SHIPPED] == ["default", "strict", "utrecht-2020"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_policy_is_accepted_under_its_name(path: Path) -> None:
    policy = read_policy(path.read_bytes(), path.name)
    assert policy.name == path.stem
    assert policy.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_default_file_shows_every_key_with_its_default() -> None:
    shown = read_policy(SHIPPED[0].read_bytes(), "default.toml")
    assert read('name = "default"') == replaced_hash(shown, read('name = "default"').sha256)


def replaced_hash(policy: Policy, sha256: str) -> Policy:
    return Policy(
        name=policy.name,
        warning=policy.warning,
        keep=policy.keep,
        wearer=policy.wearer,
        video=policy.video,
        sound=policy.sound,
        sealing=policy.sealing,
        sha256=sha256,
    )


def test_the_ranges_in_the_comments_of_the_default_file_are_those_that_are_enforced() -> None:
    text = SHIPPED[0].read_text()
    commented = re.findall(r"^(\w+) = [^#\n]*# ([\d.]+) to ([\d.]+)", text, re.MULTILINE)
    assert len(commented) >= 8
    for key, least, most in commented:
        allowed = f"(allowed: {float(least):g} to {float(most):g})"
        line = re.search(rf"^{key} = (\S+)", text, re.MULTILINE)
        assert line is not None
        for value in ("-1", "1000000"):
            assert allowed in refused(text.replace(line[0], f"{key} = {value}"))


# ---- what a policy says --------------------------------------------------------------------------


LIMITS: list[tuple[str, str, float, float]] = [
    ("warning", "lead_s", 0, 5),
    ("warning", "volume_day_percent", 10, 100),
    ("warning", "volume_night_percent", 10, 100),
    ("warning", "night_from_hour", 0, 23),
    ("warning", "night_until_hour", 0, 23),
    ("keep", "pre_record_s", 0, 120),
    ("keep", "post_record_s", 0, 120),
    ("keep", "acknowledged_for_h", 0, 672),
    ("wearer", "reminder_s", 30, 600),
    ("wearer", "pause_s", 60, 14_400),
    ("video", "width", 320, 1920),
    ("video", "height", 180, 1080),
    ("video", "fps", 5, 60),
    ("video", "bitrate_kbps", 100, 20_000),
    ("video", "keyframe_interval_s", 0.5, 4),
]


@pytest.mark.parametrize(("table", "key", "least", "most"), LIMITS, ids=[row[1] for row in LIMITS])
def test_a_number_may_be_its_limit_and_no_more(
    table: str, key: str, least: float, most: float
) -> None:
    def file(number: float) -> str:
        others = 'privacy_assessment = "DPIA 12"' if table == "keep" else ""
        return f'name = "p"\n[{table}]\n{key} = {number}\n{others}'

    for number in (least, most):
        assert getattr(getattr(read(file(number)), table), key) == number
    for number in (least - 1, most + 1):
        assert f"{table}.{key}" in refused(file(number))


def test_times_in_nanoseconds() -> None:
    policy = read(
        'name = "a"\n[warning]\nlead_s = 1.5\n[keep]\npre_record_s = 20\npost_record_s = 0.25\n'
        "[video]\nfps = 25\nkeyframe_interval_s = 2"
    )
    assert policy.lead_ns == 3 * SECOND // 2
    assert policy.pre_record_ns == 20 * SECOND
    assert policy.post_record_ns == SECOND // 4
    assert policy.keyframe_interval_ns == 2 * SECOND
    assert policy.frame_ns == SECOND // 25


def test_the_budget_is_what_the_design_says() -> None:
    policy = read('name = "a"\n[video]\nbitrate_kbps = 8000\n[sound]\nrecorded = false')
    assert policy.budget_bytes == (30 + 2 + 10 + 2) * 1_000_000 * 5 // 4
    with_sound = read('name = "a"\n[video]\nbitrate_kbps = 8000')
    assert with_sound.budget_bytes - policy.budget_bytes == 44 * 8_000 * 5 // 4


def test_texts_are_those_of_the_languages_in_their_order() -> None:
    texts = '[warning]\ntext_nl = "Film."\ntext_en = "Filming."\n'
    assert read(f'name = "a"\n{texts}').warning.texts == ("Film.",)
    assert read(f'name = "a"\n{texts}languages = ["en", "nl"]').warning.texts == (
        "Filming.",
        "Film.",
    )
    assert read(f'name = "a"\n{texts}languages = []').warning.texts == ()
    assert read('name = "a"\n[warning]\nlanguages = ["en"]').warning.texts == ()


@pytest.mark.parametrize(
    ("start", "end", "quiet_hours"),
    [(22, 7, {22, 23, 0, 1, 2, 3, 4, 5, 6}), (1, 4, {1, 2, 3}), (5, 5, set())],
)
def test_the_volume_of_the_night(start: int, end: int, quiet_hours: set[int]) -> None:
    warning = read(
        f'name = "a"\n[warning]\nnight_from_hour = {start}\nnight_until_hour = {end}'
    ).warning
    assert {hour for hour in range(24) if warning.volume_percent(hour) == 60} == quiet_hours
    assert {warning.volume_percent(hour) for hour in set(range(24)) - quiet_hours} == {100}


@pytest.mark.parametrize("key", ["pre_record_s = 31", "sound_before_press = true"])
def test_what_reaches_far_asks_for_the_privacy_assessment(key: str) -> None:
    name = key.split(" = ")[0]
    message = refused(f'name = "a"\n[keep]\nacknowledged_for_h = 1\n{key}')
    assert message.startswith(f"p.toml:4: keep.{name} ")
    assert message.endswith("Write it in keep.privacy_assessment.")
    keep = read(f'name = "a"\n[keep]\n{key}\nprivacy_assessment = "DPIA 2026-17"').keep
    assert keep.privacy_assessment == "DPIA 2026-17"


def test_30_s_ask_for_nothing() -> None:
    assert read('name = "a"\n[keep]\npre_record_s = 30').keep.pre_record_s == 30


# ---- what is refused -----------------------------------------------------------------------------

REFUSED = {
    "a misspelt key": (
        'name = "a"\n[warning]\nlead_sec = 2',
        "p.toml:3: warning.lead_sec is not a key that exists (did you mean lead_s?).",
    ),
    "an unknown key": (
        'name = "a"\n[sound]\nx = 2',
        "p.toml:3: sound.x is not a key that exists (known here: recorded).",
    ),
    "a misspelt table": (
        'name = "a"\n[warnings]\nlead_s = 2',
        "p.toml:2: warnings is not a key that exists (did you mean warning?).",
    ),
    "the hash is no key": (
        'name = "a"\nsha256 = "00"',
        "p.toml:2: sha256 is not a key that exists (known here: name, warning, keep, wearer,"
        " video, sound, sealing).",
    ),
    "a unit": (
        'name = "a"\n[warning]\nlead_s = "2 s"',
        "p.toml:3: warning.lead_s = '2 s' is not a number (allowed: 0 to 5).",
    ),
    "another unit": (
        'name = "a"\n[keep]\npre_record_s = 30000',
        "p.toml:3: keep.pre_record_s = 30000 is not allowed (allowed: 0 to 120).",
    ),
    "too little": (
        'name = "a"\n[wearer]\nreminder_s = 29',
        "p.toml:3: wearer.reminder_s = 29 is not allowed (allowed: 30 to 600).",
    ),
    "a broken number": (
        'name = "a"\n[video]\nfps = 29.97',
        "p.toml:3: video.fps = 29.97 is not a whole number (allowed: 5 to 60).",
    ),
    "truth for a number": (
        'name = "a"\n[warning]\nlead_s = true',
        "p.toml:3: warning.lead_s = true is not a number (allowed: 0 to 5).",
    ),
    "truth for a whole number": (
        'name = "a"\n[video]\nfps = true',
        "p.toml:3: video.fps = true is not a whole number (allowed: 5 to 60).",
    ),
    "a number for truth": (
        'name = "a"\n[sound]\nrecorded = 1',
        "p.toml:3: sound.recorded = 1 is not true or false (allowed: one of true, false).",
    ),
    "not a number": (
        'name = "a"\n[warning]\nlead_s = nan',
        "p.toml:3: warning.lead_s = nan is not allowed (allowed: 0 to 5).",
    ),
    "infinity": (
        'name = "a"\n[warning]\nlead_s = inf',
        "p.toml:3: warning.lead_s = inf is not allowed (allowed: 0 to 5).",
    ),
    "less than nothing": (
        'name = "a"\n[warning]\nlead_s = -0.1',
        "p.toml:3: warning.lead_s = -0.1 is not allowed (allowed: 0 to 5).",
    ),
    "a huge number": (
        f'name = "a"\n[warning]\nlead_s = 0x{"f" * 5000}',
        "p.toml:3: warning.lead_s = a huge number is not allowed (allowed: 0 to 5).",
    ),
    "a date": (
        'name = "a"\n[warning]\nlead_s = 2026-01-01',
        "p.toml:3: warning.lead_s = datetime.date(2026, 1, 1) is not a number (allowed: 0 to 5).",
    ),
    "a table for a number": (
        'name = "a"\n[warning.lead_s]\nx = 1',
        "p.toml:2: warning.lead_s = {'x': 1} is not a number (allowed: 0 to 5).",
    ),
    "a number for a table": (
        'name = "a"\nwarning = 2',
        "p.toml:2: warning is not a table.",
    ),
    "a list of tables": (
        'name = "a"\n[[warning]]\nlead_s = 2',
        "p.toml:2: warning is not a table.",
    ),
    "inside a table on one line": (
        'name = "a"\nwarning = { lead = 2 }',
        "p.toml:2: warning.lead is not a key that exists (did you mean lead_s?).",
    ),
    "a dotted key": (
        'name = "a"\nkeep.pre_record_s = 121',
        "p.toml:2: keep.pre_record_s = 121 is not allowed (allowed: 0 to 120).",
    ),
    "another language": (
        'name = "a"\n[warning]\nlanguages = ["nl", "fr"]',
        "p.toml:3: warning.languages = 'fr' is not allowed (allowed: one of nl, en).",
    ),
    "one language for a list": (
        'name = "a"\n[warning]\nlanguages = "nl"',
        "p.toml:3: warning.languages is not a list (allowed in it: one of nl, en).",
    ),
    "a language twice": (
        'name = "a"\n[warning]\nlanguages = ["nl", "nl"]',
        "p.toml:3: warning.languages names a language twice.",
    ),
    "a long text": (
        f'name = "a"\n[warning]\ntext_nl = "{"x" * 201}"',
        "p.toml:3: warning.text_nl = 'xxxxxxxxxxxx...xxxxxxxxxxxxx' is not allowed"
        " (allowed: a line of at most 200 characters).",
    ),
    "a text with a control character": (
        'name = "a"\n[warning]\ntext_nl = "a\\u001bb"',
        "p.toml:3: warning.text_nl = 'a\\x1bb' is not allowed"
        " (allowed: a line of at most 200 characters).",
    ),
    "no name": (
        "[warning]\nlead_s = 2",
        "p.toml:1: name is missing (allowed: lower case letters, digits and -).",
    ),
    "a name with a path": (
        'name = "../a"',
        "p.toml:1: name = '../a' is not allowed (allowed: lower case letters, digits and -).",
    ),
    "a key twice": (
        'name = "a"\n[warning]\nlead_s = 2\nlead_s = 3',
        "p.toml:4: not a TOML file: Cannot overwrite a value: lead_s = 3",
    ),
    "a table twice": (
        'name = "a"\n[warning]\n[keep]\n[warning]',
        "p.toml:4: not a TOML file: Cannot declare ('warning',) twice: [warning]",
    ),
    "no TOML": (
        'name = "a"\nlead_s: 2',
        "p.toml:2: not a TOML file: Expected '=' after a key in a key/value pair: lead_s: 2",
    ),
    "cut off": (
        'name = "a',
        'p.toml:1: not a TOML file: Unterminated string: name = "a',
    ),
    "too many digits": (
        f'name = "a"\n[warning]\nlead_s = {"9" * 5000}',
        "p.toml: not a TOML file: Exceeds the limit",
    ),
    "nested nonsense": (f"name = {'[' * 30_000}", "p.toml: nested too deeply."),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str) -> None:
    text, message = REFUSED[what]
    assert refused(text)[: len(message)] == message


def test_other_bytes_than_utf_8_are_refused_with_their_line() -> None:
    assert refused(b'name = "a"\n[warning]\ntext_nl = "\xff"') == "p.toml:3: not UTF-8 text."


def test_a_file_of_any_size_is_refused_by_its_size() -> None:
    assert (
        refused("#" * (MAX_BYTES + 1)) == "p.toml: larger than 65536 bytes, which no such file is."
    )
    assert read('name = "a"\n'.ljust(MAX_BYTES, "#")).name == "a"


def test_a_message_stays_short_whatever_is_refused() -> None:
    for text in (
        f'name = "a"\n{"k" * 60_000} = 1',
        f'name = "a"\nwarning = "{"v" * 60_000}"',
        f'name = "a"\n[video]\nfps = [{"1," * 20_000}]',
        f'name = "{"v" * 60_000}"',
    ):
        assert len(refused(text)) < 600


# ---- the reader of settings ----------------------------------------------------------------------


@dataclass(frozen=True)
class Inner:
    names: tuple[str, ...] = setting(Range(pattern="[a-z]+", shown="letters"), ())


@dataclass(frozen=True)
class Outer:
    inner: Inner
    count: int = setting(Range(0, 9), 3)
    unseen: str = "not of the file"


def test_a_field_without_a_range_is_no_key() -> None:
    loaded = load(Outer, b'inner.names = ["a", "bc"]', "c.toml")
    assert loaded == Outer(Inner(("a", "bc")), 3)
    with pytest.raises(ConfigError, match=r"^c\.toml:1: unseen is not a key"):
        load(Outer, b'unseen = "x"', "c.toml")


def test_every_item_of_a_list_is_looked_at() -> None:
    with pytest.raises(ConfigError, match=r"^c\.toml:2: inner\.names = 'B!' is not allowed"):
        load(Outer, b'[inner]\nnames = ["a", "B!"]', "c.toml")
    with pytest.raises(ConfigError, match=r"^c\.toml:2: inner\.names = 4 is not text \(allowed"):
        load(Outer, b"[inner]\nnames = [4]", "c.toml")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("a", "x"), 5),
        (("a", "b", "x"), 7),
        (("a", "b", "missing"), 6),
        (("a", "quoted"), 8),
        (("c d", "e"), 10),
        (("nowhere", "x"), 1),
    ],
)
def test_where_a_key_stands(path: tuple[str, ...], line: int) -> None:
    text = "\n".join(
        (
            "# a comment",
            "top = 1",
            "# top = 2",
            "[a]",
            " x = 1",
            "[a.b]",
            "x=2",
            "[a.'quoted']",
            '["c d"]',
            "e.f = 3",
        )
    )
    assert line_of(text, path) == line
