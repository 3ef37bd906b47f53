"""The seed of ServiceNow: most of Exact's reference data, with gaps of every kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import pytest

from s2p_sandbox import seeds
from s2p_sandbox.seeds.gaps import GAPS

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def tables() -> Rows:
    found: Rows = defaultdict(list)
    for table, row in seeds.servicenow_rows():
        found[table].append(row)
    return found


def test_the_rows_are_the_same_each_time() -> None:
    assert list(seeds.servicenow_rows()) == list(seeds.servicenow_rows())


def test_each_division_has_its_erp_source_and_legal_entity(tables: Rows) -> None:
    names = {f"EXACT-{division.code}" for division in seeds.DIVISIONS}
    assert {row["name"] for row in tables["sn_fin_erp_source"]} == names
    entities = {
        row["erp_source"]["ref"][2]: row["erp_company_code"]
        for row in tables["sn_fin_legal_entity"]
    }
    assert entities == {f"EXACT-{d.code}": str(d.code) for d in seeds.DIVISIONS}


def test_references_point_to_a_row_that_came_before() -> None:
    seen: set[tuple[str, str, str]] = set()
    for table, row in seeds.servicenow_rows():
        for value in row.values():
            if isinstance(value, dict):
                assert tuple(value["ref"]) in seen
        seen |= {(table, name, text) for name, text in row.items() if isinstance(text, str)}


def test_values_are_strings_as_the_rest_api_stores_them(tables: Rows) -> None:
    for rows in tables.values():
        for row in rows:
            assert all(isinstance(value, str | dict) for value in row.values())
    for row in tables["cmn_cost_center"]:
        for name in ("valid_from", "valid_to"):
            if row[name]:
                datetime.strptime(row[name], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 -- UTC, no zone


@pytest.mark.parametrize(
    ("table", "code"), [("sn_fin_gl_account", "gl_account"), ("cmn_cost_center", "account_number")]
)
def test_codes_are_unique_within_an_erp_source(tables: Rows, table: str, code: str) -> None:
    codes = Counter((row["erp_source"]["ref"][2], row[code]) for row in tables[table])
    assert max(codes.values()) == 1


def test_the_gaps_name_what_exact_has() -> None:
    accounts: dict[int, set[str]] = defaultdict(set)
    centers: dict[int, set[str]] = defaultdict(set)
    for resource, row in seeds.exact_rows():
        if resource == "financial/GLAccounts":
            accounts[row["_division"]].add(row["Code"])
        elif resource == "hrm/Costcenters":
            centers[row["_division"]].add(row["Code"])
    for division in seeds.DIVISIONS:
        gaps = GAPS[division.key]
        named = gaps.missing_accounts | gaps.inactive_accounts
        named |= set(gaps.moved_accounts) | set(gaps.doubled_accounts)
        assert named <= accounts[division.code]
        assert not set(gaps.moved_accounts.values()) & accounts[division.code]
        named = gaps.missing_cost_centers | set(gaps.ended_cost_centers)
        named |= set(gaps.moved_cost_centers) | set(gaps.doubled_cost_centers)
        assert named <= centers[division.code]


def test_every_kind_of_gap_occurs(tables: Rows) -> None:
    present = Counter(row["inactive"] for row in tables["sn_fin_gl_account"])
    assert 0 < present["true"] < present["false"] * 0.05
    assert any(row["valid_to"] for row in tables["cmn_cost_center"])
    for name in ("missing_accounts", "moved_accounts", "doubled_accounts", "missing_cost_centers"):
        assert any(getattr(gaps, name) for gaps in GAPS.values()), name
