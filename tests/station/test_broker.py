"""The broker as config/mosquitto sets it up, with certificates of a station: who may do what."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from bodycam.errors import ConfigError
from bodycam.evidence.enrolment import Papers, make_request, read_bundle
from bodycam.evidence.keys import ES256, PublicKey
from bodycam.link import tls
from bodycam_station.papers import BOARD, CONFIG
from bodycam_station.station import Station
from fleets import PERSON, Fleet, fleet_of, hears, lose, talk
from recordings import device_key


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with fleet_of(tmp_path) as fleet:
        yield fleet


REFUSED = "Not authorized"


def test_a_camera_says_and_hears_what_is_its_own_and_nothing_else(fleet: Fleet) -> None:
    board = talk(fleet, fleet.manager(BOARD))
    cam07, cam08 = (talk(fleet, fleet.camera(name)) for name in ("cam07", "cam08"))
    for one in (board, cam07, cam08):
        assert one.wait("connected") == "Success"
    board.subscribe("bodycam/#")
    for leaf in ("state", "info", "status", "event", "res/c1"):
        assert cam07.publish(f"bodycam/v1/cam07/{leaf}") == "Success"
        assert cam07.publish(f"bodycam/v1/cam08/{leaf}") == REFUSED
    for topic in ("cam07/desired", "cam07/cmd/locate", "cam08/cmd/reboot", "bodycam-board/cmd/x"):
        assert cam07.publish(f"bodycam/v1/{topic}") == REFUSED
    assert cam07.publish("anything") == REFUSED

    cam08.subscribe("bodycam/#")
    cam08.subscribe("bodycam/v1/cam07/cmd/+")
    cam08.subscribe("$SYS/#")
    for leaf in ("cmd/locate", "desired"):
        assert board.publish(f"bodycam/v1/cam07/{leaf}") == "Success"
        assert board.publish(f"bodycam/v1/cam08/{leaf}") == "Success"
    assert board.publish("bodycam/v1/cam07/state") == REFUSED
    hears(cam08, "bodycam/v1/cam08/desired")
    assert {topic.split("/")[2] for topic in cam08.heard} == {"cam08"}
    assert {topic.split("/")[2] for topic in board.heard} <= {"cam07", "cam08"}
    for one in (board, cam07, cam08):
        one.close()


def test_a_camera_sets_no_will_for_another(fleet: Fleet) -> None:
    """Mosquitto takes the connection, and does not execute a will that its owner may not say."""
    context = fleet.camera("cam07")
    board = talk(fleet, fleet.manager(BOARD))
    board.subscribe("bodycam/v1/+/state")
    for device in ("cam08", "cam07"):
        one = talk(fleet, context, will=f"bodycam/v1/{device}/state")
        assert one.wait("connected") == "Success"
        lose(one)
    # The wills come in the order of their losses: the second one has, so the first never will.
    hears(board, "bodycam/v1/cam07/state")
    assert board.heard == ["bodycam/v1/cam07/state"]
    board.close()


def test_a_camera_throws_no_other_one_out(fleet: Fleet) -> None:
    """Who takes a client id ends the connection that has it: so the id is the certificate's."""
    cam07 = talk(fleet, fleet.camera("cam07"), name="cam07")
    assert cam07.wait("connected") == "Success"
    cam08 = talk(fleet, fleet.camera("cam08"), name="cam07")
    assert cam08.wait("connected") == "Success"
    assert cam07.publish("bodycam/v1/cam07/state") == "Success"
    assert "gone" not in cam07.reasons
    for one in (cam07, cam08):
        one.close()


def test_without_a_certificate_or_with_a_foreign_one_nobody_gets_in(fleet: Fleet) -> None:
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nobody.load_verify_locations(fleet.station / "ca.pem")
    with Station.init(fleet.folder / "elsewhere", "utrecht", person=PERSON):
        pass
    foreign = fleet.camera("cam07", fleet.folder / "elsewhere")
    for context in (nobody, foreign, None):
        one = talk(fleet, context)
        assert one.wait("gone")
        assert "connected" not in one.reasons
        one.close()


def test_the_broker_is_believed_by_its_certificate_and_name_only(fleet: Fleet) -> None:
    context = fleet.camera("cam07")
    for trusting, name, good in (
        (context, "localhost", True),
        (context, "127.0.0.1", False),  # it is not called so in its certificate
        (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "localhost", False),
    ):
        with socket.create_connection(("127.0.0.1", fleet.broker.port)) as plain:
            if good:
                trusting.wrap_socket(plain, server_hostname=name).close()
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    trusting.wrap_socket(plain, server_hostname=name)


def test_tls_1_2_is_the_oldest_that_either_side_takes(fleet: Fleet) -> None:
    context = fleet.camera("cam07")
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    one = talk(fleet, context)
    assert one.wait("connected") == "Success"
    one.close()
    older = ["openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]
    words = [*older, "-connect", f"127.0.0.1:{fleet.broker.port}"]
    done = subprocess.run(words, capture_output=True, text=True, input="")
    assert "protocol version" in done.stderr, done.stderr


def test_who_was_revoked_stays_out(fleet: Fleet) -> None:
    cameras = {name: fleet.camera(name) for name in ("cam07", "cam08")}
    board = fleet.manager(BOARD)
    for name in ("cam07", BOARD):
        assert fleet.cli("revoke", name, "--reason", "stolen") == 0
    assert fleet.cli("broker", "--out", fleet.folder / "mosquitto") == 0
    fleet.broker.stop()
    fleet.broker.start()
    for context in (cameras["cam07"], board):
        one = talk(fleet, context)
        assert one.wait("gone")
        assert "connected" not in one.reasons
        one.close()
    still = talk(fleet, cameras["cam08"])
    assert still.wait("connected") == "Success"
    still.close()
    again = talk(fleet, fleet.manager(f"{BOARD}-2"))
    assert again.wait("connected") == "Success"
    again.close()


def test_what_is_longer_than_any_message_is_refused(fleet: Fleet) -> None:
    one = talk(fleet, fleet.camera("cam07"))
    assert one.wait("connected") == "Success"
    one.client.publish("bodycam/v1/cam07/event", b"x" * 40_000, 1)
    assert one.wait("gone")
    one.close()


def test_a_configuration_is_published_as_who_may(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    cam07 = talk(fleet, fleet.camera("cam07"))
    assert cam07.wait("connected") == "Success"
    cam07.subscribe("bodycam/v1/cam07/desired")
    fleet.manager(CONFIG)
    policy = fleet.folder / "policy.toml"
    policy.write_text('name = "strict"\n')
    where = f"localhost:{fleet.broker.port}"
    words = ("config", "cam07", "--policy", policy, "--publish", where, "--as")
    assert fleet.cli(*words, fleet.folder / CONFIG) == 0
    assert "version 1" in capsys.readouterr().out
    hears(cam07, "bodycam/v1/cam07/desired")
    cam07.close()
    assert fleet.cli(*words, fleet.folder / "cam07") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "not usable" in said or "does not take it" in said
    fleet.manager("dashboard")
    assert fleet.cli(*words, fleet.folder / "dashboard") == 2
    assert "does not take it: Not authorized" in capsys.readouterr().err
    fleet.broker.kill()
    assert fleet.cli(*words, fleet.folder / CONFIG) == 2
    assert "cannot be reached" in capsys.readouterr().err


# ---- keys and names ------------------------------------------------------------------------------


def test_a_key_that_others_can_read_is_not_used(fleet: Fleet, tmp_path: Path) -> None:
    fleet.camera("cam07")
    key = tmp_path / "cam07" / "tls.key"
    with Station.open(fleet.station) as station:
        papers = Papers(b"x", station.authority_pem)
    for mode in (0o644, 0o640, 0o604, 0o660):
        key.chmod(mode)
        with pytest.raises(ConfigError, match="others can read"):
            tls.address("localhost", 1, papers, key, tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        tls.address("localhost", 1, papers, tmp_path / "gone", tmp_path)


def test_a_key_that_systemd_lends_shows_the_groups_bit(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.camera("cam07")
    key = tmp_path / "cam07" / "tls.key"
    key.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(key.parent))
    with pytest.raises(ConfigError, match="do not belong together"):  # as far as that, then
        tls.address("localhost", 1, Papers(b"x", b"x"), key, tmp_path)


def test_plaintext_goes_to_this_machine_only() -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        assert tls.plain_address(host, 1883).tls is None
    with pytest.raises(ConfigError, match="not this machine"):
        tls.plain_address("broker.example.org", 1883)


def test_a_name_belongs_to_one_kind_of_holder(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.camera("cam07")
    assert fleet.cli("manager", "cam07", "--out", fleet.folder / "x") == 2
    assert "name of a camera" in capsys.readouterr().err
    fleet.manager("dashboard")
    for name in ("dashboard", BOARD, CONFIG):
        request = fleet.folder / f"{name}.request"
        request.write_bytes(make_request(name, device_key(name), "software"))
        words = ("enroll", request, "--out", fleet.folder / f"{name}.bundle")
        assert fleet.cli(*words) == 2
        assert "name of a manager" in capsys.readouterr().err
    assert fleet.cli("manager", "Big Boss", "--out", fleet.folder / "x") == 2
    assert fleet.cli("revoke", "nobody", "--reason", "gone") == 2


def test_the_same_request_gives_the_same_certificate_and_another_key_another(
    fleet: Fleet,
) -> None:
    first, second = device_key("tls-1", ES256).public, device_key("tls-2", ES256).public
    with Station.open(fleet.station) as station:

        def serial(key: PublicKey) -> int:
            request = make_request("cam09", device_key("cam09"), "software", key)
            papers = read_bundle(station.enroll(request, person=PERSON)).papers
            assert papers is not None
            return x509.load_der_x509_certificate(papers.certificate).serial_number

        one = serial(first)
        assert serial(first) == one
        empty = station.revocations_pem
        assert serial(second) != one
        assert station.revocations_pem != empty  # the first key's counts no more
