"""Load method ``table``: write straight to a table, one record at a time.

For tables of an instance's own that have neither staging table nor transform map. The natural
key takes the place of coalesce.

ServiceNow ignores a condition it cannot use and answers with any record, and leaves a protected
column as it was without an error: so what was found is compared with what was sought, and what is
stored with what was sent.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from servicenow_client import AmbiguousWrite, ContentRefused, Rejected, all_of, equals
from target_servicenow_s2p.batches import Result
from target_servicenow_s2p.halving import is_stopped, stopped, why_refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from s2p_staging.columns import Table
    from servicenow_client import ServiceNowClient
    from target_servicenow_s2p.rows import Row

__all__ = ["write_to_table"]

_LOOKED_AT: Final = 20
"""Records of other keys that a search may bring, such as those alike but for an accent."""


def write_to_table(client: ServiceNowClient, table: Table, row: Row) -> Result:
    """Insert or change the record with the row's natural key.

    Raises:
        ServiceNowError: it could not be written for a reason that is not the record's.
    """
    name = table.output.staging_table
    values = table.by_element(row.values)
    try:
        found = _find(client, table, row)
        if len(found) > 1:
            return Result(row, "error", "several records have this natural key", target_table=name)
        if found:
            return _change(client, name, row, found[0], values)
        try:
            made = client.insert(name, values)
        except AmbiguousWrite as doubt:
            found = _find(client, table, row)
            if not found and is_stopped(doubt):
                return Result(row, "error", why_refused(stopped(name)), target_table=name)
            if not found:
                raise
            made = found[0]
    except ContentRefused as refusal:
        return Result(row, "error", why_refused(refusal), target_table=name)
    except Rejected as error:
        return Result(row, "error", str(error), target_table=name)
    return _written(row, "inserted", made, _kept({}, made, values), name)


def _find(client: ServiceNowClient, table: Table, row: Row) -> list[dict[str, Any]]:
    """Find the records of a row's natural key, two at most count.

    Raises:
        Rejected: the key cannot be searched, or is not shown.
    """
    name = table.output.staging_table
    key = {table.elements[label]: row.values[label] for label in table.output.key}
    condition = all_of(*(equals(column, value) for column, value in key.items()))
    rows = list(islice(client.query(name, condition), _LOOKED_AT))
    if hidden := sorted({column for column in key for one in rows if column not in one}):
        raise Rejected(
            f"{name} does not show {', '.join(hidden)}, which identifies the record: let the "
            "integration user read it."
        )
    found = [
        one
        for one in rows
        if all(str(one[column]).casefold() == value.casefold() for column, value in key.items())
    ]
    if not found and len(rows) == _LOOKED_AT:
        raise Rejected(
            f"{name} answers a search for {' and '.join(key)} with other records: let the "
            "integration user search these columns."
        )
    return found


def _change(
    client: ServiceNowClient,
    name: str,
    row: Row,
    there: Mapping[str, Any],
    values: Mapping[str, str],
) -> Result:
    changed = {column: value for column, value in values.items() if there.get(column) != value}
    if not changed:
        return _written(row, "ignored", there, (), name, "no field values changed")
    stored = client.update(name, str(there["sys_id"]), changed)
    return _written(row, "updated", there, _kept(there, stored, changed), name)


def _kept(
    before: Mapping[str, Any], stored: Mapping[str, Any], sent: Mapping[str, str]
) -> list[str]:
    """Name the columns that stayed as they were although another value was sent."""
    return [
        column
        for column, value in sent.items()
        if column in stored and stored[column] != value and stored[column] == before.get(column, "")
    ]


def _written(  # noqa: PLR0913, PLR0917 - the parts of one result
    row: Row,
    outcome: str,
    record: Mapping[str, Any],
    kept: Sequence[str],
    name: str,
    message: str = "",
) -> Result:
    if kept:
        outcome = "error"
        message = f"ServiceNow left {', '.join(kept)} as it was: an ACL protects it"
    sys_id = str(record.get("sys_id", ""))
    return Result(row, outcome, message, target_table=name, target_sys_id=sys_id)
