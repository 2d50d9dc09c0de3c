"""docs/asyncapi.yaml and config/schemas/ say what the code does, no less and no more."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from tools.make_contract import ASYNCAPI, SCHEMAS, files

from bodycam.evidence.desired import Desired, sign_desired
from bodycam.link.gate import Heard
from bodycam.messages.camera import OUTCOMES, STATES
from bodycam.messages.commands import COMMANDS
from contract import Contract
from link.desk import NOW_MS, STATION_KEY, Desk
from link.test_commands import body, give
from recordings import recipient

PARSER = Path(__file__).parents[1] / "oracles" / "asyncapi.mjs"


def test_what_is_written_is_what_the_code_makes() -> None:
    made = files()
    assert {path for path in made if path.read_text() != made[path]} == set(), (
        "run: python tools/make_contract.py"
    )
    assert {*SCHEMAS.iterdir()} == {path for path in made if path.parent == SCHEMAS}


def parsed(path: Path) -> Any:
    done = subprocess.run(["node", PARSER, path], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_asyncapis_own_parser_has_nothing_to_say(tmp_path: Path) -> None:
    found = parsed(ASYNCAPI)
    assert found["said"] == []
    document = yaml.safe_load(ASYNCAPI.read_text())
    assert {*found["operations"]} == {*document["operations"]}
    # It would say something.
    document["operations"]["state"]["channel"]["$ref"] = "#/channels/nowhere"
    (tmp_path / "broken.yaml").write_text(yaml.safe_dump(document))
    assert parsed(tmp_path / "broken.yaml")["said"]


def test_the_schemas_are_schemas() -> None:
    for path in SCHEMAS.iterdir():
        schema = json.loads(path.read_text())
        Draft202012Validator.check_schema(schema)
        assert all("description" in schema or one for one in schema["properties"])


def test_everything_in_it_is_published_somewhere(tmp_path: Path, contract: Contract) -> None:
    """A shift in which a camera says all that it can, and is told all that it can be."""
    contract.seen.clear()
    desk = Desk(tmp_path)
    desk.connect()
    desk.writes("boot", "open", "close")
    desk.settle()
    for state in ("docked", "paused", "off"):
        desk.says(state=state)
        desk.settle()
    desk.says(state="docked")
    desk.settle()

    def told(name: str, payload: bytes) -> None:
        contract.hold(f"bodycam/v1/cam07/cmd/{name}", payload)
        give(desk, name, payload)

    until_ms = NOW_MS + 25_000
    told("report", body("c1", until_ms))
    told("rebirth", body("c2", until_ms))
    told("locate", body("c3", until_ms, seconds=5))
    told("reboot", body("c4", until_ms))
    told("reboot", body("c5", until_ms))
    desk.says(answers=[{"id": "c3", "outcome": "done", "why": ""}])
    desk.step()
    desk.step(12)
    recipients = tuple(sorted((recipient("station"), recipient("escrow"))))
    wanted = sign_desired(Desired("utrecht", "cam07", 1, b"x", recipients), STATION_KEY)
    contract.hold("bodycam/v1/cam07/desired", wanted)
    desk.link.heard(Heard("bodycam/v1/cam07/desired", wanted, retained=True), desk.clock.now)
    desk.settle()
    assert desk.recorder.left["desired"] == wanted

    assert {name for name, _ in contract.seen} == {*contract.operations}
    words = {
        (name, value.get("state") or value.get("outcome"))
        for name, value in contract.seen
        if name in ("state", "res")
    }
    assert words >= {("state", word) for word in STATES} | {("res", word) for word in OUTCOMES}
    assert {name.removeprefix("cmd-") for name, _ in contract.seen if "cmd" in name} == {*COMMANDS}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("bodycam/v1/cam07/state", b"{}"),
        ("bodycam/v1/cam07/nothing", b"{}"),
        ("bodycam/v2/cam07/state", b"{}"),
        ("bodycam/v1/cam07/cmd/record", b"{}"),
        ("bodycam/v1/cam07/state", b'{"state":"well","boot":"b","session":"s","reason":""}'),
    ],
)
def test_the_contract_would_refuse(contract: Contract, topic: str, payload: bytes) -> None:
    with pytest.raises(Exception, match=r"is not|is a required|no channel|does not match"):
        contract.hold(topic, payload)
