"""An alert lasts once, also where several processes keep the fleet."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """End all but the first of several, then forbid them."""
    op.execute(
        "UPDATE alerts SET over_ms = raised_ms WHERE over_ms IS NULL AND id NOT IN "
        "(SELECT min(id) FROM alerts WHERE over_ms IS NULL GROUP BY device, code, detail)"
    )
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["device", "code", "detail"],
        unique=True,
        sqlite_where=sa.text("over_ms IS NULL"),
        postgresql_where=sa.text("over_ms IS NULL"),
    )
