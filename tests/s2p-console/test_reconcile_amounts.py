"""Amounts: of a run by division, and of everything so far beside what ServiceNow has."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_console.shares import shares
from s2p_console.stock import Stock, compare
from s2p_store import AuditEvent, LedgerEntry, LedgerTarget, RunAmount, to_units

if TYPE_CHECKING:
    from conftest import House

    from s2p_store import Store

NOW = datetime(2026, 6, 1, 8, tzinfo=timezone.utc)
TARGET = "target-servicenow-s2p"
STAGED = "sn_spend_intg_imp_invoice"
THERE = ("EUR;121.00", "EUR;-50.00", "USD;0.10")


def entry(number: int, amount: str | None, currency: str | None, **more: str) -> LedgerEntry:
    return LedgerEntry(STAGED, f"guid-{number}|EXACT-101|EXACT-101", None, "h", "done", "set",
                       "row", "inserted", f"{number:032x}", None, "r1", NOW,
                       None if amount is None else to_units(amount), currency, **more)  # fmt: skip


def count(store: Store, counter: str, records: int, amount: str, currency: str = "EUR") -> None:
    store.runs.count("r1", TARGET, "purchase_entries", **{counter: records})
    one = RunAmount("purchase_entries", 101, currency, counter, records, Decimal(amount))
    store.runs.add_up("r1", TARGET, [one])


@pytest.fixture
def loaded(target: House, store: Store) -> House:
    """Three invoices that were staged, and stand in ServiceNow as they were."""
    rows = [
        {"sys_id": f"{number:032x}", "invoice_amount": amount}
        for number, amount in enumerate(THERE)
    ]
    target.control("rows", table="sn_shop_invoice", rows=rows)
    store.runs.start("r1", TARGET)
    count(store, "read", 2, "71.00")
    count(store, "inserted", 2, "71.00")
    count(store, "read", 1, "0.10", "USD")
    count(store, "inserted", 1, "0.10", "USD")
    store.runs.finish("r1", TARGET, ok=True)
    amounts = (("121", "EUR"), ("-50", "EUR"), ("0.1", "USD"))
    store.ledger.put_many([entry(number, *worth) for number, worth in enumerate(amounts)])
    detail = {"document": "26700012"}
    event = AuditEvent("r1", NOW, "purchase_entries", 101, "guid-1", "staged",
                       "guid-1|EXACT-101|EXACT-101", detail)  # fmt: skip
    store.audit.append([event])
    return target


def reconciled(house: House) -> tuple[int, dict[str, Any], list[str]]:
    ran = house.run("reconcile", "--json")
    assert ran.stdout, ran.output
    document = json.loads(ran.stdout, parse_float=Decimal)
    (stock,) = document["stock"]
    return ran.exit_code, stock, document["troubles"]


def test_what_is_there_as_it_was_staged_adds_up(loaded: House) -> None:
    code, stock, troubles = reconciled(loaded)
    assert (code, troubles) == (0, [])
    assert stock["amounts"] == {"done": {"EUR": Decimal("71.00"), "USD": Decimal("0.10")}}
    assert stock["amounts_in_servicenow"] == stock["amounts"]["done"]
    assert (stock["found_in_servicenow"], stock["without_amount"]) == (3, 0)
    shown = loaded.run("reconcile", COLUMNS="400").stdout
    assert "71.00 EUR + 0.10 USD" in shown
    (row,) = csv.DictReader(io.StringIO(loaded.run("reconcile", "--csv").stdout))
    assert (row["amount there"], row["different there"]) == ("71.00 EUR + 0.10 USD", "0")


@pytest.mark.parametrize(
    ("amount", "told"),
    [("EUR;-50.01", "-50.01"), ("EUR;50.00", "50.00"), ("", "empty")],
)
def test_a_document_with_another_amount_is_named(loaded: House, amount: str, told: str) -> None:
    row = {"sys_id": f"{1:032x}", "invoice_amount": amount}
    loaded.control("rows", table="sn_shop_invoice", rows=[row], key=["sys_id"])
    code, stock, troubles = reconciled(loaded)
    assert code == 2
    (different,) = stock["different_in_servicenow"]
    assert different["natural_key"] == "guid-1|EXACT-101|EXACT-101"
    (trouble,) = troubles
    assert trouble == (
        "1 record of sn_spend_intg_imp_invoice in division 101 has another amount in ServiceNow: "
        f"26700012 (guid-1|EXACT-101|EXACT-101): -50.00 EUR was staged, there it is {told}."
    )


def test_an_instance_that_tells_currencies_is_compared_by_them(loaded: House) -> None:
    loaded.control("switches", currency_read="pair")
    assert reconciled(loaded)[0] == 0
    row = {"sys_id": f"{2:032x}", "invoice_amount": "EUR;0.10"}
    loaded.control("rows", table="sn_shop_invoice", rows=[row], key=["sys_id"])
    code, _, troubles = reconciled(loaded)
    assert code == 2
    assert "0.10 USD was staged, there it is EUR;0.10" in troubles[0]


def test_a_column_that_cannot_be_read_is_not_compared(loaded: House) -> None:
    loaded.control("switches", unreadable_fields=["sn_shop_invoice.invoice_amount"])
    code, stock, _ = reconciled(loaded)
    assert (code, stock["amounts_in_servicenow"], stock["found_in_servicenow"]) == (0, None, 3)
    loaded.control("switches", transform_maps_readable=False)
    code, stock, _ = reconciled(loaded)
    assert (code, stock["found_in_servicenow"]) == (0, None)


def test_entries_from_before_amounts_were_kept_are_told_and_not_compared(
    loaded: House, store: Store
) -> None:
    store.ledger.put_many([entry(1, None, None)])
    code, stock, _ = reconciled(loaded)
    assert (code, stock["without_amount"], stock["found_in_servicenow"]) == (0, 1, 3)
    assert stock["amounts"]["done"]["EUR"] == Decimal(121)


def test_an_amount_that_was_read_and_has_no_outcome_is_told(loaded: House, store: Store) -> None:
    count(store, "read", 0, "0.01")
    ran = loaded.run("reconcile", "--offline")
    assert ran.exit_code == 2
    told = (
        "Of purchase_entries in division 101, what was read and its outcomes differ by 0.01 EUR: "
        "that much has no outcome."
    )
    assert told in " ".join(ran.stdout.split())


CENTS = st.decimals(-1000, 1000, places=2)
COUNTERS = ("inserted", "unchanged", "held", "failed", "not_written", "duplicates", "pending")
OUTCOMES = st.lists(st.tuples(st.sampled_from(COUNTERS), st.sampled_from(["EUR", "USD"]), CENTS))


@given(OUTCOMES, CENTS)
def test_a_gap_is_what_was_read_less_all_outcomes(
    outcomes: list[tuple[str, str, Decimal]], lost: Decimal
) -> None:
    counted = [RunAmount("s", 1, "EUR", "read", 1, lost)]
    for counter, currency, amount in outcomes:
        counted.append(RunAmount("s", 1, currency, "read", 1, amount))
        counted.append(RunAmount("s", 1, currency, counter, 1, amount))
    (share,) = shares(counted)
    assert share.gap.records == 1
    assert share.gap.amounts == ({"EUR": lost} if lost else {})


@given(st.dictionaries(st.text("abc", min_size=1), st.tuples(CENTS, CENTS), max_size=6))
def test_exactly_those_that_differ_by_a_cent_are_different(
    records: dict[str, tuple[Decimal, Decimal]],
) -> None:
    stock = Stock(1, "t")
    targets = [LedgerTarget(key, key, amount, "EUR") for key, (amount, _) in records.items()]
    there: dict[str, str | None] = {key: str(shown) for key, (_, shown) in records.items()}
    compare(stock, targets, there)
    wanted = {key for key, (amount, shown) in records.items() if amount != shown}
    assert {one.key for one in stock.different} == wanted
    assert (stock.found, stock.missing) == (len(records), [])
    total = sum((shown for _, shown in records.values()), Decimal(0))
    assert (stock.there or {"EUR": Decimal(0)}) == {"EUR": total}
