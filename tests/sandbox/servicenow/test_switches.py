"""Switches that no other test turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Client

ORDERS = "/api/now/table/sn_shop_purchase_order"
GL = "sn_fcms_intg_gl_account_stage"


def test_unreadable_fields_are_left_out(now: Client) -> None:
    now.switch(unreadable_fields=["sn_fin_gl_account.display_name"])
    assert "display_name" not in now.rows("sn_fin_gl_account")[0]


def test_without_orderby_the_order_may_change_but_nothing_is_missing(now: Client) -> None:
    now.switch(unstable_order=True)
    found = now.rows("sn_fin_gl_account", sysparm_fields="sys_id")
    assert len({row["sys_id"] for row in found}) == 3
    ordered = now.rows("sn_fin_gl_account", "ORDERBYsys_id", sysparm_fields="sys_id")
    assert ordered == sorted(ordered, key=lambda row: row["sys_id"])


@pytest.mark.parametrize(("mode", "value"), [("saved", "Nonsense"), ("dropped", "")])
def test_a_choice_outside_the_list(admin: Client, mode: str, value: str) -> None:
    admin.switch(unknown_choice=mode)
    answer = admin.call("POST", ORDERS, json={"purchase_order_type": "Nonsense"})
    assert answer.json()["result"]["purchase_order_type"] == value


@pytest.mark.parametrize(("mode", "value"), [("stored", "9001"), ("dropped", "")])
def test_a_reference_that_is_no_sys_id(admin: Client, mode: str, value: str) -> None:
    admin.switch(non_sys_id_reference=mode)
    made = admin.call("POST", ORDERS, json={"supplier": "9001"}).json()["result"]
    shown = made["supplier"]
    assert (shown["value"] if isinstance(shown, dict) else shown) == value


def test_references_can_be_written_by_display_value(admin: Client) -> None:
    made = admin.call(
        "POST",
        ORDERS,
        params={"sysparm_input_display_value": "true", "sysparm_fields": "supplier.name"},
        json={"supplier": "Paper Ltd"},
    )
    assert made.json()["result"] == {"supplier.name": "Paper Ltd"}


@pytest.mark.parametrize(("mode", "value"), [("amount", "1.50"), ("pair", "EUR;1.50")])
def test_how_money_reads(admin: Client, mode: str, value: str) -> None:
    admin.switch(currency_read=mode)
    made = admin.call("POST", ORDERS, json={"total_amount": "EUR;1.5"}).json()["result"]
    assert made["total_amount"] == value


def test_cost_centers_may_have_no_erp_source_column(now: Client) -> None:
    now.switch(cost_center_erp_source=False)
    assert "erp_source" not in now.rows("cmn_cost_center")[0]
    assert now.rows("sys_dictionary", "name=cmn_cost_center^element=erp_source") == []
    row = {"u_account_number": "CC1", "u_erp_source": "EXACT-100", "u_name": "Sales, all"}
    assert now.import_row("sn_fcms_intg_imp_cost_center", row)["status"] == "updated"


@pytest.mark.parametrize(
    ("mode", "filled"),
    [("first", ["x", ""]), ("last", ["", "x"]), ("none", ["", ""])],
)
def test_which_of_two_columns_with_one_label_is_filled(
    now: Client, mode: str, filled: list[str]
) -> None:
    now.switch(ambiguous_label=mode)
    (row,) = now.stage("sn_fcms_intg_imp_supplier", [{"ERP company code": "x"}])
    assert [row["u_erp_company_code"], row["u_erp_company_code_1"]] == filled


def test_secure_insert_multiple_asks_for_the_endpoint_role(now: Client) -> None:
    now.switch(insert_multiple_optimize=True, revoked_roles=["sn_fcms_intg.integration_user"])
    records = {"records": [{"GL Account": "1", "ERP source": "EXACT-100"}]}
    path = f"/api/now/import/{GL}/insertMultiple"
    assert now.call("POST", path, json=records).status_code == 201
    now.switch(revoked_roles=["import_transformer"])
    assert now.call("POST", path, json=records).status_code == 403


def test_transform_maps_may_be_out_of_sight(now: Client) -> None:
    now.switch(transform_maps_readable=False)
    assert now.call("GET", "/api/now/table/sys_transform_entry").status_code == 403


def test_no_semaphore_free_and_no_place_in_the_queue(now: Client) -> None:
    now.switch(semaphores=1, semaphore_queue=-1)
    assert now.call("GET", ORDERS).status_code == 429
