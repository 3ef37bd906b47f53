# ruff: noqa: ANN001 - fixtures stand in conftest.py
"""The sync endpoints: headers and lines in one read, rows seen late, what was deleted."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from exactonline_client import UnexpectedAnswer
from s2p_sandbox.faults import Fault
from s2p_store import Store
from tap_exactonline.reading import DivisionReader

ORDERS = "purchaseorder/PurchaseOrders"
LINES = "purchaseorder/PurchaseOrderLines"
BOTH = ("purchase_orders", "purchase_order_lines")


def _orders(rows, count: int, lines: int = 2, first: int = 0) -> list[tuple[str, dict[str, Any]]]:
    made: list[tuple[str, dict[str, Any]]] = []
    for number in range(first, first + count):
        order = rows.guid(8, number)
        values = {"Division": 101, "Modified": rows.base, "OrderNumber": number}
        made.append((ORDERS, {"PurchaseOrderID": order, **values}))
        made += [
            (
                LINES,
                {
                    "ID": rows.guid(9, number * 100 + line),
                    "PurchaseOrderID": order,
                    "LineNumber": line,
                    "Division": 101,
                    "Modified": rows.base,
                },
            )
            for line in range(1, lines + 1)
        ]
    return made


def _calls(runner) -> int:
    config = runner.config()
    with Store.open(config["store_url"], config["store_key"]) as store:
        return store.runs.report("test-run").calls["exactonline"]


def _keys(output) -> set[str]:
    return {
        record["ID"] if stream == "purchase_order_lines" else record["PurchaseOrderID"]
        for stream in BOTH
        for record in output.records(stream)
    }


def test_orders_and_their_lines_are_read_once(runner, rows) -> None:
    runner.exact.store.load_mixed(_orders(rows, 3))
    output = runner.run(*BOTH)
    assert output.counts() == {"purchase_orders": 3, "purchase_order_lines": 6}
    assert _calls(runner) == 2  # the divisions, the feed


def test_a_line_comes_after_its_order(runner, rows) -> None:
    """Also where a page ends between the two."""
    made = _orders(rows, 7, lines=3)
    runner.exact.store.load_mixed(sorted(made, key=lambda one: one[0], reverse=True))
    runner.exact.faults.add(Fault("short_page", match="sync/", times=None, params={"rows": 4}))
    output = runner.run(*BOTH)
    known: set[str] = set()
    for message in output.messages:
        if message["type"] == "RECORD":
            order = message["record"]["PurchaseOrderID"]
            if message["stream"] == "purchase_orders":
                known.add(order)
            assert order in known
    assert output.counts() == {"purchase_orders": 7, "purchase_order_lines": 21}


def test_a_line_whose_order_does_not_come_is_not_kept_back(runner, rows) -> None:
    runner.exact.store.load_mixed(_orders(rows, 1))
    first = runner.run("purchase_orders")
    second = runner.run(*BOTH, state=first.state)
    assert second.counts() == {"purchase_order_lines": 2}
    assert runner.run(*BOTH, state=second.state).counts() == {}


def test_a_feed_that_died_at_any_page_loses_nothing(runner, rows, monkeypatch) -> None:
    monkeypatch.setattr("tap_exactonline.tap._STATE_EVERY", 1)
    made = _orders(rows, 4)
    runner.exact.store.load_mixed(sorted(made, key=lambda one: one[0], reverse=True))
    short = Fault("short_page", match="sync/", times=None, params={"rows": 3})
    runner.exact.faults.add(short)
    whole = runner.run(*BOTH)
    assert len(_keys(whole)) == 12
    for survived in range(5):
        runner.exact.faults.clear()
        runner.exact.faults.add(Fault("html", match="GET .*sync/", after=survived))
        runner.exact.faults.add(short)
        first = runner.run(*BOTH)
        if first.error is not None:
            assert isinstance(first.error, UnexpectedAnswer)
        runner.exact.faults.clear()
        second = runner.run(*BOTH, state=first.state)
        assert second.error is None
        assert _keys(first) | _keys(second) == _keys(whole)


@pytest.mark.parametrize("streams", [("items",), BOTH])
def test_a_row_that_becomes_visible_late_is_found_and_none_is_repeated(
    runner, rows, streams
) -> None:
    runner.exact.store.load_mixed(rows.many("logistics/Items", 4, 5, Division=101), 101)
    runner.exact.store.load_mixed(_orders(rows, 2))
    runner.exact.faults.add(Fault("late_row", match="sync/"))
    first = runner.run(*streams)
    second = runner.run(*streams, state=first.state)
    assert sum(second.counts().values()) == 1
    assert runner.run(*streams, state=second.state).counts() == {}
    total = sum(first.counts().values()) + 1
    assert total == (5 if streams == ("items",) else 6)


def test_two_months_of_silence_are_told_and_everything_is_read_again(
    runner, rows, caplog: pytest.LogCaptureFixture
) -> None:
    runner.exact.switches.set(refresh_token_days=1000)
    runner.exact.store.load_mixed(rows.many("logistics/Items", 4, 3, Division=101), 101)
    first = runner.run("items")
    runner.exact.clock.advance(50 * 86_400)
    second = runner.run("items", state=first.state)
    assert second.counts() == {}
    runner.exact.clock.advance(60 * 86_400)
    with caplog.at_level(logging.WARNING):
        third = runner.run("items", state=second.state)
    assert third.counts() == {"items": 3}
    assert "two months" in caplog.text
    assert runner.run("items", state=third.state).counts() == {}


def test_a_deletion_names_what_was_deleted(runner, rows) -> None:
    runner.exact.store.load_mixed(_orders(rows, 1))
    runner.exact.store.load_mixed(rows.many("logistics/Items", 4, 2, Division=101), 101)
    first = runner.run("items", *BOTH, "deletions")
    runner.exact.store.delete(ORDERS, 101, rows.guid(8, 0))
    runner.exact.store.delete("logistics/Items", 101, rows.guid(4, 1))
    second = runner.run("items", *BOTH, "deletions", state=first.state)
    told = {(one["EntityName"], one["EntityKey"]) for one in second.records("deletions")}
    assert ("PurchaseOrders", rows.guid(8, 0)) in told
    assert ("Items", rows.guid(4, 1)) in told
    third = runner.run("items", *BOTH, "deletions", state=second.state)
    assert third.counts() == {}


def test_a_record_that_is_there_again_is_not_told_as_deleted(runner, rows) -> None:
    items = list(rows.many("logistics/Items", 4, 2, Division=101))
    runner.exact.store.load_mixed(items, 101)
    first = runner.run("items", "deletions")
    for _, item in items:
        runner.exact.store.delete("logistics/Items", 101, item["ID"])
    runner.exact.store.load_mixed(items[:1], 101)
    second = runner.run("items", "deletions", state=first.state)
    assert [one["ID"] for one in second.records("items")] == [items[0][1]["ID"]]
    assert [one["EntityKey"] for one in second.records("deletions")] == [items[1][1]["ID"]]


def test_an_account_that_is_there_again_is_not_told_as_deleted(runner, rows) -> None:
    accounts = list(rows.many("financial/GLAccounts", 4, 2, Division=101, Code="1"))
    runner.exact.store.load_mixed(accounts, 101)
    first = runner.run("gl_accounts", "deletions")
    for _, account in accounts:
        runner.exact.store.delete("financial/GLAccounts", 101, account["ID"])
    runner.exact.store.load_mixed(accounts[:1], 101)
    second = runner.run("gl_accounts", "deletions", state=first.state)
    assert [one["EntityKey"] for one in second.records("deletions")] == [accounts[1][1]["ID"]]


def test_an_account_that_is_deleted_while_accounts_are_read_is_told_later(
    runner, rows, monkeypatch
) -> None:
    runner.exact.store.load_mixed(
        rows.many("financial/GLAccounts", 4, 2, Division=101, Code="1"), 101
    )
    first = runner.run("gl_accounts", "deletions")
    read = DivisionReader.read

    def read_and_delete(self: DivisionReader) -> None:
        read(self)
        if self._source.name == "gl_accounts":
            runner.exact.store.delete("financial/GLAccounts", 101, rows.guid(4, 1))

    monkeypatch.setattr(DivisionReader, "read", read_and_delete)
    second = runner.run("gl_accounts", "deletions", state=first.state)
    monkeypatch.undo()
    # Whoever has just met the account would take its deletion for history.
    assert second.records("deletions") == []
    third = runner.run("gl_accounts", "deletions", state=second.state)
    assert [one["EntityKey"] for one in third.records("deletions")] == [rows.guid(4, 1)]


def test_deletions_wait_for_the_entities_and_survive_a_kill_in_between(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.many("logistics/Items", 4, 2, Division=101), 101)
    first = runner.run("items", "deletions")
    runner.exact.store.delete("logistics/Items", 101, rows.guid(4, 1))
    runner.exact.faults.add(Fault("html", match="sync/Logistics"))
    second = runner.run("items", "deletions", state=first.state)
    assert isinstance(second.error, UnexpectedAnswer)
    assert second.records("deletions") == []
    third = runner.run("items", "deletions", state=second.state or first.state)
    assert [one["EntityKey"] for one in third.records("deletions")] == [rows.guid(4, 1)]
