"""What each hold reason means and what frees the lines, in a bookkeeper's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from s2p_console.wording import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DIMENSIONS", "DOCUMENT_CHECKS", "REASONS", "named", "what_frees"]

DIMENSIONS: Final[Mapping[str, str]] = {
    "gl_account": "GL account",
    "cost_center": "cost center",
    "cost_unit": "cost unit",
    "supplier": "supplier",
    "purchase_order": "purchase order",
    "purchase_order_line": "purchase order line",
    "invoice": "invoice",
    "item": "item",
    "item_group": "item group",
}

REASONS: Final[Mapping[str, str]] = {
    "GL_ACCOUNT_MISSING": "add the GL account in ServiceNow, or a mapping rule",
    "GL_ACCOUNT_UNDERIVABLE": "give the item, its group or the supplier a cost account in Exact",
    "GL_ACCOUNT_INACTIVE": "reopen the GL account, or map it to an open one",
    "GL_ACCOUNT_AMBIGUOUS": "leave one active GL account that fits, or name it in a rule",
    "COST_CENTER_MISSING": "add the cost center in ServiceNow, or a mapping rule",
    "COST_CENTER_REQUIRED": "fill in the cost center on the line in Exact",
    "COST_CENTER_INACTIVE": "extend the cost center's validity, or map it to its successor",
    "COST_CENTER_AMBIGUOUS": "leave one active cost center that fits, or name it in a rule",
    "SUPPLIER_NOT_STAGED": "bring the supplier to ServiceNow first",
    "PURCHASE_ORDER_NOT_STAGED": "bring the purchase order to ServiceNow first",
    "DIVISION_MISMATCH": "correct the document in Exact: it mixes divisions",
    "AMOUNT_MISMATCH": "correct the document in Exact: its lines do not add up",
    "DUPLICATE_INVOICE": "find out which of the two invoices is right",
}


DOCUMENT_CHECKS: Final = tuple(
    reason for reason in REASONS if not reason.startswith(("GL_ACCOUNT", "COST_CENTER"))
)
"""Reasons that say something about the document, not about where it is booked."""


def what_frees(reason: str) -> str:
    """Say what frees lines held for `reason`; a reason of a newer version speaks for itself."""
    return REASONS.get(reason, reason)


def named(dimension: str, code: str = "") -> str:
    """Name one thing lines wait for: "cost center CC12"."""
    return f"{DIMENSIONS.get(dimension, plain(dimension))} {plain(code)}".strip()
