"""All rows of the sandbox's Exact Online, resource by resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.accounts import accounts
from s2p_sandbox.seeds.administrations import current_user, hrm_division, system_division
from s2p_sandbox.seeds.bank import bank_entries
from s2p_sandbox.seeds.charts import gl_accounts
from s2p_sandbox.seeds.dimensions import cost_centers, cost_units
from s2p_sandbox.seeds.entries import entries
from s2p_sandbox.seeds.invoices import invoices
from s2p_sandbox.seeds.items import item_groups, items
from s2p_sandbox.seeds.orders import orders
from s2p_sandbox.seeds.plan import DIVISIONS
from s2p_sandbox.seeds.terms import journals, payment_conditions, units, vat_codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from s2p_sandbox.seeds.plan import Division
    from s2p_sandbox.seeds.rows import Row

__all__ = ["KEYS", "exact_rows"]

_SINGLE: Final[dict[str, Callable[[Division], tuple[Row, ...]]]] = {
    "financial/GLAccounts": gl_accounts,
    "financial/Journals": journals,
    "hrm/Costcenters": cost_centers,
    "hrm/Costunits": cost_units,
    "logistics/Units": units,
    "logistics/ItemGroups": item_groups,
    "logistics/Items": items,
    "cashflow/PaymentConditions": payment_conditions,
    "vat/VATCodes": vat_codes,
    "crm/Accounts": accounts,
}

_WITH_LINES: Final[
    dict[tuple[str, str], Callable[[Division], tuple[tuple[Row, tuple[Row, ...]], ...]]]
] = {
    ("purchaseorder/PurchaseOrders", "purchaseorder/PurchaseOrderLines"): orders,
    ("purchase/PurchaseInvoices", "purchase/PurchaseInvoiceLines"): invoices,
    ("purchaseentry/PurchaseEntries", "purchaseentry/PurchaseEntryLines"): entries,
    ("financialtransaction/BankEntries", "financialtransaction/BankEntryLines"): bank_entries,
}

# The key property of the resources whose key is not ID.
KEYS: Final = {
    "current/Me": "UserID",
    "system/Divisions": "Code",
    "hrm/Divisions": "Code",
    "purchaseorder/PurchaseOrders": "PurchaseOrderID",
    "purchaseentry/PurchaseEntries": "EntryID",
    "financialtransaction/BankEntries": "EntryID",
}


def exact_rows() -> Iterator[tuple[str, Row]]:
    """(regular resource name, row) of all divisions: reference data first, headers before lines.

    Values are str, int, bool, Decimal, naive Amsterdam wall-clock datetime or None; a property that
    is absent is null. Codes are unpadded. `_division` is in every row. A row is the caller's own:
    changing it does not change the seed.
    """
    yield "current/Me", current_user()
    for division in DIVISIONS:
        yield "system/Divisions", system_division(division)
        yield "hrm/Divisions", hrm_division(division)
        for resource, build in _SINGLE.items():
            for row in build(division):
                yield resource, dict(row)
        for (resource, line_resource), pair in _WITH_LINES.items():
            for header, lines in pair(division):
                yield resource, dict(header)
                for line in lines:
                    yield line_resource, dict(line)
