from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Client

GL = "sn_fcms_intg_gl_account_stage"
ORDER = "sn_fcms_intg_imp_order"
LINE = "sn_fcms_intg_imp_order_line"
INVOICE = "sn_spend_intg_imp_invoice"
INVOICE_LINE = "sn_spend_intg_imp_invoice_line"


def account(code: str, name: str = "Name", source: str = "EXACT-100") -> dict[str, str]:
    return {"GL Account": code, "Account name": name, "ERP source": source}


def invoice(number: str, **more: str) -> dict[str, str]:
    return {
        "External invoice number": number,
        "External invoice source": "EXACT-100",
        "ERP source": "EXACT-100",
        "Supplier": "9001",
        "Invoice type": "non_po_invoice",
        "Invoice date": "2026-02-03",
        "Currency": "EUR",
        "Subtotal": "100.00",
        "Other charges": "0",
        **more,
    }


def invoice_line(number: str, line: str, **more: str) -> dict[str, str]:
    return {
        "External invoice number": number,
        "External invoice source": "EXACT-100",
        "ERP source": "EXACT-100",
        "ERP line number": line,
        "Line description": "Paper",
        "Line quantity": "2",
        "Line unit price": "50.00",
        "Subtotal": "100.00",
        "Currency": "EUR",
        **more,
    }


def test_a_single_row_is_inserted_updated_and_ignored(now: Client) -> None:
    row = {"u_gl_account": "5000", "u_account_name": "Rent", "u_erp_source": "EXACT-100"}
    first = now.import_row(GL, row)
    assert first["status"] == "inserted"
    assert first["transform_map"] == "GL account load data"
    assert first["table"] == "sn_fin_gl_account"
    assert first["record_link"].endswith(first["sys_id"])
    changed = now.import_row(GL, {**row, "u_account_name": "Rent, offices"})
    assert (changed["status"], changed["sys_id"]) == ("updated", first["sys_id"])
    again = now.import_row(GL, {**row, "u_account_name": "Rent, offices"})
    assert again["status"] == "ignored"
    assert again["status_message"] == "No field values changed"
    assert [one["display_name"] for one in now.rows("sn_fin_gl_account", "gl_account=5000")] == [
        "Rent, offices"
    ]


def test_an_empty_value_does_not_overwrite(now: Client) -> None:
    row = {"u_gl_account": "5000", "u_account_name": "Rent", "u_erp_source": "EXACT-100"}
    now.import_row(GL, row)
    assert now.import_row(GL, {**row, "u_account_name": ""})["status"] == "ignored"


def test_coalesce_knows_no_case_and_skips_rows_without_any_key(now: Client) -> None:
    row = {
        "u_account_number": "cc1",
        "u_name": "Sales",
        "u_erp_source": "EXACT-100",
        "u_code": "CC1",
    }
    assert now.import_row("sn_fcms_intg_imp_cost_center", row)["status"] == "updated"
    assert now.import_row("sn_fcms_intg_imp_cost_center", {"u_name": "None"})["status"] == "skipped"


def test_the_same_account_of_another_erp_source_is_another_record(now: Client) -> None:
    states = [
        one["sys_import_state"] for one in now.stage(GL, [account("4100", source="EXACT-200")])
    ]
    assert states == ["inserted"]
    assert len(now.rows("sn_fin_gl_account", "gl_account=4100")) == 2


def test_an_unknown_erp_source_is_rejected_with_code_100(now: Client) -> None:
    (row,) = now.stage(GL, [account("6000", source="EXACT-999")])
    assert row["sys_import_state"] == "error"
    assert "EXACT-999" in row["sys_import_state_comment"]
    (error,) = now.rows("sys_import_set_row_error", f"source_sys_id={row['sys_id']}")
    assert error["error_code"] == "100"
    assert row["sys_row_error"] == error["sys_id"]
    assert now.rows("sn_fin_gl_account", "gl_account=6000") == []


def test_insert_multiple_takes_labels_and_drops_what_it_does_not_know(now: Client) -> None:
    rows = now.stage(GL, [{**account("6000"), "No such label": "x", "u_category": "y"}])
    assert rows[0]["sys_import_state"] == "inserted"
    (made,) = now.rows("sn_fin_gl_account", "gl_account=6000")
    assert made["category"] == ""
    assert rows[0]["sys_target_sys_id"] == made["sys_id"]
    assert rows[0]["sys_target_table"] == "sn_fin_gl_account"


def test_insert_multiple_by_column_name_and_at_once(now: Client, admin: Client) -> None:
    admin.call(
        "POST",
        "/api/now/table/sys_rest_insert_multiple",
        json={"source_table": GL, "column_mapping": "column_name", "transformation": "synchronous"},
    )
    now.switch(transform_delay_ms=3_600_000)
    import_set = now.insert_multiple(
        GL, [{"u_gl_account": "6000", "u_erp_source": "EXACT-100", "GL Account": "7000"}]
    )
    rows = now.rows(GL, f"sys_import_set={import_set}")
    assert [(one["u_gl_account"], one["sys_import_state"]) for one in rows] == [
        ("6000", "inserted")
    ]
    assert now.rows("sys_import_set", f"sys_id={import_set}")[0]["state"] == "processed"


def test_a_set_goes_from_loaded_to_processed_and_leaves_a_run(now: Client) -> None:
    now.switch(transform_delay_ms=3_600_000)
    waiting = now.insert_multiple(GL, [account("6000")])
    assert now.rows("sys_import_set", f"sys_id={waiting}")[0]["state"] == "loaded"
    assert now.rows(GL, f"sys_import_set={waiting}")[0]["sys_import_state"] == "pending"
    now.switch(transform_delay_ms=0)
    now.control("reset")
    for table, rows in (("sn_fin_erp_source", [{"name": "EXACT-100"}]),):
        now.control("rows", {"table": table, "rows": rows})
    now.switch(transform_delay_ms=0)
    done = now.insert_multiple(GL, [account("6000"), account("6001", source="nowhere")])
    now.staged(GL, done)
    assert now.rows("sys_import_set", f"sys_id={done}")[0]["state"] == "processed"
    (run,) = now.rows("sys_import_set_run", f"sys_import_set={done}")
    assert (run["total"], run["inserts"], run["errors"]) == ("2", "1", "1")
    assert run["state"] == "complete_with_errors"


def test_run_after_keeps_lines_behind_their_orders(now: Client) -> None:
    now.switch(transform_delay_ms=50)
    orders = now.insert_multiple(ORDER, [{"ERP PO number": "P1", "ERP source": "EXACT-100"}])
    now.switch(transform_delay_ms=0)
    lines = now.insert_multiple(
        LINE,
        [{"ERP PO number": "P1", "ERP PO line number": "1", "ERP source": "EXACT-100"}],
        run_after=orders,
    )
    assert [one["sys_import_state"] for one in now.staged(LINE, lines)] == ["inserted"]


def test_run_after_a_set_that_does_not_exist_is_refused(now: Client) -> None:
    answer = now.call(
        "POST",
        f"/api/now/import/{GL}/insertMultiple?run_after={'0' * 32}",
        json={"records": [account("1")]},
    )
    assert answer.status_code == 400


def test_a_line_before_its_order_fails_until_the_job_runs_again(now: Client) -> None:
    line = {
        "ERP PO number": "P1",
        "ERP PO line number": "1",
        "ERP source": "EXACT-100",
        "Purchased quantity": "3",
        "Unit price": "1.10",
        "Unit price currency": "EUR",
        "GL account": "4000",
        "Cost center": "CC1",
    }
    lines = now.insert_multiple(LINE, [line])
    assert [one["sys_import_state"] for one in now.staged(LINE, lines)] == ["error"]
    now.stage(ORDER, [{"ERP PO number": "P1", "ERP source": "EXACT-100",
                       "Supplier company name": "Paper Ltd"}])  # fmt: skip
    job = now.control("jobs", {"name": "Retrigger failed order line import set records"})
    assert job == {"rows": 1, "states": {"inserted": 1}}
    (made,) = now.rows(
        "sn_shop_purchase_order_line",
        sysparm_fields="total_line_amount,supplier.name,cost_center.name,purchase_order.status,"
        "general_ledger_account.gl_account",
    )
    assert made == {
        "total_line_amount": "3.30",
        "supplier.name": "Paper Ltd",
        "cost_center.name": "Sales",
        "purchase_order.status": "ordered",
        "general_ledger_account.gl_account": "4000",
    }


def test_an_invoice_with_its_line(now: Client) -> None:
    (head,) = now.stage(INVOICE, [invoice("77", **{"Legal entity": "100", "Payment terms": "30"})])
    assert (head["sys_import_state"], head["u_status"]) == ("inserted", "inserted")
    (line,) = now.stage(
        INVOICE_LINE, [invoice_line("77", "1", **{"GL account": "4000", "Cost center": "CC1"})]
    )
    assert line["sys_import_state"] == "inserted"
    (made,) = now.rows(
        "sn_shop_invoice_line",
        sysparm_fields="invoice.external_invoice_number,invoice.state,ledger_account.erp_source.name,"
        "line_unit_price,invoiced_quantity",
    )
    assert made == {
        "invoice.external_invoice_number": "77",
        "invoice.state": "draft",
        "ledger_account.erp_source.name": "EXACT-100",
        "line_unit_price": "50.00",
        "invoiced_quantity": "2",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Subtotal": ""}, "u_subtotal"),
        ({"Supplier": "9999"}, "9999"),
        ({"Invoice type": "receipt"}, "receipt"),
        ({"Invoice date": "03-02-2026"}, "03-02-2026"),
        ({"Subtotal": "1.2.3"}, "1.2.3"),
    ],
)
def test_what_is_wrong_with_an_invoice_is_said_on_its_row(
    now: Client, change: dict[str, str], said: str
) -> None:
    (row,) = now.stage(INVOICE, [{**invoice("77"), **change}])
    assert row["sys_import_state"] == "error"
    assert said in row["sys_import_state_comment"]


def test_a_negative_amount_may_stand_in_parentheses(now: Client) -> None:
    now.stage(INVOICE, [invoice("78", **{"Subtotal": "(100.00)", "Invoice type": "credit_memo"})])
    assert now.rows("sn_shop_invoice", sysparm_fields="subtotal") == [{"subtotal": "-100.00"}]


def test_the_same_supplier_invoice_twice_is_a_suspected_duplicate(now: Client) -> None:
    now.stage(INVOICE, [invoice("1", **{"Supplier invoice number": "F-1"})])
    now.stage(INVOICE, [invoice("2", **{"Supplier invoice number": "F-1"})])
    found = now.rows("sn_shop_invoice", "ORDERBYexternal_invoice_number", sysparm_fields="state")
    assert [one["state"] for one in found] == ["draft", "suspected_duplicate"]


def test_rows_of_a_loading_set_stay_pending(now: Client) -> None:
    made = now.call(
        "POST",
        "/api/now/table/sys_import_set",
        json={"table_name": LINE, "state": "loading", "mode": "asynchronous"},
    ).json()["result"]
    answer = now.call(
        "POST",
        f"/api/now/table/{LINE}",
        json={
            "sys_import_set": made["sys_id"],
            "u_erp_po_number": "P1",
            "sys_import_state": "pending",
            "sys_import_state_comment": "GL_ACCOUNT_MISSING",
        },
    )
    assert answer.status_code == 201
    (row,) = now.staged(LINE, made["sys_id"])
    assert row["sys_import_state"] == "pending"
    assert row["sys_import_state_comment"] == "GL_ACCOUNT_MISSING"
    changed = now.call(
        "PATCH", f"/api/now/table/{LINE}/{row['sys_id']}", json={"sys_import_state": "skipped"}
    )
    assert changed.json()["result"]["sys_import_state"] == "skipped"


def test_a_row_of_the_table_api_without_a_set_is_transformed_at_once(now: Client) -> None:
    answer = now.call(
        "POST",
        f"/api/now/table/{GL}",
        json={"u_gl_account": "6000", "u_erp_source": "EXACT-100"},
    )
    assert answer.json()["result"]["sys_import_state"] == "inserted"


def test_supplier_codes_hide_behind_a_label_that_stands_twice(now: Client) -> None:
    table = "sn_fcms_intg_imp_supplier"
    columns = now.rows("sys_dictionary", f"name={table}^column_label=ERP company code")
    assert [one["element"] for one in columns] == ["u_erp_company_code", "u_erp_company_code_1"]
    (entry,) = now.rows(
        "sys_transform_entry", f"map.source_table={table}^target_field=erp_supplier_code"
    )
    assert entry["source_field"] == "u_erp_company_code_1"
    record = {"ERP company code": "9002", "ERP source": "EXACT-100", "Legal name": "Ink BV"}
    (row,) = now.stage(table, [record])
    assert (row["u_erp_company_code"], row["u_erp_company_code_1"]) == ("9002", "")
    now.switch(duplicate_supplier_label=False)
    (row,) = now.stage(table, [{**record, "ERP supplier code": "9002", "ERP company code": "100"}])
    assert row["sys_import_state"] == "inserted"
    by_name = {
        "u_erp_company_code_1": "9002",
        "u_erp_source": "EXACT-100",
        "u_legal_name": "Ink NV",
    }
    assert now.import_row(table, by_name)["status"] == "updated"


def test_supplier_and_legal_entity(now: Client) -> None:
    table = "sn_fcms_intg_supplier_legal_entity_inbound"
    (row,) = now.stage(
        table, [{"Supplier": "9001", "Legal entity": "100", "ERP source": "EXACT-100"}]
    )
    assert row["sys_import_state"] == "inserted"
    now.switch(supplier_entity_columns=False)
    (row,) = now.stage(
        table, [{"Supplier": "9001", "Legal entity": "100", "ERP source": "EXACT-200"}]
    )
    assert row["sys_import_state"] == "ignored"
    assert "u_erp_source" not in row


def test_column_names_follow_the_style_but_published_ones_stay(now: Client) -> None:
    now.switch(column_style="plain")
    order = {one["element"] for one in now.rows("sys_dictionary", f"name={ORDER}")}
    assert {"erp_po_number", "erp_source"} <= order
    bill = {one["element"] for one in now.rows("sys_dictionary", f"name={INVOICE}")}
    assert {"u_supplier", "erp_source", "u_invoice_date"} <= bill
    assert (
        now.import_row(GL, {"gl_account": "6000", "erp_source": "EXACT-100"})["status"]
        == "inserted"
    )


def test_order_lines_may_have_their_three_key_columns_only(now: Client) -> None:
    now.switch(order_line_columns=False)
    labels = {
        one["column_label"]
        for one in now.rows("sys_dictionary", f"name={LINE}^elementNOT LIKEsys_")
        if one["element"].startswith("u_")
    }
    assert labels == {"ERP source", "ERP PO number", "ERP PO line number"}


def test_two_maps_give_two_results_and_two_staging_rows(now: Client) -> None:
    now.switch(second_map_on=[GL])
    answer = now.call(
        "POST",
        f"/api/now/import/{GL}",
        json={"u_gl_account": "6000", "u_erp_source": "EXACT-100"},
    ).json()
    assert [one["status"] for one in answer["result"]] == ["inserted", "ignored"]
    assert len(now.rows(GL, "u_gl_account=6000")) == 2


def test_without_coalesce_the_same_row_inserts_twice(now: Client) -> None:
    now.switch(coalesce_off_on=[GL])
    states = [one["sys_import_state"] for one in now.stage(GL, [account("6000"), account("6000")])]
    assert states == ["inserted", "inserted"]
    assert len(now.rows("sn_fin_gl_account", "gl_account=6000")) == 2


def test_a_staging_row_can_be_read_again_until_the_clean_up(now: Client) -> None:
    (row,) = now.stage(GL, [account("6000")])
    path = f"/api/now/import/{GL}/{row['sys_id']}"
    assert now.call("GET", path).json()["result"][0]["status"] == "inserted"
    now.control("clock", {"advance_seconds": 8 * 86_400})
    assert now.call("GET", path).status_code == 404
    assert now.rows("sn_fin_gl_account", "gl_account=6000")


def test_synchronous_sets_end_at_midnight(now: Client) -> None:
    now.import_row(GL, {"u_gl_account": "6000", "u_erp_source": "EXACT-100"})
    now.import_row(GL, {"u_gl_account": "6001", "u_erp_source": "EXACT-100"})
    (only,) = now.rows("sys_import_set", "mode=synchronous")
    assert only["state"] == "loading"
    now.control("clock", {"advance_seconds": 86_400})
    assert now.rows("sys_import_set", "mode=synchronous")[0]["state"] == "processed"


def test_without_import_transformer_results_stay_out_of_sight(now: Client) -> None:
    now.switch(revoked_roles=["import_transformer"])
    answer = now.call(
        "POST",
        f"/api/now/import/{GL}",
        json={"u_gl_account": "6000", "u_erp_source": "EXACT-100"},
    )
    assert (answer.status_code, answer.content) == (201, b"")
    assert now.rows("sn_fin_gl_account", "gl_account=6000")
    assert now.rows(GL) == []


def test_a_table_without_the_role_refuses(now: Client) -> None:
    now.switch(revoked_roles=["sn_spend_intg.procurement_integrator"])
    answer = now.call(
        "POST", f"/api/now/import/{INVOICE}/insertMultiple", json={"records": [invoice("1")]}
    )
    assert answer.status_code == 403


def test_long_values_are_cut_to_their_column(now: Client) -> None:
    (row,) = now.stage(INVOICE, [invoice("9" * 50)])
    assert row["u_external_invoice_number"] == "9" * 40


@pytest.mark.parametrize("body", [{}, {"records": "x"}, {"records": [1]}])
def test_insert_multiple_wants_an_array_of_records(now: Client, body: dict[str, Any]) -> None:
    answer = now.call("POST", f"/api/now/import/{GL}/insertMultiple", json=body)
    assert answer.status_code == 400


def test_only_staging_tables_can_be_imported_into(now: Client) -> None:
    answer = now.call("POST", "/api/now/import/sn_fin_gl_account", json={"gl_account": "1"})
    assert answer.status_code == 400
