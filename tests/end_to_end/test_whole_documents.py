"""With hold scope `document` ServiceNow never has a document without some of its lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support.pipeline import Pipeline, sandbox

from s2p_sandbox.seeds import exact_rows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("whole_documents")


def ordered() -> Counter[str]:
    """Of each order number in Exact: how many lines it has."""
    numbers: dict[str, str] = {}
    lines: Counter[str] = Counter()
    for resource, row in exact_rows():
        if resource == "purchaseorder/PurchaseOrders":
            numbers[row["PurchaseOrderID"]] = str(row["OrderNumber"])
        elif resource == "purchaseorder/PurchaseOrderLines":
            lines[row["PurchaseOrderID"]] += 1
    return Counter({number: lines[id_] for id_, number in numbers.items()})


def staged(pipeline: Pipeline) -> Counter[str]:
    """Of each order in ServiceNow: how many lines it has there."""
    orders = pipeline.rows("sn_shop_purchase_order", sysparm_fields="sys_id,erp_number")
    numbers = {row["sys_id"]: row["erp_number"] for row in orders}
    lines = pipeline.rows("sn_shop_purchase_order_line", sysparm_fields="purchase_order")
    found = Counter(dict.fromkeys(numbers.values(), 0))
    found.update(numbers[line["purchase_order"]] for line in lines)
    return found


def test_orders_arrive_whole_or_wait_whole_and_come_whole_later(tmp_path: Path) -> None:
    everything = ordered()
    with sandbox(tmp_path / "sandbox") as settings:
        scope = {"MAPPER_GLCOSTCENTER_HOLD_SCOPE": "document"}
        pipeline = Pipeline(tmp_path, {**settings, **scope})
        first = pipeline.run()
        assert first.codes == (0, 0, 0), first.logs
        there = staged(pipeline)
        held = first.stream("purchase_orders")["held"]
        assert held > 100
        assert len(there) == len(everything) - held
        assert there == Counter({number: everything[number] for number in there})
        parked = pipeline.rows("sn_fcms_intg_imp_order", "sys_import_state=pending")
        assert len(parked) == held
        assert not [row for row in parked if row["sys_target_sys_id"]]

        pipeline.next_minute()
        second = pipeline.run()
        assert second.codes == (0, 0, 0), second.logs
        later = staged(pipeline)
        assert len(later) > len(there)
        assert later == Counter({number: everything[number] for number in later})
        still = pipeline.rows("sn_fcms_intg_imp_order", "sys_import_state=pending")
        assert len(still) == len(everything) - len(later)
