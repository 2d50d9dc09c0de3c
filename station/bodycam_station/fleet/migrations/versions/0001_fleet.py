"""The fleet: cameras, their history, and what was done."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "cameras",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("enrolled_ms", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=64), server_default="", nullable=False),
        sa.Column("revoked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("in_group", sa.String(length=64), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), server_default="never", nullable=False),
        sa.Column("state_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("before", sa.String(length=16), server_default="never", nullable=False),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column("session", sa.String(length=64), server_default="", nullable=False),
        sa.Column("boot", sa.String(length=64), server_default="", nullable=False),
        sa.Column("sessions", sa.String(length=400), server_default="", nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), nullable=True),
        sa.Column("info", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.LargeBinary(), nullable=True),
        sa.Column("status_ms", sa.BigInteger(), nullable=True),
        sa.Column("battery_percent", sa.Integer(), nullable=True),
        sa.Column("charging", sa.Boolean(), nullable=True),
        sa.Column("clock_off_ms", sa.BigInteger(), nullable=True),
        sa.Column("waiting_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("journal_digest", sa.String(length=64), server_default="", nullable=False),
        sa.Column("journal_ms", sa.BigInteger(), nullable=True),
        sa.Column("drain", sa.Float(), nullable=True),
        sa.Column("touched_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_cameras")),
    )
    op.create_index(op.f("ix_cameras_touched_ms"), "cameras", ["touched_ms"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=96), server_default="", nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("raised_ms", sa.BigInteger(), nullable=False),
        sa.Column("over_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device"], ["cameras.device"], name=op.f("fk_alerts_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_over_ms"), "alerts", ["over_ms"], unique=False)
    op.create_table(
        "commands",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("given_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("outcome_ms", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=200), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["cameras.device"], name=op.f("fk_commands_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
    )
    op.create_index(
        op.f("ix_commands_device_given_ms"), "commands", ["device", "given_ms"], unique=False
    )
    op.create_index(op.f("ix_commands_given_ms"), "commands", ["given_ms"], unique=False)
    op.create_index(op.f("ix_commands_outcome"), "commands", ["outcome"], unique=False)
    op.create_table(
        "desired",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("given_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device"], ["cameras.device"], name=op.f("fk_desired_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_desired")),
    )
    op.create_table(
        "heads",
        sa.Column("rec", sa.String(length=96), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("checked", sa.Boolean(), nullable=False),
        sa.Column("key", sa.String(length=44), server_default="", nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("witnessed", sa.String(length=64), server_default="", nullable=False),
        sa.Column("witnessed_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["cameras.device"], name=op.f("fk_heads_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rec", name=op.f("pk_heads")),
    )
    op.create_index(op.f("ix_heads_device_at_ms"), "heads", ["device", "at_ms"], unique=False)
    op.create_table(
        "history",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("step_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("battery_sum", sa.BigInteger(), nullable=False),
        sa.Column("battery_count", sa.BigInteger(), nullable=False),
        sa.Column("battery_least", sa.BigInteger(), nullable=True),
        sa.Column("battery_most", sa.BigInteger(), nullable=True),
        sa.Column("room_sum", sa.BigInteger(), nullable=False),
        sa.Column("room_count", sa.BigInteger(), nullable=False),
        sa.Column("room_least", sa.BigInteger(), nullable=True),
        sa.Column("room_most", sa.BigInteger(), nullable=True),
        sa.Column("temperature_sum", sa.BigInteger(), nullable=False),
        sa.Column("temperature_count", sa.BigInteger(), nullable=False),
        sa.Column("temperature_least", sa.BigInteger(), nullable=True),
        sa.Column("temperature_most", sa.BigInteger(), nullable=True),
        sa.Column("radio_sum", sa.BigInteger(), nullable=False),
        sa.Column("radio_count", sa.BigInteger(), nullable=False),
        sa.Column("radio_least", sa.BigInteger(), nullable=True),
        sa.Column("radio_most", sa.BigInteger(), nullable=True),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("drained_percent", sa.BigInteger(), nullable=False),
        sa.Column("drained_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["cameras.device"], name=op.f("fk_history_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device", "step_s", "at_ms", name=op.f("pk_history")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_history_step_s_at_ms"), "history", ["step_s", "at_ms"], unique=False)
    op.create_table(
        "journal",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("t_us", sa.BigInteger(), nullable=False),
        sa.Column("rec", sa.String(length=96), server_default="", nullable=False),
        sa.Column("head", sa.String(length=64), server_default="", nullable=False),
        sa.Column("historical", sa.Boolean(), nullable=False),
        sa.Column("witnessed", sa.Boolean(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["cameras.device"], name=op.f("fk_journal_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device", "seq", "digest", name=op.f("pk_journal")),
    )
    op.create_index(op.f("ix_journal_at_ms"), "journal", ["at_ms"], unique=False)
    op.create_index(op.f("ix_journal_device_at_ms"), "journal", ["device", "at_ms"], unique=False)
    op.create_table(
        "recordings",
        sa.Column("rec", sa.String(length=96), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.String(length=32), server_default="", nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("stored_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device"], ["cameras.device"], name=op.f("fk_recordings_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rec", name=op.f("pk_recordings")),
    )
    op.create_index(
        op.f("ix_recordings_device_counter"), "recordings", ["device", "counter"], unique=False
    )
    op.create_table(
        "spells",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=96), server_default="", nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("raised_ms", sa.BigInteger(), nullable=False),
        sa.Column("cleared_ms", sa.BigInteger(), nullable=True),
        sa.Column("person", sa.String(length=200), server_default="", nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("acknowledged_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device"], ["cameras.device"], name=op.f("fk_spells_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spells")),
    )
    op.create_index(
        op.f("ix_spells_device_raised_ms"), "spells", ["device", "raised_ms"], unique=False
    )
    op.create_index(
        "uq_spells_open",
        "spells",
        ["device", "code", "detail"],
        unique=True,
        sqlite_where=sa.text("cleared_ms IS NULL"),
        postgresql_where=sa.text("cleared_ms IS NULL"),
    )
    op.create_table(
        "states",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column("session", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["cameras.device"], name=op.f("fk_states_device"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_states")),
    )
    op.create_index(op.f("ix_states_at_ms"), "states", ["at_ms"], unique=False)
    op.create_index(op.f("ix_states_device_at_ms"), "states", ["device", "at_ms"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("alert", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered_ms", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.String(length=200), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["alert"], ["alerts.id"], name=op.f("fk_deliveries_alert"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_alert"), "deliveries", ["alert"], unique=False)
    op.create_index(op.f("ix_deliveries_due_ms"), "deliveries", ["due_ms"], unique=False)
