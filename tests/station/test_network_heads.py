"""Heads that came over the network: a recording that lacks one was cut, if its key signed that."""

import dataclasses
from pathlib import Path

import pytest

from bodycam_station.station import Station
from bodycam_station.verify import Verdict
from bodycam_station.witness import BY_NETWORK, Head
from recordings import Camera, Dice


def lines(folder: Path) -> list[bytes]:
    return (folder / "ledger.jsonl").read_bytes().splitlines()


def seen(camera: Camera, number: int, *, checked: bool) -> tuple[Path, Head]:
    """A recording, and a line of it as a status carried it."""
    from hashlib import sha256

    folder = camera.record("WISSNS", end=None)
    line = lines(folder)[number]
    kept = "" if checked else line.decode()
    return folder, Head(folder.name, sha256(line).hexdigest(), "", BY_NETWORK, kept)


def judged(station: Station, folder: Path, *heads: Head) -> Verdict:
    station.remember("cam07", heads)
    return station.verify(folder)


@pytest.mark.parametrize("checked", [True, False])
def test_a_head_that_is_there_anchors(station: Station, camera: Camera, checked: bool) -> None:
    folder, head = seen(camera, 4, checked=checked)
    verdict = judged(station, folder, head)
    assert (verdict.integrity, verdict.anchored_seq) == ("unfinished", 4)
    assert "over the network" in verdict.anchoring


@pytest.mark.parametrize("checked", [True, False])
def test_a_tail_that_was_cut_after_it_was_reported_shows(
    station: Station, camera: Camera, checked: bool
) -> None:
    folder, head = seen(camera, 5, checked=checked)
    (folder / "ledger.jsonl").write_bytes(b"\n".join(lines(folder)[:4]) + b"\n")
    for path in sorted(folder.glob("0*.age"))[3:]:
        path.unlink()
    verdict = judged(station, folder, head)
    assert verdict.integrity == "not-ok"
    assert "over the network" in str(verdict.problems[0])


def test_a_line_that_this_recording_did_not_sign_spoils_nothing(
    station: Station, camera: Camera
) -> None:
    folder, head = seen(camera, 5, checked=False)
    forged = head.line.replace('"seq":5', '"seq":7')
    twisted = dataclasses.replace(head, head=Dice("x")(32).hex(), line=forged)
    other, foreign = seen(camera, 3, checked=False)
    borrowed = dataclasses.replace(foreign, rec=folder.name)
    verdict = judged(station, folder, twisted, borrowed)
    assert verdict.integrity == "unfinished"
    assert sum("says nothing" in note for note in verdict.notes) == 2
    assert other != folder
