"""A whole card: what is missing, foreign, copied or older than it should be, and what is in order.

Each case is a card as a camera leaves it, and one thing done to it.
"""

import os
import shutil
import stat
from collections.abc import Callable
from copy import copy
from pathlib import Path

import pytest

from bodycam.evidence.journal import Journal
from bodycam_station import witness
from bodycam_station.card import WITHOUT_STATION, CardReport, examine_card, is_card
from bodycam_station.custody import FINDINGS
from bodycam_station.files import Folder
from bodycam_station.registry import Registry, read_signers
from bodycam_station.station import Station
from bodycam_station.witness import Head
from recordings import Camera

Look = Callable[[Camera], CardReport]


@pytest.fixture
def look(station: Station) -> Look:
    """The station's report on a camera's card; nothing may have been changed by it."""

    def at(camera: Camera) -> CardReport:
        before = everything(camera.card), everything(station.path)
        with Folder(camera.card) as card, Folder(station.path) as folder:
            report = examine_card(card, Registry.load(folder), folder)
        assert before == (everything(camera.card), everything(station.path))
        return report

    return at


@pytest.fixture
def alone(station: Station) -> Look:
    """The same by somebody who has the list of signers and no station."""
    signers = read_signers((station.path / "allowed_signers").read_bytes())

    def at(camera: Camera) -> CardReport:
        with Folder(camera.card) as card:
            return examine_card(card, signers)

    return at


def everything(root: Path) -> list[tuple[str, bytes]]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return [(str(path.relative_to(root)), path.read_bytes()) for path in files]


def found(report: CardReport) -> list[tuple[str, str]]:
    """Code and what it is about, of each finding."""
    return [(one.code, one.about) for one in report.findings]


def verdicts(report: CardReport) -> list[str]:
    return [verdict.integrity for _, verdict in report.recordings]


def copied(camera: Camera, name: str) -> Camera:
    """Another card that is a copy of this one, and goes on by itself."""
    shutil.copytree(camera.card, camera.card.with_name(name))
    twin = copy(camera)
    twin.card = camera.card.with_name(name)
    twin._dice = copy(camera._dice)
    ours = camera._journal
    twin._journal = Journal(camera.device, camera.key, ours._boot, seq=ours.seq, prev=ours.head)
    return twin


def delete(camera: Camera, path: Path, *, receipt: bool = True) -> None:
    """As the camera lets a recording go."""
    if receipt:
        camera.journal("receipt", rec=path.name, head="1" * 64)
    camera.journal("deleted", rec=path.name, head="1" * 64)
    shutil.rmtree(path)


# ---- in order ------------------------------------------------------------------------------------


def test_a_card_that_is_in_order(station: Station, camera: Camera, look: Look) -> None:
    camera.record()
    camera.reboot("the-next-day")
    camera.record()
    report = look(camera)
    assert (verdicts(report), report.exit_code, report.unjudged) == (["ok", "ok"], 0, ())
    assert found(report) == [("boots-cut", "journal.jsonl")]
    station.import_card(camera.card, person="A")
    camera.record()
    assert (verdicts(look(camera)), look(camera).exit_code) == (["ok"] * 3, 0)


def test_what_a_power_cut_leaves_is_no_damage(camera: Camera, look: Look) -> None:
    camera.record(end="recovered", late=2, torn=b'{"dom":"bodycam-led')
    camera.record(end=None, late=1, torn=b'{"dom":"bodycam-led')
    with (camera.card / "journal.jsonl").open("ab") as file:
        file.write(b'{"dom":"bodycam-jour')
    (camera.card / "unsigned").mkdir()
    (camera.card / "unsigned/journal.boot-7.tail").write_bytes(b"{")
    report = look(camera)
    assert (verdicts(report), report.exit_code) == (["incomplete", "unfinished"], 3)
    assert found(report) == [("put-aside", "unsigned"), ("journal-torn", "journal.jsonl")]


def test_an_opening_that_the_power_cut(camera: Camera, look: Look) -> None:
    """Nothing, an empty folder, or a torn first line: nobody can tell more now."""
    rec = "cam07-000042-00000000"
    camera.journal("open", rec=rec)
    assert found(look(camera)) == [("pending", rec)]
    (camera.card / "recordings" / rec).mkdir()
    assert found(look(camera)) == [("void", rec)]
    (camera.card / "recordings" / rec / "ledger.jsonl").write_bytes(b'{"dom":"bodycam-ledger-1"')
    report = look(camera)
    assert (found(report), verdicts(report), report.exit_code) == ([("void", rec)], [], 3)


def test_an_opening_that_the_card_refused_before_others(camera: Camera, look: Look) -> None:
    """The card failed, the camera went on with the next recording; then the power was cut."""
    rec = "cam07-000042-00000000"
    camera.journal("open", rec=rec)
    camera.counter = 42
    camera.record()
    assert found(look(camera)) == [("pending", rec)]
    camera.reboot("next")
    assert ("missing", rec) in found(look(camera))


def test_an_opening_whose_void_a_second_power_cut_took(camera: Camera, look: Look) -> None:
    """The camera was starting, and had not come to its end: the next start goes on with it."""
    rec = "cam07-000042-00000000"
    camera.journal("open", rec=rec)
    camera.reboot("cut-short", "journal-cut")
    assert ("pending", rec) in found(look(camera))
    camera.journal("boot")
    assert ("missing", rec) in found(look(camera))


def test_an_opening_that_the_camera_called_void(camera: Camera, look: Look) -> None:
    rec = "cam07-000042-00000000"
    camera.journal("open", rec=rec)
    (camera.card / "recordings" / rec / "unsigned").mkdir(parents=True)
    camera.reboot("next")
    assert ("void", rec) not in found(look(camera))
    assert look(camera).exit_code == 1  # the camera started, and said nothing of it
    camera.journal("void", rec=rec)
    report = look(camera)
    assert (found(report)[-1], verdicts(report), report.exit_code) == (("void", rec), [], 3)
    shutil.rmtree(camera.card / "recordings" / rec)
    assert look(camera).exit_code == 0


def test_what_left_against_a_receipt_is_accounted_for(
    station: Station, camera: Camera, look: Look, alone: Look
) -> None:
    path = camera.record()
    kept = camera.record()
    station.import_card(camera.card, person="A")
    delete(camera, path)
    assert (found(look(camera)), look(camera).exit_code) == ([], 0)
    assert (found(alone(camera)), alone(camera).exit_code) == ([], 0)
    # In the middle of it.
    camera.journal("receipt", rec=kept.name, head="1" * 64)
    camera.journal("deleted", rec=kept.name, head="1" * 64)
    assert found(look(camera)) == [("deleting", kept.name)]
    (camera.card / "leaving").mkdir()
    kept.rename(camera.card / "leaving" / kept.name)
    assert found(look(camera)) == [("deleting", kept.name)]


# ---- missing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["close", "recovered"])
def test_a_recording_that_is_missing(camera: Camera, look: Look, end: str) -> None:
    path = camera.record(end=end)
    camera.record()
    shutil.rmtree(path)
    report = look(camera)
    assert (found(report), report.exit_code) == ([("missing", path.name)], 1)


def test_what_is_in_the_store_is_not_missing(station: Station, camera: Camera, look: Look) -> None:
    path = camera.record()
    station.import_card(camera.card, person="A")
    shutil.rmtree(path)
    assert found(look(camera)) == []


def test_emptied_and_called_void_is_missing_all_the_same(
    station: Station, camera: Camera, look: Look
) -> None:
    """Somebody took a recording's files; at the next start the camera finds no first line."""
    closed, seen = camera.record(), camera.record(end=None)
    with Folder(station.path) as folder:
        witness.add(folder, "cam07", [Head(seen.name, "1" * 64, "2026-11-26T10:00:00Z", "import")])
    camera.reboot("next")
    for path in (closed, seen):
        shutil.rmtree(path)
        camera.journal("void", rec=path.name)
    assert sorted(found(look(camera))[1:]) == [("missing", closed.name), ("missing", seen.name)]


def test_deleted_without_a_receipt(camera: Camera, look: Look) -> None:
    path = camera.record()
    delete(camera, path, receipt=False)
    report = look(camera)
    assert (found(report), report.exit_code) == ([("deleted-alone", path.name)], 1)


def test_a_receipt_that_came_after_the_deletion(camera: Camera, look: Look) -> None:
    path = camera.record()
    delete(camera, path, receipt=False)
    camera.journal("receipt", rec=path.name, head="1" * 64)
    assert found(look(camera)) == [("deleted-alone", path.name)]


def test_a_recording_that_was_hidden(camera: Camera, look: Look) -> None:
    path = camera.record()
    (camera.card / "leaving").mkdir()
    path.rename(camera.card / "leaving" / path.name)
    report = look(camera)
    assert (found(report), report.exit_code) == ([("hidden", path.name)], 1)


def test_a_receipt_that_this_station_never_gave(camera: Camera, look: Look, alone: Look) -> None:
    path = camera.record()
    delete(camera, path)
    assert found(look(camera)) == [("receipt-unknown", path.name)]
    assert found(alone(camera)) == []
    assert alone(camera).unjudged == WITHOUT_STATION


def test_a_recording_that_the_station_has_seen_and_no_journal_has(
    station: Station, camera: Camera, look: Look
) -> None:
    rec = "cam07-000050-00000000"
    utc = "2026-11-26T10:00:00Z"
    with Folder(station.path) as folder:
        unchecked = Head(rec, "2" * 64, utc, "network", line="anybody could have sent it")
        witness.add(folder, "cam07", [unchecked])
        camera.record()
        assert found(look(camera)) == []
        witness.add(folder, "cam07", [Head(rec, "1" * 64, utc, "network")])
    assert found(look(camera)) == [("vanished", rec)]


def test_numbers_that_the_journal_does_not_have(camera: Camera, look: Look) -> None:
    camera.record()
    camera.counter += 3
    late = camera.record()
    report = look(camera)
    assert found(report) == [("gap", late.name)]
    assert "3 recordings were counted" in report.findings[0].what


def test_numbers_that_are_on_another_card_are_no_gap(
    station: Station, camera: Camera, look: Look, tmp_path: Path
) -> None:
    camera.record()
    other = new_card(camera, tmp_path / "other")
    other.record()
    other.record()
    camera.counter = other.counter
    last = camera.record()
    assert found(look(camera)) == [("gap", last.name)]
    station.import_card(other.card, person="A")
    assert found(look(camera)) == [("another", "journal.jsonl")]


def new_card(camera: Camera, folder: Path) -> Camera:
    """The same camera with an empty card; its count goes on."""
    other = Camera(folder, recipients=camera.recipients)
    (folder / "journal.jsonl").unlink()
    other._journal = Journal("cam07", other.key, "with-another-card")
    other.journal("boot")
    other.counter = camera.counter
    return other


def test_numbers_that_go_back(camera: Camera, look: Look) -> None:
    camera.record()
    camera.counter -= 1
    again = camera.record()
    assert found(look(camera)) == [("count-back", again.name)]


# ---- foreign, copied, older ----------------------------------------------------------------------


def test_a_recording_of_another_camera(station: Station, camera: Camera, look: Look) -> None:
    camera.record()
    other = Camera(camera.card.with_name("other"), device="cam08", recipients=station.recipients)
    strange = other.record()
    shutil.copytree(strange, camera.card / "recordings" / strange.name)
    report = look(camera)
    assert found(report) == [("stranger", strange.name)]
    assert [v.provenance for _, v in report.recordings] == ["known", "unknown"]


def test_a_folder_that_the_journal_does_not_know(
    station: Station, camera: Camera, look: Look
) -> None:
    twin = copied(camera, "twin")
    camera.record()
    twin.record()
    later = twin.record()
    shutil.copytree(later, camera.card / "recordings" / later.name)
    report = look(camera)
    assert (found(report), report.exit_code) == ([("unknown", later.name)], 1)


def test_a_card_whose_journal_was_exchanged(station: Station, camera: Camera, look: Look) -> None:
    """The recordings of one copy with the journal of the other."""
    twin = copied(camera, "twin")
    path = camera.record(end=None)
    twin.journal("fault")
    assert twin.record(end=None).name == path.name
    shutil.copy(twin.card / "journal.jsonl", camera.card)
    report = look(camera)
    assert (found(report), report.exit_code) == ([("opened-elsewhere", path.name)], 1)


def test_a_journal_of_another_camera(station: Station, camera: Camera, look: Look) -> None:
    path = camera.record()
    other = Camera(camera.card.with_name("other"), device="cam08", recipients=station.recipients)
    shutil.copy(other.card / "journal.jsonl", camera.card)
    report = look(camera)
    assert found(report) == [("no-journal", "journal.jsonl")]
    assert "not enrolled here" in report.findings[0].what
    assert report.findings[0].do.startswith("Give the card to the station that enrolled the camera")
    assert (verdicts(report), report.exit_code) == (["ok"], 1)
    assert path.exists()


def test_a_card_that_is_older_than_an_import(station: Station, camera: Camera, look: Look) -> None:
    camera.record()
    twin = copied(camera, "twin")
    camera.record()
    station.import_card(camera.card, person="A")
    report = look(twin)
    assert (found(report), report.exit_code) == ([("older", "journal.jsonl")], 1)
    assert report.findings[0].what.startswith("it lacks 2 lines that an earlier import saw")
    assert found(look(camera)) == []


def test_a_card_that_lacks_half_a_line(station: Station, camera: Camera, look: Look) -> None:
    camera.record()
    station.import_card(camera.card, person="A")
    file = camera.card / "journal.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    report = look(camera)
    assert [code for code, _ in found(report)] == ["journal-torn", "older"]
    assert report.findings[1].what.startswith("it lacks 1 line that")


def test_what_an_earlier_journal_knew_is_not_unknown(
    station: Station, camera: Camera, look: Look, tmp_path: Path
) -> None:
    camera.record()
    station.import_card(camera.card, person="A")
    other = new_card(camera, tmp_path / "other")
    shutil.copy(other.card / "journal.jsonl", camera.card)
    report = look(camera)
    assert (found(report), report.exit_code) == ([("another", "journal.jsonl")], 0)


def test_a_copy_that_went_on_by_itself(station: Station, camera: Camera, look: Look) -> None:
    camera.record()
    twin = copied(camera, "twin")
    camera.record()
    station.import_card(camera.card, person="A")
    twin.journal("fault")
    for _ in range(9):
        twin.journal("fault-cleared")
    report = look(twin)
    assert (found(report), report.exit_code) == ([("forked", "journal.jsonl")], 1)
    assert report.findings[0].what.startswith("from line 3 on it is another")


def test_a_tail_that_was_cut_off_shows_by_the_cards_own_journal(
    camera: Camera, alone: Look
) -> None:
    path = camera.record()
    lines = (path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (path / "ledger.jsonl").write_bytes(b"".join(lines[:5]))
    (path / "ledger.jsonl.sig").unlink()
    report = alone(camera)
    ((_, verdict),) = report.recordings
    assert verdict.integrity == "not-ok"
    assert "lacks a line that the journal on this card names" in str(verdict.problems[0])
    assert verdict.anchoring == "not anchored"


def test_what_station_and_card_both_know_is_told_once(
    station: Station, camera: Camera, look: Look
) -> None:
    path = camera.record()
    station.import_card(camera.card, person="A")
    (path / "ledger.jsonl").write_bytes((path / "ledger.jsonl").read_bytes()[:1500])
    (path / "ledger.jsonl.sig").unlink()
    ((_, verdict),) = look(camera).recordings
    (problem,) = verdict.problems
    assert "that was seen 2026-" in problem.what


def test_the_word_of_a_card_is_no_proof_of_age(
    station: Station, camera: Camera, look: Look
) -> None:
    """Whoever has the key can write a journal, too: only what the station saw before counts."""
    seen = camera.record()
    station.import_card(camera.card, person="A")
    station.revoke("cam07", person="A", reason="stolen")
    camera.record()
    report = look(camera)
    assert [v.provenance for _, v in report.recordings] == ["known", "unknown"]
    assert report.recordings[0][0] == seen.name


# ---- the journal ---------------------------------------------------------------------------------


def test_a_journal_that_is_damaged(camera: Camera, look: Look) -> None:
    camera.record()
    camera.record()
    file = camera.card / "journal.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:3], lines[4], lines[3]]))
    report = look(camera)
    assert found(report) == [("journal-damaged", "journal.jsonl")]
    assert "Line 3: " in report.findings[0].what
    assert (verdicts(report), report.exit_code) == (["ok", "ok"], 1)


@pytest.mark.parametrize("torn", [b'{"dom"', b"\0" * 512 + b'=="}\n'], ids=["off", "sectors"])
def test_a_last_line_that_the_power_cut(camera: Camera, look: Look, torn: bytes) -> None:
    camera.record()
    file = camera.card / "journal.jsonl"
    file.write_bytes(file.read_bytes() + torn)
    report = look(camera)
    assert (found(report), report.exit_code) == ([("journal-torn", "journal.jsonl")], 0)


def test_a_boot_that_comes_again(camera: Camera, look: Look) -> None:
    camera.reboot("another")
    camera.reboot("0d2f9c1e-boot")
    assert ("boot-again", "journal.jsonl") in found(look(camera))


def test_boots_that_ended_without_going_off(camera: Camera, look: Look) -> None:
    camera.journal("shutdown")
    camera.reboot("second")
    camera.reboot("third")
    camera.journal("shutdown")
    camera.journal("unsaved")  # going off goes on
    camera.reboot("fourth")
    report = look(camera)
    assert found(report) == [("boots-cut", "journal.jsonl")]
    assert report.findings[0].what.startswith("1 of 3 boots ended without going off")
    assert report.exit_code == 0


def test_a_recording_that_the_next_start_did_not_end(camera: Camera, look: Look) -> None:
    path = camera.record(end=None)
    assert found(look(camera)) == []
    camera.reboot("next")
    assert ("unended", path.name) in found(look(camera))
    assert look(camera).exit_code == 3


def test_what_the_camera_itself_found_damaged(camera: Camera, look: Look) -> None:
    path = camera.record()
    (path / "00000003.segment.age").unlink()
    camera.journal("damaged", rec=path.name)
    report = look(camera)
    assert (found(report), verdicts(report)) == ([("said-damaged", path.name)], ["not-ok"])


def test_a_journal_that_had_to_be_begun_anew(camera: Camera, look: Look) -> None:
    """The camera puts it aside and goes on with another; what it said counts all the same."""
    path, gone = camera.record(), camera.record()
    (camera.card / "unsigned").mkdir()
    aside = camera.card / "unsigned/journal.boot-9.jsonl"
    (camera.card / "journal.jsonl").rename(aside)
    aside.write_bytes(aside.read_bytes() + b'{"dom":"\n{"\n')
    camera._journal = Journal("cam07", camera.key, "boot-9")
    camera.journal("journal-cut")
    camera.record()
    shutil.rmtree(gone)
    report = look(camera)
    assert found(report) == [("put-aside", "unsigned"), ("missing", gone.name)]
    assert path.exists()


def test_a_card_without_a_journal_or_without_recordings(camera: Camera, look: Look) -> None:
    camera.record()
    (camera.card / "journal.jsonl").unlink()
    report = look(camera)
    assert (found(report), verdicts(report)) == ([("no-journal", "journal.jsonl")], ["ok"])
    shutil.rmtree(camera.card / "recordings")
    report = look(camera)
    assert [code for code, _ in found(report)] == ["no-card", "no-journal"]


def test_a_journal_that_was_emptied(camera: Camera, look: Look) -> None:
    camera.record()
    (camera.card / "journal.jsonl").write_bytes(b"")
    report = look(camera)
    assert (found(report), report.exit_code) == ([("no-journal", "journal.jsonl")], 1)
    assert report.findings[0].what == "it is empty"


def test_a_new_card(look: Look, camera: Camera) -> None:
    """As a camera leaves it that was cut off before its first line; or somebody emptied it."""
    (camera.card / "journal.jsonl").write_bytes(b"")
    assert (found(look(camera)), look(camera).exit_code) == ([("empty", "")], 3)
    (camera.card / "journal.jsonl").unlink()
    assert (found(look(camera)), look(camera).exit_code) == ([("empty", "")], 3)


def test_links_and_pipes_are_not_followed(camera: Camera, look: Look, tmp_path: Path) -> None:
    path = camera.record()
    (camera.card / "recordings/cam07-000090-00000000").symlink_to(path)
    os.mkfifo(camera.card / "recordings/pipe")
    (camera.card / "unsigned").symlink_to("/")
    (camera.card / "leaving").symlink_to("/")
    report = look(camera)
    assert (found(report), report.exit_code) == ([], 0)
    assert "2 things that are none were left alone" in report.notes[0]
    (camera.card / "journal.jsonl").unlink()
    os.mkfifo(camera.card / "journal.jsonl")
    assert found(look(camera)) == [("no-journal", "journal.jsonl")]


# ---- words ---------------------------------------------------------------------------------------


def test_what_is_a_card(camera: Camera, tmp_path: Path) -> None:
    rec = camera.record()
    (tmp_path / "empty").mkdir()
    for path, card in ((camera.card, True), (rec, False), (tmp_path / "empty", False)):
        with Folder(path) as folder:
            assert is_card(folder) == card


def test_every_finding_is_tested_here_and_says_what_to_do() -> None:
    text = Path(__file__).read_text() + (Path(__file__).parent / "test_intake.py").read_text()
    for code, (_, what, do) in FINDINGS.items():
        assert f'"{code}"' in text, code
        assert what[0].islower() or what[0] == "{"
        assert not what.endswith(".")
        assert do[0].isupper() or do == "{then}"
        assert do.endswith((".", "{then}"))


def test_a_card_that_can_only_be_read(camera: Camera, look: Look) -> None:
    camera.record()
    folders = [camera.card, *(path for path in camera.card.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert look(camera).exit_code == 0
    finally:
        for folder in folders:
            folder.chmod(stat.S_IRWXU)
