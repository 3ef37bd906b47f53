"""Reference data in two systems: what both had when they last agreed, and what waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the pairs with their fingerprints, and the cases for a person."""
    op.create_table(
        "s2p_reference_link",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("division", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("servicenow_id", sa.Text, primary_key=True),
        sa.Column("exact_id", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.UniqueConstraint("stream", "division", "exact_id", name="s2p_reference_link_exact"),
    )
    op.create_table(
        "s2p_reference_case",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("division", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("servicenow_id", sa.Text, primary_key=True),
        sa.Column("field", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("sides", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("choice", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Text, nullable=False),
    )
