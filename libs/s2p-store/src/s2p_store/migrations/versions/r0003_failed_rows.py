"""Rows that failed are looked for at the end of each run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the few entries that failed among all the others."""
    failed = sa.text("state = 'failed'")
    op.create_index(
        "s2p_ledger_failed",
        "s2p_ledger",
        ["table_name", "natural_key"],
        sqlite_where=failed,
        postgresql_where=failed,
    )
