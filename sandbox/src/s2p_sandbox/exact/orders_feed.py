"""``sync/PurchaseOrder/PurchaseOrders``: headers and lines as one flat list.

The header is the row with ``LineNumber`` 0; a line repeats its header's columns. Here, other than
in ``PurchaseOrderLines``, ``CostCenter`` and ``CostUnit`` are guids beside ``CostCenterCode`` and
``CostUnitCode``. Neither has a GL account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2p_sandbox.exact.model import ORDERS_FEED, entities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s2p_sandbox.exact.row_reader import Row
    from s2p_sandbox.exact.rows import RowStore
    from s2p_sandbox.exact.switches import Switches

__all__ = ["flat_orders"]

_ORDERS = "purchaseorder/PurchaseOrders"
_DIMENSIONS = {"CostCenter": "hrm/Costcenters", "CostUnit": "hrm/Costunits"}


def flat_orders(
    rows: Sequence[Row], store: RowStore, division: int, switches: Switches
) -> list[dict[str, Any]]:
    """The feed's values, in stored form, of order and line rows in the order given."""
    wanted = {str(row.values.get("PurchaseOrderID")) for row in rows}
    headers = {row.key: row.values for row in store.by_keys(_ORDERS, division, sorted(wanted))}
    guids = {name: _guids(store, resource, division) for name, resource in _DIMENSIONS.items()}
    flat = []
    for row in rows:
        order = headers.get(str(row.values.get("PurchaseOrderID")), {})
        if row.resource == _ORDERS:
            values = {**order, "LineNumber": 0}
            if switches.sync_header_id == "order":
                values["ID"] = row.key
        else:
            values = {**order, **row.values}
            for name, known in guids.items():
                code = row.values.get(name)
                values[f"{name}Code"] = code
                values[name] = known.get(code) if code else None
        values["Timestamp"] = row.rowversion
        flat.append({name: values.get(name) for name in entities()[ORDERS_FEED].properties})
    return flat


def _guids(store: RowStore, resource: str, division: int) -> dict[str, str]:
    return {row.values["Code"]: row.key for row in store.all_of(resource, division)}
