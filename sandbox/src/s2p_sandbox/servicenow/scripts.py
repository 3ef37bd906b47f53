"""What the shipped maps' onAfter scripts and the tables' business rules do to a target record."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from s2p_sandbox.servicenow.money import parse_amount

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

__all__ = ["AFTER"]


def _line_total(connection: sqlite3.Connection, sys_id: str) -> None:
    """Total line amount is calculated from quantity and unit price."""
    row = connection.execute(
        'SELECT purchased_quantity, unit_price FROM "sn_shop_purchase_order_line" WHERE sys_id = ?',
        (sys_id,),
    ).fetchone()
    code, _, price = row["unit_price"].partition(";")
    quantity, amount = parse_amount(row["purchased_quantity"]), parse_amount(price)
    if not code or quantity is None or amount is None:
        return
    total = (quantity * amount).quantize(Decimal("0.01"))
    connection.execute(
        'UPDATE "sn_shop_purchase_order_line" SET total_line_amount = ? WHERE sys_id = ?',
        (f"{code};{total}", sys_id),
    )


def _order_status(connection: sqlite3.Connection, sys_id: str) -> None:
    """A purchase order's status follows from its lines and cannot be set (PO states page)."""
    connection.execute(
        """UPDATE "sn_shop_purchase_order" SET status = 'ordered'
           WHERE status = 'processing' AND sys_id =
             (SELECT purchase_order FROM "sn_shop_purchase_order_line" WHERE sys_id = ?)""",
        (sys_id,),
    )


def _duplicate_invoice(connection: sqlite3.Connection, sys_id: str) -> None:
    """Same supplier and supplier invoice number: *Suspected duplicate* (invoice status page)."""
    connection.execute(
        """UPDATE "sn_shop_invoice" SET state = 'suspected_duplicate'
           WHERE sys_id = ? AND state = 'draft' AND supplier <> '' AND supplier_invoice_number <> ''
             AND EXISTS (SELECT 1 FROM "sn_shop_invoice" AS other
               WHERE other.supplier = "sn_shop_invoice".supplier COLLATE NOCASE
                 AND other.supplier_invoice_number =
                     "sn_shop_invoice".supplier_invoice_number COLLATE NOCASE
                 AND other.sys_id <> "sn_shop_invoice".sys_id)""",
        (sys_id,),
    )


def _nothing(connection: sqlite3.Connection, sys_id: str) -> None:
    """*Integration status* is written on the staging row, with its state."""
    del connection, sys_id


AFTER: Mapping[str, Callable[[sqlite3.Connection, str], None]] = {
    "line_total": _line_total,
    "order_status": _order_status,
    "duplicate_invoice": _duplicate_invoice,
    "integration_status": _nothing,
}
