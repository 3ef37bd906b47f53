"""Which key a store was made with, and how to change it.

The table `s2p_meta` holds one short text encrypted with the key: a wrong key is told when the
store is opened, before anything is written with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select, update

from s2p_store.schema import hold, meta, vault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Column, Connection, Table

    from s2p_store.crypto import Cipher
    from s2p_store.database import Database

__all__ = ["check_key", "reencrypt"]

_CHECK = "key check"
_PLACE = ("meta", _CHECK)
_read = select(meta.c.value).where(meta.c.name == _CHECK)


def check_key(database: Database, cipher: Cipher) -> None:
    """Compare the key with the store's; the first key ever used becomes the store's.

    Raises:
        StoreKeyWrong: it is another one.
    """
    if not cipher.has_key:
        return
    with database.reading() as connection:
        token = connection.execute(_read).scalar_one_or_none()
    if token is None:
        with database.writing() as connection:
            connection.execute(
                database.insert_new(meta),
                {"name": _CHECK, "value": cipher.seal(_PLACE, {"opens": "s2p-store"})},
            )
            # another process may have been first, with another key
            token = connection.execute(_read).scalar_one()
    cipher.unseal(_PLACE, token)


def reencrypt(database: Database, cipher: Cipher) -> int:
    """Encrypt with the first key what another one encrypted; all in one transaction."""
    cipher.require()
    with database.writing() as connection:
        return sum(
            _reencrypt_column(connection, cipher, table, column, kind)
            for table, column, kind in (
                (meta, meta.c.value, "meta"),
                (vault, vault.c.payload, "vault"),
                (hold, hold.c.record, "hold"),
            )
        )


def _reencrypt_column(
    connection: Connection, cipher: Cipher, table: Table, column: Column[Any], kind: str
) -> int:
    keys: Sequence[Column[Any]] = list(table.primary_key)
    changed = 0
    for *key, token in connection.execute(select(*keys, column).with_for_update()).all():
        if cipher.sealed_by_first_key(token):
            continue
        place = (kind, *(str(part) for part in key))
        here = and_(*(each == part for each, part in zip(keys, key, strict=True)))
        sealed = cipher.seal(place, cipher.unseal(place, token))
        connection.execute(update(table).where(here).values({column.name: sealed}))
        changed += 1
    return changed
