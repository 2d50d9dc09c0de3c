"""Scripted shifts: what happens, line by line, and what the rules make of it, line by line.

A script is lines of `seconds what how-much`. Buttons bounce at both ends. Outputs answer a warning
0.05 s after they are asked and end it 0.8 s later, or 3 s later with a spoken text, unless told
otherwise. A transcript has the time of a step, the state after it, and a line for every effect.
"""

import heapq
from itertools import count
from textwrap import dedent

from bodycam.media.packets import SECOND
from bodycam.rules import events, machine
from bodycam.rules.events import Button, Effect, Event, Fault, Output, Warned, Why
from bodycam.rules.model import Model
from bodycam.rules.policy import Policy, read_policy

MS = SECOND // 1000


def ns(seconds: float) -> int:
    return round(seconds * 1000) * MS


def policy(
    *,
    lead_s: float = 2,
    pre_record_s: float = 30,
    post_record_s: float = 0,
    text: str = "",
    pause_s: int = 3600,
    languages: str = '"nl"',
) -> Policy:
    file = f"""
        name = "test"
        [warning]
        lead_s = {lead_s}
        text_nl = "{text}"
        languages = [{languages}]
        [keep]
        pre_record_s = {pre_record_s}
        post_record_s = {post_record_s}
        [wearer]
        pause_s = {pause_s}
    """
    return read_policy(file.encode(), "test.toml")


class Shift:
    """A camera whose outputs answer, with a queue of what is going to happen."""

    def __init__(
        self,
        policy: Policy,
        *,
        outputs: tuple[Output, ...] = tuple(Output),
        docked: bool = False,
        record_closed: bool = False,
        function_closed: bool = False,
    ) -> None:
        self.model, self.first = machine.begin(
            policy,
            0,
            outputs=outputs,
            docked=docked,
            record_closed=record_closed,
            function_closed=function_closed,
        )
        self.opened: list[Warned] = []
        self._answers: dict[str, tuple[str, float]] = {}
        self._order = count()
        self._queue: list[tuple[int, int, Event | list[str]]] = []

    def script(self, script: str) -> None:
        """Queue the lines of a script."""
        for line in dedent(script).strip().splitlines():
            at_s, *words = line.split()
            what, much = words[0], words[1:]
            if what in ("press", "function"):
                button = Button.RECORD if what == "press" else Button.FUNCTION
                self._contact(button, float(at_s), float(much[0]))
            else:
                self.at(ns(float(at_s)), words)

    def at(self, at_ns: int, what: Event | list[str]) -> None:
        heapq.heappush(self._queue, (at_ns, next(self._order), what))

    def _contact(self, button: Button, at_s: float, held_s: float) -> None:
        bounces = (0, True), (5, False), (9, True), (-6, False), (-3, True), (0, False)
        for index, (ms, closed) in enumerate(bounces):
            from_ns = ns(at_s) if index < 3 else ns(at_s + held_s)
            self.at(from_ns + ms * MS, events.Edge(button, closed))

    def run(self, until_s: float) -> list[tuple[int, Model, tuple[Effect, ...]]]:
        """Every step up to then, deadlines included."""
        steps: list[tuple[int, Model, tuple[Effect, ...]]] = []
        while True:
            due_ns = machine.due_ns(self.model)
            at_ns = self._queue[0][0] if self._queue else None
            if at_ns is not None and (due_ns is None or at_ns <= due_ns):
                now, _, what = heapq.heappop(self._queue)
                event = self._event(what, now) if isinstance(what, list) else what
                if event is None:
                    continue
            elif due_ns is not None:
                now, event = due_ns, None
            else:
                return steps
            if now > ns(until_s):
                return steps
            self.model, effects = machine.step(self.model, event, now)
            self._answer(effects, now)
            steps.append((now, self.model, effects))

    def _event(self, words: list[str], now: int) -> Event | None:
        what, *much = words
        match what:
            case "down" | "up":
                return events.Edge(Button.RECORD, what == "down")
            case "function-down" | "function-up":
                return events.Edge(Button.FUNCTION, what == "function-down")
            case "raise":
                return events.FaultRaised(Fault(much[0]))
            case "clear":
                return events.FaultCleared(Fault(much[0]))
            case "dock" | "undock":
                return events.Docked(what == "dock")
            case "battery":
                return events.Battery(int(much[0]))
            case "room":
                return events.Room(int(much[0]))
            case "drop":
                return events.FootageDropped(now - SECOND, now, 30)
            case "broke":
                nth = int(much[1]) if len(much) > 1 else -1
                return events.RecordingBroke(Why(much[0]), self.opened[nth])
            case "saved":
                return events.RecordingSaved("cam07-000042-9f3c21d8")
            case "off":
                return events.ShutDown(much[0])
            case "speaker" | "buzzer" | "light":
                self._answers[what] = much[0], float(much[1]) if len(much) > 1 else 0
        return None

    def _answer(self, effects: tuple[Effect, ...], now: int) -> None:
        """The outputs' side: `well` (unless told otherwise), `silent`, `dead`, `late`, ..."""
        self.opened += [effect.warned for effect in effects if isinstance(effect, events.Begin)]
        for effect in effects:
            if not isinstance(effect, events.Warn):
                continue
            how, seconds = self._answers.get(effect.output.value, ("well", 0))
            started = events.WarningStarted(effect.output, effect.token)
            failed = events.WarningFailed(effect.output, effect.token)
            if how == "dead":
                self.at(now + 10 * MS, failed)
            elif how != "silent":
                started_ns = now + (ns(seconds) if how == "late" else 50 * MS)
                self.at(started_ns, started)
                if how == "breaks":
                    self.at(now + ns(seconds), failed)
                elif how != "unending":
                    ended = events.WarningEnded(effect.output, effect.token)
                    self.at(started_ns + ns(3 if effect.texts else 0.8), ended)


def play(
    script: str,
    until_s: float,
    rules: Policy | None = None,
    *,
    since_s: float = 0,
    outputs: tuple[Output, ...] = tuple(Output),
    docked: bool = False,
    record_closed: bool = False,
    function_closed: bool = False,
) -> str:
    """The transcript of a script: every step that changed or asked for anything."""
    shift = Shift(
        rules or policy(),
        outputs=outputs,
        docked=docked,
        record_closed=record_closed,
        function_closed=function_closed,
    )
    shift.script(script)
    before = shift.model.state
    lines = []
    for now, model, effects in shift.run(until_s):
        if now >= ns(since_s) and (effects or model.state is not before):
            first, *others = [*map(said, effects)] or [""]
            lines.append(f"{now / SECOND:7.3f} {model.state.value:9} {first}".rstrip())
            lines += [" " * 18 + told for told in others]
        before = model.state
    return dedent("\n".join(lines))


def expect(lines: str) -> str:
    """A transcript as it stands in a test."""
    return "\n".join(line.rstrip() for line in dedent(lines).strip("\n").splitlines())


def seconds(at_ns: int | None) -> str:
    return "-" if at_ns is None else f"{at_ns / SECOND:g}"


def said(effect: Effect) -> str:
    """An effect in a few words."""
    match effect:
        case events.Pin(from_ns):
            return f"pin {seconds(from_ns)}"
        case events.Begin(warned):
            return f"begin {warned_in_words(warned)}"
        case events.Until(at_ns):
            return f"until {seconds(at_ns)}"
        case events.Warn(output, _, texts):
            return " ".join((f"warn {output.value}", *(f'"{text}"' for text in texts)))
        case events.Light(pattern):
            return f"light {pattern.name}"
        case events.Vibrate(pattern):
            return f"feel {pattern.name}"
        case events.Say(text):
            return f'say "{text}"'
        case events.Note(kind, at_ns, details) | events.Log(kind, at_ns, details):
            name = type(effect).__name__.lower()
            words = [str(word) for key, word in details if not key.endswith("_us")]
            at = [f"at {seconds(at_ns)}"] if kind == "mark" else []
            return " ".join((name, kind, *at, *words))
        case events.PowerOff(reason):
            return f"power off {reason}"
        case _:
            name = type(effect).__name__
            return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def warned_in_words(warned: Warned) -> str:
    words = [
        f"at {seconds(warned.pressed_ns)}",
        f"given {seconds(warned.given_ns)}",
        f"before {seconds(warned.pre_record_ns)}",
        "by " + (",".join(stamp.output.value for stamp in warned.started) or "-"),
    ]
    if warned.failed:
        words.append("not " + ",".join(stamp.output.value for stamp in warned.failed))
    return f"{warned.how.value}: " + ", ".join(words)
