from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from conftest import Client


def test_rows_are_updated_by_their_key_past_every_acl(now: Client) -> None:
    row = {"gl_account": "4100", "erp_source": {"ref": ["sn_fin_erp_source", "name", "EXACT-100"]}}
    body = {"table": "sn_fin_gl_account", "key": ["gl_account", "erp_source"]}
    now.control("rows", {**body, "rows": [{**row, "inactive": "true"}]})
    found = now.rows("sn_fin_gl_account", "gl_account=4100", sysparm_fields="inactive")
    assert found == [{"inactive": "true"}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"table": "nonsense", "rows": [{}]}, "no table 'nonsense'"),
        ({"table": "cmn_cost_center", "rows": [{"nonsense": "1"}]}, "no column 'nonsense'"),
        (
            {
                "table": "cmn_cost_center",
                "rows": [{"erp_source": {"ref": ["sn_fin_erp_source", "name", "nobody"]}}],
            },
            "No sn_fin_erp_source with name 'nobody'",
        ),
        ({"rows": []}, "Rows are given as"),
        (None, "Rows are given as"),
    ],
)
def test_rows_that_cannot_be_loaded_are_refused_whole(now: Client, body: object, said: str) -> None:
    before = now.control("status", method="GET")["rows"]
    answer = requests.post(f"{now.url}/_sandbox/rows", json=body, timeout=20)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert now.control("status", method="GET")["rows"] == before


def test_the_status_counts_calls_and_rows(now: Client) -> None:
    now.rows("sn_fin_gl_account")
    status = now.control("status", method="GET")
    assert status["calls"] == {"GET /api/now/table/sn_fin_gl_account": 1}
    assert status["rows"]["sn_fin_gl_account"] == 3


def test_reset_returns_to_the_beginning(now: Client) -> None:
    now.import_row(
        "sn_fcms_intg_gl_account_stage", {"u_gl_account": "1", "u_erp_source": "EXACT-100"}
    )
    now.control("reset")
    rows = now.control("status", method="GET")["rows"]
    assert "sn_fcms_intg_gl_account_stage" not in rows
    assert "sn_fin_gl_account" not in rows
    assert rows["sys_dictionary"] > 0
