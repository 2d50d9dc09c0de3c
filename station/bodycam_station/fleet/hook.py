"""Alerts to a web hook: bounded, signed, tried again. No person, no place, no footage is in them.

A message is JSON:

    {"v":1,"station":"utrecht","alerts":[{"id":7,"what":"raised","camera":"cam07","code":"fault",
     "detail":"speaker-dead","severity":"grave","at":"2026-11-26T08:00:00Z"}]}

`what` is `raised` or `over`. The header `X-Bodycam-Signature` is `t=SECONDS,v1=HEX`: HMAC-SHA256,
by the secret, of `SECONDS.BODY`. Any answer 2xx takes it; after another one all of it comes again.
"""

import hashlib
import hmac
import http.client
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import sqlalchemy as sa

from bodycam.errors import ConfigError
from bodycam_station.fleet.alerts import Key, decide, next_try_ms
from bodycam_station.fleet.broker import is_loopback
from bodycam_station.fleet.findings import severity
from bodycam_station.fleet.schema import ALERTS, DELIVERIES, SPELLS
from bodycam_station.fleet.settings import FILE, Settings
from bodycam_station.fleet.store import Store, upsert

AT_ONCE = 50
"""Alerts in one message."""
TIMEOUT_S = 10
LEASE_MS = 60_000
"""What one process is posting, another one leaves alone for so long."""
_MAX_WHY = 200

Post = Callable[[bytes, Mapping[str, str]], str]
"""Takes body and headers; empty where it was taken, else why not."""


def poster(settings: Settings) -> Post | None:
    """How alerts are posted; None where there is no hook. Raises ConfigError."""
    if not settings.hook_url:
        return None
    wrong = ConfigError(f"{FILE}: hook_url must be https://…, or http:// to this machine.")
    try:
        parts = urlsplit(settings.hook_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    secure = parts.scheme == "https"
    if not host or not (secure or (parts.scheme == "http" and is_loopback(host))):
        raise wrong
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def post(body: bytes, headers: Mapping[str, str]) -> str:
        connection: http.client.HTTPConnection
        if secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", path, body, dict(headers))
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"The web hook cannot be reached: {error}."[:_MAX_WHY]
        finally:
            connection.close()
        return "" if 200 <= status < 300 else f"The web hook answered {status}."

    return post


def signature(secret: str, seconds: int, body: bytes) -> str:
    """The header that shows who sent it, and when."""
    mac = hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={mac}"


def note_alerts(store: Store, settings: Settings, now_ms: int, *, deliver: bool) -> bool:
    """Begin and end alerts by the findings that last; whether there were any."""
    with store.read() as db:
        active: dict[Key, int] = {
            (row.device, row.code, row.detail): row.id
            for row in db.execute(sa.select(ALERTS).where(ALERTS.c.over_ms.is_(None)))
        }
        lasting: dict[Key, int] = {}
        held: set[Key] = set()
        for row in db.execute(sa.select(SPELLS).where(SPELLS.c.cleared_ms.is_(None))):
            key = (row.device, row.code, row.detail)
            held.add(key)
            if row.acknowledged_ms is None:
                lasting[key] = row.raised_ms
        cleared: dict[Key, int] = {}
        for key in active.keys() - held:
            device, code, detail = key
            ended = db.execute(
                sa.select(sa.func.max(SPELLS.c.cleared_ms)).where(
                    SPELLS.c.device == device, SPELLS.c.code == code, SPELLS.c.detail == detail
                )
            ).scalar_one()
            cleared[key] = ended if ended is not None else 0
    said = decide(active, lasting, cleared, now_ms, settings)
    if not said.raised and not said.over:
        return False
    with store.write() as db:
        for key in said.raised:
            device, code, detail = key
            insert = upsert(db, ALERTS).values(
                device=device,
                code=code,
                detail=detail,
                severity=severity(code, detail),
                raised_ms=lasting[key],
            )
            alert = db.execute(
                insert.on_conflict_do_nothing().returning(ALERTS.c.id)
            ).scalar_one_or_none()
            if alert is not None:  # else another process was quicker
                _to_deliver(db, alert, "raised", now_ms, deliver)
        for key in said.over:
            here = ALERTS.c.id == active[key], ALERTS.c.over_ms.is_(None)
            if db.execute(ALERTS.update().where(*here).values(over_ms=now_ms)).rowcount:
                _to_deliver(db, active[key], "over", now_ms, deliver)
    return True


def _to_deliver(db: sa.Connection, alert: int, what: str, now_ms: int, deliver: bool) -> None:
    if deliver:
        row = {"alert": alert, "what": what, "at_ms": now_ms, "due_ms": now_ms}
        db.execute(DELIVERIES.insert(), row)


def deliver(store: Store, post: Post, station: str, secret: str, now_ms: int) -> int:
    """Post what is due, in one message; how many alerts were in it. Raises StorageError."""
    with store.write() as db:
        due = db.execute(
            sa.select(
                DELIVERIES, ALERTS.c.device, ALERTS.c.code, ALERTS.c.detail, ALERTS.c.severity
            )
            .join(ALERTS, ALERTS.c.id == DELIVERIES.c.alert)
            .where(DELIVERIES.c.due_ms <= now_ms)
            .order_by(DELIVERIES.c.id)
            .limit(AT_ONCE)
            .with_for_update(of=DELIVERIES, skip_locked=True)
        ).all()
        # Ours for now: another process leaves them alone, unless this one dies.
        ours = DELIVERIES.c.id.in_([row.id for row in due])
        db.execute(DELIVERIES.update().where(ours).values(due_ms=now_ms + LEASE_MS))
    if not due:
        return 0
    alerts = [
        {
            "id": row.id,
            "what": row.what,
            "camera": row.device,
            "code": row.code,
            "detail": row.detail,
            "severity": row.severity,
            "at": _stamp(row.at_ms),
        }
        for row in due
    ]
    body = json.dumps({"v": 1, "station": station, "alerts": alerts}).encode()
    headers = {"Content-Type": "application/json"}
    if secret:
        headers["X-Bodycam-Signature"] = signature(secret, now_ms // 1000, body)
    why = post(body, headers)
    _noted(store, due, why, now_ms)
    return len(due)


def _noted(store: Store, due: Sequence[sa.Row[tuple[object, ...]]], why: str, now_ms: int) -> None:
    with store.write() as db:
        for row in due:
            tries = row.tries + 1
            taken = {"due_ms": None, "delivered_ms": now_ms, "why": ""}
            again = {"due_ms": next_try_ms(tries, now_ms), "why": why[:_MAX_WHY]}
            values = {"tries": tries, **(again if why else taken)}
            db.execute(DELIVERIES.update().where(DELIVERIES.c.id == row.id).values(values))


def _stamp(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
