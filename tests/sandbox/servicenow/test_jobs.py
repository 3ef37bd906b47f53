from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from conftest import Client

VALIDATE = {"name": "Validate and process invoices"}
MONITOR = {"name": "Exception Monitoring scheduler"}


def stage_invoice(now: Client, number: str, kind: str, account: str = "4000") -> None:
    key = {
        "External invoice number": number,
        "External invoice source": "EXACT-100",
        "ERP source": "EXACT-100",
        "Subtotal": "10.00",
        "Currency": "EUR",
    }
    head = {
        **key,
        "Supplier": "9001",
        "Legal entity": "100",
        "Invoice type": kind,
        "Invoice date": "2026-02-03",
        "Other charges": "0",
    }
    line = {
        **key,
        "ERP line number": "1",
        "Line description": "Paper",
        "Line quantity": "1",
        "Line unit price": "10.00",
        "GL account": account,
    }
    assert now.stage("sn_spend_intg_imp_invoice", [head])[0]["sys_import_state"] == "inserted"
    assert now.stage("sn_spend_intg_imp_invoice_line", [line])[0]["sys_import_state"] == "inserted"


def states(now: Client) -> list[str]:
    rows = now.rows("sn_shop_invoice", "ORDERBYexternal_invoice_number", sysparm_fields="state")
    return [row["state"] for row in rows]


def test_an_invoice_without_its_supplier_detail_ends_in_an_exception(now: Client) -> None:
    stage_invoice(now, "1", "non_po_invoice")
    stage_invoice(now, "2", "invoice")
    assert now.control("jobs", VALIDATE)["rows"] == 2
    assert states(now) == ["accepted", "po_matching_error"]
    now.control("jobs", MONITOR)
    assert states(now) == ["exceptions_found", "po_matching_error"]


def test_with_it_and_with_coding_there_is_none(now: Client) -> None:
    now.stage(
        "sn_fcms_intg_supplier_legal_entity_inbound",
        [{"Supplier": "9001", "Legal entity": "100", "ERP source": "EXACT-100"}],
    )
    stage_invoice(now, "1", "non_po_invoice")
    stage_invoice(now, "2", "non_po_invoice", account="")
    now.control("jobs", VALIDATE)
    now.control("jobs", MONITOR)
    assert states(now) == ["no_exceptions_found", "exceptions_found"]


@pytest.mark.parametrize("body", [{"name": "Nonsense"}, {}])
def test_an_unknown_job_is_refused(now: Client, body: dict[str, str]) -> None:
    answer = requests.post(f"{now.url}/_sandbox/jobs", json=body, timeout=20)
    assert answer.status_code == 400
    assert "Known: Retrigger failed order line" in answer.json()["error"]
