"""The tables, as SQLAlchemy Core sees them. Their history is in `migrations/`.

Instants are text of fixed width in UTC (`encoding.to_instant`), JSON is text, encrypted values
are bytes: the same on SQLite and PostgreSQL, and readable with either's own shell.
All names begin with `s2p_`, so that the store can share a PostgreSQL schema with other tables.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "HEAD",
    "REVISIONS",
    "VERSION_TABLE",
    "audit_batch",
    "audit_event",
    "audit_head",
    "hold",
    "inbox_event",
    "inbox_topic",
    "ledger",
    "memory",
    "memory_pack",
    "meta",
    "metadata",
    "reference_case",
    "reference_link",
    "reference_row",
    "reference_snapshot",
    "run",
    "run_amount",
    "run_calls",
    "run_count",
    "schema_version",
    "vault",
]

# Known revisions, oldest first. Kept here so that opening a store need not load Alembic;
# a test compares it with the migrations.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
HEAD = REVISIONS[-1]
VERSION_TABLE = "s2p_schema_version"

metadata = MetaData()

schema_version = Table(
    VERSION_TABLE, MetaData(), Column("version_num", Text, primary_key=True)
)  # Alembic's own table: not part of `metadata`

meta = Table(
    "s2p_meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

vault = Table(
    "s2p_vault",
    metadata,
    Column("system", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    Column("saved_at", Text, nullable=False),
)

audit_head = Table(
    "s2p_audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("batch", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

audit_batch = Table(
    "s2p_audit_batch",
    metadata,
    Column("batch", BigInteger, primary_key=True, autoincrement=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("events", Integer, nullable=False),
    Column("written_at", Text, nullable=False),
)

audit_event = Table(
    "s2p_audit_event",
    metadata,
    Column("batch", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("run_id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("division", BigInteger),
    Column("source_id", Text),
    Column("kind", Text, nullable=False),
    Column("natural_key", Text),
    Column("detail", Text, nullable=False),
)

hold = Table(
    "s2p_hold",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("division", BigInteger, primary_key=True, autoincrement=False),
    Column("source_id", Text, primary_key=True),
    Column("source_modified", Text),
    Column("reasons", Text, nullable=False),
    Column("waiting_for", Text, nullable=False),
    Column("amount", Text),
    Column("currency", Text),
    Column("document", Text),
    Column("run_id", Text, nullable=False),
    Column("held_at", Text, nullable=False),
    Column("released_run_id", Text),
    Column("released_at", Text),
    Column("record", LargeBinary, nullable=False),
    Column("waiver", Text),
)

ledger = Table(
    "s2p_ledger",
    metadata,
    Column("table_name", Text, primary_key=True),
    Column("natural_key", Text, primary_key=True),
    Column("source_version", Text),
    Column("content_hash", Text),
    Column("state", Text, nullable=False),
    Column("import_set", Text),
    Column("row", Text),
    Column("outcome", Text),
    Column("target_sys_id", Text),
    Column("message", Text),
    Column("run_id", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("amount", BigInteger),
    Column("currency", Text),
)

reference_snapshot = Table(
    "s2p_reference_snapshot",
    metadata,
    Column("system", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("saved_at", Text, nullable=False),
)

reference_row = Table(
    "s2p_reference_row",
    metadata,
    Column("system", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("row_id", Text),
    Column("body", LargeBinary, nullable=False),
)

reference_link = Table(
    "s2p_reference_link",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("division", BigInteger, primary_key=True, autoincrement=False),
    Column("servicenow_id", Text, primary_key=True),
    Column("exact_id", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    UniqueConstraint("stream", "division", "exact_id", name="s2p_reference_link_exact"),
)

reference_case = Table(
    "s2p_reference_case",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("division", BigInteger, primary_key=True, autoincrement=False),
    Column("servicenow_id", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("sides", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("choice", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
)

# A number is never used twice: entries are numbered after their packs. A scope is a hash of its
# name: it stands in every row and in every entry of an index.
memory_pack = Table(
    "s2p_memory_pack",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("scope", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

memory = Table(
    "s2p_memory",
    metadata,
    Column(
        "number",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("scope", BigInteger, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    UniqueConstraint("scope", "key"),
)

run = Table(
    "s2p_run",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("plugin", Text, primary_key=True),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("ok", Boolean),
)

run_count = Table(
    "s2p_run_count",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("plugin", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("counter", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

run_amount = Table(
    "s2p_run_amount",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("plugin", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("division", BigInteger, primary_key=True, autoincrement=False),
    Column("currency", Text, primary_key=True),
    Column("counter", Text, primary_key=True),
    Column("records", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
)

run_calls = Table(
    "s2p_run_calls",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("system", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
)

inbox_event = Table(
    "s2p_inbox_event",
    metadata,
    Column("division", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("action", Text, nullable=False),
    Column("event_at", Text, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
)

inbox_topic = Table(
    "s2p_inbox_topic",
    metadata,
    Column("division", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("received_at", Text, nullable=False),
)
