"""The tables. What changes here needs a migration, in migrations/versions; a test compares both.

Times that end in `_ms` are UTC since 1970. Tables of the board hang on the same METADATA.
"""

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite counts up only what it calls an integer."""


def _device(*, primary_key: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey("cameras.device", ondelete="CASCADE")
    return sa.Column("device", sa.String(64), key, primary_key=primary_key, nullable=False)


def _ms(name: str, *, maybe: bool = False, index: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=maybe, index=index)


def _text(name: str, size: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(size), nullable=False, server_default="")


CAMERAS = sa.Table(
    "cameras",
    METADATA,
    sa.Column("device", sa.String(64), primary_key=True),
    # From the registry, and by the manager.
    _ms("enrolled_ms"),
    _text("key", 64),
    sa.Column("revoked", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("in_group", 64),
    # Known: see known.py.
    sa.Column("state", sa.String(16), nullable=False, server_default="never"),
    sa.Column("state_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("before", sa.String(16), nullable=False, server_default="never"),
    _text("reason", 200),
    _text("session", 64),
    _text("boot", 64),
    _text("sessions", 400),
    _ms("heard_ms", maybe=True),
    sa.Column("info", sa.LargeBinary),
    sa.Column("status", sa.LargeBinary),
    _ms("status_ms", maybe=True),
    sa.Column("battery_percent", sa.Integer),
    sa.Column("charging", sa.Boolean),
    _ms("clock_off_ms", maybe=True),
    _ms("waiting_since_ms", maybe=True),
    sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
    sa.Column("journal_seq", sa.BigInteger, nullable=False, server_default="-1"),
    _text("journal_digest", 64),
    _ms("journal_ms", maybe=True),
    # Worked out from the history: percent of charge an hour.
    sa.Column("drain", sa.Float),
    sa.Column("touched_ms", sa.BigInteger, nullable=False, server_default="0", index=True),
)

STATES = sa.Table(
    "states",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    _device(),
    _ms("at_ms", index=True),
    sa.Column("state", sa.String(16), nullable=False),
    _text("reason", 200),
    _text("session", 64),
    sa.Index(None, "device", "at_ms"),
)

JOURNAL = sa.Table(
    "journal",
    METADATA,
    _device(primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("prev", sa.String(64), nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("boot", sa.String(64), nullable=False),
    sa.Column("t_us", sa.BigInteger, nullable=False),
    _text("rec", 96),
    _text("head", 64),
    sa.Column("historical", sa.Boolean, nullable=False),
    # Whether the station's witness was told of its head; nothing to tell where there is none.
    sa.Column("witnessed", sa.Boolean, nullable=False),
    _ms("at_ms", index=True),
    sa.Index(None, "device", "at_ms"),
)

RECORDINGS = sa.Table(
    "recordings",
    METADATA,
    sa.Column("rec", sa.String(96), primary_key=True),
    _device(),
    sa.Column("counter", sa.BigInteger, nullable=False),
    _ms("opened_ms", maybe=True),
    _text("ended", 32),
    _ms("ended_ms", maybe=True),
    _ms("stored_ms", maybe=True),
    sa.Index(None, "device", "counter"),
)

HEADS = sa.Table(
    "heads",
    METADATA,
    sa.Column("rec", sa.String(96), primary_key=True),
    _device(),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("line", sa.Text, nullable=False),
    sa.Column("checked", sa.Boolean, nullable=False),
    _text("key", 44),
    _ms("at_ms"),
    _text("witnessed", 64),
    sa.Column("witnessed_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index(None, "device", "at_ms"),
)

SPELLS = sa.Table(
    "spells",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    _device(),
    sa.Column("code", sa.String(32), nullable=False),
    _text("detail", 96),
    sa.Column("said", sa.JSON, nullable=False),
    _ms("raised_ms"),
    _ms("cleared_ms", maybe=True),
    _text("person", 200),
    _text("note", 500),
    _ms("acknowledged_ms", maybe=True),
    sa.Index(None, "device", "raised_ms"),
    sa.Index(
        "uq_spells_open",
        "device",
        "code",
        "detail",
        unique=True,
        sqlite_where=sa.text("cleared_ms IS NULL"),
        postgresql_where=sa.text("cleared_ms IS NULL"),
    ),
)

MEASURES = ("battery", "room", "temperature", "radio")
"""What the history sums up: of each a sum, a count, the least and the most."""

HISTORY = sa.Table(
    "history",
    METADATA,
    _device(primary_key=True),
    sa.Column("step_s", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("count", sa.Integer, nullable=False),
    *(
        sa.Column(f"{measure}_{part}", sa.BigInteger, nullable=part in ("least", "most"))
        for measure in MEASURES
        for part in ("sum", "count", "least", "most")
    ),
    sa.Column("waiting", sa.BigInteger, nullable=False),
    sa.Column("drained_percent", sa.BigInteger, nullable=False),
    sa.Column("drained_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "step_s", "at_ms"),
    sqlite_with_rowid=False,
)

COMMANDS = sa.Table(
    "commands",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    _device(),
    sa.Column("name", sa.String(32), nullable=False),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("person", sa.String(200), nullable=False),
    _ms("given_ms", index=True),
    _ms("until_ms"),
    _ms("sent_ms", maybe=True),
    sa.Column("outcome", sa.String(16), nullable=False, index=True),
    _ms("outcome_ms"),
    _text("why", 200),
    sa.Index(None, "device", "given_ms"),
)

DESIRED = sa.Table(
    "desired",
    METADATA,
    _device(primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    _ms("given_ms"),
    _ms("sent_ms", maybe=True),
)

ALERTS = sa.Table(
    "alerts",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    _device(),
    sa.Column("code", sa.String(32), nullable=False),
    _text("detail", 96),
    sa.Column("severity", sa.String(16), nullable=False),
    _ms("raised_ms"),
    _ms("over_ms", maybe=True, index=True),
    sa.Index(
        "uq_alerts_open",
        "device",
        "code",
        "detail",
        unique=True,
        sqlite_where=sa.text("over_ms IS NULL"),
        postgresql_where=sa.text("over_ms IS NULL"),
    ),
)

DELIVERIES = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column(
        "alert",
        _ID,
        sa.ForeignKey("alerts.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("what", sa.String(16), nullable=False),
    _ms("at_ms"),
    _ms("due_ms", maybe=True, index=True),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    _ms("delivered_ms", maybe=True),
    _text("why", 200),
)
