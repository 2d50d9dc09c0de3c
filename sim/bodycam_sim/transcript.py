"""The transcript of a scenario: what happened when, in sentences; times, states, frame numbers.

Never hashes, lengths or keys: the same scenario and seed give the same bytes, whatever the encoder.
"""

from collections.abc import Mapping, Sequence

from bodycam.media.packets import SECOND
from bodycam.ports import Pattern
from bodycam.rules import events
from bodycam.rules.cues import LIGHTS, VIBRATIONS, Feel
from bodycam.rules.events import Effect, Fault, How, Why
from bodycam.rules.faults import FAULTS
from bodycam.rules.model import Model, State

_BEGUN = {
    How.WARNED: "The warning has been given: footage is kept.",
    How.AGAIN: "Pressed again: footage is kept at once.",
    How.HELD: "Held for 1 s: footage is kept at once.",
    How.LINKED: "Soon after a stop: footage is kept at once, in a linked recording.",
    How.UNHEARD: "Nothing can give the warning: footage is kept at once.",
    How.CONTINUED: "It goes on in a linked recording.",
}
_BROKE = {
    Why.FULL: "The recording ends here: the card is full.",
    Why.ERROR: "The recording ends here: the card failed.",
    Why.STREAM: "The recording ends here: the camera's stream has changed.",
}


class Transcript:
    """Lines in order of time."""

    def __init__(self, fps: int) -> None:
        self._fps = fps
        self._lines: list[str] = []

    def text(self) -> str:
        """All of it."""
        return "".join(line.rstrip() + "\n" for line in self._lines)

    def line(self, line: str = "") -> None:
        """A line without a time."""
        self._lines.append(line)

    def world(self, at_ns: int, what: str) -> None:
        """Something happens in the world, not in the camera."""
        self._lines.append(f"{at_ns / SECOND:9.3f}             >> {what}")

    def say(self, at_ns: int, state: str, what: str) -> None:
        """Seconds since the world began, the camera's state, what happened."""
        self._lines.append(f"{at_ns / SECOND:9.3f}  {state:9}  {what}")

    def turn(
        self,
        at_ns: int,
        boot_ns: int,
        model: Model,
        before: str,
        effects: Sequence[Effect],
        held_ns: int | None,
    ) -> None:
        """What a turn of the agent did; effects carry boottime, which began at `boot_ns`.

        `held_ns` is the time of the oldest picture that a pin holds; None where there is none yet.
        """
        notes = [_entry(e, boot_ns) for e in effects if isinstance(e, events.Note)]
        logs = [_entry(e, boot_ns) for e in effects if isinstance(e, events.Log)]
        told = [
            f"{place}: {' '.join(entries)}"
            for place, entries in (
                ("Noted in the evidence", notes),
                ("Journal", [entry for entry in logs if entry not in notes]),
            )
            if entries
        ]
        told += [words for effect in effects if (words := self._effect(effect, boot_ns, held_ns))]
        if model.state.value != before and not told:
            told.append(_ENTERED.get(model.state, ""))
        if told:
            self.say(at_ns, model.state.value, " ".join(told))

    def picture(self, world_ns: int) -> int:
        """The number of the last picture taken at or before a time."""
        return ((world_ns + 1) * self._fps - 1) // SECOND

    def _effect(self, effect: Effect, boot_ns: int, held_ns: int | None) -> str:
        match effect:
            case events.Pin():
                first = "the next one" if held_ns is None else self.picture(held_ns + boot_ns)
                return f"Pictures are held from {first} on."
            case events.Warn(output):
                return f"The {output.value} is to warn."
            case events.Begin(warned):
                return _BEGUN[warned.how]
            case events.Until(None):
                return "The recording goes on."
            case events.Until(int(at_ns)):
                last = self.picture(at_ns + boot_ns)
                return f"Footage is kept until {_s(at_ns + boot_ns)}, picture {last}."
            case events.Unpin():
                return "Nothing is kept."
            case events.Sleep():
                return "The camera sleeps; what it held in memory is wiped."
            case events.Wake():
                return "The camera wakes and fills its memory."
            case events.RestartCamera():
                return "The camera is started again."
            case events.Light(pattern):
                return _light(pattern)
            case events.Vibrate(pattern):
                return f"Felt: {_felt(pattern)}."
            case events.Say(text):
                return f'Spoken: "{text}"'
            case events.PowerOff():
                return "Everything is being closed."
            case _:
                return ""


_ENTERED = {State.STANDBY: "The next press warns first again."}
"""What to say of a state that is entered without anything to be seen or felt."""


def _light(pattern: Pattern) -> str:
    return f"Light {pattern.colour or 'off'} ({LIGHTS[pattern.name].says})."


def _felt(pattern: Pattern) -> str:
    """A vibration as its table describes it; of two in a row, both."""
    says = []
    for name in pattern.name.split("+"):
        feel = Feel.LEVELS if name.startswith("levels") else Feel[name.upper().replace("-", "_")]
        how, _, what = VIBRATIONS[feel].says.replace("**", "").partition(": ")
        says.append(f"{how} ({what})" if what else how.split(" (")[0])
    return ", then ".join(says)


def _entry(entry: events.Note | events.Log, boot_ns: int) -> str:
    """A note or a line of the journal, as a sentence."""
    words = _words(entry, boot_ns)
    return words[:1].upper() + words[1:]


def _words(entry: events.Note | events.Log, boot_ns: int) -> str:
    words = dict(entry.details)
    match entry.kind:
        case "fault":
            return FAULTS[Fault(str(words["fault"]))].says
        case "fault-cleared":
            return f"Over: {FAULTS[Fault(str(words['fault']))].says}"
        case "act":
            faults = f" ({_faults(words)})" if "faults" in words else ""
            return f"{words['act']}{faults}."
        case "faults":
            return f"standing faults: {_faults(words)}."
        case "blocked":
            return f"held in memory: {_faults(words)}."
        case "mark":
            return f"a mark at {_s(entry.at_ns + boot_ns)}."
        case "gap":
            from_ns, to_ns = (int(words[key]) * 1000 + boot_ns for key in ("from_us", "to_us"))
            count = words["pictures"]
            return f"{count} pictures are missing, from {_s(from_ns)} to {_s(to_ns)}."
        case "broke":
            return _BROKE[Why(words["why"])]
        case "played" if words["part"] == "begun":
            return f"the {words['output']} has begun to warn."
        case "played":
            return f"the {words['output']} has played the warning {words['part']}."
        case "shutdown":
            return f"closing down: {words['reason']}."
        case kind:
            rest = ", ".join(str(value) for value in words.values())
            return f"{kind} ({rest})." if rest else f"{kind}."


def _faults(words: Mapping[str, object]) -> str:
    return str(words["faults"]).replace("-", " ").replace(",", ", ")


def _s(at_ns: int) -> str:
    return f"{at_ns / SECOND:.3f}"
