"""board.toml: read strictly, and never a password in the clear."""

import subprocess
from pathlib import Path

import pytest

from bodycam.errors import ConfigError
from bodycam_station.board.config import Config, read_config


def test_without_a_file_the_board_is_for_this_machine() -> None:
    config = read_config(b"")
    assert config == Config()
    assert config.here
    assert not config.tls
    config.check(Path())


def test_every_key_is_read() -> None:
    config = read_config(
        b'address = "0.0.0.0"\nport = 443\nnames = ["bodycams.example.org"]\n'
        b'certificate = "board.pem"\nkey = "board.key"\nlanguage = "en"\nzone = "Europe/Brussels"\n'
        b'token = "abcdefghijklmnopqrstuvwxyz"\n'
    )
    settings = config.settings("utrecht")
    assert config.tls
    assert (settings.station, settings.language, settings.tls) == ("utrecht", "en", True)
    assert str(settings.zone) == "Europe/Brussels"
    assert settings.token == "abcdefghijklmnopqrstuvwxyz"
    assert {"bodycams.example.org", "localhost"} <= settings.hosts


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("adress = '::1'", "adress"),
        ("address = 'localhost'", "an IP address"),
        ("address = 1", "text in quotes"),
        ("port = '80'", "a whole number"),
        ("port = true", "a whole number"),
        ("port = 70000", "from 0 to 65535"),
        ("names = 'x'", "a list of host names"),
        ("names = ['https://x']", "a list of host names"),
        ("certificate = 'x.pem'", "go together"),
        ("language = 'de'", "one of nl, en"),
        ("zone = 'Utrecht'", "no time zone Utrecht"),
        ("zone = '../../etc/passwd'", "no time zone"),
        ("token = 'short'", "at least 20"),
        ("= 1", "cannot be read"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as raised:
        read_config(text.encode())
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7"])
def test_in_the_clear_it_is_served_to_this_machine_only(address: str) -> None:
    with pytest.raises(ConfigError, match="passwords in the clear"):
        Config(address=address, names=("x.example",)).check(Path())


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1"])
def test_this_machine_needs_no_tls(address: str) -> None:
    Config(address=address).check(Path())


def test_elsewhere_it_needs_its_name_and_a_certificate_that_works(tmp_path: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "1"),
            *("-subj", "/CN=x", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    config = Config(address="0.0.0.0", certificate="cert.pem", key="key.pem", names=("x.example",))
    config.check(tmp_path)
    with pytest.raises(ConfigError, match="under which name"):
        Config(address="0.0.0.0", certificate="cert.pem", key="key.pem").check(tmp_path)
    (tmp_path / "key.pem").write_text("not a key")
    with pytest.raises(ConfigError, match="cannot be used for TLS"):
        config.check(tmp_path)
    (tmp_path / "key.pem").unlink()
    with pytest.raises(ConfigError, match="cannot be used for TLS"):
        config.check(tmp_path)
