"""What a database error means for the person who runs the pipeline (pure)."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from s2p_store.errors import (
    StoreBusy,
    StoreCorrupt,
    StoreDataInvalid,
    StoreError,
    StoreFull,
    StoreNotWritable,
    StoreUnreachable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["explain", "told_as_store_errors"]


class _Meaning(NamedTuple):
    marker: str
    kind: type[StoreError]
    sentence: str

    def told(self, label: str) -> StoreError:
        return self.kind(self.sentence.format(label=label))


# SQLite tells these only by text before Python 3.11; the texts are fixed in sqlite3ErrStr().
_SQLITE: tuple[_Meaning, ...] = (
    _Meaning(
        "database or disk is full",
        StoreFull,
        "The disk or quota that holds the store {label} is full: "
        "free some room or move the store (store_url), then run again; nothing written is lost.",
    ),
    _Meaning(
        "is locked",
        StoreBusy,
        "Another process kept the store {label} locked for too long: "
        "see which s2p or meltano process still runs, let it end, then run again.",
    ),
    _Meaning(
        "readonly database",
        StoreNotWritable,
        "The store {label} is read-only: give this user write permission to the file "
        "and its folder, or set store_url to another place.",
    ),
    _Meaning(
        "unable to open database file",
        StoreNotWritable,
        "The store {label} cannot be opened: give this user permission to the file "
        "and its folder, or set store_url to another place.",
    ),
    _Meaning(
        "not a database",
        StoreCorrupt,
        "The file at {label} is not a store: "
        "set store_url to another path or restore the file from a backup.",
    ),
    _Meaning(
        "malformed",
        StoreCorrupt,
        "The store {label} is damaged: restore the file from a backup "
        "(keep the damaged one: its tables can often be recovered with 'sqlite3 FILE .recover').",
    ),
    _Meaning(
        "disk i/o error",
        StoreNotWritable,
        "The disk that holds the store {label} reports an input/output error: "
        "check the disk or move the store (store_url).",
    ),
)

# SQLSTATE classes and codes of PostgreSQL (appendix A of its manual); first match wins.
_POSTGRES: tuple[_Meaning, ...] = (
    _Meaning(
        "28",
        StoreUnreachable,
        "The database server refused the login for {label}: "
        "check user and password in the setting store_url.",
    ),
    _Meaning(
        "3D000",
        StoreUnreachable,
        "The database named in store_url ({label}) does not exist: create it or correct the name.",
    ),
    _Meaning(
        "53100",
        StoreFull,
        "The database server of the store {label} has no disk space left: "
        "free some room there, then run again.",
    ),
    _Meaning(
        "53",
        StoreUnreachable,
        "The database server of the store {label} is out of connections or memory: "
        "raise its limits or run fewer processes, then run again.",
    ),
    _Meaning(
        "55P03",
        StoreBusy,
        "Another process kept the store {label} locked for too long: "
        "see which s2p or meltano process still runs, let it end, then run again.",
    ),
    _Meaning(
        "40",
        StoreBusy,
        "Two processes wrote to the store {label} against each other: run again.",
    ),
    _Meaning(
        "42501",
        StoreNotWritable,
        "The database user in store_url has no permission on {label}: "
        "grant it CREATE and USAGE on the schema.",
    ),
    _Meaning(
        "25006",
        StoreNotWritable,
        "The database of the store {label} is read-only: "
        "set store_url to the primary server, not a replica.",
    ),
    _Meaning(
        "22",
        StoreDataInvalid,
        "A value cannot be kept in the store {label}: it holds a character or a number "
        "the database refuses.",
    ),
)


def explain(error: SQLAlchemyError, label: str) -> StoreError:
    """Turn SQLAlchemy's error into the store's; `label` is the place without a password."""
    if isinstance(error, PoolTimeout):
        return StoreBusy(
            f"All connections to the store {label} are in use: run fewer threads at once."
        )
    original = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(original, sqlite3.Error):
        text = str(original).lower()
        for meaning in _SQLITE:
            if meaning.marker in text:
                return meaning.told(label)
        return StoreError(
            f"The store {label} refused an operation ({original}): "
            "if it happens again, report it with this line."
        )
    state = getattr(original, "sqlstate", None)
    for meaning in _POSTGRES:
        if isinstance(state, str) and state.startswith(meaning.marker):
            return meaning.told(label)
    if isinstance(error, DBAPIError) and (state is None or state[:2] in ("08", "57")):
        return _without_answer(error, label)
    return StoreError(
        f"The store {label} refused an operation (SQLSTATE {state or 'unknown'}): "
        "if it happens again, report it with this line."
    )


def _without_answer(error: DBAPIError, label: str) -> StoreError:
    # libpq tells a refused login only in words: the connection ended before any SQLSTATE
    text = str(error.orig).lower()
    if "password authentication failed" in text or "no password supplied" in text:
        return _POSTGRES[0].told(label)
    if "does not exist" in text and "database" in text:
        return _POSTGRES[1].told(label)
    if "nul" in text and type(error.orig).__name__ == "DataError":
        return _POSTGRES[-1].told(label)
    return StoreUnreachable(
        f"The database server of the store {label} does not answer: "
        "check that it runs and that host and port in store_url are right."
    )


@contextmanager
def told_as_store_errors(label: str) -> Iterator[None]:
    """Let nothing of SQLAlchemy leave the store."""
    try:
        yield
    except SQLAlchemyError as error:
        raise explain(error, label) from error
    except UnicodeEncodeError as error:
        raise StoreDataInvalid(
            "A value holds half of a surrogate pair, which is no text and cannot be stored."
        ) from error
