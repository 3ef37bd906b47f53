"""Purchase orders in Exact's JSON form, rendered once, made unique per page by replacing bytes.

Each order is a header and four lines. ``PPPPPP`` stands for six digits that name the page (of the
feed: 1,000 rows, 200 orders; of regular lines: 60 lines, 15 orders) in keys, numbers, versions.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["DIVISION", "FEED_PAGE", "HEADER_FIELDS", "LINE_FIELDS", "REGULAR_PAGE", "Pages"]

DIVISION = 100
FEED_PAGE, REGULAR_PAGE = 1000, 60
_PER_ORDER = 5
_SUPPLIERS, _ITEMS, _COST_CENTERS = 100, 200, 50


def _names(text: str) -> list[str]:
    return text.split()


# What a finance team would select: 47 fields of a line, 30 of a header.
LINE_FIELDS = _names(
    "Division ID Timestamp AmountDC AmountFC CostCenter CostCenterDescription CostUnit "
    "CostUnitDescription Created Creator CreatorFullName Currency Description Discount Expense "
    "ExpenseDescription InvoicedQuantity Item ItemBarcode ItemCode ItemDescription ItemDivisable "
    "LineNumber Modified Modifier ModifierFullName NetPrice Notes OrderNumber Project ProjectCode "
    "ProjectDescription PurchaseOrderID Quantity QuantityInPurchaseUnits Rebill ReceiptDate "
    "ReceivedQuantity Supplier SupplierCode SupplierItemCode Unit UnitDescription UnitPrice "
    "VATAmount VATCode"
)
HEADER_FIELDS = _names(
    "Division PurchaseOrderID Timestamp AmountDC AmountDiscount AmountFC Created Creator "
    "CreatorFullName Currency DeliveryAccount DeliveryAccountCode DeliveryAccountName Description "
    "ExchangeRate InvoiceStatus Modified Modifier ModifierFullName OrderDate OrderNumber "
    "OrderStatus PaymentCondition PaymentConditionDescription ReceiptDate Remarks Supplier "
    "SupplierCode SupplierName YourRef"
)

_USER = "2f9b7a54-41e4-4d0e-9b1b-0c1d5c0f7a11"


def guid(kind: int, number: int) -> str:
    """A GUID that tells what it is of."""
    return f"{kind:08x}-0000-4000-8000-{number:012d}"


def _of_page(kind: int, number: int, mark: str) -> str:
    return f"{kind:08x}-0000-4000-8000-{mark}{number:06d}"


def _common(order: int, mark: str, supplier: int) -> dict[str, Any]:
    return {
        "AmountDC": 1234.56,
        "AmountDiscount": 0,
        "AmountFC": 1234.56,
        "Created": "/Date(1762163405123)/",
        "Creator": _USER,
        "CreatorFullName": "Jo Keyes",
        "Currency": "EUR",
        "DeliveryAccount": guid(9, 1),
        "DeliveryAccountCode": "              9000",
        "DeliveryAccountName": "Meridian warehouse",
        "Description": "Office supplies, quarterly",
        "Division": DIVISION,
        "ExchangeRate": 1,
        "InvoiceStatus": 10,
        "Modified": f"/Date(176{mark}0000)/",
        "Modifier": _USER,
        "ModifierFullName": "Jo Keyes",
        "OrderDate": "/Date(1761955200000)/",
        "OrderNumber": f"#1{mark}{order:03d}",
        "OrderStatus": 20,
        "PaymentCondition": "30",
        "PaymentConditionDescription": "30 days",
        "PurchaseOrderID": _of_page(1, order, mark),
        "ReceiptDate": "/Date(1763164800000)/",
        "Remarks": None,
        "Supplier": guid(6, supplier),
        "SupplierCode": f"{9000 + supplier:>18}",
        "SupplierName": f"Supplier {supplier} B.V.",
        "YourRef": f"REF-{order}",
    }


def _line(order: int, line: int, mark: str, number: int) -> dict[str, Any]:
    item = number % _ITEMS
    center = number % _COST_CENTERS
    return {
        **_common(order, mark, order % _SUPPLIERS),
        "ID": _of_page(2, number, mark),
        "CostCenter": f"CC{center:03d}  ",
        "CostCenterCode": f"CC{center:03d}  ",
        "CostCenterDescription": f"Cost center {center}",
        "CostUnit": None,
        "CostUnitDescription": None,
        "Discount": 0.05,
        "InvoicedQuantity": 2,
        "Item": guid(5, item),
        "ItemBarcode": "8712345678906",
        "ItemCode": f"ITEM-{item:05d}",
        "ItemDescription": f"Printing paper A4 80 g, box {item}",
        "ItemDivisable": True,
        "LineNumber": line,
        "NetPrice": 11.4875,
        "Notes": None,
        "Quantity": 25.5,
        "QuantityInPurchaseUnits": 25.5,
        "Rebill": False,
        "ReceivedQuantity": 12,
        "SupplierItemCode": f"SUP-{item}",
        "Unit": "box ",
        "UnitDescription": "Box of five",
        "UnitPrice": 12.0921,
        "VATAmount": 61.51,
        "VATCode": "4  ",
        "VATDescription": "21 % included",
        "VATPercentage": 0.21,
    }


def _render(kind: str, uri: str, rows: list[dict[str, Any]], select: list[str]) -> bytes:
    """The rows with the selected properties, numbers that hold a mark without their quotes."""
    shown = [
        {
            "__metadata": {"uri": uri, "type": f"Exact.Web.Api.Models.{kind}"},
            **{name: row.get(name) for name in select},
        }
        for row in rows
    ]
    text = json.dumps(shown, separators=(",", ":"))
    pieces = text.split('"#')
    return "".join([pieces[0], *(piece.replace('"', "", 1) for piece in pieces[1:])]).encode()


class Pages:
    """Pages of the three resources that serve purchase orders, of ``rows`` rows in all."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._templates: dict[tuple[str, str], bytes] = {}

    def page(self, resource: str, number: int, select: str) -> tuple[bytes, bool]:
        """The JSON list of a page's rows, and whether there is another page."""
        template = self._template(resource, select)
        if resource == "sync/PurchaseOrder/PurchaseOrders":
            size, total = FEED_PAGE, self._rows
            marks = {b"PPPPPP": number}
        elif resource == "purchaseorder/PurchaseOrders":
            # 60 orders: those of four pages of lines.
            size, total = REGULAR_PAGE, self._rows // _PER_ORDER
            marks = {f"QQQQQ{part}".encode(): number * 4 + part for part in range(4)}
        else:
            size, total = REGULAR_PAGE, self._rows // _PER_ORDER * (_PER_ORDER - 1)
            marks = {b"PPPPPP": number}
        for mark, value in marks.items():
            template = template.replace(mark, b"%06d" % value)
        return template, (number + 1) * size < total

    def _template(self, resource: str, select: str) -> bytes:
        known = self._templates.get((resource, select))
        if known is None:
            known = self._templates[resource, select] = _template(resource, select.split(","))
        return known


def _template(resource: str, select: list[str]) -> bytes:
    uri = f"https://start.exactonline.nl/api/v1/{DIVISION}/{resource}(guid'{guid(1, 1)}')"
    mark = "PPPPPP"
    rows: list[dict[str, Any]] = []
    if resource == "sync/PurchaseOrder/PurchaseOrders":
        for order in range(FEED_PAGE // _PER_ORDER):
            header = _common(order, mark, order % _SUPPLIERS)
            of_order = [{**header, "LineNumber": 0, "ID": _of_page(3, order, mark)}]
            of_order += [_line(order, line, mark, order * 10 + line) for line in range(1, 5)]
            rows += of_order
        for number, row in enumerate(rows):
            row["Timestamp"] = f"7{mark}{number:04d}"
        kind = "SyncPurchaseOrder"
    elif resource == "purchaseorder/PurchaseOrders":
        rows = [
            _common(order % 15, f"QQQQQ{order // 15}", order % _SUPPLIERS) for order in range(60)
        ]
        kind = "PurchaseOrder"
    else:
        rows = [_line(n // 4, n % 4 + 1, mark, n // 4 * 10 + n % 4) for n in range(REGULAR_PAGE)]
        kind = "PurchaseOrderLine"
    return _render(kind, uri, rows, select)
