"""Load method ``table``: write straight to a table, one record at a time.

For tables of an instance's own that have neither staging table nor transform map. The natural
key takes the place of coalesce.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from servicenow_client import AmbiguousWrite, Rejected, all_of, equals
from target_servicenow_s2p.batches import Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from s2p_staging.columns import Table
    from servicenow_client import ServiceNowClient
    from target_servicenow_s2p.rows import Row

__all__ = ["write_to_table"]


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
        except AmbiguousWrite:
            found = _find(client, table, row)
            if not found:
                raise
            made = found[0]
    except Rejected as error:
        return Result(row, "error", str(error), target_table=name)
    return Result(row, "inserted", target_table=name, target_sys_id=str(made.get("sys_id", "")))


def _find(client: ServiceNowClient, table: Table, row: Row) -> list[dict[str, Any]]:
    condition = all_of(
        *(equals(table.elements[label], row.values[label]) for label in table.output.key)
    )
    return list(islice(client.query(table.output.staging_table, condition), 2))


def _change(
    client: ServiceNowClient,
    name: str,
    row: Row,
    there: Mapping[str, Any],
    values: Mapping[str, str],
) -> Result:
    sys_id = str(there["sys_id"])
    changed = {column: value for column, value in values.items() if there.get(column) != value}
    if not changed:
        return Result(
            row, "ignored", "no field values changed", target_table=name, target_sys_id=sys_id
        )
    client.update(name, sys_id, changed)
    return Result(row, "updated", target_table=name, target_sys_id=sys_id)
