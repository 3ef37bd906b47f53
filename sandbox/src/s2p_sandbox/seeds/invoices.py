"""Purchase invoices and their lines (purchase/PurchaseInvoices, …/PurchaseInvoiceLines).

One invoice per order and day of delivery. Both resources lack a Division property, so only
`_division` tells where a row lies.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.accounts import supplier_of, vendor_code
from s2p_sandbox.seeds.dimensions import cost_unit_of_project
from s2p_sandbox.seeds.items import item_of
from s2p_sandbox.seeds.keys import guid, share
from s2p_sandbox.seeds.orders import DELIVERED_UNTIL, by_order, cost_center_of, line_key
from s2p_sandbox.seeds.plan import DIVISIONS
from s2p_sandbox.seeds.rows import Row, audit, midnight
from s2p_sandbox.seeds.terms import PURCHASE_JOURNAL, payment_condition_for, vat_code_for

if TYPE_CHECKING:
    from s2p_sandbox.seeds.plan import Division
    from s2p_sandbox.seeds.sources import OrderLine

__all__ = ["INVOICED_FROM", "build_invoice", "deliveries", "invoices"]

# From this day the division matches invoices to orders; before, it booked purchase entries.
INVOICED_FROM: Final = date(2014, 1, 1)

_STILL_OPEN_FROM: Final = date(2015, 7, 1)
_TYPE_INVOICE: Final = 8033
_STATUS_OPEN: Final = 20
_STATUS_PROCESSED: Final = 50
_SOURCE_PURCHASE_ORDER: Final = 4
_NO_ITEM_SHARE: Final = 0.06


def deliveries(first: date, last: date) -> list[tuple[OrderLine, ...]]:
    """The published lines delivered from `first` to `last`, by order and day, oldest first."""
    found = []
    for lines in by_order().values():
        inside = sorted(
            (line for line in lines if first <= line.delivered <= last),
            key=attrgetter("delivered", "number"),
        )
        found += [tuple(group) for _, group in groupby(inside, key=attrgetter("delivered"))]
    return sorted(found, key=lambda lines: (lines[0].delivered, lines[0].order))


@cache
def invoices(division: Division) -> tuple[tuple[Row, tuple[Row, ...]], ...]:
    """(header, lines) of every purchase invoice of `division`."""
    if division is not DIVISIONS[0]:
        return ()
    numbers: dict[int, int] = {}
    built = []
    for lines in deliveries(INVOICED_FROM, DELIVERED_UNTIL):
        year = lines[0].delivered.year
        numbers[year] = numbers.get(year, 0) + 1
        built.append(
            build_invoice(division, year % 100 * 1_000_000 + 800_000 + numbers[year], lines)
        )
    return tuple(built)


def build_invoice(
    division: Division, entry_number: int, source: tuple[OrderLine, ...]
) -> tuple[Row, tuple[Row, ...]]:
    """The rows of one purchase invoice."""
    first = source[0]
    day = first.delivered
    name = (first.order, day)
    key = guid(division.code, "PurchaseInvoices", *name)
    supplier = supplier_of(division, vendor_code(first.vendor))
    condition = payment_condition_for(division, supplier["Code"])
    amount = sum((line.value for line in source), Decimal(0))
    header = {
        "ID": key,
        "Type": _TYPE_INVOICE,
        "Status": _STATUS_OPEN if day >= _STILL_OPEN_FROM else _STATUS_PROCESSED,
        "Source": _SOURCE_PURCHASE_ORDER,
        "Journal": PURCHASE_JOURNAL,
        "EntryNumber": entry_number,
        "FinancialYear": day.year,
        "FinancialPeriod": day.month,
        "InvoiceDate": midnight(day),
        "DueDate": midnight(day + timedelta(days=condition["PaymentDays"])),
        "PaymentCondition": condition["Code"],
        "Supplier": supplier["ID"],
        "Currency": division.currency,
        "ExchangeRate": Decimal(1),
        "Amount": amount,
        "AmountDC": amount,
        "AmountFCExclVat": amount,
        "AmountDiscount": Decimal(0),
        "AmountDiscountExclVat": Decimal(0),
        "Discount": Decimal(0),
        "VATAmount": Decimal(0),
        "Description": f"{first.order} {first.country}",
        "YourRef": f"{first.order.removeprefix('SCMS-')}/{day:%y%m%d}",
        "Modified": audit(day, division.code, "PurchaseInvoices", *name, days=10)["Modified"],
        "_division": division.code,
    }
    lines = tuple(_line(division, key, number, line) for number, line in enumerate(source, start=1))
    return header, lines


def _line(division: Division, invoice: str, number: int, line: OrderLine) -> Row:
    item = item_of(division, line.item)
    vat = vat_code_for(division, "")
    name = (line.order, line.number)
    # Some lines are known by their order line alone.
    no_item = share("no item", *name) < _NO_ITEM_SHARE
    return {
        "ID": guid(division.code, "PurchaseInvoiceLines", *name),
        "InvoiceID": invoice,
        "InvoiceType": _TYPE_INVOICE,
        "LineNumber": number,
        "PurchaseOrderLine": line_key(division, line),
        "Item": None if no_item else item["ID"],
        "ItemUnit": item["Unit"],
        "Unit": item["Unit"],
        "Description": item["Description"],
        "CostCenter": cost_center_of(division, line),
        "CostUnit": cost_unit_of_project(line.project),
        "Currency": division.currency,
        "Quantity": line.quantity,
        "QuantityInDefaultUnits": line.quantity,
        "UnitPrice": line.price,
        "NetPrice": line.price,
        "Discount": Decimal(0),
        "Amount": line.value,
        "AmountDC": line.value,
        "VATCode": vat.code,
        "VATPercentage": vat.percentage,
        "VATAmount": Decimal(0),
        "Rebill": False,
        "Modified": audit(line.delivered, division.code, "PurchaseInvoiceLines", *name, days=10)[
            "Modified"
        ],
        "_division": division.code,
    }
