"""Transform maps, read from ``maps.json``: which staging column feeds which target column.

``from`` is the staging column's label (``@name`` its name, where labels are ambiguous), ``to`` the
target column (``@name`` a working value that only helps look-ups). ``by`` lists the columns of the
referenced table a value is matched against, in order; ``within`` narrows that match to the values
resolved before (an empty one does not narrow). ``action`` is the choice action: ``reject`` the row,
or ``ignore`` the value. ``inherit`` takes the value from a referenced record when none came.

Whether the shipped maps coalesce, and on what, is not published: these coalesce on the natural
keys of the documentation, ERP number or code plus ERP source.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from s2p_sandbox.servicenow.catalog import Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s2p_sandbox.servicenow.catalog import Catalog

__all__ = ["Entry", "TransformMap", "fixed_sys_id", "maps_for"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One field map. ``source`` and ``currency`` are staging columns' names in the database."""

    source: str
    element: str
    target: str
    column: Column
    by: tuple[str, ...] = ()
    within: tuple[tuple[str, str], ...] = ()
    action: str = "ignore"
    coalesce: bool = False
    mandatory: bool = False
    currency: str = ""
    inherit: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class TransformMap:
    """One map from a staging table to its target."""

    sys_id: str
    name: str
    source: str
    target: str
    order: int
    enforce_mandatory_fields: str
    entries: tuple[Entry, ...]
    after: tuple[str, ...]
    copy_empty: bool = False


def fixed_sys_id(*parts: str) -> str:
    """The sys_id of a record the instance ships: the same in every sandbox."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def _definitions() -> list[dict[str, Any]]:
    text = files("s2p_sandbox.servicenow").joinpath("maps.json").read_text(encoding="utf-8")
    definitions: list[dict[str, Any]] = json.loads(text)
    return definitions


def maps_for(
    catalog: Catalog,
    second_on: tuple[str, ...] = (),
    coalesce_off_on: tuple[str, ...] = (),
    copy_empty_on: tuple[str, ...] = (),
) -> Mapping[str, tuple[TransformMap, ...]]:
    """Staging table → its active maps in the order they run."""
    found: dict[str, tuple[TransformMap, ...]] = {}
    for definition in _definitions():
        source = definition["source"]
        own = [_map(definition, catalog, 100, coalesce=source not in coalesce_off_on)]
        if source in second_on:
            own.append(_map(definition, catalog, 200, coalesce=True))
        found[source] = tuple(replace(one, copy_empty=source in copy_empty_on) for one in own)
    return found


def _map(
    definition: dict[str, Any], catalog: Catalog, order: int, *, coalesce: bool
) -> TransformMap:
    name = definition["name"] if order == 100 else f"{definition['name']} copy"  # noqa: PLR2004
    entries = [_entry(entry, definition, catalog) for entry in definition["entries"]]
    kept = [entry for entry in entries if entry is not None]
    if not coalesce:
        kept = [replace(entry, coalesce=False) for entry in kept]
    return TransformMap(
        fixed_sys_id("map", definition["source"], str(order)),
        name,
        definition["source"],
        definition["target"],
        order,
        definition["enforce_mandatory_fields"],
        tuple(kept),
        tuple(definition["after"]),
    )


def _entry(given: dict[str, Any], definition: dict[str, Any], catalog: Catalog) -> Entry | None:
    source = catalog.tables[definition["source"]]
    target = catalog.tables[definition["target"]]
    label = given.get("from", "")
    if label.startswith("@"):
        staged = source.by_name.get(label[1:])
    else:
        staged = source.by_label.get(label, (None,))[0]
    if label and staged is None:
        return None  # a column this instance does not have
    to = given["to"]
    if to.startswith("@"):
        reference = "sn_fin_erp_source" if to == "@erp_source" else ""
        column = Column(to, to, to, "reference" if reference else "string", reference=reference)
    elif to in target.by_name:
        column = target.by_name[to]
    else:
        # Gated away (ERP source of cost centers in newer releases): still kept inside.
        column = Column(to, to, to, "reference", reference="sn_fin_erp_source")
    currency = source.by_label.get(given.get("currency", ""), (None,))[0]
    return Entry(
        source=staged.name if staged else "",
        element=staged.element if staged else "",
        target=to,
        column=column,
        by=tuple(given.get("by", ())),
        within=tuple(given.get("within", {}).items()),
        action=given.get("action", "ignore"),
        coalesce=given.get("coalesce", False),
        mandatory=given.get("mandatory", False),
        currency=currency.name if currency else "",
        inherit=tuple(given["inherit"]) if "inherit" in given else None,
    )
