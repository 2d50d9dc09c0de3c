"""How moments and spans are said. Pure: now and the time zone are passed in."""

from datetime import datetime, timedelta, tzinfo

from bodycam_station.board.texts import Language

_MONTHS: dict[Language, tuple[str, ...]] = {
    "nl": ("jan.", "feb.", "mrt.", "apr.", "mei", "juni", "juli", "aug.", "sep.", "okt.", "nov.",
           "dec."),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}  # fmt: skip
_LONG_MONTHS: dict[Language, tuple[str, ...]] = {
    "nl": ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september",
           "oktober", "november", "december"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December"),
}  # fmt: skip
_DAYS: dict[Language, tuple[str, ...]] = {
    "nl": ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_YESTERDAY: dict[Language, str] = {"nl": "gisteren", "en": "yesterday"}
_UNITS: dict[Language, tuple[tuple[int, str, str], ...]] = {
    "nl": ((86400, "dag", "dagen"), (3600, "uur", "uur"), (60, "min", "min"), (1, "s", "s")),
    "en": ((86400, "day", "days"), (3600, "hour", "hours"), (60, "min", "min"), (1, "s", "s")),
}


def moment(at: datetime, now: datetime, zone: tzinfo, language: Language) -> str:
    """As short as it is clear: `08:12`, `yesterday 16:40`, `3 Nov 16:40`, `3 Nov 2025`."""
    here, today = at.astimezone(zone), now.astimezone(zone)
    clock = f"{here:%H:%M}"
    if here.date() == today.date():
        return clock
    if here.date() == today.date() - timedelta(days=1):
        return f"{_YESTERDAY[language]} {clock}"
    day = f"{here.day} {_MONTHS[language][here.month - 1]}"
    return f"{day} {clock}" if here.year == today.year else f"{day} {here.year}"


def precise(at: datetime, zone: tzinfo) -> str:
    """With everything, for logs and for the pointer that rests on a moment."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def day(at: datetime, zone: tzinfo, language: Language) -> str:
    """`Thursday 26 November 2026`."""
    here = at.astimezone(zone)
    month = _LONG_MONTHS[language][here.month - 1]
    return f"{_DAYS[language][here.weekday()]} {here.day} {month} {here.year}"


def span(seconds: float, language: Language) -> str:
    """In its greatest whole unit, rounded down: `3 days`, `14 hours`, `2 min`."""
    for size, one, many in _UNITS[language]:
        if seconds >= size:
            n = int(seconds // size)
            return f"{n} {one if n == 1 else many}"
    return f"0 {_UNITS[language][-1][1]}"
