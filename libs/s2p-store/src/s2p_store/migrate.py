"""Bring a store's tables to the version this code knows; quick when there is nothing to do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import inspect, select
from sqlalchemy.exc import DBAPIError

from s2p_store.database import use_write_ahead_log
from s2p_store.errors import StoreCorrupt, StoreSchemaNewer
from s2p_store.faults import told_as_store_errors
from s2p_store.schema import HEAD, REVISIONS, VERSION_TABLE, schema_version

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from s2p_store.database import Database
    from s2p_store.locks import Locks

__all__ = ["migrate"]

# The first opener of a large store may be busy for minutes; the others wait for it.
_WAIT_SECONDS = 600.0


def migrate(database: Database, locks: Locks) -> None:
    """Create or upgrade the tables; several processes may call it at once.

    All steps of an upgrade are one transaction: a process that dies leaves the old version.

    Raises:
        StoreSchemaNewer: the store was written by a newer version of this software.
    """
    if _version(database) == HEAD:
        return
    with locks.hold("schema", _WAIT_SECONDS):
        if _version(database) == HEAD:  # another process was first
            return
        use_write_ahead_log(database)
        with database.writing() as connection:
            _upgrade(connection)


def _version(database: Database) -> str | None:
    with told_as_store_errors(database.label), database.engine.connect() as connection:
        try:
            versions = connection.execute(select(schema_version.c.version_num)).scalars().all()
        except DBAPIError:
            connection.rollback()
            # no such table, or something worse: asking for its name tells which
            if inspect(connection).has_table(VERSION_TABLE):
                raise
            return None
    if not versions:
        return None
    if len(versions) > 1:
        raise StoreCorrupt(
            f"The store {database.label} claims several schema versions: restore it from a backup."
        )
    if versions[0] not in REVISIONS:
        raise StoreSchemaNewer(
            f"The store {database.label} has schema version {versions[0]}, newer than this "
            f"software knows ({HEAD}): upgrade all plugins and s2p together, or set store_url "
            "to another store."
        )
    return str(versions[0])


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - a third of a second, needed once per store
    from alembic.config import Config  # noqa: PLC0415 - the same

    # Creating a store is nothing an operator needs ten lines about.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", "s2p_store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
