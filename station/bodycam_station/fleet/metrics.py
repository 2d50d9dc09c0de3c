"""What Prometheus is told: the fleet as a whole, and how the station does. No camera by name."""

from collections import Counter
from collections.abc import Iterable, Mapping

from bodycam_station.fleet.findings import SEVERITIES
from bodycam_station.fleet.views import FITNESS, STATES, FleetView

_Sample = tuple[Mapping[str, str], float]


def metrics(view: FleetView, counts: Mapping[str, int]) -> str:
    """Text format 0.0.4; `counts` are totals since the start, by name."""
    states = Counter(row.state for row in view.cameras)
    fit = dict(zip(FITNESS, map(len, (view.can_go_out, view.cannot, view.missing)), strict=True))
    found = Counter((one.code, one.severity) for one in view.exceptions)
    refused = view.refused
    families: list[tuple[str, str, str, list[_Sample]]] = [
        (
            "bodycam_cameras",
            "gauge",
            "Cameras by state.",
            [({"state": one}, states[one]) for one in STATES],
        ),
        (
            "bodycam_fitness",
            "gauge",
            "Cameras that can go out, that cannot, and that are missing.",
            [({"fitness": one}, fit[one]) for one in FITNESS],
        ),
        (
            "bodycam_recording",
            "gauge",
            "Cameras that record now.",
            [({}, sum(row.recording for row in view.cameras))],
        ),
        (
            "bodycam_findings",
            "gauge",
            "What is wrong with cameras, by kind.",
            [
                ({"code": code, "severity": severity}, count)
                for (code, severity), count in sorted(
                    found.items(), key=lambda one: (SEVERITIES.index(one[0][1]), one[0][0])
                )
            ],
        ),
        (
            "bodycam_broker_connected",
            "gauge",
            "Whether the station hears the broker.",
            [({}, int(view.link.connected))],
        ),
        (
            "bodycam_messages_refused_total",
            "counter",
            "Messages that were not taken in, since the start.",
            [
                ({"why": "unknown"}, refused.unknown),
                ({"why": "misshapen"}, refused.misshapen),
                ({"why": "repeated"}, refused.repeated),
            ],
        ),
    ]
    for name, count in sorted(counts.items()):
        what = f"{name.replace('_', ' ').capitalize()}, since the start."
        families.append((f"bodycam_{name}_total", "counter", what, [({}, count)]))
    lines = [line for family in families for line in _family(*family)]
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, what: str, samples: Iterable[_Sample]) -> Iterable[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        words = ",".join(f'{key}="{text}"' for key, text in labels.items())
        yield f"{name}{{{words}}} {value:g}" if words else f"{name} {value:g}"
