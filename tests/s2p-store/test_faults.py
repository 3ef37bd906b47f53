from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from s2p_store import (
    LedgerEntry,
    Store,
    StoreBusy,
    StoreCorrupt,
    StoreDataInvalid,
    StoreError,
    StoreFull,
    StoreNotWritable,
    StoreUnreachable,
)
from s2p_store.faults import explain

if TYPE_CHECKING:
    from conftest import Clock

LABEL = "postgresql://db.example/store"


def wrapped(error: Exception) -> DBAPIError:
    return OperationalError("INSERT ... VALUES (geheim)", {"payload": "geheim"}, error)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("database or disk is full", StoreFull),
        ("database is locked", StoreBusy),
        ("database table is locked: s2p_hold", StoreBusy),
        ("attempt to write a readonly database", StoreNotWritable),
        ("unable to open database file", StoreNotWritable),
        ("disk I/O error", StoreNotWritable),
        ("file is not a database", StoreCorrupt),
        ("database disk image is malformed", StoreCorrupt),
        ("something nobody thought of", StoreError),
    ],
)
def test_what_sqlite_says_is_explained(text: str, kind: type[StoreError]) -> None:
    told = explain(wrapped(sqlite3.OperationalError(text)), LABEL)
    assert type(told) is kind
    assert LABEL in str(told)
    assert "geheim" not in str(told)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("28P01", StoreUnreachable),
        ("28000", StoreUnreachable),
        ("3D000", StoreUnreachable),
        ("08006", StoreUnreachable),
        ("57P01", StoreUnreachable),
        ("57P03", StoreUnreachable),
        ("53300", StoreUnreachable),
        ("53100", StoreFull),
        ("55P03", StoreBusy),
        ("40P01", StoreBusy),
        ("40001", StoreBusy),
        ("42501", StoreNotWritable),
        ("25006", StoreNotWritable),
        ("22021", StoreDataInvalid),
        ("XX000", StoreError),
    ],
)
def test_what_postgresql_says_is_explained(state: str, kind: type[StoreError]) -> None:
    told = explain(wrapped(psycopg.errors.lookup(state)("geheim")), LABEL)
    assert type(told) is kind
    assert LABEL in str(told)
    assert "geheim" not in str(told)


def test_a_refused_password_is_told_from_a_server_that_is_down() -> None:
    refused = psycopg.OperationalError('FATAL:  password authentication failed for user "anna"')
    assert "check user and password" in str(explain(wrapped(refused), LABEL))
    down = psycopg.OperationalError("connection refused")
    assert "does not answer" in str(explain(wrapped(down), LABEL))


def test_too_many_threads_and_anything_else_are_told_too() -> None:
    assert type(explain(PoolTimeout(), LABEL)) is StoreBusy
    assert type(explain(SQLAlchemyError("geheim"), LABEL)) is StoreError


def entry(clock: Clock, natural_key: str, message: str | None) -> LedgerEntry:
    return LedgerEntry(
        table="t",
        natural_key=natural_key,
        source_version=None,
        content_hash=None,
        state="sent",
        import_set=None,
        row=None,
        outcome=None,
        target_sys_id=None,
        message=message,
        run_id="r",
        updated_at=clock.now,
    )


@pytest.mark.parametrize("text", ["half \ud800", "nul \x00"])
def test_a_key_a_database_cannot_keep_is_refused(store: Store, clock: Clock, text: str) -> None:
    with pytest.raises(StoreDataInvalid):
        store.ledger.put_many([entry(clock, text, None)])
    with pytest.raises(StoreDataInvalid):
        store.ledger.get_many("t", [text])
    assert list(store.ledger.in_flight()) == []


def test_a_message_for_people_loses_what_a_database_cannot_keep(store: Store, clock: Clock) -> None:
    store.ledger.put_many([entry(clock, "k", "a\0b")])
    assert store.ledger.get_many("t", ["k"])["k"].message == "ab"
