"""How a document that was staged stands in ServiceNow, in words. Pure.

The values are ServiceNow's own (*Invoice status*, *Purchase order states*); one that is not listed
is told as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from s2p_console.wording import instant, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s2p_store import AuditEvent

__all__ = ["sentences"]

_ORDER: Final[Mapping[str, str]] = {
    "processing": "is being processed",
    "pending_submission": "waits to be submitted",
    "pending_supplier_confirmation": "waits for the supplier's confirmation",
    "ordered": "is ordered",
    "partially_delivered": "is delivered in part",
    "delivered": "is delivered",
    "payment_pending": "waits for payment",
    "closed_paid": "is paid and closed",
    "closed_released": "is released and closed",
    "closed_returned": "was returned and is closed",
    "closed_canceled": "was cancelled",
    "pending_revision": "is being revised",
    "pending_return": "is being returned",
    "pending_cancellation": "is being cancelled",
}
_INVOICE: Final[Mapping[str, str]] = {
    "draft": "is a draft that ServiceNow has not looked at yet",
    "received": "is received",
    "suspected_duplicate": "is suspected to be a duplicate: the same supplier and invoice number",
    "confirmed_duplicate": "is a duplicate",
    "accepted": "is accepted",
    "po_matching_error": "could not be matched to its purchase order",
    "po_matching_completed": "is matched to its purchase order",
    "exceptions_found": "has exceptions that somebody in ServiceNow has to resolve",
    "no_exceptions_found": "has no exceptions",
    "pending_approval": "waits for approval",
    "rejected": "was rejected",
    "approved": "is approved",
    "pending_payment": "waits for payment",
    "canceled": "was cancelled",
    "paid": "is paid",
}
_AMOUNTS: Final = (
    ("received_amount", "received"),
    ("invoiced_amount", "invoiced"),
    ("remaining_amount", "remaining"),
)


def sentences(events: Iterable[AuditEvent]) -> list[str]:
    """Say how each document stood when it was seen last, one sentence per record."""
    latest: dict[str, AuditEvent] = {}
    for event in events:
        if event.kind == "seen":
            latest[str(event.detail.get("target_sys_id"))] = event
    return [_sentence(event) for event in latest.values()]


def _sentence(event: AuditEvent) -> str:
    detail = event.detail
    order = event.stream == "purchase_orders"
    value = str(detail.get("status" if order else "state") or "")
    known = _ORDER if order else _INVOICE
    what = "Purchase order" if order else "Invoice"
    number = plain(str(detail.get("number") or "")) or "without number"
    stands = known.get(value) or (f"has the status {plain(value)}" if value else "has no status")
    more = [f"{plain(str(detail[name]))} {word}" for name, word in _AMOUNTS if detail.get(name)]
    if detail.get("payment_date"):
        more.append(f"paid on {plain(str(detail['payment_date']))}")
    if detail.get("erp_sync_failed") is True:
        more.append("its way back to the ERP failed")
    extra = f" ({', '.join(more)})" if more else ""
    return f"{what} {number} {stands} in ServiceNow{extra}, as of {instant(event.at)} UTC."
