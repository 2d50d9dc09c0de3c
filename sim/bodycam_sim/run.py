"""Runs a scenario from an enrolled camera to exported films: camera, card, station, verdicts."""

import json
import random
import shutil
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np

from bodycam.errors import BodycamError, UsageError
from bodycam.evidence.age import POST_QUANTUM
from bodycam.evidence.enrolment import make_request, read_bundle
from bodycam.evidence.journal import read_journal
from bodycam.evidence.keys import SoftwareKey
from bodycam.media.packets import SECOND
from bodycam.recorder.assembly import Owner
from bodycam.rules.policy import Policy, read_policy
from bodycam_sim.boot import BEGAN_UTC_S, recording_name
from bodycam_sim.encoder import GopWorkers
from bodycam_sim.overlay import read_counter
from bodycam_sim.picture import PictureSpec, Plane
from bodycam_sim.scenario import Scenario, read_file, read_scenario
from bodycam_sim.world import World
from bodycam_station.intake import Imported
from bodycam_station.station import Station

DEVICE = "cam07"
WEARER = "token-0001"
PERSON = "simulator"
TRANSCRIPT = "transcript.txt"
FOLDERS = ("card", "station", "films")
"""What a run leaves in its folder, with the transcript."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left, for people and for scripts."""

    fields: dict[str, object]
    """What `--json` prints."""
    text: str
    """The transcript, with what the station made of the card."""
    films: tuple[tuple[Path, str], ...]
    """Each exported film with its recording's verdict."""


def run(
    path: Path,
    out: Path,
    *,
    policies: Path,
    film: Path | None = None,
    workers: int = 2,
    say: Say = lambda _: None,
    watch: Callable[[float], None] = lambda _: None,
) -> Result:
    """Run the scenario file `path` and leave everything in the folder `out`.

    `say` is told what is being done, `watch` every simulated second. Raises BodycamError where the
    scenario, its policy, the film or the folder is refused.
    """
    scenario = read_scenario(path)
    policy = _policy(scenario, path, policies)
    picture = PictureSpec(
        width=scenario.picture.width,
        height=scenario.picture.height,
        fps=policy.video.fps,
        bitrate_bps=scenario.picture.kbps * 1000,
        seed=scenario.seed,
        night=scenario.picture.night,
    )
    _refuse_strangers(out)
    if film is not None and film.resolve().is_relative_to(out.resolve()):
        raise UsageError(f"The film {film} lies in {out}, which is emptied.", do="Move it away.")
    with GopWorkers(picture, film, workers=workers) as encoder:
        _make_room(out)
        began = datetime.fromtimestamp(BEGAN_UTC_S, UTC)
        with Station.init(
            out / "station",
            "utrecht",
            person=PERSON,
            post_quantum=policy.sealing.kind == POST_QUANTUM,
            now=lambda: began,
        ) as station:
            owner = _enroll(station, scenario.seed)
        say(f"simulating {scenario.seconds:g} s")

        def hand_over(at_ns: int) -> None:
            now = began + timedelta(seconds=at_ns / SECOND)
            with Station.open(out / "station", now=lambda: now) as station:
                station.import_card(out / "card", person=PERSON)

        world = World(scenario, policy, owner, out / "card", encoder, watch, hand_over)
        world.run()
    say("handing the card over to the station")
    ended = began + timedelta(seconds=scenario.seconds)
    with Station.open(out / "station", now=lambda: ended) as station:
        recordings = _hand_over(station, world, owner, out)
    text = world.transcript.text()
    (out / TRANSCRIPT).write_text(text)
    return Result(
        {
            "scenario": scenario.name,
            "seed": scenario.seed,
            "transcript": str(out / TRANSCRIPT),
            "recordings": recordings,
        },
        text,
        tuple((Path(str(r["mp4"])), str(r["integrity"])) for r in recordings if r["mp4"]),
    )


def as_json(result: Result) -> str:
    """One JSON object on one line."""
    return json.dumps(result.fields)


def read_counters(mp4: Path) -> list[int | None]:
    """The frame counter of every picture of a film, in order; None where it cannot be read."""
    with closing(_pictures(mp4)) as pictures:
        return [read_counter(gray) for gray in pictures]


# ---- before the shift ----------------------------------------------------------------------------


def _policy(scenario: Scenario, path: Path, policies: Path) -> Policy:
    """The policy that a scenario names: one of ours, or a file beside the scenario."""
    named = policies / f"{scenario.policy}.toml"
    file = named if named.is_file() else path.parent / scenario.policy
    if not file.is_file():
        names = ", ".join(sorted(p.stem for p in policies.glob("*.toml")))
        raise UsageError(
            f"{path}: there is no policy {scenario.policy} in {policies}.",
            do=f"Name one of {names}." if names else "Say with --policies where policies are.",
        )
    return read_policy(read_file(file), str(file))


def _refuse_strangers(out: Path) -> None:
    """What an earlier run left is removed; anything else is not ours to touch."""
    there = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    strangers = sorted(there - {*FOLDERS, TRANSCRIPT} if TRANSCRIPT in there else there)
    if strangers:
        raise UsageError(
            f"{out} holds something that no scenario left there: {strangers[0]}.",
            do="Give --out a folder that is empty or does not exist.",
        )


def _make_room(out: Path) -> None:
    """Empty folders for a run."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / TRANSCRIPT).write_text("")  # what a run leaves that is cut short is ours, too
        for name in FOLDERS:
            if (out / name).exists():
                shutil.rmtree(out / name)
        (out / "card").mkdir()
        (out / "films").mkdir()
    except OSError as error:
        raise UsageError(
            f"{out} cannot be written: {error.strerror}.", do="Give --out another folder."
        ) from error


def _enroll(station: Station, seed: int) -> Owner:
    """The camera's key, a request, the station's bundle: as on the first day."""
    key = SoftwareKey.from_seed(random.Random(f"device {seed}").randbytes(32))  # noqa: S311
    request = make_request(DEVICE, key, "software")
    bundle = read_bundle(station.enroll(request, person=PERSON))
    return Owner(DEVICE, key, bundle.recipients, WEARER, bundle.station_key)


# ---- after the shift -----------------------------------------------------------------------------


def _hand_over(station: Station, world: World, owner: Owner, out: Path) -> list[dict[str, object]]:
    """Import the card, and export every film that there is; the transcript tells of it."""
    told = world.transcript
    told.line()
    told.line("# The card is handed over to the station.")
    told.line()
    report = station.import_card(out / "card", person=PERSON)
    for problem in report.problems:
        told.line(f"The card: {problem}")
    for rec in report.missing:
        told.line(f"{recording_name(rec)} was begun, and nobody has it.")
    boots = _boots(out / "card" / "journal.jsonl", owner, world)
    found = []
    for item in report.recordings:
        fields = _recording(station, item, boots.get(item.rec, 0), out / "films")
        told.line(f"{recording_name(item.rec)}: {_film(fields)}")
        for what in ("integrity", "provenance", "anchoring"):
            told.line(f"  {what:10}  {fields[what]}")
        found.append(fields)
    if not report.recordings:
        told.line("Nothing was recorded.")
    return found


def _boots(journal: Path, owner: Owner, world: World) -> dict[str, int]:
    """Recording to the world time of the boot in which it was opened."""
    reading = read_journal(journal.read_bytes(), dev=owner.device, key=owner.key.public)
    return {
        entry.rec: world.boots[entry.boot]
        for entry in reading.entries
        if entry.kind == "open" and entry.rec is not None
    }


def _recording(station: Station, item: Imported, boot_ns: int, films: Path) -> dict[str, object]:
    """What is in a recording: from its warning, its ledger, and the counters in its pictures."""
    verdict, path = item.verdict, station.path / item.path
    mp4 = films / f"{item.rec}.mp4"
    fields: dict[str, object] = {
        "id": item.rec,
        "path": str(path),
        "mp4": None,
        "segments": sum(thing.kind == "segment" for thing in verdict.objects),
        "frames": 0,
        "first_frame": None,
        "last_frame": None,
        "seconds": 0.0,
        "pre_record_s": 0.0,
        "warning": None,
        "integrity": verdict.integrity,
        "provenance": verdict.provenance_text,
        "anchoring": verdict.anchoring,
    }
    try:
        warning = station.warning(path)
        fields["warning"] = _warning(warning, boot_ns)
        fields["pre_record_s"] = int(str(warning["pre_record_got_ms"])) / 1000
        exported = station.export(path, mp4, person=PERSON, purpose="simulated")
    except BodycamError:
        # It has no film, or is not ok: the verdict beside this says so.
        return fields
    first, last = _ends(mp4)
    return fields | {
        "mp4": str(mp4),
        "frames": exported.frames,
        "first_frame": first,
        "last_frame": last,
        "seconds": round(exported.seconds, 3),
    }


def _warning(warning: dict[str, object], boot_ns: int) -> dict[str, object]:
    """How it came about, and when an output first acknowledged it, in world seconds."""
    started = warning["started"]
    assert isinstance(started, list)
    at_s = None
    if started:
        at_s = round((started[0]["at_us"] * 1000 + boot_ns) / SECOND, 3)
    return {"how": warning["how"], "at_s": at_s}


def _film(fields: dict[str, object]) -> str:
    """What was filmed, in a sentence."""
    first, last, frames = fields["first_frame"], fields["last_frame"], fields["frames"]
    if not isinstance(first, int) or not isinstance(last, int) or not isinstance(frames, int):
        return "no film."
    missing = last - first + 1 - frames
    return (
        f"pictures {first} to {last}, {missing or 'none'} missing, {fields['seconds']:.1f} s, "
        f"{fields['pre_record_s']:.1f} s of them from before the press."
    )


def _ends(mp4: Path) -> tuple[int | None, int | None]:
    """The counters of a film's first and last picture."""
    with closing(_pictures(mp4)) as pictures:
        first = next(pictures)
    *_, last = _pictures(mp4, from_last_key=True)
    return read_counter(first), read_counter(last)


def _pictures(mp4: Path, *, from_last_key: bool = False) -> Generator[Plane, None, None]:
    """The luma of a film's pictures, in order; each is valid until the next is asked for."""
    with av.open(str(mp4)) as film:
        stream = film.streams.video[0]
        if from_last_key:
            film.seek(stream.duration or 0, stream=stream)
        for picture in film.decode(stream):
            plane = picture.planes[0]
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            yield rows[:, : plane.width]
