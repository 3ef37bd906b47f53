"""What a person decided about a held record: let it go on, by whom and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give holds a place for it."""
    op.add_column("s2p_hold", sa.Column("waiver", sa.Text))
