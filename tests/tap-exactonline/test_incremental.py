# ruff: noqa: ANN001 - fixtures stand in conftest.py
"""What a second run reads, and what a run reads that another left unfinished."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from exactonline_client import ForeignRow, UnexpectedAnswer
from s2p_sandbox.faults import Fault
from tap_exactonline.definitions import STREAMS
from tap_exactonline.tap import IncompleteRun

WHOLE = {"divisions", "gl_accounts", "cost_centers", "cost_units", "item_groups"} | {
    "payment_conditions",
    "vat_codes",
}
KEYS = {definition.name: definition.keys for definition in STREAMS}


def _by_key(stream: str, records: list[dict[str, Any]]) -> dict[tuple, dict[str, Any]]:
    return {tuple(record[name] for name in KEYS[stream]): record for record in records}


def _is_subsequence(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(name in rest for name in part)


def test_everything_arrives_once_in_order_and_exact(seeded_runner) -> None:
    output = seeded_runner.run()
    assert output.error is None
    there = seeded_runner.exact.store.counts()
    counts = output.counts()
    for definition in STREAMS:
        resource = (definition.fallback or definition.endpoint).resource
        if resource.startswith(("bulk/", "sync/")):
            resource = {"bulk/Financial/GLAccounts": "financial/GLAccounts"}.get(resource, resource)
        if definition.name != "deletions":
            assert counts[definition.name] == there[resource], definition.name
        records = output.records(definition.name)
        assert len(_by_key(definition.name, records)) == len(records)
    streams = [m["stream"] for m in output.messages if m["type"] == "SCHEMA"]
    assert _is_subsequence(streams, [definition.name for definition in STREAMS])
    account = output.records("accounts")[0]
    assert account["Code"] == account["Code"].strip()
    assert account["Modified"].endswith("Z")
    line = output.records("purchase_order_lines")[0]
    assert {"Supplier", "Currency", "OrderNumber", "CostCenter"} <= line.keys()
    amounts = [entry["AmountDC"] for entry in output.records("purchase_entries")]
    assert all(isinstance(amount, (Decimal, int)) for amount in amounts)


def test_nothing_changed_means_nothing_read_again(seeded_runner) -> None:
    first = seeded_runner.run()
    second = seeded_runner.run(state=first.state)
    assert second.error is None
    assert set(second.counts()) == WHOLE


def test_a_week_later_exactly_the_changes_are_read(seeded_runner) -> None:
    first = seeded_runner.run()
    seeded_runner.exact.advance()
    second = seeded_runner.run(state=first.state)
    third = seeded_runner.run(state=second.state)
    assert set(third.counts()) == WHOLE
    fresh = seeded_runner.run()
    deleted = {record["EntityKey"] for record in second.records("deletions")}
    assert deleted
    for definition in STREAMS:
        name = definition.name
        if name in WHOLE or name == "deletions":
            continue
        known = _by_key(name, first.records(name))
        changed = _by_key(name, second.records(name))
        now = _by_key(name, fresh.records(name))
        merged = {
            key: record
            for key, record in {**known, **changed}.items()
            if not deleted & {key[-1], record.get("PurchaseOrderID")}
        }
        assert merged == now, name
        # Not more than the changes: lines may come along with their changed header only.
        if definition.lines_of is None and name != "purchase_order_lines":
            assert all(known.get(key) != record for key, record in changed.items()), name


def _fill(runner, rows) -> None:
    exact = runner.exact
    exact.store.load_mixed(rows.entries(130))
    many = rows.many
    exact.store.load_mixed(many("purchase/PurchaseInvoices", 3, 70, Currency="EUR"), 101)
    exact.store.load_mixed(many("logistics/Items", 4, 2100, Division=101, Code="I"), 101)
    exact.store.load_mixed(many("hrm/Costcenters", 5, 65, Division=101, Code="C"), 101)


STREAMS_USED = ("cost_centers", "items", "purchase_invoices", "purchase_entries")


@pytest.mark.parametrize("commit_every", [1, 1000])
def test_a_run_that_died_at_any_page_loses_nothing(runner, rows, monkeypatch, commit_every) -> None:
    monkeypatch.setattr("tap_exactonline.tap._STATE_EVERY", commit_every)
    _fill(runner, rows)
    streams = (*STREAMS_USED, "purchase_entry_lines")
    whole = runner.run(*streams)
    assert whole.error is None
    calls = 1 + 2 + 3 + 2 + 3
    for survived in range(calls + 1):
        runner.exact.faults.add(Fault("html", match="GET /api/v1/101/", after=survived))
        first = runner.run(*streams)
        assert isinstance(first.error, UnexpectedAnswer) == (survived < calls)
        runner.exact.faults.clear()
        second = runner.run(*streams, state=first.state)
        assert second.error is None
        for stream in streams:
            read = _by_key(stream, first.records(stream) + second.records(stream))
            assert read == _by_key(stream, whole.records(stream)), (survived, stream)


def test_an_unfinished_read_goes_on_at_its_page(runner, rows, monkeypatch) -> None:
    monkeypatch.setattr("tap_exactonline.tap._STATE_EVERY", 1)
    runner.exact.store.load_mixed(rows.entries(190))
    runner.exact.faults.add(Fault("html", match="PurchaseEntries", after=2))
    first = runner.run("purchase_entries")
    runner.exact.faults.clear()
    second = runner.run("purchase_entries", state=first.state)
    assert (len(first.records("purchase_entries")), len(second.records("purchase_entries"))) == (
        120,
        70,
    )
    third = runner.run("purchase_entries", state=second.state)
    assert third.records("purchase_entries") == []


def test_a_link_that_is_no_longer_good_is_replaced_by_a_new_start(
    runner, rows, monkeypatch
) -> None:
    monkeypatch.setattr("tap_exactonline.tap._STATE_EVERY", 1)
    runner.exact.store.load_mixed(rows.entries(130))
    runner.exact.faults.add(Fault("html", match="PurchaseEntries", after=1))
    first = runner.run("purchase_entries")
    runner.exact.faults.clear()
    runner.exact.faults.add(Fault("status", match="skiptoken", params={"code": 400}))
    second = runner.run("purchase_entries", state=first.state)
    assert second.error is None
    assert len(second.records("purchase_entries")) == 130


def test_the_overlap_finds_a_late_row_and_repeats_none(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(3))
    first = runner.run("purchase_entries")
    late = list(rows.entries(1, first=9))
    late[0][1]["Modified"] = rows.base + timedelta(minutes=1, seconds=30)
    runner.exact.store.load_mixed(late)
    second = runner.run("purchase_entries", state=first.state)
    assert [record["EntryNumber"] for record in second.records("purchase_entries")] == [9]
    third = runner.run("purchase_entries", state=second.state)
    assert third.records("purchase_entries") == []


def test_lines_selected_later_are_read_from_the_beginning(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(5))
    first = runner.run("purchase_entries")
    second = runner.run("purchase_entries", "purchase_entry_lines", state=first.state)
    assert len(second.records("purchase_entry_lines")) == 10
    third = runner.run("purchase_entries", "purchase_entry_lines", state=second.state)
    assert third.counts() == {}


def test_lines_alone_come_without_their_headers(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(5))
    first = runner.run("purchase_entry_lines")
    assert first.counts() == {"purchase_entry_lines": 10}
    assert {line["Division"] for line in first.records("purchase_entry_lines")} == {101}
    assert runner.run("purchase_entry_lines", state=first.state).counts() == {}


@pytest.mark.parametrize("lines", [60, 61, 120])
def test_lists_that_may_be_cut_are_read_again(runner, rows, lines) -> None:
    runner.exact.switches.set(expand_limit=60)
    runner.exact.store.load_mixed(rows.entries(2, lines=lines))
    output = runner.run("purchase_entry_lines")
    assert len(output.records("purchase_entry_lines")) == 2 * lines


def test_only_what_is_selected_is_asked_for(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(1))
    catalog = runner.catalog("purchase_entries")
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if entry["breadcrumb"]:
                entry["metadata"]["selected"] = entry["breadcrumb"][1] == "EntryNumber"
    (record,) = runner.run(catalog=catalog).records("purchase_entries")
    assert set(record) == {"Division", "EntryID", "Modified", "EntryNumber"}


def test_a_start_date_leaves_older_rows_out(runner, rows) -> None:
    _fill(runner, rows)
    start = "2026-03-02T12:00:00Z"  # 13:00 on Exact's clock: an hour after the first row
    output = runner.run("items", "purchase_entries", start_date=start)
    assert len(output.records("purchase_entries")) == 70
    assert len(output.records("items")) == 2040
    assert runner.run("items", "purchase_entries", state=output.state).counts() == {}


def test_a_moved_division_is_read_again_from_the_beginning(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.many("logistics/Items", 4, 5, Division=101), 101)
    first = runner.run("items")
    assert runner.run("items", state=first.state).counts() == {}
    runner.exact.store.move_division(101)
    second = runner.run("items", state=first.state)
    assert len(second.records("items")) == 5
    assert runner.run("items", state=second.state).counts() == {}


def test_orders_without_the_sync_package_come_from_the_regular_endpoints(seeded_runner) -> None:
    usual = seeded_runner.run("purchase_orders", "purchase_order_lines")
    seeded_runner.exact.switches.set(purchase_order_sync=False)
    output = seeded_runner.run("purchase_orders", "purchase_order_lines")
    assert output.error is None
    for stream in ("purchase_orders", "purchase_order_lines"):
        slow = _by_key(stream, output.records(stream))
        fast = _by_key(stream, usual.records(stream))
        assert slow.keys() == fast.keys()
        shared = {"CostCenter", "OrderNumber", "AmountDC"} if stream.endswith("s") else set()
        for key, record in slow.items():
            assert record.keys() == fast[key].keys()
            for name in shared & {"CostCenter", "AmountDC"} & record.keys():
                assert record[name] == fast[key][name]
    again = seeded_runner.run("purchase_orders", "purchase_order_lines", state=output.state)
    assert again.counts() == {}


def test_deletions_that_may_not_be_read_are_a_warning(seeded_runner) -> None:
    seeded_runner.exact.switches.set(denied_scopes=["organization.administration"])
    output = seeded_runner.run("deletions", "cost_centers")
    assert output.error is None
    assert output.records("cost_centers")


def test_a_stream_that_is_refused_lets_the_others_go_on(seeded_runner) -> None:
    seeded_runner.exact.switches.set(purchase_module=False)
    output = seeded_runner.run("purchase_invoices", "bank_entries")
    assert isinstance(output.error, IncompleteRun)
    assert "purchase_invoices" in str(output.error)
    assert output.records("bank_entries")
    assert output.state is not None


def test_an_unknown_division_is_named_and_the_others_read(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(1))
    output = runner.run("divisions", "purchase_entries", divisions=[999, 101])
    assert "999" in str(output.error)
    assert output.counts() == {"divisions": 1, "purchase_entries": 1}


def test_a_division_that_is_closed_is_told_once(runner, rows) -> None:
    runner.exact.add_division(102, "Open")
    runner.exact.store.load_mixed(rows.entries(1))
    runner.exact.store.load_mixed(
        rows.many("hrm/Costcenters", 5, 2, _division=102, Division=102, Code="C")
    )
    runner.exact.switches.set(denied_divisions=[101])
    output = runner.run(divisions=[102, 101])
    assert str(output.error).count("NoDivisionAccess") == 1
    assert len(output.records("cost_centers")) == 2
    assert output.records("purchase_entries") == []


def test_a_request_that_is_wrong_is_not_repeated_elsewhere(runner) -> None:
    runner.exact.add_division(102, "Other")
    runner.exact.faults.add(Fault("status", match="BankEntries", times=None, params={"code": 400}))
    output = runner.run("bank_entries", divisions=[101, 102])
    assert "bank_entries" in str(output.error)
    assert "102" not in str(output.error)


def test_no_divisions_means_the_one_that_was_open_at_the_start(runner, rows) -> None:
    """The user's clicks change the current division, and must not change what is read."""
    runner.exact.store.load_mixed(rows.entries(1))
    assert runner.run("purchase_entries", divisions=[]).counts() == {"purchase_entries": 1}
    runner.exact.add_division(99, "Opened later", Country="NL")
    runner.exact.store.change("system/Divisions", 0, "99", {"Current": True})
    again = runner.run("purchase_entries", "divisions", divisions=[])
    assert [record["Code"] for record in again.records("divisions")] == [101]


def test_the_reserve_ends_a_run_cleanly_and_the_next_day_goes_on(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(200))
    runner.exact.switches.set(daily_limit=8)
    first = runner.run("purchase_entries", reserve_daily_calls=5)
    assert first.error is None
    assert 0 < len(first.records("purchase_entries")) < 200
    runner.exact.clock.advance(86_400)
    runner.exact.switches.set(daily_limit=5000)
    second = runner.run("purchase_entries", state=first.state)
    both = first.records("purchase_entries") + second.records("purchase_entries")
    assert len(_by_key("purchase_entries", both)) == 200


def test_the_numbers_of_a_run_are_kept(runner, rows) -> None:
    from s2p_store import Store  # noqa: PLC0415 - only this test looks into the store

    runner.exact.store.load_mixed(rows.entries(3))
    runner.run("purchase_entries", "purchase_entry_lines")
    config = runner.config()
    with Store.open(config["store_url"], config["store_key"]) as store:
        report = store.runs.report("test-run")
    assert report.counter("purchase_entries", "read") == 3
    assert report.counter("purchase_entry_lines", "read") == 6
    assert report.calls["exactonline"] == 2
    assert [(plugin.plugin, plugin.ok) for plugin in report.plugins] == [("tap-exactonline", True)]


def test_the_state_holds_no_secret_and_stays_small(seeded_runner) -> None:
    output = seeded_runner.run()
    text = json.dumps(output.state)
    assert "token" not in text.lower().replace("skiptoken", "")
    assert len(text) < 20_000


def test_an_endpoint_of_two_streams_is_refused_once(runner, rows) -> None:
    """Only the first call is refused: whoever asked again would get lines."""
    orders = "sync/PurchaseOrder/PurchaseOrders"
    runner.exact.faults.add(Fault("status", match=orders, times=1, params={"code": 404}))
    runner.exact.store.load_mixed(_orders(rows, 2))
    output = runner.run("purchase_orders", "purchase_order_lines")
    assert output.counts() == {}
    assert "purchase_orders" in str(output.error)
    assert "purchase_order_lines" in str(output.error)


def test_a_resource_that_keeps_failing_does_not_stop_the_others(runner, rows) -> None:
    invoices = "purchase/PurchaseInvoices"
    runner.exact.store.load_mixed(rows.entries(3))
    runner.exact.store.load_mixed(rows.many(invoices, 6, 3))
    runner.exact.faults.add(Fault("status", match=invoices, times=None, params={"code": 500}))
    first = runner.run("purchase_invoices", "purchase_entries")
    assert "purchase_invoices" in str(first.error)
    assert first.counts() == {"purchase_entries": 3}
    runner.exact.faults.clear()
    second = runner.run("purchase_invoices", "purchase_entries", state=first.state)
    assert second.counts() == {"purchase_invoices": 3}


def test_a_link_that_only_fails_any_more_is_replaced_too(runner, rows, monkeypatch) -> None:
    monkeypatch.setattr("tap_exactonline.tap._STATE_EVERY", 1)
    runner.exact.store.load_mixed(rows.entries(130))
    runner.exact.faults.add(Fault("html", match="PurchaseEntries", after=1))
    first = runner.run("purchase_entries")
    runner.exact.faults.clear()
    runner.exact.faults.add(Fault("status", match="skiptoken", times=3, params={"code": 500}))
    second = runner.run("purchase_entries", state=first.state)
    assert second.error is None
    assert len(second.records("purchase_entries")) == 130


def test_a_line_of_another_division_stops_the_read(runner, rows) -> None:
    mixed = list(rows.entries(1))
    mixed[-1] = (mixed[-1][0], {**mixed[-1][1], "_division": 101, "Division": 42})
    runner.exact.store.load_mixed(mixed)
    output = runner.run("purchase_entries", "purchase_entry_lines")
    assert isinstance(output.error, ForeignRow)
    assert output.records("purchase_entry_lines") == []


def test_the_overlap_begins_with_a_whole_second(runner, rows) -> None:
    entries = list(rows.entries(2, lines=0))
    entries[0][1]["Modified"] = rows.base + timedelta(milliseconds=300)
    entries[1][1]["Modified"] = rows.base + timedelta(seconds=120, milliseconds=700)
    runner.exact.store.load_mixed(entries)
    first = runner.run("purchase_entries")
    assert len(first.records("purchase_entries")) == 2
    assert runner.run("purchase_entries", state=first.state).counts() == {}


def _orders(rows, count: int) -> list[tuple[str, dict[str, Any]]]:
    return [
        (
            "purchaseorder/PurchaseOrders",
            {
                "PurchaseOrderID": rows.guid(8, number),
                "Division": 101,
                "OrderNumber": number,
                "Modified": rows.base,
            },
        )
        for number in range(count)
    ]
