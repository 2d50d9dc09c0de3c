"""Figures, moments and findings in words: what the templates say of the fleet."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from markupsafe import Markup

from bodycam_station.board import times
from bodycam_station.board.charts import Chart
from bodycam_station.board.texts import Words
from bodycam_station.fleet import findings
from bodycam_station.fleet.views import Finding, Moment

DASH = "–"
_HASH_SHOWN = 8
_UNITS = {"battery": "%", "temperature": "°C", "radio": "dBm"}


class _Values(dict[str, object]):
    """What nobody knows is said as a dash."""

    def __missing__(self, key: str) -> str:
        return DASH


class Sayings:
    """For one rendering: one language, one now."""

    def __init__(self, words: Words, now: datetime, zone: tzinfo) -> None:
        self._words = words
        self._now = now
        self._zone = zone

    # ---- times

    def at(self, ms: int | None) -> Markup:
        """A moment, short, with the whole of it for machines and for the pointer."""
        if ms is None:
            return Markup("{}").format(self._words("never"))
        moment = _utc(ms)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            moment.isoformat(timespec="seconds"),
            times.precise(moment, self._zone),
            times.moment(moment, self._now, self._zone, self._words.language),
        )

    def plain(self, ms: int | None) -> str:
        """The same without markup."""
        if ms is None:
            return self._words("never")
        return times.moment(_utc(ms), self._now, self._zone, self._words.language)

    def precisely(self, ms: int) -> Markup:
        """A moment with date and seconds."""
        moment = _utc(ms)
        return Markup('<time datetime="{}">{}</time>').format(
            moment.isoformat(timespec="milliseconds"), times.precise(moment, self._zone)
        )

    def utc(self, ms: int) -> str:
        """A moment as our documents write it."""
        return f"{_utc(ms):%Y-%m-%dT%H:%M:%SZ}"

    def today(self) -> str:
        """The day, in full."""
        return times.day(self._now, self._zone, self._words.language)

    def clock(self) -> str:
        """Now."""
        return f"{self._now.astimezone(self._zone):%H:%M}"

    def minutes(self, minutes: float | None) -> str:
        """A span of minutes: hours from two hours on."""
        if minutes is None:
            return DASH
        if minutes < 120:
            return self._words("minutes", n=round(minutes))
        return self._words("hours", n=round(minutes / 60))

    # ---- charts and the time line

    def reading(self, kind: str, value: float) -> str:
        """A chart's figure with its unit."""
        if kind == "room":
            return self.minutes(value * 60)
        return f"{_rounded(value)}\u00a0{_UNITS[kind]}"

    def scale(self, kind: str, value: float) -> str:
        """The same beside a guide: short."""
        return self.minutes(value * 60) if kind == "room" else _rounded(value)

    def chart(self, kind: str, chart: Chart) -> str:
        """A chart in a sentence."""
        said = self._words(
            "chart.says",
            now=self.reading(kind, chart.newest[2]),
            least=self.reading(kind, chart.least),
            most=self.reading(kind, chart.most),
        )
        return f"{said} {self._words('chart.gaps', n=chart.gaps)}" if chart.gaps else said

    def moment(self, moment: Moment) -> str:
        """What happened, on the time line."""
        group, _, rest = moment.kind.partition(".")
        if group == "state" and self._words.has(moment.kind):
            return self._words(moment.kind)
        if group in ("raised", "cleared", "acknowledged"):
            return self._words(f"moment.{group}", what=self._of(rest, moment.detail))
        if group == "command" and self._words.has(moment.kind):
            said = self._words("moment.command", what=self._words(moment.kind))
            outcome = f"outcome.{moment.detail}"
            return f"{said}: {self._words(outcome)}" if self._words.has(outcome) else said
        if self._words.has(moment.kind):
            detail = moment.detail
            if rest in ("fault", "fault-cleared") and self._words.has(f"fault.{detail}"):
                detail = self._words(f"fault.{detail}")
            return self._words(moment.kind, detail=detail or DASH)
        return f"{moment.kind} {moment.detail}".strip()

    def _of(self, code: str, detail: str) -> str:
        """A finding of which only code and detail are known."""
        if code == findings.FAULT:
            key = f"fault.{detail}"
            return self._words(key) if self._words.has(key) else detail
        key = f"short.{code}"
        return self._words(key) + (f" {detail}" if detail else "")

    # ---- findings

    def what(self, finding: Finding) -> str:
        """What is the matter."""
        if finding.code == findings.FAULT:
            key = f"fault.{finding.detail}"
            if self._words.has(key):
                return self._words(key)
            return self._words("fault.unknown", fault=finding.detail)
        key = f"finding.{finding.code}"
        if finding.code == findings.CLOCK and finding.values.get("source") == "none":
            key = "finding.clock.none"
        return self._words.filled(key, self._values(finding))

    def do(self, finding: Finding) -> str:
        """What to do about it."""
        if finding.code == findings.FAULT:
            key = f"do.fault.{finding.detail}"
            return self._words(key if self._words.has(key) else "do.fault.unknown")
        return self._words(f"do.{finding.do}")

    def _values(self, finding: Finding) -> Mapping[str, object]:
        values = _Values(finding.values)
        for name in ("is", "expected"):
            value = values.get(name)
            if isinstance(value, str) and len(value) == 64:
                values[name] = value[:_HASH_SHOWN]
        if "source" in values:
            values["source"] = self._words(f"clock.{values['source']}")
        values["n"] = values.get("waiting", 0)
        return values


def _rounded(value: float) -> str:
    return f"{value:.0f}".replace("-", "\u2212")


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
