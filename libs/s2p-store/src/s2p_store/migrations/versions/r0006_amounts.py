"""What documents are worth: of each ledger entry, and of what a run did, by division."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give entries a place for their amount, and runs one for their sums."""
    op.add_column("s2p_ledger", sa.Column("amount", sa.BigInteger))
    op.add_column("s2p_ledger", sa.Column("currency", sa.Text))
    op.create_table(
        "s2p_run_amount",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("plugin", sa.Text, primary_key=True),
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("division", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("currency", sa.Text, primary_key=True),
        sa.Column("counter", sa.Text, primary_key=True),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
