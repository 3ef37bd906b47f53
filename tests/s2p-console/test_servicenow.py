"""The doctor and the preparation of ServiceNow, against the stand-in instance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from s2p_console.commands.servicenow import missing_columns
from s2p_sandbox import servicenow
from s2p_staging.provenance import parts
from servicenow_client import Column

if TYPE_CHECKING:
    from conftest import House

ADMIN = {
    "TARGET_SERVICENOW_S2P_AUTH_METHOD": "basic",
    "TARGET_SERVICENOW_S2P_USERNAME": "admin",
    "TARGET_SERVICENOW_S2P_PASSWORD": servicenow.TEST_ACCESS.passwords["admin"],
}


def examined(target: House, **environment: str) -> tuple[int, list[dict[str, Any]]]:
    ran = target.run("doctor", "servicenow", "--json", **environment)
    assert ran.stdout, ran.output
    return ran.exit_code, json.loads(ran.stdout)


def worse(findings: list[dict[str, Any]]) -> dict[str, str]:
    return {one["check"]: one["level"] for one in findings if one["level"] != "ok"}


def text(findings: list[dict[str, Any]]) -> str:
    return " ".join(f"{one['what']} {one['remedy']}" for one in findings if one["level"] != "ok")


def test_an_instance_that_is_ready_lacks_the_columns_of_origin_only(target: House) -> None:
    code, findings = examined(target)
    assert (code, worse(findings)) == (2, {"provenance": "warning"})
    assert "s2p servicenow prepare" in text(findings)
    shown = target.run("doctor")
    assert (shown.exit_code, "Times in queries are read in UTC" in shown.stdout) == (2, True)


def test_nothing_is_written(target: House) -> None:
    examined(target)
    target.run("servicenow", "prepare")
    status = requests.get(f"{target.sandbox}/_sandbox/status", timeout=20).json()
    assert not [call for call in status["calls"] if call.startswith("POST /api")]


def test_a_wrong_secret_is_the_only_finding(target: House) -> None:
    code, findings = examined(target, TARGET_SERVICENOW_S2P_CLIENT_SECRET="wrong")
    assert (code, worse(findings)) == (2, {"login": "error"})
    assert len(findings) == 1
    assert "client_secret" in findings[0]["what"]


def test_a_missing_setting_is_named(target: House) -> None:
    ran = target.run("doctor", "servicenow", TARGET_SERVICENOW_S2P_CLIENT_SECRET=None)
    assert ran.exit_code == 1
    assert "TARGET_SERVICENOW_S2P_CLIENT_SECRET" in ran.output


@pytest.mark.parametrize(
    ("switches", "check", "level", "said"),
    [
        ({"dictionary_readable": False}, "rights", "error", "read sys_dictionary"),
        ({"transform_maps_readable": False}, "rights", "warning", "sys_transform_entry"),
        ({"coalesce_off_on": ["sn_spend_intg_imp_invoice"]}, "transform maps", "error",
         "Set coalesce on u_external_invoice_number"),
        ({"user_utc_offset_hours": 2}, "time zone", "error", "time zone to UTC"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_remedy(
    target: House, switches: dict[str, Any], check: str, level: str, said: str
) -> None:
    target.control("switches", **switches)
    code, findings = examined(target)
    assert code == 2
    assert worse(findings)[check] == level
    assert said in text(findings)


def test_a_table_that_refuses_to_be_read_names_the_roles(target: House) -> None:
    fault = {"kind": "status", "match": "table/sn_spend_intg_imp_invoice\\b", "times": 9}
    target.control("faults", **fault, params={"code": 403})
    _, findings = examined(target)
    assert worse(findings)["rights"] == "error"
    assert "sn_spend_intg.procurement_integrator" in text(findings)


def test_a_column_that_cannot_be_told_apart_is_named(target: House) -> None:
    tables = {"purchase_orders": {"fields": {"ERP PO number": {"column": "u_nowhere"}}}}
    _, findings = examined(target, TARGET_SERVICENOW_S2P_TABLES=json.dumps(tables))
    assert worse(findings)["columns"] == "error"
    assert "tables.purchase_orders.fields" in text(findings)


def test_an_erp_source_that_is_not_there(target: House) -> None:
    code, findings = examined(target, TARGET_SERVICENOW_S2P_ERP_SOURCES='{"101": "EXACT-NL"}')
    assert (code, worse(findings)["ERP source"]) == (2, "error")
    (finding,) = [one for one in findings if one["check"] == "ERP source"]
    assert (finding["division"], "sn_fin_erp_source" in finding["remedy"]) == (101, True)


def test_owners_of_one_direction_only_are_told(target: House) -> None:
    owned = '{"cost_centers.description": "servicenow"}'
    _, findings = examined(target, TARGET_SERVICENOW_S2P_OWNERSHIP=owned)
    assert worse(findings)["ownership"] == "warning"
    assert "do not agree who owns cost_centers.description" in text(findings)
    both = {"TARGET_SERVICENOW_S2P_OWNERSHIP": owned, "TARGET_EXACTONLINE_OWNERSHIP": owned}
    _, findings = examined(target, **both)
    assert "ownership" not in worse(findings)


def test_a_map_that_copies_empty_fields_is_told_where_it_matters(target: House) -> None:
    tables = ["sn_fcms_intg_imp_cost_center", "sn_fcms_intg_imp_supplier"]
    target.control("switches", copy_empty_on=tables)
    _, findings = examined(target)
    assert "map of sn_fcms_intg_imp_cost_center copies empty" in text(findings)
    assert "map of sn_fcms_intg_imp_supplier copies empty" not in text(findings)


def found_of(findings: list[dict[str, Any]], check: str) -> list[tuple[str, str]]:
    return [(one["level"], one["what"]) for one in findings if one["check"] == check]


def test_held_lines_wait_in_import_sets_that_stay_loading(target: House) -> None:
    _, findings = examined(target)
    ((level, told),) = found_of(findings, "held lines")
    assert level == "ok"
    assert "park_held: loading_set" in told
    row = {"table_name": "sn_fcms_intg_imp_order", "short_description": "Held lines (Exact Online)",
           "state": "loading", "mode": "asynchronous"}  # fmt: skip
    target.control("rows", table="sys_import_set", rows=[row])
    assert "there are 1 of them" in found_of(examined(target)[1], "held lines")[0][1]
    target.control("rows", table="sys_import_set", rows=[{**row, "state": "processed"}])
    code, findings = examined(target)
    ((level, told),) = found_of(findings, "held lines")
    assert (code, level) == (2, "error")
    assert "asynchronous and processed" in told


def test_import_sets_that_are_closed_to_the_user_are_told(target: House) -> None:
    target.control("switches", revoked_roles=["import_transformer"])
    fault = {"kind": "status", "match": "table/sys_import_set", "times": 9, "params": {"code": 403}}
    target.control("faults", **fault)
    ((level, told),) = found_of(examined(target)[1], "held lines")
    assert (level, "stay in the store only" in told) == ("warning", True)


def test_own_tables_for_held_lines_are_looked_at(target: House) -> None:
    tables = json.dumps({"purchase_order_lines": {"held_table": "u_held_lines"}})
    settings = {
        "TARGET_SERVICENOW_S2P_PARK_HELD": "own_table",
        "TARGET_SERVICENOW_S2P_TABLES": tables,
    }
    _, findings = examined(target, **settings)
    ((level, told), _) = found_of(findings, "held lines")
    assert (level, "shows no columns of it" in told) == ("error", True)
    target.control("switches", held_lines_table=True, extra_roles=["u_held_lines_user"])
    _, findings = examined(target, **settings)
    assert {level for level, _ in found_of(findings, "held lines")} == {"ok"}
    active = {"name": "Theirs", "source_table": "u_held_lines", "active": "true"}
    target.control("rows", table="sys_transform_map", rows=[active])
    _, findings = examined(target, **settings)
    ((level, told), _) = found_of(findings, "held lines")
    assert (level, "'Theirs' is active" in told) == ("error", True)


@pytest.mark.parametrize(("way", "told"), [("marked", "no way"), ("own_table", "no stream has")])
def test_a_way_that_is_none_is_told(target: House, way: str, told: str) -> None:
    _, findings = examined(target, TARGET_SERVICENOW_S2P_PARK_HELD=way)
    ((level, what),) = found_of(findings, "held lines")
    assert (level, told in what) == ("error", True)


def test_a_hibernating_instance_is_told(target: House) -> None:
    target.control("faults", kind="hibernation", times=99)
    code, findings = examined(target)
    assert (code, worse(findings)) == (2, {"login": "error"})


def test_columns_are_added_once_by_whom_may(target: House) -> None:
    listed = target.run("servicenow", "prepare", "--json")
    assert listed.exit_code == 2
    missing = json.loads(listed.stdout)
    refused = target.run("servicenow", "prepare", "--apply")
    assert refused.exit_code == 1
    assert "personalize_dictionary" in refused.output
    applied = target.run("servicenow", "prepare", "--apply", "--json", **ADMIN)
    assert applied.exit_code == 0
    added = json.loads(applied.stdout)
    assert [one["column"] for one in added] == [one["column"] for one in missing]
    assert {one["added"] for one in added} == {True}
    again = target.run("servicenow", "prepare", "--apply", **ADMIN)
    assert (again.exit_code, again.stdout.strip()) == (0, "Every staging table has its columns.")
    assert examined(target)[0] == 0


def test_other_labels_are_the_users(target: House) -> None:
    labels = json.dumps({"run": "Batch", "source_user": ""})
    ran = target.run("servicenow", "prepare", "--json", TARGET_SERVICENOW_S2P_PROVENANCE=labels)
    found = {one["label"] for one in json.loads(ran.stdout)}
    assert "Batch" in found
    assert not {"Exact source user", "Exact integration run"} & found


LABELS = [part.label for part in parts()]


@given(st.sets(st.sampled_from(LABELS)), st.sampled_from(["u_", "x_acme_"]))
def test_missing_and_there_make_the_whole(there: set[str], prefix: str) -> None:
    columns = [Column("c", label.upper(), "string", 100, mandatory=False, reference="")
               for label in there]  # fmt: skip
    missing = missing_columns("t", columns, parts(), prefix)
    assert {one.label for one in missing} | there == set(LABELS)
    assert len(missing) + len(there) == len(LABELS)
    assert all(one.column.startswith(prefix) for one in missing)
