"""Post-quantum recordings, from the station's keys to the film; foreign tools both ways."""

import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from bodycam.evidence.age import CHUNK_BYTES, POST_QUANTUM, Sealer
from bodycam.evidence.enrolment import make_request, read_bundle
from bodycam_station.age_reader import HybridIdentity, Identity, UnsealError, open_sealed
from bodycam_station.identities import identity_file, parse_identities
from bodycam_station.station import Station
from foreign import Age, debian_age, npm_age
from recordings import Camera, Dice, device_key, identity, recipient, secret

HOUSE = Path(__file__).parents[2]
VECTORS = HOUSE / "tests" / "vectors"


def unsealed(data: bytes, *keys: Identity) -> bytes:
    return b"".join(open_sealed(BytesIO(data), keys))


def sealed(plain: bytes, *names: str) -> bytes:
    recipients = [recipient(name, post_quantum=True) for name in names]
    return bytes(Sealer(recipients, Dice("sealer")).seal([plain]))


def test_every_recipient_opens_it_and_nobody_else() -> None:
    data = sealed(b"x" * (CHUNK_BYTES + 1), "station", "escrow")
    for name in ("station", "escrow"):
        assert unsealed(data, identity(name, post_quantum=True)) == b"x" * (CHUNK_BYTES + 1)
    for key in (identity("station"), identity("finder", post_quantum=True)):
        with pytest.raises(UnsealError, match="other keys"):
            unsealed(data, key)


def test_an_identity_file_may_hold_keys_of_both_kinds() -> None:
    both = identity_file(secret("a"), "old") + identity_file(secret("b"), "new", post_quantum=True)
    keys = parse_identities(both)
    assert unsealed(sealed(b"new", "b"), *keys) == b"new"
    assert unsealed(bytes(Sealer([recipient("a")], Dice("a")).seal([b"old"])), *keys) == b"old"


# ---- foreign tools -------------------------------------------------------------------------------


def test_npm_age_encryption_opens_ours_and_we_open_its(tmp_path: Path) -> None:
    hold_against(npm_age(), tmp_path)


def hold_against(age: Age, folder: Path) -> None:
    """Both ways, at the border of a chunk."""
    plain = bytes(i % 251 for i in range(CHUNK_BYTES + 1))
    for name in ("station", "escrow"):
        file = folder / name
        file.write_bytes(identity_file(secret(name), name, post_quantum=True))
        assert age.open(file, sealed(plain, "station", "escrow")) == plain
    theirs = age.seal([recipient(name, post_quantum=True) for name in ("station", "x")], plain)
    assert unsealed(theirs, identity("station", post_quantum=True)) == plain


def verified_by(age: Age, folder: Path) -> "subprocess.CompletedProcess[str]":
    """What docs/verify.sh says of the vector, where `age` is that one."""
    words = [VECTORS / name for name in ("ok-pq", "allowed_signers", "identity-pq.txt")]
    return subprocess.run(
        ["sh", HOUSE / "docs/verify.sh", *words, folder / "film.mp4"],
        env=age.first_on_path(folder / "bin"),
        capture_output=True,
        text=True,
    )


def hold_the_vector(age: Age, folder: Path) -> None:
    done = verified_by(age, folder)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "OK: 7 lines, 5 objects.")
    assert (folder / "film.mp4").read_bytes() == (VECTORS / "film.mp4").read_bytes()


def test_the_script_needs_nothing_but_an_age_that_knows_such_keys(tmp_path: Path) -> None:
    hold_the_vector(npm_age(), tmp_path)


@pytest.mark.proof
def test_stock_age_of_debian_testing(tmp_path: Path) -> None:
    age = debian_age(tmp_path / "root")
    version = subprocess.run([age.program, "--version"], capture_output=True, text=True).stdout
    assert tuple(map(int, version.split("."))) >= (1, 3)
    hold_against(age, tmp_path)
    hold_the_vector(age, tmp_path)
    made = subprocess.run(
        [age.program.with_name("age-keygen"), "-pq"], capture_output=True, check=True
    ).stdout
    (key,) = parse_identities(made)
    assert f"# public key: {key.recipient}\n" in made.decode()
    assert isinstance(key, HybridIdentity)


# ---- a station -----------------------------------------------------------------------------------


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    made = Station.init(
        tmp_path / "station", "utrecht", person="A", post_quantum=True, random=Dice("station")
    )
    with made:
        yield made


def enrolled(station: Station, folder: Path) -> Camera:
    bundle = read_bundle(
        station.enroll(make_request("cam07", device_key("cam07"), "software"), person="A")
    )
    assert Sealer(bundle.recipients, Dice("trial")).kind == POST_QUANTUM
    return Camera(folder, recipients=bundle.recipients)


def test_the_whole_way(station: Station, tmp_path: Path) -> None:
    camera = enrolled(station, tmp_path / "card")
    whole, cut = camera.record(sound=True), camera.record(end="recovered", late=1)
    report = station.import_card(camera.card, person="A")
    assert [(i.verdict.integrity, i.receipt) for i in report.recordings] == (
        [("ok", True), ("incomplete", True)]
    )
    assert report.exit_code == 0
    for rec in (whole, cut):
        film = tmp_path / f"{rec.name}.mp4"
        station.export(rec.name, film, person="A")
        assert station.check_export(film, film.with_suffix(".json"), rec.name).problems == []


def test_the_escrow_opens_it_too(station: Station, tmp_path: Path) -> None:
    rec = enrolled(station, tmp_path / "card").record()
    keys = parse_identities((station.path / "escrow/identity.txt").read_bytes())
    warning = (rec / "00000001.warning.age").read_bytes()
    assert unsealed(warning, *keys).startswith(b'{"v":1')


def test_a_camera_that_seals_in_a_weaker_way_gets_no_receipt(
    station: Station, tmp_path: Path
) -> None:
    enrolled(station, tmp_path / "card")
    weaker = Camera(tmp_path / "weaker")  # the same camera, sealing to X25519 keys
    weaker.record()
    (item,) = station.import_card(weaker.card, person="A").recordings
    assert (item.verdict.integrity, item.receipt) == ("ok", False)
    assert "sealed to other keys" in item.why
