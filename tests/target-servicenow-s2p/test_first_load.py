from __future__ import annotations

from typing import TYPE_CHECKING

from .conftest import ENTRIES, EVERYTHING, ORDERS, REFERENCE, SOURCE, record, schema, state

if TYPE_CHECKING:
    from .conftest import Feed


def test_everything_arrives_in_the_primary_tables(feed: Feed) -> None:
    assert feed.run(EVERYTHING) == [{"bookmarks": 1}]
    at = feed.instance
    (entity,) = at.rows("sn_fin_legal_entity")
    assert (entity["legal_name"], entity["erp_company_code"]) == ("Meridian NL", "100")
    assert {a["gl_account"]: a["display_name"] for a in at.rows("sn_fin_gl_account")} == {
        "4000": "Office costs",
        "4100": "Travel",
    }
    (center,) = at.rows("cmn_cost_center")
    assert (center["account_number"], center["name"]) == ("CC1", "Sales")
    (term,) = at.rows("sn_shop_payment_term")
    assert (term["name"], term["net_days_to_pay"]) == ("30", "30")
    (supplier,) = at.rows("sn_fin_supplier")
    assert (supplier["erp_supplier_code"], supplier["legal_name"]) == ("9001", "Paper Ltd")
    (detail,) = at.rows("sn_fin_supplier_detail")
    assert (detail["supplier"], detail["legal_entity"]) == (supplier["sys_id"], entity["sys_id"])
    (order,) = at.rows("sn_shop_purchase_order")
    assert (order["erp_number"], order["supplier"]) == ("4711", supplier["sys_id"])
    (line,) = at.rows("sn_shop_purchase_order_line")
    assert (line["purchase_order"], line["erp_line_number"]) == (order["sys_id"], "1")
    assert line["unit_price"].endswith("15.25")
    invoices = {i["external_invoice_number"]: i for i in at.rows("sn_shop_invoice")}
    assert invoices["e1"]["type"] == "non_po_invoice"
    assert invoices["e2"]["type"] == "credit_memo"
    assert invoices["e1"]["supplier_invoice_number"] == "INV-7"
    (invoice_line,) = at.rows("sn_shop_invoice_line")
    assert invoice_line["invoice"] == invoices["e1"]["sys_id"]
    assert invoice_line["cost_center"] == center["sys_id"]


def test_a_second_run_sends_nothing(feed: Feed) -> None:
    feed.run(EVERYTHING)
    staged = len(feed.instance.rows("sys_import_set"))
    assert feed.run(EVERYTHING) == [{"bookmarks": 1}]
    assert len(feed.instance.rows("sys_import_set")) == staged


def test_a_change_updates_the_one_record(feed: Feed) -> None:
    feed.run(EVERYTHING)
    change = [
        schema("gl_accounts"),
        record("gl_accounts", ID="g1", Code="4000", Description="Office supplies", IsBlocked=True),
    ]
    feed.run(change)
    accounts = {a["gl_account"]: a for a in feed.instance.rows("sn_fin_gl_account")}
    assert len(accounts) == 2
    assert accounts["4000"]["display_name"] == "Office supplies"
    assert accounts["4000"]["inactive"] == "true"


def test_a_line_that_comes_alone_knows_its_order_and_invoice(feed: Feed) -> None:
    feed.run([*REFERENCE, *ORDERS, *ENTRIES])
    alone = [
        schema("purchase_order_lines"),
        record("purchase_order_lines", ID="pl2", PurchaseOrderID="p1", LineNumber=2),
        schema("purchase_entry_lines"),
        record("purchase_entry_lines", ID="el2", EntryID="e2", LineNumber=1, AmountFC=-50),
        state(done=True),
    ]
    assert feed.run(alone) == [{"done": True}]
    assert len(feed.instance.rows("sn_shop_purchase_order_line")) == 2
    lines = feed.instance.rows("sn_spend_intg_imp_invoice_line")
    assert {line["u_currency"] for line in lines} == {"EUR"}
    assert len(feed.instance.rows("sn_shop_invoice_line")) == 2


def test_the_ledger_and_the_trail_say_what_became_of_it(feed: Feed) -> None:
    feed.run(EVERYTHING)
    with feed.store() as store:
        key = f"4711|1|{SOURCE}"
        entry = store.ledger.get_many("sn_fcms_intg_imp_order_line", [key])[key]
        assert (entry.state, entry.outcome) == ("done", "inserted")
        (event,) = store.audit.events(natural_key=key)
        assert (event.kind, event.stream, event.source_id) == (
            "staged",
            "purchase_order_lines",
            "pl1",
        )
        assert event.detail["mapping_rule"] == "same code"
        assert event.detail["target_sys_id"] == entry.target_sys_id
        assert store.audit.verify() == []
        report = store.runs.latest()
        assert report is not None
        assert report.counter("accounts", "read") == 2
        assert report.counter("accounts", "inserted") == 1
        assert report.counter("supplier_legal_entities", "inserted") == 1
        assert report.counter("gl_accounts", "inserted") == 2
        assert report.calls["servicenow"] > 0
        assert not list(store.ledger.in_flight())


def test_an_order_names_its_supplier_as_the_label_says(feed: Feed) -> None:
    order = {**ORDERS[1]["record"], "SupplierName": "Paper Ltd"}
    feed.run([*REFERENCE, schema("purchase_orders"), record("purchase_orders", **order)])
    (staged,) = feed.instance.rows("sn_fcms_intg_imp_order")
    assert staged["u_supplier_company_name"] == "Paper Ltd"
    (supplier,) = feed.instance.rows("sn_fin_supplier")
    (made,) = feed.instance.rows("sn_shop_purchase_order")
    assert made["supplier"] == supplier["sys_id"]
    by_code = {"Supplier company name": "code(SupplierCode) ?? supplier.code"}
    feed.run(
        [schema("purchase_orders"), record("purchase_orders", **order)],
        tables={"purchase_orders": {"fields": by_code}},
    )
    names = [row["u_supplier_company_name"] for row in feed.instance.rows("sn_fcms_intg_imp_order")]
    assert sorted(names) == ["9001", "Paper Ltd"]
    assert len(feed.instance.rows("sn_shop_purchase_order")) == 1


def test_the_trail_knows_a_document_by_its_number(feed: Feed) -> None:
    invoice = {
        "ID": "i1",
        "EntryNumber": 2001,
        "Supplier": "a1",
        "Currency": "EUR",
        "Type": 8030,
        "InvoiceDate": "2026-03-04",
        "Amount": 10,
    }
    feed.run([*EVERYTHING, schema("purchase_invoices"), record("purchase_invoices", **invoice)])
    with feed.store() as store:
        told = {
            (event.stream, event.natural_key.partition("|")[0]): event.detail.get("document")
            for event in store.audit.events()
            if event.natural_key
        }
    assert told["purchase_orders", "4711"] == "4711"
    assert told["purchase_entries", "e1"] == "1001"
    assert told["purchase_entries", "e2"] == "1002"
    assert told["purchase_invoices", "i1"] == "2001"
    assert told["gl_accounts", "4000"] is None
