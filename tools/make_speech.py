"""Makes the sounds that the camera plays: `make speech`.

The start tone, what each fault says at the dock, and the warnings of config/policies, in Dutch and
English, spoken by espeak-ng. The same texts and the same espeak-ng give the same bytes. For the
texts of a policy of one's own: tools/make_speech.py --out /etc/bodycam/sounds policy.toml
"""

import argparse
import subprocess
import sys
import tempfile
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodycam.errors import BodycamError, UsageError
from bodycam.pi.clips import SOUNDS, TONE, Clip, encode, file_name, to_ulaw
from bodycam.rules.faults import FAULTS
from bodycam.rules.policy import read_policy

POLICIES = Path(__file__).parent.parent / "config" / "policies"
VOICES = {"nl": "nl", "en": "en-gb"}
"""espeak-ng's voices."""


@dataclass(frozen=True, slots=True)
class Style:
    """How something is spoken."""

    rate_hz: int
    words_a_minute: int


WARNING, DOCK = Style(16_000, 145), Style(8_000, 165)
"""A warning must be understood in a street; at the dock it is quiet."""
MADE_BY = "made-by.txt"
"""Which espeak-ng made the sounds of a folder."""

_TAPS = 96
_PEAK = 30_000
_QUIET = 250
"""Softer samples at start and end are cut off."""

_CODES = np.array([to_ulaw(sample) for sample in range(-32768, 32768)], np.uint8)

Samples = NDArray[np.int64]


def warnings(policies: Sequence[Path]) -> dict[str, Clip]:
    """The spoken warnings of some policies, by file name."""
    clips = {}
    for path in policies:
        warning = read_policy(path.read_bytes(), str(path)).warning
        for language, text in (("nl", warning.text_nl), ("en", warning.text_en)):
            if text:
                clips[file_name(text)] = spoken(text, language, WARNING)
    return clips


def all_sounds() -> dict[str, Clip]:
    """Every sound that comes with the program, by file name."""
    clips = {file_name(TONE): tone(WARNING.rate_hz)}
    for row in FAULTS.values():
        clips[file_name(row.speech_nl)] = spoken(row.speech_nl, "nl", DOCK)
        clips[file_name(row.speech_en)] = spoken(row.speech_en, "en", DOCK)
    return clips | warnings(sorted(POLICIES.glob("*.toml")))


def write(clips: Mapping[str, Clip], folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, clip in clips.items():
        (folder / name).write_bytes(encode(clip))


def espeak_version() -> str:
    """Such as `espeak-ng 1.51`."""
    words = _espeak("--version").split()
    return f"espeak-ng {words[words.index('text-to-speech:') + 1]}"


def spoken(text: str, language: str, style: Style) -> Clip:
    """A text, trimmed and as loud as it can be."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        speed = str(style.words_a_minute)
        _espeak("-v", VOICES[language], "-s", speed, "-w", str(path), text)
        with wave.open(str(path), "rb") as file:
            had_hz = file.getframerate()
            sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int64)
    loud = np.flatnonzero(np.abs(sound) > _QUIET)
    if not len(loud):
        raise UsageError(f'espeak-ng makes no sound of "{text}".', do="Use words.")
    sound = resampled(sound[loud[0] : loud[-1] + 1], had_hz, style.rate_hz)
    return _clip(sound, style.rate_hz)


def tone(rate_hz: int) -> Clip:
    """The start tone: two notes, the second higher, with soft edges; 0.45 s."""
    notes = [_note(hz, seconds, rate_hz) for hz, seconds in ((988, 0.18), (1319, 0.27))]
    return _clip(np.concatenate(notes), rate_hz)


def _note(hz: int, seconds: float, rate_hz: int) -> Samples:
    at_s = np.arange(round(seconds * rate_hz)) / rate_hz
    # The third overtone makes it carry through traffic.
    wave_form = np.sin(2 * np.pi * hz * at_s) + 0.4 * np.sin(6 * np.pi * hz * at_s)
    edge = np.minimum(1, np.minimum(at_s, seconds - at_s) / 0.01)
    return np.rint(wave_form * edge * 16384).astype(np.int64)


def resampled(sound: Samples, had_hz: int, rate_hz: int) -> Samples:
    """At another rate, through a low-pass; in whole numbers, so that every machine agrees."""
    divisor = int(np.gcd(had_hz, rate_hz))
    up, down = rate_hz // divisor, had_hz // divisor
    width = 2 * ((_TAPS * max(up, down) // up) // 2)
    cutoff = 0.94 * min(1.0, rate_hz / had_hz)
    offsets = np.arange(width) - width // 2 + 1 - np.arange(up)[:, None] / up
    taps = cutoff * np.sinc(cutoff * offsets) * (0.5 + 0.5 * np.cos(2 * np.pi * offsets / width))
    whole = np.rint(taps * (1 << 16)).astype(np.int64)
    at = np.arange(len(sound) * up // down) * down
    padded = np.concatenate([np.zeros(width, np.int64), sound, np.zeros(width, np.int64)])
    index = (at // up)[:, None] + np.arange(width) + width // 2 + 1
    filtered: Samples = (padded[index] * whole[at % up]).sum(axis=1) >> 16
    return filtered


def _clip(sound: Samples, rate_hz: int) -> Clip:
    loudest = int(np.abs(sound).max())
    return Clip(rate_hz, _CODES[sound * _PEAK // loudest + 32768].tobytes())


def _espeak(*words: str) -> str:
    try:
        return subprocess.run(
            ["espeak-ng", *words], check=True, capture_output=True, text=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(
            f"espeak-ng did not speak: {error}.", do="Install it: apt-get install espeak-ng."
        ) from error


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; its exit code."""
    parser = argparse.ArgumentParser(
        description="Make the sounds that the camera plays: all that come with the program, or "
        "the spoken warnings of some policies.",
    )
    parser.add_argument("policies", metavar="POLICY", nargs="*", type=Path, help="policy files")
    parser.add_argument("--out", metavar="DIR", type=Path, default=SOUNDS, help="where to")
    args = parser.parse_args(argv)
    try:
        clips = warnings(args.policies) if args.policies else all_sounds()
        if args.out == SOUNDS and not args.policies:
            for old in SOUNDS.glob("*.au"):
                old.unlink()
            (SOUNDS / MADE_BY).write_text(espeak_version() + "\n")
        write(clips, args.out)
    except BodycamError as error:
        print(f"make_speech: {error}", file=sys.stderr)
        return 1
    print(f"{len(clips)} sounds in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
