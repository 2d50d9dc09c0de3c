"""The scripted shifts of sim/scenarios, from the press to the exported film."""

import base64
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bodycam_station.card import examine_card
from bodycam_station.custody import WRONG
from bodycam_station.files import Folder
from bodycam_station.registry import Registry
from bodycam_station.station import Station
from scenarios import FPS, NAMES, TRANSCRIPTS, Recorded, Shift, keyframe_at_or_before

Played = Callable[[str], Shift]

FIRST = 10
"""The first picture of a camera that was switched on when the world began."""
RECORDED = sorted({*NAMES} - {"cancelled", "warn-only"})


def notes(shift: Shift, recorded: Recorded, kind: str) -> list[dict[str, object]]:
    """The notes of that kind in the evidence, as the station opens them."""
    with Station.open(shift.out / "station") as station:
        return [note for note in station.notes(recorded.path) if note["kind"] == kind]


def warning(shift: Shift, recorded: Recorded) -> dict[str, object]:
    with Station.open(shift.out / "station") as station:
        return station.warning(recorded.path)


def contiguous(counters: Sequence[int], first: int, last: int) -> bool:
    return [*counters] == [*range(first, last + 1)]


# ---- all of them ---------------------------------------------------------------------------------


def test_the_scenarios_that_there_must_be() -> None:
    assert {
        "escalation",
        "warn-only",
        "cancelled",
        "no-time-to-warn",
        "panic-presses",
        "storage-full",
        "speaker-broken",
        "camera-stall",
        "slow-card",
        "battery-dies",
    } <= {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_transcript_is_the_one_that_was_approved(played: Played, name: str) -> None:
    shift = played(name)
    approved = TRANSCRIPTS / f"{name}.txt"
    hint = f"If this is meant: cp {shift.out}/transcript.txt {approved}"
    assert shift.text.splitlines() == approved.read_text().splitlines(), hint


@pytest.mark.parametrize("name", NAMES)
def test_what_is_told_to_scripts(played: Played, name: str) -> None:
    shift = played(name)
    assert [*shift.fields] == ["scenario", "seed", "transcript", "recordings"]
    assert shift.fields["scenario"] == name
    assert Path(str(shift.fields["transcript"])).read_text() == shift.text
    for recorded in shift.recordings:
        assert Path(recorded.path).name == recorded.id
        assert recorded.provenance == "known: cam07, software key"
        # What broke off is not in the journal before the next start.
        anchored = "not anchored" if recorded.integrity == "unfinished" else "anchored to line "
        assert recorded.anchoring.startswith(anchored)
        assert recorded.warning is not None
        assert [*recorded.warning] == ["how", "at_s"]
        assert recorded.segments == len([*Path(recorded.path).glob("*.segment.age")])


@pytest.mark.parametrize("name", NAMES)
def test_a_transcript_goes_on_in_time_and_tells_no_bytes(played: Played, name: str) -> None:
    shift = played(name)
    times = [at_s for at_s, _ in shift.told(r"^ *\d+\.\d{3}  ")]
    assert times == sorted(times)
    for recorded in shift.recordings:
        assert recorded.id not in shift.text
    assert "sha256" not in shift.text
    assert "age1" not in shift.text


@pytest.mark.parametrize("name", RECORDED)
def test_every_film_has_its_pictures_and_sound_at_their_times(played: Played, name: str) -> None:
    for recorded in played(name).recordings:
        film = recorded.film
        assert (film.counters[0], film.counters[-1]) == (recorded.first_frame, recorded.last_frame)
        assert len(film.counters) == recorded.frames
        assert film.counters == sorted({*film.counters})
        assert film.times_s == pytest.approx([n / FPS for n in film.counters], abs=0.001)
        length_s = (film.counters[-1] + 1 - film.counters[0]) / FPS
        assert recorded.seconds == pytest.approx(length_s, abs=0.002)
        flashes = {round(at_s): at_s for at_s in film.flashes_s}
        beeps = {round(at_s): at_s for at_s in film.beeps_s}
        assert flashes.keys() == {n // FPS for n in film.counters[1:] if n % FPS == 0}
        both = sorted(flashes.keys() & beeps.keys())
        assert len(both) >= (3 if film.sound_s else 0)
        assert [flashes[n] for n in both] == pytest.approx([beeps[n] for n in both], abs=0.020)


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_card_fits_together(played: Played, name: str) -> None:
    shift = played(name)
    with Folder(shift.out / "card") as card, Folder(shift.out / "station") as station:
        report = examine_card(card, Registry.load(station), station)
    assert [one for one in report.findings if one.weight == WRONG] == []
    assert [verdict.integrity for _, verdict in report.recordings] == [
        recorded.integrity for recorded in shift.recordings
    ]
    settled = {recorded.integrity for recorded in shift.recordings} <= {"ok"}
    assert report.exit_code == (0 if settled else 3)


# ---- each of them --------------------------------------------------------------------------------


def test_escalation(played: Played) -> None:
    shift = played("escalation")
    (recorded,) = shift.recordings
    press_s = 60.0
    (last,) = shift.last_pictures(92)
    first = keyframe_at_or_before(press_s - 30, FIRST)
    film = recorded.film
    assert contiguous(film.counters, first, last)
    assert recorded.integrity == "ok"
    assert recorded.warning == {"how": "warned", "at_s": 60.05}
    assert recorded.pre_record_s == pytest.approx(press_s - first / FPS, abs=0.001)
    assert shift.moment("footage is kept[.]$|footage is kept[.] ") == 62.05
    assert shift.moment("A mark at 80.000") == pytest.approx(80.5, abs=0.1)
    (mark,) = notes(shift, recorded, "mark")
    assert mark["at_us"] == 80_000_000


def test_no_sound_from_before_the_press(played: Played) -> None:
    shift = played("escalation")
    (recorded,) = shift.recordings
    ((begins_s, ends_s),) = recorded.film.sound_s
    assert 60 <= begins_s < 60.2
    assert ends_s == pytest.approx(92.22, abs=0.05)
    assert [round(at_s) for at_s in recorded.film.beeps_s] == [*range(61, 93)]


def test_sound_from_before_the_press_where_the_policy_has_it(played: Played) -> None:
    shift = played("pilot-2020")
    (recorded,) = shift.recordings
    film = recorded.film
    assert contiguous(
        film.counters, keyframe_at_or_before(130 - 120, FIRST), *shift.last_pictures(149)
    )
    assert [round(at_s) for at_s in film.beeps_s] == [*range(10, 150)]


def test_nothing_from_before_the_press_with_pre_record_0(played: Played) -> None:
    shift = played("two-languages")
    (recorded,) = shift.recordings
    assert contiguous(recorded.film.counters, 30 * FPS, *shift.last_pictures(49))
    assert recorded.film.sound_s == []
    assert recorded.pre_record_s == 0
    (said,) = shift.told("says: ")
    assert said[1].endswith("says: U wordt gefilmd. You are being filmed.")
    assert shift.moment("footage is kept[.] ") == 34.05


def test_a_post_quantum_camera_seals_nothing_in_a_weaker_way(played: Played) -> None:
    shift = played("post-quantum")
    assert [one.integrity for one in shift.recordings] == ["ok", "incomplete"]
    journal = (shift.out / "card/journal.jsonl").read_text().splitlines()
    sealed = [base64.b64decode(json.loads(line)["body"]) for line in journal]
    sealed += [path.read_bytes() for path in shift.out.glob("card/recordings/*/0*.age")]
    assert len(sealed) > 30
    for file in sealed:
        head = file.partition(b"\n--- ")[0]
        assert (head.count(b"\n-> mlkem768x25519 "), head.count(b"\n-> ")) == (2, 2)


def test_post_record_goes_on_and_runs_out(played: Played) -> None:
    shift = played("post-record")
    (recorded,) = shift.recordings
    assert contiguous(
        recorded.film.counters,
        keyframe_at_or_before(12 - 10, FIRST),
        shift.last_pictures(40, 59)[1],
    )
    # The light says that footage is being kept until the last of it.
    lights = shift.told("Light (red|green)")
    assert "Light red (footage is being kept)" in lights[-2][1]
    assert lights[-1][0] == shift.told("until")[-1][0] + 20


@pytest.mark.parametrize("name", ["warn-only", "cancelled"])
def test_nothing_is_kept(played: Played, name: str) -> None:
    shift = played(name)
    assert shift.recordings == []
    assert [*(shift.out / "card" / "recordings").iterdir()] == []
    assert shift.told("footage is being kept") == []
    assert "The speaker sounds the warning tone" in shift.text


def test_no_time_to_warn(played: Played) -> None:
    shift = played("no-time-to-warn")
    (recorded,) = shift.recordings
    assert recorded.warning == {"how": "held", "at_s": 40.05}
    assert contiguous(
        recorded.film.counters, keyframe_at_or_before(10, FIRST), *shift.last_pictures(59)
    )
    assert shift.moment("Held for 1 s") == 41


def test_panic_presses(played: Played) -> None:
    shift = played("panic-presses")
    first, second = shift.recordings
    stopped, ended = shift.last_pictures(76, 94)
    assert contiguous(first.film.counters, keyframe_at_or_before(10, FIRST), stopped)
    assert second.first_frame is not None
    assert second.first_frame <= stopped + 1
    assert contiguous(second.film.counters, second.first_frame, ended)
    assert [r.integrity for r in shift.recordings] == ["ok", "ok"]
    assert [r.warning and r.warning["how"] for r in shift.recordings] == ["again", "linked"]
    assert warning(shift, second)["linked_to"] == first.id


def test_storage_full(played: Played) -> None:
    shift = played("storage-full")
    full, linked = shift.recordings
    assert [r.integrity for r in shift.recordings] == ["ok", "ok"]
    assert full.last_frame is not None
    assert contiguous(
        full.film.counters + linked.film.counters,
        keyframe_at_or_before(10, FIRST),
        *shift.last_pictures(92),
    )
    # A minute of footage found room.
    assert full.frames == 60 * FPS
    assert warning(shift, linked)["linked_to"] == full.id
    full_s = shift.moment("The recording ends here: the card is full")
    felt = [at_s for at_s, _ in shift.told("three long .it is not recording.")]
    assert felt == [full_s, 80, 88]


def test_speaker_broken(played: Played) -> None:
    shift = played("speaker-broken")
    (recorded,) = shift.recordings
    assert recorded.warning == {"how": "warned", "at_s": 40.6}
    said = warning(shift, recorded)
    assert [(s["output"], s["at_us"]) for s in _stamps(said, "started")] == [("light", 40_600_000)]
    assert [s["output"] for s in _stamps(said, "failed")] == ["speaker", "buzzer"]
    assert shift.moment("footage is kept[.] ") == 42.6


def _stamps(said: dict[str, object], what: str) -> list[dict[str, object]]:
    stamps = said[what]
    assert isinstance(stamps, list)
    return stamps


def test_camera_stall(played: Played) -> None:
    shift = played("camera-stall")
    (recorded,) = shift.recordings
    film = recorded.film
    ((lost, found),) = film.missing
    # Pictures arrive 40 ms after they were taken: all that would have come from 50 to 56 s.
    assert (lost, found) == (1499, 1678)
    assert film.counters[-1] == shift.last_pictures(69)[0]
    told = [
        shift.moment(f"evidence: {over}The camera delivers no pictures") for over in ("", "Over: ")
    ]
    assert told[0] == pytest.approx(52, abs=0.3)
    assert told[1] == pytest.approx(56, abs=0.3)
    assert [note["fault"] for note in notes(shift, recorded, "fault")] == ["camera-stalled"]
    assert "three long (it is not recording)" in shift.told("delivers no pictures[.] ")[0][1]


def test_microphone_lost(played: Played) -> None:
    shift = played("microphone-lost")
    (recorded,) = shift.recordings
    film = recorded.film
    assert contiguous(film.counters, FIRST, *shift.last_pictures(42))
    (_, lost_s), (found_s, _) = film.sound_s
    assert lost_s == pytest.approx(20, abs=0.15)
    assert found_s == pytest.approx(30, abs=0.15)
    assert [note["fault"] for note in notes(shift, recorded, "fault")] == ["sound-lost"]


def test_slow_card(played: Played) -> None:
    shift = played("slow-card")
    (recorded,) = shift.recordings
    assert recorded.integrity == "ok"
    assert contiguous(
        recorded.film.counters, keyframe_at_or_before(10, FIRST), *shift.last_pictures(74)
    )
    assert [note["fault"] for note in notes(shift, recorded, "fault")] == ["card-stuck"]


def test_budget_spent(played: Played) -> None:
    shift = played("budget-spent")
    (recorded,) = shift.recordings
    assert recorded.integrity == "ok"
    ((lost, found),) = recorded.film.missing
    gaps = notes(shift, recorded, "gap")
    assert sum(int(str(gap["pictures"])) for gap in gaps) == found - lost + 1
    # Whole GOPs are lost, the newest, and only as long as the card does not answer.
    assert (found - lost + 1) % FPS == 0
    assert (lost - FIRST) % FPS == 0
    assert found < 80 * FPS
    budget_s = round((30 + 2 + 10 + 2) * 1.25)
    assert lost == keyframe_at_or_before(20, FIRST) + budget_s * FPS
    told = shift.moment("pictures are missing.* three long .it is not recording.")
    assert told == pytest.approx(lost / FPS + 1, abs=0.1)
    # The next group of pictures may be kept at any moment: the light stays on until the stop.
    lights = [line.split("Light ")[1].split()[0] for _, line in shift.told("Light ")]
    assert lights == ["green", "red", "red", "green"]


def test_slow_writes(played: Played) -> None:
    shift = played("slow-writes")
    (recorded,) = shift.recordings
    assert recorded.integrity == "ok"
    assert contiguous(recorded.film.counters, FIRST, *shift.last_pictures(104))
    notes_of = [note["fault"] for note in notes(shift, recorded, "fault")]
    assert notes_of == ["card-stuck"] * 3
    assert shift.told("Light ")[-2][0] == 22.05  # it shows that footage is kept all the while


def test_card_fails(played: Played) -> None:
    shift = played("card-fails")
    broke, linked = shift.recordings
    assert [broke.integrity, linked.integrity] == ["unfinished", "ok"]
    counters = broke.film.counters + linked.film.counters
    assert contiguous(counters, keyframe_at_or_before(10, FIRST), *shift.last_pictures(94))
    said = warning(shift, linked)
    assert (said["how"], said["linked_to"]) == ("continued", broke.id)
    assert "Light amber" not in shift.text  # memory held all of it
    works_s = shift.moment("Over: The card refuses")
    assert 75 < works_s < 75 + 30


def test_card_read_only(played: Played) -> None:
    shift = played("card-read-only")
    (recorded,) = shift.recordings
    assert recorded.integrity == "ok"
    assert warning(shift, recorded)["how"] == "warned"
    first = keyframe_at_or_before(6, FIRST)
    (last,) = shift.last_pictures(84)
    assert (recorded.film.counters[0], recorded.film.counters[-1]) == (first, last)
    ((begin, end),) = recorded.film.missing
    (gap,) = notes(shift, recorded, "gap")
    assert (
        gap["pictures"]
        == end + 1 - begin
        == recorded.film.counters[-1] + 1 - first - len(recorded.film.counters)
    )
    # The light is out for just as long as nothing is kept.
    out_s, on_s = shift.moment("Light amber"), shift.told("Light red .footage")[1][0]
    assert out_s == pytest.approx((begin + FPS) / FPS, abs=0.1)
    assert on_s == pytest.approx((end + 1) / FPS, abs=1.1)


def test_card_taken_out(played: Played) -> None:
    shift = played("card-taken-out")
    (recorded,) = shift.recordings
    assert recorded.integrity == "unfinished"
    assert contiguous(recorded.film.counters, FIRST, 29 * FPS + FIRST - 1)
    felt = [at_s for at_s, _ in shift.told("three long .it is not recording.")]
    assert felt[0] == pytest.approx(30, abs=0.5)
    assert 60 in felt
    assert shift.moment("Light amber") > felt[0] + 40  # so much memory holds


def test_card_emptied(played: Played) -> None:
    shift = played("card-emptied")
    kept, new = shift.recordings
    assert [kept.integrity, new.integrity] == ["ok", "ok"]
    assert "nobody has it" not in shift.text
    with Station.open(shift.out / "station") as station:
        (gone,) = {*station.recordings()} - {kept.id, new.id}
        receipts = [act.about for act in station.acts() if act.kind == "receipt"]
        assert receipts[0] == gone
        assert station.verify(gone).integrity == "ok"
    assert not [path for path in (shift.out / "card").rglob("*") if gone in path.name]
    assert warning(shift, kept)["linked_to"] == gone
    felt = [at_s for at_s, _ in shift.told("three long .it is not recording.")]
    assert felt[1] == 130  # pressed while the card is full
    room_s = shift.moment("Over: There is no room")
    assert 150 < room_s < 150 + 75


def test_clock_jumps(played: Played) -> None:
    shift = played("clock-jumps")
    (recorded,) = shift.recordings
    assert contiguous(
        recorded.film.counters, keyframe_at_or_before(10, FIRST), *shift.last_pictures(69)
    )
    assert warning(shift, recorded)["wall"]["utc"].startswith("2026-09-21")  # type: ignore[index]


def test_battery_dies(played: Played) -> None:
    shift = played("battery-dies")
    cut, after = shift.recordings
    assert [r.integrity for r in shift.recordings] == ["incomplete", "ok"]
    ((_, line),) = shift.told("What is safe on the card reaches to picture")
    safe = int(line.rstrip(".").split()[-1])
    assert cut.last_frame is not None
    assert cut.last_frame >= safe >= int(58 * FPS)
    assert contiguous(cut.film.counters, keyframe_at_or_before(10, FIRST), cut.last_frame)
    assert after.first_frame is not None
    assert contiguous(after.film.counters, after.first_frame, *shift.last_pictures(99))
    # Something of what was being written is there, and nobody vouches for it.
    assert [*Path(cut.path).glob("unsigned/*")] != []


def test_battery_low(played: Played) -> None:
    shift = played("battery-low")
    (recorded,) = shift.recordings
    assert recorded.integrity == "ok"
    assert recorded.last_frame == 25 * FPS
    assert shift.moment("closed, signed and safe") < shift.moment("The camera is off")


def test_privacy_pause(played: Played) -> None:
    shift = played("privacy-pause")
    (recorded,) = shift.recordings
    assert recorded.pre_record_s == 0
    assert recorded.first_frame is not None
    assert 930 * FPS < recorded.first_frame <= 930.5 * FPS
    assert shift.moment("still paused") == 8 + 15 * 60
    assert warning(shift, recorded)["pre_record_ms"] == 0


def test_docked(played: Played) -> None:
    shift = played("docked")
    first, second = shift.recordings
    stopped, ended = shift.last_pictures(12, 32)
    assert first.pre_record_s == 0
    assert first.last_frame == stopped
    assert second.warning is not None
    assert second.warning["how"] == "linked"
    assert second.last_frame == ended
    assert shift.told("docked     ")[-1][0] == pytest.approx(32 + 30, abs=0.2)


def test_clock_lost(played: Played) -> None:
    shift = played("clock-lost")
    (recorded,) = shift.recordings
    wall = warning(shift, recorded)["wall"]
    assert isinstance(wall, dict)
    assert (wall["source"], wall["error_ms"]) == ("none", -1)
    assert recorded.integrity == "ok"


def test_stuck_button(played: Played) -> None:
    shift = played("stuck-button")
    (recorded,) = shift.recordings
    assert contiguous(recorded.film.counters, FIRST, *shift.last_pictures(54))
    assert shift.moment("evidence: A button has been closed for 30 seconds") == 35


# ---- without our software ------------------------------------------------------------------------


def test_stock_tools_open_and_check_what_a_scenario_left(played: Played) -> None:
    shift = played("no-time-to-warn")
    (recorded,) = shift.recordings
    rec, station = Path(recorded.path), shift.out / "station"
    opened = subprocess.run(
        ["age", "-d", "-i", station / "identity.txt", rec / "00000001.warning.age"],
        capture_output=True,
        check=True,
    )
    assert json.loads(opened.stdout)["how"] == "held"
    signers, sig = station / "allowed_signers", rec / "ledger.jsonl.sig"
    command: list[str | Path] = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "cam07"]
    with (rec / "ledger.jsonl").open("rb") as ledger:
        checked = subprocess.run(
            [*command, "-n", "bodycam-recording", "-s", sig],
            stdin=ledger,
            capture_output=True,
            text=True,
        )
    assert checked.returncode == 0, checked.stderr
    assert "Good" in checked.stdout
