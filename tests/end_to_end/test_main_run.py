"""The main run on real input: a first load, what it frees, a quiet run, and what a week changes.

One story, told in order, on one sandbox with all its seed data: 16,000 records of three divisions.
What is expected was computed from the seeds alone, without the product
(tests/sandbox/seeds/expected_mapping.json).
"""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.pipeline import Pipeline, Run, sandbox

from s2p_sandbox.seeds import exact_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXPECTED = json.loads(
    (ROOT / "tests" / "sandbox" / "seeds" / "expected_mapping.json").read_text(),
)
SUPPLIERS = 930
LINES = ("purchase_order_lines", "purchase_invoice_lines", "purchase_entry_lines")

pytestmark = pytest.mark.xdist_group("main_run")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    home = tmp_path_factory.mktemp("main_run")
    with sandbox(home / "sandbox") as settings:
        yield Pipeline(home, settings)


@pytest.fixture(scope="module")
def first(pipeline: Pipeline) -> Run:
    return pipeline.run()


@pytest.fixture(scope="module")
def second(pipeline: Pipeline, first: Run) -> Run:
    assert first.codes == (0, 0, 0)
    pipeline.next_minute()
    return pipeline.run()


@pytest.fixture(scope="module")
def third(pipeline: Pipeline, second: Run) -> Run:
    assert second.codes == (0, 0, 0)
    pipeline.next_minute()
    return pipeline.run()


@pytest.fixture(scope="module")
def later(pipeline: Pipeline, third: Run) -> Run:
    assert third.codes == (0, 0, 0)
    for system in ("exact", "servicenow"):
        pipeline.control(system, "advance")
    pipeline.next_minute()
    return pipeline.run()


def test_every_line_is_mapped_or_held_as_computed_from_the_seeds(first: Run) -> None:
    assert first.codes == (0, 0, 0), first.logs
    for stream in LINES:
        counters = first.stream(stream)
        assert {name: counters[name] for name in ("read", "mapped", "held")} == EXPECTED["streams"][
            stream
        ]
    reasons = {each["reason"]: each["lines"] for each in first.summary["hold_reasons"]}
    assert reasons.items() <= EXPECTED["reasons"].items()


def test_nothing_that_was_read_is_unaccounted_for(first: Run) -> None:
    for row in first.summary["streams"]:
        if row["read"]:
            accounted = (row[name] for name in ("staged", "held", "failed", "not_written"))
            assert row["read"] == sum(accounted), row
    assert first.stream("accounts")["staged"] == SUPPLIERS
    assert first.stream("supplier_legal_entities")["staged"] == SUPPLIERS
    assert first.summary["total"]["failed"] == 0


def test_the_readme_shows_what_the_commands_show(pipeline: Pipeline, first: Run) -> None:
    assert first.codes == (0, 0, 0)
    examples = examples_of(ROOT / "README.md")
    assert {"held list", "mapping coverage", "explain 11248"} <= set(examples)
    shutil.copy(ROOT / "meltano.yml", pipeline.home)  # the schedules
    for command, lines in examples.items():
        printed = [line.split() for line in pipeline.shown(*command.split()).splitlines()]
        for line in lines:
            assert any(is_part(line.split(), whole) for whole in printed), (command, line)


def examples_of(path: Path) -> dict[str, list[str]]:
    """Commands shown in a document, with the lines that they are said to print."""
    found: dict[str, list[str]] = {}
    for block in re.findall(
        r"^```console\n\$ s2p (.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL
    ):
        command, *lines = block.splitlines()
        found[command] = lines
    return found


def is_part(words: list[str], whole: list[str]) -> bool:
    """Whether a line has these words in this order: columns may be left out of a document."""
    left = iter(whole)
    return all(word in left for word in words)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("sn_fin_supplier", SUPPLIERS),
        ("sn_fin_supplier_detail", SUPPLIERS),
        ("sn_shop_purchase_order", 1477),
        ("sn_shop_purchase_order_line", EXPECTED["streams"]["purchase_order_lines"]["mapped"]),
        ("sn_shop_invoice", 308 + 3385),
        (
            "sn_shop_invoice_line",
            EXPECTED["streams"]["purchase_invoice_lines"]["mapped"]
            + EXPECTED["streams"]["purchase_entry_lines"]["mapped"],
        ),
    ],
)
def test_the_primary_tables_hold_each_record_once(
    pipeline: Pipeline,
    first: Run,
    table: str,
    rows: int,
) -> None:
    assert first.codes == (0, 0, 0)
    assert len(pipeline.rows(table, sysparm_fields="sys_id")) == rows


def test_every_staged_line_has_a_gl_account_of_its_own_erp_source(
    pipeline: Pipeline,
    first: Run,
) -> None:
    assert first.codes == (0, 0, 0)
    accounts = {row["sys_id"]: row for row in pipeline.rows("sn_fin_gl_account")}
    lines = pipeline.rows("sn_shop_invoice_line", sysparm_fields="ledger_account,erp_source")
    assert {accounts[line["ledger_account"]]["inactive"] for line in lines} == {"false"}


def test_held_lines_are_parked_and_not_transformed(pipeline: Pipeline, first: Run) -> None:
    held = EXPECTED["streams"]["purchase_order_lines"]["held"]
    parked = pipeline.rows("sn_fcms_intg_imp_order_line", "sys_import_state=pending")
    assert len(parked) == held == first.stream("purchase_order_lines")["held"]
    assert not [row for row in parked if row["sys_target_sys_id"]]
    assert all("_" in row["sys_import_state_comment"] for row in parked)


def test_money_arrives_to_the_cent(pipeline: Pipeline, first: Run) -> None:
    assert first.codes == (0, 0, 0)
    amounts = {"purchaseentry/PurchaseEntries": "AmountFC", "purchase/PurchaseInvoices": "Amount"}
    published: dict[str, Decimal] = defaultdict(Decimal)
    for resource, row in exact_rows():
        if resource in amounts:
            published[row["Currency"]] += row[amounts[resource]]
    staged: dict[str, Decimal] = defaultdict(Decimal)
    for row in pipeline.rows("sn_spend_intg_imp_invoice"):
        staged[row["u_currency"]] += Decimal(row["u_amount_invoiced"])
    assert staged == published


def test_what_the_first_run_staged_frees_lines_in_the_second(
    pipeline: Pipeline,
    second: Run,
) -> None:
    assert second.codes == (0, 0, 0), second.logs
    total = second.summary["total"]
    freed = sum(second.stream(stream)["released"] for stream in LINES)
    assert 0 < freed == total["inserted"]
    assert (total["updated"], total["failed"]) == (0, 0)
    waiting = len(pipeline.s2p("held", "export"))
    assert freed + waiting == sum(EXPECTED["streams"][stream]["held"] for stream in LINES)
    # What is parked in the staging tables is what still waits, no more and no less.
    tables = (
        "sn_fcms_intg_imp_order_line",
        "sn_spend_intg_imp_invoice_line",
    )
    assert waiting == sum(len(pipeline.rows(table, "sys_import_state=pending")) for table in tables)


def test_a_quiet_run_sends_nothing_again(third: Run) -> None:
    assert third.codes == (0, 0, 0), third.logs
    total = third.summary["total"]
    assert [total[name] for name in ("staged", "inserted", "updated", "failed")] == [0, 0, 0, 0]
    assert third.summary["calls"]["servicenow"] < 60


def test_a_week_later_exactly_the_changes_arrive(pipeline: Pipeline, later: Run) -> None:
    assert later.codes == (0, 0, 0), later.logs
    total = later.summary["total"]
    assert 0 < total["inserted"] < 100
    assert 0 < total["updated"] < 100
    assert total["failed"] == 0
    names = {row["legal_name"] for row in pipeline.rows("sn_fin_supplier", "legal_nameLIKEHolding")}
    assert names


def test_the_audit_trail_is_whole_and_tells_each_document(pipeline: Pipeline, later: Run) -> None:
    assert later.codes == (0, 0, 0)
    assert pipeline.s2p("audit", "verify")["intact"] is True
    life = pipeline.s2p("explain", "10001")
    assert life


def test_everything_that_was_read_has_its_place(pipeline: Pipeline, later: Run) -> None:
    assert later.codes == (0, 0, 0)
    found = pipeline.s2p("reconcile")
    assert found["troubles"] == []
    assert {one["unaccounted"] for one in found["streams"]} == {0}
    invoices = [
        one for one in found["stock"] if one["staging_table"] == "sn_spend_intg_imp_invoice"
    ]
    there = sum(one["found_in_servicenow"] for one in invoices)
    assert there == len(pipeline.rows("sn_shop_invoice", sysparm_fields="sys_id"))
    waiting = sum(one["held"] for one in found["stock"])
    assert waiting == len(pipeline.s2p("held", "export"))


def test_every_amount_is_in_servicenow_to_the_cent(pipeline: Pipeline, later: Run) -> None:
    assert later.codes == (0, 0, 0)
    found = pipeline.s2p("reconcile")
    assert {one["unaccounted"]["records"] for one in found["shares"]} == {0}
    assert not any(one["unaccounted"]["amounts"] for one in found["shares"])
    compared = {
        (one["division"], one["staging_table"]): one
        for one in found["stock"]
        if one["amounts_in_servicenow"] is not None
    }
    assert len(compared) == 10  # orders of one division; invoices, lines and payments of three
    for one in compared.values():
        assert one["amounts_in_servicenow"] == one["amounts"]["done"]
    order = pipeline.rows("sn_shop_purchase_order", "erp_number=10001")[0]
    correct = order["total_amount"]
    change = {"table": "sn_shop_purchase_order", "key": ["erp_number", "erp_source"]}
    keys = {name: order[name] for name in change["key"]}
    pipeline.control("servicenow", "rows", **change, rows=[{**keys, "total_amount": "EUR;0.01"}])
    (trouble,) = pipeline.s2p("reconcile")["troubles"]
    assert "10001" in trouble
    assert "there it is 0.01" in trouble
    pipeline.control(
        "servicenow", "rows", **change, rows=[{**keys, "total_amount": f"EUR;{correct}"}]
    )
    assert pipeline.s2p("reconcile")["troubles"] == []


def test_what_became_of_documents_is_told(pipeline: Pipeline, later: Run) -> None:
    assert later.codes == (0, 0, 0)
    first = pipeline.outcomes()
    assert first.codes == (0, 0), first.logs
    (order,) = pipeline.rows("sn_shop_purchase_order", "erp_number=10001")
    told = f"Purchase order {order['number']} is ordered in ServiceNow"
    assert any(told in sentence for sentence in pipeline.s2p("explain", "10001")["standing"])
    events = len(pipeline.s2p("audit", "show", "--limit", "100000"))
    assert pipeline.outcomes().codes == (0, 0)
    assert len(pipeline.s2p("audit", "show", "--limit", "100000")) == events
    pipeline.control("servicenow", "jobs", name="Validate and process invoices")
    moved = pipeline.outcomes()
    assert moved.summary["streams"]
    states = {
        event["detail"]["state"]
        for event in pipeline.s2p("audit", "show", "--limit", "100000")
        if event["kind"] == "seen" and event["stream"] in {"purchase_entries", "purchase_invoices"}
    }
    assert {"draft", "accepted"} <= states
