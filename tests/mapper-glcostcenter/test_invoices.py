"""Invoices against what was staged before: in one run, in later runs, read again, credited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from mapper_glcostcenter.checks import Checks, read_tolerances
from s2p_mapping.three_way import memory_scope
from s2p_singer import SettingError
from s2p_store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Runs

SUPPLIER, OTHER, ITEM = "s1", "s2", "i1"

Record = tuple[str, dict[str, Any]]


REFERENCE: list[Record] = [
    ("gl_accounts", {"ID": "a", "Code": "7000"}),
    ("items", {"ID": ITEM, "Code": "I", "GLCosts": "a"}),
    ("accounts", {"ID": SUPPLIER, "Code": "60001", "IsSupplier": True}),
]


def order(**more: object) -> Record:
    values = {"PurchaseOrderID": "o1", "Supplier": SUPPLIER, "Currency": "EUR", "OrderNumber": 7}
    return "purchase_orders", {**values, **more}


def order_line(**more: object) -> Record:
    values = {"ID": "ol1", "PurchaseOrderID": "o1", "Item": ITEM, "LineNumber": 1, "Unit": "pc"}
    numbers = {"Quantity": 10, "ReceivedQuantity": 10, "NetPrice": 2.5}
    return "purchase_order_lines", {**values, **numbers, **more}


def invoice(id_: str = "v1", **more: object) -> Record:
    values = {"ID": id_, "Supplier": SUPPLIER, "Currency": "EUR", "YourRef": id_, "Type": 8033}
    return "purchase_invoices", {**values, **more}


def invoice_line(id_: str = "vl1", **more: object) -> Record:
    values = {"ID": id_, "InvoiceID": "v1", "PurchaseOrderLine": "OL1", "Unit": "pc"}
    return "purchase_invoice_lines", {**values, "Quantity": 4, "NetPrice": 2.5, **more}


def entry(id_: str, number: str | None, **more: object) -> Record:
    values = {"EntryID": id_, "Supplier": SUPPLIER, "EntryNumber": f"N{id_}", "YourRef": number}
    return "purchase_entries", {**values, **more}


def entry_line(id_: str, of: str, **more: object) -> Record:
    return "purchase_entry_lines", {"ID": id_, "EntryID": of, "GLAccountCode": "7000", **more}


def by_id(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["ID"]: each for each in records if each.get("ID")}


def match(record: dict[str, Any]) -> tuple[str, list[str]]:
    return record["s2p_match_status"], record["s2p_match_deviations"]


def test_a_line_that_agrees_with_its_order_is_ready(give: Runs) -> None:
    line = by_id(give(*REFERENCE, order(), order_line(), invoice(), invoice_line()))["vl1"]
    assert match(line) == ("ready", [])
    assert line["s2p_mapping_status"] == "mapped"


def test_an_order_of_an_earlier_run_is_enough(give: Runs) -> None:
    give(*REFERENCE, order(), order_line())
    assert match(by_id(give(invoice(), invoice_line()))["vl1"]) == ("ready", [])


def test_what_is_open_shrinks_over_runs_and_a_line_read_again_counts_once(give: Runs) -> None:
    give(*REFERENCE, order(), order_line(), invoice(), invoice_line(Quantity=6))
    again = by_id(give(invoice_line(Quantity=6), invoice_line("vl2", Quantity=4)))
    assert [match(again[id_]) for id_ in ("vl1", "vl2")] == [("ready", [])] * 2
    over = ["QUANTITY_ABOVE_ORDERED", "QUANTITY_ABOVE_RECEIVED"]
    for little in (0.001, "0.001"):
        more = by_id(give(invoice_line("vl3", Quantity=little)))["vl3"]
        assert match(more) == ("ready_with_deviation", over)
        assert more["s2p_mapping_status"] == "mapped"


def test_a_credit_note_opens_the_order_again(give: Runs) -> None:
    give(*REFERENCE, order(), order_line(), invoice(), invoice_line(Quantity=10))
    credit = invoice_line("vl2", Quantity=10, InvoiceType=8034)
    anew = invoice_line("vl3", Quantity=10)
    found = by_id(give(credit, anew))
    assert [match(found[id_]) for id_ in ("vl2", "vl3")] == [("ready", [])] * 2


@pytest.mark.parametrize(
    ("header", "line", "deviation"),
    [
        ({"Supplier": OTHER}, {}, "SUPPLIER_DIFFERS"),
        ({"Currency": "USD"}, {}, "CURRENCY_DIFFERS"),
        ({}, {"Currency": "USD"}, "CURRENCY_DIFFERS"),
        ({}, {"NetPrice": 2.51}, "PRICE_DIFFERS"),
        ({}, {"Unit": "box"}, "UNIT_DIFFERS"),
        ({}, {"NetPrice": None}, "NOT_COMPARABLE"),
    ],
)
def test_each_deviation_is_named_and_holds_nothing(
    give: Runs, header: dict[str, Any], line: dict[str, Any], deviation: str
) -> None:
    known = ("accounts", {"ID": OTHER, "Code": "60002", "IsSupplier": True})
    records = (*REFERENCE, known, order(), order_line(), invoice(**header), invoice_line(**line))
    found = by_id(give(*records))["vl1"]
    assert match(found) == ("ready_with_deviation", [deviation])
    assert found["s2p_hold_reasons"] == []


def test_tolerances_of_the_division_come_before_those_of_all(give: Runs) -> None:
    records = (*REFERENCE, order(), order_line(), invoice(), invoice_line(NetPrice=2.55))

    def status(setting: dict[str, Any]) -> str:
        checks = Checks(tolerances=read_tolerances(setting))
        found: str = by_id(give(*records, checks=checks))["vl1"]["s2p_match_status"]
        return found

    assert status({"*": {"price_percent": 2}}) == "ready"
    assert status({"1": {"price_absolute": 0.05}}) == "ready"
    assert status({"*": {"price_percent": 2}, "1": {}}) == "ready_with_deviation"


@pytest.mark.parametrize(
    "setting",
    [
        {"nl": {}},
        {"*": {"price": 1}},
        {"*": {"price_percent": -1}},
        {"*": {"price_percent": "much"}},
        {"*": {"price_percent": True}},
        {"1": 5},
    ],
)
def test_tolerances_that_cannot_be_meant_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="match_tolerances"):
        read_tolerances(setting)


def test_a_line_of_an_order_never_read_waits_until_it_is(give: Runs) -> None:
    held = by_id(give(*REFERENCE, invoice(), invoice_line(Item=ITEM)))["vl1"]
    assert held["s2p_hold_reasons"] == ["PURCHASE_ORDER_NOT_STAGED"]
    assert match(held) == ("held", ["ORDER_UNKNOWN"])
    released = by_id(give(order(), order_line(), ("purchase_invoice_lines", {})))["vl1"]
    assert released["s2p_hold_reasons"] == []
    assert match(released) == ("ready", [])


def test_a_line_that_waits_for_a_code_is_no_ready_one(give: Runs) -> None:
    records = (*REFERENCE, order(), order_line(), invoice(), invoice_line(CostCenter="NEW"))
    held = by_id(give(*records))["vl1"]
    assert held["s2p_hold_reasons"] == ["COST_CENTER_MISSING"]
    assert match(held) == ("held", [])


def test_a_supplier_never_handed_on_holds_its_lines_until_it_is(give: Runs) -> None:
    held = by_id(give(*REFERENCE, entry("e1", None, Supplier=OTHER), entry_line("l1", "e1")))["l1"]
    assert held["s2p_hold_reasons"] == ["SUPPLIER_NOT_STAGED"]
    known = ("accounts", {"ID": OTHER, "Code": "60002", "IsSupplier": True})
    released = by_id(give(known, ("purchase_entry_lines", {})))["l1"]
    assert released["s2p_mapping_status"] == "mapped"


def test_where_no_supplier_is_read_none_is_missed(give: Runs) -> None:
    found = by_id(give(REFERENCE[0], entry("e1", None), entry_line("l1", "e1")))["l1"]
    assert found["s2p_mapping_status"] == "mapped"


def test_the_second_invoice_of_a_number_waits_and_the_first_does_not(give: Runs) -> None:
    first = give(*REFERENCE, entry("e1", "INV 1"), entry_line("l1", "e1"))
    assert by_id(first)["l1"]["s2p_hold_reasons"] == []
    second = by_id(give(entry("e2", " inv  1"), entry_line("l2", "e2"), entry_line("l1", "e1")))
    assert second["l2"]["s2p_hold_reasons"] == ["DUPLICATE_INVOICE"]
    assert second["l1"]["s2p_hold_reasons"] == []
    # Read again, each is still what it was.
    again = by_id(
        give(
            entry("e2", "INV 1"),
            entry("e1", "INV 1"),
            entry_line("l1", "e1"),
            entry_line("l2", "e2"),
        )
    )
    assert again["l1"]["s2p_hold_reasons"] == []
    assert again["l2"]["s2p_hold_reasons"] == ["DUPLICATE_INVOICE"]


@pytest.mark.parametrize(
    "other",
    [
        entry("e2", "INV 2"),
        entry("e2", None),
        entry("e2", "INV 1", Supplier=OTHER),
        entry("e2", "INV 1", Type=31),
        entry("e2", "INV 1", Status=5),
        entry("e2", "INV 1", Reversal=True),
        invoice("e2", YourRef="INV 1"),
    ],
)
def test_what_is_no_duplicate(give: Runs, other: Record) -> None:
    known = ("accounts", {"ID": OTHER, "Code": "60002", "IsSupplier": True})
    lines = (entry_line("l1", "e1"), entry_line("l2", "e2"))
    found = by_id(give(*REFERENCE, known, entry("e1", "INV 1"), other, *lines))
    assert [found[id_]["s2p_hold_reasons"] for id_ in ("l1", "l2")] == [[], []]


def test_a_corrected_number_frees_the_other_invoice(give: Runs) -> None:
    give(*REFERENCE, entry("e1", "INV 1"), entry("e2", "INV 1"), entry_line("l2", "e2"))
    freed = by_id(give(entry("e2", "INV 2"), ("purchase_entry_lines", {})))["l2"]
    assert freed["s2p_hold_reasons"] == []
    # The first gives up its number: whoever bears it next is no duplicate of it.
    give(entry("e1", "INV 9"))
    third = by_id(give(entry("e3", "INV 1"), entry_line("l3", "e3")))["l3"]
    assert third["s2p_hold_reasons"] == []


def test_a_store_of_an_earlier_version_knows_less_and_is_enough(give: Runs, tmp_path: Path) -> None:
    give(*REFERENCE)
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        for name, key, texts in (
            ("purchase_invoices:headers", "v1", (SUPPLIER, "2026-01-01", "9", "EUR", "")),
            ("purchase_order_lines:items", "ol1", (ITEM,)),
        ):
            scope = memory_scope(1, name)
            store.memory.put_many(scope, {key: msgspec.msgpack.encode(texts)})
    line = by_id(give(invoice_line()))["vl1"]
    assert line["s2p_mapping_status"] == "mapped"
    assert match(line) == ("ready_with_deviation", ["NOT_COMPARABLE"])


def test_each_check_can_be_switched_off(give: Runs) -> None:
    off = Checks(supplier=False, purchase_order=False, duplicates=False)
    found = by_id(
        give(
            *REFERENCE,
            invoice("v1", YourRef="1", Supplier=OTHER),
            invoice("v2", YourRef="1", Supplier=OTHER),
            invoice_line("vl2", InvoiceID="v2", Item=ITEM),
            checks=off,
        )
    )
    assert found["vl2"]["s2p_hold_reasons"] == []
    assert match(found["vl2"]) == ("ready_with_deviation", ["ORDER_UNKNOWN"])


@pytest.mark.parametrize("key", ["V1", "vl1"], ids=["the document", "its line"])
def test_held_lines_of_a_deleted_document_are_let_go(give: Runs, key: str) -> None:
    lines = [invoice_line("vl1"), invoice_line("vl2", InvoiceID="v2")]
    give(*REFERENCE, invoice(), invoice("v2"), *lines)
    with give.store() as store:
        assert store.holds.count() == 2, "their order was never read"
    gone = {"ID": "d1", "EntityKey": key, "EntityName": "PurchaseInvoices"}
    other = {"ID": "d2", "EntityKey": "v2", "EntityName": "Items"}
    (told, _) = give(("purchase_invoice_lines", {}), ("deletions", gone), ("deletions", other))
    assert told["EntityKey"] == key
    with give.store() as store:
        assert [hold.source_id for hold in store.holds.open()] == ["vl2"]
        kinds = [event.kind for event in store.audit.events(source_id="vl1")]
    assert kinds[-1] == "deleted"
    again = give(*REFERENCE, order(), order_line(), ("purchase_invoice_lines", {}))
    assert [each["ID"] for each in again if each.get("InvoiceID")] == ["vl2"]
