"""Credentials that change while we use them: encrypted, durable, one writer at a time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, select

from s2p_store.encoding import from_instant, to_instant
from s2p_store.schema import vault as table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from s2p_store.crypto import Cipher
    from s2p_store.database import Database
    from s2p_store.locks import Locks

__all__ = ["Secret", "Vault"]


@dataclass(frozen=True, slots=True)
class Secret:
    """One entry of the vault; its payload does not show in `repr`."""

    system: str
    client_id: str
    user: str
    payload: Mapping[str, Any] = field(repr=False)
    saved_at: datetime


_one = select(table).where(
    and_(
        table.c.system == bindparam("system"),
        table.c.client_id == bindparam("client_id"),
        table.c.user_id == bindparam("user_id"),
    )
)
_all = select(table).order_by(table.c.system, table.c.client_id, table.c.user_id)


class Vault:
    """Entries by (system, client id, user); the payload is JSON, encrypted."""

    def __init__(
        self, database: Database, cipher: Cipher, locks: Locks, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._locks = locks
        self._clock = clock
        self._upsert = database.upsert(table)

    def load(self, system: str, client_id: str, user: str = "") -> dict[str, Any] | None:
        """Give the payload saved last, or None.

        Raises:
            StoreKeyMissing: the store was opened without a key.
        """
        secret = self.find(system, client_id, user)
        return None if secret is None else dict(secret.payload)

    def find(self, system: str, client_id: str, user: str = "") -> Secret | None:
        """Give the whole entry, with the moment it was saved, or None."""
        with self._database.reading() as connection:
            row = connection.execute(
                _one, {"system": system, "client_id": client_id, "user_id": user}
            ).one_or_none()
        if row is None:
            self._cipher.require()  # told now, not after a login
            return None
        return self._secret(row)

    def save(self, system: str, client_id: str, payload: Mapping[str, Any], user: str = "") -> None:
        """Put `payload` in place of what was there; when this returns it is on disk.

        Raises:
            StoreKeyMissing: the store was opened without a key.
            StoreDataInvalid: the payload is not JSON.
        """
        sealed = self._cipher.seal(("vault", system, client_id, user), payload)
        with self._database.writing() as connection:
            connection.execute(
                self._upsert,
                {
                    "system": system,
                    "client_id": client_id,
                    "user_id": user,
                    "payload": sealed,
                    "saved_at": to_instant(self._clock()),
                },
            )

    @contextmanager
    def lock(
        self, system: str, client_id: str, user: str = "", timeout: float = 60.0
    ) -> Iterator[None]:
        """Keep every other process from this entry, for a refresh: lock, load again, ask, save.

        Not re-entrant. `load` and `save` themselves do not take it.

        Raises:
            StoreLockTimeout: another process held it for more than `timeout` seconds.
        """
        with self._locks.hold(f"vault {system} {client_id} {user}".rstrip(), timeout):
            yield

    def entries(self) -> Iterator[Secret]:
        """All entries, ordered by system, client id and user."""
        with self._database.reading() as connection:
            rows = connection.execute(_all).all()
        return (self._secret(row) for row in rows)

    def _secret(self, row: Row[Any]) -> Secret:
        payload = self._cipher.unseal(
            ("vault", row.system, row.client_id, row.user_id), row.payload
        )
        return Secret(row.system, row.client_id, row.user_id, payload, from_instant(row.saved_at))
