"""Everything the store can refuse, each as one sentence for the person who can act.

StoreError
├── StoreUrlInvalid        the setting names no database we know
├── StoreDriverMissing     PostgreSQL is named, its driver is not installed
├── StoreUnreachable       server down, wrong host, refused login, connection lost
├── StoreNotWritable       folder or file cannot be created or written, missing privilege
├── StoreFull              disk, quota or tablespace is full
├── StoreBusy              another process kept a lock for too long
│   └── StoreLockTimeout   the lock of one vault entry was not free in time
├── StoreCorrupt           the file is not a database, or a damaged one
├── StoreSchemaNewer       written by a newer version of this software
├── StoreKeyError
│   ├── StoreKeyMissing    encrypted data asked for, no key given
│   ├── StoreKeyInvalid    what was given is not a key
│   └── StoreKeyWrong      a key, but not the one of this store
├── StoreTampered          an encrypted value is not the one that was stored there
└── StoreDataInvalid       the caller handed over what cannot be kept

No message carries a password, a key, a token or the content of a record.
"""

# ruff: noqa: N818 - the names say the fault; "StoreKeyMissingError" would say less with more

from __future__ import annotations

__all__ = [
    "StoreBusy",
    "StoreCorrupt",
    "StoreDataInvalid",
    "StoreDriverMissing",
    "StoreError",
    "StoreFull",
    "StoreKeyError",
    "StoreKeyInvalid",
    "StoreKeyMissing",
    "StoreKeyWrong",
    "StoreLockTimeout",
    "StoreNotWritable",
    "StoreSchemaNewer",
    "StoreTampered",
    "StoreUnreachable",
    "StoreUrlInvalid",
]


class StoreError(Exception):
    """Base of all errors of the store; `str()` is a sentence with the remedy."""


class StoreUrlInvalid(StoreError):
    """The setting `store_url` names no database the store can use."""


class StoreDriverMissing(StoreError):
    """The database driver for `store_url` is not installed."""


class StoreUnreachable(StoreError):
    """The database server does not answer, refuses the login, or went away."""


class StoreNotWritable(StoreError):
    """The store's folder, file or tables cannot be created or written."""


class StoreFull(StoreError):
    """There is no room left where the store lives."""


class StoreBusy(StoreError):
    """Another process kept the database locked for longer than we wait."""


class StoreLockTimeout(StoreBusy):
    """The lock of one vault entry was not free within the timeout."""


class StoreCorrupt(StoreError):
    """The file is no database, or its content is damaged."""


class StoreSchemaNewer(StoreError):
    """The store was written by a newer version of this software."""


class StoreKeyError(StoreError):
    """Base of everything that is wrong with `store_key`."""


class StoreKeyMissing(StoreKeyError):
    """Encrypted data was asked for and no key is set."""


class StoreKeyInvalid(StoreKeyError):
    """The text given as `store_key` is not a key."""


class StoreKeyWrong(StoreKeyError):
    """The key is well formed but does not open this store."""


class StoreTampered(StoreError):
    """An encrypted value decrypts, but belongs to another place in the store."""


class StoreDataInvalid(StoreError, ValueError):
    """The caller handed over a value that cannot be kept exactly."""
