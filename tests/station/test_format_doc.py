"""docs/format.md says of the stored bytes what the code writes."""

import base64
import json
import re
from pathlib import Path

from bodycam.evidence.enrolment import make_bundle, make_request, read_request
from bodycam_station import acts, verify
from bodycam_station.station import Station
from recordings import Camera, device_key, note, warning

TEXT = (Path(__file__).parents[2] / "docs/format.md").read_text()


def code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without the tables' heads."""
    section = TEXT.split(f"\n{heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[c.strip() for c in line.strip("|").split("|")] for line in lines]


def fields(line: bytes | str) -> list[str]:
    return list(json.loads(line))


def test_ledger_lines(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    found = {}
    for end in ("close", "recovered"):
        for line in (camera.record(end=end) / "ledger.jsonl").read_text().splitlines():
            said = json.loads(line)
            assert list(said)[:4] == ["dom", "rec", "seq", "kind"]
            assert list(said)[-2:] == ["prev", "sig"]
            found[said["kind"]] = list(said)[4:-2]
    table = [row for row in rows("## The ledger") if row[-1].endswith("key")]
    told = {kind: code(row[1]) for row in table for kind in code(row[0])}
    assert {kind: own for kind, own in told.items() if kind in found} == found


def test_journal_lines(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.record()
    kinds = [k for row in rows("## The journal") for k in code(row[0])]
    for line in (tmp_path / "journal.jsonl").read_text().splitlines():
        said = json.loads(line)
        assert said["kind"] in kinds
        about = ["rec", "head"] if "rec" in said else []
        assert list(said)[4:-2] == ["boot", "t_us", *about, "body"]


def test_sealed_json() -> None:
    told = {
        name for row in rows("### Objects of kind `warning` and `note`") for name in code(row[0])
    }
    assert set(warning()) - {"v", "lead_ms", "policy"} <= told
    example = TEXT.split("```json\n")[1].split("```")[0]
    assert list(json.loads(example)) == list(warning())
    assert str(note()["kind"]) in told


def test_documents(station: Station, camera: Camera) -> None:
    camera.record()
    (item,) = station.import_card(camera.card, person="A").recordings
    request = make_request("cam07", device_key("cam07"), "software")
    bundle = make_bundle(read_request(request), "utrecht", station.key, station.recipients)
    receipt = (camera.card / f"receipts/{item.rec}.receipt").read_bytes()
    written = {"request": request, "bundle": bundle, "receipt": receipt}
    told = {row[0]: row for row in rows("## Documents")[2:]}
    for name, data in written.items():
        assert [f for f in code(told[name][1]) if f not in ("software", "hardware")] == (
            fields(data.partition(b"\n")[0])
        )
        (namespace,) = code(told[name][2])
        assert namespace.encode() in _armored(data)


def _armored(document: bytes) -> bytes:
    return base64.b64decode(b"".join(document.splitlines()[2:-1]))


def test_export(station: Station, camera: Camera, tmp_path: Path) -> None:
    path = camera.record()
    done = station.export(path, tmp_path / "x.mp4", person="A")
    table = rows("## An export")[2:]
    said = json.loads(done.json.read_text())
    assert sorted(name for row in table for name in code(row[0])) == sorted(said)
    told = {row[0].strip("`"): code(row[1]) for row in table}
    for name in ("verdict", "mp4"):
        assert told[name] == list(said[name])
    for name in ("tracks", "objects"):
        assert told[name] == list(said[name][0])


def test_the_station(station: Station, camera: Camera) -> None:
    camera.record()
    station.import_card(camera.card, person="A")
    section = TEXT.split("\n## The station's folder\n")[1].split("\n## ")[0]
    kinds = section.split("Kinds: ")[1]
    assert tuple(kind for kind in code(kinds) if kind != "act") == acts.KINDS
    for path in station.path.iterdir():
        known = path.name in section or path.name.endswith((".lock", ".pub"))
        assert known or path.name == "incoming", path.name


def test_verdicts() -> None:
    assert [word for row in rows("## The verdict") for word in code(row[0])] == [
        verify.OK,
        verify.INCOMPLETE,
        verify.UNFINISHED,
        verify.NOT_OK,
        verify.KNOWN,
        verify.UNKNOWN,
        verify.NOT_SIGNED,
    ]
