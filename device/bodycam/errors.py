"""Every error that crosses a room's border.

    BodycamError
    ├── UsageError            the command was called wrongly
    ├── ConfigError           a configuration or policy file is refused        (also a ValueError)
    ├── StreamError           the encoder's output cannot be muxed as it is    (also a ValueError)
    │   └── StreamChanged     new parameter sets: a new recording must begin
    ├── EvidenceError         bytes that are not what the format says          (also a ValueError)
    │   ├── LineError         a ledger, journal or station line
    │   ├── SealError         an age recipient or file
    │   └── SignatureError    a signature that does not hold
    ├── MessageError          a message or topic that is not in its form       (also a ValueError)
    ├── CardError             the card did not do what was asked               (also an OSError)
    │   ├── CardFull          no room; trying again helps once room is made
    │   └── CardFailed        an I/O error; the same file is never tried again
    └── DeviceError           camera, button, light, speaker or sensor

Each error is one plain sentence: what happened and where; `do` says what to do about it, and
`again` whether the same call can succeed later without anybody doing anything.
"""


class BodycamError(Exception):
    """The root of the tree: `what` happened, what to `do`, and whether trying `again` helps."""

    again = False

    def __init__(self, what: str, *, do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.do = do

    def __str__(self) -> str:
        return f"{self.what} {self.do}".strip()


class UsageError(BodycamError):
    """A command was called with words that do not fit."""


class ConfigError(BodycamError, ValueError):
    """A configuration or policy file is refused; the text names file, line, key and range."""


class StreamError(BodycamError, ValueError):
    """Encoder output that cannot be muxed: no parameter sets, no slice, times that go back."""


class StreamChanged(StreamError):
    """SPS or PPS differ from those of the init segment."""


class EvidenceError(BodycamError, ValueError):
    """Bytes that are not what the recording format says."""


class LineError(EvidenceError):
    """A line that is not in the strict form, or does not continue its chain."""


class SealError(EvidenceError):
    """An age recipient or file that is not well formed, or not for this key."""


class SignatureError(EvidenceError):
    """A signature that does not hold."""


class MessageError(BodycamError, ValueError):
    """A message or topic that is not what the contract says."""


class CardError(BodycamError, OSError):
    """The card did not do what was asked."""


class CardFull(CardError):
    """No room on the card."""

    again = True


class CardFailed(CardError):
    """An I/O error; what was being written may or may not be there."""


class DeviceError(BodycamError):
    """A part of the camera does not answer, or answers nonsense."""

    again = True
