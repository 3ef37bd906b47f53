"""What a week changes: applicable in order, different each week, consistent afterwards."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2p_sandbox import seeds
from s2p_sandbox.seeds.changes import WEEKS
from s2p_sandbox.seeds.exact import KEYS

weeks = st.integers(min_value=1, max_value=WEEKS)
Rows = dict[str, dict[str, dict[str, Any]]]


def start() -> Rows:
    rows: Rows = defaultdict(dict)
    for resource, row in seeds.exact_rows():
        rows[resource][row[KEYS.get(resource, "ID")]] = row
    return rows


def apply(rows: Rows, changes: list[seeds.Change]) -> None:
    for change in changes:
        table = rows[change.resource]
        if change.action == "insert":
            assert change.key not in table
            table[change.key] = dict(change.values)
        elif change.action == "update":
            assert table[change.key]["_division"] == change.division
            table[change.key].update(change.values)
        else:
            del table[change.key]


@settings(deadline=None, max_examples=20)  # the first example builds the rows
@given(weeks)
def test_a_week_is_the_same_each_time(week: int) -> None:
    assert seeds.week_later(week) == seeds.week_later(week)


@settings(deadline=None, max_examples=20)  # the first example builds the rows
@given(weeks, weeks)
def test_weeks_differ(one: int, other: int) -> None:
    if one != other:
        inserted = {c.key for c in seeds.week_later(one) if c.action == "insert"}
        assert not inserted & {c.key for c in seeds.week_later(other) if c.action == "insert"}
        assert seeds.week_later(one) != seeds.week_later(other)


@pytest.mark.parametrize("week", [0, WEEKS + 1])
def test_a_week_the_seeds_do_not_have_is_refused(week: int) -> None:
    with pytest.raises(ValueError, match=f"there is no week {week}"):
        seeds.week_later(week)


def test_a_year_of_weeks_applies_one_after_the_other() -> None:
    rows = start()
    for week in range(1, WEEKS + 1):
        apply(rows, seeds.week_later(week))
    orders = rows["purchaseorder/PurchaseOrders"]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in rows["purchaseorder/PurchaseOrderLines"].values():
        assert line["PurchaseOrderID"] in orders
        sums[line["PurchaseOrderID"]] += line["AmountFC"]
    assert all(order["AmountFC"] == sums[key] for key, order in orders.items())
    assert len({order["OrderNumber"] for order in orders.values()}) == len(orders)
    accounts = rows["financial/GLAccounts"]
    centers = {(row["_division"], row["Code"]) for row in rows["hrm/Costcenters"].values()}
    for line in rows["purchaseentry/PurchaseEntryLines"].values():
        assert line["GLAccount"] in accounts
        assert line["EntryID"] in rows["purchaseentry/PurchaseEntries"]
        assert not line["CostCenter"] or (line["_division"], line["CostCenter"]) in centers
    for line in rows["purchase/PurchaseInvoiceLines"].values():
        assert line["PurchaseOrderLine"] in rows["purchaseorder/PurchaseOrderLines"]
    numbers = [
        (row["_division"], row["EntryNumber"])
        for row in rows["purchaseentry/PurchaseEntries"].values()
    ]
    assert len(set(numbers)) == len(numbers)


@settings(deadline=None, max_examples=20)  # the first example builds the rows
@given(weeks)
def test_a_week_has_changes_of_every_kind(week: int) -> None:
    changes = seeds.week_later(week)
    kinds = {(change.resource, change.action) for change in changes}
    assert {
        ("crm/Accounts", "update"),
        ("purchaseorder/PurchaseOrders", "update"),
        ("purchaseorder/PurchaseOrders", "delete"),
        ("purchaseorder/PurchaseOrders", "insert"),
        ("purchaseorder/PurchaseOrderLines", "update"),
        ("purchaseorder/PurchaseOrderLines", "delete"),
        ("purchaseorder/PurchaseOrderLines", "insert"),
        ("purchase/PurchaseInvoices", "insert"),
        ("purchase/PurchaseInvoiceLines", "insert"),
        ("purchaseentry/PurchaseEntries", "insert"),
        ("purchaseentry/PurchaseEntryLines", "insert"),
        ("financial/GLAccounts", "insert"),
        ("financial/GLAccounts", "update"),
        ("hrm/Costcenters", "insert"),
    } <= kinds
    assert any(change.values.get("OrderStatus") == 40 for change in changes)


@settings(deadline=None, max_examples=20)  # the first example builds the rows
@given(weeks)
def test_the_server_stamps_the_time_itself(week: int) -> None:
    for change in seeds.week_later(week):
        assert not {"Created", "Modified"} & set(change.values)
        assert change.action == "delete" or change.values


@settings(deadline=None, max_examples=20)  # the first example builds the rows
@given(weeks)
def test_a_new_entry_uses_the_new_account_and_cost_center(week: int) -> None:
    changes = seeds.week_later(week)
    account = next(
        change.key
        for change in changes
        if (change.resource, change.action) == ("financial/GLAccounts", "insert")
    )
    lines = [c.values for c in changes if c.resource == "purchaseentry/PurchaseEntryLines"]
    assert any(line["GLAccount"] == account for line in lines)
