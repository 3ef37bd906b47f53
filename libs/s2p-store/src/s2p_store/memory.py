"""What lines need of their headers: small values by key, for any number of keys.

Written far more often than read: `put_many` adds one row per call, a pack of all its entries in
the order given. The first `get_many` or `following` of a scope afterwards sorts the packs into an
index, in portions, so that neither writing nor reading holds more than a portion in memory or
looks at more than it asks for. Values lie in clear: never keep personal data here.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from s2p_store.errors import StoreDataInvalid
from s2p_store.schema import memory as table
from s2p_store.schema import memory_pack as pack_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from s2p_store.database import Database, Many

__all__ = ["Memory"]

_PACK: Final = 5_000
"""Entries of a pack at most; fewer than 2**20, see `_numbered`."""
_PORTION: Final = 20_000
"""Entries sorted in at a time: more touch each page of the index less often, and need memory."""
_KEYS: Final = 500
"""Keys asked for at a time; SQLite takes no more than some thousand parameters."""
_GUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_GUID_MARK: Final = b"\xff"
"""Begins no UTF-8 text, so that no other key lies like a GUID does."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[bytes, bytes]).decode

_any_pack = select(pack_table.c.number).where(pack_table.c.scope == bindparam("of_scope")).limit(1)
_any_row = select(table.c.number).where(table.c.scope == bindparam("of_scope")).limit(1)
_add_packs = insert(pack_table)
_packs = (
    select(pack_table.c.number, pack_table.c.entries)
    .where(pack_table.c.scope == bindparam("of_scope"))
    .order_by(pack_table.c.number)
    .limit(_PORTION // 10)
    .with_for_update()
)
_body = select(pack_table.c.body).where(pack_table.c.number == bindparam("of_number"))
_drop = delete(pack_table).where(pack_table.c.number == bindparam("of_number"))
_values = select(table.c.key, table.c.value).where(
    table.c.scope == bindparam("of_scope"), table.c.key.in_(bindparam("keys", expanding=True))
)
_start = select(table.c.number).where(
    table.c.scope == bindparam("of_scope"), table.c.key == bindparam("of_key")
)
# Without the scope as a condition: a database might take it for the way in and sort all of it.
_from = (
    select(table.c.scope, table.c.key, table.c.value)
    .where(table.c.number >= bindparam("start"))
    .order_by(table.c.number)
    .limit(bindparam("most"))
)


class Memory:
    """Values by scope and key of one store; `scope` names who remembers what of which division."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._upsert = database.many(
            database.upsert(table, keys=("scope", "key")), table.columns.keys()
        )

    def put_many(self, scope: str, entries: Mapping[str, bytes]) -> None:
        """Remember `entries` in place of those with the same keys; on disk when this returns.

        Raises:
            StoreDataInvalid: a key is no text that can be kept.
        """
        packed = iter([(_key(key), value) for key, value in entries.items()])
        packs = []
        while pack := dict(islice(packed, _PACK)):
            packs.append({"scope": _scope(scope), "entries": len(pack), "body": _encode(pack)})
        if packs:
            with self._database.writing() as connection:
                connection.execute(_add_packs, packs)

    def is_empty(self, scope: str) -> bool:
        """Tell whether nothing is remembered in a scope."""
        of = {"of_scope": _scope(scope)}
        with self._database.reading() as connection:
            queries = (_any_pack, _any_row)
            return all(connection.execute(each, of).first() is None for each in queries)

    def get_many(self, scope: str, keys: Iterable[str]) -> dict[str, bytes]:
        """Give what is remembered, by key; unknown keys are left out."""
        wanted = iter(dict.fromkeys(map(_key, keys)))
        number = _scope(scope)
        found: dict[str, bytes] = {}
        with self._sorted(number) as connection:
            while some := list(islice(wanted, _KEYS)):
                rows = connection.execute(_values, {"of_scope": number, "keys": some})
                found.update((_text(key), value) for key, value in rows)
        return found

    def following(self, scope: str, key: str, most: int) -> list[tuple[str, bytes]]:
        """Give an entry and those put right after it, at most `most`; [] if it is unknown.

        Who reads lines in the order of their headers asks once for many of them.
        """
        number = _scope(scope)
        with self._sorted(number) as connection:
            of = {"of_scope": number, "of_key": _key(key)}
            start = connection.execute(_start, of).scalar_one_or_none()
            if start is None:
                return []
            rows = connection.execute(_from, {"start": start, "most": most}).all()
        return [(_text(key), value) for of_scope, key, value in rows if of_scope == number]

    @contextmanager
    def _sorted(self, scope: int) -> Iterator[Connection]:
        """A view in which all packs of a scope are in the index; each portion is a transaction."""
        of = {"of_scope": scope}
        while True:
            with self._database.reading() as connection:
                if connection.execute(_any_pack, of).first() is None:
                    yield connection
                    return
            with self._database.writing() as connection:
                _sort_portion(connection, scope, self._upsert)


def _sort_portion(connection: Connection, scope: int, upsert: Many) -> None:
    """Move the oldest packs of a scope into the index."""
    rows: dict[bytes, tuple[object, ...]] = {}
    taken: list[dict[str, int]] = []
    gathered = 0
    # Another process that is at it has locked them; when it is done, they are gone.
    for number, entries in connection.execute(_packs, {"of_scope": scope}).all():
        gathered += entries
        if taken and gathered > _PORTION:
            break
        taken.append({"of_number": number})
        body = connection.execute(_body, {"of_number": number}).scalar_one()
        rows.update(_numbered(scope, number, _decode(body)))
    if taken:
        # Sorted, so that each page of the index is visited once.
        upsert.run(connection, [rows[key] for key in sorted(rows)])
        connection.execute(_drop, taken)


def _numbered(
    scope: int, pack: int, entries: Mapping[bytes, bytes]
) -> Iterator[tuple[bytes, tuple[object, ...]]]:
    """Rows by key; their numbers rise with the pack's and within it, and occur once."""
    for number, (key, value) in enumerate(entries.items(), pack << 20):
        yield key, (number, scope, key, value)


def _scope(name: str) -> int:
    """A scope as it lies in the database: eight bytes of a hash, for it stands in every row."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)


def _key(key: str) -> bytes:
    """A key as it lies in the database: a GUID in 17 bytes, any other text as it is."""
    if _GUID(key):
        return _GUID_MARK + bytes.fromhex(key.replace("-", ""))
    try:
        return key.encode()
    except UnicodeEncodeError:
        # the error itself would show the text
        raise StoreDataInvalid(
            "A key holds half of a surrogate pair, which is no character and cannot be stored."
        ) from None


def _text(key: bytes) -> str:
    if not key.startswith(_GUID_MARK):
        return key.decode()
    digits = key[1:].hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
