"""The vectors in tests/vectors: our reader comes to their verdicts, and they can be made again."""

import hashlib
import importlib.util
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import av
import pytest

from bodycam_station.cli import main

VECTORS = Path(__file__).parents[1] / "vectors"
EXPECTED: dict[str, dict[str, Any]] = json.loads((VECTORS / "expected.json").read_text())

NAMES = {
    "ok": "ok",
    "incomplete": "incomplete",
    "unfinished": "unfinished",
    "not-ok": "not-ok",
    "unknown": "unknown",
    "not-signed": "not signed",
}
"""What a folder's name says of it: expected.json came from our reader, the names did not."""


def test_every_verdict_has_one() -> None:
    folders = {path.name for path in VECTORS.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == set(EXPECTED)
    assert {e["integrity"] for e in EXPECTED.values()} == (
        {"ok", "incomplete", "unfinished", "not-ok"}
    )
    assert {e["provenance"] for e in EXPECTED.values()} == {"known", "unknown", "not signed"}
    for name, expected in EXPECTED.items():
        (said,) = [says for prefix, says in NAMES.items() if name.startswith(prefix)]
        assert said in (expected["integrity"], expected["provenance"])
    assert sum(p.stat().st_size for p in VECTORS.rglob("*") if p.is_file()) < 300_000


@pytest.mark.parametrize("name", EXPECTED)
def test_vector(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = EXPECTED[name]
    signers = str(VECTORS / "allowed_signers")
    assert main(["verify", "--json", "--signers", signers, str(VECTORS / name)]) == expected["exit"]
    (found,) = json.loads(capsys.readouterr().out)["recordings"]
    for key in ("integrity", "provenance", "rec"):
        assert found[key] == expected[key]
    assert found["last_seq"] + 1 == expected["lines"]
    assert [problem["where"] for problem in found["problems"]] == expected["wrong"]


def test_stock_age_opens_the_film() -> None:
    """Of a whole recording, and of one that a power cut ended: both play."""
    for name in ("ok", "incomplete-with-unsigned"):
        film = b"".join(
            subprocess.run(
                ["age", "-d", "-i", VECTORS / "identity.txt", VECTORS / name / file],
                capture_output=True,
                check=True,
            ).stdout
            for file in EXPECTED[name]["film"]
        )
        assert hashlib.sha256(film).hexdigest() == EXPECTED[name]["film_sha256"]
        with av.open(io.BytesIO(film), "r") as opened:
            assert len(list(opened.decode(video=0))) == 5 * (len(EXPECTED[name]["film"]) - 1)


def test_they_can_be_made_again(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_vectors", VECTORS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    make.make(tmp_path)
    made = {str(p.relative_to(tmp_path)): p for p in tmp_path.rglob("*") if p.is_file()}
    kept = {
        str(p.relative_to(VECTORS)): p
        for p in VECTORS.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert set(kept) - set(made) == {"README.md", "make.py", "film.mp4", ".gitattributes"}
    for name, path in made.items():
        assert path.read_bytes() == kept[name].read_bytes(), name
