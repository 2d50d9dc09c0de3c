"""`bodycam-station serve` and `user` as people start them."""

import io
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from board.served import PASSWORD
from bodycam_station.board.access import Role
from bodycam_station.board.accounts import Accounts
from bodycam_station.board.audit import Audit, Wanted
from bodycam_station.cli import main
from bodycam_station.fleet.store import Store
from bodycam_station.station import Station


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A station's."""
    with Station.init(tmp_path / "station", "utrecht", person="devries"):
        return tmp_path / "station"


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and the address that it says."""
    command = [sys.executable, "-m", "bodycam_station.cli", "serve", "--station", str(folder)]
    # Where nobody listens: the board comes up all the same, and says that it hears nothing.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        broker = f"mqtt://127.0.0.1:{taken.getsockname()[1]}"
    process = subprocess.Popen(
        [*command, "--broker", broker, "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert " is at " in line, process.stderr and process.stderr.read()
        yield process, line.partition(" is at ")[2].split()[0]
    finally:
        process.kill()
        process.communicate()


def run(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch, typed: str = "") -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    return main([*line.split(), "--station", str(folder), "--person", "A. de Vries"])


def test_the_board_comes_up_and_goes_down_also_with_a_page_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("user add ann --role viewer", folder, monkeypatch, f"{PASSWORD}\n") == 0
    with serving(folder) as (process, url), httpx.Client(base_url=url, timeout=20) as client:
        sick = client.get("/healthz")
        assert sick.status_code == 503
        assert "\n" not in sick.text.strip()
        assert "bodycam" in client.get("/metrics").text
        form = {"name": "ann", "password": PASSWORD}
        assert client.post("/login", data=form, headers={"Origin": url[:-1]}).status_code == 303
        page = client.get("/").text
        assert "Er is nog geen camera aangemeld" in page
        assert "Het station hoort sinds" in page
        with client.stream("GET", "/live", params={"page": "/"}) as stream:
            assert next(stream.iter_lines()) == "event: hello"
            start_s = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        assert time.monotonic() - start_s < 10
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_by_tls_it_is_served_to_others(folder: Path, tmp_path: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=board.example"),
            *("-addext", "subjectAltName=DNS:board.example,IP:127.0.0.1"),
            *("-keyout", folder / "board.key", "-out", folder / "board.pem"),
        ],
        check=True,
        capture_output=True,
    )
    (folder / "board.toml").write_text(
        'names = ["board.example"]\ncertificate = "board.pem"\nkey = "board.key"\n'
    )
    trust = ssl.create_default_context(cafile=str(folder / "board.pem"))
    with serving(folder) as (process, url):
        assert url.startswith("https://board.example:")
        here = url.replace("board.example", "127.0.0.1")
        with httpx.Client(base_url=here, verify=trust, timeout=20) as client:
            answer = client.get("/login", headers={"Host": "board.example"})
            assert answer.status_code == 200
            assert "strict-transport-security" in answer.headers
            assert client.get("/login", headers={"Host": "other.example"}).status_code == 400
        port = int(url.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(b"GET /login HTTP/1.1\r\nHost: board.example\r\n\r\n")
            assert b"200" not in plain.recv(100)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--address", "0.0.0.0"], "passwords in the clear"),
        (["--address", "here"], "must be an IP address"),
        (["--port", "70000"], "from 0 to 65535"),
        (["--broker", "mqtt://broker.example"], "on this machine only"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    folder: Path, words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--station", str(folder), *words]) == 1
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["board.toml", "fleet.toml"])
def test_settings_that_cannot_be_read_are_one_sentence(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).mkdir()
    assert main(["serve", "--station", str(folder)]) == 1
    said = capsys.readouterr().err
    assert f"{name} cannot be read: is a directory" in said
    assert said.count("\n") == 1
    if name == "fleet.toml":
        assert run("user add ann --role viewer", folder, monkeypatch, f"{PASSWORD}\n") == 1
        assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("board.toml", 'token = "abcdefghijklmnopqrstuvwxyz"'),
        ("fleet.toml", 'hook_secret = "abcdefghijklmnopqrstuvwxyz"'),
        ("fleet.toml", 'database = "postgresql://board:secret@127.0.0.1:1/fleet"'),
    ],
)
def test_a_secret_that_everybody_can_read_is_refused(
    folder: Path, name: str, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_text(f"{secret}\n")
    (folder / name).chmod(0o644)
    words = ["serve", "--station", str(folder), "--broker", "mqtt://broker.example"]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "every user of this machine can read it" in said
    assert "chmod o=" in said
    (folder / name).chmod(0o640)
    assert main(words) == 1  # for another reason
    assert "can read it" not in capsys.readouterr().err


def test_a_second_board_of_a_folder_is_refused_while_the_first_one_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(folder) as (process, _):
        assert main(["serve", "--station", str(folder), "--port", "0"]) == 1
        said = capsys.readouterr().err
        assert "is running already" in said
        assert said.count("\n") == 1
        process.kill()
        process.wait(20)
    with serving(folder):
        pass


def test_a_port_that_is_taken_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--station", str(folder), "--port", port]) == 1
    assert "address already in use" in capsys.readouterr().err


def test_users_come_and_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for line, typed in (
        ("user add ann --role manager", f"{PASSWORD}\n"),
        ("user add bob --role auditor", f"{PASSWORD}\n"),
        ("user password ann", "another long password\n"),
        ("user remove bob", ""),
    ):
        assert run(line, folder, monkeypatch, typed) == 0, capsys.readouterr().err
    capsys.readouterr()
    assert run("user list --json", folder, monkeypatch) == 0
    assert json.loads(capsys.readouterr().out) == {"users": [{"name": "ann", "role": "manager"}]}
    store = Store.open(folder / "fleet.db")
    accounts, audit = Accounts(store), Audit(store)
    assert accounts.log_in("ann", PASSWORD, 0) is None
    assert accounts.log_in("ann", "another long password", 0) is not None
    log = [(one.act, one.about, one.person) for one in audit.page(Wanted(), 1)[0]]
    store.close()
    who = "A. de Vries (station)"
    assert log == [
        ("user-remove", "bob", who),
        ("user-password", "ann", who),
        ("user-add", "bob", who),
        ("user-add", "ann", who),
    ]


@pytest.mark.parametrize(
    ("line", "typed", "why", "code"),
    [
        ("user add", "", "Which user?", 2),
        ("user add ann", "", "What may ann do?", 2),
        ("user add ann --role viewer", "short\n", "at least 12 letters", 2),
        ("user add Ann! --role viewer", f"{PASSWORD}\n", "cannot be a user name", 2),
        ("user remove nobody", "", "no user nobody", 2),
        ("user password nobody", f"{PASSWORD}\n", "no user nobody", 2),
    ],
)
def test_what_cannot_be_done_with_a_user_is_one_sentence(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    typed: str,
    why: str,
    code: int,
) -> None:
    assert run(line, folder, monkeypatch, typed) == code
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1
    assert PASSWORD not in said


def test_a_person_types_the_password_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = [PASSWORD, PASSWORD + "x", PASSWORD, PASSWORD]
    monkeypatch.setattr("getpass.getpass", lambda _: typed.pop(0))
    monkeypatch.setattr(sys, "stdin", Terminal())
    words = ["user", "add", "ann", "--role", "viewer", "--station", str(folder)]
    assert main(words) == 2
    assert "The two passwords differ" in capsys.readouterr().err
    assert main(words) == 0


def test_other_commands_stay_light() -> None:
    """Who verifies a recording waits for no web server."""
    code = (
        "import sys; from bodycam_station.cli import main\n"
        "try: main(['verify', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'starlette', 'uvicorn', 'sqlalchemy', 'jinja2', 'argon2', 'asyncio', 'paho'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_roles_on_the_command_line_are_those_of_the_table() -> None:
    from bodycam_station.cli import _parser

    for role in Role:
        assert _parser().parse_args(["user", "add", "ann", "--role", role.value]).role == role
