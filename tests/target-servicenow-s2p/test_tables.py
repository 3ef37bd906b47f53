"""What goes where beyond the main tables: payments, addresses, tax numbers, customers, origin."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from s2p_staging.errors import DefinitionError

from .conftest import ENTRIES, EVERYTHING, REFERENCE, SOURCE, state, stream

if TYPE_CHECKING:
    from .conftest import Feed

SUPPLIER = {
    "ID": "a9",
    "Code": "9009",
    "Name": "Jansen Timmerwerken",
    "IsSupplier": True,
    "AddressLine1": "Dorpsstraat 3",
    "Postcode": "1234 AB",
    "City": "Delft",
    "Country": "NL",
    "VATNumber": "NL123456789B01",
    "Status": "C",
    "Phone": "0612345678",
}
PAYMENT = {
    "ID": "8f0d0000-0000-4000-8000-00000000000a",
    "EntryID": "b1",
    "EntryNumber": 26200001,
    "LineNumber": 1,
    "Account": "a1",
    "OurRef": 1001,
    "AmountFC": -121,
    "Date": "2026-06-12",
}
BANK = [
    *stream("bank_entries", {"EntryID": "b1", "EntryNumber": 26200001, "Currency": "EUR"}),
    *stream(
        "bank_entry_lines",
        PAYMENT,
        {**PAYMENT, "ID": "b2", "OurRef": None},  # no invoice: bank charges
        {**PAYMENT, "ID": "b3", "Account": "a2", "AmountFC": 50},  # a customer pays
    ),
    state(done=True),
]


def test_a_bank_line_that_pays_an_invoice_becomes_its_payment(feed: Feed) -> None:
    assert feed.run([*REFERENCE, *ENTRIES, *BANK]) == [{"done": True}]
    at = feed.instance
    (payment,) = at.rows("sn_shop_invoice_payment_detail")
    invoices = {row["sys_id"]: row for row in at.rows("sn_shop_invoice")}
    assert invoices[payment["invoice"]]["erp_number"] == "1001"
    assert payment["payment_amount"].endswith("121.00")
    assert payment["payment_date"] == "2026-06-12"
    assert payment["payment_method"] == "bank_transfer"
    assert payment["payment_reference_id"] == PAYMENT["ID"].replace("-", "")
    (staged,) = at.rows("sn_spend_intg_imp_invoice_payment_detail")
    assert {staged["u_currency"], staged["u_remit_to_country"]} == {"EUR", "NL"}
    with feed.store() as store:
        report = store.runs.latest()
    assert report is not None
    assert report.counter("bank_entry_lines", "not_written") == 2


def test_addresses_and_tax_numbers_go_to_their_own_tables(feed: Feed) -> None:
    feed.run([*REFERENCE, *stream("accounts", SUPPLIER), state(done=True)])
    at = feed.instance
    (location,) = at.rows("sn_slm_m2m_location")
    assert (location["street"], location["zip"]) == ("Dorpsstraat 3", "1234 AB")
    (tax,) = at.rows("sn_fin_org_tax_detail")
    assert tax["tax_id"] == "NL123456789B01"
    supplier = {row["sys_id"]: row["erp_supplier_code"] for row in at.rows("sn_fin_supplier")}
    assert supplier[location["supplier"]] == supplier[tax["organization"]] == "9009"
    feed.run([*REFERENCE, *stream("accounts", SUPPLIER), state(done=True)])
    assert len(at.rows("sn_fcms_intg_org_tax_detail_inbound")) == 1


def test_no_person_is_named_in_what_is_kept_in_clear(feed: Feed) -> None:
    feed.run([*REFERENCE, *stream("accounts", SUPPLIER), state(done=True)])
    kept = b"".join(path.read_bytes() for path in feed.folder.glob("store.db*"))
    for personal in ("Jansen", "Dorpsstraat", "1234 AB", "NL123456789B01", "0612345678"):
        assert personal.encode() not in kept, personal


def test_customers_become_accounts_where_the_instance_has_them(feed: Feed) -> None:
    messages = [*REFERENCE, *stream("accounts", SUPPLIER), state(done=True)]
    feed.run(messages)
    feed.instance.switch(customer_accounts=True, extra_roles=["sn_customerservice_manager"])
    feed.run(messages)
    feed.run(messages)
    (customer,) = feed.instance.rows("customer_account")
    assert (customer["number"], customer["name"]) == (f"{SOURCE}-9009", "Jansen Timmerwerken")
    assert customer["zip"] == "1234 AB"


ORIGIN = {
    "u_exact_source_id": "Exact source ID",
    "u_exact_source_modified": "Exact source modified",
    "u_exact_source_user": "Exact source user",
    "u_exact_division": "Exact division",
    "u_exact_integration_run": "Exact integration run",
}


def test_rows_tell_where_they_come_from_once_there_are_columns(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    origin = {
        "s2p_source_id": "e9",
        "s2p_source_modified": "2026-06-02T08:30:00Z",
        "s2p_source_user": "u-17",
        "s2p_run_id": "run-1",
    }
    change = [*stream("gl_accounts", {"ID": "e9", "Code": "4200", "Description": "Rent", **origin})]
    caplog.set_level(logging.INFO)
    feed.run([*REFERENCE, *change, state(done=True)])
    assert caplog.text.count("have no columns that tell where a row comes from") == 1
    assert "Exact source ID" not in caplog.text
    feed.instance.add_columns("sn_fcms_intg_gl_account_stage", ORIGIN)
    assert feed.run([*change, state(done=True)]) == [{"done": True}]
    staged = feed.instance.rows("sn_fcms_intg_gl_account_stage", "u_exact_source_idISNOTEMPTY")
    (row,) = staged
    assert row["u_exact_source_modified"] == "2026-06-02 08:30:00"
    assert (row["u_exact_source_user"], row["u_exact_division"]) == ("u-17", "100")
    assert row["u_exact_integration_run"] == "run-1"
    later = {**origin, "s2p_run_id": "run-2", "s2p_source_modified": "2026-06-03T08:30:00Z"}
    feed.run([*stream("gl_accounts", {"ID": "e9", "Code": "4200", "Description": "Rent", **later})])
    assert len(feed.instance.rows("sn_fcms_intg_gl_account_stage", "u_gl_account=4200")) == 2


def test_a_part_of_the_origin_is_left_out_or_goes_elsewhere(feed: Feed) -> None:
    feed.instance.add_columns("sn_fcms_intg_imp_cost_center", ORIGIN)
    feed.settings["provenance"] = {"source_user": "", "division": "Category"}
    feed.run(EVERYTHING)
    rows = feed.instance.rows("sn_fcms_intg_imp_cost_center")
    assert {row["u_exact_source_user"] for row in rows} == {""}
    feed.settings["provenance"] = {"sorce": "x"}
    with pytest.raises(DefinitionError, match="names sorce: it takes source_id, source_modified"):
        feed.run(EVERYTHING)


def test_what_was_cut_is_told_and_on_record(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    long = {"ID": "g7", "Code": "4300", "Description": "x" * 300, "BalanceType": "W"}
    feed.run([*REFERENCE, *stream("gl_accounts", long), state(done=True)])
    assert "1 values of 'Account name' were longer than the 255 characters" in caplog.text
    with feed.store() as store:
        (event,) = store.audit.events(natural_key=f"4300|{SOURCE}")
    assert "Account name" in event.detail["cut"]
