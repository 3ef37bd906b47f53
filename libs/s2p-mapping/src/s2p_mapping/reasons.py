"""Why a line waits: the reason codes and what each means to a bookkeeper."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AMBIGUOUS",
    "INACTIVE",
    "MISSING",
    "SENTENCES",
    "Reason",
    "sentence",
]


class Reason(str, Enum):
    """The reason codes of `s2p_hold_reasons`, as they appear in records, holds and reports."""

    GL_ACCOUNT_MISSING = "GL_ACCOUNT_MISSING"
    GL_ACCOUNT_UNDERIVABLE = "GL_ACCOUNT_UNDERIVABLE"
    GL_ACCOUNT_INACTIVE = "GL_ACCOUNT_INACTIVE"
    GL_ACCOUNT_AMBIGUOUS = "GL_ACCOUNT_AMBIGUOUS"
    COST_CENTER_MISSING = "COST_CENTER_MISSING"
    COST_CENTER_REQUIRED = "COST_CENTER_REQUIRED"
    COST_CENTER_INACTIVE = "COST_CENTER_INACTIVE"
    COST_CENTER_AMBIGUOUS = "COST_CENTER_AMBIGUOUS"
    SUPPLIER_NOT_STAGED = "SUPPLIER_NOT_STAGED"
    PURCHASE_ORDER_NOT_STAGED = "PURCHASE_ORDER_NOT_STAGED"
    DIVISION_MISMATCH = "DIVISION_MISMATCH"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    DUPLICATE_INVOICE = "DUPLICATE_INVOICE"


SENTENCES: Mapping[Reason, str] = {
    Reason.GL_ACCOUNT_MISSING: (
        "ServiceNow has no GL account {code} for this ERP source. "
        "Load it there, or map the code to an existing account in the rules file."
    ),
    Reason.GL_ACCOUNT_UNDERIVABLE: (
        "The line names no GL account, and neither its item, the item's group nor its supplier "
        "gives one. Fill in the cost account on one of them in Exact Online."
    ),
    Reason.GL_ACCOUNT_INACTIVE: (
        "GL account {code} is blocked in Exact Online or inactive in ServiceNow, or a rule does "
        "not allow it here. Reopen it, or map the code to an open account in the rules file."
    ),
    Reason.GL_ACCOUNT_AMBIGUOUS: (
        "ServiceNow has several active GL accounts that fit {code} by code or by name. "
        "Deactivate the duplicates, or name the right one in the rules file."
    ),
    Reason.COST_CENTER_MISSING: (
        "ServiceNow has no cost center {code} for this ERP source. "
        "Load it there, or map the code to an existing cost center in the rules file."
    ),
    Reason.COST_CENTER_REQUIRED: (
        "The line has no cost center, but its GL account or the configuration requires one. "
        "Fill it in on the document in Exact Online."
    ),
    Reason.COST_CENTER_INACTIVE: (
        "Cost center {code} was not open on the document's date (ended or inactive in Exact "
        "Online, or outside its validity in ServiceNow), or a rule or the line's GL account does "
        "not allow it. Extend it, map it to its successor, or correct the line in Exact Online."
    ),
    Reason.COST_CENTER_AMBIGUOUS: (
        "ServiceNow has several cost centers that fit {code} by code or by name. "
        "Remove the duplicates, or name the right one in the rules file."
    ),
    Reason.DIVISION_MISMATCH: (
        "The line and its GL account, item or supplier belong to different divisions, or the line "
        "names no division. Check the document in Exact Online."
    ),
    Reason.SUPPLIER_NOT_STAGED: (
        "Supplier {code} was never brought to ServiceNow. "
        "Mark it as a supplier in Exact Online, or read suppliers from an earlier start date."
    ),
    Reason.PURCHASE_ORDER_NOT_STAGED: (
        "The line bills the order line {code}, which was never brought to ServiceNow. "
        "Read purchase orders from an earlier start date, or correct the invoice in Exact Online."
    ),
    Reason.AMOUNT_MISMATCH: (
        "The lines of invoice {code} do not add up to the amount in its header, or not all of "
        "them have been read yet. Correct the document in Exact Online if it stays like this."
    ),
    Reason.DUPLICATE_INVOICE: (
        "Invoice {code} of the same supplier has the same supplier's invoice number. "
        "Find out which is right, and delete or correct the other in Exact Online."
    ),
}

MISSING: Mapping[str, Reason] = {
    GL_ACCOUNT: Reason.GL_ACCOUNT_MISSING,
    COST_CENTER: Reason.COST_CENTER_MISSING,
}
INACTIVE: Mapping[str, Reason] = {
    GL_ACCOUNT: Reason.GL_ACCOUNT_INACTIVE,
    COST_CENTER: Reason.COST_CENTER_INACTIVE,
}
AMBIGUOUS: Mapping[str, Reason] = {
    GL_ACCOUNT: Reason.GL_ACCOUNT_AMBIGUOUS,
    COST_CENTER: Reason.COST_CENTER_AMBIGUOUS,
}


def sentence(reason: Reason, code: str | None = None) -> str:
    """What the reason means and who can do what about it, with the code concerned."""
    return SENTENCES[reason].replace("{code}", code or "(unknown)")
