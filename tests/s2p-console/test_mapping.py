"""The mapping commands: what is wrong with rules, how much they cover, what would cover more."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from s2p_mapping.coverage import Asked, Coverage
from s2p_store import Hold

if TYPE_CHECKING:
    from conftest import House

    from s2p_store import Store

NOW = datetime(2026, 6, 1, 8, tzinfo=timezone.utc)
RULES = """division,dimension,source,target,note
101,gl_account,7000,4000,goods
101,gl_account,70*,4999,nowhere
101,cost_center,CC1,CC9,closed
999,gl_account,1,4000,no such division
"""


def account(code: str, name: str, *, active: bool = True) -> dict[str, object]:
    return {"id": f"id{code}", "code": code, "name": name, "active": active, "valid_from": None,
            "valid_to": None, "erp_source": "EXACT-101", "erp_names": []}  # fmt: skip


def hold(number: int, code: str, amount: str) -> Hold:
    return Hold(
        "purchase_entry_lines", 101, f"l{number}", NOW, ("GL_ACCOUNT_MISSING",),
        (("gl_account", code),), Decimal(amount), "EUR", f"2600{number}", "r1", NOW,
        {"ID": f"l{number}"},
    )  # fmt: skip


@pytest.fixture
def mapped(house: House, store: Store) -> House:
    saved = store.reference.save
    accounts = [account("4000", "Goods"), account("4200", "Office expenses")]
    saved("servicenow", "acme.service-now.com", "gl_account", accounts, at=NOW)
    centers = [account("CC9", "Sales", active=False)]
    saved("servicenow", "acme.service-now.com", "cost_center", centers, at=NOW)
    exact = [{"id": "a", "Code": "4710", "Description": "Kantoorkosten"}]
    saved("exactonline", "101", "gl_accounts", exact, at=NOW)
    coverage = Coverage()
    coverage.count([Asked("gl_account", "7000", found=True)], 3, "EUR", Decimal("30.00"))
    coverage.count([Asked("gl_account", "4710", found=False)], 2, "EUR", Decimal("10.00"))
    coverage.first_seen = {("gl_account", "4710")}
    saved("mapper-glcostcenter", "101", "coverage", coverage.rows(), at=NOW)
    store.holds.put([hold(1, "4710", "4.00"), hold(2, "4710", "6.00"), hold(3, "8888", "1.00")])
    house.environment |= {
        "MAPPER_GLCOSTCENTER_SERVICENOW_INSTANCE_URL": "https://acme.service-now.com"
    }
    return house


def rules(house: House, text: str = RULES) -> None:
    (house.folder / "mapping").mkdir()
    (house.folder / "mapping" / "rules.csv").write_text(text)


def test_rules_that_lead_nowhere_are_named_by_line(mapped: House) -> None:
    rules(mapped)
    ran = mapped.run("mapping", "check", "--json")
    assert ran.exit_code == 2
    found = json.loads(ran.stdout)
    assert [(one["line"], one["kind"]) for one in found["findings"]] == [
        (3, "dead target"),
        (4, "inactive target"),
        (5, "unknown division"),
    ]
    assert found["targets_as_of"] == "2026-06-01T08:00:00Z"
    shown = mapped.run("mapping", "check")
    assert (shown.exit_code, "gl_account" in shown.stdout or "GL account" in shown.stdout) == (
        2,
        True,
    )


def test_broken_rows_are_named_by_line_and_column(mapped: House) -> None:
    rules(mapped, "division,dimension,source,target\nx,gl_account,,4000\n")
    ran = mapped.run("mapping", "check", "--json")
    assert ran.exit_code == 2
    found = json.loads(ran.stdout)["findings"]
    assert {(one["line"], one["column"]) for one in found} == {(2, "division"), (2, "source")}


def test_sound_rules_and_no_rules_are_fine(mapped: House) -> None:
    assert mapped.run("mapping", "check").exit_code == 0
    rules(mapped, "division,dimension,source,target\n101,gl_account,7000,4000\n")
    ran = mapped.run("mapping", "check")
    assert (ran.exit_code, "1 rule in mapping/rules.csv" in ran.stdout) == (0, True)


def test_before_the_first_run_nothing_is_said_about_targets(house: House) -> None:
    rules(house, "division,dimension,source,target\n*,gl_account,7000,4000\n")
    ran = house.run("mapping", "check")
    assert (ran.exit_code, "the mapper has not run" in ran.stdout) == (0, True)
    assert house.run("mapping", "coverage").exit_code == 1
    assert house.run("mapping", "suggest").exit_code == 1


def test_coverage_counts_codes_lines_and_amounts(mapped: House) -> None:
    rules(mapped)
    ran = mapped.run("mapping", "coverage", "--json")
    assert ran.exit_code == 2
    (division,) = json.loads(ran.stdout)
    share = division["dimensions"]["gl_account"]
    assert (share["mapped_codes"], share["codes"]) == (1, 2)
    assert (share["mapped_lines"], share["lines"]) == (3, 5)
    assert share["amounts"]["EUR"] == {"total": 40.00, "mapped": 30.00}
    assert [one["line"] for one in division["unused_rules"]] == [2, 3, 4]
    shown = mapped.run("mapping", "coverage").stdout
    assert "30.00 EUR of 40.00 EUR" in shown
    assert "60.0 %" in shown
    assert "First seen in division 101: gl account 4710" in shown


def test_codes_that_found_nothing_as_csv(mapped: House) -> None:
    ran = mapped.run("mapping", "coverage", "--codes", "--csv")
    (row,) = csv.DictReader(io.StringIO(ran.stdout))
    assert (row["code"], row["lines"], row["amount"]) == ("4710", "2", "10.00 EUR")


def test_suggestions_rank_by_what_they_would_free(mapped: House) -> None:
    ran = mapped.run("mapping", "suggest", "--json")
    assert ran.exit_code == 2
    first, second = json.loads(ran.stdout)
    assert (first["code"], first["name"], first["lines"]) == ("4710", "Kantoorkosten", 2)
    assert first["suggestions"][0]["code"] == "4200"
    assert first["documents"] == ["26001", "26002"]
    assert (second["code"], second["suggestions"]) == ("8888", [])
    assert not (mapped.folder / "mapping").exists(), "nothing is applied by itself"


def test_an_accepted_suggestion_is_a_rule_with_who_and_when(mapped: House, store: Store) -> None:
    ran = mapped.run(
        "mapping", "suggest", "--accept", "gl-account:4710=4200", "--division", "101", "--by", "ina"
    )
    assert ran.exit_code == 0
    (line,) = (mapped.folder / "mapping" / "rules.csv").read_text().splitlines()[1:]
    assert line.startswith("101,gl_account,4710,")
    assert "by ina" in line
    (event,) = [one for one in store.audit.events() if one.kind == "rule_accepted"]
    assert (event.division, event.detail["actor"]) == (101, "ina")
    assert "4710" in event.detail["rule"]
    again = mapped.run(
        "mapping", "suggest", "--accept", "gl-account:4710=4000", "--division", "101"
    )
    assert (again.exit_code, "same codes on the same days" in again.output) == (1, True)


@pytest.mark.parametrize("text", ["4710=4200", "gl_account:=4200", "supplier:1=2", "gl_account:1="])
def test_what_cannot_be_accepted_is_told(mapped: House, text: str) -> None:
    ran = mapped.run("mapping", "suggest", "--accept", text)
    assert (ran.exit_code, "--accept takes" in ran.output) == (1, True)
