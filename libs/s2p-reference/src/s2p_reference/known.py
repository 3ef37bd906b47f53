"""Records as they are kept from run to run, and back. Pure.

Of ServiceNow only what is compared is kept: codes, names of accounts, types and dates, no persons.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from s2p_reference.entities import ENTITIES, Entity, Item, servicenow_item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["EVERY", "SYSTEM", "by_division", "carried", "items", "kept"]

SYSTEM: Final = "servicenow-tables"
"""System of the snapshots in `store.reference`; their entity is the stream."""
EVERY: Final = "*"
"""Their scope: a record may move from one ERP source to another."""

_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "gl_accounts": (
        "gl_account",
        "number",
        "account_name",
        "display_name",
        "type",
        "inactive",
        "active",
        "erp_source",
    ),
    "cost_centers": ("account_number", "code", "name", "valid_to", "active", "erp_source"),
}


def kept(stream: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is kept of a record; its `id` is the sys_id."""
    return {"id": str(record["sys_id"]), **{name: record.get(name) for name in _KEPT[stream]}}


def items(entity: Entity, rows: Iterable[Mapping[str, Any]], today: str) -> list[Item]:
    """Make items of kept records; `today` is YYYY-MM-DD."""
    return [servicenow_item(entity, {**row, "sys_id": row["id"]}, today) for row in rows]


def by_division(
    load: Callable[[str], Iterable[dict[str, Any]]], division_of: Callable[[object], int | None]
) -> tuple[dict[int, dict[str, list[dict[str, Any]]]], dict[str, int]]:
    """Sort what is kept: division → stream → records; and ERP source → how many are of none.

    Args:
        load: gives the kept records of a stream.
        division_of: gives the division of an ERP source.
    """
    found: defaultdict[int, dict[str, list[dict[str, Any]]]] = defaultdict(dict)
    elsewhere: defaultdict[str, int] = defaultdict(int)
    for stream in ENTITIES:
        for row in load(stream):
            division = division_of(row["erp_source"])
            if division is None:
                elsewhere[str(row["erp_source"] or "none")] += 1
            else:
                found[division].setdefault(stream, []).append(row)
    return dict(found), dict(elsewhere)


def carried(entity: Entity, rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, object]]:
    """Give what the forward way carried to ServiceNow last: Exact's ID → field → value.

    Args:
        entity: what it is about.
        rows: its own snapshot of Exact, under Exact's property names.
    """
    return {
        str(row["id"]): {
            one.name: one.exact(row) for one in entity.fields if row.get(one.property) is not None
        }
        for row in rows
    }
