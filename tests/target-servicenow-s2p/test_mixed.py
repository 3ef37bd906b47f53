"""Headers and lines that come mixed: few requests, and never a line before its header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .conftest import REFERENCE, record, schema

if TYPE_CHECKING:
    from .conftest import Feed

ORDERS, LINES = "sn_fcms_intg_imp_order", "sn_fcms_intg_imp_order_line"


def _mixed(orders: int, lines: int) -> list[dict[str, Any]]:
    messages = [
        schema("purchase_orders", "Division", "PurchaseOrderID"),
        schema("purchase_order_lines", "Division", "ID"),
    ]
    for number in range(orders):
        order = f"order-{number}"
        values = {"Division": 100, "PurchaseOrderID": order, "OrderNumber": number + 1}
        header = {**values, "Supplier": "a1", "SupplierCode": "9001", "Currency": "EUR"}
        messages.append(record("purchase_orders", **header))
        messages += [
            record(
                "purchase_order_lines",
                **values,
                ID=f"{order}-{line}",
                LineNumber=line,
                ItemDescription="Paper",
                QuantityInPurchaseUnits=2,
                NetPrice=15.25,
                s2p_gl_account="4000",
                s2p_cost_center="CC1",
                s2p_mapping_status="mapped",
            )
            for line in range(1, lines + 1)
        ]
    return messages


def test_mixed_headers_and_lines_go_in_full_batches(feed: Feed) -> None:
    feed.run(REFERENCE)
    before = len(feed.instance.rows("sys_import_set"))
    feed.run([*REFERENCE, *_mixed(40, 4)], batch_size=20)
    assert len(feed.instance.rows(ORDERS)) == 40
    assert {row["sys_import_state"] for row in feed.instance.rows(LINES)} == {"inserted"}
    assert len(feed.instance.rows(LINES)) == 160
    # Two of headers, eight of lines, and what the reference data need.
    assert len(feed.instance.rows("sys_import_set")) - before <= 2 + 8 + 2
