"""What has changed since a moment, page by page, in the order of the changes.

Pages follow the key (``sys_updated_on``, ``sys_id``), not an offset: many records may carry the
same second, a page is thinned out by ACLs after its limit was applied, and records change
meanwhile. Only an empty page is the end; those that ACLs emptied are passed over, see `paging`.
Query literals are read in the time zone of the session's user while answers are in UTC, so a user
whose time zone is not UTC would get the wrong rows: that is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from servicenow_client.errors import Rejected
from servicenow_client.query import all_of, equals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CHANGED", "changed_after", "pages_of_changes", "position"]

CHANGED: Final = "sys_updated_on"
_ORDER: Final = f"^ORDERBY{CHANGED}^ORDERBYsys_id"

Position = tuple[str, str]
"""When a record was last changed (``YYYY-MM-DD HH:MM:SS``, UTC), and its sys_id."""
Page = list[dict[str, Any]]


def position(row: dict[str, Any]) -> Position:
    """Where a row stands in the order of changes.

    Raises:
        Rejected: it does not say, so nothing could be read behind it.
    """
    moment, sys_id = row.get(CHANGED), row.get("sys_id")
    if not isinstance(moment, str) or not isinstance(sys_id, str) or not moment or not sys_id:
        raise Rejected(
            f"ServiceNow gave a record without its {CHANGED} or sys_id, which order what is read: "
            "let the integration user read both."
        )
    return moment, sys_id


def changed_after(since: str, last: Position | None) -> str:
    """Return the query for the page behind `last`, or for the first one from `since` on."""
    if last is None:
        return (f"{CHANGED}>={since}" if since else "") + _ORDER.removeprefix("" if since else "^")
    moment, sys_id = last
    same_second = all_of(equals(CHANGED, moment), f"sys_id>{sys_id}")
    return f"{CHANGED}>{moment}^NQ{same_second}{_ORDER}"


def pages_of_changes(page: Callable[[str], Page], table: str, since: str) -> Iterator[Page]:
    """Yield pages of rows changed at or after `since` (as ServiceNow writes it; empty: all).

    Args:
        page: reads one page of a query, an empty one at the end only.
        table: for messages.
        since: ``YYYY-MM-DD HH:MM:SS``, UTC.

    Raises:
        Rejected: the instance ignored the query or its order, or reads its moments otherwise.
    """
    last: Position | None = None
    checked = False
    while rows := page(changed_after(since, last)):
        if not checked:
            _check_clock(page, table, rows[0])
            checked = True
        places = [position(row) for row in rows]
        if places != sorted(places) or (places[0] <= last if last else places[0][0] < since):
            raise Rejected(
                f"Table {table} returned rows that are not in the order of their changes: let the "
                f"integration user read {CHANGED}, and set its time zone to UTC."
            )
        yield rows
        last = places[-1]


def _check_clock(page: Callable[[str], Page], table: str, row: dict[str, Any]) -> None:
    """Make sure that a moment in a query means what it means in an answer."""
    moment, sys_id = position(row)
    same = page(all_of(f"sys_id={sys_id}", equals(CHANGED, moment)) + "^ORDERBYsys_id")
    if any(one.get("sys_id") == sys_id for one in same):
        return
    again = page(f"sys_id={sys_id}^ORDERBYsys_id")
    if any(one.get(CHANGED) == moment for one in again):
        raise Rejected(
            f"Table {table} cannot be read by the time of change: ServiceNow reads times in a "
            "query in the time zone of the integration user. Set the user's time zone to UTC."
        )
