"""Rows in a staging table: whether they are there, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2p_staging.definitions import KEY_SEPARATOR
from servicenow_client import chunks as in_chunks
from servicenow_client import is_searchable, merge_outcomes, one_of
from target_servicenow_s2p.batches import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s2p_staging.columns import Table
    from servicenow_client import RowOutcome, ServiceNowClient
    from target_servicenow_s2p.rows import Row

__all__ = ["Sought", "find_staged", "natural_key", "result_of"]


@dataclass(frozen=True, slots=True)
class Sought:
    """What a staged row must have: the content, and an import set not known before.

    What counts as content may differ from division to division.
    """

    digest: str
    known_set: str | None = None
    division: int | None = None


def find_staged(
    client: ServiceNowClient, table: Table, sought: Mapping[str, Sought]
) -> dict[str, RowOutcome]:
    """Find rows in a staging table by natural key and content; the newest of each.

    A row that another version has followed is not the one: a record that returns to what it was
    before would else be taken for staged.

    Args:
        client: connection.
        table: the staging table, its columns known.
        sought: natural key → what the row must have.

    Returns:
        Natural key → the staged row.
    """
    first = table.key_elements[0]
    fields = tuple(dict.fromkeys((*table.key_elements, *table.elements.values())))
    found: dict[str, RowOutcome] = {}
    newest: dict[str, str] = {}
    values = {key.split(KEY_SEPARATOR)[0] for key in sought}
    for piece in in_chunks(sorted(filter(is_searchable, values))):
        rows = client.staged_rows(
            table.output.staging_table, one_of(first, piece), (*fields, "sys_created_on")
        )
        for outcome in rows:
            key = natural_key(table, outcome)
            wanted = sought.get(key)
            created = outcome.values.get("sys_created_on", "")
            if wanted is None or created < newest.get(key, ""):
                continue
            if created > newest.get(key, ""):
                found.pop(key, None)
            newest[key] = created
            is_new = outcome.import_set_id != wanted.known_set
            digest = table.digest_of_staged(outcome.values, wanted.division)
            if is_new and digest == wanted.digest:
                found[key] = _with(found.get(key), outcome, table)
    return found


def _with(other: RowOutcome | None, outcome: RowOutcome, table: Table) -> RowOutcome:
    """Take two rows of one import set, one per transform map, for the one that counts."""
    if other is None or other.import_set_id != outcome.import_set_id:
        return outcome
    return merge_outcomes([other, outcome], table.key_elements)[0]


def natural_key(table: Table, outcome: RowOutcome) -> str:
    """Return the natural key of a staged row."""
    values = outcome.values
    return table.output.key_of([values.get(element, "") for element in table.key_elements])


def result_of(row: Row, outcome: RowOutcome) -> Result:
    """Return the result that a staged row shows."""
    return Result(
        row,
        outcome.state,
        outcome.message,
        outcome.import_set_id or None,
        outcome.sys_id or None,
        outcome.target_table or None,
        outcome.target_sys_id or None,
    )
