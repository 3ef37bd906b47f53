"""Purchase orders and their lines (purchaseorder/PurchaseOrders, …/PurchaseOrderLines).

Only the Dutch division buys through orders. Line amounts are the published ones, also where
quantity times price misses them by rounding.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.accounts import supplier_of, vendor_code
from s2p_sandbox.seeds.dimensions import cost_unit_of_project
from s2p_sandbox.seeds.items import item_groups, item_of
from s2p_sandbox.seeds.keys import guid, share
from s2p_sandbox.seeds.plan import DIVISIONS
from s2p_sandbox.seeds.rows import Row, audit, by, midnight
from s2p_sandbox.seeds.sources import OrderLine, order_lines
from s2p_sandbox.seeds.terms import payment_condition_for, vat_code_for

if TYPE_CHECKING:
    from s2p_sandbox.seeds.plan import Division

__all__ = ["DELIVERED_UNTIL", "build_order", "by_order", "cost_center_of", "line_key", "orders"]

# The day on which the seed's books stand: what the publisher shows as delivered later is open.
DELIVERED_UNTIL: Final = date(2015, 7, 31)

_FIRST_ORDER_NUMBER: Final = 10001
_OPEN, _PARTIAL, _COMPLETE = 10, 20, 30
_APPROVED: Final = 2
_SOURCE_MANUAL: Final = 1

# Share of lines entered without a project, where the account demands one and where not.
_NO_PROJECT_SHARE: Final = {True: 0.055, False: 0.01}


@cache
def by_order() -> dict[str, tuple[OrderLine, ...]]:
    """The published lines by order number, orders in the sequence of their planned delivery."""
    lines = sorted(order_lines(), key=lambda line: (line.order, line.number))
    grouped = {key: tuple(group) for key, group in groupby(lines, key=attrgetter("order"))}
    return dict(sorted(grouped.items(), key=lambda item: (item[1][0].scheduled, item[0])))


def line_key(division: Division, line: OrderLine) -> str:
    """The ID of a purchase-order line."""
    return guid(division.code, "PurchaseOrderLines", line.order, line.number)


def cost_center_of(division: Division, line: OrderLine) -> str | None:
    """The project of a line as its cost center; None on the few lines entered without one."""
    item = item_of(division, line.item)
    group = by(item_groups(division), "Code")[item["ItemGroupCode"]]
    account = item["GLCostsCode"] or group["GLCostsCode"]
    mandatory = account in division.needs_cost_center
    if share("project", line.order, line.number) < _NO_PROJECT_SHARE[mandatory]:
        return None
    return line.project


def _progress(done: int, total: int) -> int:
    if not done:
        return _OPEN
    return _COMPLETE if done == total else _PARTIAL


@cache
def orders(division: Division) -> tuple[tuple[Row, tuple[Row, ...]], ...]:
    """(header, lines) of every purchase order of `division`."""
    if division is not DIVISIONS[0]:
        return ()
    return tuple(
        build_order(division, number, lines)
        for number, lines in enumerate(by_order().values(), start=_FIRST_ORDER_NUMBER)
    )


def build_order(
    division: Division, number: int, source: tuple[OrderLine, ...]
) -> tuple[Row, tuple[Row, ...]]:
    """The rows of one purchase order."""
    first = source[0]
    key = guid(division.code, "PurchaseOrders", first.order)
    supplier = supplier_of(division, vendor_code(first.vendor))
    condition = payment_condition_for(division, supplier["Code"])
    # An order without a published date was entered on its first planned delivery.
    entered = first.ordered or first.scheduled
    delivered = sum(line.delivered <= DELIVERED_UNTIL for line in source)
    amount = sum((line.value for line in source), Decimal(0))
    header = {
        "PurchaseOrderID": key,
        "OrderNumber": number,
        "YourRef": first.order,
        "Description": f"{first.project} {first.country}",
        "Division": division.code,
        "OrderDate": midnight(first.ordered),
        "ReceiptDate": midnight(first.scheduled),
        "OrderStatus": _progress(delivered, len(source)),
        "ReceiptStatus": _progress(delivered, len(source)),
        "InvoiceStatus": _progress(delivered, len(source)),
        "ApprovalStatus": _APPROVED,
        "ApprovalStatusDescription": "Approved",
        "Source": _SOURCE_MANUAL,
        "Supplier": supplier["ID"],
        "SupplierCode": supplier["Code"],
        "SupplierName": supplier["Name"],
        "PaymentCondition": condition["Code"],
        "PaymentConditionDescription": condition["Description"],
        "Currency": division.currency,
        "ExchangeRate": Decimal(1),
        "AmountFC": amount,
        "AmountDC": amount,
        "AmountFCExclVat": amount,
        "VATAmount": Decimal(0),
        "DropShipment": True,
        "PurchaseOrderLineCount": len(source),
        **audit(entered, division.code, "PurchaseOrders", first.order, days=45),
        "_division": division.code,
    }
    return header, tuple(_line(division, key, line, entered) for line in source)


def _line(division: Division, order: str, line: OrderLine, entered: date) -> Row:
    item = item_of(division, line.item)
    vat = vat_code_for(division, "")
    delivered = line.delivered <= DELIVERED_UNTIL
    project = cost_center_of(division, line)
    unit = cost_unit_of_project(line.project)
    return {
        "ID": line_key(division, line),
        "PurchaseOrderID": order,
        "LineNumber": line.number,
        "Division": division.code,
        "Item": item["ID"],
        "ItemCode": item["Code"],
        "ItemDescription": item["Description"],
        "ItemDivisable": False,
        "Description": item["Description"],
        "CostCenter": project,
        "CostCenterDescription": project and f"Project {project} {line.country}",
        "CostUnit": unit,
        "CostUnitDescription": line.country,
        "Quantity": line.quantity,
        "QuantityInPurchaseUnits": line.quantity,
        "ReceivedQuantity": line.quantity if delivered else Decimal(0),
        "InvoicedQuantity": line.quantity if delivered else Decimal(0),
        "Unit": item["Unit"],
        "UnitDescription": item["UnitDescription"],
        "UnitPrice": line.price,
        "NetPrice": line.price,
        "Discount": Decimal(0),
        "AmountFC": line.value,
        "AmountDC": line.value,
        "VATAmount": Decimal(0),
        "VATCode": vat.code,
        "VATDescription": vat.description,
        "VATPercentage": vat.percentage,
        "ReceiptDate": midnight(line.scheduled),
        "Rebill": False,
        **audit(entered, division.code, "PurchaseOrderLines", line.order, line.number, days=45),
        "_division": division.code,
    }
