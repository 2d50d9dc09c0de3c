"""`bodycam-station serve` and `user`: fleet and board in one process, and who may log in."""

import argparse
import contextlib
import getpass
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

from bodycam.errors import ConfigError, UsageError
from bodycam_station import words
from bodycam_station.board.access import Role
from bodycam_station.board.accounts import Accounts
from bodycam_station.board.app import make_app
from bodycam_station.board.audit import Audit
from bodycam_station.board.config import FILE, Config, checked, config_of
from bodycam_station.board.frame import Board
from bodycam_station.board.live import Hub
from bodycam_station.board.server import Server
from bodycam_station.files import Folder, shown
from bodycam_station.fleet.broker import broker_of
from bodycam_station.fleet.service import FleetService, open_fleet
from bodycam_station.fleet.settings_file import settings_of
from bodycam_station.fleet.store import FILE as DATABASE
from bodycam_station.fleet.store import Store
from bodycam_station.station import Station

SERVING = "serve.lock"


def now_ms() -> int:
    """UTC since 1970."""
    return time.time_ns() // 1_000_000


def serve(station: Station, args: argparse.Namespace) -> int:
    """Run the board until it is told to end."""
    folder = station.path
    config = _config(folder, args)
    config.check(folder)
    with _alone(folder), contextlib.closing(_fleet(station, args)) as fleet:
        accounts, audit = Accounts(fleet.store), Audit(fleet.store)
        board = Board(config.settings(station.name), fleet, accounts, audit, now_ms)
        audit.tidy(now_ms())
        with _listening(config) as sock:
            fleet.start(broker_of(fleet.settings, folder))
            hub = Hub(fleet)
            server = Server(
                make_app(board, hub), hub, config.context(folder) if config.tls else None
            )
            _say(config, sock, station, accounts)
            with _ended_by_signals():
                server.run([sock])
    return 0


def user(station: Station, args: argparse.Namespace, person: str) -> int:
    """Add, remove or list who may log in to the board, or change a password."""
    settings = settings_of(station.path)
    with contextlib.closing(Store.open(settings.database or station.path / DATABASE)) as store:
        accounts, audit = Accounts(store), Audit(store)
        if args.action == "list":
            return _list(accounts, as_json=args.json)
        if not args.name:
            raise UsageError(
                "Which user?", do=f"Give a name: bodycam-station user {args.action} NAME"
            )
        if args.action == "add" and not args.role:
            raise UsageError(
                f"What may {shown(args.name)} do?", do="Give --role viewer, manager or auditor."
            )
        password = "" if args.action == "remove" else _password(args.name)
        person = f"{person} (station)"
        audit.add(f"user-{args.action}", person=person, about=args.name, note=args.role or "")
        try:
            print(_done(accounts, args, password))
        except UsageError as error:
            audit.add("failed", person=person, about=args.name, note=error.what)
            raise
    return 0


def _done(accounts: Accounts, args: argparse.Namespace, password: str) -> str:
    """Do it; what to say of it."""
    if args.action == "remove":
        accounts.remove(args.name)
        return f"{args.name} is removed and logged out."
    if args.action == "add":
        accounts.add(args.name, Role(args.role), password, now_ms())
        return f"{args.name} may log in to the board as {args.role}."
    accounts.set_password(args.name, password)
    return f"{args.name} has another password and is logged out."


def _fleet(station: Station, args: argparse.Namespace) -> FleetService:
    fleet = open_fleet(station, station.path)
    if args.broker:
        fleet.settings = replace(fleet.settings, broker=args.broker)
    return fleet


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two boards of one folder have one name at the broker, and would throw each other out."""
    taken = ConfigError(
        f"A board of {shown(folder)} is running already.",
        do="End it first. For several boards, see docs/scale.md: each has a folder of its own.",
    )
    with Folder(folder) as place, place.locked(SERVING, taken=taken):
        yield


def _config(folder: Path, args: argparse.Namespace) -> Config:
    config = config_of(folder)
    given = {"address": args.address, "port": args.port}
    return checked(replace(config, **{k: v for k, v in given.items() if v is not None}))


@contextlib.contextmanager
def _listening(config: Config) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in config.address else socket.AF_INET
    try:
        sock = socket.create_server((config.address, config.port), family=family, backlog=256)
    except OSError as error:
        why = os.strerror(error.errno or 0).lower()
        raise ConfigError(
            f"The board cannot listen on {config.address} port {config.port}: {why}.",
            do=f"Choose another one with --port, or in {FILE}.",
        ) from None
    with sock:
        yield sock


def _say(config: Config, sock: socket.socket, station: Station, accounts: Accounts) -> None:
    host = config.names[0] if config.names else config.address
    host = f"[{host}]" if ":" in host else host
    address = f"{'https' if config.tls else 'http'}://{host}:{sock.getsockname()[1]}/"
    print(f"The board of {station.name} is at {address} (Ctrl-C ends it)", flush=True)
    if not accounts.users():
        print(
            "Nobody may log in yet: bodycam-station user add NAME --role manager "
            f"--station {shown(station.path)}",
            file=sys.stderr,
            flush=True,
        )


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """The server ends by itself on a signal and gives it again; then we end, too, and cleanly."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(0)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _list(accounts: Accounts, *, as_json: bool) -> int:
    found = accounts.users()
    if as_json:
        return words.print_json({"users": [{"name": u.name, "role": u.role.value} for u in found]})
    for one in found:
        print(f"{one.name}  {one.role.value}")
    if not found:
        print("Nobody may log in yet. See: bodycam-station user --help")
    return 0


def _password(name: str) -> str:
    """Asked twice of a person; of a script, the first line of its standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(f"Password of {name}: ")
    if getpass.getpass("The same again: ") != first:
        raise UsageError("The two passwords differ.", do="Try again.")
    return first
