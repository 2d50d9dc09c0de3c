"""The board's own tables: who may log in, who is logged in, and who did and saw what."""

import sqlalchemy as sa

from bodycam_station.fleet.schema import METADATA

USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password", sa.String(255), nullable=False),
    sa.Column("added_ms", sa.BigInteger, nullable=False),
)

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("token", sa.String(64), primary_key=True),
    sa.Column("name", sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("form_key", sa.String(64), nullable=False),
    sa.Column("begun_ms", sa.BigInteger, nullable=False),
    sa.Column("seen_ms", sa.BigInteger, nullable=False),
)
"""`token` is the SHA-256 of what the browser holds: who reads the table cannot log in with it."""

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column(
        "id",
        sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("at_ms", sa.BigInteger, nullable=False, index=True),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("about", sa.String(128), nullable=False),
    sa.Column("note", sa.String(500), nullable=False),
)
