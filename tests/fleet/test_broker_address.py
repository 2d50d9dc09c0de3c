"""Where the broker is: in the clear on this machine only."""

from pathlib import Path

import pytest

from bodycam.errors import ConfigError
from bodycam_station.fleet.broker import broker_of
from bodycam_station.fleet.settings import Settings


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("mqtt://127.0.0.1:1883", "127.0.0.1", 1883),
        ("mqtt://localhost", "localhost", 1883),
        ("mqtt://[::1]:1884", "::1", 1884),
    ],
)
def test_this_machine_may_be_spoken_with_in_the_clear(
    url: str, host: str, port: int, tmp_path: Path
) -> None:
    found = broker_of(Settings(broker=url), tmp_path)
    assert (found.host, found.port, found.tls) == (host, port, None)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mqtt://broker.example:1883", "in the clear on this machine only"),
        ("mqtts://broker.example:8883", "needs broker_ca"),
        ("http://127.0.0.1", "must be mqtts://"),
        ("mqtt://127.0.0.1:99999", "must be mqtts://"),
        ("mqtt://me:secret@127.0.0.1", "must be mqtts://"),
        ("mqtt://127.0.0.1/root", "must be mqtts://"),
        ("", "must be mqtts://"),
    ],
)
def test_anything_else_is_refused(url: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=why):
        broker_of(Settings(broker=url), tmp_path)


def test_certificates_that_are_not_there_are_a_sentence(tmp_path: Path) -> None:
    settings = Settings(
        broker="mqtts://broker.example",
        broker_ca="ca.pem",
        broker_certificate="broker/station.pem",
        broker_key="broker/station.key",
    )
    with pytest.raises(ConfigError, match="cannot be read"):
        broker_of(settings, tmp_path)
