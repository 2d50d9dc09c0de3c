"""The municipality's decisions, as a file: how to warn, what to keep, for how long.

The file's SHA-256 stands in every recording.
"""

import hashlib
from dataclasses import dataclass, replace

from bodycam.errors import ConfigError
from bodycam.media.packets import SECOND
from bodycam.rules.settings import Range, line_of, load, setting

_TEXT = Range(pattern=r"[^\x00-\x1f\x7f]{0,200}", shown="a line of at most 200 characters")


@dataclass(frozen=True, slots=True)
class WarningPolicy:
    """How the warning is given."""

    lead_s: float = setting(Range(0, 5), 2.0)
    """Seconds between the first acknowledgement by an output and the recording."""
    text_en: str = setting(_TEXT, "")
    """Spoken after the tone; it also says that sound is recorded. Empty: the tone alone."""
    text_nl: str = setting(_TEXT, "")
    languages: tuple[str, ...] = setting(Range(choices=("nl", "en")), ("nl",))
    """Which texts are spoken, in this order."""
    volume_day_percent: int = setting(Range(10, 100), 100)
    volume_night_percent: int = setting(Range(10, 100), 60)
    night_from_hour: int = setting(Range(0, 23), 22)
    night_until_hour: int = setting(Range(0, 23), 7)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts to be spoken."""
        spoken = {"nl": self.text_nl, "en": self.text_en}
        return tuple(spoken[language] for language in self.languages if spoken[language])

    def volume_percent(self, local_hour: int) -> int:
        """The speaker's volume at an hour of the day."""
        start, end = self.night_from_hour, self.night_until_hour
        night = start <= local_hour < end if start <= end else not end <= local_hour < start
        return self.volume_night_percent if night else self.volume_day_percent


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """What is kept, from when until when."""

    pre_record_s: float = setting(Range(0, 120), 30.0)
    """From before the press; more than 30 asks for the reference of the privacy assessment."""
    sound_before_press: bool = setting(Range(choices=(True, False)), False)
    """Sound in the ring; asks for the reference of the privacy assessment."""
    post_record_s: float = setting(Range(0, 120), 0.0)
    acknowledged_for_h: int = setting(Range(0, 24 * 28), 24)
    """Hours that a recording stays on the card after a station has signed for it."""
    privacy_assessment: str = setting(_TEXT, "")


@dataclass(frozen=True, slots=True)
class WearerPolicy:
    """What the wearer is reminded of."""

    reminder_s: int = setting(Range(30, 600), 120)
    """Between vibrations while recording."""
    pause_s: int = setting(Range(60, 4 * 3600), 3600)
    """The longest privacy pause."""


@dataclass(frozen=True, slots=True)
class VideoPolicy:
    """The picture."""

    width: int = setting(Range(320, 1920), 1280)
    height: int = setting(Range(180, 1080), 720)
    fps: int = setting(Range(5, 60), 30)
    bitrate_kbps: int = setting(Range(100, 20_000), 4000)
    keyframe_interval_s: float = setting(Range(0.5, 4), 1.0)


@dataclass(frozen=True, slots=True)
class SoundPolicy:
    """The sound."""

    recorded: bool = setting(Range(choices=(True, False)), True)


@dataclass(frozen=True, slots=True)
class SealingPolicy:
    """To what kind of keys recordings are sealed: all of one camera's, or none."""

    kind: str = setting(Range(choices=("x25519", "post-quantum")), "x25519")
    """A camera that was enrolled with keys of the other kind does not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The tables of a policy file, in their order, and the file's hash."""

    name: str = setting(
        Range(pattern=r"[a-z0-9][a-z0-9-]{0,63}", shown="lower case letters, digits and -")
    )
    warning: WarningPolicy
    keep: KeepPolicy
    wearer: WearerPolicy
    video: VideoPolicy
    sound: SoundPolicy
    sealing: SealingPolicy
    sha256: str = ""
    """Of the bytes of the file."""

    @property
    def lead_ns(self) -> int:
        """`warning.lead_s` in nanoseconds."""
        return round(self.warning.lead_s * SECOND)

    @property
    def pre_record_ns(self) -> int:
        """`keep.pre_record_s` in nanoseconds."""
        return round(self.keep.pre_record_s * SECOND)

    @property
    def post_record_ns(self) -> int:
        """`keep.post_record_s` in nanoseconds."""
        return round(self.keep.post_record_s * SECOND)

    @property
    def keyframe_interval_ns(self) -> int:
        """`video.keyframe_interval_s` in nanoseconds."""
        return round(self.video.keyframe_interval_s * SECOND)

    @property
    def frame_ns(self) -> int:
        """The nominal length of a picture."""
        return round(SECOND / self.video.fps)

    @property
    def budget_bytes(self) -> int:
        """The memory for footage: ring, warning, 10 s of a stalled card, 2 GOPs, and 25 %."""
        seconds = (
            self.keep.pre_record_s + self.warning.lead_s + 10 + 2 * self.video.keyframe_interval_s
        )
        sound_kbps = 64 if self.sound.recorded else 0
        return round(seconds * (self.video.bitrate_kbps + sound_kbps) * 125 * 1.25)


def read_policy(data: bytes, name: str) -> Policy:
    """Read the bytes of the policy file called `name`; ConfigError says what is refused."""
    policy = load(Policy, data, name)
    keep = policy.keep
    asking = {
        "pre_record_s": ("over 30", keep.pre_record_s > 30),
        "sound_before_press": ("= true", keep.sound_before_press),
    }
    for key, (what, asks) in asking.items():
        if asks and not keep.privacy_assessment:
            line = line_of(data.decode(), ("keep", key))
            raise ConfigError(
                f"{name}:{line}: keep.{key} {what} asks for the reference of the privacy"
                " assessment.",
                do="Write it in keep.privacy_assessment.",
            )
    if len(set(policy.warning.languages)) < len(policy.warning.languages):
        line = line_of(data.decode(), ("warning", "languages"))
        raise ConfigError(f"{name}:{line}: warning.languages names a language twice.")
    return replace(policy, sha256=hashlib.sha256(data).hexdigest())
