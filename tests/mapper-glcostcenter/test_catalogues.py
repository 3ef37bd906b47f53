"""What is read from ServiceNow, whatever its columns are called."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from mapper_glcostcenter.catalogues import read_rows
from mapper_glcostcenter.errors import ReferenceTableError
from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT
from s2p_mapping.snapshot import arrange, rows_of
from servicenow_client import connect

if TYPE_CHECKING:
    from conftest import ServiceNow

    from s2p_mapping.reference import Reference


def read(servicenow: ServiceNow) -> Reference:
    with connect(servicenow.url, "basic", username="mapper", password="s3cret-password") as client:
        return arrange(read_rows(client, GL_ACCOUNT), read_rows(client, COST_CENTER))


def codes(reference: Reference, dimension: str, source: str) -> set[str]:
    return {entry.code for entry in reference.catalogue(dimension, source)}


def forget_columns(servicenow: ServiceNow, table: str, *elements: str) -> None:
    for row in [*servicenow.tables["sys_dictionary"].values()]:
        if row["name"] == table and (not elements or row["element"] in elements):
            del servicenow.tables["sys_dictionary"][row["sys_id"]]


def test_an_erp_source_goes_by_sys_id_display_value_and_name(servicenow: ServiceNow) -> None:
    servicenow.display["erp1"] = "Exact NL"
    reference = read(servicenow)
    for name in ("erp1", "Exact NL", "EXACT-101"):
        assert codes(reference, GL_ACCOUNT, name) == {"7000"}
        assert codes(reference, COST_CENTER, name) == {"CC1"}
    assert codes(reference, GL_ACCOUNT, "EXACT-102") == set()
    assert codes(reference, GL_ACCOUNT, "") == set()


def test_rows_of_no_erp_source_serve_none(servicenow: ServiceNow) -> None:
    servicenow.add("sn_fin_gl_account", "g0", gl_account="1", erp_source="")
    assert codes(read(servicenow), GL_ACCOUNT, "EXACT-101") == {"7000"}


def test_columns_are_found_by_label_where_names_differ(servicenow: ServiceNow) -> None:
    forget_columns(servicenow, "sn_fin_gl_account", "gl_account", "erp_source")
    own = {"u_code": "Ledger account", "u_erp": "ERP Source"}
    servicenow.columns("sn_fin_gl_account", own)
    servicenow.add("sn_fin_gl_account", "g1", u_code="4711", u_erp="erp1", inactive="true")
    (entry,) = read(servicenow).catalogue(GL_ACCOUNT, "EXACT-101")
    assert (entry.code, entry.sys_id, entry.active) == ("4711", "g1", False)


def test_without_a_readable_dictionary_the_documented_names_are_used(
    servicenow: ServiceNow,
) -> None:
    servicenow.hidden = {"sys_dictionary", "sn_fin_erp_source"}
    reference = read(servicenow)
    assert codes(reference, GL_ACCOUNT, "erp1") == {"7000"}
    assert codes(reference, COST_CENTER, "erp1") == {"CC1"}


def test_a_table_without_the_needed_column_is_told(servicenow: ServiceNow) -> None:
    forget_columns(servicenow, "sn_fin_gl_account", "erp_source")
    with pytest.raises(ReferenceTableError, match="sn_fin_gl_account has no column erp_source"):
        read(servicenow)


def test_cost_centers_without_erp_source_column_serve_all(
    servicenow: ServiceNow, caplog: pytest.LogCaptureFixture
) -> None:
    forget_columns(servicenow, "cmn_cost_center", "erp_source")
    with caplog.at_level("INFO"):
        reference = read(servicenow)
    assert codes(reference, COST_CENTER, "anything") == {"CC1"}
    assert [r.message for r in caplog.records].count(
        "ServiceNow's table cmn_cost_center has no ERP source column: "
        "its rows serve every ERP source."
    ) == 1


@pytest.mark.parametrize("readable", [True, False])
def test_accounts_that_do_not_tell_their_erp_source_end_the_run(
    servicenow: ServiceNow,
    readable: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    servicenow.omitted = {"sn_fin_gl_account.erp_source"}
    servicenow.hidden = set() if readable else {"sys_dictionary"}
    with pytest.raises(ReferenceTableError, match="no erp_source with the rows of sn_fin_gl_acc"):
        read(servicenow)


def test_without_a_readable_dictionary_the_first_cost_center_tells_whether_it_has_a_source(
    servicenow: ServiceNow,
) -> None:
    servicenow.omitted = {"cmn_cost_center.erp_source"}
    servicenow.hidden = {"sys_dictionary"}
    servicenow.add("cmn_cost_center", "c2", account_number="CC2", name="Sales")
    assert codes(read(servicenow), COST_CENTER, "anything") == {"CC1", "CC2"}
    servicenow.hidden = set()
    with pytest.raises(ReferenceTableError, match="no erp_source with the rows of cmn_cost_center"):
        read(servicenow)


def test_an_account_goes_by_its_documented_name_where_the_display_name_is_another(
    servicenow: ServiceNow,
) -> None:
    forget_columns(servicenow, "sn_fin_gl_account", "display_name")
    own = {"display_name": "Display name", "u_title": "Account name"}
    servicenow.columns("sn_fin_gl_account", own)
    servicenow.add(
        "sn_fin_gl_account",
        "g1",
        gl_account="8000",
        display_name="8000 Travel",
        u_title="Travel",
        erp_source="erp1",
    )
    found = read(servicenow).catalogue(GL_ACCOUNT, "EXACT-101")
    assert [entry.code for entry in found.by_name("travel")] == ["8000"]
    assert [entry.code for entry in found.by_name("purchases")] == ["7000"]


def test_a_cost_center_without_account_number_goes_by_its_code(servicenow: ServiceNow) -> None:
    center: dict[str, Any] = {"erp_source": "erp1", "valid_to": "2026-12-31 00:00:00"}
    servicenow.add("cmn_cost_center", "c2", code="CC2", **center)
    servicenow.add("cmn_cost_center", "c3", name="nameless code", **center)
    found = {e.code: e for e in read(servicenow).catalogue(COST_CENTER, "EXACT-101")}
    assert set(found) == {"CC1", "CC2"}
    assert found["CC2"].valid_to == date(2026, 12, 31)


def test_the_snapshot_builds_the_same_reference(servicenow: ServiceNow) -> None:
    servicenow.display["erp1"] = "Exact NL"
    reference = read(servicenow)
    again = arrange(rows_of(reference.gl_accounts), rows_of(reference.cost_centers))
    assert again.gl_accounts.keys() == reference.gl_accounts.keys()
    for source in reference.gl_accounts:
        assert list(again.catalogue(GL_ACCOUNT, source)) == list(
            reference.catalogue(GL_ACCOUNT, source)
        )
    assert list(again.catalogue(COST_CENTER, "EXACT-101")) == list(
        reference.catalogue(COST_CENTER, "EXACT-101")
    )
