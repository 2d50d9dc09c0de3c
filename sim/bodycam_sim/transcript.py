"""The transcript of a scenario: what happened when, in words; times, states, cues, frame numbers.

Never hashes, lengths or keys: the same scenario and seed give the same bytes, whatever the encoder.
"""

from bodycam.media.packets import SECOND
from bodycam.rules import events
from bodycam.rules.events import Effect, Fault, Output
from bodycam.rules.faults import FAULTS
from bodycam.rules.model import Model

_FELT = {
    "reminder": "one short: still recording",
    "pause-reminder": "still paused",
    "paused": "two long: paused",
    "marked": "a tick: marked",
    "holding": "let go now to stop",
    "warned-only": "short and long: warned only",
    "cancelled": "cancelled, nothing is kept",
    "stopped": "one long: stopped",
    "started": "two short: started",
    "fault": "a fault",
    "not-recording": "three long: NOT recording",
}


class Transcript:
    """Lines in order of time."""

    def __init__(self, fps: int) -> None:
        self._fps = fps
        self._lines: list[str] = []

    def text(self) -> str:
        """All of it."""
        return "".join(line + "\n" for line in self._lines)

    def title(self, line: str) -> None:
        """A line without a time."""
        self._lines.append(line)

    def say(self, at_ns: int, state: str, what: str) -> None:
        """A line: seconds since the world began, the camera's state, what happened."""
        self._lines.append(f"{at_ns / SECOND:9.3f}  {state:9}  {what}")

    def turn(
        self, at_ns: int, boot_ns: int, model: Model, before: str, effects: tuple[Effect, ...]
    ) -> None:
        """What a turn of the agent did; effects carry boottime, which began at `boot_ns`."""
        told = [words for effect in effects if (words := self._effect(effect, boot_ns))]
        if told or model.state.value != before:
            self.say(at_ns, model.state.value, "; ".join(told))

    def frame(self, world_ns: int) -> int:
        """The number of the picture that was taken at, or last before, a time."""
        return (world_ns * self._fps + SECOND // 2) // SECOND

    def _effect(self, effect: Effect, boot_ns: int) -> str:
        match effect:
            case events.Warn(output, _, texts):
                spoken = "".join(f' "{text}"' for text in texts)
                tone = "" if output is Output.LIGHT else ": tone"
                return f"warning by the {output.value}{tone}{spoken}"
            case events.Begin(warned):
                failed = ", ".join(stamp.output.value for stamp in warned.failed)
                silent = f" (no answer from {failed})" if failed else ""
                return f"keep footage: {warned.how.value}{silent}"
            case events.Until(None):
                return "the recording goes on"
            case events.Until(int(at_ns)):
                last = (at_ns + boot_ns) * self._fps // SECOND
                return f"keep until {(at_ns + boot_ns) / SECOND:.3f}: picture {last}"
            case events.Unpin():
                return "nothing is kept"
            case events.Sleep():
                return "camera sleeps, ring wiped"
            case events.Wake():
                return "camera wakes, ring fills"
            case events.RestartCamera():
                return "camera is started again"
            case events.Light(pattern):
                colour = f" ({pattern.colour})" if pattern.colour else ""
                return f"light: {pattern.name}{colour}"
            case events.Vibrate(pattern):
                return f"felt: {_FELT.get(pattern.name, pattern.name)}"
            case events.Say(text):
                return f'spoken: "{text}"'
            case events.Note(kind, at_ns, details):
                return f"noted in the evidence: {_note(kind, at_ns + boot_ns, details)}"
            case events.Log(kind, at_ns, details):
                return f"journal: {_note(kind, at_ns + boot_ns, details)}"
            case events.PowerOff(reason):
                return f"closing down: {reason}"
            case _:
                return ""


def _note(kind: str, at_ns: int, details: events.Details) -> str:
    words = dict(details)
    if kind in ("fault", "fault-cleared"):
        row = FAULTS[Fault(str(words["fault"]))]
        return row.says if kind == "fault" else f"Over: {row.says}"
    if kind == "act":
        return str(words["act"])
    if kind == "mark":
        return f"mark at {at_ns / SECOND:.3f}"
    rest = ", ".join(f"{name} {value}" for name, value in words.items() if not name.endswith("_us"))
    return f"{kind}: {rest}" if rest else kind
