"""Runs a scenario from an enrolled camera to exported films: camera, card, station, verdicts."""

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np

from bodycam.errors import BodycamError, UsageError
from bodycam.evidence.enrolment import make_request, read_bundle
from bodycam.evidence.journal import read_journal
from bodycam.evidence.keys import SoftwareKey
from bodycam.media.packets import SECOND
from bodycam.recorder.assembly import Owner
from bodycam.rules.policy import Policy, read_policy
from bodycam_sim.encoder import GopWorkers
from bodycam_sim.overlay import read_counter
from bodycam_sim.picture import PictureSpec
from bodycam_sim.scenario import Scenario, read_scenario
from bodycam_sim.world import WORLD_BEGAN_UTC_S, World
from bodycam_station.station import Station

DEVICE = "cam07"
WEARER = "token-0001"
PERSON = "simulator"
OURS = ("card", "station", "films", "transcript.txt")
"""What a run leaves in its folder, and what it may remove there from an earlier one."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left, for people and for scripts."""

    fields: dict[str, object]
    text: str
    """The transcript, with what the station made of it."""


def run(
    path: Path,
    out: Path,
    *,
    policies: Path,
    film: Path | None = None,
    workers: int = 2,
    say: Say = lambda _: None,
) -> Result:
    """Run the scenario file `path` and leave everything in the folder `out`.

    Raises BodycamError where the scenario, its policy or the folder is refused.
    """
    scenario = read_scenario(path)
    policy = _policy(scenario, path, policies)
    _make_room(out)
    picture = PictureSpec(
        width=scenario.picture.width,
        height=scenario.picture.height,
        fps=policy.video.fps,
        bitrate_bps=scenario.picture.kbps * 1000,
        seed=scenario.seed,
        night=scenario.picture.night,
    )
    began = datetime.fromtimestamp(WORLD_BEGAN_UTC_S, UTC)
    with Station.init(out / "station", "utrecht", person=PERSON, now=lambda: began) as station:
        owner = _enroll(station, scenario.seed)
    say(f"simulating {scenario.seconds:g} s of world time")
    with GopWorkers(picture, film, workers=workers) as encoder:
        world = World(scenario, policy, owner, out / "card", encoder)
        world.run()
    say("handing the card over to the station")
    ended = began + timedelta(seconds=scenario.seconds)
    with Station.open(out / "station", now=lambda: ended) as station:
        recordings = _hand_over(station, world, owner, out)
    text = world.transcript.text()
    (out / "transcript.txt").write_text(text)
    fields = {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "transcript": str(out / "transcript.txt"),
        "recordings": recordings,
    }
    return Result(fields, text)


def _policy(scenario: Scenario, path: Path, policies: Path) -> Policy:
    """The policy that a scenario names: one of ours, or a file beside the scenario."""
    named = policies / f"{scenario.policy}.toml"
    file = named if named.is_file() else path.parent / scenario.policy
    try:
        return read_policy(file.read_bytes(), str(file))
    except OSError as error:
        raise UsageError(
            f"{path}: there is no policy {scenario.policy}.",
            do=f"Name one of {', '.join(sorted(p.stem for p in policies.glob('*.toml')))}.",
        ) from error


def _make_room(out: Path) -> None:
    """An empty folder; what an earlier run left there goes, anything else is left alone."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        strangers = sorted(p.name for p in out.iterdir() if p.name not in OURS)
        if strangers:
            raise UsageError(
                f"{out} holds something that is not ours: {strangers[0]}.",
                do="Give --out a folder that is empty or does not exist.",
            )
        for name in OURS[:3]:
            shutil.rmtree(out / name, ignore_errors=True)
        (out / "card").mkdir()
        (out / "films").mkdir()
    except OSError as error:
        raise UsageError(f"{out} cannot be made: {error.strerror}.") from error


def _enroll(station: Station, seed: int) -> Owner:
    """The camera's key, a request, the station's bundle: as on the first day."""
    key = SoftwareKey.from_seed(random.Random(f"device {seed}").randbytes(32))  # noqa: S311
    request = make_request(DEVICE, key, "software")
    bundle = read_bundle(station.enroll(request, person=PERSON))
    return Owner(DEVICE, key, bundle.recipients, WEARER)


def _hand_over(station: Station, world: World, owner: Owner, out: Path) -> list[dict[str, object]]:
    """Import the card, and export every film that there is; the transcript tells of it."""
    told = world.transcript
    told.title("# the card is handed over")
    report = station.import_card(out / "card", person=PERSON)
    for problem in report.problems:
        told.title(f"the card: {problem}")
    for rec in report.missing:
        told.title(f"{rec}: missing")
    boots = _boots(out / "card" / "journal.jsonl", owner, world)
    found = []
    for item in report.recordings:
        fields = _recording(station, item.rec, boots.get(item.rec, 0), out / "films")
        verdict = item.verdict
        fields |= {
            "integrity": verdict.integrity,
            "provenance": verdict.provenance_text,
            "anchoring": verdict.anchoring,
        }
        found.append(fields)
        frames = fields["frames"]
        film = (
            f"{frames} pictures, {fields['first_frame']} to {fields['last_frame']}, "
            f"{fields['seconds']:.1f} s, {fields['pre_record_s']:.1f} s of them before the press"
            if frames
            else "no pictures"
        )
        told.title(f"{item.rec}: {verdict.integrity}, {verdict.provenance_text}; {film}")
    if not report.recordings:
        told.title("no recordings")
    return found


def _boots(journal: Path, owner: Owner, world: World) -> dict[str, int]:
    """Recording to the world time of the boot in which it was opened."""
    reading = read_journal(journal.read_bytes(), dev=owner.device, key=owner.key.public)
    return {
        entry.rec: world.boots[entry.boot]
        for entry in reading.entries
        if entry.kind == "open" and entry.rec is not None
    }


def _recording(station: Station, rec: str, boot_ns: int, films: Path) -> dict[str, object]:
    """What is in a recording: from its warning, its ledger, and the counters in its pictures."""
    mp4 = films / f"{rec}.mp4"
    fields: dict[str, object] = {
        "id": rec,
        "path": str(station.find(rec)),
        "mp4": None,
        "segments": 0,
        "frames": 0,
        "first_frame": None,
        "last_frame": None,
        "seconds": 0.0,
        "pre_record_s": 0.0,
        "warning": None,
    }
    try:
        warning = station.warning(rec)
        fields["warning"] = _warning(warning, boot_ns)
        fields["pre_record_s"] = int(str(warning["pre_record_got_ms"])) / 1000
        kinds = [item.kind for item in station.verify(rec).objects]
        fields["segments"] = kinds.count("segment")
        exported = station.export(rec, mp4, person=PERSON, purpose="simulated")
    except BodycamError:
        # It has no film, or is not ok: the verdict beside this says so.
        return fields
    counters = list(read_counters(mp4))
    return fields | {
        "mp4": str(mp4),
        "frames": len(counters),
        "first_frame": counters[0],
        "last_frame": counters[-1],
        "seconds": round(exported.seconds, 3),
    }


def read_counters(mp4: Path) -> list[int | None]:
    """The frame counter of every picture of a film, in order; None where it cannot be read."""
    with av.open(str(mp4)) as film:
        return [
            read_counter(picture.reformat(format="gray").to_ndarray().astype(np.uint8))
            for picture in film.decode(video=0)
        ]


def _warning(warning: dict[str, object], boot_ns: int) -> dict[str, object]:
    """How it came about, and when an output first acknowledged it, in world seconds."""
    started = warning["started"]
    assert isinstance(started, list)
    at_s = None
    if started:
        at_s = round((started[0]["at_us"] * 1000 + boot_ns) / SECOND, 3)
    return {"how": warning["how"], "at_s": at_s}


def as_json(result: Result) -> str:
    """One JSON object on one line."""
    return json.dumps(result.fields)
