"""Vault, audit, holds, ledger, reference snapshots, memory, runs.

Written out rather than taken from `schema.py`: that one changes with the code, history does not.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Kind = type[sa.types.TypeEngine[Any]]
_FIRST_HASH = "0" * 64


def _key(name: str, kind: _Kind = sa.Text) -> sa.Column[object]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _must(name: str, kind: _Kind = sa.Text) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)


def _may(name: str, kind: _Kind = sa.Text) -> sa.Column[object]:
    return sa.Column(name, kind)


def upgrade() -> None:
    """Create all tables, the chain's first link, and the guards of the audit trail."""
    _credentials_and_holds()
    _audit()
    _ledger_and_reference()
    _memory()
    _runs()


def _credentials_and_holds() -> None:
    op.create_table("s2p_meta", _key("name"), _must("value", sa.LargeBinary))
    op.create_table(
        "s2p_vault",
        _key("system"),
        _key("client_id"),
        _key("user_id"),
        _must("payload", sa.LargeBinary),
        _must("saved_at"),
    )
    op.create_table(
        "s2p_hold",
        _key("stream"),
        _key("division", sa.BigInteger),
        _key("source_id"),
        _may("source_modified"),
        _must("reasons"),
        _must("waiting_for"),
        _may("amount"),
        _may("currency"),
        _may("document"),
        _must("run_id"),
        _must("held_at"),
        _may("released_run_id"),
        _may("released_at"),
        _must("record", sa.LargeBinary),
    )


def _audit() -> None:
    head = op.create_table(
        "s2p_audit_head", _key("id", sa.Integer), _must("batch", sa.BigInteger), _must("hash")
    )
    op.bulk_insert(head, [{"id": 1, "batch": 0, "hash": _FIRST_HASH}])
    op.create_table(
        "s2p_audit_batch",
        _key("batch", sa.BigInteger),
        _must("previous_hash"),
        _must("hash"),
        _must("events", sa.Integer),
        _must("written_at"),
    )
    op.create_table(
        "s2p_audit_event",
        _key("batch", sa.BigInteger),
        _key("position", sa.Integer),
        _must("run_id"),
        _must("at"),
        _must("stream"),
        _may("division", sa.BigInteger),
        _may("source_id"),
        _must("kind"),
        _may("natural_key"),
        _must("detail"),
        sqlite_with_rowid=False,
    )
    for column in ("natural_key", "source_id", "run_id"):
        op.create_index(f"s2p_audit_event_{column}", "s2p_audit_event", [column])
    _forbid_changes("s2p_audit_batch", "s2p_audit_event")


def _forbid_changes(*tables: str) -> None:
    """The trail only grows: against mistakes; against intent there is the chain."""
    if op.get_bind().dialect.name == "sqlite":
        for table in tables:
            for action in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION s2p_audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail only grows'; END $$"
    )
    for table in tables:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION s2p_audit_only_grows()"
        )


def _ledger_and_reference() -> None:
    op.create_table(
        "s2p_ledger",
        _key("table_name"),
        _key("natural_key"),
        _may("source_version"),
        _may("content_hash"),
        _must("state"),
        _may("import_set"),
        _may("row"),
        _may("outcome"),
        _may("target_sys_id"),
        _may("message"),
        _must("run_id"),
        _must("updated_at"),
        sqlite_with_rowid=False,
    )
    in_flight = sa.text("state IN ('sending', 'sent')")
    op.create_index(
        "s2p_ledger_in_flight",
        "s2p_ledger",
        ["table_name", "natural_key"],
        sqlite_where=in_flight,
        postgresql_where=in_flight,
    )
    op.create_table(
        "s2p_reference_snapshot",
        _key("system"),
        _key("scope"),
        _key("entity"),
        _must("saved_at"),
    )
    op.create_table(
        "s2p_reference_row",
        _key("system"),
        _key("scope"),
        _key("entity"),
        _key("position", sa.BigInteger),
        _may("row_id"),
        _must("body", sa.LargeBinary),
        sqlite_with_rowid=False,
    )
    # a merge looks for the few rows it replaces among all of a division's
    op.create_index(
        "s2p_reference_row_id", "s2p_reference_row", ["system", "scope", "entity", "row_id"]
    )


def _memory() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite numbers only these itself
    op.create_table(
        "s2p_memory_pack",
        sa.Column("number", number, primary_key=True),
        _must("scope", sa.BigInteger),
        _must("entries", sa.Integer),
        _must("body", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
    op.create_index("s2p_memory_pack_scope", "s2p_memory_pack", ["scope", "number"])
    op.create_table(
        "s2p_memory",
        sa.Column("number", number, primary_key=True, autoincrement=False),
        _must("scope", sa.BigInteger),
        _must("key", sa.LargeBinary),
        _must("value", sa.LargeBinary),
        sa.UniqueConstraint("scope", "key"),
    )


def _runs() -> None:
    op.create_table(
        "s2p_run",
        _key("run_id"),
        _key("plugin"),
        _must("started_at"),
        _may("finished_at"),
        _may("ok", sa.Boolean),
    )
    op.create_table(
        "s2p_run_count",
        _key("run_id"),
        _key("plugin"),
        _key("stream"),
        _key("counter"),
        _must("value", sa.BigInteger),
    )
    op.create_table("s2p_run_calls", _key("run_id"), _key("system"), _must("calls", sa.BigInteger))
