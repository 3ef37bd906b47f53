"""Alembic's way in: run the migrations on the connection the store hands over."""

from __future__ import annotations

from alembic import context

from s2p_store.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # on SQLite too: the store begins its transactions itself
)
with context.begin_transaction():
    context.run_migrations()
