"""The store: one object per process, holding all that must survive a run."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from s2p_store.audit import Audit
from s2p_store.crypto import Cipher
from s2p_store.database import Database
from s2p_store.holds import Holds
from s2p_store.inbox import Inbox
from s2p_store.keys import check_key, reencrypt
from s2p_store.ledger import Ledger
from s2p_store.locks import locks_for
from s2p_store.memory import Memory
from s2p_store.migrate import migrate
from s2p_store.pairs import Pairs
from s2p_store.reference import Reference
from s2p_store.runs import Runs
from s2p_store.urls import parse_store_url
from s2p_store.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

__all__ = ["Store"]


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Store:
    """Vault, audit trail, holds, ledger, memory, inbox, reference snapshots and run statistics.

    All writes of one call are one transaction and on disk when it returns. Several processes
    may use one store at once; within a process several threads may. Open it after a fork.
    """

    def __init__(
        self,
        database: Database,
        key: str | None,
        *,
        clock: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Wire the parts together; use `Store.open`."""
        cipher = Cipher(key, database.label)
        locks = locks_for(database, monotonic=monotonic, sleep=sleep)
        migrate(database, locks)
        check_key(database, cipher)
        self._database = database
        self._locks = locks
        self._cipher = cipher
        self.vault = Vault(database, cipher, locks, clock)
        self.audit = Audit(database, clock)
        self.holds = Holds(database, cipher, clock)
        self.ledger = Ledger(database)
        self.memory = Memory(database)
        self.inbox = Inbox(database, clock)
        self.reference = Reference(database, clock)
        self.pairs = Pairs(database, clock)
        self.runs = Runs(database, clock)

    @classmethod
    def open(
        cls,
        url: str,
        key: str | None = None,
        *,
        clock: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Open the store at `url` (setting `store_url`), creating or upgrading it as needed.

        Without a key everything but the vault and the holds works; these raise StoreKeyMissing.
        `clock` gives aware moments; `monotonic` and `sleep` count seconds while waiting for locks.

        Raises:
            StoreError: of the kind that says what is wrong; the message is for the user.
        """
        database = Database(parse_store_url(url, Path.cwd()))
        try:
            return cls(database, key, clock=clock, monotonic=monotonic, sleep=sleep)
        except BaseException:
            database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({self.label})"

    @property
    def label(self) -> str:
        """Where it is, for messages: the URL without user and password."""
        return self._database.label

    @property
    def has_key(self) -> bool:
        """Whether vault and holds can be used."""
        return self._cipher.has_key

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make several calls one transaction of this thread: all of it is kept, or nothing.

        Keep it short, and do not call other systems inside: other writers wait.
        """
        with self._database.writing():
            yield

    @contextmanager
    def lock(self, name: str, timeout: float = 0.0) -> Iterator[None]:
        """Hold a lock of this store that no other process holds; it ends with the process.

        Raises:
            StoreLockTimeout: another one still holds it after `timeout` seconds.
        """
        with self._locks.hold(name, timeout):
            yield

    def rotate(self) -> int:
        """Encrypt everything again with the first key; give how many values changed.

        Afterwards the older keys can be taken out of `store_key`.
        """
        return reencrypt(self._database, self._cipher)

    def close(self) -> None:
        """Close all connections; a second time does nothing."""
        self._database.close()
