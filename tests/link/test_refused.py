"""What the link says where the broker, or what stands in its place, does not want it."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycam.link.connection import Address
from fleets import Fleet, fleet_of
from link.running import Running
from link.test_process import until


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with fleet_of(tmp_path) as fleet:
        yield fleet


def says(
    fleet: Fleet,
    context: ssl.SSLContext,
    what: str,
    host: str = "localhost",
    *,
    welcome: bool = True,
) -> None:
    """cam07's link, with what it was given to show, says this and tries again."""
    place = fleet.folder / "running"
    place.mkdir()
    with Running(place, Address(host, fleet.broker.port, context)) as cam:
        until(lambda: any(what in said for said in cam.told), what)
        until(lambda: len(cam.connections) >= 2, "another attempt")
        assert welcome or not any(said.startswith("Connected") for said in cam.told)


def test_what_it_may_not_say(fleet: Fleet) -> None:
    """With another's certificate it is another: cam07's topics are not its own."""
    says(fleet, fleet.camera("cam08"), "The broker refuses what we say: Not authorized.")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho's socket
def test_a_broker_of_another_name(fleet: Fleet) -> None:
    what = "The broker is not trusted: IP address mismatch"
    says(fleet, fleet.camera("cam07"), what, host="127.0.0.1")


def test_who_was_revoked(fleet: Fleet) -> None:
    context = fleet.camera("cam07")
    assert fleet.cli("revoke", "cam07", "--reason", "stolen") == 0
    assert fleet.cli("broker", "--out", fleet.folder / "mosquitto") == 0
    fleet.broker.stop()
    fleet.broker.start()
    says(fleet, context, "The connection was lost", welcome=False)
