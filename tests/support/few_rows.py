"""The seeds cut short, for tests that run the pipe many times."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from s2p_sandbox.seeds import exact_rows, servicenow_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DIVISIONS", "few_rows", "missing_accounts"]

DIVISIONS = {3104417: ("Meridian Nederland B.V.", "nl"), 917352: ("Meridian Belgium N.V.", "be")}
HEADERS = {
    "purchaseorder/PurchaseOrders": ("PurchaseOrderID", 90),
    "purchase/PurchaseInvoices": ("ID", 64),
    "purchaseentry/PurchaseEntries": ("EntryID", 64),
    "financialtransaction/BankEntries": ("EntryID", 3),
}
LINES = {
    "purchaseorder/PurchaseOrderLines": ("PurchaseOrderID", "purchaseorder/PurchaseOrders"),
    "purchase/PurchaseInvoiceLines": ("InvoiceID", "purchase/PurchaseInvoices"),
    "purchaseentry/PurchaseEntryLines": ("EntryID", "purchaseentry/PurchaseEntries"),
    "financialtransaction/BankEntryLines": ("EntryID", "financialtransaction/BankEntries"),
}


def few_rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield some documents of two divisions, and of the reference data what they refer to.

    Documents are more than one page of 60, so that every way of reading goes on to a second page.
    """
    documents = list(_documents())
    named = _texts(documents)
    rows: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for resource, row in exact_rows():
        own = {*HEADERS, *LINES, "hrm/Divisions"}
        if row["_division"] in DIVISIONS and resource not in own:
            rows.setdefault(resource, []).append((resource, row))
    for resource in ("logistics/Items", "logistics/ItemGroups", "crm/Accounts"):
        rows[resource] = [one for one in rows[resource] if one[1]["ID"] in named]
        named |= _texts(rows[resource])
    for resource in ("financial/GLAccounts", "hrm/Costcenters"):
        rows[resource] = [one for one in rows[resource] if {one[1]["ID"], one[1]["Code"]} & named]
    for listed in rows.values():
        yield from listed
    yield from documents


def _texts(rows: list[tuple[str, dict[str, Any]]]) -> set[str]:
    return {value for _, row in rows for value in row.values() if isinstance(value, str)}


def _documents() -> Iterator[tuple[str, dict[str, Any]]]:
    taken: Counter[tuple[str, int]] = Counter()
    headers: set[tuple[str, str]] = set()
    for resource, row in exact_rows():
        division = row["_division"]
        if division not in DIVISIONS:
            continue
        if resource in HEADERS:
            key, most = HEADERS[resource]
            if taken[resource, division] < most:
                taken[resource, division] += 1
                headers.add((resource, row[key]))
                yield resource, row
        elif resource in LINES:
            key, of = LINES[resource]
            if (of, row[key]) in headers:
                yield resource, row


def missing_accounts() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (table, row) of accounts and cost centers that the first run would bring or open.

    With them nothing that is held after the first run is free in the second.
    """
    present = {
        (table, row["erp_source"]["ref"][2], row.get("gl_account") or row.get("account_number"))
        for table, row in servicenow_rows()
        if table in {"sn_fin_gl_account", "cmn_cost_center"} and row.get("inactive") != "true"
    }
    for resource, row in exact_rows():
        source = f"EXACT-{row['_division']}"
        reference = {"ref": ["sn_fin_erp_source", "name", source]}
        if resource == "financial/GLAccounts":
            table, names = "sn_fin_gl_account", ("gl_account", "display_name")
        elif resource == "hrm/Costcenters":
            table, names = "cmn_cost_center", ("account_number", "name")
        else:
            continue
        if (table, source, row["Code"]) not in present:
            texts = dict(zip(names, (row["Code"], row["Description"]), strict=True))
            active = {"inactive": "false"} if table == "sn_fin_gl_account" else {}
            yield table, {**texts, **active, "erp_source": reference}
