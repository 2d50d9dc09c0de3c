"""The fleet at the broker as it is shipped: certificates of the station, TLS, its access list."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bodycam_station.fleet.broker import broker_of
from bodycam_station.fleet.service import FleetService, wall_ms
from bodycam_station.fleet.settings import Settings
from bodycam_station.fleet.store import Store
from bodycam_station.station import Station
from fleet.cameras import Talking
from fleet.test_ear import until
from fleets import Fleet, fleet_of, hears, talk


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Fleet]:
    with fleet_of(tmp_path) as world:
        yield world


def settings(world: Fleet, name: str) -> Settings:
    """As `bodycam-station manager` left its files."""
    world.manager(name)
    place = world.folder / name
    return Settings(
        broker=f"mqtts://localhost:{world.broker.port}",
        broker_ca=str(place / "ca.pem"),
        broker_certificate=str(place / f"{name}.pem"),
        broker_key=str(place / f"{name}.key"),
        broker_name=name,
    )


def test_a_camera_is_heard_and_asked_over_tls(world: Fleet, tmp_path: Path) -> None:
    camera, said = talk(world, world.camera("cam07")), Talking()
    camera.subscribe("bodycam/v1/cam07/cmd/+")
    chosen = settings(world, "bodycam-board")
    with Station.open(world.station) as station:
        fleet = FleetService(station, Store.open(tmp_path / "fleet.db"), chosen)
        with closing(fleet):
            fleet.start(broker_of(chosen, station.path))
            until(lambda: not fleet.healthy(wall_ms()), "it is connected")
            for one in (said.state("docked"), said.status(wall_ms())):
                camera.client.publish(one.topic, one.payload, 1)
            until(lambda: fleet.view(wall_ms()).cameras[0].state == "docked", "it is heard")
            fleet.command("cam07", "locate", {}, "A. de Vries", wall_ms())
            hears(camera, "bodycam/v1/cam07/cmd/locate")
    camera.close()


# paho leaves the socket of a handshake that failed to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_of_another_station_is_not_spoken_with(world: Fleet, tmp_path: Path) -> None:
    chosen = settings(world, "bodycam-board")
    with fleet_of(tmp_path / "other") as other, Station.open(world.station) as station:
        elsewhere = f"mqtts://localhost:{other.broker.port}"
        address = broker_of(
            Settings(
                broker=elsewhere,
                broker_ca=chosen.broker_ca,
                broker_certificate=chosen.broker_certificate,
                broker_key=chosen.broker_key,
            ),
            station.path,
        )
        fleet = FleetService(station, Store.open(tmp_path / "fleet.db"), chosen)
        with closing(fleet):
            fleet.start(address)
            until(lambda: "is not trusted" in fleet.healthy(wall_ms()), "it says why not")
