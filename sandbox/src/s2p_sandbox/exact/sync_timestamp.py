"""``read/sync/Sync/SyncTimestamp``: where in a sync feed a date lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from s2p_sandbox.exact.errors import BadRequestError
from s2p_sandbox.exact.model import ORDERS_FEED
from s2p_sandbox.exact.values import milliseconds_of, wire

if TYPE_CHECKING:
    from s2p_sandbox.exact.reading import Reader

__all__ = ["SYNC_TIMESTAMP", "sync_timestamp"]

SYNC_TIMESTAMP = "read/sync/Sync/SyncTimestamp"
# The documented names that have a feed here; Accounts, Items, GLAccounts and Documents are none.
_FEEDS = {
    "PurchaseOrders": ORDERS_FEED,
    "TransactionLines": "sync/Financial/TransactionLines",
}


def sync_timestamp(reader: Reader, options: dict[str, str]) -> bytes:
    """The first record changed on or after ``modified``; both parameters are required.

    Answered as a list; clients have seen an object too.
    """
    endpoint = options.get("endPoint", "").strip("'")
    literal = options.get("modified", "")
    if endpoint not in _FEEDS or not literal.startswith("datetime'"):
        raise BadRequestError
    try:
        since = milliseconds_of(literal.removeprefix("datetime'").removesuffix("'"))
    except ValueError as error:
        raise BadRequestError from error
    with reader.store.database.read() as connection:
        found = connection.execute(
            "SELECT modified, rowversion FROM rows WHERE feed = ? AND division = ?"
            " AND modified >= ? ORDER BY rowversion LIMIT 1",
            (_FEEDS[endpoint], reader.division, since),
        ).fetchone()
    rows: list[dict[str, Any]] = []
    if found is not None:
        rows.append(
            {
                "Modified": wire("DateTime", found["modified"]),
                "API": endpoint,
                "TimeStampAsBigInt": wire("Int64", found["rowversion"]),
            }
        )
    return msgspec.json.encode({"d": rows})
