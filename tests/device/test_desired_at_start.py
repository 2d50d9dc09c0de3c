"""What a configuration of the station means at the next start, and at another enrolment."""

from pathlib import Path

import pytest

from bodycam import enrolled
from bodycam.cli import main
from bodycam.config import load_policy, read_config
from bodycam.errors import BodycamError, ConfigError
from bodycam_station.station import Station
from device.life import PERSON, POLICY, Home

SHORT = POLICY.replace("pre_record_s = 2", "pre_record_s = 1").replace("quick", "short")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def configure(home: Home, policy: str = SHORT) -> bytes:
    with Station.open(home.station) as station:
        station.configure("cam07", policy.encode(), person=PERSON)
        data = station.desired("cam07")
    assert data is not None
    (home.folder / "desired").write_bytes(data)
    return data


def test_it_wins_over_the_policys_file_and_the_bundle(home: Home) -> None:
    config = read_config(home.config)
    before = enrolled.owner(config)
    assert (before.config_version, load_policy(config).keep.pre_record_s) == (0, 2)
    configure(home)
    configure(home)
    assert load_policy(config).keep.pre_record_s == 1
    after = enrolled.owner(config)
    assert (after.config_version, after.recipients) == (2, before.recipients)
    (home.folder / "desired").unlink()
    assert load_policy(config).keep.pre_record_s == 2


@pytest.mark.parametrize("damage", [b"", b"{}", b"x", b'{"policy":"?"}\n', b'{"policy":7}'])
def test_one_that_is_damaged_is_said_and_not_passed_over(home: Home, damage: bytes) -> None:
    configure(home)
    (home.folder / "desired").write_bytes(damage)
    config = read_config(home.config)
    with pytest.raises(BodycamError, match="desired"):
        load_policy(config)
    with pytest.raises(ConfigError, match=r"desired: not a configuration.*Remove it"):
        enrolled.owner(config)


def test_its_signature_is_checked_again_at_every_start(home: Home) -> None:
    data = configure(home)
    (home.folder / "desired").write_bytes(data.replace(b'"version":1', b'"version":2'))
    with pytest.raises(ConfigError, match="not a configuration of this camera's station"):
        enrolled.owner(read_config(home.config))


def test_one_that_this_camera_cannot_use_is_refused(home: Home) -> None:
    home.config.write_text(home.config.read_text() + "[memory]\nfootage_mib = 8\n")
    config = read_config(home.config)
    whose = enrolled.owner(config)
    for policy, why in (
        ("nonsense", "not a TOML file"),
        (SHORT.replace("bitrate_kbps = 400", "bitrate_kbps = 8000"), "MiB of memory"),
        (SHORT + '[sealing]\nkind = "post-quantum"\n', "keys"),
    ):
        data = configure(home, policy)
        with pytest.raises(BodycamError, match=why):
            enrolled.usable(config, data, whose)


def test_with_another_station_it_counts_no_more(home: Home) -> None:
    configure(home)
    with Station.init(home.folder / "other", "gennep", person=PERSON) as other:
        bundle = other.enroll((home.folder / "req").read_bytes(), person=PERSON)
    (home.folder / "from-gennep").write_bytes(bundle)
    words = ["enroll", "--config", str(home.config), "--accept", str(home.folder / "from-gennep")]
    assert main(words) == 0
    assert not (home.folder / "desired").exists()
    assert enrolled.owner(read_config(home.config)).config_version == 0


def test_with_the_same_station_it_stays(home: Home) -> None:
    data = configure(home)
    words = ["enroll", "--config", str(home.config), "--accept", str(home.folder / "bundle")]
    assert main(words) == 0
    assert (home.folder / "desired").read_bytes() == data
