"""Locks that hold across processes, and on PostgreSQL across machines.

Both kinds vanish with the process that held them, however it ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import BigInteger

from s2p_store.errors import StoreLockTimeout, StoreNotWritable
from s2p_store.faults import told_as_store_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Engine

    from s2p_store.database import Database

__all__ = ["Locks", "locks_for"]

_POLL_SECONDS = 0.05


class Locks(Protocol):
    """Named locks; not re-entrant, exclusive between threads as well as processes."""

    def hold(self, name: str, timeout: float) -> AbstractContextManager[None]:
        """Hold the lock `name`; wait `timeout` seconds at most.

        Raises:
            StoreLockTimeout: another one still holds it.
        """


def locks_for(
    database: Database, *, monotonic: Callable[[], float], sleep: Callable[[float], None]
) -> Locks:
    """The locks that reach as far as this database does."""
    path = database.place.path
    if path is not None:
        return _FileLocks(path, database.label, monotonic, sleep)
    return _AdvisoryLocks(database.engine, database.label, monotonic, sleep)


class _FileLocks:
    """`flock` on empty files beside the database. They stay: removing one would race."""

    def __init__(
        self,
        database: Path,
        label: str,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._database = database
        self._label = label
        self._monotonic = monotonic
        self._sleep = sleep

    @contextmanager
    def hold(self, name: str, timeout: float) -> Iterator[None]:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        path = self._database.with_name(f"{self._database.name}.{digest}.lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreNotWritable(
                f"The lock file {path} beside the store cannot be opened ({error.strerror}): "
                "give this user write permission to the file and its folder."
            ) from error
        try:
            deadline = self._monotonic() + timeout
            while not _flocked(descriptor):
                if self._monotonic() >= deadline:
                    raise _timed_out(name, self._label, timeout)
                self._sleep(_POLL_SECONDS)
            yield
        finally:
            os.close(descriptor)  # releases the lock


def _flocked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _AdvisoryLocks:
    """Session-level advisory locks, each on a connection of its own.

    A pooler in front of the server must pool sessions, not transactions.
    """

    def __init__(
        self,
        engine: Engine,
        label: str,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._engine = engine
        self._label = label
        self._monotonic = monotonic
        self._sleep = sleep

    @contextmanager
    def hold(self, name: str, timeout: float) -> Iterator[None]:
        number = int.from_bytes(
            hashlib.sha256(f"s2p-store {name}".encode()).digest()[:8], "big", signed=True
        )
        key = bindparam("key", number, BigInteger)
        with told_as_store_errors(self._label):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            deadline = self._monotonic() + timeout
            with told_as_store_errors(self._label):
                while not connection.execute(select(func.pg_try_advisory_lock(key))).scalar():
                    if self._monotonic() >= deadline:
                        raise _timed_out(name, self._label, timeout)
                    self._sleep(_POLL_SECONDS)
            yield
        finally:
            # closing the session, not only returning it, frees the lock whatever happened inside
            with suppress(SQLAlchemyError):  # gone already, and the lock with it
                connection.invalidate()
            connection.close()


def _timed_out(name: str, label: str, timeout: float) -> StoreLockTimeout:
    return StoreLockTimeout(
        f"Another process held the lock {name!r} of the store {label} for more than "
        f"{timeout:g} s: see which s2p or meltano process still runs, let it end, then run again."
    )
