"""Items and item groups (logistics/Items, logistics/ItemGroups) of each division.

A purchase-order line of Exact carries no GL account: it follows from the item's `GLCosts`, else
from the `GLCosts` of the item's group. Some items here have their own, most do not, and the items
of two groups have none at all.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.charts import account_of
from s2p_sandbox.seeds.keys import guid, number_text
from s2p_sandbox.seeds.rows import Row, audit, by
from s2p_sandbox.seeds.sources import order_lines

if TYPE_CHECKING:
    from s2p_sandbox.seeds.plan import Division

__all__ = ["item_groups", "item_of", "items"]

# Beginning of an item's name -> the account that overrules its group's.
_OWN_COSTS: Final = {
    "HIV 1/2, Bioline 3.0 Kit, Lancets": "70215",
    "HIV 1/2, SKB Colloidal Gold": "70301",
    "HIV 1/2, OraQuick Advance": "70057",
    "Didanosine 250mg, delayed-release": "70155",
    "Darunavir 300mg": "70063",
    "Raltegravir 400mg": "70153",
    "Lamivudine 150mg, tablets": "70257",
    "Ritonavir 100mg": "70257",
    "Capillary Tubes": "45405",
}

# The divisions without published items keep a handful of their own: (code, name, group).
_OWN_ITEMS: Final = {
    "UK": (
        ("MAT-0001", "Grit salt, bulk", "MAT"),
        ("MAT-0002", "Litter bins, 120 l", "MAT"),
        ("SUB-0001", "Void property clearance", "SUB"),
        ("STF-0001", "Agency operative, hour", "STF"),
    ),
    "BE": (
        ("DIEN-01", "Advies / Conseil, uur", "DIEN"),
        ("MATE-01", "Draagbare computer / Ordinateur portable", "MATE"),
        ("MATE-02", "Beeldscherm / Écran 27″", "MATE"),
        ("OPLE-01", "Opleidingsdag / Journée de formation", "OPLE"),
    ),
}


def _costs(division: Division, code: str) -> Row:
    if not code:
        return {"GLCosts": None, "GLCostsCode": None, "GLCostsDescription": None}
    account = account_of(division, code)
    return {
        "GLCosts": account["ID"],
        "GLCostsCode": account["Code"],
        "GLCostsDescription": account["Description"],
    }


@cache
def item_groups(division: Division) -> tuple[Row, ...]:
    """All item groups of `division`."""
    return tuple(
        {
            "ID": guid(division.code, "ItemGroups", group.code),
            "Code": group.code,
            "Description": group.description,
            "Division": division.code,
            "IsDefault": int(group is division.item_groups[0]),
            **_costs(division, group.costs),
            **audit(division.start, division.code, "ItemGroups", group.code),
            "_division": division.code,
        }
        for group in division.item_groups
    )


def _catalogue(division: Division) -> list[tuple[str, str, str]]:
    """(code, name, item group code) of all items."""
    if division.key != "NL":
        return list(_OWN_ITEMS[division.key])
    group_of = {group.source_class: group.code for group in division.item_groups}
    classes = {line.item: line.item_class for line in order_lines()}
    counts: dict[str, int] = {}
    catalogue = []
    for name in sorted(classes):
        group = group_of[classes[name]]
        counts[group] = counts.get(group, 0) + 1
        catalogue.append((f"{group}-{number_text(counts[group], 3)}", name, group))
    return catalogue


def _own_costs(name: str) -> str:
    return next((code for start, code in _OWN_COSTS.items() if name.startswith(start)), "")


@cache
def items(division: Division) -> tuple[Row, ...]:
    """All items of `division`."""
    groups = by(item_groups(division), "Code")
    rows = []
    for code, name, group_code in _catalogue(division):
        group = groups[group_code]
        service = "hour" in name or "uur" in name
        rows.append(
            {
                "ID": guid(division.code, "Items", code),
                "Code": code,
                "Description": name,
                "Division": division.code,
                "ItemGroup": group["ID"],
                "ItemGroupCode": group["Code"],
                "ItemGroupDescription": group["Description"],
                **_costs(division, _own_costs(name)),
                "IsPurchaseItem": True,
                "IsSalesItem": False,
                "IsStockItem": division.key == "NL",
                "IsMakeItem": 0,
                "IsBatchItem": int(division.key == "NL"),
                "IsTime": int(service),
                "IsFractionAllowedItem": service,
                "Unit": "hour" if service else "pack",
                "UnitDescription": "Hour" if service else "Pack",
                "UnitType": "T" if service else "O",
                "StartDate": None,
                "EndDate": None,
                **audit(division.start, division.code, "Items", code, days=900),
                "_division": division.code,
            }
        )
    return tuple(rows)


@cache
def _by_name(division: Division) -> dict[str, Row]:
    return by(items(division), "Description")


def item_of(division: Division, name: str) -> Row:
    """The item with this published name."""
    return _by_name(division)[name]
