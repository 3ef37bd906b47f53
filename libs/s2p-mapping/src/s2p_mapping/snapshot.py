"""ServiceNow's side as plain JSON rows, in which it is kept from run to run, and back."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

from s2p_mapping.reference import Catalogue, Entry, Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["EVERY_ERP_SOURCE", "arrange", "rows_of"]

EVERY_ERP_SOURCE = "*"
"""ERP source of a row whose table has no such column."""


def arrange(
    gl_accounts: Iterable[Mapping[str, Any]], cost_centers: Iterable[Mapping[str, Any]]
) -> Reference:
    """Build the reference from rows as `read_rows` gives them."""
    centers = _by_source(cost_centers)
    return Reference(
        gl_accounts=_by_source(gl_accounts),
        cost_centers=centers,
        shared_cost_centers=centers.get(EVERY_ERP_SOURCE),
    )


def rows_of(catalogues: Mapping[str, Catalogue]) -> Iterator[dict[str, Any]]:
    """The rows from which `arrange` builds these catalogues again."""
    names: defaultdict[int, list[str]] = defaultdict(list)
    for name, catalogue in catalogues.items():
        names[id(catalogue)].append(name)
    for name, catalogue in catalogues.items():
        source, *others = names[id(catalogue)]
        if name != source:
            continue
        for entry in catalogue:
            yield {
                "id": entry.sys_id,
                "code": entry.code,
                "name": entry.name,
                "active": entry.active,
                "valid_from": str(entry.valid_from) if entry.valid_from else None,
                "valid_to": str(entry.valid_to) if entry.valid_to else None,
                "erp_source": source,
                "erp_names": others,
            }


def _by_source(rows: Iterable[Mapping[str, Any]]) -> dict[str, Catalogue]:
    entries: defaultdict[str, list[Entry]] = defaultdict(list)
    aliases: dict[str, str] = {}
    days: dict[str | None, date | None] = {}
    for row in rows:
        source = row["erp_source"]
        for name in row["erp_names"]:
            aliases[name] = source
        for text in (row["valid_from"], row["valid_to"]):
            if text not in days:
                days[text] = _day(text)
        entries[source].append(
            Entry(
                row["code"],
                row["name"],
                row["id"],
                row["active"],
                days[row["valid_from"]],
                days[row["valid_to"]],
            ),
        )
    catalogues = {source: Catalogue(found) for source, found in entries.items() if source}
    for name, source in aliases.items():
        if source in catalogues:
            catalogues.setdefault(name, catalogues[source])
    return catalogues


def _day(text: str | None) -> date | None:
    """The day; None for none, or for what ServiceNow gives that is none."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
