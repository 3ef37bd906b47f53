"""What a record of ServiceNow tells of a document that was staged. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TOLD", "Sighting", "sighting_of"]

TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "purchase_orders": (
        "status",
        "erp_status",
        "received_amount",
        "invoiced_amount",
        "remaining_amount",
        "erp_sync_failed",
    ),
    "invoices": (
        "state",
        "approval",
        "erp_integration_status",
        "erp_sync_failed",
        "erp_posting_date",
        "payment_date",
    ),
}
"""Stream → properties whose change is worth an event."""
_TABLES: Final[Mapping[str, str]] = {
    "purchase_orders": "sn_shop_purchase_order",
    "invoices": "sn_shop_invoice",
}


class Sighting(Struct, frozen=True):
    """A document as it stands in ServiceNow.

    Attributes:
        table: ServiceNow's.
        sys_id: of the record.
        natural_key: under which it was staged.
        told: what may change, empty values left out.
        number: ServiceNow's own number.
    """

    table: str
    sys_id: str
    natural_key: str
    told: dict[str, Any]
    number: str | None


def sighting_of(stream: str, record: Mapping[str, Any]) -> Sighting | None:
    """Read a record; None if it was never staged from an ERP, or lacks what identifies it."""
    source, sys_id = record.get("erp_source"), record.get("sys_id")
    if stream == "purchase_orders":
        key = [record.get("erp_number"), source]
    else:
        of = record.get("external_invoice_source") or source
        key = [record.get("external_invoice_number"), of, source or of]
    if not all(key) or not sys_id:
        return None
    told = {name: record[name] for name in TOLD[stream] if record.get(name) not in (None, "")}
    natural_key = "|".join(str(part) for part in key)
    return Sighting(_TABLES[stream], str(sys_id), natural_key, told, record.get("number"))
